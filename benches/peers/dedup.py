"""Runs gristmill's MinHash dedup and its peers on the same texts, one core each, and prints what each took and found.

usage: dedup.py [--gristmill COMMAND] [--documents N] [--datatrove N] [--runs N] [--seed N] [--json FILE]

`run dedup`, beside this file, makes the environment and calls it; README.md says what is compared and what is fair about it. Without
`--gristmill` only the peers run. The texts are those of ../dedup_corpus.py, which knows how alike any two of them are.

Every measurement is a process of its own, held to one core, as in compare.py: `dedup.py work` is what runs in it when the subject is a
Python package. Nothing but the standard library is imported at the top, so that neither adds to what is measured.
"""
import argparse
import importlib.metadata  # datatrove uses it without importing it
import json
import pathlib
import re
import statistics
import struct
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict

import compare
from compare import Failed, cpu_seconds, measured, number

sys.path.insert(0, str(compare.ROOT / "benches"))

NGRAM, BANDS, ROWS = 5, 14, 8
HASHES = BANDS * ROWS
# The similarity from which two texts count as duplicates, for those that verify and in the figures.
THRESHOLD = 0.8
# Texts that a batch call gets at once.
BATCH = 1000
WARM_UP = "a short text of more than five words that is thrown away"
EDGES = [0.0, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0]
compare.PACKAGES[:] = ["datatrove", "spacy", "rensa", "datasketch", "numpy", "xxhash", "pyarrow"]


# ---- What runs in the measured process


def read_texts(path):
    """Yields (id, text)."""
    import orjson

    with open(path, "rb") as file:
        for line in file:
            row = orjson.loads(line)
            yield row["id"], row["text"]


def batches(items):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def shingles(text):
    """The word 5-grams, as what these packages take: a list of strings. Words are those between white space."""
    words = text.split()
    return [" ".join(words[at : at + NGRAM]) for at in range(len(words) - NGRAM + 1)]


def rensa_sketches(kind):
    """Returns what makes signatures of a list of texts, in one call of rensa."""
    import rensa

    make = {
        "rensa RMinHash": rensa.RMinHash.from_token_sets,
        "rensa CMinHash": rensa.CMinHash.from_token_sets,
        "rensa RMinHash, matrix": rensa.RMinHash.digest_matrix_from_token_sets,
        "rensa rho, matrix": rensa.RMinHash.digest_matrix_from_token_sets_rho,
    }[kind]
    return lambda texts: make([shingles(text) for text in texts], num_perm=HASHES, seed=42)


def datasketch_sketches(kind):
    """Likewise, in one call of datasketch."""
    from datasketch import MinHash

    options = {}
    if kind == "datasketch, xxhash":
        import xxhash

        options["hashfunc"] = xxhash.xxh32_intdigest
    return lambda texts: MinHash.bulk(
        ([shingle.encode() for shingle in shingles(text)] for text in texts), num_perm=HASHES, **options
    )


SKETCHES = {
    "rensa RMinHash": rensa_sketches,
    "rensa CMinHash": rensa_sketches,
    "rensa RMinHash, matrix": rensa_sketches,
    "rensa rho, matrix": rensa_sketches,
    "datasketch": datasketch_sketches,
    "datasketch, xxhash": datasketch_sketches,
}


def work_signatures(job):
    """Reads the texts and makes their signatures, a batch at a time; none is kept."""
    sketch = SKETCHES[job["subject"]](job["subject"])
    sketch([WARM_UP])
    startup = cpu_seconds()
    for batch in batches(text for _, text in read_texts(job["corpus"])):
        sketch(batch)
    return {"startup": startup, "cpu": cpu_seconds() - startup}


class UnionFind:
    def __init__(self):
        self.parents = {}

    def root(self, item):
        parents = self.parents
        while (parent := parents.setdefault(item, item)) != item:
            parents[item] = parents[parent]
            item = parent
        return item

    def join(self, first, second):
        first, second = sorted((self.root(first), self.root(second)))
        self.parents[second] = first

    def clusters(self):
        """The root of each item that was ever joined."""
        return {item: self.root(item) for item in self.parents}


