//! Attributes of a start tag, read from the source as they are asked for.

use std::borrow::Cow;

use memchr::memchr;

use super::entities::{Place, decode_into};

/// The attributes in the source of one start tag, in order: name as written, value as written.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Attributes<'a> {
    /// Reads what follows the name in a start tag, up to its `>` or the end of `source`.
    pub(crate) fn new(source: &'a str) -> Self {
        Attributes { source, at: 0 }
    }

    /// How many bytes were read: after the last attribute, up to and without the `>`. `None` if the tag does not
    /// end.
    pub(super) fn end_of_tag(mut self) -> Option<usize> {
        while self.next().is_some() {}
        (self.source.as_bytes().get(self.at) == Some(&b'>')).then_some(self.at)
    }

    /// The value of an attribute by its lower-case name, decoded; the first wins.
    pub(crate) fn value(mut self, name: &str) -> Option<Cow<'a, str>> {
        self.find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| decoded(value))
    }

    fn skip(&mut self, skipped: impl Fn(u8) -> bool) {
        let rest = &self.source.as_bytes()[self.at..];
        self.at += rest.iter().position(|&byte| !skipped(byte)).unwrap_or(rest.len());
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.source.as_bytes();
        self.skip(|byte| is_space(byte) || byte == b'/');
        if matches!(bytes.get(self.at), None | Some(b'>')) {
            return None;
        }
        let start = self.at;
        self.at += 1; // a leading `=` belongs to the name
        self.skip(|byte| !is_space(byte) && !matches!(byte, b'/' | b'>' | b'='));
        // A multi-byte character is skipped whole: none of its bytes ends a name.
        let name = &self.source[start..self.at];
        let name_end = self.at;
        self.skip(is_space);
        if bytes.get(self.at) != Some(&b'=') {
            self.at = name_end;
            return Some((name, ""));
        }
        self.at += 1;
        self.skip(is_space);
        match bytes.get(self.at) {
            Some(&quote @ (b'"' | b'\'')) => {
                let start = self.at + 1;
                let Some(length) = memchr(quote, &bytes[start..]) else {
                    self.at = bytes.len();
                    return Some((name, &self.source[start..]));
                };
                self.at = start + length + 1;
                Some((name, &self.source[start..start + length]))
            }
            _ => {
                let start = self.at;
                self.skip(|byte| !is_space(byte) && byte != b'>');
                Some((name, &self.source[start..self.at]))
            }
        }
    }
}

/// A value with its character references decoded.
pub(crate) fn decoded(value: &str) -> Cow<'_, str> {
    if memchr(b'&', value.as_bytes()).is_none() {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    decode_into(value, Place::Attribute, &mut out);
    Cow::Owned(out)
}

/// White space of HTML: tab, line feed, form feed, carriage return, space.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(&str, &str)]) {
        assert_eq!(Attributes::new(source).collect::<Vec<_>>(), expected, "{source}");
    }

    #[test]
    fn values_are_quoted_or_not_or_absent() {
        check(
            " a=\"1 2\" b='3>' c = 4/ d e=>",
            &[("a", "1 2"), ("b", "3>"), ("c", "4/"), ("d", ""), ("e", "")],
        );
    }

    #[test]
    fn damage_is_read_as_browsers_do() {
        check(" =a=b / x\"y=1 é=ü>", &[("=a", "b"), ("x\"y", "1"), ("é", "ü")]);
        check(" a=\"1", &[("a", "1")]);
        check(" a", &[("a", "")]);
    }

    #[test]
    fn a_tag_ends_outside_of_quotes() {
        assert_eq!(Attributes::new(" a='>'>text").end_of_tag(), Some(6));
        assert_eq!(Attributes::new(" a='>text").end_of_tag(), None);
    }

    #[test]
    fn the_first_of_two_values_wins() {
        let attributes = Attributes::new(" HREF='?a&amp;b' href=c");
        assert_eq!(attributes.value("href").as_deref(), Some("?a&b"));
    }
}
