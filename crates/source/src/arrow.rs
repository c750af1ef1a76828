//! Arrow IPC: one row, one record, of streams (as Hugging Face `datasets` saves them) and of files.
//!
//! [`FieldMap`](gristmill_core::FieldMap) names columns as in [Parquet](crate::parquet), with the same rules. All columns
//! are read. `offset` is the number of the row in the file and `length` is 0. A file cannot be cut into slices.
//!
//! A file is read as the stream that it holds; its footer is not used. Dictionaries may come at any place before they
//! are needed.
//!
//! Damage: a batch that cannot be decoded is one row with a fault, and the next message is read; dictionaries that came
//! before are then lost. A message whose own length cannot be believed ends the file with a fault.
//!
//! Limits: message headers of 64 MiB; the body of a message, as stored and as unpacked, may have 16 times `record_bytes`;
//! a cell larger than `record_bytes` is a `limit` fault.
//!
//! Source: <https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc>.

use std::{
    collections::VecDeque,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::{Message, reader::StreamDecoder, root_as_message};
use gristmill_core::{Error, Fault, Format, FormatCard, Object, ReadOptions, Records, Result};

use crate::{
    stored,
    table::{self, Table},
    window::{Peek, Window},
};

/// Describes [`ArrowIpc`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "arrow",
    about: "rows of Arrow IPC streams and files",
    extensions: &["arrow", "arrows", "feather"],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "not at all",
    source: "Apache Arrow columnar format 1.5, IPC",
    version: 1,
};

/// Reads Arrow IPC; see the module.
pub struct ArrowIpc;

/// What a file begins with, before its stream.
const FILE: &[u8] = b"ARROW1\0\0";
/// Most bytes that writers align messages to.
const ALIGNED: usize = 64;
/// What a message begins with, before its length.
const MESSAGE: [u8; 4] = [0xff; 4];
/// Largest header of a message.
const HEADER: usize = 64 << 20;
/// How many records' worth of bytes the body of a message may have.
const BODY: usize = 16;

impl Format for ArrowIpc {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        let is_first = stored::is_first(object.as_ref(), &range);
        let window = if is_first {
            let compression = stored::compression_of(object.as_ref())?;
            Window::new(stored::decompress(&object, compression)?, 0)
        } else {
            Window::empty()
        };
        let mut rows = Rows {
            window,
            decoder: StreamDecoder::new(),
            schema: Vec::new(),
            table: Table::new(object, options),
            batches: VecDeque::new(),
            row: 0,
            is_done: !is_first,
            most: options.limits.record_bytes.saturating_mul(BODY),
        };
        if is_first {
            rows.pass_magic()?;
        }
        while !rows.is_done && rows.decoder.schema().is_none() && rows.batches.is_empty() {
            rows.read_message()?;
        }
        rows.check_columns()?;
        Ok(Box::new(rows))
    }
}

/// Whether `head` begins an Arrow file, or a stream whose schema is in view.
pub(crate) fn begins(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(&MESSAGE) else {
        return head.starts_with(FILE);
    };
    let header = rest.split_first_chunk::<4>().and_then(|(length, rest)| {
        let length = usize::try_from(i32::from_le_bytes(*length)).ok()?;
        rest.get(..length)
    });
    header.is_some_and(|header| {
        root_as_message(header).is_ok_and(|message| message.header_as_schema().is_some())
    })
}

/// Rows of a stream.
struct Rows {
    window: Window,
    decoder: StreamDecoder,
    /// The message with the schema.
    schema: Vec<u8>,
    table: Table,
    /// Decoded batches with the numbers of their first rows.
    batches: VecDeque<(RecordBatch, u64)>,
    /// Number of the next row.
    row: u64,
    is_done: bool,
    /// Most bytes of the body of a message.
    most: usize,
}

impl Records for Rows {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.table.next_batch()? {
                return Ok(Some(batch));
            }
            match self.batches.pop_front() {
                Some((batch, row)) => self.table.add(&batch, row)?,
                None if self.is_done => return Ok(None),
                None => self.read_message()?,
            }
        }
    }
}

