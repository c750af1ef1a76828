//! WAVE in RIFF, RIFX, RF64, BW64 and Wave64.
//!
//! Lengths that lie are not believed: a `data` chunk of 0 or of more bytes than there are goes to the end of the file, as
//! streaming writers leave it. A file whose chunk says more than there is counts as truncated, unless it says 0 or the
//! largest number.
//!
//! Source: Microsoft, "Multimedia Programming Interface and Data Specifications 1.0"; EBU Tech 3306 (RF64).

use gristmill_core::Fault;

use super::{Opened, Packets, Track, blocks::Blocks, chained::elementary, config};
use crate::{
    Codec, Container,
    cursor::Cursor,
    tag::{Tags, id3, utf8_or_latin1},
};

/// Most chunks that are looked at.
const CHUNKS: usize = 100_000;

/// The field of a chunk in an `INFO` list.
fn field(id: &[u8]) -> Option<&'static str> {
    Some(match id {
        b"INAM" | b"TITL" => "title",
        b"IART" => "artist",
        b"IPRD" | b"IALB" => "album",
        b"ICRD" | b"YEAR" => "date",
        b"IGNR" => "genre",
        b"ITRK" | b"IPRT" | b"TRCK" => "track",
        b"ICMT" | b"COMM" => "comment",
        b"ICOP" => "copyright",
        b"ILNG" => "language",
        b"IPUB" => "publisher",
        b"ISFT" => "encoder",
        b"ISRC" => "isrc",
        b"IMUS" => "composer",
        _ => return None,
    })
}

/// What a walk over chunks finds.
#[derive(Default)]
struct Found<'a> {
    format: Option<&'a [u8]>,
    /// Where the sound starts and how long it says that it is.
    data: Option<(usize, u64)>,
    /// Frames that the `fact` chunk tells.
    fact: Option<u64>,
    tags: Tags<'a>,
}

/// Opens WAVE in RIFF and its kin.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let is_big = bytes.starts_with(b"RIFX");
    let is_64 = bytes.starts_with(b"RF64") || bytes.starts_with(b"BW64");
    let mut found = Found::default();
    // Sizes of 64 bits stand in a chunk of their own.
    let mut data_64 = None;
    let mut at = 12;
    for _ in 0..CHUNKS {
        let mut cursor = Cursor::at(bytes, at);
        let Some(id) = cursor.array::<4>() else { break };
        let Some(size) = (if is_big { cursor.u32_be() } else { cursor.u32_le() }) else {
            break;
        };
        let start = cursor.position();
        let body = cursor.rest();
        let body = body.get(..size as usize).unwrap_or(body);
        match &id {
            b"ds64" => {
                let mut sizes = Cursor::new(body);
                data_64 = sizes.u64_le().and_then(|_| sizes.u64_le());
            }
            b"data" if found.data.is_none() => {
                let size = match data_64 {
                    Some(size_64) if is_64 && size == u32::MAX => size_64,
                    _ => u64::from(size),
                };
                found.data = Some((start, size));
                let is_end =
                    size == 0 && next_is_no_chunk(bytes, start) || size >= (bytes.len() - start) as u64;
                if is_end {
                    break;
                }
                at = padded(start, size, bytes);
                continue;
            }
            _ => chunk(&id, body, is_big, &mut found),
        }
        at = padded(start, u64::from(size), bytes);
    }
    finish(bytes, found, Container::Wav, is_big)
}

/// Chunks begin at even places, but some writers forget it.
fn padded(start: usize, size: u64, bytes: &[u8]) -> usize {
    let end = (start as u64).saturating_add(size).min(bytes.len() as u64) as usize;
    let is_id = |at: usize| bytes.get(at..at + 4).is_some_and(is_chunk_id);
    if size % 2 == 1 && (is_id(end + 1) || !is_id(end)) {
        end + 1
    } else {
        end
    }
}

fn is_chunk_id(id: &[u8]) -> bool {
    id.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ' || *byte == b'_')
}

/// A `data` chunk of 0 bytes is the rest of the file, unless another chunk follows at once.
fn next_is_no_chunk(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..at + 4).is_some_and(|id| !is_chunk_id(id))
}

fn chunk<'a>(id: &[u8; 4], body: &'a [u8], is_big: bool, found: &mut Found<'a>) {
    match id {
        b"fmt " if found.format.is_none() => found.format = Some(body),
        b"fact" => {
            let mut cursor = Cursor::new(body);
            let count = if is_big { cursor.u32_be() } else { cursor.u32_le() };
            found.fact = count.map(u64::from);
        }
        b"LIST" if body.starts_with(b"INFO") => info(&body[4..], is_big, &mut found.tags),
        b"id3 " | b"ID3 " => found.tags.add_missing(id3::read(body)),
        b"bext" => broadcast(body, &mut found.tags),
        _ => {}
    }
}

