//! Zip: one file of the archive, one record, in the order of their places.
//!
//! The central directory says what there is; programs in front of the archive, comments, zip64 and more than 65,535
//! files are read. Files are stored, deflated, or compressed with bzip2, zstd or xz; other methods, encrypted files and
//! symbolic links are rows with the fault `unsupported`. Folders are nothing. Nothing is unpacked to disk. `member` is
//! the name (UTF-8, or code page 437 where it is not); it may hold `..`: it is data and no path. The media type comes
//! from the bytes first and the ending of the name second. `url` is null.
//!
//! No size is believed: a file that is larger than `record_bytes`, stored or unpacked, is a `limit` fault, one whose
//! size or CRC-32 is not as told is `malformed`, and so is one that begins within the file before it (as those of
//! bombs do). Directories are bounded at 256 MiB.
//!
//! `offset` is the place of the file's local header and `length` reaches to the end of its content. A file belongs to
//! the range in which it starts.
//!
//! **Damage.** If the directory is damaged or missing, that is one row with a fault, at the end of the object, and the
//! files are found by their local headers; all of them then belong to the range that starts at 0. A file whose end is
//! not told there is unpacked to find it; if it is stored, it is a fault.
//!
//! Books and office documents (EPUB, OOXML, ODF) are zip files too; [detection](crate::detect) leaves them whole.
//!
//! Source: PKWARE APPNOTE 6.3.10.

mod content;
mod directory;

use std::{ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{
    Fault, Format, FormatCard, Object, ReadOptions, Record, RecordBatcher, Records, Result,
};
use memchr::memmem;

use self::{
    content::Unpacker,
    directory::{Directory, Entry},
};
use crate::{
    carry::carried_nulls,
    magic, media_type, stored,
    window::{Peek, Window},
};

/// Describes [`Zip`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "zip",
    about: "files in zip archives, one record each",
    extensions: &["zip"],
    compressions: &["none"],
    slicing: "at files",
    source: "PKWARE APPNOTE 6.3.10",
    version: 1,
};

/// Reads zip archives; see the module.
pub struct Zip;

/// Bytes that are rather read than leapt over.
const NEAR: u64 = 1 << 20;
/// Longest local header: name and extra fields of 64 kB each.
const HEADER: usize = 30 + 2 * 65_535;

impl Format for Zip {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        let rows = Rows {
            batcher: RecordBatcher::new(object.uri(), options),
            options: options.clone(),
        };
        let unpacker = Unpacker::new(options.limits.record_bytes);
        if range.is_empty() && !stored::is_first(object.as_ref(), &range) {
            return Ok(Box::new(Listed::empty(object, rows, unpacker)));
        }
        match Directory::read(object.as_ref())? {
            Ok(directory) => Ok(Box::new(Listed {
                directory: Some(directory),
                range,
                ..Listed::empty(object, rows, unpacker)
            })),
            Err(fault) => Ok(Box::new(Found {
                window: if stored::is_first(object.as_ref(), &range) {
                    Window::new(stored::open(object.as_ref(), 0)?, 0)
                } else {
                    Window::empty()
                },
                damage: stored::is_first(object.as_ref(), &range).then_some(fault),
                length: object.len(),
                rows,
                unpacker,
            })),
        }
    }
}

/// Whether `head` begins a zip archive.
pub(crate) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Whether `head` begins a book or document that is a zip archive, as far as the first files show.
pub(crate) fn begins_document(head: &[u8]) -> bool {
    const FIRST: [&[u8]; 2] = [b"mimetypeapplication/", b"[Content_Types].xml"];
    head.get(30..)
        .is_some_and(|name| FIRST.iter().any(|first| name.starts_with(first)))
}

/// Whether the zip archive `object` is a book or document.
pub(crate) fn is_document(object: &dyn Object) -> Result<bool> {
    let directory = Directory::read(object)?;
    Ok(directory.is_ok_and(|directory| {
        [&b"[Content_Types].xml"[..], b"META-INF/container.xml"]
            .iter()
            .any(|name| directory.has(name))
    }))
}