/// What the header of a message says.
struct Header {
    /// Bytes of header and body.
    header: usize,
    body: u64,
    /// Rows of a batch.
    rows: u64,
}

impl Rows {
    /// Passes over what a file begins with: its magic, and zeros up to a place that is aligned.
    fn pass_magic(&mut self) -> Result<()> {
        let bytes = self.window.peek(ALIGNED)?;
        if bytes.starts_with(FILE) {
            let words = bytes[FILE.len()..bytes.len().min(ALIGNED)].chunks_exact(8);
            let zeros = words.take_while(|word| **word == [0; 8]).count();
            self.window.consume(FILE.len() + 8 * zeros);
        }
        Ok(())
    }

    /// Checks that the columns are there; an object without a schema has a fault instead.
    fn check_columns(&self) -> Result<()> {
        let Some(schema) = self.decoder.schema() else {
            return Ok(());
        };
        for name in table::wanted(&self.table.options.fields) {
            let first = name.split('.').next().unwrap_or(name);
            if schema.column_with_name(name).is_none() && schema.column_with_name(first).is_none() {
                let names: Vec<_> = schema
                    .fields()
                    .iter()
                    .take(50)
                    .map(|field| field.name().as_str())
                    .collect();
                let names = names.join(", ");
                return Err(Error::new(format!("no column \"{name}\"; there are: {names}")));
            }
        }
        Ok(())
    }

    /// Reads the next message, or tells what is wrong with it.
    fn read_message(&mut self) -> Result<()> {
        let header = match self.read_header()? {
            Ok(Some(header)) => header,
            Ok(None) => {
                self.is_done = true;
                return Ok(());
            }
            Err(fault) => return self.give_up(fault),
        };
        if header.body > self.most as u64 {
            let fault = Fault::limit(format!(
                "message of {} bytes exceeds {} bytes",
                header.body, self.most
            ));
            self.window.consume(header.header);
            let skipped = self.window.skip(header.body)?;
            self.push_fault(fault, header.rows);
            self.is_done = skipped < header.body;
            return Ok(());
        }
        let total = header.header + header.body as usize;
        let bytes = self.window.peek(total)?;
        if bytes.len() < total {
            let seen = bytes.len();
            return self.give_up(Fault::truncated(format!(
                "message of {total} bytes breaks off after {seen}"
            )));
        }
        let message = &bytes[..total];
        let result =
            check(message, &header, self.most as u64).and_then(|()| decode(&mut self.decoder, message));
        if self.schema.is_empty() {
            self.schema = message.to_vec();
        }
        self.window.consume(total);
        match result {
            Ok(batches) => {
                for batch in batches {
                    let rows = batch.num_rows() as u64;
                    self.batches.push_back((batch, self.row));
                    self.row += rows;
                }
            }
            Err(fault) => {
                self.push_fault(fault, header.rows);
                // The decoder stops where it failed: a new one learns the schema again.
                self.decoder = StreamDecoder::new();
                let is_lost = decode(&mut self.decoder, &self.schema).is_err();
                self.is_done = is_lost;
            }
        }
        Ok(())
    }

