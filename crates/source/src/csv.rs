//! CSV and TSV: one row, one record, below a row of names.
//!
//! [`FieldMap`](gristmill_core::FieldMap) names columns, as it does fields in [JSONL](crate::jsonl). A column that the
//! file does not have is an error: it is the recipe that does not fit. `content` may be Base64 or a path; see the
//! encodings of the field map. `id` and `url` are texts; carried fields are converted to their declared type, and what
//! cannot be converted is null. An empty field without quotes is null, but empty content.
//!
//! Fields stand between commas, or tabs in a `.tsv` or `.tab` file; in any other file, between those of `,`, `;`, tab and
//! `|` that are most in the first row. A field that begins with `"` ends with one; `""` within is one quote; separators and
//! line ends within are text. Rows end in LF or CRLF, the last one perhaps in nothing. Empty rows are passed over, as is
//! a byte order mark.
//!
//! A row with another number of fields than there are names, or that is not UTF-8, is `malformed`. A row longer than
//! `record_bytes` is a `limit` fault and is not held in memory, and one whose quote is not closed before the end is
//! `malformed`: of both, the row is taken to be its first line, and reading goes on behind it. After 16 of them, what is
//! left of the file belongs to the last one, so that a file of stray quotes is not read over and over.
//!
//! `offset` and `length` count bytes of the decompressed stream, without the line end. A file cannot be cut into slices:
//! whether a line end is text is known from the start only.
//!
//! [Detection](crate::detect) takes a file with such a name for CSV only if it has a column for the content.
//!
//! Source: RFC 4180, read with tolerance.

use std::{borrow::Cow, ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{
    Error, Fault, FieldMap, Format, FormatCard, Object, ReadOptions, Record, RecordBatcher, Records, Result,
};
use memchr::{memchr, memchr2};

use crate::{
    carry::Carried,
    json::Field,
    stored,
    value::{Value, Values},
    window::{Peek, Window},
};

/// Describes [`Csv`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "csv",
    about: "rows of CSV and TSV files with a row of names",
    extensions: &["csv", "tsv", "tab"],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "not at all",
    source: "RFC 4180",
    version: 1,
};

/// Reads CSV; see the module.
pub struct Csv;

impl Format for Csv {
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
            separator: b',',
            columns: Columns::default(),
            damaged: 0,
            is_done: !is_first,
            batcher: RecordBatcher::new(object.uri(), options),
            carried: Carried::new(&options.fields.carry),
            values: Values::new(object.clone(), options),
            most: options.limits.record_bytes,
        };
        if is_first {
            rows.begin(object.uri(), &options.fields)?;
        }
        Ok(Box::new(rows))
    }
}

/// Whether the file called `name` that begins with `head` has a column for the content.
pub(crate) fn has_content(name: &str, head: &[u8], fields: &FieldMap) -> bool {
    let head = head.strip_prefix(MARK).unwrap_or(head);
    let end = Scanner::new(separator(name, head))
        .end(head)
        .unwrap_or(head.len());
    let names = split(&head[..end], separator(name, head));
    names
        .iter()
        .any(|name| name.text.as_ref() == fields.content.as_bytes())
}

/// UTF-8 byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";
/// Rows that are taken to be their first line, before the rest of a file is given up.
const DAMAGED: usize = 16;

/// The separator of the file called `name` that begins with `head`.
fn separator(name: &str, head: &[u8]) -> u8 {
    let name = name.to_ascii_lowercase();
    if name
        .split('.')
        .rev()
        .take(2)
        .any(|ending| matches!(ending, "tsv" | "tab"))
    {
        return b'\t';
    }
    let mut counts = [0usize; 4];
    let mut is_quoted = false;
    for byte in head {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            _ if is_quoted => {}
            _ => {
                if let Some(at) = SEPARATORS.iter().position(|separator| separator == byte) {
                    counts[at] += 1;
                }
            }
        }
    }
    let best = (0..SEPARATORS.len())
        .rev()
        .max_by_key(|at| counts[*at])
        .unwrap_or(0);
    SEPARATORS[best]
}

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Where the fields that are wanted stand in a row.
#[derive(Debug, Default)]
struct Columns {
    count: usize,
    content: usize,
    id: Option<usize>,
    url: Option<usize>,
    carried: Vec<usize>,
}

