//! Sound that lies in one piece: PCM, and codecs whose blocks are of one size.

use super::{Block, Packet, Packets};

/// About how many sample frames a packet has.
const FRAMES: usize = 4096;

/// Cuts a piece of bytes into packets of whole blocks.
#[derive(Debug)]
pub(crate) struct Blocks<'a> {
    rest: &'a [u8],
    packet: usize,
    block: usize,
    is_broken: bool,
}

impl<'a> Blocks<'a> {
    /// `is_cut` tells that bytes are missing at the end.
    pub(crate) fn new(bytes: &'a [u8], block: Block, is_cut: bool) -> Blocks<'a> {
        let size = block.bytes.max(1);
        let count = (FRAMES / block.frames.max(1) as usize).max(1);
        Blocks {
            rest: bytes,
            packet: size * count,
            block: size,
            is_broken: is_cut,
        }
    }
}

impl<'a> Packets<'a> for Blocks<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        let length = self.packet.min(self.rest.len() / self.block * self.block);
        if length == 0 {
            // A last block of ADPCM may be short.
            let last = std::mem::take(&mut self.rest);
            return (last.len() > 4 && self.block > 32).then(|| Packet::of(last));
        }
        let (packet, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(Packet::of(packet))
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
