//! ID3: version 1 at the end of a file, versions 2.2 to 2.4 before its sound.
//!
//! Frames that are encrypted or compressed are passed over. Source: id3.org, ID3v2.2, 2.3.0, 2.4.0 and the chapter frame
//! addendum.

use std::borrow::Cow;

use super::{Cover, Tags, latin1, utf8_or_latin1};
use crate::cursor::Cursor;

/// Frames of versions 2.3 and 2.4, those of 2.2, and the fields that they are.
const FIELDS: [(&[u8; 4], &[u8; 3], &str); 19] = [
    (b"TIT2", b"TT2", "title"),
    (b"TPE1", b"TP1", "artist"),
    (b"TALB", b"TAL", "album"),
    (b"TPE2", b"TP2", "album_artist"),
    (b"TCOM", b"TCM", "composer"),
    (b"TCON", b"TCO", "genre"),
    (b"TDRC", b"TYE", "date"),
    (b"TYER", b"TYE", "date"),
    (b"TRCK", b"TRK", "track"),
    (b"TPOS", b"TPA", "disc"),
    (b"COMM", b"COM", "comment"),
    (b"USLT", b"ULT", "lyrics"),
    (b"TLAN", b"TLA", "language"),
    (b"TCOP", b"TCR", "copyright"),
    (b"TPUB", b"TPB", "publisher"),
    (b"TSSE", b"TSS", "encoder"),
    (b"TSRC", b"TRC", "isrc"),
    (b"TDES", b"TDS", "description"),
    (b"WFED", b"WFD", "podcast_url"),
];

/// The genres that numbers stand for, as far as ID3 version 1 names them.
const GENRES: [&str; 80] = [
    "Blues",
    "Classic Rock",
    "Country",
    "Dance",
    "Disco",
    "Funk",
    "Grunge",
    "Hip-Hop",
    "Jazz",
    "Metal",
    "New Age",
    "Oldies",
    "Other",
    "Pop",
    "R&B",
    "Rap",
    "Reggae",
    "Rock",
    "Techno",
    "Industrial",
    "Alternative",
    "Ska",
    "Death Metal",
    "Pranks",
    "Soundtrack",
    "Euro-Techno",
    "Ambient",
    "Trip-Hop",
    "Vocal",
    "Jazz+Funk",
    "Fusion",
    "Trance",
    "Classical",
    "Instrumental",
    "Acid",
    "House",
    "Game",
    "Sound Clip",
    "Gospel",
    "Noise",
    "AlternRock",
    "Bass",
    "Soul",
    "Punk",
    "Space",
    "Meditative",
    "Instrumental Pop",
    "Instrumental Rock",
    "Ethnic",
    "Gothic",
    "Darkwave",
    "Techno-Industrial",
    "Electronic",
    "Pop-Folk",
    "Eurodance",
    "Dream",
    "Southern Rock",
    "Comedy",
    "Cult",
    "Gangsta",
    "Top 40",
    "Christian Rap",
    "Pop/Funk",
    "Jungle",
    "Native American",
    "Cabaret",
    "New Wave",
    "Psychadelic",
    "Rave",
    "Showtunes",
    "Trailer",
    "Lo-Fi",
    "Tribal",
    "Acid Punk",
    "Acid Jazz",
    "Polka",
    "Retro",
    "Musical",
    "Rock & Roll",
    "Hard Rock",
];

/// Length of the version 2 tag at the start, with its header and footer.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(bytes);
    if cursor.take(3)? != b"ID3" || *cursor.take(2)?.first()? == 0xff {
        return None;
    }
    let flags = cursor.u8()?;
    let size = syncsafe(cursor.array()?)?;
    Some(10 + size + if flags & 0x10 != 0 { 10 } else { 0 })
}