impl Columns {
    fn new(names: &[Part<'_>], fields: &FieldMap) -> Result<Self> {
        let find = |wanted: &str| {
            let found = names
                .iter()
                .position(|name| name.text.as_ref() == wanted.as_bytes());
            found.ok_or_else(|| {
                let names = names
                    .iter()
                    .take(50)
                    .map(|name| String::from_utf8_lossy(&name.text));
                let names = names.collect::<Vec<_>>().join(", ");
                Error::new(format!("no column \"{wanted}\"; there are: {names}"))
            })
        };
        let optional = |name: &Option<String>| name.as_deref().map(find).transpose();
        Ok(Columns {
            count: names.len(),
            content: find(&fields.content)?,
            id: optional(&fields.id)?,
            url: optional(&fields.url)?,
            carried: fields
                .carry
                .iter()
                .map(|(name, _)| find(name))
                .collect::<Result<_>>()?,
        })
    }
}

/// Rows of a file.
struct Rows {
    window: Window,
    separator: u8,
    columns: Columns,
    /// Rows that were taken to be their first line.
    damaged: usize,
    is_done: bool,
    batcher: RecordBatcher,
    carried: Carried,
    values: Values,
    most: usize,
}

impl Records for Rows {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.is_done && !self.batcher.is_full() {
            self.read_one()?;
        }
        self.batcher.take(self.carried.finish())
    }
}

/// Where a row ends.
enum End {
    /// Behind so many bytes.
    At(usize),
    /// At the end of the file, whose last quote is open.
    Open,
    /// Not within the limit.
    Beyond,
}

impl Rows {
    /// Reads the names.
    fn begin(&mut self, name: &str, fields: &FieldMap) -> Result<()> {
        if self.window.peek(MARK.len())?.starts_with(MARK) {
            self.window.consume(MARK.len());
        }
        self.separator = separator(name, self.window.peek(self.most.min(1 << 20))?);
        let end = loop {
            match self.end()? {
                End::At(0) if !self.window.peek(1)?.is_empty() => self.leave(0)?,
                End::At(end) => break Some(end),
                End::Open | End::Beyond => break None,
            }
        };
        let offset = self.window.position();
        let Some(end) = end else {
            self.pass_line(
                offset,
                Fault::malformed("quote in the row of names is not closed"),
            )?;
            self.is_done = true;
            return Ok(());
        };
        if end == 0 {
            self.is_done = true;
            if let Some(fault) = self.window.take_damage() {
                self.push_fault(offset, 0, fault);
            }
            return Ok(());
        }
        self.columns = Columns::new(&split(&self.window.peek(end)?[..end], self.separator), fields)?;
        self.leave(end)
    }

    /// Where the row here ends.
    fn end(&mut self) -> Result<End> {
        let mut scanner = Scanner::new(self.separator);
        let mut scanned = 0;
        loop {
            let bytes = self.window.peek(scanned + 1)?;
            let seen = bytes.len();
            if let Some(end) = scanner.end(&bytes[scanned..]) {
                return Ok(if scanned + end > self.most {
                    End::Beyond
                } else {
                    End::At(scanned + end)
                });
            }
            if seen > self.most {
                return Ok(End::Beyond);
            }
            if seen == scanned {
                return Ok(if scanner.state == State::Quoted {
                    End::Open
                } else {
                    End::At(seen)
                });
            }
            scanned = seen;
        }
    }

