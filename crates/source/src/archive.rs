//! Archives: objects that are a row of records, each a header that says how long its content is.
//!
//! What WARC and ARC have in common is here; a `Grammar` knows the rest. An archive is stored as it is, as gzip
//! members or zstd frames (see [`member`](crate::member)), or compressed as a whole in another way.
//!
//! **Slices.** A record belongs to the range in which it starts; in members, to the range in which its member
//! starts. A slice that does not start at 0 looks for the first place from there on at which a record begins.
//! Records are then read one after another, each beginning where the last one ends. What stands between a record
//! and the next (damage) belongs to the slice of the record before it, so that it is told once.
//!
//! **Damage.** A record is believed if its content is followed by an empty line, by the beginning of another
//! record, or by the end. Otherwise its length lies: it becomes one row with a fault, and reading goes on at the
//! next beginning of a record behind its own, so that no intact record is lost to a wrong length. Bytes between
//! records become one row with a fault and the record type `unknown`. A record does not go on in the next member: it
//! is truncated, and what follows is no record.
//!
//! **Offsets.** `offset` and `length` count stored bytes: of the member where there are members, else of the record
//! with its header and closing empty line. Records that share a member share both and differ in position; the
//! length of a member that is larger than the limits for one record is known only after its records, and is 0 in
//! them. Where the whole archive is compressed in another way (bzip2, xz, LZ4, brotli), both count decompressed
//! bytes.

use std::{borrow::Cow, ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{
    ColumnType, Fault, FaultKind, Limits, Object, ReadOptions, Record, RecordBatcher, Records, Result,
};

use crate::{
    carry::carried_nulls,
    gzip,
    member::{Codec, Members, Opened, PROBE},
    payload::Payload,
    stored::{self, Compression},
    window::{Peek, Window},
    zstd,
};

/// What a kind of archive says of its records.
pub(crate) trait Grammar: Sync {
    /// Whether a record begins with these bytes, of which [`PROBE`] are shown unless the data ends before.
    fn begins(&self, head: &[u8]) -> bool;

    /// The first place in `bytes`, at or behind `from`, where a record might begin.
    fn candidate(&self, bytes: &[u8], from: usize) -> Option<usize>;

    /// How many bytes in front of a record [`candidate`](Self::candidate) has to see.
    fn look_back(&self) -> u64 {
        0
    }

    /// Length of the header at the start of `bytes`, if it ends there.
    fn header_end(&self, bytes: &[u8]) -> Option<usize>;

    /// Reads a whole header.
    fn head<'a>(&self, header: &'a [u8]) -> Head<'a>;
}

/// What a header says of its record.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) record_type: Cow<'a, str>,
    pub(crate) url: Option<Cow<'a, str>>,
    /// Milliseconds since 1970, UTC.
    pub(crate) timestamp: Option<i64>,
    /// The record's own Content-Type.
    pub(crate) content_type: Option<Cow<'a, str>>,
    /// What the crawler took the payload for.
    pub(crate) payload_type: Option<Cow<'a, str>>,
    /// Why the crawler cut the content short.
    pub(crate) truncated: Option<Cow<'a, str>>,
    /// Bytes of content, or what is wrong with the header.
    pub(crate) length: Result<u64, Fault>,
    /// Why the content cannot be used, though its length is known.
    pub(crate) fault: Option<Fault>,
}

/// Reads the records of one slice of an archive.
pub(crate) fn read(
    object: Arc<dyn Object>,
    range: Range<u64>,
    options: &ReadOptions,
    grammar: &'static dyn Grammar,
) -> Result<Box<dyn Records>> {
    let rows = Rows {
        batcher: RecordBatcher::new(object.uri(), options),
        payload: Payload::new(options),
        limits: options.limits.clone(),
        carry: options.fields.carry.clone(),
        grammar,
    };
    let start = range.start;
    let codec: Box<dyn Codec> = match compression(object.as_ref(), grammar)? {
        Compression::Gzip => Box::new(gzip::Members::new()),
        Compression::Zstd => Box::new(zstd::Frames::new(object.as_ref())?),
        other => return read_flat(object, range, other, rows),
    };
    let mut members = Members::new(object, codec, start, &options.limits)?;
    if start > 0 {
        members.find(&|head| grammar.begins(head))?;
    }
    Ok(Box::new(MemberRecords {
        rows,
        members,
        end: range.end,
        open: None,
        is_done: range.is_empty(),
    }))
}

