//! HTTP responses as archives keep them.
//!
//! Read with tolerance, because servers are: lines end in CRLF or LF, the reason phrase or the version number may be
//! missing, lines without a colon are passed over, a message without an empty line has no body. What must be
//! there is a first line `HTTP… status` with a status of three digits.
//!
//! Headers that a crawler renamed because it undid the coding itself (`X-Crawl-Content-Encoding` of Common Crawl)
//! are not looked at.
//!
//! Source: RFC 9112.

use std::borrow::Cow;

use gristmill_core::Fault;

use crate::header;

/// A response.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: Option<Cow<'a, str>>,
    /// Whether Transfer-Encoding ends in `chunked`.
    pub(crate) is_chunked: bool,
    /// The tokens of Content-Encoding, in the order they were applied.
    pub(crate) encodings: Vec<&'a [u8]>,
    /// The body as it stands.
    pub(crate) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a response; a header longer than `most` bytes is a fault.
    pub(crate) fn parse(bytes: &'a [u8], most: usize) -> Result<Self, Fault> {
        let end = match header::end(&bytes[..bytes.len().min(most)]) {
            Some(end) => end,
            None if bytes.len() > most => {
                return Err(Fault::limit(format!("http header is longer than {most} bytes")));
            }
            None => bytes.len(),
        };
        let (first, fields) = header::first_line(&bytes[..end]);
        let mut message = Message {
            status: status(first)?,
            content_type: None,
            is_chunked: false,
            encodings: Vec::new(),
            body: &bytes[end..],
        };
        for (name, value) in header::fields(fields) {
            if name.eq_ignore_ascii_case(b"content-type") {
                message.content_type.get_or_insert_with(|| header::text(value));
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                let last = value
                    .rsplit(|b| *b == b',')
                    .next()
                    .unwrap_or_default()
                    .trim_ascii();
                message.is_chunked = last.eq_ignore_ascii_case(b"chunked");
            } else if name.eq_ignore_ascii_case(b"content-encoding") {
                let tokens = value.split(|b| *b == b',').map(<[u8]>::trim_ascii);
                message.encodings.extend(tokens.filter(|token| !token.is_empty()));
            }
        }
        Ok(message)
    }
}

fn status(line: &[u8]) -> Result<u16, Fault> {
    let mut words = line.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let is_http = words.next().is_some_and(|word| word.starts_with(b"HTTP"));
    let status = words
        .next()
        .and_then(|word| std::str::from_utf8(word.get(..3)?).ok()?.parse().ok());
    status.filter(|_| is_http).ok_or_else(|| {
        let shown = &line[..line.len().min(32)];
        Fault::malformed(format!("http status line is \"{}\"", shown.escape_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &str, status: u16, content_type: Option<&str>, body: &str) {
        let message = Message::parse(bytes.as_bytes(), 1000).unwrap();
        assert_eq!(message.status, status);
        assert_eq!(message.content_type.as_deref(), content_type);
        assert_eq!(message.body, body.as_bytes());
    }

    #[test]
    fn lines_end_in_crlf_or_lf() {
        check(
            "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\nx\r\n\r\ny",
            200,
            Some("a/b"),
            "x\r\n\r\ny",
        );
        check(
            "HTTP/1.0 404 Not Found\ncontent-type:a/b\n\nx",
            404,
            Some("a/b"),
            "x",
        );
    }

    #[test]
    fn junk_around_the_header_is_tolerated() {
        check("HTTP/1.1 200\r\njunk\r\n\r\nx", 200, None, "x");
        check("HTTP 200 OK\r\n\r\nx", 200, None, "x");
        check("HTTP/1.1  301 Moved\r\nA: b", 301, None, "");
        check("HTTP/1.1 200 OK\r\n\r\n", 200, None, "");
    }

    #[test]
    fn what_has_no_status_is_a_fault() {
        for bytes in ["", "<html>", "HTTP/1.1 OK\r\n\r\n", "ICY 200 OK\r\n\r\n"] {
            assert!(Message::parse(bytes.as_bytes(), 1000).is_err(), "{bytes}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(1000));
        let fault = Message::parse(long.as_bytes(), 1000).unwrap_err();
        assert_eq!(fault.to_string(), "limit: http header is longer than 1000 bytes");
    }

    #[test]
    fn encodings_are_listed_in_the_order_they_were_applied() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\nContent-Encoding: zstd\r\nTransfer-Encoding: gzip, Chunked\r\nX-Crawl-Content-Encoding: gzip\r\n\r\n";
        let message = Message::parse(bytes, 1000).unwrap();
        assert_eq!(message.encodings, [&b"gzip"[..], b"br", b"zstd"]);
        assert!(message.is_chunked);
    }
}
