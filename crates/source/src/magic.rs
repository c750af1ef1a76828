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

/// What ends a Targa image; older ones end in pixels.
const TGA_END: &[u8] = b"TRUEVISION-XFILE.\0";
/// Bytes that are looked at.
const HEAD: usize = 1024;

/// The media type of `bytes`, which were declared and identified by somebody as these types.
pub(crate) fn media_type<'a>(
    bytes: &[u8],
    declared: Option<&'a str>,
    identified: Option<&'a str>,
) -> Option<Cow<'a, str>> {
    if bytes.ends_with(TGA_END) {
        return Some(Cow::Borrowed("image/x-tga"));
    }
    let whole = bytes;
    let bytes = &bytes[..bytes.len().min(HEAD)];
    if let Some(found) = signature(bytes) {
        let found = sound_alone(found, whole).unwrap_or(found);
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
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"II\xbc\x01", "image/jxr"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image/j2c"),
    (b"#?RADIANCE", "image/vnd.radiance"),
    (b"#?RGBE", "image/vnd.radiance"),
    (b"\x76\x2f\x31\x01", "image/x-exr"),
    (b"DDS \x7c\0\0\0", "image/vnd.ms-dds"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR-WB\n", "audio/amr-wb"),
    (b"#!AMR", "audio/amr"),
    (b"caff\0\x01", "audio/x-caf"),
    (b"wvpk", "audio/x-wavpack"),
    (b"TTA1", "audio/x-tta"),
    (b"riff\x2e\x91\xcf\x11", "audio/x-w64"),
    (b".snd", "audio/basic"),
    (b"MThd", "audio/midi"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"DKIF\0\0", "video/x-ivf"),
    (b"YUV4MPEG2 ", "video/x-yuv4mpeg"),
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

/// Brands of ISO media files.
const BRANDS: &[(&[u8], &str)] = &[
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"qt  ", "video/quicktime"),
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"hevc", "image/heic-sequence"),
    (b"hevx", "image/heic-sequence"),
    (b"jxl ", "image/jxl"),
    (b"jp2 ", "image/jp2"),
    (b"3gp", "video/3gpp"),
    (b"crx ", "image/x-canon-cr3"),
];
/// Brands of ISO media files that are pictures of any codec: the compatible brands tell which.
const PICTURES: [&[u8]; 5] = [b"mif1", b"mif2", b"msf1", b"miaf", b"1pic"];

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
        [a, b, c, d, b'f', b't', b'y', b'p', brands @ ..] => {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            return Some(iso_media(&brands[..brands.len().min(length.saturating_sub(8))]));
        }
        [_, _, _, _, b'm', b'o', b'o', b'v', ..] | [0, _, _, _, b'm', b'd', b'a', b't', ..] => {
            return Some("video/quicktime");
        }
        [
            b'R' | b'B',
            b'F' | b'W',
            b'6',
            b'4',
            _,
            _,
            _,
            _,
            b'W',
            b'A',
            b'V',
            b'E',
            ..,
        ] => {
            return Some("audio/wav");
        }
        [b'q', b'o', b'i', b'f', _, _, _, _, _, _, _, _, 3 | 4, 0 | 1, ..] => return Some("image/qoi"),
        // A cursor: at least one picture, and a reserved zero in its entry.
        [0, 0, 2, 0, 1..=255, 0, _, _, _, 0, ..] => return Some("image/x-icon"),
        [b'P', ..] if portable_map(bytes).is_some() => return portable_map(bytes),
        [0x47, ..] if bytes.get(188) == Some(&0x47) && bytes.get(376) == Some(&0x47) => {
            return Some("video/mp2t");
        }
        [0xff, sync, ..] if sync & 0xf6 == 0xf0 && is_adts(bytes) => return Some("audio/aac"),
        [b'O', b'g', b'g', b'S', ..] => {
            let is_video = memmem::find(&bytes[..bytes.len().min(256)], b"theora").is_some();
            return Some(if is_video { "video/ogg" } else { "audio/ogg" });
        }
        [0x1a, 0x45, 0xdf, 0xa3, ..] => {
            let is_webm = memmem::find(&bytes[..bytes.len().min(64)], b"webm").is_some();
            return Some(if is_webm { "video/webm" } else { "video/x-matroska" });
        }
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => return Some("image/bmp"),
        // MPEG audio without tags: frame sync, layer II or III, a bit rate and a sample rate.
        [0xff, 0xfa..=0xfd | 0xf2..=0xf5, rates, ..]
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

