"""Runs gristmill and its peers on the same input, one core each, and prints what each took.

usage: compare.py --gristmill COMMAND [--fixtures FOLDER] [--pages N] [--texts N] [--runs N] [--json FILE]

`run`, beside this file, makes the environment and calls it; README.md says what is compared and what is fair about it.

Every measurement is a process of its own: `compare.py measure` starts it on one core and takes its CPU time and peak memory
from the kernel; `compare.py work` is what runs in it when the subject is a Python package. Nothing but the standard library is
imported at the top, so that neither adds to what is measured.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Before it is measured, each extractor is given this once, so that what it loads at the first call counts as start-up.
WARM_UP = b"<html><body><article><h1>Warm up</h1><p>A short page. It is thrown away.</p></article></body></html>"
# Seconds that datatrove gives its extractor for a page. Its default, 1 s on the clock, would drop pages on a busy machine.
EXTRACTION_TIMEOUT = 120
PACKAGES = ["trafilatura", "resiliparse", "rs-trafilatura", "datatrove", "spacy", "lxml", "warcio", "pyarrow"]


# ---- What runs in the measured process


def cpu_seconds():
    """CPU time of this process and of those it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def trafilatura_extractor(**options):
    import trafilatura

    return lambda html, url: trafilatura.extract(html, url=url, **options)


def resiliparse_extractor():
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    def extract(html, url):
        tree = HTMLTree.parse_from_bytes(html, detect_encoding(html))
        return extract_plain_text(tree, main_content=True, alt_texts=False)

    return extract


def rs_trafilatura_extractor():
    import rs_trafilatura

    return lambda html, url: rs_trafilatura.extract_bytes(html, url=url).main_content


EXTRACTORS = {
    "trafilatura": trafilatura_extractor,
    "trafilatura, fast": lambda: trafilatura_extractor(fast=True),
    "trafilatura, as datatrove calls it": lambda: trafilatura_extractor(
        favor_precision=True, include_comments=False, deduplicate=True
    ),
    "resiliparse": resiliparse_extractor,
    "rs-trafilatura": rs_trafilatura_extractor,
}


def work_extraction(job):
    """Extracts the pages one by one; only the calls of the extractor count."""
    extract = EXTRACTORS[job["subject"]]()
    extract(WARM_UP, "https://pages.example/")
    startup = cpu_seconds()
    spent, failures = 0.0, Counter()
    with open(job["texts"], "w", encoding="utf-8") as out:
        for page, url in job["pages"]:
            html = gzip.decompress(pathlib.Path(page).read_bytes())
            before = time.process_time()
            try:
                text = extract(html, url)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # a panic in Rust is no Exception
                text = ""
                failures[type(error).__name__] += 1
            spent += time.process_time() - before
            out.write(json.dumps({"id": page_id(page), "text": text or ""}) + "\n")
    return {"startup": startup, "cpu": spent, "failures": failures}


def datatrove_filters(rejects):
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.pipeline.writers import JsonlWriter

    def writer(name):
        return JsonlWriter(f"{rejects}/{name}", compression=None)

    return [
        GopherRepetitionFilter(exclusion_writer=writer("gopher_repetition")),
        GopherQualityFilter(exclusion_writer=writer("gopher_quality")),
        C4QualityFilter(filter_no_terminal_punct=False, exclusion_writer=writer("c4_quality")),
        FineWebQualityFilter(exclusion_writer=writer("fineweb_quality")),
    ]


def warm_up_datatrove():
    from datatrove.utils.text import split_into_sentences, split_into_words

    split_into_words("Warm up.", "eng")
    split_into_sentences("Warm up.", "eng")


def run_datatrove(pipeline, out):
    from datatrove.executor import LocalPipelineExecutor

    startup = cpu_seconds()
    LocalPipelineExecutor(pipeline, tasks=1, workers=1, logging_dir=f"{out}/logs").run()
    return {"startup": startup, "cpu": cpu_seconds() - startup}