/// Makes rows of members.
struct Rows {
    batcher: RecordBatcher,
    options: ReadOptions,
}

impl Rows {
    fn push(&mut self, entry: &Entry, end: u64, content: Result<&[u8], Fault>) {
        let (content, fault) = match content {
            Ok(content) => (Some(content), None),
            Err(fault) => (None, Some(fault)),
        };
        let by_name = media_type::by_name(&entry.name);
        let media_type = content.and_then(|content| magic::media_type(content, by_name, None));
        self.batcher.push(&Record {
            offset: entry.offset,
            length: end.saturating_sub(entry.offset),
            record_type: "document",
            media_type: media_type.as_deref(),
            member: Some(&entry.name),
            content,
            fault,
            ..Record::default()
        });
    }

    fn take(&mut self) -> Result<Option<RecordBatch>> {
        let rows = self.batcher.rows();
        self.batcher.take(carried_nulls(&self.options.fields.carry, rows))
    }
}

/// Members that the directory lists.
struct Listed {
    object: Arc<dyn Object>,
    directory: Option<Directory>,
    range: Range<u64>,
    next: usize,
    /// Where the member before ends, at least.
    end: u64,
    window: Window,
    rows: Rows,
    unpacker: Unpacker,
}

impl Records for Listed {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(directory) = self.directory.take() else {
            return Ok(None);
        };
        while self.next < directory.len() && !self.rows.batcher.is_full() {
            let offset = directory.offset(self.next);
            // A place behind the end belongs to one range as well.
            let place = offset.min(self.object.len().saturating_sub(1));
            let entry = directory.entry(self.next);
            self.next += 1;
            let is_overlapping = offset < self.end;
            self.end = self.end.max(entry.least_end());
            if !self.range.contains(&place) || entry.is_folder {
                continue;
            }
            if is_overlapping {
                let fault = Fault::malformed("member begins within the one before it");
                self.rows.push(&entry, entry.least_end(), Err(fault));
            } else {
                self.read(&entry)?;
            }
        }
        self.directory = Some(directory);
        self.rows.take()
    }
}

impl Listed {
    fn empty(object: Arc<dyn Object>, rows: Rows, unpacker: Unpacker) -> Self {
        Listed {
            object,
            directory: None,
            range: 0..0,
            next: 0,
            end: 0,
            window: Window::empty(),
            rows,
            unpacker,
        }
    }

    fn read(&mut self, entry: &Entry) -> Result<()> {
        if let Some(fault) = content::refusal(entry, self.rows.options.limits.record_bytes) {
            self.rows.push(entry, entry.least_end(), Err(fault));
            return Ok(());
        }
        self.go_to(entry.offset)?;
        let bytes = self.window.peek(30)?;
        let header = if bytes.len() < 30 || !bytes.starts_with(b"PK\x03\x04") {
            let fault = Fault::malformed("no local header where the directory says");
            self.rows.push(entry, entry.least_end(), Err(fault));
            return Ok(());
        } else {
            30 + usize::from(directory::u16_at(bytes, 26)) + usize::from(directory::u16_at(bytes, 28))
        };
        let end = entry.offset + header as u64 + entry.stored;
        let total = header + entry.stored as usize;
        let bytes = self.window.peek(total)?;
        let content = match bytes.get(header..total) {
            Some(stored) => self.unpacker.unpack(entry, stored),
            None => Err(Fault::truncated(format!(
                "content of {} bytes breaks off",
                entry.stored
            ))),
        };
        self.rows.push(entry, end, content);
        Ok(())
    }

    /// Moves the window to `offset`.
    fn go_to(&mut self, offset: u64) -> Result<()> {
        let from = self.window.position();
        if offset >= from && offset - from <= NEAR && from > 0 {
            self.window.skip(offset - from)?;
        } else {
            self.window = Window::new(
                stored::open(self.object.as_ref(), offset)?,
                offset.min(self.object.len()),
            );
        }
        Ok(())
    }
}

