#!/usr/bin/env python3
"""Trains the classifier of blocks and writes its weights as Rust.

usage: train.py GOLD.jsonl.gz PAGES_FOLDER BLOCK_FEATURES_BINARY WORK_FOLDER [--write SRC_EXTRACT_FOLDER]

Three steps, each of which sees out-of-fold results of the one before: logistic regression on words of paths and texts,
trees on what is measured of a block, trees on that and on what the first trees say of other blocks. Folds are by site.
Printed is the mean word F1 of pages whose site no step was fitted on.
"""
import argparse, collections, re, subprocess, time
from pathlib import Path

import lightgbm as lgb
import numpy as np

from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import SGDClassifier

from labels import PageScore, label, read_gold, site

ap = argparse.ArgumentParser()
ap.add_argument("gold"), ap.add_argument("pages"), ap.add_argument("binary"), ap.add_argument("work")
ap.add_argument("--write")
a = ap.parse_args()
work = Path(a.work)
FOLDS, BASE, LEX, CONTEXT, ROUNDS = 5, 280, 6, 47, 130
HEADING_WORDS = BASE - 6   # four numbers on the words of the heading before a block; see `features.rs`
IN_CELL, HEADING_LEVEL = 18, 20
ROWS_A_PAGE = 300          # of longer pages a sample is fitted, with more weight
PATH_PAGES, TEXT_PAGES = 8, 12   # a word counts if so many sites use it
start = time.time()


def say(*what):
    print(f"{time.time() - start:6.0f} s", *what, flush=True)


# ---- pages ------------------------------------------------------------------------------------------------------------
gold = read_gold(a.gold)
subprocess.run([a.binary, a.pages, work / "features"], check=True, stdout=subprocess.DEVNULL)


def read(g):
    path = lambda ending: work / "features" / f"{g['id']}.{ending}"
    text, paths = path("txt").read_text(), path("paths").read_text()
    blocks = text.split("\n") if text else []
    n, width = len(blocks), BASE + LEX
    x = np.fromfile(path("f32"), "<f4")[:n * width].reshape(n, width)
    y, words = label(blocks, g["gold_text"])
    return dict(id=g["id"], kind=g["page_type"], site=site(g["url"]), blocks=blocks, x=x, y=y, words=words,
                paths=paths.split("\n") if n else [], score=PageScore(blocks, g["gold_text"]))


pages = [read(g) for g in gold]
ends = np.cumsum([0] + [len(p["blocks"]) for p in pages])
y = np.concatenate([p["y"] for p in pages])
rng = np.random.RandomState(0)
fold_of_site = {s: rng.randint(FOLDS) for s in sorted({p["site"] for p in pages})}
page_fold = np.array([fold_of_site[p["site"]] for p in pages])
fold = np.repeat(page_fold, np.diff(ends))
# A page weighs about the same however long it is: the score is a mean over pages.
weight = np.concatenate([(p["words"] + 1) / np.sqrt(max(50, (p["words"] * p["y"]).sum()) * max(50, p["words"].sum()))
                         for p in pages])
share = np.repeat(np.minimum(1, ROWS_A_PAGE / np.maximum(1, np.diff(ends))), np.diff(ends))
sampled = rng.rand(len(y)) < share
say(len(pages), "pages", len(y), "blocks", sampled.sum(), "sampled")


SURE, NO, REPEATED = -0.2, -1.2, 5


def keep(p, odds):
    """As `content.rs` does."""
    order = np.argsort(-odds, kind="stable")
    chance, words = 1 / (1 + np.exp(-odds)), p["words"]
    f1 = np.cumsum((chance * words)[order]) / np.maximum(1, np.cumsum(words[order]) + (chance * words).sum())
    best = odds[order[np.argmax(f1)]] if len(order) else 0
    kept = (odds >= min(max(best, NO), SURE)) & (odds > NO)
    seen = set()
    for i in np.flatnonzero(kept & (words >= REPEATED) & (p["x"][:, IN_CELL] == 0)):
        kept[i] = p["blocks"][i] not in seen
        seen.add(p["blocks"][i])
    return kept


