"""CPU time of the reference implementations over documents; see model_speed.rs.

    pip install fasttext-wheel==0.9.2 "numpy<2" kenlm==0.3.0
    python model_speed.py make FOLDER      made-up documents of 6 kB, and fastText models trained on them
    python model_speed.py MODEL DOCUMENTS [REPEATS]
"""

import random
import sys
import time
from pathlib import Path

import fasttext
import kenlm


def make(folder):
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    chooser = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgk"
    lengths = [chooser.choice([2, 3, 4, 5, 6, 7, 8, 9, 11]) for _ in range(60_000)]
    words = ["".join(chooser.choices(letters, k=length)) for length in lengths]
    # Zipf's law, each kind of document with its own rank of words.
    weights = [1 / (rank + 3) for rank in range(len(words))]
    kinds = [words, words[200:] + words[:200], words[50:400] + words[:50] + words[400:]]

    def document(kind):
        return " ".join(chooser.choices(kinds[kind], weights=weights, k=1000))

    lines = [(n % 3, document(n % 3)) for n in range(3000)]
    (folder / "documents.txt").write_text("".join(f"{text[:6000]}\n" for _, text in lines[:1000]))
    (folder / "train.txt").write_text("".join(f"__label__k{kind} {text}\n" for kind, text in lines[1000:]))
    train = dict(input=str(folder / "train.txt"), epoch=1, thread=2, verbose=0)
    fasttext.train_supervised(dim=100, wordNgrams=2, bucket=2_000_000, **train).save_model(str(folder / "pairs.bin"))
    model = fasttext.train_supervised(dim=16, minn=2, maxn=4, bucket=500_000, loss="hs", **train)
    model.save_model(str(folder / "subwords.bin"))
    model.quantize(qnorm=True)
    model.save_model(str(folder / "subwords.ftz"))


def main(model, documents, repeats=5):
    documents = Path(documents).read_text().splitlines()
    name = Path(model).name
    start = time.thread_time()
    if "arpa" in name or "lm" in name:
        score = kenlm.Model(model).score
    else:
        predict = fasttext.load_model(model).predict

        def score(document):
            return predict(document)[1][0]

    print(f"read in {time.thread_time() - start:.3f} s")
    best = float("inf")
    for _ in range(int(repeats)):
        start = time.thread_time()
        found = sum(score(document) for document in documents)
        best = min(best, time.thread_time() - start)
    size = sum(len(document.encode()) for document in documents)
    print(f"{len(documents) / best:.0f} documents/s, {size / 1e6 / best:.1f} MB/s, sum {found:.4f}")


if __name__ == "__main__":
    make(sys.argv[2]) if sys.argv[1] == "make" else main(*sys.argv[1:])
