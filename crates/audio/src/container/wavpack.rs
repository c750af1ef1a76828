//! WavPack 4 and 5.
//!
//! A packet is the blocks of one stretch of all channels: from the one that is marked as the first to the one that is marked as the
//! last. Where no block begins, it is looked for further on. Correction files (`.wvc`) are not read: hybrid sound is what it is
//! without them. DSD is not decoded.
//!
//! Source: David Bryant, "WavPack 4 & 5 binary file/block format".

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track};
use crate::{
    Codec, Container,
    cursor::Cursor,
    tag::{Tags, ape},
};

/// Bytes of the header of a block.
pub(crate) const HEADER: usize = 32;
/// Most samples of a channel in a block that are believed.
pub(crate) const FRAMES_MAX: u32 = 1 << 20;
/// Longest block, as the format has it.
const LONGEST: usize = 1 << 20;
/// Most blocks of a packet, and of those before the first sound.
const BLOCKS: usize = 4096;

const MONO: u32 = 1 << 2;
const HYBRID: u32 = 1 << 3;
pub(crate) const FLOATS: u32 = 1 << 7;
const FIRST: u32 = 1 << 11;
const LAST: u32 = 1 << 12;
const DSD: u32 = 1 << 31;

/// A block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    bytes: &'a [u8],
    /// Samples of a channel; none in blocks of tags and checksums.
    pub(crate) frames: u32,
    pub(crate) flags: u32,
    total: Option<u64>,
}

impl<'a> Block<'a> {
    /// The block that begins with `bytes`.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Block<'a>> {
        let mut cursor = Cursor::new(bytes);
        if cursor.take(4)? != b"wvpk" {
            return None;
        }
        let length = (cursor.u32_le()? as usize).checked_add(8)?;
        let version = cursor.u16_le()?;
        let (_, total_high) = (cursor.u8()?, cursor.u8()?);
        let total = cursor.u32_le()?;
        let (_, frames, flags) = (cursor.u32_le()?, cursor.u32_le()?, cursor.u32_le()?);
        let is_block = (HEADER..=LONGEST + 8).contains(&length)
            && (0x402..=0x410).contains(&version)
            && frames <= FRAMES_MAX;
        // All ones where the encoder could not tell.
        let total = (total != u32::MAX)
            .then(|| u64::from(total) + (u64::from(total_high) << 32) - u64::from(total_high));
        is_block.then_some(Block {
            bytes: bytes.get(..length).unwrap_or(bytes),
            frames,
            flags,
            total,
        })
    }

    fn is_whole(&self) -> bool {
        let length = Cursor::at(self.bytes, 4).u32_le().unwrap_or(0) as usize + 8;
        self.bytes.len() == length
    }

    fn channels(&self) -> u16 {
        if self.flags & MONO != 0 { 1 } else { 2 }
    }

    /// Bytes of a stored sample.
    pub(crate) fn sample_bytes(&self) -> u32 {
        (self.flags & 3) + 1
    }

    fn rate(&self) -> Option<u32> {
        const RATES: [u32; 15] = [
            6000, 8000, 9600, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200,
            96_000, 192_000,
        ];
        let index = (self.flags >> 23 & 15) as usize;
        RATES.get(index).copied().or_else(|| self.own_rate())
    }

    /// A rate that is not of the table stands in a part of its own.
    fn own_rate(&self) -> Option<u32> {
        let mut cursor = Cursor::at(self.bytes, HEADER);
        loop {
            let id = cursor.u8()?;
            let words = match id & 0x80 {
                0 => usize::from(cursor.u8()?),
                _ => {
                    let [low, middle, high] = cursor.array()?;
                    u32::from_le_bytes([low, middle, high, 0]) as usize
                }
            };
            let body = cursor.take(words * 2)?;
            if id & 0x3f == 0x27 {
                let length = body.len() - usize::from(id & 0x40 != 0).min(body.len());
                let digits = body[..length.min(4)].iter().rev();
                return Some(digits.fold(0, |rate, &byte| rate << 8 | u32::from(byte)));
            }
        }
    }
}

/// Opens WavPack.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let bytes = &bytes[..ape::end_of_sound(bytes)];
    let mut at = 0;
    let mut first = None;
    let mut channels = 0u16;
    let mut has_blocks = false;
    // The channels of the first stretch add up.
    for _ in 0..BLOCKS {
        let Some(block) = bytes.get(at..).and_then(Block::read) else {
            break;
        };
        has_blocks = true;
        at += block.bytes.len();
        if block.frames == 0 {
            continue;
        }
        first.get_or_insert(block);
        channels = channels.saturating_add(block.channels());
        if block.flags & LAST != 0 {
            break;
        }
    }
    let first = first.ok_or_else(|| {
        if has_blocks {
            Fault::truncated("no block with sound")
        } else {
            Fault::malformed("header of a block is damaged")
        }
    })?;
    let codec = if first.flags & DSD != 0 {
        Codec::Other("wavpack_dsd")
    } else {
        Codec::WavPack
    };
    let rate = first.rate().ok_or_else(|| Fault::malformed("no sample rate"))?;
    let bits = (first.sample_bytes() * 8).saturating_sub(first.flags >> 13 & 31);
    Ok(Opened {
        container: Container::WavPack,
        track: Track {
            bit_depth: (first.flags & HYBRID == 0).then_some(bits as u16),
            frames: first.total,
            ..Track::new(codec, rate, channels)
        },
        packets: Box::new(Blocks {
            bytes,
            at: 0,
            is_broken: false,
        }),
        tags: Tags::default(),
    })
}

/// Blocks, gathered to stretches.
struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
    is_broken: bool,
}

impl<'a> Packets<'a> for Blocks<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        let mut start = self.at;
        let mut is_open = false;
        let mut count = 0;
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let Some(block) = Block::read(rest) else {
                // What stands behind the last block may be a tag.
                let found = rest[1..].windows(4).position(|window| window == b"wvpk");
                self.at += found.map_or(rest.len(), |found| found + 1);
                self.is_broken |= found.is_some() || is_open;
                is_open = false;
                continue;
            };
            let from = self.at;
            self.at += block.bytes.len();
            if !block.is_whole() {
                self.is_broken = true;
            }
            if block.frames == 0 {
                if !is_open {
                    continue;
                }
            } else if block.flags & FIRST != 0 {
                self.is_broken |= is_open;
                (start, count, is_open) = (from, 0, true);
            } else if !is_open {
                // The blocks before it are missing.
                self.is_broken = true;
                continue;
            }
            count += 1;
            if block.frames > 0 && (block.flags & LAST != 0 || count > BLOCKS) {
                return Some(Packet::of(&self.bytes[start..self.at]));
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}

/// Frames of a packet.
pub(crate) fn frames(packet: &[u8]) -> Option<u32> {
    Block::read(packet).map(|block| block.frames)
}
