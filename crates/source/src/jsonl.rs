//! JSONL: one JSON object a line, one record each.
//!
//! [`FieldMap`](gristmill_core::FieldMap) says which fields become content, id and url, and which are carried along.
//! A field may be a path (`metadata.url`); a key that holds the dot itself is found as well.
//!
//! - `content` is a string. A line without it, or with another type there, is `malformed`. It may be Base64, a `data:` URL
//!   or a path; see the encodings of the field map.
//! - `id` is a string or a number, `url` a string; anything else counts as absent.
//! - Carried fields are converted to their declared type; what cannot be converted is null. `text` takes strings as they
//!   are and everything else as compact JSON; numbers are taken from strings that hold one; `time` takes WARC dates
//!   and milliseconds since 1970.
//!
//! Blank lines are passed over, as is a byte order mark. Lines end in LF or CRLF, the last one perhaps in nothing. A
//! line that is not UTF-8, not JSON (nesting deeper than 128 included) or not an object is one row with a fault. A
//! line longer than `record_bytes` is a `limit` fault and is not held in memory.
//!
//! A file whose first character is `[` is read as one JSON array of objects.
//!
//! `offset` and `length` count bytes of the *decompressed* stream, up to and without the line end: 0-based offset of
//! the line. Uncompressed objects can be cut into slices, a line belonging to the range in which it starts;
//! compressed ones and arrays cannot.
//!
//! Source: <https://jsonlines.org>; RFC 8259.

use std::{ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{
    Fault, Format, FormatCard, Object, ReadOptions, Record, RecordBatcher, Records, Result,
};
use memchr::memchr;

use crate::{
    carry::Carried,
    json::{Field, Fields},
    stored::{self, Compression},
    value::{Value, Values},
    window::{Peek, Window},
};

/// Describes [`Jsonl`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "jsonl",
    about: "JSON objects, one a line or in one array",
    extensions: &["jsonl", "ndjson", "json"],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "at lines where uncompressed",
    source: "jsonlines.org",
    version: 1,
};

/// Reads JSONL; see the module.
pub struct Jsonl;

impl Format for Jsonl {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        let compression = stored::compression_of(object.as_ref())?;
        let mut is_array = false;
        if compression == Compression::None {
            let head = object.read_at(0..object.len().min(ARRAY_HEAD))?;
            is_array = begins_array(&head);
        }
        let can_cut = compression == Compression::None && !is_array;
        let is_done = range.is_empty() || !can_cut && range.start > 0;
        let (window, end) = if is_done {
            (Window::empty(), range.end)
        } else if can_cut && range.start > 0 {
            // A line starts in the range if the line end before it is in front of it.
            let before = range.start - 1;
            (
                Window::new(stored::open(object.as_ref(), before)?, before),
                range.end,
            )
        } else {
            let end = if can_cut { range.end } else { u64::MAX };
            (Window::new(stored::decompress(&object, compression)?, 0), end)
        };
        let mut lines = JsonRecords {
            window,
            end,
            mark: 0,
            is_array,
            is_done,
            batcher: RecordBatcher::new(object.uri(), options),
            fields: Fields::new(&options.fields),
            carried: Carried::new(&options.fields.carry),
            values: Values::new(object.clone(), options),
            options: options.clone(),
        };
        if can_cut && range.start > 0 && !lines.is_done {
            lines.skip_line()?;
        } else if !lines.is_done {
            lines.begin()?;
        }
        Ok(Box::new(lines))
    }
}

/// Bytes in which the first character of a file is looked for.
const ARRAY_HEAD: u64 = 4096;
/// UTF-8 byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether the first character is `[`.
pub(crate) fn begins_array(head: &[u8]) -> bool {
    head.strip_prefix(MARK).unwrap_or(head).trim_ascii_start().first() == Some(&b'[')
}

/// Lines of one slice.
struct JsonRecords {
    window: Window,
    end: u64,
    /// Length of the byte order mark.
    mark: u64,
    is_array: bool,
    is_done: bool,
    batcher: RecordBatcher,
    fields: Fields,
    carried: Carried,
    values: Values,
    options: ReadOptions,
}

impl Records for JsonRecords {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.is_done && !self.batcher.is_full() {
            self.is_done = !self.read_one()?;
        }
        self.batcher.take(self.carried.finish())
    }
}

impl JsonRecords {
    /// Passes over what stands before the first record of the object.
    fn begin(&mut self) -> Result<()> {
        if self.window.peek(MARK.len())?.starts_with(MARK) {
            self.window.consume(MARK.len());
            self.mark = MARK.len() as u64;
        }
        self.is_array = begins_array(self.window.peek(ARRAY_HEAD as usize)?);
        if self.is_array {
            let bytes = self.window.peek(1)?;
            let bracket = bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
            self.window.consume(bracket + 1);
        }
        Ok(())
    }

    fn skip_line(&mut self) -> Result<()> {
        loop {
            let bytes = self.window.peek(1)?;
            let (end, seen) = (memchr(b'\n', bytes), bytes.len());
            self.window.consume(end.map_or(seen, |end| end + 1));
            if end.is_some() || seen == 0 {
                return Ok(());
            }
        }
    }