def write_kept(job, keep):
    """Reads the texts again and writes those to keep as Parquet; `keep` is a function of a text's number."""
    import pyarrow
    import pyarrow.parquet

    schema = pyarrow.schema([("id", pyarrow.string()), ("text", pyarrow.string())])
    kept = (row for number, row in enumerate(read_texts(job["corpus"])) if keep(number))
    with pyarrow.parquet.ParquetWriter(f"{job['out']}/kept.parquet", schema, compression="zstd") as writer:
        for batch in batches(kept):
            writer.write_batch(pyarrow.record_batch(list(zip(*batch)), schema=schema))


def finish(job, startup, removed, clusters=None):
    """Takes the time; what is found is handed over after that. Both by the numbers of the texts."""
    cpu = cpu_seconds() - startup
    found = {"removed": sorted(removed), "clusters": clusters and sorted(clusters.items())}
    pathlib.Path(job["found"]).write_text(json.dumps(found))
    return {"startup": startup, "cpu": cpu}


def work_end_to_end(job):
    """Signatures, the package's own index of bands, clusters by union-find in Python, and the texts kept as Parquet."""
    import pyarrow.parquet

    sketch, index = END_TO_END[job["subject"]]()
    sketch([WARM_UP])
    startup = cpu_seconds()
    first, clusters = 0, UnionFind()
    for batch in batches(text for _, text in read_texts(job["corpus"])):
        index.add(first, sketch(batch), clusters)
        first += len(batch)
    index.end(clusters)
    clusters = clusters.clusters()
    removed = {item for item, root in clusters.items() if item != root}
    write_kept(job, lambda number: number not in removed)
    return finish(job, startup, removed, clusters)


class DatasketchIndex:
    """`MinHashLSH`, asked for each text before the text is inserted."""

    def __init__(self):
        from datasketch import MinHashLSH

        self.index = MinHashLSH(num_perm=HASHES, params=(BANDS, ROWS))

    def add(self, first, sketches, clusters):
        for number, sketch in enumerate(sketches, first):
            for other in self.index.query(sketch):
                clusters.join(number, other)
            self.index.insert(number, sketch)

    def end(self, clusters):
        pass


class RensaIndex:
    """`RMinHashLSH`: all inserted, then all asked, each in one call."""

    def __init__(self):
        from rensa import RMinHashLSH

        self.index = RMinHashLSH(threshold=THRESHOLD, num_perm=HASHES, num_bands=BANDS)
        self.sketches = []

    def add(self, first, sketches, clusters):
        self.index.insert_many(sketches, start_key=first)
        self.sketches += sketches

    def end(self, clusters):
        for number, others in enumerate(self.index.query_all(self.sketches)):
            for other in others:
                if other < number:
                    clusters.join(number, other)


END_TO_END = {
    "datasketch MinHashLSH": lambda: (datasketch_sketches("datasketch"), DatasketchIndex()),
    "datasketch MinHashLSH, xxhash": lambda: (datasketch_sketches("datasketch, xxhash"), DatasketchIndex()),
    "rensa RMinHashLSH": lambda: (rensa_sketches("rensa RMinHash"), RensaIndex()),
}


def work_rensa_deduplicator(job):
    """`RMinHashDeduplicator`: keeps a text unless its estimated similarity to one kept is high enough. It makes no clusters."""
    import pyarrow.parquet
    from rensa import RMinHashDeduplicator

    deduplicator = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=HASHES, use_lsh=True, num_bands=BANDS)
    startup = cpu_seconds()
    keep = []
    for batch in batches(text for _, text in read_texts(job["corpus"])):
        keep += deduplicator.add_pairs((str(number), shingles(text)) for number, text in enumerate(batch, len(keep)))
    write_kept(job, keep.__getitem__)
    return finish(job, startup, [number for number, kept in enumerate(keep) if not kept])


