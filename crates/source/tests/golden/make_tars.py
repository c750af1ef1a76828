"""Counts what Python's tarfile and zipfile read from the fixtures: golden/tars.json, golden/zips.json.

python3 make_tars.py /path/to/fixtures/real/tar
"""

import json
import pathlib
import sys
import tarfile
import zipfile
import zlib


def few(files):
    """The files, or what many of them, or those of long names, sum up to."""
    if len(files) <= 20 and all(len(name) < 200 for name, _ in files):
        return files
    lines = "".join(f"{name}\t{state}\n" for name, state in files).encode("utf-8", "replace")
    return f"{len(files)} files {zlib.crc32(lines):08x}"


def tar(path):
    files, links = [], 0
    try:
        with tarfile.open(path, errors="replace", encoding="utf-8") as archive:
            for member in archive:
                if member.issparse():
                    files.append([member.name, "sparse"])
                elif member.isreg():
                    data = archive.extractfile(member).read()
                    if len(data) < member.size:
                        return None
                    files.append([member.name, f"{len(data)}:{zlib.crc32(data):08x}"])
                elif member.islnk() or member.issym():
                    links += 1
    except (tarfile.TarError, EOFError, OSError):
        return None
    return {"files": few(files), "links": links}


def zip(path):
    files = []
    try:
        with zipfile.ZipFile(path) as archive:
            for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
                if info.filename.endswith("/"):
                    continue
                if info.file_size > 64 << 20:
                    files.append([info.filename, "large"])
                    continue
                try:
                    data = archive.read(info)
                    files.append([info.filename, f"{len(data)}:{zlib.crc32(data):08x}"])
                except (NotImplementedError, RuntimeError, zipfile.BadZipFile):
                    files.append([info.filename, "unread"])
    except (zipfile.BadZipFile, OSError):
        return None
    return {"files": few(files)}


def main():
    root = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).parent
    for name, read, kinds in [
        ("tars", tar, ["tar", "tar.gz", "tar.bz2", "tar.xz", "tgz"]),
        ("zips", zip, ["zip"]),
    ]:
        paths = sorted(path for kind in kinds for path in (root / kind).iterdir())
        counted = {f"{path.parent.name}/{path.name}": read(path) for path in paths}
        text = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in counted.items())
        (here / f"{name}.json").write_text("{\n" + text + "\n}\n")


main()
