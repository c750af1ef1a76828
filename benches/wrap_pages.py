#!/usr/bin/env python3
"""Wraps gzipped pages as a WARC file, one gzip member a record: input for the benches.

usage: wrap_pages.py FOLDER_OF_PAGES OUT.warc.gz [TIMES [URLS.tsv]]

The folder holds `<id>.html.gz`; the url of a record is that of its id in URLS.tsv, else http://pages.example/<id>, with ?t=<n> from
the second time on.
"""
import gzip
import pathlib
import sys

folder, out = map(pathlib.Path, sys.argv[1:3])
times = int(sys.argv[3]) if len(sys.argv) > 3 else 1
urls = dict(line.split("\t") for line in pathlib.Path(sys.argv[4]).read_text().splitlines()) if len(sys.argv) > 4 else {}
pages = [(page.name.removesuffix(".html.gz"), gzip.decompress(page.read_bytes())) for page in sorted(folder.glob("*.html.gz"))]
number = 0
with open(out, "wb") as file:
    for time in range(times):
        for page, body in pages:
            http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            # What Common Crawl says of each page; without it some readers guess, and drop pages that begin oddly.
            identified = "WARC-Identified-Payload-Type: text/html\r\n"
            url = urls.get(page, f"http://pages.example/{page}") + (f"?t={time}" if time else "")
            header = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
                f"WARC-Record-ID: <urn:uuid:{number:032x}>\r\n{identified}Content-Type: application/http; msgtype=response\r\n"
                f"Content-Length: {len(http)}\r\n\r\n"
            )
            file.write(gzip.compress(header.encode() + http + b"\r\n\r\n", 6, mtime=0))
            number += 1
print(f"{number} records, {out.stat().st_size} bytes")
