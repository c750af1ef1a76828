//! How many sample frames packets decode to, from their first bytes.

use crate::{
    Codec,
    container::{Track, mpeg::FrameHeader, wavpack},
};

/// Counts the frames of the packets of a track, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Timer {
    codec: Codec,
    block: (usize, u32),
    packet_frames: Option<u32>,
    vorbis: Option<VorbisModes>,
    before: Option<u32>,
}

impl Timer {
    pub(crate) fn new(track: &Track) -> Timer {
        Timer {
            codec: track.codec,
            block: (track.block.bytes.max(1), track.block.frames),
            packet_frames: track.packet_frames,
            vorbis: (track.codec == Codec::Vorbis)
                .then(|| VorbisModes::of(&track.setup))
                .flatten(),
            before: None,
        }
    }

    /// The frames of the next packet; none where they do not stand in it.
    pub(crate) fn frames(&mut self, packet: &[u8]) -> Option<u32> {
        match self.codec {
            Codec::Pcm(..) => Some((packet.len() / self.block.0) as u32),
            Codec::AdpcmIma | Codec::AdpcmImaQt | Codec::AdpcmMs | Codec::Gsm | Codec::GsmMs => {
                Some(packet.len().div_ceil(self.block.0) as u32 * self.block.1)
            }
            Codec::Mp1 | Codec::Mp2 | Codec::Mp3 => FrameHeader::read(packet).map(|header| header.frames),
            Codec::Aac if packet.len() > 6 && packet[0] == 0xff && packet[1] & 0xf6 == 0xf0 => self
                .packet_frames
                .map(|frames| frames * (u32::from(packet[6] & 3) + 1)),
            Codec::Alac => alac_frames(packet).or(self.packet_frames),
            Codec::Flac => flac_frames(packet),
            Codec::Opus => opus_frames(packet),
            Codec::WavPack => wavpack::frames(packet),
            Codec::Vorbis => {
                let block = self.vorbis.as_ref()?.block(packet)?;
                let before = self.before.replace(block);
                Some(before.map_or(0, |before| (before + block) / 4))
            }
            Codec::Aac | Codec::AacLatm | Codec::Tta | Codec::Other(_) => self.packet_frames,
        }
    }
}

/// Frames at 48 kHz; RFC 6716, section 3.1.
fn opus_frames(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    let kind = u32::from(toc >> 3);
    let frame = match kind {
        0..=11 => [480, 960, 1920, 2880][(kind & 3) as usize],
        12..=15 => [480, 960][(kind & 1) as usize],
        _ => [120, 240, 480, 960][(kind & 3) as usize],
    };
    let count = match toc & 3 {
        0 => 1,
        3 => u32::from(rest.first()? & 0x3f),
        _ => 2,
    };
    Some(frame * count).filter(|frames| *frames <= 5760)
}

/// The number in a last packet that is shorter than the others.
fn alac_frames(packet: &[u8]) -> Option<u32> {
    // Three bits of kind, four of number, twelve unused, then a mark, three bits and the number.
    let head = u64::from_be_bytes(*packet.first_chunk()?);
    let is_partial = head >> 44 & 1 == 1;
    is_partial.then_some((head >> 9) as u32)
}

/// The size of the block in a frame's header.
fn flac_frames(packet: &[u8]) -> Option<u32> {
    let number = packet.get(4)?.leading_ones().max(1) as usize;
    let at = 4 + number;
    Some(match packet[2] >> 4 {
        0 => return None,
        1 => 192,
        size @ 2..=5 => 576 << (size - 2),
        6 => u32::from(*packet.get(at)?) + 1,
        7 => u32::from(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?])) + 1,
        size => 256 << (size - 8),
    })
}

/// The sizes of Vorbis' blocks.
#[derive(Debug, Clone)]
struct VorbisModes {
    sizes: [u32; 2],
    /// Whether blocks of each mode are long.
    is_long: Vec<bool>,
}

impl VorbisModes {
    /// Reads them of identification and setup header, one after the other or laced. The modes stand at the end of the
    /// setup header, after what can only be told by reading all of it; so they are read backwards, as FFmpeg does.
    fn of(setup: &[u8]) -> Option<VorbisModes> {
        let at = setup.windows(7).position(|window| window == b"\x01vorbis")?;
        let sizes = *setup.get(at + 28)?;
        let sizes = [1 << (sizes & 15), 1 << (sizes >> 4)];
        let bit = |at: usize| setup[at / 8] >> (at % 8) & 1;
        let mut at = setup.len() * 8;
        // The mark that ends the header.
        while at > 0 && bit(at - 1) == 0 {
            at -= 1;
        }
        at = at.checked_sub(1)?;
        let back = |at: &mut usize, count: usize| {
            let value = (0..count)
                .map(|step| bit(*at - 1 - step))
                .fold(0u32, |value, bit| value << 1 | u32::from(bit));
            *at -= count;
            value
        };
        let mut is_long = Vec::new();
        let mut found = None;
        while at > 100 && is_long.len() < 64 {
            if back(&mut at, 8) > 63 || back(&mut at, 16) != 0 || back(&mut at, 16) != 0 {
                break;
            }
            is_long.push(back(&mut at, 1) == 1);
            if back(&mut { at }, 6) as usize + 1 == is_long.len() {
                found = Some(is_long.len());
            }
        }
        is_long.truncate(found?);
        is_long.reverse();
        Some(VorbisModes { sizes, is_long })
    }

    fn block(&self, packet: &[u8]) -> Option<u32> {
        let first = *packet.first()?;
        if first & 1 == 1 {
            return None;
        }
        let bits = usize::BITS - (self.is_long.len() - 1).leading_zeros();
        let mode = usize::from(first >> 1) & ((1 << bits) - 1);
        let is_long = *self.is_long.get(mode)?;
        Some(self.sizes[usize::from(is_long)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opus_packets_tell_their_frames() {
        assert_eq!(opus_frames(&[0xfc]), Some(960));
        assert_eq!(opus_frames(&[0xfd, 0]), Some(1920));
        assert_eq!(opus_frames(&[0xff, 3]), Some(2880));
        assert_eq!(opus_frames(&[0xff, 63]), None);
        assert_eq!(opus_frames(&[]), None);
    }
}
