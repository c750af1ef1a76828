//! The first sound track of an MPEG transport stream.
//!
//! Source: ISO 13818-1.

use std::borrow::Cow;

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track, chained::Gathered};
use crate::{Codec, Container, cursor::Cursor, tag::Tags};

const PACKET: usize = 188;

/// The payloads of packets with some number, and whether a unit starts with them.
#[derive(Clone)]
struct Payloads<'a> {
    bytes: &'a [u8],
    at: usize,
    is_broken: bool,
}

impl<'a> Payloads<'a> {
    fn next(&mut self) -> Option<(u16, bool, &'a [u8])> {
        loop {
            let packet = self.bytes.get(self.at..self.at + PACKET)?;
            if packet[0] != 0x47 {
                self.is_broken = true;
                let rest = &self.bytes[self.at + 1..];
                let is_start =
                    |at: &usize| rest[*at] == 0x47 && rest.get(at + PACKET).is_none_or(|next| *next == 0x47);
                self.at += 1 + (0..rest.len()).find(is_start)?;
                continue;
            }
            self.at += PACKET;
            let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
            let control = packet[3] >> 4 & 3;
            let start = if control & 2 != 0 {
                5 + usize::from(packet[4])
            } else {
                4
            };
            let is_scrambled = packet[3] >> 6 != 0;
            if control & 1 == 0 || is_scrambled {
                continue;
            }
            if let Some(payload) = packet.get(start..) {
                return Some((pid, packet[1] & 0x40 != 0, payload));
            }
        }
    }
}

/// Opens a stream.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let payloads = Payloads {
        bytes,
        at: 0,
        is_broken: false,
    };
    let (pid, codec) = find(payloads.clone()).ok_or_else(|| Fault::malformed("no stream of sound"))?;
    let mut track = Track::new(codec, 48_000, 2);
    let units = Units {
        payloads,
        pid,
        has_begun: false,
    };
    let packets: Box<dyn Packets<'_> + '_> = match codec {
        Codec::Other(_) => Box::new(units),
        _ => Gathered::open(Box::new(units), &mut track)?,
    };
    Ok(Opened {
        container: Container::MpegTs,
        track,
        packets,
        tags: Tags::default(),
    })
}

/// The number and codec of the first stream of sound.
fn find(mut payloads: Payloads<'_>) -> Option<(u16, Codec)> {
    let mut maps = Vec::new();
    while let Some((pid, is_start, payload)) = payloads.next() {
        if !is_start {
            continue;
        }
        let section = payload.get(1 + usize::from(*payload.first()?)..);
        if pid == 0 {
            maps.extend(section.and_then(programs).unwrap_or_default());
        } else if maps.contains(&pid)
            && let Some(found) = section.and_then(sound)
        {
            return Some(found);
        }
    }
    None
}

/// The body of a section, without its header of eight bytes and its checksum.
fn body(section: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes([*section.get(1)? & 0x0f, *section.get(2)?]));
    let end = (3 + length)
        .min(section.len())
        .checked_sub(if 3 + length <= section.len() { 4 } else { 0 })?;
    section.get(8..end)
}

fn programs(section: &[u8]) -> Option<Vec<u16>> {
    let entries = body(section)?.chunks_exact(4);
    let pid = |entry: &[u8]| u16::from_be_bytes([entry[2] & 0x1f, entry[3]]);
    Some(entries.filter(|entry| entry[..2] != [0, 0]).map(pid).collect())
}

fn sound(section: &[u8]) -> Option<(u16, Codec)> {
    let mut cursor = Cursor::new(body(section)?);
    cursor.skip(2)?;
    let length = cursor.u16_be()? & 0x0fff;
    cursor.skip(usize::from(length))?;
    loop {
        let kind = cursor.u8()?;
        let pid = cursor.u16_be()? & 0x1fff;
        let length = cursor.u16_be()? & 0x0fff;
        let descriptors = cursor.take(usize::from(length))?;
        let codec = match kind {
            3 | 4 => Codec::Mp3,
            0x0f => Codec::Aac,
            0x11 => Codec::AacLatm,
            0x81 => Codec::Other("ac3"),
            0x87 => Codec::Other("eac3"),
            0x82 | 0x85 | 0x86 | 0x88 => Codec::Other("dts"),
            0x2d | 0x2e => Codec::Other("mpegh_3d_audio"),
            // Private data: what its descriptors say.
            6 => match descriptor(descriptors) {
                Some(codec) => codec,
                None => continue,
            },
            _ => continue,
        };
        return Some((pid, codec));
    }
}

/// The codec of private data.
fn descriptor(descriptors: &[u8]) -> Option<Codec> {
    let mut cursor = Cursor::new(descriptors);
    loop {
        let tag = cursor.u8()?;
        let length = cursor.u8()?;
        cursor.skip(usize::from(length))?;
        match tag {
            0x6a => return Some(Codec::Other("ac3")),
            0x7a => return Some(Codec::Other("eac3")),
            0x7b => return Some(Codec::Other("dts")),
            _ => {}
        }
    }
}

/// The payloads of a stream, without the headers of its units.
struct Units<'a> {
    payloads: Payloads<'a>,
    pid: u16,
    has_begun: bool,
}

impl<'a> Packets<'a> for Units<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let (pid, is_start, payload) = self.payloads.next()?;
            if pid != self.pid || !(is_start || self.has_begun) {
                continue;
            }
            let data = if is_start {
                let header = payload.get(8).map(|length| 9 + usize::from(*length));
                match header
                    .and_then(|header| payload.get(header..))
                    .filter(|_| payload.starts_with(&[0, 0, 1]))
                {
                    Some(data) => data,
                    None => continue,
                }
            } else {
                payload
            };
            self.has_begun = true;
            return Some(Packet {
                data: Cow::Borrowed(data),
                ..Packet::default()
            });
        }
    }

    fn is_broken(&self) -> bool {
        self.payloads.is_broken
    }
}
