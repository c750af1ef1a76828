//! Native FLAC.
//!
//! A frame ends where the next one's header begins and the checksum over what lies between is right. Where no checksum is
//! right, a frame is damaged: it is left out, and the frames that are missing by the numbers of those around it are silence,
//! so that what follows stays in its place.
//!
//! Source: RFC 9639.

use std::borrow::Cow;

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track};
use crate::{
    Codec, Container,
    cursor::Cursor,
    tag::{Tags, ape, vorbis},
};

/// Length of the body of STREAMINFO.
const INFO: usize = 34;
/// Most metadata blocks that are looked at.
const BLOCKS: usize = 10_000;
/// Most missing frames that silence is put for.
const SILENCE: u64 = 1 << 19;
/// Places that look like headers, but after which no checksum is right, until a frame counts as damaged. Chance gives hardly
/// one in a frame.
const CANDIDATES: usize = 64;

/// What STREAMINFO tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamInfo {
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    pub(crate) bits: u16,
    /// 0 where it is not told.
    pub(crate) frames: u64,
    longest_block: u16,
}

impl StreamInfo {
    /// Reads the body of the block.
    pub(crate) fn read(body: &[u8]) -> Option<StreamInfo> {
        let mut cursor = Cursor::new(body.get(..INFO)?);
        cursor.skip(2)?;
        let longest_block = cursor.u16_be()?;
        cursor.skip(6)?;
        let packed = cursor.u64_be()?;
        Some(StreamInfo {
            rate: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u16 + 1,
            bits: (packed >> 36 & 31) as u16 + 1,
            frames: packed & 0xf_ffff_ffff,
            longest_block,
        })
    }

    /// A track whose setup is the block's body.
    pub(crate) fn track(&self, body: &[u8]) -> Track {
        Track {
            bit_depth: Some(self.bits),
            setup: body[..INFO].to_vec(),
            frames: (self.frames > 0).then_some(self.frames),
            ..Track::new(Codec::Flac, self.rate, self.channels)
        }
    }
}

/// Reads a metadata block other than STREAMINFO.
pub(crate) fn metadata<'a>(kind: u8, body: &'a [u8], tags: &mut Tags<'a>) {
    match kind {
        4 => drop(vorbis::read(body, tags)),
        6 => {
            if let Some(cover) = vorbis::picture(body) {
                tags.add_cover(cover);
            }
        }
        _ => {}
    }
}

/// Opens FLAC.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let bytes = &bytes[..ape::end_of_sound(bytes)];
    let mut tags = Tags::default();
    let mut info = None;
    let mut cursor = Cursor::at(bytes, 4);
    for _ in 0..BLOCKS {
        let (Some(head), Some(size)) = (cursor.u8(), cursor.u24_be()) else {
            return Err(Fault::truncated("metadata blocks end early"));
        };
        let Some(body) = cursor.take(size as usize) else {
            return Err(Fault::truncated("metadata blocks end early"));
        };
        match head & 0x7f {
            0 => info = info.or_else(|| StreamInfo::read(body).map(|info| (info, body))),
            kind => metadata(kind, body, &mut tags),
        }
        if head & 0x80 != 0 {
            break;
        }
    }
    let (info, body) = info.ok_or_else(|| Fault::malformed("no STREAMINFO"))?;
    let track = info.track(body);
    Ok(Opened {
        container: Container::Flac,
        packets: Box::new(Frames {
            bytes,
            at: cursor.position(),
            info,
            expected: None,
            is_broken: false,
        }),
        track,
        tags,
    })
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// The number of its first sample.
    start: u64,
    pub(crate) frames: u32,
    rate: u32,
    channels: u16,
    bits: u16,
}

