"""Trains the tiny models of this folder and writes what the reference implementations say of them.

    pip install fasttext-wheel==0.9.2 "numpy<2" kenlm==0.3.0
    python make.py BUILD_BINARY

BUILD_BINARY is KenLM's program of that name, compiled with KENLM_MAX_ORDER=6. All text is made up here, from
syllables and a fixed seed. Rewrites *.bin, *.ftz, *.arpa, fasttext.json and kenlm.json; two runs give the same
files.
"""

import json
import math
import random
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import fasttext
import kenlm

HERE = Path(__file__).parent
SYLLABLES = ["ka", "lo", "mi", "tu", "re", "so", "né", "ül", "ña", "жи", "ра", "水", "山", "λο", "x"]


def words(seed, count):
    """Made-up words; some are one character long, some many bytes."""
    chooser = random.Random(seed)
    found = []
    while len(found) < count:
        word = "".join(chooser.choices(SYLLABLES, k=chooser.choice([1, 1, 2, 2, 3, 4])))
        if word not in found:
            found.append(word)
    return found


def sentence(chooser, vocabulary, topic, topics, length):
    """Mostly words of the topic, which are every `topics`-th, and some of all."""
    own = vocabulary[topic::topics] or vocabulary
    return " ".join(chooser.choice(own if chooser.random() < 0.7 else vocabulary) for _ in range(length))


def corpus(path, seed, topics, lines, vocabulary):
    chooser = random.Random(seed)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(lines):
            # Labels of different counts, so that the Huffman tree is not balanced.
            topic = min(int(chooser.expovariate(3 / topics)), topics - 1)
            text = sentence(chooser, vocabulary, topic, topics, chooser.randint(3, 12))
            file.write(f"__label__t{topic} {text}\n")
        if topics > 100:
            for topic in range(topics):
                file.write(f"__label__t{topic} {sentence(chooser, vocabulary, topic, topics, 5)}\n")


def texts(vocabulary):
    chooser = random.Random(99)
    cases = [[sentence(chooser, vocabulary, topic, 7, 9), 1] for topic in range(7)]
    cases += [
        ["", 1],
        [" \t  ", 1],
        ["zzzz qqqq unknown-word 未知", 1],
        ["kalo\tmitu\rreso\vrasx\fmi\0kalo  lo ", 1],
        ["kalo mitu </s> reso x x x", 1],
        ["__label__t1 kalo __label__nowhere mitu", 1],
        ["жи ра 水山 né ül", 1],
        ["🦀 \u00a0 \u3000 e\u0301 \u200b", 1],
        ["x", 1],
        ["k" * 3000, 1],
        [" ".join(vocabulary[:40]) + " ", 250],
        ["水山ла", 2000],
    ]
    return cases


def train(path, **options):
    return fasttext.train_supervised(path, thread=1, seed=5, lr=0.3, epoch=25, verbose=0, **options)


def predict(model, cases):
    """For each text and each way to ask: labels without their prefix, and probabilities."""
    answers = []
    for text, repeat in cases:
        for k, threshold in asks(len(model.labels)):
            labels, probabilities = model.predict(text * repeat, k=k, threshold=threshold)
            labels = [label.removeprefix("__label__") for label in labels]
            answers.append([labels, [float(f"{p:.7g}") for p in probabilities]])
    return answers


def asks(labels):
    """The same as in `fasttext.rs`."""
    return [(min(labels, 8), 0.0), (3, 0.05)]