/// The type of an ISO media file from its brands: the major one, a version number, and the compatible ones.
fn iso_media(brands: &[u8]) -> &'static str {
    let of = |brand: &[u8]| {
        BRANDS
            .iter()
            .find(|(name, _)| brand.starts_with(name))
            .map(|(_, found)| *found)
    };
    let major = &brands[..brands.len().min(4)];
    if let Some(found) = of(major) {
        return found;
    }
    let compatible = || brands.get(8..).unwrap_or_default().chunks_exact(4);
    let is_picture = |brand: &[u8]| PICTURES.contains(&brand);
    if !is_picture(major) && !compatible().any(is_picture) {
        return "video/mp4";
    }
    let exact = compatible()
        .filter_map(of)
        .find(|found| found.starts_with("image/"));
    exact.unwrap_or(if is_picture(major) {
        "image/heif"
    } else {
        "video/mp4"
    })
}

/// The type of a portable map (Netpbm): its letter and digit, then width and height, or the keys of an arbitrary map.
fn portable_map(bytes: &[u8]) -> Option<&'static str> {
    let found = match bytes.get(1)? {
        b'1' | b'4' => "image/x-portable-bitmap",
        b'2' | b'5' => "image/x-portable-graymap",
        b'3' | b'6' => "image/x-portable-pixmap",
        b'F' | b'f' => "image/x-portable-floatmap",
        b'7' => {
            let keys: [&[u8]; 6] = [b"WIDTH ", b"HEIGHT ", b"DEPTH ", b"MAXVAL ", b"TUPLTYPE ", b"#"];
            let rest = bytes[2..].strip_prefix(b"\n")?;
            return keys
                .iter()
                .any(|key| rest.starts_with(key))
                .then_some("image/x-portable-arbitrarymap");
        }
        _ => return None,
    };
    let mut rest = bytes[2..].strip_prefix(b"4").unwrap_or(&bytes[2..]);
    for _ in 0..2 {
        let start = rest;
        loop {
            rest = rest.trim_ascii_start();
            let Some(comment) = rest.strip_prefix(b"#") else {
                break;
            };
            rest = &comment[memchr::memchr(b'\n', comment)?..];
        }
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || rest.len() == start.len() {
            return None;
        }
        rest = &rest[digits..];
    }
    rest.first().is_some_and(u8::is_ascii_whitespace).then_some(found)
}

/// Whether `bytes` begin with a frame of AAC in an audio data transport stream, and go on with one as far as seen.
fn is_adts(bytes: &[u8]) -> bool {
    let [_, _, rates, high, middle, low, _, ..] = bytes else {
        return false;
    };
    let length = usize::from(high & 3) << 11 | usize::from(*middle) << 3 | usize::from(low >> 5);
    let next = bytes.get(length..length + 2);
    (rates >> 2) & 15 < 13 && length > 7 && next.is_none_or(|next| next[0] == 0xff && next[1] & 0xf6 == 0xf0)
}

/// Whether `bytes` look like a Targa image without the end that newer ones have: true colour or grey, no palette.
fn is_old_tga(bytes: &[u8]) -> bool {
    let [
        _,
        0,
        2 | 3 | 10 | 11,
        0,
        0,
        0,
        0,
        0,
        _,
        _,
        _,
        _,
        wl,
        wh,
        hl,
        hh,
        depth,
        flags,
        ..,
    ] = bytes
    else {
        return false;
    };
    let (width, height) = (u16::from_le_bytes([*wl, *wh]), u16::from_le_bytes([*hl, *hh]));
    let is_size = (1..=16384).contains(&width) && (1..=16384).contains(&height);
    is_size && matches!(depth, 8 | 16 | 24 | 32) && flags & 0xc0 == 0
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
    if is_old_tga(bytes) {
        return Some("image/x-tga");
    }
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

/// The type of a file of a family of videos that holds sound alone; none where there are pictures, and where the part
/// that tells of its tracks is not whole.
fn sound_alone(found: &str, bytes: &[u8]) -> Option<&'static str> {
    let (tracks, sound) = match found {
        "video/mp4" | "video/quicktime" | "video/3gpp" => (iso_tracks(bytes), "audio/mp4"),
        "video/webm" => (matroska_tracks(bytes), "audio/webm"),
        "video/x-matroska" => (matroska_tracks(bytes), "audio/x-matroska"),
        _ => return None,
    };
    (tracks? == Tracks::SOUND).then_some(sound)
}

