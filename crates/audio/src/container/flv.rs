//! The sound of Flash video.
//!
//! Source: Adobe, "Video File Format Specification 10.1", annex E.

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track, config};
use crate::{Codec, Container, cursor::Cursor, format::Sample, tag::Tags};

/// Most tags that are looked at for the first one of sound.
const TAGS: usize = 10_000;

/// Opens a file.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let start = Cursor::at(bytes, 5).u32_be().unwrap_or(9) as usize;
    let mut packets = Sound {
        cursor: Cursor::at(bytes, start),
        setup: None,
        is_broken: false,
    };
    let mut track = None;
    let mut looking = Sound {
        cursor: packets.cursor,
        setup: None,
        is_broken: false,
    };
    for _ in 0..TAGS {
        let Some(body) = looking.tag() else { break };
        match describe(body) {
            Some(Ok(found)) => {
                track = Some(found);
                break;
            }
            Some(Err(fault)) => return Err(fault),
            None => {}
        }
    }
    let track = track.ok_or_else(|| Fault::malformed("no sound"))?;
    if track.codec == Codec::Aac {
        packets.setup = Some(());
    }
    Ok(Opened {
        container: Container::Flv,
        track,
        packets: Box::new(packets),
        tags: Tags::default(),
    })
}

/// The track that a tag tells of; of AAC only the one with its setup does.
fn describe(body: &[u8]) -> Option<Result<Track, Fault>> {
    let (&head, rest) = body.split_first()?;
    let rate = 5512 << (head >> 2 & 3);
    let rate = if rate == 5512 {
        5512
    } else {
        rate / 11_024 * 11_025
    };
    let channels = 1 + u16::from(head & 1);
    let sample = if head & 2 != 0 { Sample::S16 } else { Sample::U8 };
    Some(Ok(match head >> 4 {
        0 | 3 => config::pcm(sample, false, rate, channels, None),
        2 => Track::new(Codec::Mp3, rate, channels),
        14 => Track::new(Codec::Mp3, 8000, channels),
        7 => config::pcm(Sample::Alaw, false, 8000, channels, None),
        8 => config::pcm(Sample::Mulaw, false, 8000, channels, None),
        10 if rest.first() == Some(&0) => Track {
            setup: rest[1..].to_vec(),
            ..Track::new(Codec::Aac, 44_100, 2)
        },
        10 => return None,
        4..=6 => Track::new(Codec::Other("nellymoser"), rate, channels),
        11 => Track::new(Codec::Other("speex"), 16_000, 1),
        other => return Some(Err(Fault::unsupported(format!("FLV sound format {other}")))),
    }))
}

struct Sound<'a> {
    cursor: Cursor<'a>,
    /// There where packets of AAC begin with their kind.
    setup: Option<()>,
    is_broken: bool,
}

impl<'a> Sound<'a> {
    /// The body of the next tag of sound.
    fn tag(&mut self) -> Option<&'a [u8]> {
        loop {
            self.cursor.skip(4)?;
            let kind = self.cursor.u8()?;
            let size = self.cursor.u24_be()? as usize;
            self.cursor.skip(7)?;
            let Some(body) = self.cursor.take(size) else {
                self.is_broken = true;
                return None;
            };
            if kind & 0x1f == 8 && !body.is_empty() {
                return Some(body);
            }
        }
    }
}

impl<'a> Packets<'a> for Sound<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let body = self.tag()?;
            let ((None, [_, data @ ..]) | (Some(()), [_, 1, data @ ..])) = (self.setup, body) else {
                continue;
            };
            if !data.is_empty() {
                return Some(Packet::of(data));
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
