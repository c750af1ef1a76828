//! What `moov` tells of the sound: iTunes' list of fields, covers, and chapters of two kinds.

use std::borrow::Cow;

use super::{
    super::Track,
    boxes::{Boxes, find, full},
    samples::Samples,
};
use crate::{
    Codec,
    cursor::Cursor,
    tag::{CHAPTERS, Cover, Tags, utf8_or_latin1},
};

/// A field that is none of the sound: what iTunes tells of frames that are not heard.
pub(super) const PRIMING: &str = "itunes_priming";

fn field(kind: &[u8; 4]) -> Option<&'static str> {
    Some(match kind {
        b"\xa9nam" | b"titl" => "title",
        b"\xa9ART" | b"perf" => "artist",
        b"\xa9alb" | b"albm" => "album",
        b"aART" => "album_artist",
        b"\xa9wrt" | b"\xa9com" => "composer",
        b"\xa9gen" => "genre",
        b"\xa9day" => "date",
        b"\xa9cmt" => "comment",
        b"\xa9lyr" => "lyrics",
        b"cprt" | b"\xa9cpy" => "copyright",
        b"\xa9pub" => "publisher",
        b"\xa9too" | b"\xa9swr" => "encoder",
        b"desc" | b"ldes" | b"dscp" => "description",
        b"purl" => "podcast_url",
        _ => return None,
    })
}

/// Reads the fields of a movie.
pub(super) fn read(movie: &[u8]) -> Tags<'_> {
    let mut tags = Tags::default();
    let data = find(movie, b"udta").unwrap_or_default();
    let meta = find(data, b"meta").or_else(|| find(movie, b"meta"));
    // QuickTime's has no version.
    let list = meta.and_then(|meta| {
        let inner = meta.get(4..)?;
        find(inner, b"ilst").or_else(|| find(meta, b"ilst"))
    });
    for item in Boxes::new(list.unwrap_or_default()) {
        add(&item.kind, item.body, &mut tags);
    }
    // QuickTime's own fields: a length and a language before the text.
    for found in Boxes::new(data).filter(|found| found.kind[0] == 0xa9) {
        if let (Some(name), Some(text)) = (field(&found.kind), found.body.get(4..)) {
            let length = found
                .body
                .first_chunk::<2>()
                .map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
            tags.add(name, &utf8_or_latin1(text.get(..length).unwrap_or(text)));
        }
    }
    if let Some(list) = find(data, b"chpl") {
        let _ = nero(list, &mut tags);
    }
    tags
}

fn add<'a>(kind: &[u8; 4], item: &'a [u8], tags: &mut Tags<'a>) {
    if kind == b"----" {
        let name = find(item, b"name").and_then(|name| name.get(4..));
        let value = find(item, b"data")
            .and_then(|data| data.get(8..))
            .unwrap_or_default();
        match name {
            Some(b"iTunSMPB") => tags.add(PRIMING, &utf8_or_latin1(value)),
            Some(name) => crate::tag::vorbis::add(tags, &utf8_or_latin1(name), &utf8_or_latin1(value)),
            None => {}
        }
        return;
    }
    for data in Boxes::new(item).filter(|found| &found.kind == b"data") {
        let Some(value) = data.body.get(8..) else { continue };
        match kind {
            b"covr" => tags.add_cover(Cover {
                bytes: Cow::Borrowed(value),
                is_front: true,
            }),
            b"trkn" | b"disk" => {
                let number = Cursor::at(value, 2).u16_be().filter(|number| *number > 0);
                let name = if kind == b"trkn" { "track" } else { "disc" };
                tags.add(name, &number.map(|number| number.to_string()).unwrap_or_default());
            }
            _ => {
                if let Some(name) = field(kind) {
                    tags.add(name, &utf8_or_latin1(value));
                }
            }
        }
    }
}

/// Chapters as Nero writes them: times in units of 100 ns.
fn nero(body: &[u8], tags: &mut Tags<'_>) -> Option<()> {
    let (version, _, mut cursor) = full(body)?;
    if version > 0 {
        cursor.skip(4)?;
    }
    let count = cursor.u8()?;
    for _ in 0..count {
        let start = cursor.u64_be()? as f64 / 1e7;
        let length = usize::from(cursor.u8()?);
        tags.add_chapter(start, None, &utf8_or_latin1(cursor.take(length)?));
    }
    Some(())
}

/// Chapters as QuickTime has them: samples of a text track that the sound track names.
pub(super) fn chapters(bytes: &[u8], movie: &[u8], sound: &[u8], tags: &mut Tags<'_>) {
    if tags.chapters.is_empty() {
        let _ = text_track(bytes, movie, sound, tags);
    }
}

fn text_track(bytes: &[u8], movie: &[u8], sound: &[u8], tags: &mut Tags<'_>) -> Option<()> {
    let id = Cursor::new(find(find(sound, b"tref")?, b"chap")?).u32_be()?;
    let track = Boxes::new(movie)
        .filter(|found| &found.kind == b"trak")
        .find(|found| {
            let told = find(found.body, b"tkhd").and_then(full);
            let told = told.and_then(|(version, _, mut cursor)| {
                cursor.skip(if version == 1 { 16 } else { 8 })?;
                cursor.u32_be()
            });
            told == Some(id)
        })?;
    let media = find(track.body, b"mdia")?;
    let (version, _, mut cursor) = full(find(media, b"mdhd")?)?;
    cursor.skip(if version == 1 { 16 } else { 8 })?;
    let scale = f64::from(cursor.u32_be()?.max(1));
    let table = find(find(media, b"minf")?, b"stbl")?;
    let (_, _, mut times) = full(find(table, b"stts")?)?;
    times.skip(4)?;
    let mut samples = Samples::new(bytes, table, &Track::new(Codec::Other("text"), 1, 1));
    let (mut left, mut each, mut at) = (0, 0, 0u64);
    for _ in 0..CHAPTERS {
        let Some(sample) = samples.next() else { break };
        while left == 0 {
            (left, each) = (times.u32_be()?, times.u32_be()?);
        }
        left -= 1;
        let end = at + u64::from(each);
        let length = usize::from(Cursor::new(sample).u16_be().unwrap_or(0));
        let text = sample
            .get(2..)
            .and_then(|text| text.get(..length))
            .unwrap_or_default();
        tags.add_chapter(at as f64 / scale, Some(end as f64 / scale), &utf8_or_latin1(text));
        at = end;
    }
    Some(())
}