/// How an archive is compressed. Where its first bytes are damaged, the name tells.
fn compression(object: &dyn Object, grammar: &dyn Grammar) -> Result<Compression> {
    let found = stored::compression_of(object)?;
    let by_name = stored::compression_by_name(object.uri());
    if found != Compression::None || !matches!(by_name, Compression::Gzip | Compression::Zstd) {
        return Ok(found);
    }
    let head = object.read_at(0..object.len().min(2 * PROBE as u64))?;
    let is_record = grammar.begins(&head[newlines(&head)..]);
    Ok(if is_record { found } else { by_name })
}

fn read_flat(
    object: Arc<dyn Object>,
    range: Range<u64>,
    compression: Compression,
    rows: Rows,
) -> Result<Box<dyn Records>> {
    let mut records = if compression == Compression::None {
        let start = range.start.saturating_sub(rows.grammar.look_back());
        let window = Window::new(stored::open(object.as_ref(), start)?, start);
        FlatRecords {
            rows,
            flat: Flat {
                window,
                object: Some(object),
            },
            end: range.end,
            is_done: range.is_empty(),
        }
    } else {
        let is_done = range.start > 0 || range.is_empty();
        let window = if is_done {
            Window::empty()
        } else {
            Window::new(stored::decompress(&object, compression)?, 0)
        };
        FlatRecords {
            rows,
            flat: Flat { window, object: None },
            end: u64::MAX,
            is_done,
        }
    };
    if range.start > 0 && !records.is_done {
        find(&mut records.flat, records.rows.grammar)?;
    }
    Ok(Box::new(records))
}

/// Records that lie in the object as they are, or in one decompressed stream.
struct FlatRecords {
    rows: Rows,
    flat: Flat,
    end: u64,
    is_done: bool,
}

impl Records for FlatRecords {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.is_done && !self.rows.batcher.is_full() {
            skip_newlines(&mut self.flat)?;
            let is_beyond = self.flat.window.position() >= self.end;
            self.is_done = is_beyond && self.rows.grammar.begins(probe(&mut self.flat)?)
                || !self.rows.read_one(&mut self.flat)?;
        }
        self.rows.take()
    }
}

/// Records that lie in members.
struct MemberRecords {
    rows: Rows,
    members: Members,
    end: u64,
    /// Rows that the open member gave so far.
    open: Option<u64>,
    is_done: bool,
}

impl Records for MemberRecords {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.is_done && !self.rows.batcher.is_full() {
            match self.open {
                Some(rows) => self.read_on(rows)?,
                None => self.open_next()?,
            }
        }
        self.rows.take()
    }
}

impl MemberRecords {
    fn open_next(&mut self) -> Result<()> {
        let grammar = self.rows.grammar;
        let begins = |head: &[u8]| grammar.begins(head);
        if self.members.position() >= self.end && self.members.looks_like_a_record(&begins)? {
            self.is_done = true;
            return Ok(());
        }
        match self.members.open(&begins)? {
            Opened::End => self.is_done = true,
            Opened::Member => self.open = Some(0),
            Opened::Junk => {
                let offset = self.members.position();
                let (length, fault) = self.members.pass(&begins)?;
                let place = Place {
                    offset,
                    length: Some(length),
                    position: 0,
                };
                self.rows.push_fault(&Row::unknown(), &place, length, fault);
            }
        }
        Ok(())
    }

    fn read_on(&mut self, rows: u64) -> Result<()> {
        let grammar = self.rows.grammar;
        let mut member = InMember {
            members: &mut self.members,
            rows,
        };
        skip_newlines(&mut member)?;
        self.open = self.rows.read_one(&mut member)?.then_some(member.rows);
        if self.open.is_none() {
            self.members.close(&|head| grammar.begins(head))?;
        }
        Ok(())
    }
}

