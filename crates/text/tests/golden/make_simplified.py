"""Writes `simplified.jsonl`: synthetic texts with datatrove's simplified form and the hashes of its word 2-grams.

    python make_simplified.py > simplified.jsonl        # needs datatrove==0.10.0, spacy==3.8.18, tokenizers and xxhash==3.8.2
    python make_simplified.py --random 20000 > more.jsonl   # a longer list, for GRISTMILL_SIMPLIFIED_REFERENCE
    python make_simplified.py --texts texts.jsonl > more.jsonl   # of the `text` of each line

The texts are put together here from pieces that the steps look at, by a generator with a fixed seed. Only characters
of Unicode 14 are drawn, which is what the `unicodedata` of Python 3.11 knows.
"""

import argparse
import importlib.metadata  # datatrove forgets to
import json
import random
import sys
import unicodedata

from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.text import PUNCTUATION, TERMINAL_PUNCTUATION, simplify_text

assert unicodedata.unidata_version == "14.0.0"
KNOWN = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
OTHER = [c for c in KNOWN if not ("\u3400" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" or c >= "\U00017000")]
MARKS = [c for c in KNOWN if unicodedata.category(c)[0] == "M"]
STAYING = [c for c in MARKS if unicodedata.category(c) != "Mn" and unicodedata.combining(c)]
DECOMPOSED = [c for c in KNOWN if unicodedata.normalize("NFD", c) != c and not "\uac00" <= c <= "\ud7a3"]
CASED = [c for c in KNOWN if c.lower() != c]
DIGITS = [c for c in KNOWN if unicodedata.category(c) == "Nd"]
SPACES = [c for c in KNOWN if c.isspace()]
WORDS = "The cannot gonna WE'RE don't e.g. U.S.A. id im lets 5pm 0km 12 3.14 1,000.50 12.5.7 w123 x9y http://a.de a@b.com naïve Ärger".split()
SIGMAS = ["Σ", "ΟΔΟΣ", "ΑΣ.", "Σ\u0301", "Σ'Α", "aΣ\u00ad", "ς", "σ"]
POOLS = [
    WORDS,
    WORDS,
    [chr(c) for c in range(128)],
    list("abcXYZ .,"),
    list(PUNCTUATION),
    sorted(TERMINAL_PUNCTUATION),
    [*"0123456789", *DIGITS],
    list("0123456789.,،٫⎖⎗⎘"),
    SPACES,
    [" "],
    MARKS,
    STAYING,
    DECOMPOSED,
    CASED,
    OTHER,
    KNOWN,
    SIGMAS,
]

FIXED = [
    "",
    " ",
    "Hello, World! 3.14 and 1,000 Café naïve\n\tMONDAY",
    "The quick brown fox jumps over the lazy dog, and then it sleeps.",
    "1|2|3 1.2.3 1,,2 w123 12٫5 １２.３ 5. .5",
    "a \u0301 b \u0301",
    "\u0301 a",
    "İI ΟΔΟΣ ΟΔΟΣ.Α \u212a \u1e9e",
    "\u1100\u1161\u11a8 각 한국어",
    "".join(map(chr, range(256))),
    PUNCTUATION,
    "a".join(PUNCTUATION),
]


def synthetic(count, seed):
    """Texts of runs of pieces from few pools each."""
    rng = random.Random(seed)
    for _ in range(count):
        pools = [rng.choice(POOLS) for _ in range(rng.choice([1, 2, 3, 5]))]
        yield "".join(rng.choice(rng.choice(pools)) for _ in range(rng.choice([1, 3, 8, 20, 40])))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts")
    parser.add_argument("--random", type=int)
    arguments = parser.parse_args()
    if arguments.texts:
        texts = (json.loads(line)["text"] for line in open(arguments.texts, encoding="utf-8"))
    elif arguments.random:
        texts = synthetic(arguments.random, seed=arguments.random)
    else:
        texts = [*FIXED, *synthetic(400, seed=1)]
    step = MinhashDedupSignature("/tmp", MinhashConfig(n_grams=2))
    for text in texts:
        shingles = step.get_shingles(text).flatten().tolist()
        line = {"text": text, "simplified": simplify_text(text), "shingles": shingles}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


main()
