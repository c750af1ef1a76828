//! Which format an object has.
//!
//! The bytes decide, after decompression: `PAR1` is Parquet, `ARROW1` or a schema message is Arrow, `WARC/` and an ARC header line are archives, a line (or
//! array) of JSON objects is JSONL, a header block with a valid checksum is tar: [WebDataset](crate::webdataset) if its
//! files form samples. `PK` is a zip archive, unless it is a book or document (EPUB, OOXML, ODF) by its name, its first
//! file or its directory: those are plain files. The name is asked second, for objects whose bytes fit several formats: an
//! empty or damaged `.jsonl` stays JSONL, and a `.csv` with a column for the content is CSV. Everything else is a plain file.

use std::{ops::Range, sync::Arc};

use gristmill_core::{Format, FormatCard, Object, ReadOptions, Records, Result};

use crate::{
    arc::{self, ArcFormat},
    arrow::{self, ArrowIpc},
    csv::{self, Csv},
    jsonl::{self, Jsonl},
    magic,
    parquet::Parquet,
    plain::Plain,
    stored::{self, Compression},
    tar::{self, Tar},
    warc::{self, Warc},
    webdataset::{self, WebDataset},
    window::{Peek, Window},
    zip::{self, Zip},
};

/// Everything that can be read.
pub static FORMATS: &[&dyn Format] = &[
    &Warc,
    &ArcFormat,
    &Jsonl,
    &Csv,
    &Parquet,
    &ArrowIpc,
    &Tar,
    &WebDataset,
    &Zip,
    &Plain,
];

/// Finds the format of each object; see the module. Not on the list: it reads nothing itself.
pub static AUTO: &dyn Format = &Auto;

/// Bytes that are enough to tell a format.
pub const HEAD: usize = 4096;

/// The format of the object called `name` whose decompressed bytes begin with `head` ([`HEAD`] bytes).
pub fn detect(name: &str, head: &[u8]) -> &'static dyn Format {
    let start = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    let by_name = by_name(name);
    if head.starts_with(b"PAR1") {
        &Parquet
    } else if arrow::begins(head) {
        &ArrowIpc
    } else if warc::begins(start) {
        &Warc
    } else if arc::begins(start) {
        &ArcFormat
    } else if tar::begins(head) {
        &Tar
    } else if zip::begins(head) {
        let is_known = by_name.is_some_and(|format| format.card().name == "plain");
        if is_known || zip::begins_document(head) {
            &Plain
        } else {
            &Zip
        }
    } else if let Some(format) = by_name {
        let is_other = matches!(format.card().name, "jsonl" | "csv" | "warc" | "arc")
            && magic::signature(head).is_some();
        if is_other { &Plain } else { format }
    } else if is_json_objects(start) {
        &Jsonl
    } else {
        &Plain
    }
}

/// Reads an object in the format that it has.
pub fn read_auto(
    object: Arc<dyn Object>,
    range: Range<u64>,
    options: &ReadOptions,
) -> Result<Box<dyn Records>> {
    let compression = stored::compression_of(object.as_ref())?;
    let mut window = Window::new(stored::decompress(&object, compression)?, 0);
    let head = window.peek(HEAD)?;
    let mut format = detect(object.uri(), &head[..head.len().min(HEAD)]);
    if format.card().name == csv::CARD.name && !csv::has_content(object.uri(), head, &options.fields) {
        format = &Plain;
    }
    if format.card().name == tar::CARD.name
        && stored::is_first(object.as_ref(), &range)
        && webdataset::begins(&object, compression, &options.limits)?
    {
        format = &WebDataset;
    }
    if format.card().name == zip::CARD.name && zip::is_document(object.as_ref())? {
        format = &Plain;
    }
    format.read(object, range, options)
}

static AUTO_CARD: FormatCard = FormatCard {
    name: "auto",
    about: "whatever format the bytes, and second the name, of each object show",
    extensions: &[],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "as the format found",
    source: "signatures of the formats",
    version: 1,
};

struct Auto;

impl Format for Auto {
    fn card(&self) -> &'static FormatCard {
        &AUTO_CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        read_auto(object, range, options)
    }
}

/// The format that the file-name endings suggest: `.jsonl.gz`, `.warc.wet.gz`.
fn by_name(name: &str) -> Option<&'static dyn Format> {
    let name = name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let (_, endings) = name.split_once('.')?;
    for ending in endings.rsplit('.').take(2) {
        let known = FORMATS
            .iter()
            .find(|format| format.card().extensions.contains(&ending));
        if let Some(format) = known {
            return Some(*format);
        }
        if !Compression::ENDINGS.iter().any(|(known, _)| *known == ending) {
            return None;
        }
    }
    None
}

/// Whether `start` begins a JSON object, or an array of them, with a key in it.
fn is_json_objects(start: &[u8]) -> bool {
    let object = if jsonl::begins_array(start) {
        start[1..].trim_ascii_start()
    } else {
        start
    };
    let key = object.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    key.is_some_and(|key| key.starts_with(b"\"")) && magic::is_text(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, head: &[u8], expected: &str) {
        assert_eq!(detect(name, head).card().name, expected, "{name}");
    }

    #[test]
    fn bytes_decide_before_the_name() {
        check("a.txt", b"WARC/1.0\r\nWARC-Type: response\r\n", "warc");
        check("a.jsonl", b"PAR1", "parquet");
        check("a", b"filedesc://x 0.0.0.0 20140216050220 text/plain 75\n", "arc");
        check("a", b"{\"text\": \"x\"}\n", "jsonl");
        check("a", b"\n[ {\"text\": \"x\"}]", "jsonl");
        check("a.jsonl", b"%PDF-1.4", "plain");
    }

    #[test]
    fn the_name_decides_where_bytes_do_not() {
        check("a/b.jsonl.gz", b"", "jsonl");
        check("a.warc.wet.gz", b"", "warc");
        check("a.html", b"{\"not\": \"json\"}", "plain");
        check("a.bin", b"", "plain");
        check("warc", b"", "plain");
    }
}
