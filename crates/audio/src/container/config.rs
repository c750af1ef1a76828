//! How RIFF's format tags and sizes describe a codec.

use gristmill_core::Fault;

use super::Track;
use crate::{Codec, cursor::Cursor, format::Sample};

/// Sizes of what PCM and ADPCM come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// Bytes of a block: of PCM a sample of each channel.
    pub(crate) bytes: usize,
    /// Frames that a block decodes to: 1 for PCM.
    pub(crate) frames: u32,
}

impl Block {
    /// A block of PCM.
    pub(crate) fn pcm(sample: Sample, channels: u16) -> Block {
        Block {
            bytes: sample.bytes() * usize::from(channels),
            frames: 1,
        }
    }
}

/// A track of PCM.
pub(crate) fn pcm(sample: Sample, is_big: bool, rate: u32, channels: u16, bits: Option<u16>) -> Track {
    let depth = match sample {
        Sample::Alaw | Sample::Mulaw => 8,
        other => other.bytes() as u16 * 8,
    };
    Track {
        block: Block::pcm(sample, channels),
        bit_depth: Some(bits.filter(|bits| (1..=depth).contains(bits)).unwrap_or(depth)),
        ..Track::new(Codec::Pcm(sample, is_big), rate, channels)
    }
}

/// Reads a `WAVEFORMATEX`, as WAVE, AVI and Matroska have it. `is_big` is for RIFX.
pub(crate) fn wave_format(bytes: &[u8], is_big: bool) -> Result<Track, Fault> {
    parse(bytes, is_big).ok_or_else(|| Fault::truncated("format of the sound ends early"))?
}

fn parse(bytes: &[u8], is_big: bool) -> Option<Result<Track, Fault>> {
    let mut cursor = Cursor::new(bytes);
    let u16_of = |cursor: &mut Cursor<'_>| if is_big { cursor.u16_be() } else { cursor.u16_le() };
    let u32_of = |cursor: &mut Cursor<'_>| if is_big { cursor.u32_be() } else { cursor.u32_le() };
    let mut tag = u16_of(&mut cursor)?;
    let channels = u16_of(&mut cursor)?;
    let rate = u32_of(&mut cursor)?;
    let _bytes_per_second = u32_of(&mut cursor)?;
    let align = usize::from(u16_of(&mut cursor)?);
    let bits = u16_of(&mut cursor).unwrap_or(8);
    let extra_length = u16_of(&mut cursor).unwrap_or(0);
    let mut extra = cursor.rest();
    extra = extra.get(..usize::from(extra_length)).unwrap_or(extra);
    let mut valid = None;
    if tag == 0xfffe && extra.len() >= 22 {
        let mut inner = Cursor::new(extra);
        valid = u16_of(&mut inner);
        inner.skip(4)?;
        tag = u16_of(&mut inner)?;
        extra = &extra[22..];
    }
    if channels == 0 || rate == 0 {
        return Some(Err(Fault::malformed(format!("{channels} channels at {rate} Hz"))));
    }
    // Where samples are stored in more bytes than they need, the size of a block tells it.
    let stored = match align / usize::from(channels) {
        bytes @ 1..=8 if align.is_multiple_of(usize::from(channels)) => bytes,
        _ => usize::from(bits.div_ceil(8)),
    };
    let bits_of = valid.filter(|valid| *valid > 0).unwrap_or(bits);
    let of_pcm = |sample: Sample| pcm(sample, is_big, rate, channels, Some(bits_of));
    let adpcm = |codec: Codec, frames: u32| Track {
        block: Block { bytes: align, frames },
        setup: extra.to_vec(),
        ..Track::new(codec, rate, channels)
    };
    let coded = |codec: Codec| Track {
        setup: extra.to_vec(),
        ..Track::new(codec, rate, channels)
    };
    let track = match tag {
        1 => match Sample::integer(stored, true) {
            Some(sample) => of_pcm(sample),
            None => return Some(Err(Fault::unsupported(format!("PCM of {bits} bits")))),
        },
        3 if stored == 4 => of_pcm(Sample::F32),
        3 if stored == 8 => of_pcm(Sample::F64),
        6 => of_pcm(Sample::Alaw),
        7 => of_pcm(Sample::Mulaw),
        2 => {
            let header = 7 * usize::from(channels);
            let frames = (align.checked_sub(header)? * 2 / usize::from(channels)) as u32 + 2;
            adpcm(Codec::AdpcmMs, frames)
        }
        0x11 if bits == 4 => {
            let header = 4 * usize::from(channels);
            let frames = (align.checked_sub(header)? * 2 / usize::from(channels)) as u32 + 1;
            adpcm(Codec::AdpcmIma, frames)
        }
        0x31 => Track {
            block: Block {
                bytes: 65,
                frames: 320,
            },
            ..Track::new(Codec::GsmMs, rate, channels)
        },
        0x50 => coded(Codec::Mp2),
        0x55 => coded(Codec::Mp3),
        0xff | 0x1600 | 0x706d => coded(Codec::Aac),
        0x1601 | 0x1602 => coded(Codec::AacLatm),
        0x2000 => coded(Codec::Other("ac3")),
        0x2001 => coded(Codec::Other("dts")),
        0x160 => coded(Codec::Other("wmav1")),
        0x161 => coded(Codec::Other("wmav2")),
        0xf1ac => coded(Codec::Flac),
        0x704f => coded(Codec::Opus),
        other => return Some(Err(Fault::unsupported(format!("WAVE codec {other:#06x}")))),
    };
    Some(Ok(track))
}