def work_datatrove_chain(job):
    import importlib.metadata  # datatrove uses it without importing it

    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import LanguageFilter
    from datatrove.pipeline.formatters import PIIFormatter
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import JsonlWriter, ParquetWriter

    seen, extracted = [], []

    def note(urls):
        def step(data, rank=0, world_size=1):
            for document in data:
                urls.append(document.metadata["url"])
                yield document

        return step

    out, archive = job["out"], pathlib.Path(job["archive"])
    language = [LanguageFilter(languages="en", exclusion_writer=JsonlWriter(f"{out}/rejects/english", compression=None))]
    extractor = Trafilatura(timeout=EXTRACTION_TIMEOUT)
    extractor.extract(WARM_UP.decode())  # the sandbox is a fork of this process
    warm_up_datatrove()
    pipeline = [
        WarcReader(str(archive.parent), glob_pattern=archive.name),
        note(seen),
        extractor,
        note(extracted),
        *(language if job["language"] else []),
        *datatrove_filters(f"{out}/rejects"),
        PIIFormatter(),
        ParquetWriter(f"{out}/kept"),
    ]
    done = run_datatrove(pipeline, out)
    return done | {"seen": seen, "extracted": extracted}


def work_datatrove_filters(job):
    import importlib.metadata  # datatrove uses it without importing it

    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import ParquetWriter

    out, texts = job["out"], pathlib.Path(job["texts"])
    warm_up_datatrove()
    reader = JsonlReader(str(texts.parent), glob_pattern=texts.name)
    return run_datatrove([reader, *datatrove_filters(f"{out}/rejects"), ParquetWriter(f"{out}/kept")], out)


def work_datatrove_language(job):
    """Fails if datatrove's language model cannot be had."""
    from datatrove.data import Document
    from datatrove.pipeline.filters import LanguageFilter

    LanguageFilter(languages="en").filter(Document(text="Is the model there?", id=""))
    return {}


WORK = {
    "extraction": work_extraction,
    "datatrove chain": work_datatrove_chain,
    "datatrove filters": work_datatrove_filters,
    "datatrove language": work_datatrove_language,
}


def work(path):
    job = json.loads(pathlib.Path(path).read_text())
    pathlib.Path(job["result"]).write_text(json.dumps(WORK[job["work"]](job)))


# ---- Measuring a process


def measure(report, command):
    """Runs a command on one core; writes its CPU time and the peak of its largest process, as the kernel counts them.

    It is a process of its own because a command inherits the peak of the process that starts it.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    measured = {"status": status, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}
    pathlib.Path(report).write_text(json.dumps(measured))


class Failed(Exception):
    """The last line of what a measured process printed."""


def measured(command, folder, timeout=None):
    report, log = folder / "measured.json", folder / "log"
    with open(log, "wb") as file:
        call = [sys.executable, __file__, "measure", report, *command]
        try:
            subprocess.run(call, stdout=file, stderr=subprocess.STDOUT, check=True, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"no answer in {timeout} s") from error
    found = json.loads(report.read_text())
    if found.pop("status") != 0:
        lines = log.read_text(errors="replace").strip().splitlines()
        raise Failed(lines[-1] if lines else "it failed without a word")
    return found | {"log": log.read_text(errors="replace")}


def measured_work(job, folder, timeout=None):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "job.json"
    job["result"] = str(folder / "result.json")
    path.write_text(json.dumps(job))
    found = measured([sys.executable, __file__, "work", path], folder, timeout)
    return found | json.loads(pathlib.Path(job["result"]).read_text())


# ---- Input


def page_id(name):
    """The id of a page, from its file."""
    return pathlib.Path(name).name.removesuffix(".html.gz")


def evenly(items, count):
    """`count` of the items, evenly spaced; all of them when there are no more, or when `count` is 0."""
    if not count or count >= len(items):
        return items
    return [items[number * len(items) // count] for number in range(count)]


def without_language(recipe):
    import yaml

    recipe = yaml.safe_load(recipe)
    steps = [step for step in recipe["text"] if "english" not in (step.get("keep") or {})]
    assert len(steps) == len(recipe["text"]) - 1, "recipes/web-text.yaml has no rule `english`"
    return yaml.safe_dump(recipe | {"text": steps}, sort_keys=False)


FILTERS_RECIPE = """\
recipe: 1
name: four-filters
read:
  - uri: texts.jsonl
    content: text
    id: id
text:
  - use: gopher_repetition
  - use: gopher_quality
  - edit: c4_lines
  - use: c4_quality
  - use: fineweb_quality
