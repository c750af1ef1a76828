//! Writes the rows of a slice into shards, the same bytes however the rows arrive in batches.
//!
//! Rows are gathered into blocks of a fixed number of rows before the Parquet encoder sees them, and every
//! decision (a new row group, a new shard) is taken between blocks from counts of rows and bytes. So batch
//! boundaries, threads and timing leave no trace. A shard is encoded into a file, hashed on
//! the way, and stored under a name made from the hash: a second attempt writes the same object again.
//!
//! Row groups close at 32 MiB of values in memory or 20,000 rows, below the 100 MB that the Hugging Face viewer
//! and streaming loaders want. Text is zstd level 3, files of media are stored as they are; `id` and `url` have bloom filters for point lookups; pages
//! carry an index. The writer's memory is one row group, encoded.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions},
    compute::{cast, concat_batches},
    datatypes::{DataType, Schema, SchemaRef},
};
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, Encoding, ZstdLevel},
    file::{
        metadata::KeyValue,
        properties::{EnabledStatistics, WriterProperties},
    },
    schema::types::ColumnPath,
};

use crate::{Error, Result, ShardEntry, Store, features, folder::Draft, layout};

/// Rows per call of the encoder …
const BLOCK_ROWS: usize = 64;
/// … or fewer, if their texts and binaries have this many bytes: 64 documents of tens of MiB each must neither wait
/// together nor pass 2 GiB, where offsets of 32 bits end.
const BLOCK_BYTES: usize = 8 << 20;
/// Columns that are looked up by value.
const LOOKUP_COLUMNS: [&str; 2] = ["id", "url"];

/// How shards are cut and encoded.
#[derive(Debug, Clone)]
pub struct ShardOptions {
    /// A shard closes at this size on disk.
    pub shard_bytes: u64,
    /// A row group closes at this size in memory …
    pub row_group_bytes: usize,
    /// … or at this many rows.
    pub row_group_rows: usize,
    /// How pages are compressed; columns whose names begin with `__`, which hold hashes, are not.
    pub compression: Compression,
    /// Whether readers will look rows up by `id` and `url`.
    pub lookups: bool,
    /// The folder for scratch files; the system's when absent.
    pub scratch: Option<PathBuf>,
}

impl Default for ShardOptions {
    fn default() -> Self {
        ShardOptions {
            shard_bytes: 512 << 20,
            row_group_bytes: 32 << 20,
            row_group_rows: 20_000,
            compression: Compression::ZSTD(ZstdLevel::try_new(3).expect("zstd has level 3")),
            lookups: true,
            scratch: None,
        }
    }
}

impl ShardOptions {
    /// Options for rows between phases: read back once, soon, by ourselves.
    #[must_use]
    pub fn staged(&self) -> Self {
        ShardOptions {
            row_group_bytes: 8 << 20,
            compression: Compression::LZ4_RAW,
            lookups: false,
            ..self.clone()
        }
    }

    fn properties(&self, schema: &Schema) -> Result<WriterProperties> {
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("gristmill ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(self.compression)
            .set_max_row_group_row_count(None)
            .set_data_page_size_limit(1 << 20)
            .set_write_batch_size(BLOCK_ROWS)
            .set_statistics_truncate_length(Some(64))
            .set_key_value_metadata(Some(vec![KeyValue::new(
                "huggingface".to_owned(),
                features::huggingface(schema),
            )]));
        for field in schema.fields() {
            let path = ColumnPath::from(field.name().as_str());
            if field.name().starts_with("__") {
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_compression(path.clone(), Compression::UNCOMPRESSED);
            }
            let is_long = field.name() == "text" || field.name() == "content";
            if is_long {
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
            }
            // Files of media are compressed already.
            let is_file = features::medium(field).is_some();
            for path in features::paths_of_bytes(field).into_iter().filter(|_| is_file) {
                let path = ColumnPath::new(path);
                properties = properties
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path.clone(), Encoding::PLAIN)
                    .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
                    .set_column_statistics_enabled(path, EnabledStatistics::None);
            }
            if self.lookups && LOOKUP_COLUMNS.contains(&field.name().as_str()) {
                properties = properties
                    .set_column_bloom_filter_enabled(path.clone(), true)
                    .set_column_bloom_filter_max_ndv(path, self.row_group_rows as u64);
            }
        }
        Ok(properties.build())
    }
}

/// BLAKE3 of bytes, as 64 hexadecimal digits.
pub fn blake3_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Writes the rows of one slice into one folder.
pub struct ShardWriter {
    folder: String,
    slice: u32,
    schema: SchemaRef,
    options: ShardOptions,
    block: Block,
    open: Option<OpenShard>,
    written: Vec<ShardEntry>,
}