def report(name, odds):
    kinds = collections.defaultdict(list)
    for p, i, j in zip(pages, ends, ends[1:]):
        kinds[p["kind"]].append(p["score"].f1(keep(p, odds[i:j])))
    f1 = np.mean([f for k in kinds.values() for f in k])
    say(f"{name}: F1 {f1:.4f}", {k: round(float(np.mean(v)), 3) for k, v in kinds.items()})


# ---- words ------------------------------------------------------------------------------------------------------------
def words_of_text(text):
    return [w.lower() for w in re.findall("[A-Za-z]+", text) if len(w) <= 16][:32]


def words_of_path(path):
    words = re.findall("[A-Za-z]+", re.sub("([a-z])([A-Z])", r"\1 \2", path))
    return [w.lower() for w in words if len(w) <= 16]


def matrix(rows, least):
    """Rows of word counts, without words that few sites use."""
    sites = collections.defaultdict(set)
    for p, i, j in zip(pages, ends, ends[1:]):
        for row in rows[i:j]:
            for word in row:
                sites[word].add(p["site"])
    known = {w for w, s in sites.items() if len(s) >= least}
    vectorizer = DictVectorizer(dtype=np.float32)
    counts = vectorizer.fit_transform([{w: min(n, 3) for w, n in row.items() if w in known} for row in rows])
    return counts, vectorizer.get_feature_names_out()


def fit_words(x, rows):
    # A share of words is fitted as both answers, each with its weight.
    both = np.concatenate([rows, rows])
    model = SGDClassifier(loss="log_loss", penalty="l2", alpha=2e-5, max_iter=12, tol=None, random_state=0, average=True)
    answers = np.repeat([1, 0], len(rows))
    weights = np.concatenate([y[rows] * weight[rows], (1 - y[rows]) * weight[rows]])
    model.fit(x[both], answers, sample_weight=weights / weights.mean())
    return np.clip(np.round(model.coef_[0] * 1024), -8000, 8000)


text_rows = [collections.Counter(words_of_text(b)) for p in pages for b in p["blocks"]]
near_rows = [words_of_path(path.split("\t")[0]) for p in pages for path in p["paths"]]
far_rows = [words_of_path(path.split("\t")[1]) for p in pages for path in p["paths"]]
text_x, text_words = matrix(text_rows, TEXT_PAGES)
path_x, path_words = matrix([collections.Counter(n + f) for n, f in zip(near_rows, far_rows)], PATH_PAGES)
say(len(text_words), "words of texts", len(path_words), "words of paths")


def strongest(words, weights, count=2000):
    order = np.argsort(-np.abs(weights))[:count]
    return {words[i]: int(weights[i]) for i in order if weights[i]}


def lexicon_features(rows, texts, paths):
    out = np.zeros((len(rows), LEX), np.float32)
    for at, i in enumerate(rows):
        near = sum(paths.get(w, 0) for w in near_rows[i])
        found = [texts.get(w, 0) for w, n in text_rows[i].items() for _ in range(n)]
        total = sum(found)
        out[at] = [near + sum(paths.get(w, 0) for w in far_rows[i]), near, total, total / max(1, len(found)),
                   min(found + [0]), max(found + [0])]
    return out / 1024


x = np.concatenate([p["x"] for p in pages])
everything = np.arange(len(y))
for k in range(FOLDS):
    train, test = everything[(fold != k) & sampled], everything[fold == k]
    texts = strongest(text_words, fit_words(text_x, train))
    paths = strongest(path_words, fit_words(path_x, train))
    x[test, BASE:] = lexicon_features(test, texts, paths)
heading = np.full(len(y), -1)
for i, j in zip(ends, ends[1:]):
    last = -1
    for at in range(i, j):
        heading[at] = last
        last = at if x[at, HEADING_LEVEL] > 0 else last
x[:, HEADING_WORDS:HEADING_WORDS + 4] = np.where(heading[:, None] >= 0, x[heading, BASE + 2:BASE + 6], 0)
texts = strongest(text_words, fit_words(text_x, everything[sampled]))
paths = strongest(path_words, fit_words(path_x, everything[sampled]))
say("words fitted")

# ---- trees ------------------------------------------------------------------------------------------------------------
PARAMETERS = dict(objective="cross_entropy", num_leaves=24, learning_rate=0.1, min_data_in_leaf=100, feature_fraction=0.3,
                  bagging_fraction=0.7, bagging_freq=1, lambda_l2=5, max_bin=63, seed=1, deterministic=True,
                  force_row_wise=True, verbose=-1, num_threads=1)