/// Where a row stands.
struct Place {
    offset: u64,
    /// `None` if the length is that of the record itself.
    length: Option<u64>,
    position: u64,
}

/// A row of records, as [`Rows::read_one`] sees it.
trait Source: Peek {
    /// The place of the row that begins at the current position. Called once a row.
    fn place(&mut self) -> Place;

    /// Stored length of what holds the row, if it is not the row itself and has become known.
    fn stored_length(&self) -> Option<u64> {
        None
    }

    /// Moves past `length` bytes to where a record or the end should be, without holding them. Says what is there.
    fn leap(&mut self, length: u64, grammar: &dyn Grammar) -> Result<Leap>;
}

/// What [`Source::leap`] came upon.
enum Leap {
    /// A place where records may go on.
    Landed,
    /// No record: the source did not move.
    Refused,
    /// The end came earlier.
    Short,
}

/// Records of an uncompressed object, or of a decompressed stream.
struct Flat {
    window: Window,
    /// The object, if it is uncompressed.
    object: Option<Arc<dyn Object>>,
}

impl Peek for Flat {
    fn peek(&mut self, n: usize) -> Result<&[u8]> {
        self.window.peek(n)
    }

    fn consume(&mut self, n: usize) {
        self.window.consume(n);
    }

    fn take_damage(&mut self) -> Option<Fault> {
        self.window.take_damage()
    }
}

impl Source for Flat {
    fn place(&mut self) -> Place {
        Place {
            offset: self.window.position(),
            length: None,
            position: 0,
        }
    }

    fn leap(&mut self, length: u64, grammar: &dyn Grammar) -> Result<Leap> {
        let Some(object) = &self.object else {
            let skipped = self.window.skip(length)?;
            return Ok(if skipped < length {
                Leap::Short
            } else {
                Leap::Landed
            });
        };
        let target = match self.window.position().checked_add(length) {
            Some(target) if target <= object.len() => target,
            _ => return Ok(Leap::Short),
        };
        let tail = object.read_at(target..object.len().min(target + PROBE as u64))?;
        if !may_follow(grammar, &tail) {
            return Ok(Leap::Refused);
        }
        self.window = Window::new(stored::open(object.as_ref(), target)?, target);
        Ok(Leap::Landed)
    }
}

/// Records of the open member.
struct InMember<'a> {
    members: &'a mut Members,
    rows: u64,
}

impl Peek for InMember<'_> {
    fn peek(&mut self, n: usize) -> Result<&[u8]> {
        self.members.peek(n)
    }

    fn consume(&mut self, n: usize) {
        self.members.consume(n);
    }

    fn take_damage(&mut self) -> Option<Fault> {
        self.members.take_damage()
    }
}

impl Source for InMember<'_> {
    fn place(&mut self) -> Place {
        self.rows += 1;
        Place {
            offset: self.members.offset(),
            length: Some(self.members.length().unwrap_or(0)),
            position: self.rows - 1,
        }
    }

    fn stored_length(&self) -> Option<u64> {
        self.members.length()
    }

    fn leap(&mut self, length: u64, _: &dyn Grammar) -> Result<Leap> {
        let skipped = self.members.skip(length)?;
        skip_newlines(self)?;
        Ok(if skipped < length {
            Leap::Short
        } else {
            Leap::Landed
        })
    }
}

/// Turns records into rows.
struct Rows {
    batcher: RecordBatcher,
    payload: Payload,
    limits: Limits,
    carry: Vec<(String, ColumnType)>,
    grammar: &'static dyn Grammar,
}

impl Rows {
    fn take(&mut self) -> Result<Option<RecordBatch>> {
        let rows = self.batcher.rows();
        self.batcher.take(carried_nulls(&self.carry, rows))
    }

