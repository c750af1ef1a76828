//! Parquet: one row, one record.
//!
//! [`FieldMap`](gristmill_core::FieldMap) says which columns become content, id and url, and which are carried along; only
//! these are read, and only their column chunks are fetched. `a.b` is field `b` of struct `a`, unless a column is
//! called `a.b`.
//!
//! - `content` is a string or binary column of any kind (large, view, dictionary), or a struct with `bytes` and perhaps
//!   `path`, as Hugging Face `datasets` stores media: the path becomes `member`. A null there is `malformed`. It may be
//!   Base64 or a path itself; see the encodings of the field map. Bytes that are media or PDF have the media type that
//!   they show.
//! - `id` may also be an integer, `url` is a string column; null counts as absent.
//! - Carried columns are cast to their declared type; what cannot be cast is null.
//!
//! `offset` is the number of the row in the file and `length` is 0. A row group belongs to the range in which its
//! first byte lies. A column that the file does not have, or of a type that cannot be content, is an error: it is
//! the recipe that does not fit.
//!
//! Damage: a footer that cannot be read is one row with a fault for the file (offset 0); a row group that
//! breaks off is one row with a fault behind its last good row, and the next row group is read. Encrypted files are `unsupported`.
//!
//! Limits: footers of 64 MiB and page headers of 1 MiB, nested 64 deep; pages over 64 MiB of at most 256 times their stored size; a cell larger than `record_bytes` is a `limit` fault. Rows are decoded in batches
//! of at most 256, fewer where the metadata say that they are large.
//!
//! Source: <https://parquet.apache.org/docs/file-format/>.

use std::{
    io::{self, Read},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use ::parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    errors::ParquetError,
    file::{
        metadata::ColumnChunkMetaData,
        reader::{ChunkReader, Length},
    },
    schema::types::SchemaDescriptor,
};
use arrow_array::RecordBatch;
use bytes::Bytes;
use gristmill_core::{Error, Fault, Format, FormatCard, Object, ReadOptions, Records, Result};

use crate::{
    stored,
    table::{self, Table},
    thrift,
};

/// Describes [`Parquet`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "parquet",
    about: "rows of Parquet files",
    extensions: &["parquet", "parq"],
    compressions: &["none"],
    slicing: "at row groups",
    source: "Apache Parquet 2.x",
    version: 2,
};

/// Reads Parquet; see the module.
pub struct Parquet;

/// Largest footer.
const FOOTER: u64 = 64 << 20;
/// How much is looked at of the header of a page: first, and at most.
const HEADS: [u64; 2] = [4 << 10, 1 << 20];
/// Most rows that are decoded at once.
const ROWS: u64 = 256;

impl Format for Parquet {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        let table = Table::new(object.clone(), options);
        let chunks = Chunks::new(object);
        let mut rows = Rows {
            chunks,
            metadata: None,
            groups: Vec::new(),
            open: None,
            table,
        };
        let opened = rows.open_file(&range)?;
        if let (Err(fault), true) = (opened, stored::is_first(rows.chunks.object.as_ref(), &range)) {
            rows.table.push_fault(0, 1, fault);
        }
        Ok(Box::new(rows))
    }
}

/// A row group to be read.
#[derive(Debug, Clone, Copy)]
struct Group {
    index: usize,
    first_row: u64,
    rows: u64,
    batch: usize,
    /// Whether no offset or length of it is negative, which the reader takes for granted.
    is_sound: bool,
}

/// Rows of one slice.
struct Rows {
    chunks: Chunks,
    metadata: Option<ArrowReaderMetadata>,
    /// Row groups of the slice, last one first.
    groups: Vec<Group>,
    open: Option<Open>,
    table: Table,
}

/// The row group that is being read.
struct Open {
    reader: ParquetRecordBatchReader,
    group: Group,
    /// Rows given so far.
    done: u64,
}

impl Records for Rows {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.table.next_batch()? {
                return Ok(Some(batch));
            }
            if self.open.is_none() {
                let Some(group) = self.groups.pop() else {
                    return Ok(None);
                };
                self.open_group(group)?;
            }
            self.decode()?;
        }
    }
}

