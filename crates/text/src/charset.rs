//! Bytes to UTF-8, by what they are rather than by what was said of them.
//!
//! Headers and `meta` tags are often wrong, and UTF-8 is hard to hit by chance, so the bytes speak first. In this
//! order, and the first that holds decides:
//!
//! 1. a byte order mark (UTF-8, UTF-16);
//! 2. UTF-16 without a mark: zero bytes at every other place of the first 1,024;
//! 3. the whole is valid UTF-8 and not ISO-2022-JP (whose escapes are ASCII) by declaration;
//! 4. UTF-8 with damage: at most one error in five characters beyond ASCII. Errors become U+FFFD;
//! 5. the declared encodings that decode without an error. With two of them that differ, the transport's
//!    wins unless detection names the other;
//! 6. detection (`chardetng`, the detector of Firefox), errors become U+FFFD.
//!
//! Declared are the transport's charset, and in markup the XML declaration or a `meta` tag within the first 4,096
//! bytes (the standard asks for 1,024; some pages put scripts first). Labels are those of the WHATWG Encoding
//! Standard; unknown ones and `replacement` are passed over, UTF-16 in a `meta` tag means UTF-8. Content whose
//! first 4,096 bytes hold more than one control character in twenty is binary: `unsupported`.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    Encoding, ISO_2022_JP, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED,
};
use gristmill_core::Fault;
use memchr::{memchr, memmem};

use crate::html::Attributes;

/// How many bytes are searched for a declaration.
const DECLARATION_BYTES: usize = 4096;
/// How many bytes are looked at to tell text from anything else.
const SAMPLE_BYTES: usize = 4096;

/// Where text comes from, and so where it may declare its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// HTML or XHTML.
    Markup,
    /// Anything else.
    Plain,
}

/// Decodes to UTF-8 without a byte order mark; see the module for the order of evidence.
///
/// # Errors
/// `unsupported` if the bytes are binary.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    transport: Option<&str>,
    kind: Kind,
) -> Result<Cow<'a, str>, Fault> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return Ok(encoding.decode_without_bom_handling(&bytes[mark..]).0);
    }
    if let Some(encoding) = unmarked_utf16(bytes) {
        return Ok(encoding.decode_without_bom_handling(bytes).0);
    }
    check_text(bytes)?;
    let transport = transport.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let escapes = transport == Some(ISO_2022_JP)
            || (has_escape(bytes) && declared(bytes, kind) == Some(ISO_2022_JP));
        return Ok(if escapes {
            ISO_2022_JP.decode_without_bom_handling(bytes).0
        } else {
            Cow::Borrowed(text)
        });
    }
    if is_damaged_utf8(bytes) {
        return Ok(UTF_8.decode_without_bom_handling(bytes).0);
    }
    let detect = || {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, Utf8Detection::Deny)
    };
    let mut candidates =
        [transport, declared(bytes, kind)].map(|encoding| encoding.filter(|&known| is_legacy(known)));
    if let [Some(first), Some(second)] = candidates
        && first != second
        && detect() == second
    {
        candidates.swap(0, 1);
    }
    for encoding in candidates.into_iter().flatten() {
        if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
            return Ok(text);
        }
    }
    Ok(detect().decode_without_bom_handling(bytes).0)
}

/// An encoding that can be decoded and is not one that was ruled out before.
fn is_legacy(encoding: &'static Encoding) -> bool {
    ![UTF_8, UTF_16LE, UTF_16BE, REPLACEMENT].contains(&encoding)
}

fn has_escape(bytes: &[u8]) -> bool {
    memchr(0x1b, bytes).is_some()
}

fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(1024)];
    let pairs = sample.len() / 2;
    if pairs < 4 {
        return None;
    }
    let zeros = |from: usize| {
        sample
            .iter()
            .skip(from)
            .step_by(2)
            .filter(|&&byte| byte == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    match () {
        () if odd * 10 > pairs * 4 && even * 20 < pairs => Some(UTF_16LE),
        () if even * 10 > pairs * 4 && odd * 20 < pairs => Some(UTF_16BE),
        () => None,
    }
}

fn check_text(bytes: &[u8]) -> Result<(), Fault> {
    let sample = &bytes[..bytes.len().min(SAMPLE_BYTES)];
    let controls = sample
        .iter()
        .filter(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f))
        .count();
    if controls * 20 > sample.len() {
        let detail = format!(
            "content is binary: {controls} of {} bytes are control characters",
            sample.len()
        );
        return Err(Fault::unsupported(detail));
    }
    Ok(())
}

/// Whether invalid UTF-8 is UTF-8 all the same: at most one error in five characters beyond ASCII.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut errors, mut characters) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        // Every character beyond ASCII has one byte from 0xc0 on.
        characters += chunk.valid().bytes().filter(|&byte| byte >= 0xc0).count();
        errors += usize::from(!chunk.invalid().is_empty());
    }
    errors * 5 <= characters
}

/// The encoding that markup declares of itself.
fn declared(bytes: &[u8], kind: Kind) -> Option<&'static Encoding> {
    if kind == Kind::Plain {
        return None;
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_BYTES)]);
    let label = xml_label(&head).or_else(|| meta_label(&head))?;
    match Encoding::for_label(label.trim().as_bytes())? {
        encoding if encoding == UTF_16LE || encoding == UTF_16BE => Some(UTF_8),
        encoding if encoding == X_USER_DEFINED => Some(WINDOWS_1252),
        encoding => Some(encoding),
    }
}