/// Seven bits of each byte.
fn syncsafe(bytes: [u8; 4]) -> Option<usize> {
    let is_safe = bytes.iter().all(|byte| byte & 0x80 == 0);
    let size = bytes
        .iter()
        .fold(0, |size, &byte| size << 7 | usize::from(byte & 0x7f));
    is_safe.then_some(size)
}

/// What comes after all version 2 tags at the start, and after NUL bytes that follow them.
pub(crate) fn after(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let Some(length) = length(rest) {
        rest = rest.get(length..).unwrap_or_default();
        let padding = rest.iter().take_while(|byte| **byte == 0).count();
        if padding > 0 && rest.len() > padding {
            rest = &rest[padding..];
        }
    }
    rest
}

/// What the tags at both ends of a file tell; those of version 2 first.
pub(crate) fn read(bytes: &[u8]) -> Tags<'_> {
    let mut tags = Tags::default();
    let mut rest = bytes;
    while let Some(length) = length(rest) {
        let mut more = Tags::default();
        let _ = read_tag(rest.get(..length).unwrap_or(rest), &mut more);
        tags.add_missing(more);
        rest = rest.get(length..).unwrap_or_default();
    }
    if let Some(tag) = version1(bytes) {
        tags.add_missing(read_version1(tag));
    }
    tags
}

/// The version 1 tag at the end.
pub(crate) fn version1(bytes: &[u8]) -> Option<&[u8]> {
    let tag = &bytes[bytes.len().checked_sub(128)?..];
    tag.starts_with(b"TAG").then_some(tag)
}

fn read_version1(tag: &[u8]) -> Tags<'static> {
    let mut tags = Tags::default();
    let text = |range: std::ops::Range<usize>| {
        let field = &tag[range];
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        latin1(&field[..end])
    };
    tags.add("title", &text(3..33));
    tags.add("artist", &text(33..63));
    tags.add("album", &text(63..93));
    tags.add("date", &text(93..97));
    tags.add("comment", &text(97..127));
    if tag[125] == 0 && tag[126] != 0 {
        tags.add("track", &tag[126].to_string());
    }
    if let Some(genre) = GENRES.get(usize::from(tag[127])) {
        tags.add("genre", genre);
    }
    tags
}

/// Reads a version 2 tag; none where it ends early, with what came before in `tags`.
fn read_tag<'a>(bytes: &'a [u8], tags: &mut Tags<'a>) -> Option<()> {
    let (major, flags) = (bytes[3], bytes[5]);
    let body = &bytes[10..];
    if !(2..=4).contains(&major) {
        return None;
    }
    // Before 2.4 the whole tag is unsynchronised; since then each frame says it of itself.
    if flags & 0x80 != 0 && major < 4 {
        let whole = synchronised(body);
        let mut told = Tags::default();
        let done = read_frames(&whole, major, flags, &mut told);
        tags.add_missing(told.into_owned());
        return done;
    }
    read_frames(body, major, flags, tags)
}

/// Without the zeros that were put after 0xff.
fn synchronised(bytes: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(bytes.len());
    let mut before = 0;
    for &byte in bytes {
        if !(before == 0xff && byte == 0) {
            whole.push(byte);
        }
        before = byte;
    }
    whole
}

fn read_frames<'a>(body: &'a [u8], major: u8, flags: u8, tags: &mut Tags<'a>) -> Option<()> {
    let mut cursor = Cursor::new(body);
    if flags & 0x40 != 0 && major > 2 {
        let size = cursor.array()?;
        // The size counts itself in 2.4 only.
        match major {
            4 => cursor.skip(syncsafe(size)?.checked_sub(4)?)?,
            _ => cursor.skip(u32::from_be_bytes(size) as usize)?,
        }
    }
    while !cursor.rest().is_empty() && cursor.rest()[0] != 0 {
        read_frame(&mut cursor, major, tags)?;
    }
    Some(())
}

