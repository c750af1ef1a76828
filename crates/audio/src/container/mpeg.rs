//! Streams of MPEG audio frames, layers I to III.
//!
//! Frames are found by their headers: a place is believed where two headers of one stream follow each other at the distance
//! that they tell. What lies between frames is passed over. A Xing, Info or VBRI frame is no sound; its count of frames
//! tells whether the stream is whole, and LAME's numbers how much of its first and last frames is heard.
//!
//! Source: ISO 11172-3, ISO 13818-3; LAME's "mp3 info tag rev 1"; Fraunhofer's VBRI.

use std::borrow::Cow;

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track, adts, loas};
use crate::{
    Codec, Container,
    cursor::Cursor,
    tag::{Tags, ape, id3},
};

/// How far from the start the first frame is looked for.
const SEARCH: usize = 1 << 18;
/// Frames that layer III's decoder is late by, beyond what an encoder tells.
const DECODER_DELAY: u64 = 529;

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// 3 for MPEG-1, 2 for MPEG-2, 0 for MPEG-2.5.
    version: u8,
    pub(crate) layer: u8,
    pub(crate) rate: u32,
    pub(crate) channels: u16,
    /// Bytes of the frame with its header.
    pub(crate) length: usize,
    /// Samples of a channel.
    pub(crate) frames: u32,
}

