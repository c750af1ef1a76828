"""Writes `fineweb2.jsonl`: synthetic documents with the outcome of datatrove's filters in FineWeb-2's settings.

    python make_fineweb2.py > fineweb2.jsonl  # needs spacy==3.8.18 and datatrove==0.10.0

The settings are those of `crates/gristmill/presets/fineweb2/languages.tsv` and of the stop words in
`crates/text/src/signal/stop_words.rs`; the filters are called as `fineweb-2-pipeline.py` calls them. Documents of which the
language's tokenizer makes other words than the English one are left out: what differs there is said beside the table.
"""

import csv
import importlib.metadata  # datatrove forgets to
import json
import random
import re
import sys
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter
from datatrove.utils.text import split_into_words

ROOT = Path(__file__).parents[4]
LANGUAGES = ["arb", "ces", "deu", "ell", "fin", "fra", "isl", "rus", "slk", "spa", "swh", "ukr"]


def settings():
    path = ROOT / "crates/gristmill/presets/fineweb2/languages.tsv"
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    source = (ROOT / "crates/text/src/signal/stop_words.rs").read_text(encoding="utf-8")
    lists = dict(re.findall(r'"(\w{3})", "[^"]+": "([^"]+)";', source))
    return [(row, lists[row["code"]].split(" ")) for row in rows if row["code"] in LANGUAGES]


def filters(row, stop_words):
    number = lambda key: float(row[key])
    return {
        "gopher_repetition": GopherRepetitionFilter(
            language=row["config"],
            dup_para_frac=0,
            dup_line_char_frac=0,
            dup_para_char_frac=0,
            dup_line_frac=number("dup_line_frac"),
            top_n_grams=[(n, number(f"top_{n}")) for n in range(2, 5)],
            dup_n_grams=[(n, number(f"dup_{n}")) for n in range(5, 11)],
        ),
        "fineweb_quality": FineWebQualityFilter(
            language=row["config"],
            short_line_thr=999,
            char_duplicates_ratio=0.1,
            line_punct_thr=number("line_punct_thr"),
            new_line_ratio=number("new_line_ratio"),
        ),
        "gopher_quality": GopherQualityFilter(
            language=row["config"],
            max_avg_word_length=number("max_avg_word_length"),
            min_avg_word_length=number("min_avg_word_length"),
            stop_words=stop_words,
            max_non_alpha_words_ratio=number("max_non_alpha_words_ratio"),
            min_stop_words=2,
        ),
    }


def synthetic(rng, stop_words):
    """A document whose knobs are turned at random, most of them off."""
    knob = lambda share, on, off: on if rng.random() < share else off
    stop_words = [word for word in stop_words if word.isalpha()]
    letters = "".join(stop_words)
    stretch = knob(0.1, 5, 1)
    made_up = ["".join(rng.choices(letters, k=rng.randrange(2, 9))) * stretch for _ in range(60)]
    vocabulary = made_up + stop_words[: knob(0.2, rng.randrange(3), len(stop_words))]
    vocabulary += ["42", "7"] * knob(0.2, 12, 1)
    copies, longest = knob(0.4, rng.random() * 0.5, 0), rng.choice([3, 8, 14, 25])
    lines = []
    for _ in range(rng.randrange(6, 18)):
        if lines and rng.random() < copies:
            lines.append(rng.choice(lines[-3:]))
            continue
        words = [rng.choice(vocabulary) for _ in range(rng.randrange(2, longest + 1))]
        if rng.random() < copies:
            words += words[-rng.randrange(1, 8) :] * rng.randrange(1, 3)
        lines.append(" ".join(words) + rng.choice([".", "!", "", " ..."]))
    return "\n".join(lines)


def main():
    for row, stop_words in settings():
        rng = random.Random(row["code"])
        reference = filters(row, stop_words)
        kept = 0
        while kept < 12:
            text = synthetic(rng, stop_words)
            if split_into_words(text, row["config"]) != split_into_words(text, "en"):
                continue
            kept += 1
            line = {"id": f"{row['code']}{kept:02}", "language": row["code"], "text": text}
            for name, judge in reference.items():
                outcome = judge.filter(Document(text=text, id=""))
                line[name] = outcome if outcome is True else outcome[1]
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


main()
