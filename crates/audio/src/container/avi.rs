//! The first sound track of AVI, OpenDML's too.
//!
//! Source: Microsoft, "AVI RIFF File Reference"; OpenDML AVI 1.02.

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track, chained::Gathered, config, wav};
use crate::{Codec, Container, cursor::Cursor, tag::Tags};

/// The chunks that follow each other in some bytes.
#[derive(Debug, Clone)]
struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
    is_broken: bool,
}

impl<'a> Chunks<'a> {
    fn new(bytes: &'a [u8]) -> Chunks<'a> {
        Chunks {
            bytes,
            at: 0,
            is_broken: false,
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = Cursor::at(self.bytes, self.at);
        let id = cursor.array()?;
        let size = cursor.u32_le()? as usize;
        let there = cursor.rest();
        let body = there.get(..size).unwrap_or(there);
        self.is_broken |= body.len() < size;
        self.at = cursor.position() + body.len() + size % 2;
        Some((id, body))
    }
}

/// Opens a file.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let mut tags = Tags::default();
    let mut sound: Option<(usize, Track)> = None;
    let mut problem = None;
    for (id, body) in Chunks::new(bytes.get(12..).unwrap_or_default()) {
        match (&id, body.get(..4)) {
            (b"LIST", Some(b"hdrl")) => {
                let streams =
                    Chunks::new(&body[4..]).filter(|(id, body)| id == b"LIST" && body.starts_with(b"strl"));
                for (number, (_, stream)) in streams.enumerate() {
                    match read_stream(&stream[4..]) {
                        Some(Ok(track)) if sound.is_none() => sound = Some((number, track)),
                        Some(Err(fault)) => problem = problem.or(Some(fault)),
                        _ => {}
                    }
                }
            }
            (b"LIST", Some(b"INFO")) => wav::info(&body[4..], false, &mut tags),
            _ => {}
        }
    }
    let Some((number, mut track)) = sound else {
        return Err(problem.unwrap_or_else(|| Fault::malformed("no stream of sound")));
    };
    let pieces = Pieces {
        levels: vec![Chunks::new(bytes)],
        id: [
            b'0' + (number / 10 % 10) as u8,
            b'0' + (number % 10) as u8,
            b'w',
            b'b',
        ],
        is_broken: false,
    };
    let packets: Box<dyn Packets<'_> + '_> = match track.codec {
        // Their frames go over the edges of chunks.
        Codec::Mp1 | Codec::Mp2 | Codec::Mp3 => Gathered::open(Box::new(pieces), &mut track)?,
        Codec::Aac if track.setup.is_empty() => Gathered::open(Box::new(pieces), &mut track)?,
        _ => Box::new(pieces),
    };
    Ok(Opened {
        container: Container::Avi,
        track,
        packets,
        tags,
    })
}

fn read_stream(list: &[u8]) -> Option<Result<Track, Fault>> {
    let chunk = |name: &[u8; 4]| Chunks::new(list).find(|(id, _)| id == name).map(|(_, body)| body);
    if !chunk(b"strh")?.starts_with(b"auds") {
        return None;
    }
    Some(config::wave_format(chunk(b"strf")?, false))
}

/// The chunks of a stream, in all lists.
struct Pieces<'a> {
    levels: Vec<Chunks<'a>>,
    id: [u8; 4],
    is_broken: bool,
}

impl<'a> Packets<'a> for Pieces<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let level = self.levels.last_mut()?;
            let next = level.next();
            self.is_broken |= level.is_broken;
            match next {
                None => {
                    self.levels.pop();
                }
                Some((id, body)) if id == self.id && !body.is_empty() => return Some(Packet::of(body)),
                Some((id, body)) => {
                    let kind = body.get(..4).unwrap_or_default();
                    let holds_sound = matches!((&id, kind), (b"RIFF", _) | (b"LIST", b"movi" | b"rec "));
                    if holds_sound && self.levels.len() < 6 {
                        self.levels.push(Chunks::new(&body[4..]));
                    }
                }
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
