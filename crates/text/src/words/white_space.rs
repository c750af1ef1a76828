//! White space and line ends as Python's `str` sees them.
//!
//! The reference filters are written in Python: `isspace`, `strip`, `split` and `splitlines` know the four
//! separators U+001C to U+001F, which Unicode's `White_Space` does not.

/// Whether `c` is white space.
#[inline]
pub(crate) fn is_space(c: char) -> bool {
    match c {
        '\t'..='\r' | '\u{1c}'..=' ' => true,
        _ => !c.is_ascii() && c.is_whitespace(),
    }
}

/// The text without white space at both ends.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The lines of a text: ended by `\n`, `\r\n`, `\r`, `\v`, `\f`, U+001C to U+001E, U+0085, U+2028 or U+2029. A
/// line end at the end of the text opens no further line; an empty text has none.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (end, length) = line_end(rest).unwrap_or((rest.len(), 0));
        let line = &rest[..end];
        rest = &rest[end + length..];
        Some(line)
    })
}

/// Where the first line end stands and how many bytes it takes.
fn line_end(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().find_map(|(at, byte)| {
        let length = match byte {
            b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
            b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e => 1,
            0xc2 if bytes[at + 1] == 0x85 => 2,
            0xe2 if bytes[at + 1] == 0x80 && matches!(bytes[at + 2], 0xa8 | 0xa9) => 3,
            _ => return None,
        };
        Some((at, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end_ends_a_line_once() {
        let text = "a\nb\r\nc\rd\u{b}e\u{c}f\u{1c}g\u{1d}h\u{1e}i\u{85}j\u{2028}k\u{2029}l\u{1f}m";
        let found: Vec<_> = lines(text).collect();
        assert_eq!(
            found,
            ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l\u{1f}m"]
        );
    }

    #[test]
    fn a_last_line_end_opens_no_line() {
        assert_eq!(lines("a\n\n").collect::<Vec<_>>(), ["a", ""]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn separators_are_stripped() {
        assert_eq!(strip("\u{1f}\u{a0} a b\u{2029}"), "a b");
    }
}
