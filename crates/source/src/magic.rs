//! Media types from bytes.
//!
//! Decided in this order:
//!
//! 1. a *signature* that leaves no doubt (PDF, images, audio, video, `<!doctype html`). Where it names a family
//!    only (zip, XML, Ogg, MP4), a declared type of that family is more exact and stands;
//! 2. the declared type, unless it says nothing (`application/octet-stream`) or less than the bytes (`text/plain`);
//! 3. the type that the crawler identified;
//! 4. a *guess* from the bytes: markup, JSON, plain text;
//! 5. what was declared after all.
//!
//! Types are lower case and without parameters.
//!
//! Source: WHATWG MIME Sniffing, section 7, less its rules for scripting security; file format signatures.

use std::borrow::Cow;

use memchr::memmem;

use crate::media_type::lower_case;

/// Bytes that are looked at.
const HEAD: usize = 1024;

/// The media type of `bytes`, which were declared and identified by somebody as these types.
pub(crate) fn media_type<'a>(
    bytes: &[u8],
    declared: Option<&'a str>,
    identified: Option<&'a str>,
) -> Option<Cow<'a, str>> {
    let bytes = &bytes[..bytes.len().min(HEAD)];
    if let Some(found) = signature(bytes) {
        let exact = [declared, identified]
            .into_iter()
            .flatten()
            .find(|exact| is_of_family(exact, found));
        return Some(exact.map_or(Cow::Borrowed(found), lower_case));
    }
    let says = |value: &&str| {
        !SAYS_NOTHING
            .iter()
            .any(|nothing| value.eq_ignore_ascii_case(nothing))
    };
    let told = declared.filter(says).or(identified.filter(says));
    told.map(lower_case)
        .or_else(|| guess(bytes).map(Cow::Borrowed))
        .or_else(|| declared.map(lower_case))
}

/// Whether `bytes` begin like text: UTF-8 without control characters.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD)];
    let is_utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && head.len() < bytes.len().max(HEAD + 1),
    };
    is_utf8 && !head.iter().any(|b| matches!(b, 0..=8 | 11 | 14..=26 | 28..=31))
}

const SAYS_NOTHING: [&str; 8] = [
    "application/octet-stream",
    "binary/octet-stream",
    "application/unknown",
    "application/x-unknown",
    "application/force-download",
    "unknown/unknown",
    "text/plain",
    "*/*",
];

/// Signatures at the start.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
    (b".snd", "audio/basic"),
    (b"MThd", "audio/midi"),
    (b"FLV\x01", "video/x-flv"),
    (b"\0\0\x01\xba", "video/mpeg"),
    (b"\0\0\x01\xb3", "video/mpeg"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"{\\rtf", "application/rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"\0asm", "application/wasm"),
];

/// Brands of ISO media files; any other is video.
const BRANDS: &[(&[u8], &str)] = &[
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"qt  ", "video/quicktime"),
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"mif1", "image/heif"),
    (b"3gp", "video/3gpp"),
    (b"crx ", "image/x-canon-cr3"),
];

/// The type that `bytes` leave no doubt about.
pub(crate) fn signature(bytes: &[u8]) -> Option<&'static str> {
    // The first file of a book is stored, and says so.
    if bytes.starts_with(b"PK\x03\x04") && bytes.get(30..58) == Some(b"mimetypeapplication/epub+zip") {
        return Some("application/epub+zip");
    }
    if let Some((_, found)) = SIGNATURES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(found);
    }
    match bytes {
        [b'R', b'I', b'F', b'F', _, _, _, _, kind @ ..] => return riff(kind),
        [
            b'F',
            b'O',
            b'R',
            b'M',
            _,
            _,
            _,
            _,
            b'A',
            b'I',
            b'F',
            b'F' | b'C',
            ..,
        ] => return Some("audio/aiff"),
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => {
            let found = BRANDS.iter().find(|(name, _)| brand.starts_with(name));
            return Some(found.map_or("video/mp4", |(_, found)| found));
        }
        [b'O', b'g', b'g', b'S', ..] => {
            let is_video = memmem::find(&bytes[..bytes.len().min(256)], b"theora").is_some();
            return Some(if is_video { "video/ogg" } else { "audio/ogg" });
        }
        [0x1a, 0x45, 0xdf, 0xa3, ..] => {
            let is_webm = memmem::find(&bytes[..bytes.len().min(64)], b"webm").is_some();
            return Some(if is_webm { "video/webm" } else { "video/x-matroska" });
        }
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => return Some("image/bmp"),
        // MPEG audio without tags: frame sync, layer III, a bit rate and a sample rate.
        [0xff, 0xfa | 0xfb | 0xf2 | 0xf3, rates, ..]
            if rates >> 4 != 15 && rates & 12 != 12 && *rates > 15 =>
        {
            return Some("audio/mpeg");
        }
        _ => {}
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some("application/x-tar");
    }
    let text = markup(bytes);
    if text.starts_with(b"<?xml") {
        return Some(xml(text));
    }
    begins_with_any(text, &HTML).then_some("text/html")
}