impl Rows {
    /// Reads the footer and finds the row groups of `range`.
    fn open_file(&mut self, range: &Range<u64>) -> Result<Result<(), Fault>> {
        if let Err(fault) = self.chunks.check_footer()? {
            return Ok(Err(fault));
        }
        let chunks = self.chunks.clone();
        let loaded = guard(&self.chunks, || {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(false);
            ArrowReaderMetadata::load(&chunks, options)
        })?;
        let metadata = match loaded {
            Ok(metadata) => metadata,
            Err(fault) => return Ok(Err(fault)),
        };
        let length = self.chunks.object.len();
        let batch_bytes = self.table.options.batch_bytes as u64;
        let mut first_row = 0;
        for (index, group) in metadata.metadata().row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let size = u64::try_from(group.total_byte_size()).unwrap_or(0) / rows.max(1);
            let batch = (batch_bytes / size.max(1)).clamp(1, ROWS) as usize;
            let start = group.columns().iter().filter_map(start_of).min().unwrap_or(0);
            // A start that lies belongs to one range as well.
            let is_sound = group.columns().iter().all(|column| start_of(column).is_some());
            if range.contains(&start.min(length - 1)) {
                self.groups.push(Group {
                    index,
                    first_row,
                    rows,
                    batch,
                    is_sound,
                });
            }
            first_row = u64::saturating_add(first_row, rows);
        }
        self.groups.reverse();
        let fields = &self.table.options.fields;
        for name in table::wanted(fields) {
            leaves(metadata.parquet_schema(), name)?;
        }
        self.metadata = Some(metadata);
        Ok(Ok(()))
    }

    fn open_group(&mut self, group: Group) -> Result<()> {
        let Some(metadata) = self.metadata.clone() else {
            return Ok(());
        };
        if !group.is_sound {
            let fault = format!(
                "parquet: row group {} has a negative offset or length",
                group.index
            );
            self.table.push_fault(group.first_row, 1, Fault::malformed(fault));
            return Ok(());
        }
        let mut columns = Vec::new();
        for name in table::wanted(&self.table.options.fields) {
            columns.extend(leaves(metadata.parquet_schema(), name)?);
        }
        let mask = ProjectionMask::leaves(metadata.parquet_schema(), columns);
        let chunks = self.chunks.clone();
        let reader = guard(&self.chunks, || {
            ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, metadata)
                .with_row_groups(vec![group.index])
                .with_projection(mask)
                .with_batch_size(group.batch)
                .build()
        })?;
        match reader {
            Ok(reader) => {
                self.open = Some(Open {
                    reader,
                    group,
                    done: 0,
                });
            }
            Err(fault) => self.table.push_fault(group.first_row, 1, fault),
        }
        Ok(())
    }

    /// Decodes the next rows of the open row group.
    fn decode(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else {
            return Ok(());
        };
        let Group {
            index,
            first_row,
            rows,
            ..
        } = open.group;
        let next = guard(&self.chunks, || {
            open.reader.next().transpose().map_err(ParquetError::from)
        })?;
        let row = first_row.saturating_add(open.done);
        match next {
            Ok(Some(batch)) if open.done + batch.num_rows() as u64 <= rows => {
                open.done += batch.num_rows() as u64;
                self.table.add(&batch, row)?;
                self.open = Some(open);
            }
            Ok(None) if open.done == rows => {}
            Ok(_) => {
                let fault = format!("row group {index} has other than {rows} rows");
                self.table.push_fault(row, 1, Fault::malformed(fault));
            }
            Err(fault) => self.table.push_fault(row, 1, fault),
        }
        Ok(())
    }
}

/// Where a column chunk starts, unless its offset or length is negative.
fn start_of(column: &ColumnChunkMetaData) -> Option<u64> {
    let data = column.data_page_offset();
    let start = column
        .dictionary_page_offset()
        .filter(|start| *start > 0)
        .map_or(data, |start| start.min(data));
    (column.compressed_size() >= 0)
        .then_some(start)
        .and_then(|start| u64::try_from(start).ok())
}

/// The leaf columns of the field `name`.
fn leaves(schema: &SchemaDescriptor, name: &str) -> Result<Vec<usize>> {
    let path: Vec<&str> = name.split('.').collect();
    let is_below = |parts: &[String]| {
        parts[0] == name || parts.len() >= path.len() && path.iter().zip(parts).all(|(a, b)| a == b)
    };
    let columns = schema.columns().iter().enumerate();
    let found: Vec<usize> = columns
        .filter(|(_, column)| is_below(column.path().parts()))
        .map(|(at, _)| at)
        .collect();
    if found.is_empty() {
        let mut names: Vec<_> = schema
            .root_schema()
            .get_fields()
            .iter()
            .map(|field| field.name())
            .collect();
        names.truncate(50);
        return Err(Error::new(format!(
            "no column \"{name}\"; there are: {}",
            names.join(", ")
        )));
    }
    Ok(found)
}

