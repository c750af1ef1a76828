//! WARC: web archives, and the WET and WAT files derived from them.
//!
//! One row per record, of every type. `response` records of HTTP give the decoded body of the message (see
//! [`http`](crate::http)); `resource` and `conversion` records give their content as it is. Records of the types
//! `warcinfo`, `request`, `metadata` and `revisit` give their header fields and no content: they describe other
//! records. A `continuation` record is a piece of a record that was cut up, which is `unsupported`.
//!
//! `url` is WARC-Target-URI, without the angle brackets that some writers put around it; `timestamp` is WARC-Date;
//! `truncated` is WARC-Truncated. Versions 0.17 to 1.1 read alike. Header names match in any case, lines may end
//! in LF alone, folded lines are joined. A record needs a Content-Length; without WARC-Type its type is `unknown`.
//!
//! How records are cut, and what happens to damaged ones, is told in [`archive`].
//!
//! Sources: WARC 1.1, <https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/>; tolerance as
//! in warcio 1.8.

use std::{borrow::Cow, ops::Range, sync::Arc};

use gristmill_core::{Fault, Format, FormatCard, Object, ReadOptions, Records, Result};
use memchr::memmem;

use crate::{
    archive::{self, Grammar, Head},
    date, header,
};

/// Describes [`Warc`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "warc",
    about: "records of web archives: WARC, WET, WAT",
    extensions: &["warc", "wet", "wat"],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "at records; at gzip members or zstd frames where compressed; not in other compressions",
    source: "WARC 1.1 (ISO 28500:2017)",
    version: 2,
};

/// Reads WARC; see the module.
pub struct Warc;

impl Format for Warc {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        archive::read(object, range, options, &WarcGrammar)
    }
}

/// What every record begins with, before its version.
const MAGIC: &[u8] = b"WARC/";

struct WarcGrammar;

impl Grammar for WarcGrammar {
    fn begins(&self, head: &[u8]) -> bool {
        begins(head)
    }

    fn candidate(&self, bytes: &[u8], from: usize) -> Option<usize> {
        memmem::find(bytes.get(from..)?, MAGIC).map(|at| from + at)
    }

    fn header_end(&self, bytes: &[u8]) -> Option<usize> {
        header::end(bytes)
    }

    fn head<'a>(&self, block: &'a [u8]) -> Head<'a> {
        head(block)
    }
}

/// Whether a record begins here: the version line, and a header field of WARC after it.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return false;
    };
    let version = rest
        .iter()
        .take_while(|b| b.is_ascii_digit() || **b == b'.')
        .count();
    let rest = &rest[version..];
    let Some(rest) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) else {
        return false;
    };
    let is_field = |name: &[u8]| {
        rest.get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name))
    };
    (1..=8).contains(&version) && (is_field(b"WARC-") || is_field(b"Content-"))
}

fn head(block: &[u8]) -> Head<'_> {
    let (_, fields) = header::first_line(block);
    let mut head = Head {
        record_type: Cow::Borrowed("unknown"),
        url: None,
        timestamp: None,
        content_type: None,
        payload_type: None,
        truncated: None,
        length: Err(Fault::malformed("record has no content-length")),
        fault: None,
    };
    for (name, value) in header::fields(fields) {
        let is = |expected: &str| name.eq_ignore_ascii_case(expected.as_bytes());
        if is("WARC-Type") {
            head.record_type = header::text(value);
        } else if is("WARC-Target-URI") {
            let bare = value
                .strip_prefix(b"<")
                .and_then(|value| value.strip_suffix(b">"));
            head.url = Some(header::text(bare.unwrap_or(value)));
        } else if is("WARC-Date") {
            head.timestamp = date::millis(&header::text(value));
        } else if is("Content-Type") {
            head.content_type = Some(header::text(value));
        } else if is("WARC-Identified-Payload-Type") {
            head.payload_type = Some(header::text(value));
        } else if is("WARC-Truncated") {
            head.truncated = Some(header::text(value));
        } else if is("Content-Length") {
            head.length = length(value);
        }
    }
    if head.record_type.bytes().any(|b| b.is_ascii_uppercase()) {
        head.record_type = head.record_type.to_ascii_lowercase().into();
    }
    if head.record_type == "continuation" {
        head.fault = Some(Fault::unsupported("continuation of a record that was cut up"));
    }
    head
}

fn length(value: &[u8]) -> Result<u64, Fault> {
    let digits = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| {
        let shown = &value[..value.len().min(32)];
        Fault::malformed(format!("content-length is \"{}\"", shown.escape_ascii()))
    })
}