fn xml_label(head: &str) -> Option<String> {
    let rest = head.strip_prefix("<?xml")?;
    let attributes = Attributes::new(&rest[..rest.find("?>")?]);
    attributes.value("encoding").map(Cow::into_owned)
}

fn meta_label(head: &str) -> Option<String> {
    let mut rest = head;
    while let Some(at) = memchr(b'<', rest.as_bytes()) {
        rest = &rest[at..];
        if rest.starts_with("<!--") {
            rest = &rest[memmem::find(rest.as_bytes(), b"-->")?..];
            continue;
        }
        rest = &rest[1..];
        let is_meta = rest
            .get(..4)
            .is_some_and(|name| name.eq_ignore_ascii_case("meta"));
        if !is_meta {
            continue;
        }
        let attributes = Attributes::new(&rest[4..]);
        if let Some(label) = attributes.clone().value("charset") {
            return Some(label.into_owned());
        }
        let is_content_type = attributes
            .clone()
            .value("http-equiv")
            .is_some_and(|name| name.eq_ignore_ascii_case("content-type"));
        if is_content_type
            && let Some(label) = attributes.value("content").and_then(|value| charset_of(&value))
        {
            return Some(label);
        }
    }
    None
}

/// The charset in `text/html; charset=utf-8`.
fn charset_of(content_type: &str) -> Option<String> {
    let at = content_type.to_ascii_lowercase().find("charset")?;
    let value = content_type[at + 7..].trim_start().strip_prefix('=')?;
    let value = value.trim_start().trim_start_matches(['"', '\'']);
    let end = value.find([';', ' ', '"', '\'', '\t']).unwrap_or(value.len());
    Some(value[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], transport: Option<&str>, expected: &str) {
        assert_eq!(decode(bytes, transport, Kind::Markup).unwrap(), expected);
    }

    #[test]
    fn a_byte_order_mark_decides() {
        check(b"\xef\xbb\xbfgr\xc3\xbcn", Some("latin1"), "grün");
        check(b"\xff\xfeg\0r\0\xfc\0n\0", Some("utf-8"), "grün");
        check(b"\xfe\xff\0g\0r\0\xfc\0n", None, "grün");
    }

    #[test]
    fn utf16_is_seen_without_a_mark() {
        let bytes: Vec<u8> = "<html>grün".encode_utf16().flat_map(u16::to_le_bytes).collect();
        check(&bytes, Some("utf-8"), "<html>grün");
    }

    #[test]
    fn valid_utf8_beats_a_wrong_header() {
        check("größer".as_bytes(), Some("iso-8859-1"), "größer");
    }

    #[test]
    fn a_wrong_header_that_says_utf8_is_not_believed() {
        check(
            b"<meta charset=windows-1251>\xcf\xf0\xe8\xe2\xe5\xf2",
            Some("utf-8"),
            "<meta charset=windows-1251>Привет",
        );
        check(
            b"<meta charset=utf-8>gr\xfcn und wei\xdf",
            Some("utf-8"),
            "<meta charset=utf-8>grün und weiß",
        );
    }

    #[test]
    fn the_header_comes_before_the_page() {
        check(
            b"<meta charset=koi8-r>\xcf\xf0\xe8\xe2\xe5\xf2, \xec\xe8\xf0",
            Some("windows-1251"),
            "<meta charset=koi8-r>Привет, мир",
        );
    }

    #[test]
    fn declarations_have_three_forms() {
        let declarations = [
            "<?xml version='1.0' encoding='windows-1251'?>",
            "<!-- <meta charset=koi8-r> --><META HTTP-EQUIV=Content-Type content='text/html; charset=\"windows-1251\"'>",
            "<meta name=x><meta charset = 'windows-1251'>",
        ];
        for declaration in declarations {
            let mut bytes = declaration.as_bytes().to_vec();
            bytes.extend(b"\xcf\xf0\xe8\xe2\xe5\xf2");
            check(&bytes, None, &format!("{declaration}Привет"));
        }
    }

    #[test]
    fn a_character_cut_in_half_is_damage() {
        check(
            b"gr\xc3\xbcn wei\xc3\x9f \xe2\x82\xac \xe2\x82\xac \xe2\x82\xac \xe2\x82",
            Some("utf-8"),
            "grün weiß € € € \u{fffd}",
        );
    }

    #[test]
    fn iso_2022_jp_is_ascii_to_the_eye() {
        check(b"\x1b$B%F%9%H\x1b(B", Some("iso-2022-jp"), "テスト");
    }

    #[test]
    fn shift_jis_is_detected() {
        let text = "これは日本語の文章です。文字コードの宣言はありません。";
        check(&encoding_rs::SHIFT_JIS.encode(text).0, None, text);
    }

    #[test]
    fn binary_content_is_a_fault() {
        let fault = decode(&[1; 100], None, Kind::Plain).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "unsupported: content is binary: 100 of 100 bytes are control characters"
        );
    }
}