def run_datatrove(stages, out):
    from datatrove.executor import LocalPipelineExecutor

    startup = cpu_seconds()
    for name, (pipeline, tasks) in stages.items():
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{out}/logs/{name}").run()
    return startup


def datatrove_signatures(job):
    from datatrove.pipeline.dedup import MinhashDedupSignature
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.utils.text import split_into_words

    split_into_words(WARM_UP, "eng")
    corpus = pathlib.Path(job["corpus"])
    read = JsonlReader(str(corpus.parent), glob_pattern=corpus.name)
    signatures = MinhashDedupSignature(f"{job['out']}/signatures", config=datatrove_config())
    signatures.get_signature(signatures.get_shingles(WARM_UP))
    return read, signatures


def datatrove_config():
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig

    return MinhashConfig(n_grams=NGRAM, num_buckets=BANDS, hashes_per_bucket=ROWS, hash_config=HashConfig(64, "xxhash"))


def work_datatrove_signatures(job):
    startup = run_datatrove({"signatures": (list(datatrove_signatures(job)), 1)}, job["out"])
    return {"startup": startup, "cpu": cpu_seconds() - startup}


def work_datatrove_end_to_end(job):
    from datatrove.pipeline.dedup.minhash import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter
    from datatrove.pipeline.writers import ParquetWriter

    out, config = job["out"], datatrove_config()
    read, signatures = datatrove_signatures(job)
    buckets = MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=config)
    cluster = MinhashDedupCluster(f"{out}/buckets", f"{out}/clusters", config=config, save_cluster_id=True)
    kept = [read, MinhashDedupFilter(f"{out}/clusters"), ParquetWriter(f"{out}/kept")]
    stages = {"signatures": ([read, signatures], 1), "buckets": ([buckets], BANDS), "clusters": ([cluster], 1), "kept": (kept, 1)}
    startup = run_datatrove(stages, out)
    cpu = cpu_seconds() - startup

    def numbers(name, each):
        """Nothing is written where there is nothing to say."""
        path = pathlib.Path(f"{out}/clusters/000000.{name}")
        return list(struct.iter_unpack(each, path.read_bytes())) if path.exists() else []

    removed = [number for number, in numbers("remove", "<I")]
    return finish(job, startup, removed, dict(numbers("clusters", "<2I"))) | {"cpu": cpu}


WORK = {"datatrove signatures": work_datatrove_signatures, "datatrove end to end": work_datatrove_end_to_end}
WORK |= {"rensa RMinHashDeduplicator": work_rensa_deduplicator, "end to end": work_end_to_end, "signatures": work_signatures}


def work(path):
    job = json.loads(pathlib.Path(path).read_text())
    pathlib.Path(job["result"]).write_text(json.dumps(WORK[job["work"]](job)))


# ---- Subjects: each a function of a corpus and a folder that returns what was measured, and what was found if it finds anything


def peer(work, subject=None):
    def measure(corpus, folder):
        job = {"work": work, "subject": subject, "corpus": str(corpus.texts), "out": str(folder)}
        job |= {"found": f"{folder}/found.json", "result": f"{folder}/result.json"}
        path = folder / "job.json"
        path.write_text(json.dumps(job))
        done = measured([sys.executable, __file__, "work", path], folder)
        done |= json.loads(pathlib.Path(job["result"]).read_text())  # its CPU time is without start-up
        if pathlib.Path(job["found"]).exists():
            found = json.loads(pathlib.Path(job["found"]).read_text())
            done["removed"] = {corpus.ids[number] for number in found["removed"]}
            if found["clusters"] is not None:
                done["clusters"] = {corpus.ids[number]: cluster for number, cluster in found["clusters"]}
        return done

    return measure


