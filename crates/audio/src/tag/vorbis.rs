//! Vorbis comments, and pictures in the form of FLAC.
//!
//! Source: xiph.org, "Ogg Vorbis I format specification: comment field"; RFC 9639, section 8.8.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::{Cover, Tags, utf8_or_latin1};
use crate::cursor::Cursor;

/// Names in comments, in capital letters, and the fields that they are.
const FIELDS: [(&str, &str); 25] = [
    ("TITLE", "title"),
    ("ARTIST", "artist"),
    ("ALBUM", "album"),
    ("ALBUMARTIST", "album_artist"),
    ("ALBUM ARTIST", "album_artist"),
    ("ALBUM_ARTIST", "album_artist"),
    ("COMPOSER", "composer"),
    ("GENRE", "genre"),
    ("DATE", "date"),
    ("YEAR", "date"),
    ("DATE_RELEASED", "date"),
    ("TRACKNUMBER", "track"),
    ("TRACK", "track"),
    ("PART_NUMBER", "track"),
    ("DISCNUMBER", "disc"),
    ("DISC", "disc"),
    ("COMMENT", "comment"),
    ("DESCRIPTION", "description"),
    ("LYRICS", "lyrics"),
    ("LANGUAGE", "language"),
    ("COPYRIGHT", "copyright"),
    ("PUBLISHER", "publisher"),
    ("ORGANIZATION", "publisher"),
    ("ENCODER", "encoder"),
    ("ISRC", "isrc"),
];

/// Adds a field by its name in comments, which APE and Matroska tags share.
pub(crate) fn add(tags: &mut Tags<'_>, name: &str, value: &str) {
    let name = name.trim().to_ascii_uppercase();
    if let Some((_, field)) = FIELDS.iter().find(|(theirs, _)| *theirs == name) {
        tags.add(field, value);
    }
}

/// Reads the body of a comment header; none where it ends early, with what came before in `tags`.
pub(crate) fn read(bytes: &[u8], tags: &mut Tags<'_>) -> Option<()> {
    let mut cursor = Cursor::new(bytes);
    let vendor = cursor.u32_le()? as usize;
    let vendor = utf8_or_latin1(cursor.take(vendor)?);
    let count = cursor.u32_le()?;
    let mut chapters = BTreeMap::new();
    for _ in 0..count {
        let length = cursor.u32_le()? as usize;
        let comment = utf8_or_latin1(cursor.take(length)?);
        let Some((name, value)) = comment.split_once('=') else {
            continue;
        };
        if name.eq_ignore_ascii_case("METADATA_BLOCK_PICTURE") {
            let decoded = STANDARD_NO_PAD.decode(value.trim().trim_end_matches('='));
            if let Some(cover) = decoded
                .ok()
                .and_then(|block| picture(&block).map(Cover::into_owned))
            {
                tags.add_cover(cover);
            }
        } else if name.to_ascii_uppercase().starts_with("CHAPTER") {
            add_chapter(&mut chapters, &name.to_ascii_uppercase(), value);
        } else {
            add(tags, name, value);
        }
    }
    for (start, title) in chapters.into_values() {
        tags.add_chapter(start, None, &title);
    }
    if !tags.fields.contains_key("encoder") {
        tags.add("encoder", &vendor);
    }
    Some(())
}

/// `CHAPTER001=00:01:02.500` and `CHAPTER001NAME=…`.
fn add_chapter(chapters: &mut BTreeMap<String, (f64, String)>, name: &str, value: &str) {
    if let Some(number) = name.strip_suffix("NAME") {
        if let Some(chapter) = chapters.get_mut(number) {
            value.clone_into(&mut chapter.1);
        }
    } else if name[7..].bytes().all(|byte| byte.is_ascii_digit()) && chapters.len() < super::CHAPTERS {
        let mut parts = value.split(':').map(str::parse::<f64>);
        let seconds = parts.try_fold(0.0, |sum, part| part.map(|part| sum * 60.0 + part));
        if let Ok(start) = seconds {
            chapters.insert(name.to_owned(), (start, String::new()));
        }
    }
}

/// The picture of a FLAC picture block.
pub(crate) fn picture(block: &[u8]) -> Option<Cover<'_>> {
    let mut cursor = Cursor::new(block);
    let kind = cursor.u32_be()?;
    for _ in 0..2 {
        let length = cursor.u32_be()? as usize;
        cursor.skip(length)?;
    }
    cursor.skip(16)?;
    let length = cursor.u32_be()? as usize;
    Some(Cover {
        bytes: Cow::Borrowed(cursor.take(length)?),
        is_front: kind == 3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments(vendor: &str, comments: &[&str]) -> Vec<u8> {
        let mut block = (vendor.len() as u32).to_le_bytes().to_vec();
        block.extend_from_slice(vendor.as_bytes());
        block.extend((comments.len() as u32).to_le_bytes());
        for comment in comments {
            block.extend((comment.len() as u32).to_le_bytes());
            block.extend_from_slice(comment.as_bytes());
        }
        block
    }

    #[test]
    fn comments_are_fields_and_chapters() {
        let block = comments(
            "maker",
            &[
                "Title=A",
                "artist=B",
                "ARTIST=C",
                "CHAPTER01=00:01:02.5",
                "CHAPTER01NAME=Two",
            ],
        );
        let mut tags = Tags::default();
        read(&block, &mut tags).unwrap();
        assert_eq!(tags.fields["title"], "A");
        assert_eq!(tags.fields["artist"], "B; C");
        assert_eq!(tags.fields["encoder"], "maker");
        assert_eq!(tags.chapters[0].start_s, 62.5);
        assert_eq!(tags.chapters[0].title, "Two");
    }

    #[test]
    fn a_count_that_lies_ends_with_the_bytes() {
        let mut block = comments("", &["title=A"]);
        block[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut tags = Tags::default();
        assert_eq!(read(&block, &mut tags), None);
        assert_eq!(tags.fields["title"], "A");
    }
}
