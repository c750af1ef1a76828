//! Streams of AAC frames with ADTS headers.
//!
//! Frames are found as those of MPEG audio are. Source: ISO 13818-7, section 6.2.

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track};
use crate::{
    Codec, Container,
    tag::{Tags, ape, id3},
};

const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/// The header of a frame.
#[derive(Debug, Clone, Copy)]
struct FrameHeader {
    /// What all frames of a stream share: version, protection, profile and rate.
    kind: [u8; 2],
    rate: u32,
    channels: u16,
    length: usize,
}

impl FrameHeader {
    fn read(bytes: &[u8]) -> Option<FrameHeader> {
        let [a, b, c, d, e, f, _] = *bytes.first_chunk::<7>()?;
        if a != 0xff || b & 0xf6 != 0xf0 {
            return None;
        }
        let length = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        let channels = match (c & 1) << 2 | d >> 6 {
            // The stream tells its channels itself.
            0 => 2,
            7 => 8,
            other => u16::from(other),
        };
        Some(FrameHeader {
            kind: [b & 0xf8, c & 0xfc],
            rate: *RATES.get(usize::from(c >> 2 & 15))?,
            channels,
            length,
        })
        .filter(|header| header.length >= 7)
    }
}

/// Whether a stream begins here: so many frames follow each other, or the bytes end with or in one before.
pub(super) fn is_stream(bytes: &[u8], enough: usize) -> bool {
    let mut at = 0;
    let mut kind = None;
    for count in 0..enough {
        let rest = bytes.get(at..).unwrap_or_default();
        if count > 0 && rest.len() < 7 {
            // One that says it is longer than what is there is believed after others only.
            return at <= bytes.len() || count > 1;
        }
        let Some(header) = FrameHeader::read(rest) else {
            return count > 0 && rest.starts_with(b"TAG");
        };
        if *kind.get_or_insert(header.kind) != header.kind {
            return false;
        }
        at += header.length;
    }
    true
}

/// Opens a stream of frames.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let mut frames = Frames {
        bytes: &bytes[..ape::end_of_sound(bytes)],
        at: 0,
        kind: None,
        is_broken: false,
    };
    let Some((first, header)) = frames.find() else {
        return Err(Fault::truncated("no whole frame"));
    };
    frames.at = first;
    Ok(Opened {
        container: Container::Adts,
        track: Track::new(Codec::Aac, header.rate, header.channels),
        packets: Box::new(frames),
        tags: Tags::default(),
    })
}

struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    kind: Option<[u8; 2]>,
    is_broken: bool,
}

impl Frames<'_> {
    fn find(&mut self) -> Option<(usize, FrameHeader)> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| rest.len() >= 7)?;
            let header =
                FrameHeader::read(rest).filter(|header| self.kind.is_none_or(|kind| kind == header.kind));
            if let Some(header) = header.filter(|_| self.kind.is_some() || is_stream(rest, 2)) {
                if header.length > rest.len() {
                    self.at = self.bytes.len();
                    self.is_broken = true;
                    return None;
                }
                self.kind.get_or_insert(header.kind);
                let at = self.at;
                self.at += header.length;
                return Some((at, header));
            }
            let tag = id3::after(rest);
            if tag.len() < rest.len() {
                self.at += rest.len() - tag.len();
                continue;
            }
            self.is_broken |= self.kind.is_some();
            let found = (1..rest.len()).find(|&at| {
                rest[at] == 0xff
                    && FrameHeader::read(&rest[at..])
                        .is_some_and(|header| self.kind.is_none_or(|kind| kind == header.kind))
                    && is_stream(&rest[at..], 2)
            });
            self.at += found?;
        }
    }
}

impl<'a> Packets<'a> for Frames<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        let (at, header) = self.find()?;
        Some(Packet::of(&self.bytes[at..at + header.length]))
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