RECIPE = """\
recipe: 1
name: dedup
read: [{{uri: {corpus}, id: id}}]
text:
  - dedup: {{minhash: {{ngram: {ngram}, bands: {bands}, rows: {rows}, verify: {verify}}}}}
write: {{columns: [id, text], rejects: counts}}
"""


def gristmill_run(command, verify):
    """The whole of gristmill, from the JSONL to the shards; `verify` is a similarity or "off"."""

    def query(out, sql):
        lines = subprocess.run([command, "--json", "query", out, sql], check=True, capture_output=True, text=True).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def measure(corpus, folder):
        recipe, out = folder / "recipe.yaml", folder / "out"
        recipe.write_text(RECIPE.format(corpus=corpus.texts, ngram=NGRAM, bands=BANDS, rows=ROWS, verify=verify))
        startup = measured([command, "check", recipe], folder)["cpu"]
        done = measured([command, "run", recipe, "--to", out, "--threads", "1"], folder) | {"startup": startup}
        kept = {row["id"] for row in query(out, "SELECT id FROM text")}
        rows = query(out, "SELECT id, cluster_id, cluster_rank, cluster_similarity FROM clusters")
        done["removed"] = set(corpus.ids) - kept
        done["clusters"] = {row["id"]: row["cluster_id"] for row in rows if row["cluster_id"] is not None}
        return done

    return measure


def gristmill_signatures(command):
    """The example `fingerprint_speed`, which reads the JSONL, makes the signatures and says how many documents a CPU second."""

    def measure(corpus, folder):
        example = pathlib.Path(command).parent / "examples/fingerprint_speed"
        if not example.exists():
            raise Failed("the example fingerprint_speed is not built beside the command")
        done = measured([example, corpus.texts, "1"], folder)
        said = re.search(r"xxh64: text to signature\s+([0-9]+) documents/s", done["log"])
        if not said:
            raise Failed("the example fingerprint_speed prints something else")
        done["cpu"] = len(corpus.ids) / float(said[1])
        return done | {"startup": 0.0}

    return measure


# ---- Figures


class Corpus:
    """Texts, and which of them are alike."""

    def __init__(self, folder, documents, seed):
        import dedup_corpus

        folder.mkdir()
        self.texts, truth = folder / "texts.jsonl", folder / "truth.jsonl"
        dedup_corpus.write_corpus(documents, 350, seed, str(self.texts), str(truth))
        with open(self.texts, encoding="utf-8") as file:
            self.ids = [json.loads(line)["id"] for line in file]
        self.bytes = self.texts.stat().st_size
        rows = compare.read_jsonl(truth)
        self.pairs = {(row["a"], row["b"]): row["jaccard"] for row in rows}
        families = Counter(row["family"] for row in rows)
        # Where a family is two texts nothing but their own likeness can put them in one cluster.
        self.twos = {(row["a"], row["b"]): row["jaccard"] for row in rows if families[row["family"]] == 1}
        alike = UnionFind()
        for (a, b), jaccard in self.pairs.items():
            if jaccard >= THRESHOLD:
                alike.join(a, b)
        self.groups = defaultdict(set)
        for item, root in alike.clusters().items():
            self.groups[root].add(item)

    def stretch(self, jaccard):
        """The number of the stretch of similarity; the last is that of 1 alone."""
        return max(at for at, edge in enumerate(EDGES) if jaccard >= edge)

    def stretches(self, pairs):
        """Pairs by stretch of their similarity."""
        by_stretch = defaultdict(list)
        for pair, jaccard in pairs.items():
            by_stretch[self.stretch(jaccard)].append(pair)
        return by_stretch


def theory(jaccard):
    """The chance that two texts of this similarity share a band."""
    return 1 - (1 - jaccard**ROWS) ** BANDS


def ratio(part, whole):
    return part / whole if whole else None