fn read_frame<'a>(cursor: &mut Cursor<'a>, major: u8, tags: &mut Tags<'a>) -> Option<()> {
    let (id, size, flags) = if major == 2 {
        let [a, b, c] = cursor.array()?;
        ([a, b, c, 0], cursor.u24_be()? as usize, 0)
    } else {
        let id = cursor.array()?;
        let size = cursor.array()?;
        let size = if major == 4 {
            frame_size(cursor, size)
        } else {
            u32::from_be_bytes(size) as usize
        };
        (id, size, cursor.u16_be()?)
    };
    let mut data = cursor.take(size.min(cursor.rest().len()))?;
    let is_opaque = match major {
        4 => flags & 0x000c != 0,
        3 => flags & 0x00c0 != 0,
        _ => false,
    };
    if is_opaque {
        return Some(());
    }
    if major == 4 && flags & 1 != 0 {
        data = data.get(4..)?;
    }
    if major == 4 && flags & 2 != 0 {
        let whole = synchronised(data);
        let mut told = Tags::default();
        read_field(id, major, &whole, &mut told);
        tags.add_missing(told.into_owned());
    } else {
        read_field(id, major, data, tags);
    }
    Some(())
}

/// Some writers of 2.4 do not make sizes syncsafe: the size after which another frame or the end comes is meant.
fn frame_size(cursor: &Cursor<'_>, size: [u8; 4]) -> usize {
    let plain = u32::from_be_bytes(size) as usize;
    let Some(safe) = syncsafe(size) else {
        return plain;
    };
    let is_followed = |size: usize| {
        let next = cursor.rest().get(2 + size..);
        next.is_some_and(|next| {
            next.first()
                .is_none_or(|byte| *byte == 0 || byte.is_ascii_uppercase())
        })
    };
    if safe != plain && !is_followed(safe) && is_followed(plain) {
        plain
    } else {
        safe
    }
}

fn read_field<'a>(id: [u8; 4], major: u8, data: &'a [u8], tags: &mut Tags<'a>) {
    match &id {
        b"APIC" | b"PIC\0" => drop(read_picture(data, major, tags)),
        b"CHAP" => drop(read_chapter(data, major, tags)),
        _ => {
            let field = FIELDS
                .iter()
                .find(|(new, old, _)| **new == id || (id[3] == 0 && **old == id[..3]));
            if let Some((_, _, name)) = field {
                let value = match *name {
                    "comment" | "lyrics" => described(data),
                    "podcast_url" => Some(latin1(data)),
                    _ => data
                        .split_first()
                        .map(|(encoding, text)| decoded(*encoding, text)),
                };
                let value = value.unwrap_or_default();
                match *name {
                    "genre" => value.split('\0').for_each(|value| add_genre(value, tags)),
                    name => tags.add(name, &value),
                }
            }
        }
    }
}

/// `(17)`, `17` and `(17)Rock` are genre 17.
fn add_genre(value: &str, tags: &mut Tags<'_>) {
    let bare = value.trim();
    let number = bare.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (number, refinement) = number.unwrap_or((bare, ""));
    let named = number.parse::<usize>().ok().and_then(|number| GENRES.get(number));
    match named {
        Some(genre) if refinement.is_empty() => tags.add("genre", genre),
        Some(_) => tags.add("genre", refinement),
        None => tags.add("genre", bare),
    }
}

/// The text after encoding, language and description.
fn described(data: &[u8]) -> Option<String> {
    let (&encoding, rest) = data.split_first()?;
    let (_, text) = terminated(encoding, rest.get(3..)?)?;
    Some(decoded(encoding, text))
}

fn read_picture<'a>(data: &'a [u8], major: u8, tags: &mut Tags<'a>) -> Option<()> {
    let (&encoding, rest) = data.split_first()?;
    let rest = if major == 2 {
        rest.get(3..)?
    } else {
        terminated(0, rest)?.1
    };
    let (&kind, rest) = rest.split_first()?;
    let (_, picture) = terminated(encoding, rest)?;
    tags.add_cover(Cover {
        bytes: Cow::Borrowed(picture),
        is_front: kind == 3,
    });
    Some(())
}

