//! Glyph names: which a code has in a predefined encoding, and which characters a name shows.

use std::{collections::HashMap, sync::LazyLock};

static GLYPH_NAMES: &str = include_str!("tables/glyph_names.txt");
static ENCODINGS: &str = include_str!("tables/encodings.txt");
static WIDTHS: &str = include_str!("tables/widths.txt");
static CFF_STRINGS: &str = include_str!("tables/cff_strings.txt");

/// Glyph names by code, `-` for none.
pub(super) type Encoding = [&'static str; 256];

/// The predefined encoding of that name, with or without `Encoding` at its end.
pub(super) fn predefined(name: &str) -> Option<&'static Encoding> {
    static ALL: LazyLock<HashMap<&str, Encoding>> = LazyLock::new(|| {
        ENCODINGS
            .lines()
            .filter_map(|line| {
                let (name, glyphs) = line.split_once(' ')?;
                let mut encoding = ["-"; 256];
                for (slot, glyph) in encoding.iter_mut().zip(glyphs.split(' ')) {
                    *slot = glyph;
                }
                Some((name, encoding))
            })
            .collect()
    });
    ALL.get(name.strip_suffix("Encoding").unwrap_or(name))
}

/// Widths by glyph name of the standard font that is meant by `font`, in thousandths; `None` if it is none of them.
pub(super) fn standard_widths(font: &str) -> Option<&'static HashMap<&'static str, u16>> {
    static ALL: LazyLock<HashMap<&str, HashMap<&str, u16>>> = LazyLock::new(|| {
        WIDTHS
            .lines()
            .filter_map(|line| {
                let (name, rest) = line.split_once(' ')?;
                let mut words = rest.split(' ');
                let mut widths = HashMap::new();
                while let (Some(glyph), Some(width)) = (words.next(), words.next()) {
                    widths.insert(glyph, width.parse().ok()?);
                }
                Some((name, widths))
            })
            .collect()
    });
    let is_bold = font.contains("Bold") || font.contains("bold");
    let is_slanted = font.contains("Italic") || font.contains("Oblique");
    let name = if font.contains("Times") {
        match (is_bold, is_slanted) {
            (false, false) => "Times-Roman",
            (true, false) => "Times-Bold",
            (false, true) => "Times-Italic",
            (true, true) => "Times-BoldItalic",
        }
    } else if font.contains("Helvetica") || font.contains("Arial") {
        if is_bold { "Helvetica-Bold" } else { "Helvetica" }
    } else if font.contains("ZapfDingbats") {
        "ZapfDingbats"
    } else if font.starts_with("Symbol") {
        "Symbol"
    } else {
        return None;
    };
    ALL.get(name)
}

/// The standard strings of CFF, in order.
pub(super) fn cff_strings() -> &'static [&'static str] {
    static ALL: LazyLock<Vec<&str>> = LazyLock::new(|| CFF_STRINGS.lines().collect());
    &ALL
}

/// Appends the characters that a glyph of this name shows; `false` if the name says nothing.
///
/// Names are read as the Adobe Glyph List Specification says: up to the first dot, components between underscores,
/// from the list, as `uniXXXX` or as `uXXXX` to `uXXXXXX`. A letter before the glyph's own `code` (`a65`, `G65`, `c65`)
/// is how some programs say that they keep to the code.
pub(super) fn characters(name: &str, code: u8, out: &mut String) -> bool {
    static ALL: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        GLYPH_NAMES
            .lines()
            .filter_map(|line| line.split_once(' '))
            .collect()
    });
    let before = out.len();
    let base = name.split('.').next().unwrap_or_default();
    if base.is_empty() {
        return false;
    }
    for part in base.split('_') {
        if let Some(codes) = ALL.get(part) {
            out.extend(codes.split(' ').filter_map(character));
        } else if let Some(digits) = part.strip_prefix("uni").filter(|digits| digits.len() >= 4) {
            let units = digits.as_bytes().chunks_exact(4);
            out.extend(units.filter_map(|unit| character(std::str::from_utf8(unit).ok()?)));
        } else if let Some(digits) = part
            .strip_prefix('u')
            .filter(|digits| (4..=6).contains(&digits.len()))
        {
            out.extend(character(digits));
        }
    }
    if out.len() > before {
        return true;
    }
    let letters = base.bytes().take_while(u8::is_ascii_alphabetic).count();
    let is_code = (1..=2).contains(&letters) && base[letters..].parse() == Ok(code);
    match code {
        _ if !is_code => return false,
        // Where TeX's text fonts keep ligatures.
        11 => out.push_str("ff"),
        12 => out.push_str("fi"),
        13 => out.push_str("fl"),
        14 => out.push_str("ffi"),
        15 => out.push_str("ffl"),
        32..=126 => out.push(char::from(code)),
        _ => return false,
    }
    true
}

fn character(hexadecimal: &str) -> Option<char> {
    char::from_u32(u32::from_str_radix(hexadecimal, 16).ok()?).filter(|character| *character != '\0')
}

/// Text in `PDFDocEncoding`, or in Unicode if it begins with a byte order mark.
pub(super) fn text_string(bytes: &[u8]) -> String {
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return encoding_rs::UTF_16BE
            .decode_without_bom_handling(rest)
            .0
            .into_owned();
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return encoding_rs::UTF_16LE
            .decode_without_bom_handling(rest)
            .0
            .into_owned();
    }
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return String::from_utf8_lossy(rest).into_owned();
    }
    // Many programs write UTF-8 without saying so, and text that is not UTF-8 rarely looks like it.
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let names = predefined("PDFDoc").expect("the table holds this encoding");
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_whitespace() {
            out.push(' ');
        } else if !characters(names[usize::from(byte)], byte, &mut out) {
            out.push('\u{fffd}');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, code: u8, expected: &str) {
        let mut out = String::new();
        assert_eq!(characters(name, code, &mut out), !expected.is_empty(), "{name}");
        assert_eq!(out, expected, "{name}");
    }

    #[test]
    fn names_show_characters() {
        check("Aacute", 0, "\u{c1}");
        check("a.alt", 0, "a");
        check("f_f_i", 0, "ffi");
        check("uni00410042", 0, "AB");
        check("u1F600", 0, "\u{1f600}");
        check("a10", 0, "\u{2721}");
        check("Asmall", 0, "a");
    }

    #[test]
    fn a_name_may_repeat_the_code() {
        check("G65", 65, "A");
        check("G65", 66, "");
        check("c14", 14, "ffi");
        check(".notdef", 65, "");
        check("glyph7", 7, "");
    }

    #[test]
    fn encodings_have_256_names() {
        assert_eq!(predefined("WinAnsiEncoding").unwrap()[0x80], "Euro");
        assert_eq!(predefined("Symbol").unwrap()[b'a' as usize], "alpha");
        assert_eq!(predefined("Standard").unwrap()[0], "-");
        assert!(predefined("Identity-H").is_none());
    }

    #[test]
    fn standard_fonts_are_known_by_many_names() {
        assert_eq!(standard_widths("ABCDEF+Arial,Bold").unwrap()["A"], 722);
        assert_eq!(standard_widths("TimesNewRomanPS-ItalicMT").unwrap()["A"], 611);
        assert!(standard_widths("Garamond").is_none());
    }

    #[test]
    fn text_strings_are_unicode_or_not() {
        assert_eq!(text_string(b"\xfe\xff\0a\x20\xac"), "a\u{20ac}");
        assert_eq!(text_string(b"caf\xe9 \x80"), "caf\u{e9} \u{2022}");
    }
}
