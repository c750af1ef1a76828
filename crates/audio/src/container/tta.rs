//! True Audio, TTA1.
//!
//! After the header stands the length of every frame; all frames but the last are of one number of samples, 256/245 seconds of them.
//! Where the table is damaged, so are the places of frames, and the sound ends there. Encrypted streams are not read.
//!
//! Source: True Audio codec, format description 1 (`TTA1`).

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track};
use crate::{
    Codec, Container,
    cursor::Cursor,
    tag::{Tags, ape},
};

/// Bytes of the header with its checksum.
const HEADER: usize = 22;

/// Frames of all packets but the last.
fn packet_frames(rate: u32) -> u32 {
    (u64::from(rate) * 256 / 245) as u32
}

/// Opens TTA1.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let bytes = &bytes[..ape::end_of_sound(bytes)];
    let header = || {
        let mut cursor = Cursor::at(bytes, 4);
        let (format, channels, bits) = (cursor.u16_le()?, cursor.u16_le()?, cursor.u16_le()?);
        let (rate, frames) = (cursor.u32_le()?, cursor.u32_le()?);
        Some((format, channels, bits, rate, frames))
    };
    let truncated = || Fault::truncated("header of 22 bytes ends early");
    let (format, channels, bits, rate, frames) = header().ok_or_else(truncated)?;
    if format != 1 {
        return Err(Fault::unsupported(format!("True Audio of format {format}")));
    }
    let length = packet_frames(rate);
    if length == 0 {
        return Err(Fault::malformed(format!("sample rate of {rate} Hz")));
    }
    let count = frames.div_ceil(length) as usize;
    let table = bytes.get(HEADER..).ok_or_else(truncated)?;
    let sizes = table.get(..count.saturating_mul(4));
    let sizes = sizes.ok_or_else(|| Fault::truncated(format!("table of {count} frames ends early")))?;
    Ok(Opened {
        container: Container::Tta,
        track: Track {
            bit_depth: Some(bits),
            setup: bytes[..HEADER].to_vec(),
            frames: Some(u64::from(frames)),
            packet_frames: Some(length),
            ..Track::new(Codec::Tta, rate, channels)
        },
        packets: Box::new(Frames {
            sizes,
            // The table has a checksum behind it.
            rest: table.get(sizes.len() + 4..).unwrap_or_default(),
            is_broken: false,
        }),
        tags: Tags::default(),
    })
}

/// Frames by the table of their lengths.
struct Frames<'a> {
    sizes: &'a [u8],
    rest: &'a [u8],
    is_broken: bool,
}

impl<'a> Packets<'a> for Frames<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        let (size, sizes) = self.sizes.split_first_chunk::<4>()?;
        self.sizes = sizes;
        let size = u32::from_le_bytes(*size) as usize;
        let Some((frame, rest)) = self.rest.split_at_checked(size).filter(|_| size > 0) else {
            self.sizes = &[];
            self.is_broken = true;
            return None;
        };
        self.rest = rest;
        Some(Packet::of(frame))
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