    /// Reads the record, or passes over the damage, at the current position of `source`: one row. Gives whether
    /// there was any before the end.
    fn read_one(&mut self, source: &mut dyn Source) -> Result<bool> {
        let head = probe(source)?;
        if head.is_empty() {
            let damage = source.take_damage();
            if let Some(fault) = damage {
                let place = source.place();
                self.push_fault(&Row::unknown(), &place, 0, fault);
            }
            return Ok(false);
        }
        if !self.grammar.begins(head) {
            self.pass(source, &Row::unknown(), None)?;
            return Ok(true);
        }
        let header = match self.header(source)? {
            Ok(header) => header,
            Err(fault) => {
                self.pass(source, &Row::unknown(), Some(fault))?;
                return Ok(true);
            }
        };
        let head = self.grammar.head(&source.peek(0)?[..header]);
        let length = match &head.length {
            Ok(length) => *length,
            Err(fault) => {
                let (row, fault) = (Row::of(&head), fault.clone());
                self.pass(source, &row, Some(fault))?;
                return Ok(true);
            }
        };
        let total = length.saturating_add(header as u64);
        if total > self.limits.record_bytes as u64 {
            let row = Row::of(&head);
            self.pass_large(source, &row, total)?;
            return Ok(true);
        }
        self.read_record(source, header, total as usize)?;
        Ok(true)
    }

    /// Length of the header of the record that begins here, or why there is none.
    fn header(&self, source: &mut dyn Source) -> Result<Result<usize, Fault>> {
        let most = self.limits.header_bytes;
        let mut wanted = PROBE.min(most);
        loop {
            let bytes = source.peek(wanted)?;
            let seen = bytes.len();
            if let Some(end) = self.grammar.header_end(&bytes[..seen.min(most)]) {
                return Ok(Ok(end));
            }
            if seen >= most {
                return Ok(Err(Fault::limit(format!("header is longer than {most} bytes"))));
            }
            if seen < wanted {
                return Ok(Err(Fault::truncated(format!(
                    "header breaks off after {seen} bytes"
                ))));
            }
            wanted = (seen * 4).min(most);
        }
    }

    /// Reads a record of `total` bytes that is within the limits.
    fn read_record(&mut self, source: &mut dyn Source, header: usize, total: usize) -> Result<()> {
        let bytes = source.peek(total + PROBE)?;
        let (seen, is_end) = (bytes.len(), bytes.len() < total + PROBE);
        if seen < total {
            let row = Row::of(&self.grammar.head(&bytes[..header]));
            let fault = Fault::truncated(format!("record of {total} bytes breaks off after {seen}"));
            return self.pass(source, &row, Some(fault));
        }
        let tail = &bytes[total..];
        if !may_follow(self.grammar, tail) {
            let row = Row::of(&self.grammar.head(&bytes[..header]));
            let length = total - header;
            let fault = Fault::malformed(format!("content of {length} bytes is not followed by a record"));
            return self.pass(source, &row, Some(fault));
        }
        let newlines = newlines(tail);
        let damage = if is_end && newlines == tail.len() {
            source.take_damage()
        } else {
            None
        };
        let place = source.place();
        let size = total + newlines.min(4);
        let bytes = source.peek(0)?;
        let head = self.grammar.head(&bytes[..header]);
        if let Some(fault) = damage {
            self.push_fault(&Row::of(&head), &place, size as u64, fault);
        } else {
            let stand = Record {
                offset: place.offset,
                length: place.length.unwrap_or(size as u64),
                position: place.position,
                ..Record::default()
            };
            self.payload
                .push(&head, &bytes[header..total], stand, &mut self.batcher);
        }
        source.consume(size);
        Ok(())
    }

    /// Passes over a record that is larger than the limits.
    fn pass_large(&mut self, source: &mut dyn Source, row: &Row, total: u64) -> Result<()> {
        let mut place = source.place();
        let leap = source.leap(total, self.grammar)?;
        place.length = source.stored_length().or(place.length);
        match leap {
            Leap::Landed => {
                let most = self.limits.record_bytes;
                let fault = Fault::limit(format!("record of {total} bytes exceeds {most} bytes"));
                self.push_fault(row, &place, total, fault);
                Ok(())
            }
            Leap::Refused => {
                let fault = Fault::malformed(format!("record of {total} bytes is not followed by a record"));
                self.pass_at(source, &place, row, Some(fault))
            }
            Leap::Short => {
                let fault = Fault::truncated(format!("record of {total} bytes breaks off"));
                self.pass_at(source, &place, row, Some(fault))
            }
        }
    }

