//! What a movie says of itself: the metadata of iTunes and QuickTime.
//!
//! Places are left out: `©xyz`, `loci` and the keys of QuickTime that name a location.

use super::boxes::Box;
use crate::read::fields::{u16_be, u32_be};

/// Most tags, and longest value.
const TAGS_MAX: usize = 64;
const VALUE_MAX: usize = 4096;

/// The tags of a movie: names by FFmpeg's words where there is one.
pub(super) fn read(movie: &Box<'_>) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    if let Some(user) = movie.child(b"udta") {
        if let Some(meta) = user.child(b"meta") {
            read_meta(&meta, &mut tags);
        }
        // The texts of QuickTime: length, language, text.
        for found in user.children(0) {
            if let (Some(name), Some(length)) = (name_of(found.kind), u16_be(found.body, 0))
                && let Some(text) = found
                    .body
                    .get(4..)
                    .and_then(|rest| rest.get(..usize::from(length)))
            {
                push(&mut tags, name.to_owned(), text);
            }
        }
    }
    if let Some(meta) = movie.child(b"meta") {
        read_meta(&meta, &mut tags);
    }
    tags
}

fn read_meta(meta: &Box<'_>, tags: &mut Vec<(String, String)>) {
    // A full box in MP4, a plain one in QuickTime.
    let skip = if meta.body.get(4..8) == Some(b"hdlr") {
        0
    } else {
        4
    };
    let child = |kind: &[u8; 4]| meta.children(skip).find(|found| found.kind == *kind);
    let Some(list) = child(b"ilst") else {
        return;
    };
    let keys: Vec<&[u8]> = child(b"keys")
        .map(|keys| keys.children(8).take(TAGS_MAX).map(|key| key.body).collect())
        .unwrap_or_default();
    for item in list.children(0).take(TAGS_MAX) {
        let Some(data) = item.child(b"data") else {
            continue;
        };
        if u32_be(data.body, 0) != Some(1) {
            continue;
        }
        let index = u32::from_be_bytes(item.kind) as usize;
        let key = index.checked_sub(1).and_then(|index| keys.get(index));
        let name = match key {
            Some(key) => {
                let key = String::from_utf8_lossy(key);
                let key = key.strip_prefix("com.apple.quicktime.").unwrap_or(&key);
                (!key.contains("location")).then(|| key.to_owned())
            }
            None => name_of(item.kind).map(str::to_owned),
        };
        if let Some(name) = name {
            push(tags, name, data.body.get(8..).unwrap_or_default());
        }
    }
}

fn push(tags: &mut Vec<(String, String)>, name: String, value: &[u8]) {
    let value = &value[..value.len().min(VALUE_MAX)];
    let value = String::from_utf8_lossy(value).trim_end_matches('\0').to_owned();
    if tags.len() < TAGS_MAX && !value.is_empty() && !tags.iter().any(|(known, _)| *known == name) {
        tags.push((name, value));
    }
}

fn name_of(kind: [u8; 4]) -> Option<&'static str> {
    Some(match &kind {
        b"\xa9nam" => "title",
        b"\xa9ART" => "artist",
        b"\xa9alb" => "album",
        b"\xa9day" => "date",
        b"\xa9cmt" => "comment",
        b"\xa9gen" => "genre",
        b"\xa9too" | b"\xa9swr" => "encoder",
        b"\xa9des" | b"desc" => "description",
        b"\xa9cpy" | b"cprt" => "copyright",
        b"\xa9mak" => "make",
        b"\xa9mod" => "model",
        b"\xa9wrt" => "composer",
        _ => return None,
    })
}