/// Reads the fields of an `INFO` list.
pub(super) fn info(list: &[u8], is_big: bool, tags: &mut Tags<'_>) {
    let mut at = 0;
    while at + 8 <= list.len() {
        let mut cursor = Cursor::at(list, at);
        let (Some(id), Some(size)) = (
            cursor.array::<4>(),
            if is_big { cursor.u32_be() } else { cursor.u32_le() },
        ) else {
            return;
        };
        let value = cursor.rest();
        let value = value.get(..size as usize).unwrap_or(value);
        if let Some(name) = field(&id) {
            tags.add(name, &utf8_or_latin1(value));
        }
        at = padded(at + 8, u64::from(size), list);
    }
}

/// Description and originator of a broadcast extension.
fn broadcast(body: &[u8], tags: &mut Tags<'_>) {
    let text = |range: std::ops::Range<usize>| {
        let field = body.get(range).unwrap_or_default();
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        utf8_or_latin1(&field[..end])
    };
    tags.add("description", &text(0..256));
    tags.add("artist", &text(256..288));
    tags.add("date", &text(320..330));
}

fn finish<'a>(
    bytes: &'a [u8],
    found: Found<'a>,
    container: Container,
    is_big: bool,
) -> Result<Opened<'a>, Fault> {
    let format = found
        .format
        .ok_or_else(|| Fault::malformed("no format chunk before the end"))?;
    let mut track = config::wave_format(format, is_big)?;
    let Some((start, size)) = found.data else {
        return Err(Fault::truncated("no data chunk"));
    };
    let there = &bytes[start..];
    let is_open = size == 0 && next_is_no_chunk(bytes, start) || size >= u64::from(u32::MAX) - 256;
    let data = match usize::try_from(size) {
        Ok(size) if size <= there.len() && !is_open => &there[..size],
        _ => there,
    };
    // Blocks that are begun are no sound; fewer bytes than one of them are not missed.
    let is_cut = !is_open && size.saturating_sub(there.len() as u64) >= track.block.bytes.max(1) as u64;
    let packets = packets(data, &mut track, found.fact, is_cut)?;
    Ok(Opened {
        container,
        track,
        packets,
        tags: found.tags,
    })
}

/// Packets of sound in one piece, whatever its codec.
pub(super) fn packets<'a>(
    data: &'a [u8],
    track: &mut Track,
    fact: Option<u64>,
    is_cut: bool,
) -> Result<Box<dyn Packets<'a> + 'a>, Fault> {
    match track.codec {
        Codec::Pcm(..) | Codec::Gsm | Codec::AdpcmImaQt => {}
        Codec::AdpcmIma | Codec::AdpcmMs | Codec::GsmMs => {
            // The last block is filled up; how much of it is meant stands in the fact chunk.
            let full = data.len().div_ceil(track.block.bytes.max(1)) as u64 * u64::from(track.block.frames);
            track.frames = fact
                .filter(|fact| *fact > 0 && *fact <= full && *fact + u64::from(track.block.frames) > full);
        }
        _ => return elementary(data, track),
    }
    Ok(Box::new(Blocks::new(data, track.block, is_cut)))
}

/// Opens Wave64: chunks have names and sizes of 16 and 8 bytes, and lie at multiples of 8.
pub(crate) fn open_wave64(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let mut found = Found::default();
    let mut at = 40;
    for _ in 0..CHUNKS {
        let mut cursor = Cursor::at(bytes, at);
        let (Some(id), Some(size)) = (cursor.array::<16>(), cursor.u64_le()) else {
            break;
        };
        let start = cursor.position();
        let Some(length) = size.checked_sub(24) else { break };
        let id = [id[0], id[1], id[2], id[3]];
        if &id == b"data" {
            found.data = Some((start, length));
            break;
        }
        let body = cursor.rest();
        let body = usize::try_from(length)
            .ok()
            .and_then(|length| body.get(..length))
            .unwrap_or(body);
        chunk(&id, body, false, &mut found);
        let Some(next) = (at as u64)
            .checked_add(size)
            .and_then(|end| end.checked_next_multiple_of(8))
        else {
            break;
        };
        at = next.min(bytes.len() as u64) as usize;
    }
    finish(bytes, found, Container::Wave64, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(data_size: u32, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        file.extend(8000u32.to_le_bytes());
        file.extend(16000u32.to_le_bytes());
        file.extend([2, 0, 16, 0]);
        file.extend(b"data");
        file.extend(data_size.to_le_bytes());
        file.extend_from_slice(data);
        file
    }

    fn read(file: &[u8]) -> (usize, bool) {
        let mut opened = open(file).unwrap();
        let mut length = 0;
        while let Some(packet) = opened.packets.next() {
            length += packet.data.len();
        }
        (length, opened.packets.is_broken())
    }

    #[test]
    fn lengths_that_lie_are_not_believed() {
        assert_eq!(read(&wav(4, &[1, 0, 2, 0, 9, 9])), (4, false));
        assert_eq!(read(&wav(0, &[1, 0xff, 2, 0])), (4, false));
        assert_eq!(read(&wav(u32::MAX, &[1, 0, 2, 0])), (4, false));
        assert_eq!(read(&wav(400, &[1, 0, 2, 0])), (4, true));
    }

    #[test]
    fn a_half_sample_is_left_out() {
        assert_eq!(read(&wav(5, &[1, 0, 2, 0, 3])), (4, false));
    }
}
