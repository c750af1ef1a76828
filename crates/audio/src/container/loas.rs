//! Streams of AAC frames in LOAS with LATM.
//!
//! Source: ISO 14496-3, section 1.7.

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track};
use crate::{Codec, Container, tag::Tags};

/// Length of a frame with its header of three bytes.
fn length(bytes: &[u8]) -> Option<usize> {
    let [a, b, c] = *bytes.first_chunk()?;
    (a == 0x56 && b & 0xe0 == 0xe0).then_some(3 + (usize::from(b & 0x1f) << 8 | usize::from(c)))
}

/// Whether a stream begins here: so many frames follow each other, or the bytes end with or in one before.
pub(super) fn is_stream(bytes: &[u8], enough: usize) -> bool {
    let mut at = 0;
    for count in 0..enough {
        let rest = bytes.get(at..).unwrap_or_default();
        if count > 0 && rest.len() < 3 {
            return at <= bytes.len() || count > 1;
        }
        let Some(length) = length(rest).filter(|length| *length > 3) else {
            return false;
        };
        at += length;
    }
    true
}

/// Opens a stream of frames. Rate and channels are what its first frame decodes to.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    Ok(Opened {
        container: Container::Loas,
        track: Track::new(Codec::AacLatm, 44_100, 2),
        packets: Box::new(Frames {
            rest: bytes,
            is_broken: false,
        }),
        tags: Tags::default(),
    })
}

struct Frames<'a> {
    rest: &'a [u8],
    is_broken: bool,
}

impl<'a> Packets<'a> for Frames<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let length =
                length(self.rest).filter(|length| is_stream(self.rest, 2) || *length == self.rest.len());
            if let Some(length) = length {
                if length > self.rest.len() {
                    self.is_broken = true;
                    self.rest = &[];
                    return None;
                }
                let (packet, rest) = self.rest.split_at(length);
                self.rest = rest;
                return Some(Packet::of(packet));
            }
            if self.rest.len() < 3 {
                return None;
            }
            self.is_broken = true;
            let next =
                (1..self.rest.len()).find(|&at| self.rest[at] == 0x56 && is_stream(&self.rest[at..], 2))?;
            self.rest = &self.rest[next..];
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
