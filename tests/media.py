"""Opens images and interleaved documents with datasets, pyarrow, DuckDB, polars and webdataset, and compares them with
the crawl as another WARC reader reads it."""
import io
import json
import pathlib
import sys
import zlib

import datasets
import duckdb
import polars
import pyarrow.parquet
import webdataset
from fastwarc.warc import ArchiveIterator, WarcRecordType
from PIL import Image, ImageOps

out, crawl = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])



def members(file):
    """The records of a file, each a gzip member; one is damaged."""
    stored = file.read_bytes()
    starts = [i for i in range(len(stored)) if stored.startswith(b"\x1f\x8b\x08", i)] + [len(stored)]
    for start, end in zip(starts, starts[1:]):
        try:
            yield zlib.decompress(stored[start:end], 31)
        except zlib.error:
            continue


payloads = {}
for file in sorted(crawl.glob("*.warc.gz")):
    for member in members(file):
        for record in ArchiveIterator(io.BytesIO(member), record_types=WarcRecordType.response, parse_http=True):
            if (record.http_content_type or "").startswith("image/"):
                payloads[record.headers["WARC-Target-URI"]] = record.reader.read()

loaded = datasets.load_dataset(str(out), "image", split="train")
assert loaded.features["image"] == datasets.Image(), loaded.features
raw = loaded.cast_column("image", datasets.Image(decode=False))
for row in raw:
    assert row["image"]["bytes"] == payloads[row["url"]], row["url"]
whole = [number for number, row in enumerate(raw) if not row["image_is_truncated"]]
for row in loaded.select(whole):
    assert row["image"].size == (row["image_width_px"], row["image_height_px"]), row["url"]
streamed = datasets.load_dataset(str(out), "image", split="train", streaming=True)
assert next(iter(streamed))["image"].size == loaded[0]["image"].size

glob = str(out / "data/image/*.parquet")
assert duckdb.sql(f"SELECT count(*) FROM '{glob}' WHERE octet_length(image.bytes) = image_byte_count").fetchall()[0][0] == len(loaded)
assert polars.read_parquet(glob)["image"].struct.field("bytes").to_list() == [row["image"]["bytes"] for row in raw]

documents = datasets.load_dataset(str(out), "interleaved", split="train")
assert documents.features["images"] == datasets.List(datasets.Image()), documents.features
count = 0
for row in documents:
    metadata = json.loads(row["metadata"])
    assert len(row["texts"]) == len(row["images"]) == len(metadata)
    for text, image, told in zip(row["texts"], row["images"], metadata):
        assert (text is None) != (image is None)
        if image is not None:
            with Image.open(io.BytesIO(payloads[told["src"]])) as payload:
                assert ImageOps.exif_transpose(payload).tobytes() == image.tobytes(), told["src"]
            assert image.size == (told["original_width"], told["original_height"])
            count += 1
assert count > 0

for shard in out.glob("data/*/*.parquet"):
    metadata = pyarrow.parquet.ParquetFile(shard).metadata
    for group in range(metadata.num_row_groups):
        group = metadata.row_group(group)
        assert group.total_byte_size <= 100_000_000, group.total_byte_size
        for column in range(group.num_columns):
            column = group.column(column)
            if column.path_in_schema.endswith(".bytes"):
                assert column.compression == "UNCOMPRESSED", column

# What is exported is read by others, and is the same.
if len(sys.argv) > 3:
    folder, shards = pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    exported = datasets.load_dataset("imagefolder", data_dir=str(folder), split="train")
    assert exported.features["image"] == datasets.Image() and len(exported) == len(raw)
    by_id = {row["id"]: row for row in raw}
    for row in exported.cast_column("image", datasets.Image(decode=False)):
        told = by_id[row["id"]]
        assert pathlib.Path(row["image"]["path"]).read_bytes() == told["image"]["bytes"]
        assert (row["text"], row["image_width_px"]) == (told["text"], told["image_width_px"])
    assert exported[0]["image"].size == (exported[0]["image_width_px"], exported[0]["image_height_px"])
    tars = sorted(str(tar) for tar in shards.glob("*.tar"))
    assert len(tars) > 1
    samples = list(webdataset.WebDataset(tars, shardshuffle=False))
    assert [sample["__key__"] for sample in samples] == raw["id"]
    for sample, row in zip(samples, raw):
        ending = row["image"]["path"].rsplit(".")[-1]
        assert sample[ending] == row["image"]["bytes"] and sample["txt"].decode() == row["text"]
        assert json.loads(sample["json"])["image_width_px"] == row["image_width_px"]

croissant = json.loads((out / "croissant.json").read_text())
fields = {field["@id"]: field for records in croissant["recordSet"] for field in records["field"]}
assert fields["image/image"]["dataType"] == "sc:ImageObject", fields["image/image"]
assert fields["interleaved/images"]["repeated"] is True
print(f"{len(loaded)} images and {count} images in {len(documents)} documents seen alike by all readers")
