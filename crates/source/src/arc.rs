//! ARC: the archive format that the Internet Archive and Common Crawl (until 2012) used before WARC.
//!
//! A record is a line `url ip date type length` (version 1) or
//! `url ip date type status checksum location offset file length` (version 2), and its content. The version block
//! at the start (`filedesc://…`) has the record type `warcinfo` and no content, as when converted to WARC; all
//! others are `response`. Content that begins with an HTTP status line gives the decoded body (see
//! [`http`](crate::http)), any other is given as it is.
//!
//! The url may hold spaces: the line is read from its date backwards. The date has 12 to 18 digits, of which 14
//! count, and follows an IP address. A line whose length is no number is malformed.
//!
//! How records are cut, and what happens to damaged ones, is told in [`archive`].
//!
//! Source: <https://archive.org/web/researcher/ArcFileFormat.php>; tolerance as in warcio 1.8.

use std::{borrow::Cow, ops::Range, sync::Arc};

use gristmill_core::{Fault, Format, FormatCard, Object, ReadOptions, Records, Result};
use memchr::memchr;

use crate::{
    archive::{self, Grammar, Head},
    date, header,
};

/// Describes [`ArcFormat`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "arc",
    about: "records of web archives before WARC",
    extensions: &["arc"],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "at records; at gzip members or zstd frames where compressed; not in other compressions",
    source: "ARC 1.0 and 2.0 (Internet Archive 1996)",
    version: 2,
};

/// Reads ARC; see the module.
pub struct ArcFormat;

impl Format for ArcFormat {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        archive::read(object, range, options, &ArcGrammar)
    }
}

/// Longest line that is taken for a header where no record is known to begin.
const LINE: usize = 1 << 10;

struct ArcGrammar;

impl Grammar for ArcGrammar {
    fn begins(&self, head: &[u8]) -> bool {
        begins(head)
    }

    /// Behind a line end, which is never the first byte.
    fn candidate(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let from = from.saturating_sub(1);
        memchr(b'\n', bytes.get(from..)?).map(|at| from + at + 1)
    }

    fn look_back(&self) -> u64 {
        1
    }

    fn header_end(&self, bytes: &[u8]) -> Option<usize> {
        memchr(b'\n', bytes).map(|end| end + 1)
    }

    fn head<'a>(&self, block: &'a [u8]) -> Head<'a> {
        head(block)
    }
}

/// Whether a record begins here.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    let bytes = &bytes[..bytes.len().min(LINE)];
    memchr(b'\n', bytes).is_some_and(|end| Line::parse(&bytes[..end]).is_some())
}

/// The words of a header line.
struct Line<'a> {
    url: &'a [u8],
    date: &'a [u8],
    media_type: &'a [u8],
    length: &'a [u8],
}

impl<'a> Line<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut end = line.len();
        // Words from the right, as places where they begin and end.
        let mut words: Vec<(usize, usize)> = Vec::with_capacity(10);
        while words.len() < 16 {
            let start = memchr::memrchr(b' ', &line[..end]).map_or(0, |space| space + 1);
            words.push((start, end));
            if start == 0 {
                break;
            }
            end = start - 1;
        }
        let word = |at: usize| words.get(at).map(|(start, end)| &line[*start..*end]);
        let date = (2..words.len())
            .find(|at| word(*at).is_some_and(is_date) && word(at + 1).is_some_and(is_address))?;
        let url = &line[..words.get(date + 1)?.0];
        let is_url = url.contains(&b':') && !url.starts_with(b" ");
        is_url.then_some(Line {
            url: url.trim_ascii_end(),
            date: word(date)?,
            media_type: word(date - 1)?,
            length: word(0)?,
        })
    }
}

fn is_date(word: &[u8]) -> bool {
    (12..=18).contains(&word.len()) && word.iter().all(u8::is_ascii_digit)
}

fn is_address(word: &[u8]) -> bool {
    !word.is_empty()
        && word
            .iter()
            .all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'-'))
}

fn head(line: &[u8]) -> Head<'_> {
    let mut head = Head {
        record_type: Cow::Borrowed("unknown"),
        url: None,
        timestamp: None,
        content_type: None,
        payload_type: None,
        truncated: None,
        length: Err(Fault::malformed("line is no arc header")),
        fault: None,
    };
    let (line, _) = header::first_line(line);
    if let Some(line) = Line::parse(line) {
        let is_version = line.url.starts_with(b"filedesc:");
        head.record_type = Cow::Borrowed(if is_version { "warcinfo" } else { "response" });
        head.url = Some(header::text(line.url));
        head.timestamp = date::millis(&header::text(&line.date[..line.date.len().min(14)]));
        head.content_type = Some(header::text(line.media_type));
        let length = std::str::from_utf8(line.length).ok();
        head.length = length.and_then(|length| length.parse().ok()).ok_or_else(|| {
            let shown = &line.length[..line.length.len().min(32)];
            Fault::malformed(format!("length of the record is \"{}\"", shown.escape_ascii()))
        });
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, url: &str, length: Option<u64>) {
        assert!(begins(line.as_bytes()), "{line}");
        let head = head(line.as_bytes());
        assert_eq!(head.url.as_deref(), Some(url));
        assert_eq!(head.length.ok(), length);
        assert_eq!(head.timestamp, Some(1_392_526_940_000));
        assert_eq!(head.content_type.as_deref(), Some("text/html"));
    }

    #[test]
    fn a_line_of_version_1_has_five_words() {
        check(
            "http://a/ 1.2.3.4 20140216050220 text/html 1591\n",
            "http://a/",
            Some(1591),
        );
        check(
            "http://a/?b=c d e ::1 20140216050220 text/html 0\r\n",
            "http://a/?b=c d e",
            Some(0),
        );
    }

    #[test]
    fn a_line_of_version_2_has_ten_words() {
        check(
            "http://a/ 1.2.3.4 20140216050220 text/html 200 abc - 0 a.arc.gz 12\n",
            "http://a/",
            Some(12),
        );
    }

    #[test]
    fn a_length_that_is_no_number_is_malformed() {
        check(
            "http://a/ 1.2.3.4 20140216050220 text/html -1\n",
            "http://a/",
            None,
        );
        check(
            "http://a/ 1.2.3.4 20140216050220 text/html abc\n",
            "http://a/",
            None,
        );
    }

    #[test]
    fn other_lines_begin_no_record() {
        for line in [
            "\n",
            "1 0 InternetArchive\n",
            "URL IP-address Archive-date Content-type Archive-length\n",
        ] {
            assert!(!begins(line.as_bytes()), "{line}");
        }
    }
}
