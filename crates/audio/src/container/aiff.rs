//! AIFF and AIFF-C.
//!
//! Source: Apple, "Audio Interchange File Format AIFF-C", draft of 1991; the compression types of QuickTime.

use gristmill_core::Fault;

use super::{Block, Opened, Track, config, wav};
use crate::{
    Codec, Container,
    cursor::Cursor,
    format::Sample,
    tag::{Tags, id3, utf8_or_latin1},
};

/// Most chunks that are looked at.
const CHUNKS: usize = 100_000;

/// Opens AIFF.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let is_compressed = bytes[8..].starts_with(b"AIFC");
    let mut tags = Tags::default();
    let (mut common, mut data, mut is_cut) = (None, None, false);
    let mut at = 12;
    for _ in 0..CHUNKS {
        let mut cursor = Cursor::at(bytes, at);
        let (Some(id), Some(size)) = (cursor.array::<4>(), cursor.u32_be()) else {
            break;
        };
        let (start, size) = (cursor.position(), size as usize);
        let there = cursor.rest();
        let body = there.get(..size).unwrap_or(there);
        match &id {
            b"COMM" => common = Some(body),
            b"SSND" if data.is_none() => {
                let offset = Cursor::new(body).u32_be().unwrap_or(0) as usize;
                data = Some(body.get(8usize.saturating_add(offset)..).unwrap_or_default());
                is_cut = size > there.len();
            }
            b"NAME" => tags.add("title", &utf8_or_latin1(body)),
            b"AUTH" => tags.add("artist", &utf8_or_latin1(body)),
            b"(c) " => tags.add("copyright", &utf8_or_latin1(body)),
            b"ANNO" => tags.add("comment", &utf8_or_latin1(body)),
            b"ID3 " | b"id3 " => tags.add_missing(id3::read(body)),
            _ => {}
        }
        at = start.saturating_add(size).saturating_add(size % 2);
    }
    let common = common.ok_or_else(|| Fault::malformed("no common chunk"))?;
    let (mut track, frames) =
        describe(common, is_compressed).ok_or_else(|| Fault::truncated("common chunk ends early"))??;
    let data = match data {
        Some(data) => data,
        None if frames == 0 => &[],
        None => return Err(Fault::truncated("no sound data chunk")),
    };
    let packets = wav::packets(data, &mut track, None, is_cut)?;
    Ok(Opened {
        container: Container::Aiff,
        track,
        packets,
        tags,
    })
}

/// The track, and its frames, of a common chunk.
fn describe(common: &[u8], is_compressed: bool) -> Option<Result<(Track, u32), Fault>> {
    let mut cursor = Cursor::new(common);
    let channels = cursor.u16_be()?;
    let frames = cursor.u32_be()?;
    let bits = cursor.u16_be()?;
    let rate = extended(cursor.array()?);
    let kind = if is_compressed {
        cursor.array::<4>()?
    } else {
        *b"NONE"
    };
    let rate = rate.round();
    if channels == 0 || !(1.0..=4e9).contains(&rate) {
        return Some(Err(Fault::malformed(format!("{channels} channels at {rate} Hz"))));
    }
    let rate = rate as u32;
    let whole = |is_big: bool| {
        let sample = Sample::integer(usize::from(bits.div_ceil(8)), false);
        let track = sample.map(|sample| config::pcm(sample, is_big, rate, channels, Some(bits)));
        track.ok_or_else(|| Fault::unsupported(format!("PCM of {bits} bits")))
    };
    let of = |sample: Sample, is_big: bool| Ok(config::pcm(sample, is_big, rate, channels, None));
    let track = match &kind {
        b"NONE" | b"none" | b"twos" => whole(true),
        b"sowt" => whole(false),
        b"raw " => of(Sample::U8, true),
        b"in24" => of(Sample::S24, true),
        b"in32" => of(Sample::S32, true),
        b"42ni" => of(Sample::S24, false),
        b"23ni" => of(Sample::S32, false),
        b"fl32" | b"FL32" => of(Sample::F32, true),
        b"fl64" | b"FL64" => of(Sample::F64, true),
        b"alaw" | b"ALAW" => of(Sample::Alaw, true),
        b"ulaw" | b"ULAW" => of(Sample::Mulaw, true),
        b"ima4" => Ok(Track {
            block: Block {
                bytes: 34 * usize::from(channels),
                frames: 64,
            },
            ..Track::new(Codec::AdpcmImaQt, rate, channels)
        }),
        b"GSM " | b"agsm" => Ok(Track {
            block: Block {
                bytes: 33,
                frames: 160,
            },
            ..Track::new(Codec::Gsm, rate, channels)
        }),
        other => Err(Fault::unsupported(format!(
            "AIFF-C codec {}",
            other.escape_ascii()
        ))),
    };
    Some(track.map(|track| (track, frames)))
}

/// An 80-bit number of IEEE 754.
fn extended(bytes: [u8; 10]) -> f64 {
    let mut cursor = Cursor::new(&bytes);
    let head = cursor.u16_be().unwrap_or(0);
    let fraction = cursor.u64_be().unwrap_or(0);
    let exponent = i32::from(head & 0x7fff) - 16383 - 63;
    let magnitude = fraction as f64 * f64::from(exponent).exp2();
    if head & 0x8000 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_of_80_bits() {
        assert_eq!(extended([0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]), 44_100.0);
        assert_eq!(extended([0; 10]), 0.0);
    }
}
