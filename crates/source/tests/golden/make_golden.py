#!/usr/bin/env python3
"""Counts the records of archive fixtures by type with independent readers.

usage: make_golden.py FIXTURES/warc > archives.json

Needs fastwarc and warcio (made with 2.0.1 and 1.8.1). For each file: what each reader counted, and the error
that it ended in, if it did. For response records warcio also gives status and length of the decoded body.
"""
import collections, io, json, pathlib, sys

from fastwarc.warc import ArchiveIterator as FastIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator


NAMES = "warcinfo response resource request metadata revisit conversion continuation unknown".split()
TYPES = {int(getattr(WarcRecordType, name)): name for name in NAMES}


def warcio_counts(data):
    counts, bodies, error = collections.Counter(), [], None
    try:
        for record in ArchiveIterator(io.BytesIO(data), arc2warc=True):
            counts[record.rec_type] += 1
            if record.rec_type == "response":
                status = record.http_headers.get_statuscode() if record.http_headers else None
                body = record.content_stream().read()
                bodies.append([record.rec_headers.get_header("WARC-Target-URI"), status, len(body)])
    except Exception as problem:
        error = type(problem).__name__
    return {"counts": dict(sorted(counts.items())), "bodies": bodies, "error": error}


def fastwarc_counts(data):
    counts, error = collections.Counter(), None
    try:
        for record in FastIterator(io.BytesIO(data), parse_http=False):
            counts[TYPES[int(record.record_type)]] += 1
    except Exception as problem:
        error = type(problem).__name__
    return {"counts": dict(sorted(counts.items())), "error": error}


golden = {}
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    if path.suffix == ".jsonl":
        continue
    data = path.read_bytes()
    golden[path.name] = {"warcio": warcio_counts(data), "fastwarc": fastwarc_counts(data)}
json.dump(golden, sys.stdout, indent=1)
print()