impl FrameHeader {
    /// Reads a header whose checksum is right.
    pub(crate) fn read(bytes: &[u8], info: Option<&StreamInfo>) -> Option<FrameHeader> {
        let mut cursor = Cursor::new(bytes);
        let [sync, strategy, sizes, kind] = cursor.array()?;
        if sync != 0xff || strategy & 0xfe != 0xf8 || kind & 1 != 0 {
            return None;
        }
        let is_variable = strategy & 1 == 1;
        let number = utf8_number(&mut cursor)?;
        let frames = match sizes >> 4 {
            0 => return None,
            1 => 192,
            size @ 2..=5 => 576 << (size - 2),
            6 => u32::from(cursor.u8()?) + 1,
            7 => u32::from(cursor.u16_be()?) + 1,
            size => 256 << (size - 8),
        };
        let rate = match sizes & 15 {
            0 => info?.rate,
            rate @ 1..=11 => [
                88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
            ][usize::from(rate) - 1],
            12 => u32::from(cursor.u8()?) * 1000,
            13 => u32::from(cursor.u16_be()?),
            14 => u32::from(cursor.u16_be()?) * 10,
            _ => return None,
        };
        let channels = match kind >> 4 {
            channels @ 0..=7 => u16::from(channels) + 1,
            8..=10 => 2,
            _ => return None,
        };
        let bits = match kind >> 1 & 7 {
            0 => info?.bits,
            3 => return None,
            bits => [0, 8, 12, 0, 16, 20, 24, 32][usize::from(bits)],
        };
        let length = cursor.position();
        if crc8(&bytes[..length]) != cursor.u8()? {
            return None;
        }
        let start = if is_variable {
            number
        } else {
            number * u64::from(info.map_or(frames, |info| u32::from(info.longest_block).max(frames)))
        };
        Some(FrameHeader {
            start,
            frames,
            rate,
            channels,
            bits,
        })
    }

    fn is_of(&self, info: &StreamInfo) -> bool {
        self.channels == info.channels && self.rate == info.rate && self.bits == info.bits
    }
}

/// A number in the manner of UTF-8, of up to 36 bits.
fn utf8_number(cursor: &mut Cursor<'_>) -> Option<u64> {
    let first = cursor.u8()?;
    let ones = first.leading_ones();
    match ones {
        0 => return Some(u64::from(first)),
        1 | 8 => return None,
        _ => {}
    }
    let mut number = u64::from(first) & (0x7f >> ones);
    for _ in 1..ones {
        let next = cursor.u8()?;
        if next & 0xc0 != 0x80 {
            return None;
        }
        number = number << 6 | u64::from(next & 0x3f);
    }
    Some(number)
}

struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    info: StreamInfo,
    /// The number of the sample that comes next, once there was a frame.
    expected: Option<u64>,
    is_broken: bool,
}

impl<'a> Frames<'a> {
    /// The header of a frame of this stream at a place.
    fn header(&self, at: usize) -> Option<FrameHeader> {
        let header = FrameHeader::read(self.bytes.get(at..)?, Some(&self.info))?;
        header.is_of(&self.info).then_some(header)
    }

    /// Where the frame at a place ends, and whether its checksum is right; none where no end is found.
    fn end(&self, at: usize, header: &FrameHeader) -> Option<(usize, bool)> {
        let mut checked = at;
        let mut crc = 0;
        let mut plausible = None;
        // No frame is longer than its samples stored as they are, with some room for headers.
        let longest = (header.frames as usize * usize::from(header.channels) * 5).max(64) + 64;
        let end = self.bytes.len().min(at + longest);
        let (mut from, mut candidates) = (at + 6, 0);
        while let Some(found) = find_sync(&self.bytes[..end], from) {
            from = found + 1;
            let Some(next) = self.header(found) else {
                continue;
            };
            crc = crc16(crc, &self.bytes[checked..found]);
            checked = found;
            if crc == 0 {
                return Some((found, true));
            }
            if next.start == header.start + u64::from(header.frames) {
                plausible.get_or_insert(found);
            }
            candidates += 1;
            if candidates == CANDIDATES {
                return plausible.map(|found| (found, false));
            }
        }
        if end == self.bytes.len() && crc16(crc, &self.bytes[checked..end]) == 0 {
            return Some((end, true));
        }
        plausible.map(|found| (found, false))
    }
}

