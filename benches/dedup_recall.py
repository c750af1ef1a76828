"""Recall and precision of MinHash dedup on texts of known similarity: dedup_recall.py GRISTMILL TEXTS TRUTH [SEEDS].

TEXTS and TRUTH are what dedup_corpus.py writes. Without verification, pairs that are families of their own are in a
cluster if, and only if, they met in a band, so their share is the recall that theory gives as 1 - (1 - s^8)^14. It is
averaged over SEEDS (default 8) seeds of the hash functions. With verification at 0.8 every cluster must be linked by pairs of
0.8 at least, and the similarities that are told must be the true ones.
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

RECIPE = """recipe: 1
name: recall
read: [{uri: x, id: id}]
text:
  - dedup: {minhash: {ngram: 5, bands: 14, rows: 8, seed: %d, verify: %s}}
write: {columns: [id], rejects: counts}
"""


COLUMNS = ["id", "cluster_id", "cluster_rank", "cluster_similarity"]


def clusters(gristmill, texts, seed, verify):
    """The table of clusters as (id, cluster, rank, similarity)."""
    with tempfile.TemporaryDirectory() as folder:
        recipe = pathlib.Path(folder, "recipe.yaml")
        recipe.write_text(RECIPE % (seed, verify))
        out = f"{folder}/out"
        subprocess.run(
            [gristmill, "run", recipe, "--read", texts, "--to", out], check=True, capture_output=True
        )
        sql = f"SELECT {', '.join(COLUMNS)} FROM clusters"
        answer = subprocess.run(
            [gristmill, "--json", "query", out, sql], check=True, capture_output=True, text=True
        )
        rows = map(json.loads, answer.stdout.splitlines())
        return [tuple(row[name] for name in COLUMNS) for row in rows]


def main():
    gristmill, texts, truth = sys.argv[1:4]
    seeds = int(sys.argv[4]) if len(sys.argv) > 4 else 8
    jaccard, families = {}, collections.Counter()
    pairs = []
    for line in open(truth):
        pair = json.loads(line)
        key = tuple(sorted((pair["a"], pair["b"])))
        jaccard[key] = pair["jaccard"]
        families[pair["family"]] += 1
        pairs.append((key, pair["family"]))
    alone = [key for key, family in pairs if families[family] == 1]

    met, expected, count = collections.Counter(), collections.Counter(), collections.Counter()
    for seed in range(1, seeds + 1):
        of = {id: cluster for id, cluster, *_ in clusters(gristmill, texts, seed, "off")}
        for a, b in alone:
            s = jaccard[a, b]
            bucket = min(int(s * 10), 9)
            count[bucket] += 1
            expected[bucket] += 1 - (1 - s**8) ** 14
            met[bucket] += a in of and of[a] == of.get(b)
    print("| Jaccard | pairs × seeds | met | theory | difference |\n|---|---:|---:|---:|---:|")
    for bucket in sorted(count):
        n = count[bucket]
        found, theory = met[bucket] / n, expected[bucket] / n
        print(f"| {bucket / 10:.1f} to {bucket / 10 + 0.1:.1f} | {n:,} | {found:.3f} | {theory:.3f} | {found - theory:+.3f} |")

    rows = clusters(gristmill, texts, 1, "0.8")
    members = collections.defaultdict(list)
    wrong = unlinked = told = 0
    for id, cluster, rank, similarity in rows:
        members[cluster].append(id)
        if rank > 0 and (true := jaccard.get(tuple(sorted((id, cluster))))) is not None:
            told += 1
            wrong += abs(similarity - true) > 1e-5
    in_alone = right = 0
    of = {id: cluster for id, cluster, *_ in rows}
    for a, b in alone:
        if a in of and of[a] == of.get(b):
            in_alone += 1
            right += jaccard[a, b] >= 0.8
    for ids in members.values():
        # Every member has a member that it is similar enough to.
        for id in ids:
            unlinked += not any(jaccard.get(tuple(sorted((id, other))), 0) >= 0.8 for other in ids if other != id)
    print(f"\nverified at 0.8: {len(rows):,} members of {len(members):,} clusters; {unlinked} without a link of 0.8;")
    print(f"of {in_alone:,} pairs of two in a cluster {right:,} are 0.8 or more; {wrong} of {told:,} similarities differ from the truth")


if __name__ == "__main__":
    main()
