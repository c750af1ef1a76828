"""Gold text to labels of blocks, and the score that the labels stand for."""
import gzip, json, re
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

TOKEN = re.compile(r"\w+")


def read_gold(path):
    return [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]


def site(url):
    """Pages of one site stay in one fold."""
    host = urlsplit(url or "").hostname or ""
    return ".".join(host.split(".")[-2:])


def label(blocks, gold):
    """The share of each block's words that the gold text covers with runs of up to four words.

    Runs are taken over the words of the whole page, so that a short block counts as covered if it and its
    neighbours are; a whole line of gold also covers a short block that stands alone.
    """
    words = [TOKEN.findall(block.lower()) for block in blocks]
    flat = [word for block in words for word in block]
    gold_words = TOKEN.findall(gold.lower())
    grams = {tuple(gold_words[i:i + 4]) for i in range(len(gold_words) - 3)}
    covered = np.zeros(len(flat), bool)
    for i in range(len(flat) - 3):
        if tuple(flat[i:i + 4]) in grams:
            covered[i:i + 4] = True
    lines = {tuple(TOKEN.findall(line.lower())) for line in gold.splitlines()}
    out, at = np.zeros(len(blocks), np.float32), 0
    for i, block in enumerate(words):
        n = len(block)
        if n:
            share = covered[at:at + n].mean()
            if n < 4 and share < 1 and tuple(block) in lines:
                share = max(share, 0.7)
            out[i] = share
        at += n
    return out, np.array([len(block) for block in words], np.float32)


def word_f1(gold, text):
    """The score of one page, as `score_extraction.py` computes it."""
    p, r = TOKEN.findall(text.lower()), TOKEN.findall(gold.lower())
    if not r or not p:
        return float(not r and not p)
    overlap = sum((Counter(p) & Counter(r)).values())
    return 2 * overlap / (len(p) + len(r))


class PageScore:
    """Word F1 of a page for many selections of its blocks, with the counting done once."""

    def __init__(self, blocks, gold):
        self.gold = Counter(TOKEN.findall(gold.lower()))
        self.gold_count = sum(self.gold.values())
        self.blocks = [Counter(TOKEN.findall(block.lower())) for block in blocks]
        self.sizes = [sum(block.values()) for block in self.blocks]

    def f1(self, kept):
        total, size = Counter(), 0
        for i in np.flatnonzero(kept):
            total.update(self.blocks[i])
            size += self.sizes[i]
        if not size or not self.gold_count:
            return float(not size and not self.gold_count)
        overlap = sum(min(n, self.gold.get(word, 0)) for word, n in total.items())
        return 2 * overlap / (size + self.gold_count)