/// The next place with the two bytes that frames begin with.
fn find_sync(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let pairs = rest.iter().zip(rest.get(1..)?);
    let found = pairs
        .enumerate()
        .find(|(_, (a, b))| **a == 0xff && **b & 0xfe == 0xf8);
    found.map(|(at, _)| from + at)
}

impl<'a> Packets<'a> for Frames<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let Some(header) = self.header(self.at) else {
                let next = find_sync(self.bytes, self.at + 1);
                // Zeros after the last frame are padding.
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                self.is_broken |= rest.iter().any(|byte| *byte != 0);
                self.at = next?;
                continue;
            };
            match self.end(self.at, &header) {
                Some((end, true)) => {
                    let packet = &self.bytes[self.at..end];
                    let missing = self
                        .expected
                        .map_or(0, |expected| header.start.saturating_sub(expected));
                    if missing > 0 && missing <= SILENCE {
                        self.is_broken = true;
                        self.expected = Some(header.start);
                        return Some(Packet {
                            lost: missing as u32,
                            data: Cow::Borrowed(&[]),
                            ..Packet::default()
                        });
                    }
                    self.expected = Some(header.start + u64::from(header.frames));
                    self.at = end;
                    return Some(Packet::of(packet));
                }
                Some((end, false)) => {
                    self.is_broken = true;
                    self.expected.get_or_insert(header.start);
                    self.at = end;
                }
                None => {
                    self.is_broken = true;
                    self.at += 2;
                }
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}

/// The checksum of a frame's header.
pub(crate) fn crc8(bytes: &[u8]) -> u8 {
    const TABLE: [u8; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let mut crc = at as u8;
            let mut bit = 0;
            while bit < 8 {
                crc = crc << 1 ^ if crc & 0x80 != 0 { 7 } else { 0 };
                bit += 1;
            }
            table[at] = crc;
            at += 1;
        }
        table
    };
    bytes.iter().fold(0, |crc, &byte| TABLE[usize::from(crc ^ byte)])
}

/// Tables that take the checksum of a frame over eight bytes at once.
static CRC16: [[u16; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut at = 0;
    while at < 256 {
        let mut crc = (at as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = crc << 1 ^ if crc & 0x8000 != 0 { 0x8005 } else { 0 };
            bit += 1;
        }
        tables[0][at] = crc;
        at += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut at = 0;
        while at < 256 {
            let before = tables[table - 1][at];
            tables[table][at] = before << 8 ^ tables[0][(before >> 8) as usize];
            at += 1;
        }
        table += 1;
    }
    tables
};

/// The checksum of a frame, continued from `crc`; 0 over a frame with its checksum.
pub(crate) fn crc16(mut crc: u16, bytes: &[u8]) -> u16 {
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let [a, b] = crc.to_be_bytes();
        crc = CRC16[7][usize::from(eight[0] ^ a)]
            ^ CRC16[6][usize::from(eight[1] ^ b)]
            ^ CRC16[5][usize::from(eight[2])]
            ^ CRC16[4][usize::from(eight[3])]
            ^ CRC16[3][usize::from(eight[4])]
            ^ CRC16[2][usize::from(eight[5])]
            ^ CRC16[1][usize::from(eight[6])]
            ^ CRC16[0][usize::from(eight[7])];
    }
    for &byte in rest {
        crc = crc << 8 ^ CRC16[0][usize::from((crc >> 8) as u8 ^ byte)];
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_catalogue() {
        // CRC-8/SMBUS and CRC-16/UMTS of "123456789".
        assert_eq!(crc8(b"123456789"), 0xf4);
        assert_eq!(crc16(0, b"123456789"), 0xfee8);
    }

    #[test]
    fn numbers_are_as_in_utf8() {
        let number = |bytes: &[u8]| utf8_number(&mut Cursor::new(bytes));
        assert_eq!(number(&[0x41]), Some(0x41));
        assert_eq!(number(&[0xc2, 0xa9]), Some(0xa9));
        assert_eq!(number(&[0xfe, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81]), Some(1));
        assert_eq!(number(&[0x80]), None);
    }
}