fn read_chapter(data: &[u8], major: u8, tags: &mut Tags<'_>) -> Option<()> {
    let (_, rest) = terminated(0, data)?;
    let mut cursor = Cursor::new(rest);
    let (start, end) = (cursor.u32_be()?, cursor.u32_be()?);
    cursor.skip(8)?;
    // Only the title of what a chapter holds: a chapter in a chapter is none.
    let mut title = String::new();
    let mut frames = Cursor::at(cursor.rest(), 0);
    if frames.take(4) == Some(b"TIT2") {
        let size = frames.array()?;
        let size = if major == 4 {
            frame_size(&frames, size)
        } else {
            u32::from_be_bytes(size) as usize
        };
        frames.skip(2)?;
        let (encoding, text) = frames.take(size)?.split_first()?;
        title = decoded(*encoding, text);
    }
    tags.add_chapter(f64::from(start) / 1e3, Some(f64::from(end) / 1e3), &title);
    Some(())
}

/// What comes before and after the NUL of an encoding.
fn terminated(encoding: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if matches!(encoding, 1 | 2) {
        let at = bytes.chunks_exact(2).position(|pair| pair == [0, 0])? * 2;
        Some((&bytes[..at], &bytes[at + 2..]))
    } else {
        let at = bytes.iter().position(|&byte| byte == 0)?;
        Some((&bytes[..at], &bytes[at + 1..]))
    }
}

fn decoded(encoding: u8, bytes: &[u8]) -> String {
    match encoding {
        1 | 2 => {
            // Every value of a list may have a mark of its own; without any the order is big-endian.
            let (is_little, bytes) = match bytes {
                [0xff, 0xfe, rest @ ..] => (true, rest),
                [0xfe, 0xff, rest @ ..] => (false, rest),
                other => (false, other),
            };
            let unit = |pair: &[u8]| {
                let pair = [pair[0], pair[1]];
                if is_little {
                    u16::from_le_bytes(pair)
                } else {
                    u16::from_be_bytes(pair)
                }
            };
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(unit)
                .filter(|unit| *unit != 0xfeff)
                .collect();
            String::from_utf16_lossy(&units)
        }
        3 => utf8_or_latin1(bytes).into_owned(),
        _ => latin1(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(major: u8, frames: &[u8]) -> Vec<u8> {
        let size = frames.len();
        let mut tag = vec![b'I', b'D', b'3', major, 0, 0];
        tag.extend([0, 0, (size >> 7) as u8, (size & 0x7f) as u8]);
        tag.extend_from_slice(frames);
        tag
    }

    #[test]
    fn text_frames_of_each_version_are_fields() {
        let new = tag(4, b"TIT2\0\0\0\x04\0\0\x03abcTCON\0\0\0\x05\0\0\x03(17)");
        let tags = read(&new);
        assert_eq!(tags.fields["title"], "abc");
        assert_eq!(tags.fields["genre"], "Rock");
        let old = tag(2, b"TT2\0\0\x07\x01\xff\xfea\0b\0");
        assert_eq!(read(&old).fields["title"], "ab");
    }

    #[test]
    fn a_tag_that_ends_early_gives_what_came_before() {
        let mut file = tag(3, b"TIT2\0\0\0\x02\0\0\0aTALB\0\0\0\x60\0\0\0b");
        file.truncate(file.len() - 1);
        assert_eq!(read(&file).fields["title"], "a");
    }

    #[test]
    fn what_follows_several_tags_and_padding_is_found() {
        let mut file = tag(4, b"");
        file.extend(tag(3, &[0; 5]));
        file.extend([0, 0, 0xff, 0xfb]);
        assert_eq!(after(&file), [0xff, 0xfb]);
    }
}