    /// Passes over junk (`fault` is `None`) or a record that cannot be read, up to the next place where a record
    /// begins.
    fn pass(&mut self, source: &mut dyn Source, row: &Row, fault: Option<Fault>) -> Result<()> {
        let place = source.place();
        self.pass_at(source, &place, row, fault)
    }

    fn pass_at(
        &mut self,
        source: &mut dyn Source,
        place: &Place,
        row: &Row,
        fault: Option<Fault>,
    ) -> Result<()> {
        let first = usize::from(!source.peek(1)?.is_empty());
        source.consume(first);
        let (passed, is_found) = find(source, self.grammar)?;
        let size = passed + first as u64;
        let mut fault = fault.unwrap_or_else(|| Fault::malformed(format!("{size} bytes that are no record")));
        if is_found && fault.kind == FaultKind::Truncated {
            fault.kind = FaultKind::Malformed;
        }
        if !is_found {
            fault = source.take_damage().unwrap_or(fault);
        }
        self.push_fault(row, place, size, fault);
        Ok(())
    }

    fn push_fault(&mut self, row: &Row, place: &Place, size: u64, fault: Fault) {
        self.batcher.push(&Record {
            offset: place.offset,
            length: place.length.unwrap_or(size),
            position: place.position,
            record_type: &row.record_type,
            url: row.url.as_deref(),
            timestamp: row.timestamp,
            fault: Some(fault),
            ..Record::default()
        });
    }
}

/// What is told of a record beside its fault.
struct Row {
    record_type: String,
    url: Option<String>,
    timestamp: Option<i64>,
}

impl Row {
    fn unknown() -> Self {
        Row {
            record_type: "unknown".into(),
            url: None,
            timestamp: None,
        }
    }

    fn of(head: &Head<'_>) -> Self {
        Row {
            record_type: head.record_type.to_string(),
            url: head.url.as_deref().map(str::to_owned),
            timestamp: head.timestamp,
        }
    }
}

/// The bytes by which the beginning of a record is recognised.
fn probe(source: &mut dyn Source) -> Result<&[u8]> {
    let bytes = source.peek(PROBE)?;
    Ok(&bytes[..bytes.len().min(PROBE)])
}

/// Whether records may go on with `tail`: an empty line, nothing, or a record.
fn may_follow(grammar: &dyn Grammar, tail: &[u8]) -> bool {
    let rest = &tail[newlines(tail)..];
    tail.starts_with(b"\r\n\r\n") || tail.starts_with(b"\n\n") || rest.is_empty() || grammar.begins(rest)
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count()
}

fn skip_newlines(source: &mut dyn Source) -> Result<()> {
    loop {
        let bytes = source.peek(1)?;
        let (seen, count) = (bytes.len(), newlines(bytes));
        source.consume(count);
        if count == 0 || count < seen {
            return Ok(());
        }
    }
}

/// Goes to the next place where a record begins, or to the end. Gives how far that was, and whether there is one.
fn find(source: &mut dyn Source, grammar: &dyn Grammar) -> Result<(u64, bool)> {
    let mut passed = 0;
    loop {
        let bytes = source.peek(FIND)?;
        let is_end = bytes.len() < FIND;
        // Every beginning is judged by the same number of bytes, wherever reads end.
        let last = if is_end { bytes.len() } else { bytes.len() - PROBE };
        let mut from = 0;
        let found = loop {
            match grammar.candidate(bytes, from).filter(|at| *at < last) {
                Some(at) if grammar.begins(&bytes[at..bytes.len().min(at + PROBE)]) => break Some(at),
                Some(at) => from = at + 1,
                None => break None,
            }
        };
        // The last byte stays in view for those that look back at it.
        let step = found.unwrap_or(if is_end { last } else { last - 1 });
        source.consume(step);
        passed += step as u64;
        if found.is_some() || is_end {
            return Ok((passed, found.is_some()));
        }
    }
}

/// Bytes that are searched at once.
const FIND: usize = 64 << 10;
