//! Character references (`&amp;`, `&#8217;`) to characters, as the HTML standard reads them (13.2.5.72).

use memchr::memchr;

use super::entity_table::{BARE, NAMED};

/// The longest name is `CounterClockwiseContourIntegral`.
const LONGEST_NAME: usize = 31;
/// The longest name that counts without a `;` (`Aacute`, `frac12`).
const LONGEST_BARE_NAME: usize = 6;

/// Where a reference stands: in attributes, `&copy=1` is not a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Text,
    Attribute,
}

/// Appends `raw` with its character references decoded.
pub(crate) fn decode_into(raw: &str, place: Place, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[decode_one(rest, place, out)..];
    }
    out.push_str(rest);
}

/// Decodes the reference at the start of `text`, which is a `&`, and gives the bytes read: at least one.
fn decode_one(text: &str, place: Place, out: &mut String) -> usize {
    let bytes = text.as_bytes();
    if bytes.get(1) == Some(&b'#') {
        return decode_number(bytes, out);
    }
    let name_length = bytes[1..]
        .iter()
        .take(LONGEST_NAME + 1)
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let name = &text[1..1 + name_length];
    if bytes.get(1 + name_length) == Some(&b';')
        && let Ok(at) = NAMED.binary_search_by(|(known, _)| known.cmp(&name))
    {
        out.push_str(NAMED[at].1);
        return name_length + 2;
    }
    for length in (2..=name_length.min(LONGEST_BARE_NAME)).rev() {
        let bare = &name[..length];
        if BARE.binary_search(&bare).is_err() {
            continue;
        }
        let next = bytes.get(1 + length);
        if place == Place::Attribute && next.is_some_and(|&byte| byte == b'=' || byte.is_ascii_alphanumeric())
        {
            break;
        }
        if let Ok(at) = NAMED.binary_search_by(|(known, _)| known.cmp(&bare)) {
            out.push_str(NAMED[at].1);
            return 1 + length;
        }
    }
    out.push('&');
    1
}

fn decode_number(bytes: &[u8], out: &mut String) -> usize {
    let hexadecimal = matches!(bytes.get(2), Some(b'x' | b'X'));
    let start = if hexadecimal { 3 } else { 2 };
    let radix = if hexadecimal { 16 } else { 10 };
    let mut at = start;
    let mut value = 0u32;
    while let Some(digit) = bytes.get(at).and_then(|&byte| char::from(byte).to_digit(radix)) {
        // Saturates far above the last code point, which is all that matters.
        value = value.saturating_mul(radix).saturating_add(digit);
        at += 1;
    }
    if at == start {
        out.push('&');
        return 1;
    }
    out.push(character(value));
    at + usize::from(bytes.get(at) == Some(&b';'))
}

/// The character of a numeric reference; 0x80 to 0x9F mean Windows-1252.
fn character(value: u32) -> char {
    const WINDOWS_1252: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
        '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}',
        '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}',
        '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
    ];
    match value {
        0 => char::REPLACEMENT_CHARACTER,
        0x80..=0x9f => WINDOWS_1252[value as usize - 0x80],
        _ => char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, place: Place, expected: &str) {
        let mut out = String::new();
        decode_into(raw, place, &mut out);
        assert_eq!(out, expected, "{raw}");
    }

    #[test]
    fn named_references_are_decoded() {
        check(
            "a &amp; b &lt;c&gt; &nbsp;&CounterClockwiseContourIntegral;",
            Place::Text,
            "a & b <c> \u{a0}\u{2233}",
        );
    }

    #[test]
    fn some_names_count_without_a_semicolon() {
        check(
            "&copy 2024 &notit; &notin; AT&T &eacutea",
            Place::Text,
            "© 2024 ¬it; ∉ AT&T éa",
        );
    }

    #[test]
    fn a_query_in_an_attribute_is_not_a_reference() {
        check("?a=1&copy=2&amp;b&lt", Place::Attribute, "?a=1&copy=2&b<");
    }

    #[test]
    fn numbers_are_code_points_with_the_mistakes_of_the_web() {
        check(
            "&#8217;&#x2019;&#146;&#0;&#xD800;&#99999999999;&#;&#x;&#65",
            Place::Text,
            "’’’\u{fffd}\u{fffd}\u{fffd}&#;&#x;A",
        );
    }

    #[test]
    fn every_bare_name_is_a_name() {
        for bare in BARE {
            assert!(
                NAMED.binary_search_by(|(known, _)| known.cmp(&bare)).is_ok(),
                "{bare}"
            );
            assert!(bare.len() <= LONGEST_BARE_NAME);
        }
        assert!(NAMED.is_sorted() && BARE.is_sorted());
        assert!(NAMED.iter().all(|(name, _)| name.len() <= LONGEST_NAME));
    }
}