/// Tags that open a page.
const HTML: [&[u8]; 8] = [
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<title",
    b"<meta",
    b"<script",
    b"<noscript",
];
/// Tags that open a piece of one.
const FRAGMENT: [&[u8]; 14] = [
    b"<div", b"<p", b"<a", b"<b", b"<br", b"<h1", b"<table", b"<font", b"<style", b"<iframe", b"<link",
    b"<center", b"<span", b"<!--",
];
/// Roots of XML documents with a type of their own.
const ROOTS: [(&[u8], &str); 6] = [
    (b"<html", "application/xhtml+xml"),
    (b"<!doctype html", "application/xhtml+xml"),
    (b"<rss", "application/rss+xml"),
    (b"<feed", "application/atom+xml"),
    (b"<rdf:RDF", "application/rdf+xml"),
    (b"<svg", "image/svg+xml"),
];

/// The type that `bytes` look like.
pub(crate) fn guess(bytes: &[u8]) -> Option<&'static str> {
    let text = markup(bytes);
    if let Some((_, found)) = ROOTS[2..].iter().find(|(root, _)| begins_with_any(text, &[root])) {
        return Some(found);
    }
    if begins_with_any(text, &FRAGMENT) {
        return Some("text/html");
    }
    let is_json = match text {
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start(), [b'"' | b'}', ..]),
        [b'[', rest @ ..] => matches!(rest.trim_ascii_start(), [b'{' | b'[' | b'"' | b']', ..]),
        _ => false,
    };
    if is_json && is_text(bytes) {
        return Some("application/json");
    }
    (!bytes.is_empty() && is_text(bytes)).then_some("text/plain")
}

/// Text behind byte order mark and white space.
fn markup(bytes: &[u8]) -> &[u8] {
    bytes
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(bytes)
        .trim_ascii_start()
}

fn riff(kind: &[u8]) -> Option<&'static str> {
    match kind.get(..4)? {
        b"WEBP" => Some("image/webp"),
        b"WAVE" => Some("audio/wav"),
        b"AVI " => Some("video/x-msvideo"),
        _ => None,
    }
}

fn xml(text: &[u8]) -> &'static str {
    let root = ROOTS
        .iter()
        .find(|(root, _)| memchr::memchr_iter(b'<', text).any(|at| begins_with_any(&text[at..], &[root])));
    root.map_or("application/xml", |(_, found)| found)
}

/// Whether `text` begins with one of `tags`, in any case, and the tag's name ends there.
fn begins_with_any(text: &[u8], tags: &[&[u8]]) -> bool {
    tags.iter().any(|tag| {
        let Some((head, rest)) = text.split_at_checked(tag.len()) else {
            return false;
        };
        let is_ended =
            tag.ends_with(b"-") || !matches!(rest, [b, ..] if b.is_ascii_alphanumeric() || *b == b'-');
        head.eq_ignore_ascii_case(tag) && is_ended
    })
}

