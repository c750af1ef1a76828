#!/usr/bin/env python3
"""Writes texts with near-duplicates among them, and how alike each pair is: input for the benches of `dedup`.

usage: dedup_corpus.py [--documents N] [--words N] [--seed N] OUT.jsonl[.gz] TRUTH.jsonl[.gz]

OUT has a line `{"id", "text"}` a document. TRUTH has a line `{"a", "b", "jaccard", "family"}` for each two documents of one family:
the exact Jaccard similarity of their sets of word 5-grams, 0 to 1, to six digits. Documents of different families share no 5-gram
(with 100,000 documents less than one such pair is expected), so the similarity of every pair that is not in TRUTH is 0.

The same arguments give the same bytes on every machine: chance is Python's `random.Random(seed).random()`, whose sequence is part of
its promise, and the arithmetic on it is exact or IEEE. gzip's bytes depend on zlib; the text inside does not. All texts are held in
memory until the end, about 3 kB a document.

Words are made of syllables, consonant and vowel, with one consonant at the end of some: `tomi`, `besalun`. The frequency of the word of
rank r is proportional to 1 / (r + 100), Zipf's law without the few words that would make 5-grams meet by chance. A text is lower-case
ASCII without punctuation or digits, in lines of some 60 words, so that simplifying it collapses white space and does nothing else. No
two consonants meet and no word begins with a vowel, which keeps clear of the words that spaCy's tokenizer splits in English (cannot,
gonna, dont, im, ive, id); `weve`, the one left, is no word here. So its words are those between spaces.

A document has `--words` words on average, half to one and a half of that. Seven of ten documents are alone. The others are in families:

- pairs, half of these documents: a text and a copy edited to a similarity between 0.3 and 1, as many in each stretch of 0.05
- stars: a text and two to eight copies of it, each edited to a similarity of its own between 0.3 and 1
- chains of three to six: each document is the one before it edited to a similarity of 0.8 to 0.9, so that the ends are less alike
- crowds, one for each 10,000 documents begun: up to 200 copies of one text, edited to 0.85 to 1

One copy in ten is exact, byte for byte, and one in twenty has other line breaks only. An edit replaces single words, replaces a stretch,
cuts stretches out, puts stretches in, or both cuts and replaces. New words come from the same vocabulary. Copies in chains are always
edited.
"""
import argparse
import gzip
import json
import math
import random
from collections import Counter

NGRAM = 5
VOCABULARY = 30_000
FLATTENING = 100
SPLIT_BY_SPACY = "weve"
LINE = 60
# Places in the table that words are drawn from; a word has as many as its frequency.
TABLE = 1 << 20
IN_FAMILIES = 0.3
# Shares of the documents in families, after the crowds.
PAIRS, STARS = 0.5, 0.3