    /// Passes over a row of `size` bytes and its line end.
    fn leave(&mut self, size: usize) -> Result<()> {
        let has_end = self.window.peek(size + 1)?.len() > size;
        self.window.consume(size + usize::from(has_end));
        Ok(())
    }

    fn read_one(&mut self) -> Result<()> {
        let offset = self.window.position();
        let size = match self.end()? {
            End::At(size) => size,
            End::Open => return self.pass_line(offset, Fault::malformed("quote is not closed")),
            End::Beyond => {
                let fault = Fault::limit(format!("row exceeds {} bytes", self.most));
                return self.pass_line(offset, fault);
            }
        };
        let is_last = self.window.peek(size + 1)?.len() == size;
        self.is_done = is_last;
        if let Some(fault) = self.window.take_damage().filter(|_| is_last) {
            self.push_fault(offset, size as u64, fault);
            return Ok(());
        }
        self.push(offset, size)?;
        self.leave(size)
    }

    fn push(&mut self, offset: u64, size: usize) -> Result<()> {
        let row = &self.window.peek(size)?[..size];
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let length = row.len() as u64;
        if row.is_empty() {
            return Ok(());
        }
        if let Err(error) = std::str::from_utf8(row) {
            let fault = Fault::malformed(format!("not utf-8 at byte {}", error.valid_up_to()));
            self.push_fault(offset, length, fault);
            return Ok(());
        }
        let parts = split(row, self.separator);
        let columns = &self.columns;
        if parts.len() != columns.count {
            let fault = Fault::malformed(format!(
                "row has {} fields and not {}",
                parts.len(),
                columns.count
            ));
            self.push_fault(offset, length, fault);
            return Ok(());
        }
        let text = |at: usize| {
            std::str::from_utf8(&parts[at].text).expect("a row that is UTF-8 is so between separators")
        };
        let field = |at: usize| match (text(at), parts[at].is_quoted) {
            ("", false) => Field::Missing,
            (text, _) => Field::Text(Cow::Borrowed(text)),
        };
        let carried: Vec<Field<'_>> = columns.carried.iter().map(|at| field(*at)).collect();
        let content = self.values.content(Value {
            text: Some(text(columns.content)),
            ..Value::default()
        })?;
        let (content, fault) = match content {
            Ok(content) => (content, None),
            Err(fault) => (None, Some(fault)),
        };
        self.batcher.push(&Record {
            offset,
            length,
            id: columns.id.map(text).filter(|id| !id.is_empty()),
            record_type: "document",
            url: columns.url.map(text).filter(|url| !url.is_empty()),
            media_type: content.as_ref().and_then(|content| content.media_type.as_deref()),
            member: content.as_ref().and_then(|content| content.member),
            content: content.as_ref().map(|content| content.bytes),
            carried_bytes: carried.iter().map(Field::bytes).sum(),
            fault,
            ..Record::default()
        });
        self.carried.push(&carried);
        Ok(())
    }