    /// What the message here says of itself; `None` at the end.
    fn read_header(&mut self) -> Result<Result<Option<Header>, Fault>> {
        let bytes = self.window.peek(8)?;
        if bytes.is_empty() {
            return Ok(self.window.take_damage().map_or(Ok(None), Err));
        }
        // Before version 0.15, messages began with their length.
        let prefix = if bytes.starts_with(&MESSAGE) { 8 } else { 4 };
        let Some(length) = bytes.get(prefix - 4..prefix) else {
            return Ok(Err(Fault::truncated("length of a message breaks off")));
        };
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if length == 0 {
            return Ok(Ok(None));
        }
        if length > HEADER {
            return Ok(Err(Fault::limit(format!(
                "header of a message of {length} bytes exceeds {HEADER} bytes"
            ))));
        }
        let bytes = self.window.peek(prefix + length)?;
        let Some(header) = bytes.get(prefix..prefix + length) else {
            return Ok(Err(Fault::truncated(format!(
                "header of {length} bytes breaks off"
            ))));
        };
        let Ok(message) = root_as_message(header) else {
            return Ok(Err(Fault::malformed("header of a message is damaged")));
        };
        let Ok(body) = u64::try_from(message.bodyLength()) else {
            return Ok(Err(Fault::malformed("body of a message has a negative length")));
        };
        let rows = message.header_as_record_batch().map_or(0, |batch| batch.length());
        Ok(Ok(Some(Header {
            header: prefix + length,
            body,
            rows: u64::try_from(rows).unwrap_or(0),
        })))
    }

    /// Tells a fault in the place of so many rows.
    fn push_fault(&mut self, fault: Fault, rows: u64) {
        self.table.push_fault(self.row, 1, fault);
        self.row = self.row.saturating_add(rows);
    }

    fn give_up(&mut self, fault: Fault) -> Result<()> {
        let fault = self.window.take_damage().unwrap_or(fault);
        self.push_fault(fault, 0);
        self.is_done = true;
        Ok(())
    }
}

/// Checks what `message` says of its unpacked sizes before they are believed.
fn check(message: &[u8], header: &Header, most: u64) -> Result<(), Fault> {
    let (head, body) = message.split_at(header.header);
    let head = &head[if head.starts_with(&MESSAGE) { 8 } else { 4 }..];
    let Ok(parsed) = root_as_message(head) else {
        return Err(Fault::malformed("header of a message is damaged"));
    };
    let unpacked = unpacked(&parsed, body);
    if unpacked > most {
        return Err(Fault::limit(format!(
            "message of {unpacked} bytes, unpacked, exceeds {most} bytes"
        )));
    }
    // A row takes one bit at least.
    if header.rows > unpacked.saturating_mul(8) {
        return Err(Fault::malformed(format!(
            "batch says that it has {} rows",
            header.rows
        )));
    }
    Ok(())
}

/// Bytes of the body of `message`, unpacked, as it says.
fn unpacked(message: &Message<'_>, body: &[u8]) -> u64 {
    let dictionary = message
        .header_as_dictionary_batch()
        .and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else {
        return body.len() as u64;
    };
    if batch.compression().is_none() {
        return body.len() as u64;
    }
    let buffers = batch.buffers();
    let lengths = buffers.iter().flatten().map(|buffer| {
        let length = u64::try_from(buffer.length()).unwrap_or(0);
        let prefix = usize::try_from(buffer.offset())
            .ok()
            .filter(|_| length >= 8)
            .and_then(|offset| body.get(offset..)?.first_chunk::<8>());
        // -1 says that the buffer is stored as it is.
        prefix.map_or(0, |prefix| {
            u64::try_from(i64::from_le_bytes(*prefix)).unwrap_or(length)
        })
    });
    lengths.fold(0, u64::saturating_add)
}

/// Feeds one message to `decoder`; gives the batches that it completes.
fn decode(decoder: &mut StreamDecoder, message: &[u8]) -> Result<Vec<RecordBatch>, Fault> {
    let mut buffer = Buffer::from(message);
    let mut batches = Vec::new();
    let read = catch_unwind(AssertUnwindSafe(|| {
        while !buffer.is_empty() {
            batches.extend(decoder.decode(&mut buffer)?);
        }
        Ok::<(), arrow_schema::ArrowError>(())
    }));
    match read {
        Ok(Ok(())) => Ok(batches),
        Ok(Err(error)) => {
            let mut problem = error.to_string().to_lowercase();
            if let Some((end, _)) = problem.char_indices().nth(200) {
                problem.truncate(end);
            }
            Err(Fault::malformed(format!("arrow: {problem}")))
        }
        Err(_) => Err(Fault::malformed("arrow: the reader panicked on this message")),
    }
}