/// Whether `exact` is a more exact name for what was `found`.
fn is_of_family(exact: &str, found: &str) -> bool {
    let exact = exact.to_ascii_lowercase();
    let is_xml = |name: &str| name.ends_with("/xml") || name.ends_with("+xml");
    match found {
        "application/zip" => exact.starts_with("application/") && !SAYS_NOTHING.contains(&exact.as_str()),
        "application/x-ole-storage" => {
            exact.starts_with("application/") && !SAYS_NOTHING.contains(&exact.as_str())
        }
        "text/html" => exact == "application/xhtml+xml",
        "audio/ogg" | "video/ogg" => exact.ends_with("/ogg") || exact == "audio/opus",
        "video/mp4" => exact == "audio/mp4" || exact == "video/quicktime" || exact == "audio/x-m4a",
        "video/webm" => exact == "audio/webm",
        "video/x-matroska" => exact == "audio/x-matroska" || exact.ends_with("/webm"),
        "application/gzip" => exact == "application/x-gzip" || exact == "application/x-tgz",
        "application/xml" | "application/atom+xml" | "application/rdf+xml" | "application/rss+xml" => {
            is_xml(&exact)
        }
        "application/xhtml+xml" => exact == "text/html" || is_xml(&exact),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    fn check(bytes: &[u8], declared: Option<&str>, expected: Option<&str>) {
        assert_eq!(
            super::media_type(bytes, declared, None).as_deref(),
            expected,
            "{}",
            bytes.escape_ascii()
        );
    }

    #[test]
    fn signatures_decide_against_the_declared_type() {
        check(b"%PDF-1.4", Some("text/html"), Some("application/pdf"));
        check(b" \n<!DOCTYPE html>", Some("text/plain"), Some("text/html"));
        check(b"<html>", Some("application/json"), Some("text/html"));
        check(b"RIFF....WEBPVP8 ", Some("image/jpeg"), Some("image/webp"));
        check(b"\0\0\0\x20ftypisom", None, Some("video/mp4"));
        check(b"\0\0\0\x20ftypM4A ", None, Some("audio/mp4"));
        check(b"\xff\xfb\x90\x44", None, Some("audio/mpeg"));
        let book = [
            b"PK\x03\x04".as_slice(),
            &[0; 26],
            b"mimetypeapplication/epub+zipPK",
        ]
        .concat();
        check(&book, Some("application/zip"), Some("application/epub+zip"));
    }

    #[test]
    fn a_declared_type_of_the_family_is_more_exact() {
        check(
            b"PK\x03\x04",
            Some("application/epub+zip"),
            Some("application/epub+zip"),
        );
        check(b"PK\x03\x04", Some("image/png"), Some("application/zip"));
        check(
            b"<?xml version='1.0'?><html>",
            Some("Text/HTML"),
            Some("text/html"),
        );
        check(
            b"<!doctype html>",
            Some("application/xhtml+xml"),
            Some("application/xhtml+xml"),
        );
    }

    #[test]
    fn xml_is_told_by_its_root() {
        check(
            b"<?xml version='1.0'?>\n<!-- x --><rss>",
            None,
            Some("application/rss+xml"),
        );
        check(
            b"<?xml version='1.0'?><html>",
            None,
            Some("application/xhtml+xml"),
        );
        check(
            b"<?xml version='1.0'?><x>",
            Some("text/plain"),
            Some("application/xml"),
        );
        check(b"<svg xmlns", None, Some("image/svg+xml"));
    }

    #[test]
    fn the_declared_type_stands_where_bytes_say_nothing() {
        check(b"body { margin: 0 }", Some("Text/CSS"), Some("text/css"));
        check(b"<p>x", Some("text/markdown"), Some("text/markdown"));
        check(
            b"\x01\x02",
            Some("application/octet-stream"),
            Some("application/octet-stream"),
        );
        check(b"", Some("text/html"), Some("text/html"));
        check(b"", None, None);
    }

    #[test]
    fn text_is_guessed_last() {
        check(b"<p>x", None, Some("text/html"));
        check(b"{\"a\": 1}", Some("text/plain"), Some("application/json"));
        check("gr\u{fc}n".as_bytes(), None, Some("text/plain"));
        check(b"\x01\x02", None, None);
    }
}
