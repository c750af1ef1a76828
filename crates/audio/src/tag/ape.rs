//! APE tags, version 2, at the end of a file.
//!
//! Source: wiki.hydrogenaud.io, "APEv2 specification".

use super::{Tags, utf8_or_latin1, vorbis};
use crate::{cursor::Cursor, tag::id3};

/// Length of a header or a footer.
const EDGE: usize = 32;

/// Where the sound ends: before an APE tag and an ID3 tag of version 1.
pub(crate) fn end_of_sound(bytes: &[u8]) -> usize {
    let end = bytes.len() - id3::version1(bytes).map_or(0, <[u8]>::len);
    find(bytes, end).map_or(end, |start| start)
}

/// Where the tag that ends at `end` starts.
fn find(bytes: &[u8], end: usize) -> Option<usize> {
    let footer = bytes.get(end.checked_sub(EDGE)?..end)?;
    let mut cursor = Cursor::new(footer);
    if cursor.take(8)? != b"APETAGEX" {
        return None;
    }
    cursor.skip(4)?;
    let size = cursor.u32_le()? as usize;
    cursor.skip(4)?;
    let has_header = cursor.u32_le()? & 0x8000_0000 != 0;
    let size = size.checked_add(if has_header { EDGE } else { 0 })?;
    end.checked_sub(size)
}

/// What the tag tells.
pub(crate) fn read(bytes: &[u8]) -> Tags<'static> {
    let mut tags = Tags::default();
    let end = bytes.len() - id3::version1(bytes).map_or(0, <[u8]>::len);
    if let Some(start) = find(bytes, end) {
        let _ = read_items(&bytes[start..end - EDGE], &mut tags);
    }
    tags
}

fn read_items(items: &[u8], tags: &mut Tags<'static>) -> Option<()> {
    let mut cursor = Cursor::new(items);
    if items.starts_with(b"APETAGEX") {
        cursor.skip(EDGE)?;
    }
    while !cursor.rest().is_empty() {
        let size = cursor.u32_le()? as usize;
        let flags = cursor.u32_le()?;
        let name = cursor.rest().iter().position(|&byte| byte == 0)?;
        let name = utf8_or_latin1(cursor.take(name)?);
        cursor.skip(1)?;
        let value = cursor.take(size)?;
        // Bits 1 and 2 are 0 for text.
        if flags & 6 == 0 {
            vorbis::add(tags, &name, &utf8_or_latin1(value));
        }
    }
    Some(())
}