impl FrameHeader {
    /// Reads a header; none where these bytes are none, or one of a free bitrate.
    pub(crate) fn read(bytes: &[u8]) -> Option<FrameHeader> {
        const RATES: [u32; 3] = [44_100, 48_000, 32_000];
        const KBITS: [[u32; 14]; 5] = [
            [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
            [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
            [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        let [first, second, third, fourth] = *bytes.first_chunk()?;
        if first != 0xff || second & 0xe0 != 0xe0 {
            return None;
        }
        let version = second >> 3 & 3;
        let layer = 4 - (second >> 1 & 3);
        if version == 1 || layer == 4 {
            return None;
        }
        let table = match (version, layer) {
            (3, layer) => usize::from(layer) - 1,
            (_, 1) => 3,
            _ => 4,
        };
        let kbits = *KBITS[table].get(usize::from(third >> 4).checked_sub(1)?)?;
        let rate = *RATES.get(usize::from(third >> 2 & 3))?;
        let rate = match version {
            3 => rate,
            2 => rate / 2,
            _ => rate / 4,
        };
        let padding = u32::from(third >> 1 & 1);
        let (length, frames) = match (layer, version) {
            (1, _) => ((12_000 * kbits / rate + padding) * 4, 384),
            (3, 0 | 2) => (72_000 * kbits / rate + padding, 576),
            _ => (144_000 * kbits / rate + padding, 1152),
        };
        Some(FrameHeader {
            version,
            layer,
            rate,
            channels: if fourth >> 6 == 3 { 1 } else { 2 },
            length: length as usize,
            frames,
        })
    }

    /// Whether a frame with this header may stand in one stream with it.
    fn is_kin(&self, other: &FrameHeader) -> bool {
        (self.version, self.layer, self.rate) == (other.version, other.layer, other.rate)
    }

    fn codec(self) -> Codec {
        match self.layer {
            1 => Codec::Mp1,
            2 => Codec::Mp2,
            _ => Codec::Mp3,
        }
    }
}

/// How many frames of one stream follow each other from here, up to `most`; and whether the bytes end with or in the last.
fn chain(bytes: &[u8], most: usize) -> (usize, bool) {
    let mut first = None;
    let mut at = 0;
    for count in 0..most {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.len() < 4 {
            return (count, true);
        }
        let Some(header) = FrameHeader::read(rest) else {
            return (count, rest.starts_with(b"TAG") || rest.starts_with(b"APETAGEX"));
        };
        if !first.get_or_insert(header).is_kin(&header) {
            return (count, false);
        }
        at += header.length;
    }
    (most, false)
}

/// Whether a stream begins here, with as many frames as it takes to believe it.
fn is_stream(bytes: &[u8], enough: usize) -> bool {
    let (count, is_end) = chain(bytes, enough);
    count >= enough || count > 0 && is_end
}

/// The container of a file that begins like none of those with a name: frames of MPEG audio or AAC.
pub(crate) fn container(bytes: &[u8]) -> Option<Container> {
    if adts::is_stream(bytes, 2) {
        return Some(Container::Adts);
    }
    if loas::is_stream(bytes, 2) {
        return Some(Container::Loas);
    }
    if is_stream(bytes, 2) {
        return Some(Container::Mpeg);
    }
    let searched = &bytes[..bytes.len().min(SEARCH)];
    let candidates = searched
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, byte)| matches!(**byte, 0xff | 0x56));
    for (at, _) in candidates {
        let rest = &bytes[at..];
        if chain(rest, 4).0 == 4 {
            return Some(Container::Mpeg);
        }
        if adts::is_stream(rest, 4) && rest.len() > 64 {
            return Some(Container::Adts);
        }
        if loas::is_stream(rest, 4) && rest.len() > 64 {
            return Some(Container::Loas);
        }
    }
    None
}

/// What a Xing, Info or VBRI frame tells.
#[derive(Debug, Clone, Copy, Default)]
struct Info {
    frames: Option<u64>,
    /// Frames that the encoder put before and after the sound.
    pads: Option<(u64, u64)>,
}

/// Reads the first frame of a stream as one that tells of the others.
fn info(frame: &[u8], header: FrameHeader) -> Option<Info> {
    let at = match (header.version, header.channels) {
        (3, 1) => 21,
        (3, _) => 36,
        (_, 1) => 13,
        _ => 21,
    };
    let mut cursor = Cursor::at(frame, at);
    match cursor.array::<4>()? {
        [b'X', b'i', b'n', b'g'] | [b'I', b'n', b'f', b'o'] => {}
        _ => {
            let mut cursor = Cursor::at(frame, 36);
            if cursor.take(4)? != b"VBRI" {
                return None;
            }
            cursor.skip(10)?;
            return Some(Info {
                frames: cursor.u32_be().map(u64::from),
                pads: None,
            });
        }
    }
    let flags = cursor.u32_be()?;
    let mut info = Info::default();
    if flags & 1 != 0 {
        info.frames = Some(u64::from(cursor.u32_be()?));
    }
    let left = [(2, 4), (4, 100), (8, 4)];
    for (flag, length) in left {
        if flags & flag != 0 {
            cursor.skip(length)?;
        }
    }
    let Some(version) = cursor.array::<9>() else {
        return Some(info);
    };
    let is_telling = [b"LAME", b"Lavf", b"Lavc"]
        .iter()
        .any(|name| version.starts_with(*name));
    if is_telling && cursor.skip(12).is_some() {
        info.pads = cursor
            .u24_be()
            .map(|pads| (u64::from(pads >> 12), u64::from(pads & 0xfff)));
    }
    Some(info)
}

/// Opens a stream of frames.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let bytes = &bytes[..ape::end_of_sound(bytes)];
    let mut frames = Frames::new(bytes);
    let Some((first, header)) = frames.find() else {
        return Err(Fault::truncated("no frame"));
    };
    let mut track = Track {
        packet_frames: Some(header.frames),
        ..Track::new(header.codec(), header.rate, header.channels)
    };
    let mut start = first;
    let frame = &bytes[first..];
    if let Some(info) = info(frame.get(..header.length).unwrap_or(frame), header) {
        start = bytes.len().min(start + header.length);
        let mut counted = Frames::new(&bytes[start..]);
        let mut count = 0u64;
        while let Some((_, header)) = counted.find() {
            if count == 0 {
                track.channels = header.channels;
            }
            count += 1;
        }
        if let Some((before, after)) = info.pads {
            track.skip = before + DECODER_DELAY;
            // As FFmpeg does: what the header says of the end holds only where the stream is what it tells of.
            if info.frames.is_some_and(|told| told == count) {
                let heard = count * u64::from(header.frames);
                track.frames = Some(heard.saturating_sub(before + after.max(DECODER_DELAY)));
            }
        }
        frames.is_broken |= info.frames.is_some_and(|told| told > count + 1);
    }
    frames.at = start;
    frames.stream = Some(header);
    Ok(Opened {
        container: Container::Mpeg,
        track,
        packets: Box::new(frames),
        tags: Tags::default(),
    })
}

/// The frames of a stream.
struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    stream: Option<FrameHeader>,
    is_broken: bool,
}