def make_fasttext():
    golden = []
    vocabulary = words(1, 120)
    cases = texts(vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        few, many = f"{folder}/few.txt", f"{folder}/many.txt"
        corpus(few, 2, 7, 600, vocabulary)
        corpus(many, 3, 260, 600, vocabulary)

        def keep(name, model):
            model.save_model(str(HERE / name))
            model = fasttext.load_model(str(HERE / name))
            golden.append({"file": name, "version": 12, "answers": predict(model, cases)})

        subwords = dict(loss="softmax", wordNgrams=2, minn=2, maxn=4)
        model = train(few, dim=8, bucket=400, **subwords)
        keep("softmax.bin", model)
        # The same file as version 11, of which character n-grams are not used.
        old = bytearray((HERE / "softmax.bin").read_bytes())
        old[4] = 11
        Path(f"{folder}/old.bin").write_bytes(old)
        model = fasttext.load_model(f"{folder}/old.bin")
        golden.append({"file": "softmax.bin", "version": 11, "answers": predict(model, cases)})

        keep("hs.bin", train(few, dim=10, loss="hs"))
        keep("ova.bin", train(few, dim=5, loss="ova", wordNgrams=3, bucket=200))
        keep("ns.bin", train(few, dim=9, loss="ns", minn=1, maxn=2, bucket=150))

        # Seven numbers in parts of two: the last part is narrower.
        model = train(few, dim=7, bucket=500, **subwords)
        model.quantize(dsub=2)
        keep("quantised.ftz", model)
        model = train(few, dim=7, bucket=500, **subwords)
        model.quantize(input=few, cutoff=300, qnorm=True, dsub=3, retrain=False)
        keep("pruned.ftz", model)
        model = train(many, dim=5, loss="hs", wordNgrams=2, bucket=300)
        model.quantize(qout=True, qnorm=False, dsub=2)
        keep("quantised_output_hs.ftz", model)
        model = train(many, dim=6, loss="softmax", wordNgrams=2, bucket=300)
        model.quantize(input=many, qout=True, qnorm=True, cutoff=280, retrain=False, dsub=2)
        keep("quantised_output_norm.ftz", model)
    write_json("fasttext.json", cases, golden)


def arpa(path, order, lines, forget, minimum):
    """Absolute discounting with backoff. `forget` are n-grams to leave out although longer ones end in them."""
    counts = [Counter() for _ in range(order)]
    for line in lines:
        tokens = ["<s>", *line.split(), "</s>"]
        for length in range(1, order + 1):
            for start in range(len(tokens) - length + 1):
                counts[length - 1][tuple(tokens[start : start + length])] += 1
    for length in range(2, order):
        counts[length] = Counter({g: n for g, n in counts[length].items() if n >= minimum})
    total = sum(counts[0].values())
    discount = 0.6
    probability = [{} for _ in range(order)]
    probability[0] = {g: n / (total + 5) for g, n in counts[0].items()}
    probability[0]["<unk>",] = 5 / (total + 5)
    backoff = [{} for _ in range(order)]

    def lower(gram):
        for length in range(len(gram), 0, -1):
            if gram[-length:] in probability[length - 1]:
                found = probability[length - 1][gram[-length:]]
                for missing in range(length, len(gram)):
                    found *= backoff[missing - 1].get(gram[-missing - 1 : -1], 1.0)
                return found
        return probability[0]["<unk>",]

    for length in range(2, order + 1):
        by_context = defaultdict(list)
        for gram in counts[length - 1]:
            by_context[gram[:-1]].append(gram)
        for context, grams in by_context.items():
            all_of_it = counts[length - 2][context] if length > 1 else total
            found = {g: (counts[length - 1][g] - discount) / all_of_it for g in grams}
            left = 1 - sum(found.values())
            rest = 1 - sum(lower(g[1:]) for g in grams)
            probability[length - 1].update(found)
            backoff[length - 2][context] = max(left, 1e-4) / max(rest, 1e-4)
    for gram in forget:
        del probability[len(gram) - 1][gram]
        backoff[len(gram) - 1].pop(gram, None)
    probability[0]["<s>",] = 1e-99
    with open(path, "w", encoding="utf-8") as file:
        file.write("\\data\\\n")
        for length in range(order):
            file.write(f"ngram {length + 1}={len(probability[length])}\n")
        for length in range(order):
            file.write(f"\n\\{length + 1}-grams:\n")
            for gram, value in sorted(probability[length].items()):
                file.write(f"{math.log10(value):.6f}\t{' '.join(gram)}")
                if gram in backoff[length]:
                    file.write(f"\t{math.log10(backoff[length][gram]):.6f}")
                file.write("\n")
        file.write("\n\\end\\\n")


def make_kenlm(build_binary):
    vocabulary = words(7, 60)
    chooser = random.Random(8)
    lines = [sentence(chooser, vocabulary, n % 9, 9, chooser.randint(1, 9)) for n in range(80)]
    arpa(HERE / "order4.arpa", 4, lines, [], 2)
    # Trigrams whose last two words are no bigram, as pruning can leave them.
    chooser = random.Random(9)
    lines = lines[:25] + [sentence(chooser, vocabulary, 0, 9, 5) for _ in range(25)]
    tokens = [["<s>", *line.split(), "</s>"] for line in lines]
    bigrams = {pair for line in tokens for pair in zip(line, line[1:])}
    contexts = {pair for line in tokens for pair in zip(line, line[1:-1])}
    forget = sorted(bigrams - contexts)[:12]
    arpa(HERE / "pruned.arpa", 3, lines, forget, 1)

    def build(source, target, *options):
        subprocess.run([build_binary, *options, HERE / source, HERE / target], check=True, capture_output=True)

    build("order4.arpa", "probing4.bin", "probing")
    build("pruned.arpa", "probing3.bin", "-p", "1.9", "probing")
    build("order4.arpa", "trie4.bin", "trie")
    build("pruned.arpa", "trie3.bin", "trie")
    cases = [[line, 1] for line in lines[:40:4] + lines[-40::2]]
    cases += [[" ".join(chooser.choices(vocabulary, k=8)), 1] for _ in range(20)]
    cases += [
        ["", 1],
        ["  \t ", 1],
        ["nobody knows these", 1],
        ["kalo unknown kalo 未知", 1],
        ["<unk> kalo", 1],
        ["ka\vlo\fmi\rtu", 1],
        ["ka\u00a0lo", 1],
        [lines[0] + " ", 500],
    ]
    golden = []
    for name in sorted(path.name for path in HERE.iterdir() if path.suffix == ".arpa" or is_kenlm(path)):
        model = kenlm.Model(str(HERE / name))
        answers = []
        for text, repeat in cases:
            unknown = sum(is_unknown for _, _, is_unknown in model.full_scores(text * repeat))
            answers.append([model.score(text * repeat), model.perplexity(text * repeat), unknown])
        golden.append({"file": name, "answers": answers})
    write_json("kenlm.json", cases, golden)


def is_kenlm(path):
    return path.suffix == ".bin" and path.read_bytes().startswith(b"mmap lm")


def write_json(name, cases, models):
    """`cases` are texts and how often each is repeated; `answers` of a model are in their order."""
    text = json.dumps({"cases": cases, "models": models}, separators=(",", ":"))
    (HERE / name).write_text(text.replace('{"file"', '\n{"file"') + "\n")


if __name__ == "__main__":
    make_fasttext()
    make_kenlm(sys.argv[1])