/// Rows on their way to the encoder. Where a block ends is decided by its rows alone, whatever batches they came in.
#[derive(Default)]
struct Block {
    waiting: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
}

impl Block {
    /// Counts a row; says whether the block ends with it.
    fn add(&mut self, bytes: usize) -> bool {
        self.rows += 1;
        self.bytes += bytes;
        self.rows >= BLOCK_ROWS || self.bytes >= BLOCK_BYTES
    }
}

/// A shard that is being encoded.
struct OpenShard {
    encoder: ArrowWriter<HashingFile>,
    rows: u64,
    group_bytes: usize,
    group_rows: usize,
}

/// A file that hashes what goes through it.
struct HashingFile {
    file: BufWriter<Unnamed>,
    hash: blake3::Hasher,
}

/// The file of a shard that is being written.
enum Unnamed {
    /// Where the output is a folder: it gets its name when it is done.
    Draft(Draft),
    /// Elsewhere: it is copied.
    Scratch(File),
}

impl Unnamed {
    fn file(&mut self) -> &mut File {
        match self {
            Unnamed::Draft(draft) => &mut draft.file,
            Unnamed::Scratch(file) => file,
        }
    }
}

impl Write for Unnamed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl ShardWriter {
    /// A writer of batches with the schema `in_flight` into `folder`. Views are stored as plain types.
    pub fn new(folder: impl Into<String>, slice: u32, in_flight: &Schema, options: ShardOptions) -> Self {
        let schema = Arc::new(features::stored_schema(in_flight));
        ShardWriter {
            folder: folder.into(),
            slice,
            block: Block::default(),
            schema,
            options,
            open: None,
            written: Vec::new(),
        }
    }

    /// The schema as stored.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Adds rows; shards that are full go to `store`.
    pub async fn write(&mut self, batch: &RecordBatch, store: &Store) -> Result<()> {
        // Rows of media may hold more bytes together than a stored column can count.
        const ROWS: usize = 16;
        for start in (0..batch.num_rows()).step_by(ROWS) {
            let rows = batch.slice(start, ROWS.min(batch.num_rows() - start));
            self.write_rows(&rows, store).await?;
        }
        Ok(())
    }

    async fn write_rows(&mut self, batch: &RecordBatch, store: &Store) -> Result<()> {
        let batch = self.stored(batch)?;
        let mut start = 0;
        for row in 0..batch.num_rows() {
            if self.block.add(row_bytes(&batch, row)) {
                let rows = batch.slice(start, row + 1 - start);
                start = row + 1;
                self.write_block(Some(rows), store).await?;
            }
        }
        if start < batch.num_rows() {
            self.block
                .waiting
                .push(batch.slice(start, batch.num_rows() - start));
        }
        Ok(())
    }

    /// Writes what is left and gives the shards in order.
    pub async fn finish(mut self, store: &Store) -> Result<Vec<ShardEntry>> {
        if !self.block.waiting.is_empty() {
            self.write_block(None, store).await?;
        }
        self.close_shard(store).await?;
        Ok(self.written)
    }

    fn stored(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let arrays = batch
            .columns()
            .iter()
            .zip(self.schema.fields())
            .map(|(array, field)| Ok(cast(array, field.data_type())?))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            self.schema.clone(),
            arrays,
            &rows,
        )?)
    }

    /// Writes the rows that wait, and `last`.
    async fn write_block(&mut self, last: Option<RecordBatch>, store: &Store) -> Result<()> {
        let mut rows = std::mem::take(&mut self.block).waiting;
        rows.extend(last);
        let block = match &rows[..] {
            [one] => one.clone(),
            several => concat_batches(&self.schema, several)?,
        };
        drop(rows);
        let shard = match &mut self.open {
            Some(shard) => shard,
            closed => closed.insert(OpenShard::new(&self.schema, &self.options, store, &self.folder)?),
        };
        shard.encoder.write(&block)?;
        shard.rows += block.num_rows() as u64;
        shard.group_rows += block.num_rows();
        shard.group_bytes += value_bytes(&block);
        if shard.group_bytes >= self.options.row_group_bytes
            || shard.group_rows >= self.options.row_group_rows
        {
            shard.encoder.flush()?;
            (shard.group_bytes, shard.group_rows) = (0, 0);
        }
        let size = shard.encoder.bytes_written() + shard.encoder.in_progress_size();
        if size as u64 >= self.options.shard_bytes {
            self.close_shard(store).await?;
        }
        Ok(())
    }

    async fn close_shard(&mut self, store: &Store) -> Result<()> {
        let Some(mut shard) = self.open.take() else {
            return Ok(());
        };
        shard.encoder.flush()?;
        let row_groups = shard.encoder.flushed_row_groups().len() as u32;
        let scratch = shard.encoder.into_inner()?;
        let blake3 = scratch.hash.finalize().to_hex().to_string();
        let mut file = scratch
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        let bytes = file.file().metadata()?.len();
        let name = layout::part(self.slice, self.written.len() as u32, &blake3);
        let path = format!("{}/{name}", self.folder);
        match file {
            Unnamed::Draft(draft) => store.put_draft(&path, draft).await?,
            Unnamed::Scratch(file) => store.put_file(&path, file, bytes).await?,
        }
        self.written.push(ShardEntry {
            path,
            slice: self.slice,
            rows: shard.rows,
            row_groups,
            bytes,
            blake3,
        });
        Ok(())
    }
}