write:
  columns: [id, text]
  rejects: all
"""


# ---- Figures


def word_bag(text):
    return Counter(re.findall(r"\w+", text.lower()))


def word_scores(gold, text):
    """Precision, recall and F1 of the lower-cased words of a text, as a bag, against those of the gold text."""
    gold, text = word_bag(gold), word_bag(text)
    if not gold or not text:
        return (1.0, 1.0, 1.0) if not gold and not text else (0.0, 0.0, 0.0)
    common = (gold & text).total()
    precision, recall = common / text.total(), common / gold.total()
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0


def quality(gold, texts):
    """The means of the pages' scores; a page without a text counts as an empty text."""
    scores = [word_scores(gold[page], texts.get(page, "")) for page in gold]
    precision, recall, f1 = (statistics.mean(column) for column in zip(*scores))
    empty = sum(not texts.get(page, "").strip() for page in gold)
    return {"precision": precision, "recall": recall, "f1": f1, "empty": empty}


def read_parquet(folder, columns):
    import pyarrow.parquet

    rows = []
    for path in sorted(pathlib.Path(folder).glob("**/*.parquet")):
        rows += pyarrow.parquet.ParquetFile(path).read(columns=columns).to_pylist()
    return rows


def read_jsonl(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if str(path).endswith(".gz") else open(path, encoding="utf-8")
    with opened as file:
        return [json.loads(line) for line in file]


def gristmill_verdicts(out, key):
    verdicts = {row[key]: "kept" for row in read_parquet(out / "data", [key])}
    for row in read_parquet(out / "rejects", [key, "verdict"]):
        verdicts[row[key]] = row["verdict"]
    return verdicts


def datatrove_verdicts(out, key):
    """What became of each document: `key` is a function of a document's metadata and id."""
    verdicts = {key(row["metadata"] or {}, row["id"]): "kept" for row in read_parquet(out / "kept", None)}
    for path in sorted((out / "rejects").glob("*/*.jsonl")):
        for row in read_jsonl(path):
            verdicts[key(row["metadata"], row["id"])] = row["metadata"].get("filter_reason", path.parent.name)
    return verdicts


def agreement(ours, theirs):
    """Counts what two subjects did with the same documents, and why where they differ."""
    pairs = [(ours[document], theirs[document]) for document in sorted(ours.keys() | theirs.keys())]
    kept = Counter((a == "kept", b == "kept") for a, b in pairs)
    return {
        "documents": len(pairs),
        "both": kept[True, True],
        "only gristmill": kept[True, False],
        "only datatrove": kept[False, True],
        "neither": kept[False, False],
        "same verdict": sum(a == b for a, b in pairs),
        "datatrove's reasons where only gristmill keeps": Counter(b for a, b in pairs if a == "kept" != b).most_common(),
        "gristmill's reasons where only datatrove keeps": Counter(a for a, b in pairs if b == "kept" != a).most_common(),
        "different reasons": Counter(f"{a} / {b}" for a, b in pairs if "kept" not in (a, b) and a != b).most_common(),
    }


def figures(runs, count, size):
    """Medians over the runs of one subject: `count` documents of `size` bytes in all."""
    rates = sorted(count / run["cpu"] for run in runs)
    return {
        "per CPU second": statistics.median(rates),
        "lowest": rates[0],
        "highest": rates[-1],
        "MB per CPU second": statistics.median(size / 1e6 / run["cpu"] for run in runs),
        "peak MiB": statistics.median(run["peak"] for run in runs),
        "start-up CPU seconds": statistics.median(run["startup"] for run in runs),
    }


# ---- The three comparisons


class Comparison:
    def __init__(self, options, scratch):
        self.command = options.gristmill
        self.runs = options.runs
        self.scratch = scratch
        fixtures = pathlib.Path(options.fixtures)
        gold = read_jsonl(fixtures / "extraction/gold.jsonl.gz")
        self.gold = {row["id"]: row["gold_text"] for row in gold}
        pages = sorted((fixtures / "extraction/pages").glob("*.html.gz"))
        self.pages = evenly([page for page in pages if page_id(page) in self.gold], options.pages)
        self.gold_texts = evenly([(id, text) for id, text in self.gold.items() if text.strip()], options.texts)
        golden = fixtures / "text/filters_golden.jsonl"
        self.golden_texts = [(row["id"], row["text"]) for row in read_jsonl(golden) if row["text"]] if golden.exists() else []
        folder = scratch / "pages"
        folder.mkdir()
        for page in self.pages:
            (folder / page.name).symlink_to(page.resolve())
        self.archive = scratch / "warc" / "pages.warc.gz"
        self.archive.parent.mkdir()
        # The urls the pages had; documents are told apart by them, so the second page of one url gets a mark.
        self.urls, known = {}, {row["id"]: row["url"] for row in gold}
        for page in map(page_id, self.pages):
            url = known[page]
            self.urls[page] = f"{url}#{page}" if url in self.urls.values() else url
        table = scratch / "urls.tsv"
        table.write_text("".join(f"{page}\t{url}\n" for page, url in self.urls.items()))
        wrap = [sys.executable, ROOT / "benches/wrap_pages.py", folder, self.archive, "1", table]
        subprocess.run(wrap, check=True, stdout=subprocess.DEVNULL)
        self.bytes = sum(len(gzip.decompress(page.read_bytes())) for page in self.pages)

    def gristmill(self, recipe, source, name):
        out = self.scratch / name
        out.parent.mkdir(parents=True, exist_ok=True)
        arguments = [recipe, "--read", source, "--to", out]
        startup = measured([self.command, "check", *arguments], self.scratch)["cpu"]
        options = ["--threads", "1", "--json", "--set", "write.rejects=all"]
        found = measured([self.command, "run", *arguments, *options], self.scratch)
        return found | {"startup": startup, "out": out}

    def rounds(self, subjects):
        """Runs all subjects once, then all again: what else the machine does meets them alike. Returns runs by subject."""
        runs, missing = {name: [] for name in subjects}, {}
        for number in range(self.runs):
            for name, subject in subjects.items():
                if name in missing:
                    continue
                print(f"{name}, {number + 1} of {self.runs}", file=sys.stderr, flush=True)
                try:
                    runs[name].append(subject(f"{re.sub(r'[^a-z0-9]+', '-', name)}-{number}"))
                except Failed as failure:
                    if name.startswith("gristmill, whole"):
                        raise
                    absent = "ModuleNotFoundError" in str(failure) or "ImportError" in str(failure)
                    missing[name] = f"{'not installed' if absent else 'failed'}: {failure}"
        return {name: found for name, found in runs.items() if name not in missing}, missing

    def extraction(self):
        def peer(name):
            def subject(folder):
                folder = self.scratch / "extraction" / folder
                job = {"work": "extraction", "subject": name, "texts": f"{folder}/texts.jsonl"}
                job["pages"] = [(str(page), self.urls[page_id(page)]) for page in self.pages]
                return measured_work(job, folder) | {"texts": read_jsonl(job["texts"])}

            return subject

        def whole(folder):
            found = self.gristmill(ROOT / "recipes/html-extract.yaml", self.archive, f"extraction/{folder}")
            rows = read_parquet(found["out"] / "data", ["url", "text"])
            ids = {url: page for page, url in self.urls.items()}
            return found | {"texts": [{"id": ids[row["url"]], "text": row["text"]} for row in rows]}

        def alone(folder):
            example = pathlib.Path(self.command).parent / "examples/extract_pages"
            if not example.exists():
                raise Failed("the example extract_pages is not built beside the command")
            found = measured([example, self.scratch / "pages", self.scratch / "urls.tsv"], self.scratch)
            rate = re.search(r"of CPU: ([0-9]+) pages/s", found["log"])
            texts = [line for line in found["log"].splitlines() if line.startswith("{")]
            return found | {"startup": 0.0, "cpu": len(self.pages) / float(rate[1]), "texts": list(map(json.loads, texts))}

        subjects = {"gristmill, whole run": whole, "gristmill, extractor alone": alone}
        runs, missing = self.rounds(subjects | {name: peer(name) for name in EXTRACTORS})
        gold = {page_id(page): self.gold[page_id(page)] for page in self.pages}
        table = {}
        for name, found in runs.items():
            table[name] = figures(found, len(self.pages), self.bytes)
            texts = {row["id"]: row.get("text") or "" for row in found[-1]["texts"]}
            table[name] |= quality(gold, texts) | {"failures": found[-1].get("failures", {})}
        return {"pages": len(self.pages), "bytes": self.bytes, "subjects": table, "missing": missing}

    def chain(self):
        try:
            measured_work({"work": "datatrove language"}, self.scratch / "language", timeout=300)
            language = None
        except Failed as failure:
            language = str(failure)
        recipe = (ROOT / "recipes/web-text.yaml").read_text()
        path = self.scratch / "chain.yaml"
        path.write_text(without_language(recipe) if language else recipe)

        def peer(folder):
            folder = self.scratch / "chain" / folder
            job = {"work": "datatrove chain", "archive": str(self.archive), "out": str(folder), "language": not language}
            return measured_work(job, folder) | {"out": folder}

        def whole(folder):
            return self.gristmill(path, self.archive, f"chain/{folder}")

        runs, missing = self.rounds({"gristmill, whole run": whole, "datatrove": peer})
        table = {name: figures(found, len(self.pages), self.bytes) for name, found in runs.items()}
        result = {"pages": len(self.pages), "language": language, "subjects": table, "missing": missing}
        if "datatrove" in runs:
            last = runs["datatrove"][-1]
            theirs = {url: "no HTML to the reader" for url in self.urls.values()}
            theirs |= {url: "no text from the extractor" for url in last["seen"]}
            theirs |= {url: "nothing" for url in last["extracted"]}
            theirs |= datatrove_verdicts(last["out"], lambda metadata, _: metadata["url"])
            ours = {url: "not read" for url in self.urls.values()}
            ours |= gristmill_verdicts(runs["gristmill, whole run"][-1]["out"], "url")
            result["agreement"] = agreement(ours, theirs)
        return result

    def filters(self, title, texts, runs):
        folder = self.scratch / title
        folder.mkdir()
        source, recipe = folder / "input" / "texts.jsonl", folder / "filters.yaml"
        source.parent.mkdir()
        source.write_text("".join(json.dumps({"id": id, "text": text}) + "\n" for id, text in texts), encoding="utf-8")
        recipe.write_text(FILTERS_RECIPE)

        def peer(name):
            out = folder / name
            return measured_work({"work": "datatrove filters", "texts": str(source), "out": str(out)}, out) | {"out": out}

        def whole(name):
            return self.gristmill(recipe, source, f"{title}/{name}")

        before, self.runs = self.runs, runs
        done, missing = self.rounds({"gristmill, whole run": whole, "datatrove": peer})
        self.runs = before
        size = sum(len(text.encode()) for _, text in texts)
        table = {name: figures(found, len(texts), size) for name, found in done.items()}
        result = {"documents": len(texts), "bytes": size, "subjects": table, "missing": missing}
        if "datatrove" in done:
            ours = {id: "nothing" for id, _ in texts} | gristmill_verdicts(done["gristmill, whole run"][-1]["out"], "id")
            theirs = {id: "nothing" for id, _ in texts}
            theirs |= datatrove_verdicts(done["datatrove"][-1]["out"], lambda _, id: id)
            result["agreement"] = agreement(ours, theirs)
        return result


# ---- Output


def machine():
    import importlib.metadata

    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = {"Python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"cpu": cpu, "cores": os.cpu_count(), "memory GiB": round(memory), "load": os.getloadavg()[0], "versions": versions}


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def print_table(result, unit):
    """The columns named after gristmill are its rates divided by that of the row."""
    subjects = result["subjects"]
    ours = {name: row for name, row in subjects.items() if name.startswith("gristmill")}
    scored = "f1" in subjects["gristmill, whole run"]
    columns = ["", f"{unit}/CPU s", "lowest to highest", "MB/CPU s", *(name.replace(",", "'s") for name in ours)]
    columns += ["peak MiB", "start-up CPU s"]
    columns += ["word P", "word R", "word F1", "empty", "failed"] if scored else []
    print("| " + " | ".join(columns) + " |")
    print("|---" + "|---:" * (len(columns) - 1) + "|")
    for name, row in subjects.items():
        cells = [name, number(row["per CPU second"]), f"{number(row['lowest'])} to {number(row['highest'])}"]
        cells += [number(row["MB per CPU second"])]
        cells += [f"× {number(our['per CPU second'] / row['per CPU second'])}" for our in ours.values()]
        cells += [number(row["peak MiB"]), f"{row['start-up CPU seconds']:.2f}"]
        if scored:
            cells += [f"{row[key]:.3f}" for key in ("precision", "recall", "f1")]
            cells += [str(row["empty"]), str(sum(row["failures"].values()))]
        print("| " + " | ".join(cells) + " |")
    for name, reason in result["missing"].items():
        print(f"| {name} | {reason} |" + " |" * (len(columns) - 2))
    print()


def print_agreement(found):
    same = found["both"] + found["neither"]
    print("| documents | kept by both | only gristmill | only datatrove | neither | same decision | same verdict |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    cells = [found[key] for key in ("documents", "both", "only gristmill", "only datatrove", "neither")]
    cells += [f"{same} ({same / found['documents']:.1%})"]
    cells += [f"{found['same verdict']} ({found['same verdict'] / found['documents']:.1%})"]
    print("| " + " | ".join(map(str, cells)) + " |\n")
    for title in ("datatrove's reasons where only gristmill keeps", "gristmill's reasons where only datatrove keeps"):
        print(f"- {title}: " + (", ".join(f"{reason} {count}" for reason, count in found[title]) or "none"))
    print("- different reasons (gristmill / datatrove): ", end="")
    print(", ".join(f"{reason} {count}" for reason, count in found["different reasons"]) or "none", end="\n\n")


def print_report(report):
    print("# gristmill and its peers\n")
    about = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory GiB']} GiB, load {about['load']:.1f} at the start. One core each.")
    print(f"{report['gristmill']}; {versions}.")
    print(f"Medians of {report['runs']} runs. CPU seconds of the peers without start-up, of gristmill's whole runs with it.")
    print("× is gristmill's rate divided by that of the row.\n")
    found = report["extraction"]
    print(f"## Extraction: {found['pages']} pages, {found['bytes'] / 1e6:.1f} MB of HTML\n")
    print_table(found, "pages")
    print("gristmill's weights were trained on pages of this set: its word F1 on sites it has not seen is lower (RESULTS.md).\n")
    found = report["chain"]
    print(f"## WARC to filtered Parquet: {found['pages']} pages\n")
    if found["language"]:
        print(f"The language filter is left out on both sides: datatrove's model is not there ({found['language']}).\n")
    print_table(found, "pages")
    if "agreement" in found:
        print_agreement(found["agreement"])
    for title, found in report["filters"].items():
        print(f"## Four filters, JSONL to Parquet: {found['documents']} {title}, {found['bytes'] / 1e6:.1f} MB\n")
        print_table(found, "documents")
        if "agreement" in found:
            print_agreement(found["agreement"])


def main():
    parser = argparse.ArgumentParser(description="Runs gristmill and its peers on the same input.")
    parser.add_argument("--gristmill", required=True, help="the command")
    parser.add_argument("--fixtures", default=os.environ.get("GRISTMILL_FIXTURES", ROOT / "../shared/fixtures"))
    parser.add_argument("--pages", type=int, default=200, help="pages, evenly spaced in the order of their ids; 0 for all")
    parser.add_argument("--texts", type=int, default=300, help="gold texts for the filters, likewise")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    if not (pathlib.Path(options.fixtures) / "extraction/pages").is_dir():
        sys.exit(f"no pages at {options.fixtures}/extraction/pages (set GRISTMILL_FIXTURES)")
    version = subprocess.run([options.gristmill, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    report = {"machine": machine(), "gristmill": version, "runs": options.runs}
    with tempfile.TemporaryDirectory() as scratch:
        comparison = Comparison(options, pathlib.Path(scratch))
        report["extraction"] = comparison.extraction()
        report["chain"] = comparison.chain()
        report["filters"] = {"gold texts": comparison.filters("gold texts", comparison.gold_texts, options.runs)}
        if comparison.golden_texts:
            title = "texts near the thresholds"
            report["filters"][title] = comparison.filters(title, comparison.golden_texts, 1)
    print_report(report)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], sys.argv[3:])
    elif sys.argv[1:2] == ["work"]:
        work(sys.argv[2])
    else:
        main()
