"""Writes `filters.jsonl`: synthetic documents with the outcome that datatrove's own filters give.

    python make_filters.py > filters.jsonl                   # needs spacy==3.8.18 and datatrove==0.10.0
    python make_filters.py --texts texts.jsonl > more.jsonl  # of the `text` of each line

The documents are put together here, by a generator with a fixed seed, so that each comes close to some threshold.
A line holds the outcome of each filter (`true` or the reason), of FineWeb's chain (with the number of the filter), the
texts that the C4 filter leaves, and the measures behind the decisions.
"""

import argparse
import importlib.metadata  # datatrove forgets to
import json
import random
import sys

import numpy as np

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.filters import gopher_quality_filter as quality
from datatrove.pipeline.filters import gopher_repetition_filter as repetition
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION, split_into_sentences, split_into_words

FILTERS = {
    "gopher_rep": GopherRepetitionFilter(),
    "gopher_quality": GopherQualityFilter(),
    "c4": C4QualityFilter(),
    "c4_fineweb": C4QualityFilter(filter_no_terminal_punct=False),
    "fineweb": FineWebQualityFilter(),
}
CHAIN = ["gopher_rep", "gopher_quality", "c4_fineweb", "fineweb"]


def run(name, document):
    outcome = FILTERS[name].filter(document)
    return outcome if outcome is True else outcome[1]


def chain(text):
    document = Document(text=text, id="")
    for stage, name in enumerate(CHAIN):
        outcome = run(name, document)
        if outcome is not True:
            return [outcome, stage]
    return [True, None]


def measures(text, words):
    """The numbers that the filters compare, written as they compute them."""
    size, count = len(text), len(words)
    paragraphs = FILTERS["gopher_rep"].paragraph_exp.split(text.strip())
    lines = FILTERS["gopher_rep"]._line_splitter.split(text)
    found = {}
    for name, parts in (("para", paragraphs), ("line", lines)):
        copies, chars = repetition.find_duplicates(parts)
        found[f"dup_{name}_frac"] = copies / len(parts)
        found[f"dup_{name}_char_frac"] = chars / size
    for n in (2, 3, 4):
        grams = repetition.get_n_grams(words, n)
        found[f"top_{n}"] = repetition.find_top_duplicate(grams) / size if grams else 0.0
    for n in range(5, 11):
        found[f"dup_{n}"] = repetition.find_all_duplicate(words, n) / size
    non_symbol = [w for w in words if any(c not in PUNCTUATION_SET for c in w)]
    found["n_non_symbol_words"] = len(non_symbol)
    if non_symbol:
        found["avg_word_len"] = float(np.mean([len(w) for w in non_symbol]))
    if words:
        found["hash_ratio"] = text.count("#") / count
        found["ellipsis_ratio"] = (text.count("...") + text.count("…")) / count
        found["alpha_ratio"] = sum(any(c.isalpha() for c in w) for w in words) / count
        found["fw_newline"] = text.count("\n") / count
    if rows := text.splitlines():
        found["bullet_ratio"] = sum(r.lstrip().startswith(("•", "-")) for r in rows) / len(rows)
        found["end_ellipsis_ratio"] = sum(r.rstrip().endswith(("...", "…")) for r in rows) / len(rows)
    found["stop_words"] = len(set(quality.STOP_WORDS) & set(words))
    if kept := [line for line in text.split("\n") if line.strip()]:
        found["fw_punct"] = sum(line.endswith(tuple(TERMINAL_PUNCTUATION)) for line in kept) / len(kept)
        found["fw_short"] = sum(len(line) <= 30 for line in kept) / len(kept)
        found["fw_char_dup"] = repetition.find_duplicates(kept)[1] / len(text.replace("\n", ""))
    return found


def reference(number, text):
    line = {"id": f"s{number:04}", "text": text}
    for name in FILTERS:
        document = Document(text=text, id="")
        line[name] = run(name, document)
        if name.startswith("c4") and line[name] is True:
            line[f"{name}_text"] = document.text
    words = split_into_words(text)
    line["chain"] = chain(text)
    line["n_words"] = len(words)
    line["n_sentences"] = len(split_into_sentences(text))
    line["ratios"] = measures(text, words)
    return line


PLAIN = """the be to of and that have with a in was it for on as river stone light garden window morning letter
quiet harbour engine yellow mountain question answer paper silver because together however almost never again walks
reads builds carries remembers""".split()
ODD = """7 42 1,000 3.14 e.g. Mr. U.S.A. don't it's well-known and/or naïve café über Ωμέγα привет
— … • ‘ ( ) " , ; #tag """.split()
OFFENCES = [
    "This line has a { bracket in it.",
    "Here is Lorem Ipsum dolor sit amet.",
    "Please enable JavaScript to continue.",
    "We use cookies and so do they.",
    "Read our Privacy Policy before you go.",
    "{ short",
    "javascript { lorem ipsum is all one line.",
]


def synthetic(rng):
    """A document whose knobs are turned at random, most of them off."""
    knob = lambda share, on, off: on if rng.random() < share else off
    vocabulary = PLAIN[: knob(0.1, 10, len(PLAIN))] * 6 + ODD * knob(0.15, 3, 1)
    if rng.random() < 0.08:
        vocabulary = [w for w in vocabulary if w not in quality.STOP_WORDS]
    stretch = knob(0.06, rng.choice([2, 3]), 1)
    copies, offences = knob(0.3, rng.random() * 0.5, 0), knob(0.3, 0.15, 0)
    bullets, ellipses = knob(0.15, 0.7 + 0.4 * rng.random(), 0.02), knob(0.15, rng.random() * 0.6, 0.02)
    ends = [".", ".", "?", "!", '."', rng.choice(["", " ", "。", "…", "...", ".)", " .", "[3]", "[citation needed]"])]
    longest, feed = rng.choice([4, 8, 14, 25]), rng.choice(["\n", "\n", "\n\n", "\r\n", "\u2028", "\n \n", " "])
    lines = []
    for _ in range(rng.randrange(1, 22)):
        draw = rng.random()
        if lines and draw < copies:
            lines.append(rng.choice(lines[-3:]))
            continue
        words = [rng.choice(vocabulary) * stretch for _ in range(rng.randrange(1, longest + 1))]
        if rng.random() < copies / 2:
            words += words[-rng.randrange(1, 8) :] * rng.randrange(1, 4)
        line = " ".join(words).capitalize() + rng.choice(ends)
        line = rng.choice(OFFENCES) if rng.random() < offences else line
        line = rng.choice(["• ", "- ", "  -", "* "]) + line if rng.random() < bullets else line
        line += rng.choice(["...", "…", " ... "]) if rng.random() < ellipses else ""
        line += " #" * rng.randrange(1, 4) if rng.random() < knob(0.1, 0.7, 0.01) else ""
        lines.append(line)
    return knob(0.1, "\n", "") + feed.join(lines) + knob(0.2, rng.choice(["\n", " ", "\n\n\n"]), "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts")
    arguments = parser.parse_args()
    if arguments.texts:
        texts = [json.loads(line)["text"] for line in open(arguments.texts, encoding="utf-8")]
    else:
        rng = random.Random(1)
        texts = ["x", "\n\n", " ", *(synthetic(rng) for _ in range(220))]
    for number, text in enumerate(texts):
        if text:  # datatrove divides by zero
            sys.stdout.write(json.dumps(reference(number, text), ensure_ascii=False) + "\n")


main()
