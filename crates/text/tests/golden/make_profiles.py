"""Writes `profiles.jsonl`: what DCLM, dolma and NeMo Curator measure on texts of `filters.jsonl`, and what they keep.

    pip install uniseg==0.10.1 regex && python make_profiles.py > profiles.jsonl

The measures are written here once more, from their definitions and as plainly as they can be, with Python's own
`split`, `median`, `Counter` and `isalpha`, uniseg's word boundaries and regex's `[[:alpha:]]`. Nothing is shared with
the signals that they check. The outcome of a preset is `true` or the first rule that fails; a measure without a value
fails.
"""

import json
import pathlib
import statistics
from collections import Counter

import regex
from uniseg.wordbreak import words as uniseg_words

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
TEASERS = ("...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more")
TOP = {2: 0.2, 3: 0.18, 4: 0.16}
REPEATED = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.1}


def share(part, whole):
    return part / whole if whole else None


def length(parts):
    return sum(map(len, parts))


def runs(words, n):
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def starting(lines, marks):
    return share(sum(line.startswith(marks) for line in lines), len(lines))


def ending(lines, marks):
    return share(sum(line.endswith(marks) for line in lines), len(lines))


def dclm(text):
    words, split = [w for w in uniseg_words(text) if w[0].isalnum()], text.split()
    lines, paragraphs = ([p.strip() for p in text.split(end) if p.strip()] for end in ("\n", "\n\n"))
    symbols = sum(text.count(symbol) for symbol in ("#", "...", ". . .", "…"))
    mean, stop = share(length(split), len(split)), sum(w.lower() in STOP_WORDS for w in split)
    quality = {
        "min_words": (len(words), ">=", 50),
        "max_words": (len(words), "<=", 100_000),
        "min_word_length": (mean, ">=", 3),
        "max_word_length": (mean, "<=", 10),
        "max_symbols": (share(symbols, len(split)), "<=", 0.1),
        "max_bullet_lines": (starting(lines, ("●", "•", "*", "-")), "<=", 0.9),
        "max_ellipsis_lines": (ending(lines, ("...", ". . .", "…")), "<=", 0.3),
        "min_alphabetic_words": (share(sum(any(c.isalpha() for c in w) for w in split), len(split)), ">=", 0.8),
        "min_stop_words": (stop, ">=", 2),
    }
    repetition = {}
    for what, parts in (("line", lines), ("paragraph", paragraphs)):
        again = [part for part in parts if parts.count(part) > 1]
        repetition[f"max_repeated_{what}s"] = share(len(again), len(parts)), "<=", 0.3
        repetition[f"max_repeated_{what}_chars"] = share(length(again), length(parts)), "<=", 0.2
    order = ("lines", "paragraphs", "line_chars", "paragraph_chars")
    repetition = {f"max_repeated_{what}": repetition[f"max_repeated_{what}"] for what in order}
    for n, bound in TOP.items():
        counts = Counter(runs(words, n))
        most = max(counts.values(), default=1)
        longest = max((length(run) for run, count in counts.items() if count == most), default=0)
        repetition[f"max_top_{n}_gram"] = most * longest / length(words) if most > 1 else 0.0, "<=", bound
    for n, bound in REPEATED.items():
        counts = Counter(runs(words, n))
        covered = {i + k for i, run in enumerate(runs(words, n)) if counts[run] > 1 for k in range(n)}
        part = sum(len(words[i]) for i in covered)
        repetition[f"max_repeated_{n}_grams"] = part / (length(words) or 1), "<=", bound
    return quality, repetition


def dolma(text):
    words, lines = text.split(), text.split("\n")
    median = statistics.median(map(len, words)) if words else None
    quality = {
        "min_words": (len(words), ">=", 50),
        "max_words": (len(words), "<=", 100_000),
        "min_word_length": (median, ">=", 3),
        "max_word_length": (median, "<=", 10),
        "max_symbols": (share(sum("#" in w or "…" in w for w in words), len(words)), "<=", 0.1),
        "min_alphabetic_words": (share(sum(any(c.isalpha() for c in w) for w in words), len(words)), ">=", 0.8),
        "min_stop_words": (sum(w in STOP_WORDS for w in words), ">=", 2),
        "max_bullet_lines": (starting(lines, ("*", "-")), "<=", 0.9),
        "max_ellipsis_lines": (ending(lines, "…"), "<=", 0.3),
    }
    again = [line for line in lines if lines.count(line) > 1]
    repetition = {
        "max_repeated_lines": (len(again) / len(lines), "<=", 0.3),
        "max_repeated_line_chars": (length(again) / (length(words) or 1), "<=", 0.3),
    }
    for n, bound in TOP.items():
        top = Counter(runs(words, n)).most_common(1)
        part = sum(count * length(run) for run, count in top)
        repetition[f"max_top_{n}_gram"] = part / (length(words) or 1), "<=", bound
    for n, bound in REPEATED.items():
        counts = Counter(runs(words, n))
        part = sum(count * length(run) for run, count in counts.items() if count > 1)
        repetition[f"max_repeated_{n}_grams"] = part / (sum(map(length, runs(words, n))) or 1), "<=", bound
    return quality, repetition


