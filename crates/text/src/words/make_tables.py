"""Writes the tables of the English tokeniser: `exceptions.txt`, `merges.txt` and `ranges.rs`.

    python -m venv v && v/bin/pip install spacy==3.8.18 datatrove==0.10.0 && v/bin/python make_tables.py

The tables are facts read from spaCy 3.8.18 (MIT licence, Copyright 2016-2024 ExplosionAI GmbH and others) by asking
its own rules about every string and every code point, and from datatrove 0.10.0 (Apache-2.0) for the two sets of
punctuation. Unicode properties are those of the running Python, named in the head of `ranges.rs`.
"""

import pathlib
import re
import sys
import unicodedata

import spacy
from spacy.attrs import ORTH
from spacy.lang import char_classes
from spacy.pipeline import Sentencizer
from spacy.tokenizer import Tokenizer

from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION

HERE = pathlib.Path(__file__).parent
NEUTRAL = "\ue000"  # private use: in no class of any rule

tokenizer = spacy.blank("en").tokenizer
assert tokenizer.token_match is None


def exceptions():
    """Strings that are cut in a fixed way, as their pieces separated by blanks."""
    for string, tokens in sorted(tokenizer.rules.items()):
        if not string.isspace():
            yield " ".join(token[ORTH] for token in tokens)


def merges():
    """What the rules alone make of exceptions that hold an affix; such runs of tokens are found again afterwards."""
    plain = Tokenizer(
        spacy.blank("en").vocab,
        rules={},
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        url_match=tokenizer.url_match,
    )
    for string in sorted(tokenizer.rules):
        affix = tokenizer.find_prefix(string) or tokenizer.find_infix(string) or tokenizer.find_suffix(string)
        if affix and not string.isspace():
            yield " ".join(token.text for token in plain(string))


def matches(characters):
    return re.compile(f"[{characters}]").match


CLASSES = [
    ("ALPHA", "letter in spaCy's sense", matches(char_classes.ALPHA)),
    ("LOWER", "lower-case or uncased letter in spaCy's sense", matches(char_classes.ALPHA_LOWER)),
    ("UPPER", "upper-case or uncased letter in spaCy's sense", matches(char_classes.ALPHA_UPPER)),
    ("PREFIX", "cut off at the start of a chunk", lambda c: tokenizer.find_prefix(c + NEUTRAL) and c != "+"),
    ("SUFFIX", "cut off at the end of a chunk", lambda c: tokenizer.find_suffix(NEUTRAL + c)),
    ("INFIX", "cut out of the middle of a chunk", lambda c: tokenizer.find_infix(NEUTRAL + c + NEUTRAL)),
    ("QUOTE", "may stand beside a full stop that splits a chunk", matches(char_classes.CONCAT_QUOTES)),
    ("BEFORE_STOP", "a full stop behind it is cut off", lambda c: tokenizer.find_suffix(c + ".") == 1),
    ("DIGIT", "decimal digit (Nd)", re.compile(r"\d").match),
    ("WORD", "alphanumeric or underscore", re.compile(r"\w").match),
    ("PUNCT", "punctuation (P*)", lambda c: unicodedata.category(c).startswith("P")),
    ("LETTER", "letter (L*)", str.isalpha),
    ("SYMBOL", "in datatrove's PUNCTUATION_SET", PUNCTUATION_SET.__contains__),
    ("TERMINAL", "in datatrove's TERMINAL_PUNCTUATION", TERMINAL_PUNCTUATION.__contains__),
    ("SENTENCE_END", "ends a sentence", set(Sentencizer.default_punct_chars).__contains__),
    ("MARK", "non-spacing mark (Mn)", lambda c: unicodedata.category(c) == "Mn"),
]


def ranges():
    """Runs of code points that are in the same classes: (first, last, classes)."""
    found = []
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code < 0xE000:
            continue
        bits = sum(1 << bit for bit, (_, _, test) in enumerate(CLASSES) if test(chr(code)))
        if found and found[-1][1] == code - 1 and found[-1][2] == bits:
            found[-1][1] = code
        elif bits:
            found.append([code, code, bits])
    return found


def check_assumptions():
    """What the tokeniser takes for granted about spaCy's rules."""
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code < 0xE000:
            continue
        c = chr(code)
        assert tokenizer.find_prefix(c + NEUTRAL) in (0, 1)
        if c.isspace():
            assert not tokenizer.find_prefix(c) and not tokenizer.find_suffix(c) and not tokenizer.find_infix(c)
        assert (code in (0x1C, 0x1D, 0x1E, 0x1F)) or c.isspace() == bool(
            re.match(r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]", c)
        )


def after_digit():
    """Units and currencies that are cut off behind a digit."""
    strings = char_classes.UNITS.split("|") + char_classes.CURRENCY.replace("\\", "").split("|") + ["+"]
    assert not any(re.search("[0-9]", string) for string in strings)
    return sorted(set(strings), key=lambda string: (len(string.encode()), string))


def main():
    check_assumptions()
    (HERE / "exceptions.txt").write_text("\n".join(exceptions()) + "\n", encoding="utf-8")
    (HERE / "merges.txt").write_text("\n".join(merges()) + "\n", encoding="utf-8")
    lines = [
        f"//! Written by `make_tables.py` from spaCy {spacy.__version__}, datatrove 0.10.0 and Unicode {unicodedata.unidata_version}.",
        "",
    ]
    for bit, (name, about, _) in enumerate(CLASSES):
        lines += [f"/// {about[0].upper()}{about[1:]}.", f"pub(crate) const {name}: u16 = 1 << {bit};"]
    strings = after_digit()
    lines += ["", "/// Units and currencies that are cut off behind a digit."]
    lines += ["#[rustfmt::skip]", f"pub(super) static AFTER_DIGIT: [&str; {len(strings)}] = ["]
    lines += ["    " + " ".join(f'"{s}",' for s in strings[i : i + 12]) for i in range(0, len(strings), 12)]
    lines += ["];", "", "/// First code point, last code point and classes."]
    found = ranges()
    lines += ["#[rustfmt::skip]", f"pub(super) static RANGES: [(u32, u32, u16); {len(found)}] = ["]
    cells = [f"({first:#x}, {last:#x}, {bits:#x})," for first, last, bits in found]
    lines += ["    " + " ".join(cells[i : i + 4]) for i in range(0, len(cells), 4)]
    lines += ["];"]
    (HERE / "ranges.rs").write_text("\n".join(lines) + "\n", encoding="utf-8")


main()