class Chance:
    """Draws from `random()` alone: of the module's functions it is the one that stays the same from version to version."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def below(self, count):
        return int(self.random() * count)

    def between(self, low, high):
        return low + (high - low) * self.random()

    def shuffle(self, items):
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]


def vocabulary(chance):
    """Words of two or three syllables, the most frequent first."""
    syllables = [consonant + vowel for consonant in "bdfghklmnprstvwz" for vowel in "aeiou"]
    words = {}  # keeps the order of insertion
    while len(words) < VOCABULARY:
        count = 2 if chance.random() < 0.6 else 3
        word = "".join(syllables[chance.below(len(syllables))] for _ in range(count))
        word += "nrlstm"[chance.below(6)] if chance.random() < 0.5 else ""
        if word != SPLIT_BY_SPACY:
            words[word] = None
    return list(words)


def word_table(words):
    weights = [1 / (rank + FLATTENING) for rank in range(1, len(words) + 1)]
    # `sum` rounds differently from version to version of Python.
    scale, table, sum_so_far = TABLE / math.fsum(weights), [], 0.0
    for word, weight in zip(words, weights):
        sum_so_far += weight * scale
        table += [word] * (int(sum_so_far) - len(table))
    return table + [words[-1]] * (TABLE - len(table))


class Writer:
    """Writes texts and edits them; a text is a list of words."""

    def __init__(self, chance, words):
        self.chance = chance
        self.table = word_table(vocabulary(chance))
        self.length = words

    def words(self, count):
        random, table = self.chance.random, self.table
        return [table[int(random() * TABLE)] for _ in range(count)]

    def text(self):
        return self.words(max(2 * NGRAM, int(self.chance.between(0.5, 1.5) * self.length)))

    def edited(self, base, similarity):
        """A copy of about this Jaccard similarity. With s of n 5-grams common and m new ones it is s / (n + m)."""
        kind = self.chance.below(5)
        if kind == 4:
            # What is common after both edits is about the product.
            half = (1 + similarity) / 2
            base, kind, similarity = self.cut(base, half), self.chance.below(2), similarity / half
        return [self.replace_words, self.replace_stretch, self.cut, self.put_in][kind](base, similarity)

    def replace_words(self, base, similarity):
        count = len(base) - NGRAM + 1
        wanted = round(count * (1 - similarity) / (1 + similarity))
        copy, changed, number = list(base), bytearray(count), 0
        while number < wanted:
            at = self.chance.below(len(base))
            copy[at] = self.another(base[at])
            for gram in range(max(0, at - NGRAM + 1), min(at + 1, count)):
                number += 1 - changed[gram]
                changed[gram] = 1
        return copy

    def replace_stretch(self, base, similarity):
        count = len(base) - NGRAM + 1
        stretch = max(1, round(count * (1 - similarity) / (1 + similarity)) - NGRAM + 1)
        at = self.chance.below(len(base) - stretch + 1)
        return base[:at] + [self.another(word) for word in base[at : at + stretch]] + base[at + stretch :]

    def cut(self, base, similarity):
        count, copy, cuts = len(base) - NGRAM + 1, list(base), 1 + self.chance.below(3)
        # A cut of k words takes k + 4 5-grams away and makes four new ones.
        gone = round(count - similarity * (count + cuts * (NGRAM - 1))) - cuts * (NGRAM - 1)
        for number in range(cuts):
            stretch = max(1, gone // cuts)
            at = self.chance.below(max(1, len(copy) - stretch + 1))
            if len(copy) - stretch >= 2 * NGRAM:
                del copy[at : at + stretch]
        return copy

    def put_in(self, base, similarity):
        count, copy, places = len(base) - NGRAM + 1, list(base), 1 + self.chance.below(3)
        # k words put in take four 5-grams away and make k + 4 new ones.
        new = round((count - places * (NGRAM - 1)) / similarity) - count - places * (NGRAM - 1)
        for number in range(places):
            at = self.chance.below(len(copy) + 1)
            copy[at:at] = self.words(max(1, new // places))
        return copy

    def another(self, word):
        while True:
            other = self.words(1)[0]
            if other != word:
                return other

    def layout(self, words):
        """The text with line breaks, the first after a number of words drawn."""
        first = 1 + self.chance.below(LINE)
        lines = [words[:first], *(words[at : at + LINE] for at in range(first, len(words), LINE))]
        return "\n".join(" ".join(line) for line in lines if line)


def spread(chance, count):
    """Similarities from 0.3 to 1, as many in each of 14 stretches."""
    drawn = [0.3 + 0.05 * (number % 14 + chance.random()) for number in range(count)]
    chance.shuffle(drawn)
    return drawn


def plan(chance, documents):
    """The families: each a list of (which of its documents is edited, the similarity wanted) for all but its first."""
    left = int(documents * IN_FAMILIES)
    families = []
    for _ in range((documents + 9_999) // 10_000):
        size = min(200, left // 6)
        if size > 1:
            families.append([(0, chance.between(0.85, 1)) for _ in range(size - 1)])
            left -= size
    pairs = int(left * PAIRS) // 2
    families += [[(0, similarity)] for similarity in spread(chance, pairs)]
    stars, size = [], 0
    while size < int(left * STARS):
        stars.append(2 + chance.below(7))
        size += stars[-1] + 1
    similarities = iter(spread(chance, sum(stars)))
    families += [[(0, next(similarities)) for _ in range(copies)] for copies in stars]
    left -= 2 * pairs + size
    while left >= 3:
        length = min(left, 3 + chance.below(4))
        families.append([(number, chance.between(0.8, 0.9)) for number in range(length - 1)])
        left -= length
    return families


def ngrams(words):
    return set(zip(*(words[at:] for at in range(NGRAM))))


def write_family(writer, steps):
    """The words and the text of each document of a family."""
    words = [writer.text()]
    texts = [writer.layout(words[0])]
    chain = steps[-1][0] > 0
    for source, similarity in steps:
        kind = writer.chance.random()
        if kind < 0.15 and not chain:
            words.append(words[source])
            texts.append(texts[source] if kind < 0.1 else writer.layout(words[source]))
        else:
            words.append(writer.edited(words[source], similarity))
            texts.append(writer.layout(words[-1]))
    return words, texts


def similarities(words):
    """(first, second, exact Jaccard similarity) of each two documents of a family."""
    sets = list(map(ngrams, words))
    for first in range(len(sets)):
        for second in range(first + 1, len(sets)):
            common = len(sets[first] & sets[second])
            yield first, second, common / (len(sets[first]) + len(sets[second]) - common)


def opened(path):
    if path.endswith(".gz"):
        return gzip.open(path, "wt", encoding="ascii", compresslevel=6, newline="\n")
    return open(path, "w", encoding="ascii", newline="\n")


def write_corpus(documents, words, seed, out, truth):
    """Writes both files; returns the number of pairs by the similarity's first digit after the point."""
    chance = Chance(seed)
    writer = Writer(chance, words)
    families = plan(chance, documents)
    places = list(range(documents))
    chance.shuffle(places)
    place = iter(places)
    texts, buckets = [None] * documents, Counter()
    with opened(truth) as file:
        for number, steps in enumerate(families):
            members, family_texts = write_family(writer, steps)
            ids = [next(place) for _ in members]
            for at, text in zip(ids, family_texts):
                texts[at] = text
            for first, second, similarity in similarities(members):
                a, b = sorted((ids[first], ids[second]))
                row = {"a": f"d{a:08}", "b": f"d{b:08}", "jaccard": round(similarity, 6), "family": number}
                file.write(json.dumps(row) + "\n")
                buckets[int(similarity * 10)] += 1
    for at in place:
        texts[at] = writer.layout(writer.text())
    with opened(out) as file:
        for at, text in enumerate(texts):
            file.write(json.dumps({"id": f"d{at:08}", "text": text}) + "\n")
    return len(families), buckets


def main():
    parser = argparse.ArgumentParser(description="Writes texts with near-duplicates among them, and how alike each pair is.")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=350, help="words of a document on average; 350 are about 2.2 kB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("out", metavar="OUT.jsonl")
    parser.add_argument("truth", metavar="TRUTH.jsonl")
    options = parser.parse_args()
    if options.documents < 1 or options.words < 4 * NGRAM:
        parser.error(f"at least 1 document, of {4 * NGRAM} words")
    families, buckets = write_corpus(options.documents, options.words, options.seed, options.out, options.truth)
    print(f"{options.documents} documents, {families} families, {buckets.total()} pairs; pairs from each similarity on:")
    print(", ".join(f"{bucket / 10} {buckets[bucket]}" for bucket in range(11)))


if __name__ == "__main__":
    main()
