//! The sample tables of a track: where its packets lie.

use super::{
    super::Track,
    boxes::{find, full},
};
use crate::{Codec, cursor::Cursor};

/// About how many sample frames a packet of PCM has.
const FRAMES: usize = 4096;

/// The packets that tables tell of.
pub(super) struct Samples<'a> {
    bytes: &'a [u8],
    sizes: Sizes<'a>,
    chunks: Chunks<'a>,
    /// Bytes of a sample of PCM and the like, which are read many at once.
    block: Option<usize>,
    left_in_chunk: u32,
    offset: u64,
    sample: u32,
    /// Bytes that are still to be given: tables that lie may name the same ones again and again.
    budget: usize,
    pub(super) is_broken: bool,
}

/// The sizes of samples.
struct Sizes<'a> {
    count: u32,
    all: u32,
    each: &'a [u8],
    /// Bits of a size.
    bits: u8,
}

impl Sizes<'_> {
    fn of(&self, sample: u32) -> Option<u32> {
        if self.all > 0 {
            return Some(self.all);
        }
        let at = sample as usize;
        match self.bits {
            32 => Cursor::at(self.each, at.checked_mul(4)?).u32_be(),
            16 => Cursor::at(self.each, at.checked_mul(2)?).u16_be().map(u32::from),
            8 => self.each.get(at).copied().map(u32::from),
            _ => self.each.get(at / 2).map(|pair| {
                u32::from(if at.is_multiple_of(2) {
                    pair >> 4
                } else {
                    pair & 15
                })
            }),
        }
    }
}

/// The chunks that samples lie in.
struct Chunks<'a> {
    offsets: &'a [u8],
    is_64: bool,
    count: u32,
    next: u32,
    /// First chunk, samples of a chunk and description, 12 bytes each.
    runs: &'a [u8],
    run: usize,
}

impl Chunks<'_> {
    /// Where the next chunk lies, and its samples.
    fn next(&mut self) -> Option<(u64, u32)> {
        if self.next >= self.count {
            return None;
        }
        let at = self.next as usize;
        let offset = if self.is_64 {
            Cursor::at(self.offsets, at.checked_mul(8)?).u64_be()?
        } else {
            u64::from(Cursor::at(self.offsets, at.checked_mul(4)?).u32_be()?)
        };
        self.next += 1;
        let first = |run: usize| Cursor::at(self.runs, run * 12).u32_be();
        while first(self.run + 1).is_some_and(|first| first <= self.next) {
            self.run += 1;
        }
        let mut cursor = Cursor::at(self.runs, self.run * 12 + 4);
        Some((offset, cursor.u32_be()?))
    }
}

impl<'a> Samples<'a> {
    /// Reads the tables; without them there are no samples.
    pub(super) fn new(bytes: &'a [u8], table: &'a [u8], track: &Track) -> Samples<'a> {
        let entries = |kind: &[u8; 4]| {
            let (_, _, mut cursor) = full(find(table, kind)?)?;
            let count = cursor.u32_be()?;
            Some((count, cursor.rest()))
        };
        let (is_64, (count, offsets)) = match entries(b"co64") {
            Some(entries) => (true, entries),
            None => (false, entries(b"stco").unwrap_or_default()),
        };
        let block = match track.codec {
            Codec::Pcm(..) | Codec::AdpcmImaQt => Some(track.block.bytes.max(1)),
            _ => None,
        };
        Samples {
            bytes,
            sizes: sizes(table).unwrap_or(Sizes {
                count: 0,
                all: 0,
                each: &[],
                bits: 32,
            }),
            chunks: Chunks {
                offsets,
                is_64,
                count,
                next: 0,
                runs: entries(b"stsc").unwrap_or_default().1,
                run: 0,
            },
            block,
            left_in_chunk: 0,
            offset: 0,
            sample: 0,
            budget: bytes.len(),
            is_broken: false,
        }
    }

    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            if self.sample >= self.sizes.count {
                return None;
            }
            if self.left_in_chunk == 0 {
                let Some((offset, samples)) = self.chunks.next() else {
                    // Sizes of more samples than chunks have.
                    self.is_broken = true;
                    self.sample = self.sizes.count;
                    return None;
                };
                (self.offset, self.left_in_chunk) = (offset, samples);
                continue;
            }
            let (samples, size) = match self.block {
                Some(block) => self.run(block),
                None => (1, u64::from(self.sizes.of(self.sample)?)),
            };
            let start = usize::try_from(self.offset).ok()?;
            self.sample += samples;
            self.left_in_chunk -= samples;
            self.offset = self.offset.checked_add(size)?;
            let there = self.bytes.get(start..).unwrap_or_default();
            if size > there.len() as u64 {
                self.is_broken = true;
                // Of PCM what is there can be heard.
                let whole = self.block.map_or(0, |block| there.len() / block * block);
                self.sample = self.sizes.count;
                return (whole > 0).then(|| &there[..whole]);
            }
            let Some(left) = self.budget.checked_sub((size as usize).max(1)) else {
                self.is_broken = true;
                self.sample = self.sizes.count;
                return None;
            };
            self.budget = left;
            if size > 0 {
                return Some(&there[..size as usize]);
            }
        }
    }

    /// How many samples of PCM to read at once, and their bytes. Sizes of 1 stand for a sample of each channel, whatever its
    /// bytes are, and so do those of ADPCM.
    fn run(&self, block: usize) -> (u32, u64) {
        let size = match self.sizes.of(self.sample) {
            Some(size) if self.sizes.all == 0 || size as usize > block => return (1, u64::from(size)),
            Some(size) if size as usize == block => block,
            _ => block,
        };
        let most = (FRAMES / (block / 34).max(1)).max(1) as u32;
        let count = self.left_in_chunk.min(self.sizes.count - self.sample).min(most);
        (count, u64::from(count) * size as u64)
    }
}

fn sizes(table: &[u8]) -> Option<Sizes<'_>> {
    if let Some(body) = find(table, b"stsz") {
        let (_, _, mut cursor) = full(body)?;
        let all = cursor.u32_be()?;
        return Some(Sizes {
            count: cursor.u32_be()?,
            all,
            each: cursor.rest(),
            bits: 32,
        });
    }
    let (_, _, mut cursor) = full(find(table, b"stz2")?)?;
    let bits = cursor.u32_be()? as u8;
    Some(Sizes {
        count: cursor.u32_be()?,
        all: 0,
        each: cursor.rest(),
        bits,
    })
}