impl OpenShard {
    fn new(schema: &SchemaRef, options: &ShardOptions, store: &Store, folder: &str) -> Result<Self> {
        let draft = match &options.scratch {
            Some(_) => None,
            None => store.draft(folder)?,
        };
        let file = match (draft, &options.scratch) {
            (Some(draft), _) => Ok(Unnamed::Draft(draft)),
            (None, Some(folder)) => tempfile::tempfile_in(folder).map(Unnamed::Scratch),
            (None, None) => tempfile::tempfile().map(Unnamed::Scratch),
        };
        let file = file.map_err(|error| Error::from(error).context("cannot open a scratch file"))?;
        let sink = HashingFile {
            file: BufWriter::with_capacity(1 << 16, file),
            hash: blake3::Hasher::new(),
        };
        // Without the stored Arrow schema, readers take types from Parquet itself, which is what makes `datasets`
        // and other readers agree on plain strings and binaries.
        let writer_options = ArrowWriterOptions::new()
            .with_properties(options.properties(schema)?)
            .with_skip_arrow_metadata(true);
        let encoder = ArrowWriter::try_new_with_options(sink, schema.clone(), writer_options)?;
        Ok(OpenShard {
            encoder,
            rows: 0,
            group_bytes: 0,
            group_rows: 0,
        })
    }
}

/// Bytes of the texts and binaries of a row, as stored.
fn row_bytes(batch: &RecordBatch, row: usize) -> usize {
    fn bytes(array: &ArrayRef, row: usize) -> usize {
        match array.data_type() {
            DataType::Utf8 => array.as_string::<i32>().value_length(row) as usize,
            DataType::Binary => array.as_binary::<i32>().value_length(row) as usize,
            DataType::Struct(_) => {
                let children = array.as_struct().columns();
                children.iter().map(|child| bytes(child, row)).sum()
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let (start, end) = (list.value_offsets()[row], list.value_offsets()[row + 1]);
                (start..end).map(|item| bytes(list.values(), item as usize)).sum()
            }
            _ => 0,
        }
    }
    batch.columns().iter().map(|array| bytes(array, row)).sum()
}

/// Bytes of the values of a batch, whatever buffers they share.
fn value_bytes(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|array| array.to_data().get_slice_memory_size().unwrap_or(0))
        .sum()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{StringViewArray, UInt32Array};
    use object_store::{memory::InMemory, path::Path};

    use super::*;

    fn rows(from: u32, to: u32) -> RecordBatch {
        let text: StringViewArray = (from..to)
            .map(|i| Some(format!("text of row {i} ").repeat(9)))
            .collect();
        RecordBatch::try_from_iter([
            ("n", Arc::new(UInt32Array::from_iter_values(from..to)) as ArrayRef),
            ("text", Arc::new(text) as ArrayRef),
        ])
        .unwrap()
    }

    async fn write(cuts: &[u32], options: &ShardOptions) -> (Vec<ShardEntry>, Store) {
        let store = Store::new(Arc::new(InMemory::new()), Path::default(), "memory:///");
        let mut writer = ShardWriter::new("data/text", 7, &rows(0, 0).schema(), options.clone());
        let mut from = 0;
        for &to in cuts {
            writer.write(&rows(from, to), &store).await.unwrap();
            from = to;
        }
        (writer.finish(&store).await.unwrap(), store)
    }

    #[tokio::test]
    async fn batch_cuts_leave_no_trace_in_the_bytes() {
        let options = ShardOptions {
            shard_bytes: 4000,
            row_group_bytes: 30_000,
            ..ShardOptions::default()
        };
        let (whole, _) = write(&[1000], &options).await;
        let (cut, store) = write(&[1, 63, 64, 65, 200, 777, 1000], &options).await;
        assert!(whole.len() > 1, "several shards");
        assert_eq!(whole, cut);
        assert_eq!(whole.iter().map(|shard| shard.rows).sum::<u64>(), 1000);
        assert_eq!(store.list("data").await.unwrap().len(), whole.len());
    }

    #[tokio::test]
    async fn a_slice_without_rows_gives_no_shard() {
        assert!(write(&[], &ShardOptions::default()).await.0.is_empty());
    }
}