    /// Tells a row that cannot be read, and passes over its first line, or the rest of the file if there were many.
    fn pass_line(&mut self, offset: u64, fault: Fault) -> Result<()> {
        self.damaged += 1;
        let is_given_up = self.damaged >= DAMAGED;
        loop {
            let bytes = self.window.peek(1)?;
            let (end, seen) = (memchr(b'\n', bytes).filter(|_| !is_given_up), bytes.len());
            self.window.consume(end.map_or(seen, |end| end + 1));
            self.is_done = seen == 0;
            if end.is_some() || seen == 0 {
                break;
            }
        }
        let length = self.window.position() - offset;
        let fault = self
            .window
            .take_damage()
            .filter(|_| self.is_done)
            .unwrap_or(fault);
        self.push_fault(offset, length, fault);
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

/// Finds the end of a row, piece by piece.
struct Scanner {
    separator: u8,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a field.
    Start,
    /// In a field without quotes, or behind its quotes.
    Plain,
    Quoted,
    /// Behind a quote in a field with quotes: the end of it, or the first of two.
    Quote,
}

impl Scanner {
    fn new(separator: u8) -> Self {
        Scanner {
            separator,
            state: State::Start,
        }
    }

    /// Where in the next piece the line end of the row stands.
    fn end(&mut self, piece: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < piece.len() {
            match self.state {
                State::Quoted => {
                    at += memchr(b'"', &piece[at..])?;
                    self.state = State::Quote;
                }
                State::Start | State::Quote if piece[at] == b'"' => self.state = State::Quoted,
                _ => {
                    let Some(step) = memchr2(self.separator, b'\n', &piece[at..]) else {
                        self.state = State::Plain;
                        return None;
                    };
                    at += step;
                    if piece[at] == b'\n' {
                        return Some(at);
                    }
                    self.state = State::Start;
                }
            }
            at += 1;
        }
        None
    }
}

/// A field of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part<'a> {
    text: Cow<'a, [u8]>,
    is_quoted: bool,
}

/// The fields of a row. What stands behind the closing quote of a field belongs to it.
fn split(row: &[u8], separator: u8) -> Vec<Part<'_>> {
    let mut row = row.strip_suffix(b"\r").unwrap_or(row);
    let mut parts = Vec::new();
    loop {
        let is_quoted = row.first() == Some(&b'"');
        let (text, rest) = if is_quoted {
            quoted(&row[1..], separator)
        } else {
            let end = memchr(separator, row).unwrap_or(row.len());
            (Cow::Borrowed(&row[..end]), &row[end..])
        };
        parts.push(Part { text, is_quoted });
        match rest {
            [_, rest @ ..] => row = rest,
            [] => return parts,
        }
    }
}

/// The text of a field behind its first quote, and what follows it, from the separator on.
fn quoted(row: &[u8], separator: u8) -> (Cow<'_, [u8]>, &[u8]) {
    let mut text: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    let mut rest = row;
    loop {
        let Some(quote) = memchr(b'"', rest) else {
            add(&mut text, rest);
            return (text, &[]);
        };
        add(&mut text, &rest[..quote]);
        rest = &rest[quote + 1..];
        if rest.first() == Some(&b'"') {
            text.to_mut().push(b'"');
            rest = &rest[1..];
        } else {
            let end = memchr(separator, rest).unwrap_or(rest.len());
            add(&mut text, &rest[..end]);
            return (text, &rest[end..]);
        }
    }
}

fn add<'a>(text: &mut Cow<'a, [u8]>, more: &'a [u8]) {
    if text.is_empty() {
        *text = Cow::Borrowed(more);
    } else if !more.is_empty() {
        text.to_mut().extend_from_slice(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_at_separators_out_of_quotes() {
        let texts = |row: &str| -> Vec<String> {
            let parts = split(row.as_bytes(), b',');
            parts
                .iter()
                .map(|part| String::from_utf8(part.text.to_vec()).unwrap())
                .collect()
        };
        for (row, expected) in [
            ("a,b,c", &["a", "b", "c"][..]),
            ("", &[""]),
            (",", &["", ""]),
            ("\"a,b\",\"c\"\"d\"\r", &["a,b", "c\"d"]),
            ("\"\",\"\"\"\"", &["", "\""]),
            ("\"a\"b,c", &["ab", "c"]),
            ("a\"b,c", &["a\"b", "c"]),
            ("\"open,", &["open,"]),
        ] {
            assert_eq!(texts(row), expected, "{row}");
        }
    }

    #[test]
    fn separators_are_found_in_the_first_row() {
        for (name, head, expected) in [
            ("a.csv", "a,b;c,d\n;;;;", b','),
            ("a.csv", "\"x,y,z\";b\n", b';'),
            ("a.tsv.gz", "a,b\n", b'\t'),
            ("a.csv", "a\tb", b'\t'),
            ("a.csv", "a", b','),
        ] {
            assert_eq!(separator(name, head.as_bytes()), expected, "{head}");
        }
    }
}