/// What the tracks of a file hold.
#[derive(Debug, PartialEq, Eq)]
struct Tracks {
    has_pictures: bool,
    has_sound: bool,
}

impl Tracks {
    /// Sound and no pictures.
    const SOUND: Tracks = Tracks {
        has_pictures: false,
        has_sound: true,
    };
}

/// The tracks of an ISO media file, by the handlers in its `moov` box.
fn iso_tracks(bytes: &[u8]) -> Option<Tracks> {
    const BOXES: usize = 64;
    let mut rest = bytes;
    let mut moov: Option<&[u8]> = None;
    for _ in 0..BOXES {
        let (size, kind) = (number(rest, 0)?, rest.get(4..8)?);
        let size = match size {
            0 => rest.len() as u64,
            1 => number(rest, 8).unwrap_or(0) << 32 | number(rest, 12).unwrap_or(0),
            size => size,
        };
        let end = usize::try_from(size)
            .ok()
            .filter(|end| (8..=rest.len()).contains(end))?;
        if kind == b"moov" {
            moov = Some(&rest[..end]);
            break;
        }
        rest = &rest[end..];
    }
    let moov = moov?;
    let handlers = || memmem::find_iter(moov, b"hdlr").filter_map(|at| moov.get(at + 12..at + 16));
    Some(Tracks {
        has_pictures: handlers().any(|kind| kind == b"vide"),
        has_sound: handlers().any(|kind| kind == b"soun"),
    })
}

/// The big-endian number at a place.
fn number(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u64::from(u32::from_be_bytes(bytes)))
}