def quality(corpus, done):
    """What a subject found, beside the groups of texts that a chain of similarities of 0.8 or more connects."""
    removed, clusters = done["removed"], done.get("clusters")
    # Of each group all texts but one are to go, no matter which.
    right = sum(min(len(removed & group), len(group) - 1) for group in corpus.groups.values())
    wanted = sum(len(group) - 1 for group in corpus.groups.values())
    figures = {"removed": len(removed), "precision": ratio(right, len(removed)), "recall": ratio(right, wanted)}

    def together(pair):
        a, b = pair
        if clusters is None:
            return a in removed or b in removed
        return a in clusters and clusters.get(a) == clusters.get(b)

    by_stretch = corpus.stretches(corpus.twos)
    figures["found"] = {at: sum(map(together, pairs)) for at, pairs in by_stretch.items()}
    if clusters is not None:
        sizes = Counter(clusters.values())
        figures["pairs"] = sum(size * (size - 1) // 2 for size in sizes.values())
        found = Counter(corpus.pairs[pair] >= THRESHOLD for pair in filter(together, corpus.pairs))
        alike = sum(jaccard >= THRESHOLD for jaccard in corpus.pairs.values())
        figures |= {"pairs alike": found[True], "pair precision": ratio(found[True], figures["pairs"])}
        figures |= {"pair recall": ratio(found[True], alike), "unrelated": figures["pairs"] - found.total()}
    return figures


def rounds(subjects, runs, scratch):
    """Runs all subjects once, then all again. `subjects` has name: (corpus, function). Returns runs by name, and what failed."""
    found, missing = defaultdict(list), {}
    for turn in range(runs):
        for name, (corpus, subject) in subjects.items():
            if name in missing:
                continue
            print(f"{name}, {turn + 1} of {runs}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                try:
                    done = subject(corpus, pathlib.Path(folder))
                    found[name].append(done)
                    print(f"  {number(len(corpus.ids) / done['cpu'])} documents/CPU s, {number(done['peak'])} MiB", file=sys.stderr)
                except Failed as failure:
                    absent = "ModuleNotFoundError" in str(failure) or "ImportError" in str(failure)
                    missing[name] = f"{'not installed' if absent else 'failed'}: {failure}"
    table = {}
    for name, done in found.items():
        if name not in missing:
            corpus = subjects[name][0]
            table[name] = {"documents": len(corpus.ids)} | compare.figures(done, len(corpus.ids), corpus.bytes)
            if "removed" in done[-1]:
                table[name]["quality"] = quality(corpus, done[-1])
    return {"subjects": table, "missing": missing}


# ---- Output


def print_row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |")


def print_head(*cells):
    print_row(*cells)
    print("|---" + "|---:" * (len(cells) - 1) + "|")


def share(value):
    return "" if value is None else f"{value:.3f}"


def print_speed(result):
    subjects = result["subjects"]
    ours = {name: row for name, row in subjects.items() if name.startswith("gristmill") and "small" not in name}
    head = ["", "documents", "documents/CPU s", "lowest to highest", "MB/CPU s", *(f"× {name}" for name in ours)]
    print_head(*head, "peak MiB", "start-up CPU s")
    for name, row in subjects.items():
        cells = [name, f"{row['documents']:,}", number(row["per CPU second"])]
        cells += [f"{number(row['lowest'])} to {number(row['highest'])}", number(row["MB per CPU second"])]
        cells += [f"× {number(our['per CPU second'] / row['per CPU second'])}" for our in ours.values()]
        print_row(*cells, number(row["peak MiB"]), f"{row['start-up CPU seconds']:.2f}")
    for name, reason in result["missing"].items():
        print_row(name, reason, *[""] * len(head))
    print()


def print_quality(result):
    found = {name: row["quality"] for name, row in result["subjects"].items() if "quality" in row}
    print_head("", "removed", "precision", "recall", "pairs in clusters", "precision", "recall", "unrelated pairs")
    for name, row in found.items():
        cells = [name, f"{row['removed']:,}", share(row["precision"]), share(row["recall"])]
        if "pairs" in row:
            cells += [f"{row['pairs']:,}", share(row["pair precision"]), share(row["pair recall"]), row["unrelated"]]
        print_row(*cells, *[""] * (8 - len(cells)))
    print()


def print_stretches(corpus, names, result):
    """Of the pairs that are a family of their own, the share found, by similarity."""
    found = {name: result["subjects"][name]["quality"]["found"] for name in names}
    print_head("similarity", "pairs", "theory", *found)
    for at, pairs in sorted(corpus.stretches(corpus.twos).items()):
        label = "1" if EDGES[at] == 1 else f"{EDGES[at]} to {EDGES[at + 1]}"
        expected = statistics.mean(theory(corpus.twos[pair]) for pair in pairs)
        print_row(label, len(pairs), share(expected), *(share(row.get(at, 0) / len(pairs)) for row in found.values()))
    print()


def print_report(report, corpora):
    print("# Near-duplicates: gristmill and its peers\n")
    about = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory GiB']} GiB, load {about['load']:.1f} at the start. One core each.")
    print(f"{report['gristmill'] or 'Without gristmill'}; {versions}.")
    print(f"Medians of {report['runs']} runs. CPU seconds of the peers without start-up, of gristmill's whole runs with it.")
    print(f"MinHash over word {NGRAM}-grams, {BANDS} bands of {ROWS}. × is the rate of gristmill divided by that of the row.\n")
    print("## Signatures, from JSONL\n")
    print_speed(report["signatures"])
    print("## End to end: JSONL, signatures, clusters, the texts kept as Parquet\n")
    print_speed(report["end to end"])
    print(f"What they found, beside texts of a similarity of {THRESHOLD} or more:\n")
    print_quality(report["end to end"])
    done = report["end to end"]["subjects"]
    for size, corpus in corpora.items():
        names = [name for name, row in done.items() if row["documents"] == size and "quality" in row]
        if not names:
            continue
        print(f"Share of the pairs found, {size:,} documents, families of two only; theory is 1 − (1 − s^{ROWS})^{BANDS}:\n")
        print_stretches(corpus, names, report["end to end"])


def main():
    parser = argparse.ArgumentParser(description="Runs gristmill's MinHash dedup and its peers on the same texts.")
    parser.add_argument("--gristmill", help="the command; without it only the peers run")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--datatrove", type=int, default=2_000, help="documents of the corpus that datatrove gets; 0 leaves it out")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    command, version = options.gristmill, None
    if command:
        version = subprocess.run([command, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    report = {"machine": compare.machine(), "gristmill": version, "runs": options.runs}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        corpora = {
            documents: Corpus(scratch / f"corpus-{documents}", documents, options.seed)
            for documents in sorted({options.documents, options.datatrove} - {0}, reverse=True)
        }
        large, small = corpora[options.documents], corpora.get(options.datatrove)
        signatures, whole = {}, {}
        if command:
            signatures["gristmill"] = large, gristmill_signatures(command)
            whole["gristmill, verify 0.8"] = large, gristmill_run(command, THRESHOLD)
            whole["gristmill, verify off"] = large, gristmill_run(command, "off")
            if small and small is not large:
                whole["gristmill, verify off, small"] = small, gristmill_run(command, "off")
        if small:
            signatures["datatrove"] = small, peer("datatrove signatures")
            whole["datatrove"] = small, peer("datatrove end to end")
        signatures |= {name: (large, peer("signatures", name)) for name in SKETCHES}
        whole |= {name: (large, peer("end to end", name)) for name in END_TO_END}
        whole["rensa RMinHashDeduplicator"] = large, peer("rensa RMinHashDeduplicator")
        report["signatures"] = rounds(signatures, options.runs, scratch)
        report["end to end"] = rounds(whole, options.runs, scratch)
        print_report(report, corpora)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    work(sys.argv[2]) if sys.argv[1:2] == ["work"] else main()
