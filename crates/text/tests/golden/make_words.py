"""Writes `words.jsonl`: short synthetic texts with the words and sentences of spaCy as datatrove uses it.

    python make_words.py > words.jsonl                 # needs spacy==3.8.18 and datatrove==0.10.0
    python make_words.py --random 20000 > more.jsonl   # a longer list, for GRISTMILL_WORDS_REFERENCE
    python make_words.py --texts texts.jsonl > more.jsonl   # of the `text` of each line

The texts are put together here from pieces that the rules look at, by a generator with a fixed seed. Each line
holds `text`, `words` and `sentences` (the pieces of datatrove's split_into_sentences).
"""

import argparse
import importlib.metadata  # datatrove forgets to
import json
import pathlib
import random
import sys

from datatrove.utils.text import split_into_sentences, split_into_words

WORDS = pathlib.Path(__file__).parents[2] / "src" / "words"
EXCEPTIONS = [line.replace(" ", "") for line in (WORDS / "exceptions.txt").read_text("utf-8").splitlines()]
LETTERS = "a b m s A B K S é É ß Ж ж 中 に ह ب ა ﬁ x".split()
PLAIN = "the dog and run House USA U.S Mr co km kg o D p.m word Ph i e".split()
DIGITS = "0 1 7 10 25 127 172 255 3.14 1,000 ² ½ ٣ ５".split()
MARKS = list(".,:;!?'\"`´‘’“”…-–—~()[]{}<>/\\|@#$%^&*_=+§°€£¥•·。？！，、；：«»「」（）【】¿¡→★☃©😀👍🏽‍\u200b\u0301\ufeff\ufffd")
UNITS = "km m² µg US$ C$ A$ % lb m/s км/ч GB °C °F. 's 'S ’s ’S n't 'll …… ... .. -- --- —— '' `` ://".split()
URLS = "http:// https:// www. .com .co.uk /path ?q=1 :80 :8080 user@ a@b.de 1.2.3.4 10.0.0.1 example foo_bar .org/ mailto:".split()
SPACES = [" ", " ", " ", " ", "  ", "\n", "\n\n", "\t", "\xa0", "\u2009", "\r\n", "\x0b", "\x1c", "\x1f", "\x85", "\u2028", "\u3000", " \n "]
POOLS = [LETTERS, PLAIN, DIGITS, MARKS, MARKS, UNITS, URLS, EXCEPTIONS]

FIXED = [
    "",
    " ",
    "Don't stop. e.g. U.S.A. is 3.14% of $5.00",
    "foo-bar and/or http://example.com/a?b=c me@example.com #hashtag a...b ... …",
    "“quoted” ‘it’s’ 10km 5pm 1,000.50 :-)",
    "(optional): see fig. 3, i.e., the (e.g.) one!! Really? Yes.\nNext line. \n\n Last",
]


def synthetic(count, seed):
    """Texts of chunks of pieces; most chunks are short, and neighbours come from any pool."""
    rng = random.Random(seed)
    for _ in range(count):
        text = ""
        for _ in range(rng.choice([1, 2, 3, 5, 8])):
            text += "".join(rng.choice(rng.choice(POOLS)) for _ in range(rng.choice([1, 1, 2, 2, 3, 4, 6])))
            text += rng.choice(SPACES)
        yield text if rng.random() < 0.3 else text.strip()


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
        texts = [*FIXED, *EXCEPTIONS[::9], *synthetic(1200, seed=1)]
    for text in texts:
        line = {"text": text, "words": split_into_words(text), "sentences": split_into_sentences(text)}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


main()
