"""Compares the records of a run that wrote all rejects with what fastwarc finds in the same archives.

usage: count_responses.py OUT FOLDER_OF_ARCHIVES

Archives that fastwarc cannot read to their end are left out: it stops where gristmill goes on.
"""
import collections
import json
import pathlib
import sys

import duckdb
from fastwarc.warc import ArchiveIterator, WarcRecordType

out, folder = map(pathlib.Path, sys.argv[1:])
union = f"SELECT uri, url, media_type FROM '{out}/data/text/*.parquet' UNION ALL SELECT uri, url, media_type FROM '{out}/rejects/*.parquet'"
ours = collections.Counter(duckdb.sql(f"SELECT uri FROM ({union})").fetchall())
read = json.loads((out / "_gristmill/manifest.json").read_text())["account"]["read"]
assert sum(ours.values()) == read, (sum(ours.values()), read)
compared = 0
for file in sorted(folder.glob("*.gz")):
    if ".arc" in file.name or "bad" in file.name or "wrong" in file.name:
        continue
    theirs = collections.Counter()
    with open(file, "rb") as stream:
        for record in ArchiveIterator(stream, parse_http=False, record_types=WarcRecordType.any_type):
            theirs[str(record.record_type)] += 1
    found = ours[(file.name,)]
    assert found == sum(theirs.values()), (file.name, found, theirs)
    compared += sum(theirs.values())
assert compared > 50, compared
print(f"{compared} records of {read} agree with fastwarc")
