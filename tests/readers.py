"""Opens an output with pyarrow, DuckDB, polars and datasets, and compares what they see with the manifest."""
import json
import pathlib
import sys

import datasets
import duckdb
import polars
import pyarrow.dataset
import pyarrow.parquet

out = pathlib.Path(sys.argv[1])
manifest = json.loads((out / "_gristmill/manifest.json").read_text())
rows = manifest["account"]["kept"]
columns = [name for name, _ in manifest["columns"]["text"]]

table = pyarrow.dataset.dataset(out / "data/text", format="parquet").to_table()
assert table.num_rows == rows, (table.num_rows, rows)
assert table.column_names == columns, table.column_names
assert str(table.schema.field("text").type) == "string"
assert len(set(table["id"].to_pylist())) == rows, "ids are not unique"

texts = sorted(table["text"].to_pylist())
for shard in manifest["shards"]["text"]:
    metadata = pyarrow.parquet.ParquetFile(out / shard["path"]).metadata
    assert metadata.num_rows == shard["rows"]
    for group in range(metadata.num_row_groups):
        group = metadata.row_group(group)
        assert group.total_byte_size <= 100_000_000, group.total_byte_size
        assert group.column(0).has_offset_index and group.column(0).has_column_index, "no page index"

glob = str(out / "data/text/*.parquet")
assert duckdb.sql(f"SELECT count(*) FROM '{glob}'").fetchall()[0][0] == rows
assert sorted(row[0] for row in duckdb.sql(f"SELECT text FROM '{glob}'").fetchall()) == texts
frame = polars.read_parquet(glob)
assert frame.shape == (rows, len(columns))
assert sorted(frame["text"].to_list()) == texts

loaded = datasets.load_dataset("parquet", data_files=glob, split="train")
assert loaded.num_rows == rows and loaded.column_names == columns
assert loaded.features["text"] == datasets.Value("string"), loaded.features
# The dataset card alone must be enough for `load_dataset(folder)`.
carded = datasets.load_dataset(str(out), "text", split="train")
assert sorted(carded["text"]) == texts
streamed = datasets.load_dataset(str(out), "text", split="train", streaming=True)
assert sum(1 for _ in streamed) == rows

rejects = duckdb.sql(f"SELECT count(*) FROM '{out}/rejects/*.parquet'").fetchall()[0][0]
left = sum(v["rows"] for v in manifest["account"]["verdicts"]) + sum(manifest["account"]["faults"].values())
assert rejects == left, (rejects, left)
print(f"{rows} rows and {rejects} rejects seen alike by pyarrow, duckdb, polars and datasets")