impl<'a> Frames<'a> {
    fn new(bytes: &'a [u8]) -> Frames<'a> {
        Frames {
            bytes,
            at: 0,
            stream: None,
            is_broken: false,
        }
    }

    /// The place and header of the next frame; the last one may be cut.
    fn find(&mut self) -> Option<(usize, FrameHeader)> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| rest.len() >= 4)?;
            let header = FrameHeader::read(rest)
                .filter(|header| self.stream.is_none_or(|stream| stream.is_kin(header)));
            match header {
                Some(header) if self.stream.is_some() || is_stream(rest, self.enough()) => {
                    self.stream.get_or_insert(header);
                    let at = self.at;
                    self.at += header.length;
                    self.is_broken |= header.length > rest.len();
                    return Some((at, header));
                }
                _ => self.search(rest)?,
            }
        }
    }

    /// Goes to the next place where frames of the stream may go on.
    fn search(&mut self, rest: &[u8]) -> Option<()> {
        let tag = id3::after(rest);
        if tag.len() < rest.len() {
            self.at += rest.len() - tag.len();
            return Some(());
        }
        let is_padding = rest.iter().all(|byte| *byte == 0);
        self.is_broken |= self.stream.is_some() && !is_padding;
        let found = (1..rest.len()).find(|&at| {
            rest[at] == 0xff
                && FrameHeader::read(&rest[at..])
                    .is_some_and(|header| self.stream.is_none_or(|stream| stream.is_kin(&header)))
                && is_stream(&rest[at..], self.enough())
        });
        self.at += found?;
        Some(())
    }

    /// Frames that have to follow each other to be believed: of a stream that is known already, fewer.
    fn enough(&self) -> usize {
        if self.stream.is_some() || self.at == 0 {
            2
        } else {
            4
        }
    }
}

impl<'a> Packets<'a> for Frames<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        let (at, header) = self.find()?;
        let frame = &self.bytes[at..];
        let data = match frame.get(..header.length) {
            Some(frame) => Cow::Borrowed(frame),
            // Its sound may stand in the frames before it: zeros take the place of what is missing, as in FFmpeg.
            None => {
                let mut frame = frame.to_vec();
                frame.resize(header.length, 0);
                Cow::Owned(frame)
            }
        };
        Some(Packet {
            data,
            ..Packet::default()
        })
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of 128 kbit/s at 44.1 kHz: 417 bytes each.
    fn frames(count: usize) -> Vec<u8> {
        let mut frame = vec![0xff, 0xfb, 0x90, 0x00];
        frame.resize(417, 0x55);
        frame.repeat(count)
    }

    fn count(bytes: &[u8]) -> (usize, bool) {
        let mut opened = open(bytes).unwrap();
        let mut count = 0;
        while opened.packets.next().is_some() {
            count += 1;
        }
        (count, opened.packets.is_broken())
    }

    #[test]
    fn headers_tell_length_and_rate() {
        let header = FrameHeader::read(&[0xff, 0xfb, 0x90, 0x00]).unwrap();
        assert_eq!(
            (header.length, header.rate, header.channels, header.frames),
            (417, 44_100, 2, 1152)
        );
        assert_eq!(FrameHeader::read(&[0xff, 0xfb, 0xf0, 0x00]), None);
        assert_eq!(FrameHeader::read(&[0xff, 0xfb, 0x00, 0x00]), None);
    }

    #[test]
    fn what_lies_between_frames_is_passed_over() {
        let mut file = frames(3);
        file.extend(b"garbage\xff\xfb");
        file.extend(frames(3));
        assert_eq!(count(&file), (6, true));
        assert_eq!(count(&frames(3)), (3, false));
        assert_eq!(count(&frames(3)[..1000]), (3, true));
    }

    #[test]
    fn frames_after_garbage_are_a_stream() {
        let mut file = vec![0u8; 1000];
        file.extend(frames(5));
        assert_eq!(container(&file), Some(Container::Mpeg));
        assert_eq!(container(&[0xff; 1000]), None);
        assert_eq!(container(b"no sound at all"), None);
    }
}