/// Members that are found by their local headers.
struct Found {
    window: Window,
    /// What is wrong with the directory, until it is told.
    damage: Option<Fault>,
    length: u64,
    rows: Rows,
    unpacker: Unpacker,
}

impl Records for Found {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.rows.batcher.is_full() && self.damage.is_some() {
            if self.find()? {
                self.read()?;
            } else if let Some(fault) = self.damage.take() {
                self.rows.batcher.push(&Record {
                    offset: self.length,
                    record_type: "unknown",
                    fault: Some(fault),
                    ..Record::default()
                });
            }
        }
        self.rows.take()
    }
}

impl Found {
    /// Goes to the next local header; false if there is none.
    fn find(&mut self) -> Result<bool> {
        loop {
            let bytes = self.window.peek(HEADER)?;
            let (seen, is_end) = (bytes.len(), bytes.len() < HEADER);
            match memmem::find(bytes, b"PK\x03\x04") {
                Some(at) => {
                    self.window.consume(at);
                    let position = self.window.position();
                    let bytes = self.window.peek(HEADER)?;
                    if directory::local(bytes, position).is_some_and(|(entry, _)| entry.method < 100) {
                        return Ok(true);
                    }
                    self.window.consume(1);
                }
                None => {
                    let step = if is_end { seen } else { seen - 3 };
                    self.window.consume(step);
                    if is_end {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Reads the member whose local header stands here.
    fn read(&mut self) -> Result<()> {
        let offset = self.window.position();
        let bytes = self.window.peek(HEADER)?;
        let (entry, header) = directory::local(bytes, offset).expect("a local header was found here");
        self.window.consume(header);
        if entry.is_folder {
            return Ok(());
        }
        let start = offset + header as u64;
        if let Some(fault) = content::refusal(&entry, self.rows.options.limits.record_bytes) {
            self.rows.push(&entry, start, Err(fault));
            return Ok(());
        }
        if entry.has_descriptor() {
            return self.read_open(&entry, start);
        }
        let stored = entry.stored as usize;
        let bytes = self.window.peek(stored)?;
        let content = match bytes.get(..stored) {
            Some(stored) => self.unpacker.unpack(&entry, stored),
            None => Err(Fault::truncated(format!("content of {stored} bytes breaks off"))),
        };
        let is_whole = content.is_ok();
        let end = start + if is_whole { entry.stored } else { 0 };
        self.rows.push(&entry, end, content);
        if is_whole {
            self.window.consume(stored);
        }
        Ok(())
    }

    /// Reads a member whose size and checksum stand behind its content.
    fn read_open(&mut self, entry: &Entry, start: u64) -> Result<()> {
        let most = self.rows.options.limits.record_bytes;
        // What is unpacked within the limit may be stored in a little more.
        let room = most + most / 8 + (64 << 10);
        let is_stored = entry.method == 0;
        let bytes = self.window.peek(if is_stored { 1 } else { room })?;
        let unpacked = if is_stored {
            Err(Fault::unsupported("stored member whose end is not told"))
        } else {
            self.unpacker.stream(entry.method, bytes)
        };
        let (content, taken) = match unpacked {
            Ok((content, taken)) => {
                let behind = &bytes[taken..];
                let behind = behind.strip_prefix(b"PK\x07\x08").unwrap_or(behind);
                let content = match behind.get(..4).map(|crc| directory::u32_at(crc, 0)) {
                    Some(crc) => content::check(content, content.len() as u64, crc).map(|()| content),
                    None => Err(Fault::truncated(
                        "archive ends with the content of its last member",
                    )),
                };
                (content, taken)
            }
            Err(fault) => (Err(fault), 0),
        };
        self.rows.push(entry, start + taken as u64, content);
        self.window.consume(taken);
        Ok(())
    }
}