/// The tracks of a Matroska file, by the names of their codecs.
fn matroska_tracks(bytes: &[u8]) -> Option<Tracks> {
    const NEAR: usize = 1 << 20;
    let near = &bytes[..bytes.len().min(NEAR)];
    let at = memmem::find(near, b"\x16\x54\xae\x6b")? + 4;
    let first = *near.get(at)?;
    let width = first.leading_zeros() as usize + 1;
    let length = near.get(at..at + width)?.iter();
    let length = length.fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
    // The first set bit tells the width.
    let length = usize::try_from(length & !(1 << (7 * width))).ok()?;
    let tracks = near.get(at + width..)?.get(..length)?;
    // An element CodecID, its length in one byte, and the beginning of its value.
    let codecs = || {
        let found = memmem::find_iter(tracks, b"_").filter(|at| *at >= 3);
        found.filter_map(|at| match tracks[at - 3..at] {
            [0x86, 0x80..=0xff, kind] => Some(kind),
            _ => None,
        })
    };
    Some(Tracks {
        has_pictures: codecs().any(|kind| kind == b'V'),
        has_sound: codecs().any(|kind| kind == b'A'),
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
    fn pictures_are_told_by_their_bytes() {
        let heic = |major: &str, compatible: &str| {
            let length = 16 + compatible.len() as u8;
            [
                &[0, 0, 0, length],
                b"ftyp",
                major.as_bytes(),
                &[0; 4],
                compatible.as_bytes(),
            ]
            .concat()
        };
        for (major, compatible, expected) in [
            ("avif", "mif1miaf", "image/avif"),
            ("mif1", "miafavif", "image/avif"),
            ("mif1", "heicmiaf", "image/heic"),
            ("heix", "mif1", "image/heic"),
            ("mif1", "miafunci", "image/heif"),
            ("isom", "iso2avc1", "video/mp4"),
            ("msf1", "hevcisom", "image/heic-sequence"),
        ] {
            check(&heic(major, compatible), None, Some(expected));
        }
        let mut long = heic("mif1", "miaf");
        long.extend(b"avif is not a brand here");
        check(&long, None, Some("image/heif"));
        check(b"P6\n# made\n 12 7\n255\n", None, Some("image/x-portable-pixmap"));
        check(b"P4 8 1\n\x00", None, Some("image/x-portable-bitmap"));
        check(b"Pf\n2 2\n-1.0\n", None, Some("image/x-portable-floatmap"));
        check(b"P7\nWIDTH 2\n", None, Some("image/x-portable-arbitrarymap"));
        check(b"P5 is a number", None, Some("text/plain"));
        check(b"P6", None, Some("text/plain"));
        check(b"qoif\0\0\0\x01\0\0\0\x01\x04\0", None, Some("image/qoi"));
        check(b"qoif is a format", None, Some("text/plain"));
        check(b"#?RADIANCE\n", Some("text/plain"), Some("image/vnd.radiance"));
        check(b"\x76\x2f\x31\x01\x02\0\0\0", None, Some("image/x-exr"));
        check(b"\0\0\x02\0\x01\0\x20\x20\0\0", None, Some("image/x-icon"));
        check(b"MM\0+\0\x08", None, Some("image/tiff"));
        let tga = [
            &[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0][..],
            b"rgb",
        ]
        .concat();
        check(&tga, None, Some("image/x-tga"));
        let new = [&tga[..], &[0; 2000], b"TRUEVISION-XFILE.\0"].concat();
        check(&new, Some("application/octet-stream"), Some("image/x-tga"));
    }

    #[test]
    fn sounds_are_told_by_their_frames() {
        let mut adts = vec![0xff, 0xf1, 0x50, 0x80, 0x01, 0x7f, 0xfc, 1, 2, 3, 4];
        check(&adts, None, Some("audio/aac"));
        adts.extend([0xff, 0xf1, 0x50, 0x80]);
        check(&adts, None, Some("audio/aac"));
        adts[11] = 0;
        check(&adts, None, None);
        check(b"caff\0\x01\0\0", None, Some("audio/x-caf"));
        check(b"RF64\xff\xff\xff\xffWAVEds64", None, Some("audio/wav"));
    }

    #[test]
    fn text_is_guessed_last() {
        check(b"<p>x", None, Some("text/html"));
        check(b"{\"a\": 1}", Some("text/plain"), Some("application/json"));
        check("gr\u{fc}n".as_bytes(), None, Some("text/plain"));
        check(b"\x01\x02", None, None);
    }

    #[test]
    fn files_with_sound_alone_are_sounds() {
        let atom = |kind: &[u8], data: &[u8]| -> Vec<u8> {
            [&(data.len() as u32 + 8).to_be_bytes(), kind, data].concat()
        };
        let handler = |kind: &[u8]| atom(b"hdlr", &[&[0; 8], kind, &[0; 12]].concat());
        let file = |handlers: &[&[u8]]| {
            let tracks: Vec<u8> = handlers
                .iter()
                .flat_map(|kind| atom(b"trak", &handler(kind)))
                .collect();
            [
                atom(b"ftyp", b"isom\0\0\0\0isom"),
                atom(b"mdat", &[7; 9]),
                atom(b"moov", &tracks),
            ]
            .concat()
        };
        check(&file(&[b"soun"]), None, Some("audio/mp4"));
        check(&file(&[b"soun", b"vide"]), None, Some("video/mp4"));
        check(&file(&[]), None, Some("video/mp4"));
        let ebml = |codecs: &[&[u8]]| {
            let codecs = codecs
                .iter()
                .flat_map(|codec| [&[0x86, 0x80 | codec.len() as u8], *codec].concat());
            let codecs: Vec<u8> = codecs.collect();
            let length = 0x4000 | codecs.len() as u16;
            let head = b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm\x16\x54\xae\x6b".to_vec();
            [head, length.to_be_bytes().to_vec(), codecs].concat()
        };
        check(&ebml(&[b"A_OPUS"]), None, Some("audio/webm"));
        check(&ebml(&[b"V_VP9", b"A_OPUS"]), None, Some("video/webm"));
        // What tells of the pictures comes behind much that tells of the sound, or is not there.
        let long = [b"A_VORBIS".as_slice(), &[7; 100], &[7; 100], &[7; 100]];
        let long: Vec<&[u8]> = [&long[..]; 8].concat();
        check(
            &ebml(&[&long[..], &[b"V_VP8"]].concat()),
            None,
            Some("video/webm"),
        );
        let cut = file(&[b"soun", b"vide"]);
        check(&cut[..cut.len() - 50], None, Some("video/mp4"));
    }
}