def curator(text):
    words, paragraphs = text.split(), text.split("\n\n")
    lines = [line for line in text.split("\n") if line.strip()]
    bare = [line.strip() for line in lines]
    symbols = sum(w in TEASERS or len(regex.findall("#+", w)) / len(w) > 0.5 for w in words)
    alphabetic = sum(bool(regex.search("[[:alpha:]]", w)) for w in words)
    mean = share(length(words), len(words))
    quality = {
        "max_symbols": (share(symbols, len(words)), "<=", 0.1),
        "min_words": (len(words), ">=", 50),
        "max_words": (len(words), "<=", 100_000),
        "min_alphabetic_words": (share(alphabetic, len(words)), ">=", 0.8),
        "min_stop_words": (sum(w in STOP_WORDS for w in words), ">=", 2),
        "min_word_length": (mean, ">=", 3),
        "max_word_length": (mean, "<=", 10),
        "max_ellipsis_lines": (ending([line.lower() for line in bare], TEASERS), "<=", 0.3),
        "max_bullet_lines": (starting(bare, tuple("•‣⁃⁌⁍∙○●◘◦⦾⦿")), "<=", 0.9),
    }
    parts = {"line": lines, "paragraph": paragraphs if lines else []}
    repetition = {f"min_unique_{k}s": (share(len(set(p)), len(p)), ">=", 0.7) for k, p in parts.items()}
    for k, p in parts.items():
        repetition[f"min_unique_{k}_chars"] = share(length(set(p)), length(p)), ">=", 0.8
    for n, bound in TOP.items():
        top = Counter(runs(words, n)).most_common(1)
        removed = [len(text) - len(text.replace(" ".join(run), "")) for run, _ in top]
        repetition[f"max_top_{n}_gram"] = removed[0] / len(text) if top else 1.0, "<=", bound
    for n, bound in REPEATED.items():
        seen, added, chars = set(), set(), 0
        for i, run in enumerate(runs(words, n)):
            if run in seen:
                new = [k for k in range(i, i + n) if k not in added]
                # One blank before each new word but the first of the run.
                chars += sum(len(words[k]) + (k > i) for k in new)
                added.update(new)
            seen.add(run)
        repetition[f"max_later_{n}_grams"] = chars / len(text) if len(words) >= n else 1.0, "<=", bound
    return quality, repetition


def holds(value, operator, bound):
    return value is not None and (value >= bound if operator == ">=" else value <= bound)


def reference(text):
    line = {}
    for profile in (dclm, dolma, curator):
        for preset, rules in zip(("gopher_quality", "gopher_repetition"), profile(text)):
            failed = (name for name, rule in rules.items() if not holds(*rule))
            values = {name: value for name, (value, _, _) in rules.items()}
            line[f"{preset}@{profile.__name__}"] = {"outcome": next(failed, True), "values": values}
    return line


# Ties, blank lines of white space, other scripts, odd white space and marks that the texts of `filters.jsonl` lack.
MORE = [
    "a b x cc dd y a b z cc dd w",
    "* one…\n\n* one…\n \n● two . . .\n‣ Read more\n- three read more..\n#\n## ###\n",
    "中文的句子。中文的句子。カタカナ ひらがな 한국어 문장 ไทย",
    "Ⅻ ½ ² \u093e\u0940 हिन्दी нет é e\u0301 a\u200db x\u00a0y\u2003z\u1680w\x1fv",
    "para one\n\n\npara one\n\npara two\n\n\n\n\n\npara two ",
    "I'd've said 1,000.5 U.S.A. can’t a_b _c 10km e.g. 3.14-ish :-) a:b http://example.org/a?b=c x@y.z",
    "to be or not to be " * 12,
    "x",
    " \n\n",
]


def main():
    cases = pathlib.Path(__file__).with_name("filters.jsonl").read_text(encoding="utf-8").split("\n")
    texts = [json.loads(case)["text"] for case in cases if case]
    for number, text in enumerate(MORE + texts[::3]):
        print(json.dumps({"id": f"p{number:02}", "text": text, **reference(text)}, ensure_ascii=False))


main()
