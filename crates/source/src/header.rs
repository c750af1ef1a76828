//! Header blocks: lines of `Name: value`, as in WARC records and HTTP messages.
//!
//! Read with tolerance: lines end in CRLF or LF, names match in any case, a line that begins with a space or tab
//! continues the value before it, lines without a colon are passed over. Nothing is allocated but folded values
//! and values that are not UTF-8.

use std::borrow::Cow;

use memchr::memchr;

/// Where the header block at the start of `bytes` ends: behind the empty line. `None` if there is none.
pub(crate) fn end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr(b'\n', &bytes[at..])? + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
}

/// Its first line, and what follows it.
pub(crate) fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b'\n', bytes) {
        Some(end) => (trim_end(&bytes[..end]), &bytes[end + 1..]),
        None => (trim_end(bytes), &[]),
    }
}

/// The fields of a header block without its first line, in order.
pub(crate) fn fields(block: &[u8]) -> Fields<'_> {
    Fields { rest: block }
}

/// See [`fields`].
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    /// Name and raw value; a folded value still holds its line breaks, see [`text`].
    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let mut end = line_end(self.rest, 0);
            while matches!(self.rest.get(end), Some(b' ' | b'\t')) && !is_blank(self.rest, end) {
                end = line_end(self.rest, end);
            }
            let (line, rest) = self.rest.split_at(end);
            self.rest = rest;
            if let Some(colon) = memchr(b':', line) {
                return Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()));
            }
        }
        None
    }
}

/// A value as text: folded lines joined by one space, bytes that are not UTF-8 replaced.
pub(crate) fn text(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    if !text.contains('\n') {
        return text;
    }
    Cow::Owned(text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at + 1)
}

fn is_blank(bytes: &[u8], from: usize) -> bool {
    bytes[from..line_end(bytes, from)].trim_ascii().is_empty()
}

fn trim_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &str, expected: &[(&str, &str)]) {
        let found: Vec<_> = fields(block.as_bytes())
            .map(|(name, value)| (text(name).into_owned(), text(value).into_owned()))
            .collect();
        let found: Vec<_> = found.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_end_in_crlf_or_lf() {
        check("A: 1\r\nb:2\nC : 3", &[("A", "1"), ("b", "2"), ("C", "3")]);
    }

    #[test]
    fn a_folded_line_continues_the_value() {
        check("A: 1\r\n  2\r\n\t3\r\nB: 4\r\n", &[("A", "1 2 3"), ("B", "4")]);
    }

    #[test]
    fn junk_lines_are_passed_over() {
        check("no colon\r\nA: 1\r\n", &[("A", "1")]);
    }

    #[test]
    fn a_block_ends_behind_the_empty_line() {
        assert_eq!(end(b"A: 1\r\n\r\nbody"), Some(8));
        assert_eq!(end(b"A: 1\n\nbody"), Some(6));
        assert_eq!(end(b"A: 1\r\nB"), None);
    }
}