    /// Reads one line or element; false at the end.
    fn read_one(&mut self) -> Result<bool> {
        let offset = self.window.position();
        // The first line starts with the byte order mark.
        if offset >= self.end && offset > self.mark {
            return Ok(false);
        }
        let mut scanner = Scanner::new(self.is_array);
        let most = self.options.limits.record_bytes;
        let mut scanned = 0;
        // Looks for the end of the item, holding at most `most` bytes of it.
        let (size, is_ended) = loop {
            let bytes = self.window.peek(scanned + 1)?;
            let seen = bytes.len();
            if let Some(end) = scanner.end(&bytes[scanned..]) {
                break (scanned + end, true);
            }
            scanned = seen;
            if scanned > most {
                break (scanned, false);
            }
            if self.window.peek(seen + 1)?.len() == seen {
                break (seen, true);
            }
        };
        if size > most {
            let length = size as u64
                + if is_ended {
                    0
                } else {
                    self.pass_rest(scanner, size)?
                };
            if is_ended {
                self.window.consume(size);
            }
            self.push_fault(
                offset,
                length,
                Fault::limit(format!("line of {length} bytes exceeds {most} bytes")),
            );
            return Ok(true);
        }
        let is_last = self.window.peek(size + 1)?.len() == size;
        let damage = if is_last { self.window.take_damage() } else { None };
        if let Some(fault) = damage {
            self.push_fault(offset, size as u64, fault);
            self.window.consume(size);
            return Ok(false);
        }
        self.push_item(offset, size)?;
        self.window.consume(size);
        if is_last {
            return Ok(false);
        }
        self.leave_item()
    }

    /// Passes over the line end, or over what stands between two elements; false behind the last one.
    fn leave_item(&mut self) -> Result<bool> {
        let delimiter = self.window.peek(1)?.first().copied();
        self.window.consume(1);
        Ok(!self.is_array || delimiter == Some(b','))
    }

    /// Passes over the rest of an item of which `seen` bytes are in view; gives how much it was.
    fn pass_rest(&mut self, mut scanner: Scanner, seen: usize) -> Result<u64> {
        self.window.consume(seen);
        let mut passed = 0;
        loop {
            let bytes = self.window.peek(1)?;
            let (end, seen) = (scanner.end(bytes), bytes.len());
            let step = end.unwrap_or(seen);
            self.window.consume(step);
            passed += step as u64;
            if end.is_some() || seen == 0 {
                return Ok(passed);
            }
        }
    }

    fn push_item(&mut self, offset: u64, size: usize) -> Result<()> {
        let item = &self.window.peek(0)?[..size];
        let trimmed = item.trim_ascii();
        if trimmed.is_empty() {
            return Ok(());
        }
        let lead = item.len() - item.trim_ascii_start().len();
        let (offset, length) = (offset + lead as u64, trimmed.len() as u64);
        let place = Record {
            offset,
            length,
            record_type: "document",
            ..Record::default()
        };
        let found = match self.fields.read(trimmed) {
            Ok(found) => found,
            Err(fault) => {
                self.push_fault(offset, length, fault);
                return Ok(());
            }
        };
        let (content, fault) = match &found.content {
            Field::Text(text) => {
                let value = Value {
                    text: Some(text),
                    ..Value::default()
                };
                match self.values.content(value)? {
                    Ok(content) => (content, None),
                    Err(fault) => (None, Some(fault)),
                }
            }
            other => {
                let name = &self.options.fields.content;
                let problem = format!("field \"{name}\" is {}", other.kind());
                (None, Some(Fault::malformed(problem)))
            }
        };
        let id = found.id.to_text();
        self.batcher.push(&Record {
            id: id.as_deref().filter(|id| !id.is_empty()),
            url: found.url.as_text(),
            media_type: match &content {
                Some(content) => content.media_type.as_deref(),
                None => Some(&self.options.fields.media_type),
            },
            member: content.as_ref().and_then(|content| content.member),
            content: content.as_ref().map(|content| content.bytes),
            carried_bytes: found
                .carried
                .iter()
                .filter_map(Field::as_text)
                .map(str::len)
                .sum(),
            fault,
            ..place
        });
        self.carried.push(&found.carried);
        Ok(())
    }

    fn push_fault(&mut self, offset: u64, length: u64, fault: Fault) {
        self.batcher.push(&Record {
            offset,
            length,
            record_type: "document",
            fault: Some(fault),
            ..Record::default()
        });
        self.carried.push_nulls();
    }
}

/// Finds the end of a line, or of an element of an array, piece by piece.
struct Scanner {
    is_array: bool,
    depth: usize,
    is_string: bool,
    is_escaped: bool,
}

impl Scanner {
    fn new(is_array: bool) -> Self {
        Scanner {
            is_array,
            depth: 0,
            is_string: false,
            is_escaped: false,
        }
    }

    /// Where in the next piece the item ends: in front of its line end, comma or closing bracket.
    fn end(&mut self, piece: &[u8]) -> Option<usize> {
        if !self.is_array {
            return memchr(b'\n', piece);
        }
        for (at, byte) in piece.iter().enumerate() {
            if self.is_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_string = true,
                b'{' | b'[' => self.depth += 1,
                b',' | b']' if self.depth == 0 => return Some(at),
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        None
    }
}