def fit_trees(x, rows, rounds):
    w = weight[rows] / share[rows]
    return lgb.train(PARAMETERS, lgb.Dataset(x[rows], y[rows], weight=w / w.mean()), num_boost_round=rounds)


def out_of_fold(x, rounds):
    odds = np.zeros(len(y))
    for k in range(FOLDS):
        odds[fold == k] = fit_trees(x, everything[(fold != k) & sampled], rounds).predict(x[fold == k], raw_score=True)
        say("fold", k)
    return odds


def numbers(values):
    lines, line = [], "   "
    for value in values:
        if len(line) + len(value) > 108:
            lines.append(line)
            line = "   "
        line += " " + value + ","
    return "\n".join(lines + [line])


def rust_forest(name, model):
    trees, questions, leaves = [], [], []
    for tree in model.dump_model()["tree_info"]:
        trees.append((len(questions), len(leaves)))
        inner, outer = [], []

        def visit(node):            # depth first; small trees
            if "leaf_value" in node:
                outer.append(round(node["leaf_value"] * 8192))
                return -len(outer)
            at = len(inner)
            inner.append(None)
            low, high = visit(node["left_child"]), visit(node["right_child"])
            assert node["decision_type"] == "<=" and node["missing_type"] == "None"
            inner[at] = (node["split_feature"], np.float32(node["threshold"]), low, high)
            return at

        visit(tree["tree_structure"])
        questions += inner
        leaves += outer
    assert max(map(abs, leaves)) < 32768
    # Every tree is read as 32 questions, so the last one is filled up.
    return f"""
/// {len(trees)} trees.
#[rustfmt::skip]
pub(super) static {name}: Forest = Forest {{
    trees: &[
{numbers(f"({q},{l})" for q, l in trees)}
    ],
    questions: &[
{numbers(f"q({f},{str(t)},{l},{h})" for f, t, l, h in questions)}
{numbers(["q(0,0.0,-1,-1)"] * (32 - len(inner)))}
    ],
    leaves: &[
{numbers(map(str, leaves))}
    ],
}};
"""


def write(name, text):
    if a.write:
        (Path(a.write) / name).write_text(text)


HEAD = "generated by `crates/text/training/train.py`; see the README there for data and licence."
lexicon = lambda words: numbers(f'("{w}",{n})' for w, n in sorted(words.items()))
write("lexicon_weights.rs", f"""//! Weights of words; {HEAD}

#[rustfmt::skip]
pub(super) static PATH_WORDS: [(&str, i16); {len(paths)}] = [
{lexicon(paths)}
];

#[rustfmt::skip]
pub(super) static TEXT_WORDS: [(&str, i16); {len(texts)}] = [
{lexicon(texts)}
];
""")
forest_head = f"""//! Trees; {HEAD}

use super::forest::{{Forest, Question, question as q}};
""".replace("Question, ", "")
first_odds = out_of_fold(x, ROUNDS)
report("first", first_odds)
np.save(work / "first.npy", first_odds)
first = fit_trees(x, everything[sampled], ROUNDS)
write("forest_first.rs", forest_head + rust_forest("FIRST", first))
say("first written")

scores = work / "scores"
scores.mkdir(exist_ok=True)
for p, i, j in zip(pages, ends, ends[1:]):
    first_odds[i:j].astype("<f4").tofile(scores / f"{p['id']}.f32")
subprocess.run([a.binary, a.pages, work / "context", scores], check=True, stdout=subprocess.DEVNULL)
context = [np.fromfile(work / "context" / f"{p['id']}.f32", "<f4")[:len(p["blocks"]) * CONTEXT].reshape(-1, CONTEXT)
           for p in pages]
x = np.concatenate([x, np.concatenate(context)], 1)
second = fit_trees(x, everything[sampled], ROUNDS)
write("forest_second.rs", forest_head + rust_forest("SECOND", second))
say("second written")
odds = out_of_fold(x, ROUNDS)
report("second", odds)
report("mean of both", (first_odds + odds) / 2)
np.save(work / "second.npy", odds)