/// Runs a reader over bytes that may be bad: its errors and panics are faults, those of the store are errors.
fn guard<T>(chunks: &Chunks, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<Result<T, Fault>> {
    let result = catch_unwind(AssertUnwindSafe(read));
    if let Some(error) = chunks
        .failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
    {
        return Err(error);
    }
    let refused = chunks
        .refused
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    Ok(match (result, refused) {
        (Ok(Ok(value)), _) => Ok(value),
        (_, Some(fault)) => Err(fault),
        (Ok(Err(error)), None) => Err(fault(&error)),
        (Err(_), None) => Err(Fault::malformed("parquet: the reader panicked on this file")),
    })
}

fn fault(error: &ParquetError) -> Fault {
    let mut problem = error.to_string().to_lowercase();
    if let Some((end, _)) = problem.char_indices().nth(200) {
        problem.truncate(end);
    }
    match error {
        ParquetError::NYI(_) => Fault::unsupported(format!("parquet: {problem}")),
        ParquetError::EOF(_) => Fault::truncated(format!("parquet: {problem}")),
        _ if problem.contains("encrypt") => Fault::unsupported(format!("parquet: {problem}")),
        _ => Fault::malformed(format!("parquet: {problem}")),
    }
}

/// The object as the Parquet reader sees it; keeps the error of the store apart.
#[derive(Clone)]
struct Chunks {
    object: Arc<dyn Object>,
    failure: Arc<Mutex<Option<Error>>>,
    /// Why the header of a page was not handed over.
    refused: Arc<Mutex<Option<Fault>>>,
}

impl Chunks {
    fn new(object: Arc<dyn Object>) -> Self {
        Chunks {
            object,
            failure: Arc::default(),
            refused: Arc::default(),
        }
    }

    /// Checks what the last 8 bytes say before it is believed.
    fn check_footer(&self) -> Result<Result<(), Fault>> {
        let length = self.object.len();
        if length < 12 {
            return Ok(Err(Fault::truncated(format!("parquet file of {length} bytes"))));
        }
        let tail = self.object.read_at(length - 8..length)?;
        let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
        Ok(match &tail[4..] {
            b"PAR1" if footer > FOOTER => Err(Fault::limit(format!(
                "parquet footer of {footer} bytes exceeds {FOOTER} bytes"
            ))),
            b"PAR1" if footer + 12 > length => Err(Fault::malformed(format!(
                "parquet footer of {footer} bytes in a file of {length}"
            ))),
            b"PAR1" => thrift::check_footer(&self.object.read_at(length - 8 - footer..length - 8)?),
            b"PARE" => Err(Fault::unsupported("parquet file is encrypted")),
            _ => Err(Fault::truncated("parquet file has no footer")),
        })
    }

    fn note(&self, error: Error) -> ParquetError {
        let problem = ParquetError::General(error.to_string());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        problem
    }
}

/// A reader whose errors are those of the store.
struct Noted {
    reader: Box<dyn Read + Send>,
    chunks: Chunks,
}

impl Read for Noted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(self.chunks.note(error.into())),
        })
    }
}

/// A reader of the header of a page, which is walked before a byte of it is handed over. A reader of which nothing is read may
/// stand anywhere.
struct Head {
    reader: Noted,
    seen: Option<io::Cursor<Vec<u8>>>,
}

impl Head {
    /// The first bytes, as many as the header needs.
    fn look(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        for size in HEADS {
            let before = head.len() as u64;
            (&mut self.reader).take(size - before).read_to_end(&mut head)?;
            let is_all = (head.len() as u64) < size;
            let refused = match thrift::check_page(&head) {
                Ok(true) => break,
                // What breaks off with the file the reader tells.
                Ok(false) if is_all => break,
                Ok(false) => Fault::limit(format!("parquet: header of a page over {size} bytes")),
                Err(fault) => fault,
            };
            // What comes behind may belong to it.
            if is_all || size == HEADS[1] {
                let problem = io::Error::other(refused.to_string());
                let place = &self.reader.chunks.refused;
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
                return Err(problem);
            }
        }
        Ok(head)
    }
}

impl Read for Head {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let seen = match &mut self.seen {
            Some(seen) => seen,
            None => {
                let head = self.look()?;
                self.seen.insert(io::Cursor::new(head))
            }
        };
        match seen.read(buffer)? {
            0 => self.reader.read(buffer),
            count => Ok(count),
        }
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.object.len()
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read + Send>;

    /// A reader from here on. What is read from it is the header of a page.
    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let reader = self.object.reader(start.min(self.object.len()));
        Ok(Box::new(Head {
            reader: Noted {
                reader: reader.map_err(|error| self.note(error.into()))?,
                chunks: self.clone(),
            },
            seen: None,
        }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let end = start
            .checked_add(length as u64)
            .filter(|end| *end <= self.object.len());
        let end =
            end.ok_or_else(|| ParquetError::EOF(format!("{length} bytes at {start} are not in the file")))?;
        self.object
            .read_at(start..end)
            .map_err(|error| self.note(error.into()))
    }
}
