//! Sound of a codec with headers in its own frames, in one piece or in several inside another container.

use std::borrow::Cow;

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track, adts, flac, loas, mpeg};
use crate::Codec;

/// Opens `data` as a file of the codec.
fn open(data: &[u8], codec: Codec) -> Result<Opened<'_>, Fault> {
    match codec {
        Codec::Mp1 | Codec::Mp2 | Codec::Mp3 => mpeg::open(data),
        Codec::Aac => adts::open(data),
        Codec::AacLatm => loas::open(data),
        Codec::Flac => flac::open(data),
        other => Err(Fault::unsupported(format!("codec {} in one piece", other.name()))),
    }
}

/// The packets of `data`, and in `track` what their headers tell.
pub(super) fn elementary<'a>(data: &'a [u8], track: &mut Track) -> Result<Box<dyn Packets<'a> + 'a>, Fault> {
    let opened = open(data, track.codec)?;
    *track = opened.track;
    Ok(opened.packets)
}

/// Sound whose pieces were put together, since its frames go over their edges. It takes as much memory as it has bytes in
/// the file.
pub(super) struct Gathered {
    bytes: Vec<u8>,
    /// Where frames lie.
    frames: std::vec::IntoIter<(usize, usize)>,
    is_broken: bool,
}

impl Gathered {
    /// Gathers all pieces, and sets in `track` what their headers tell.
    pub(super) fn open<'a>(
        mut pieces: Box<dyn Packets<'a> + 'a>,
        track: &mut Track,
    ) -> Result<Box<dyn Packets<'a> + 'a>, Fault> {
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next() {
            bytes.extend_from_slice(&piece.data);
        }
        if bytes.is_empty() {
            return Err(Fault::truncated("no packet of sound"));
        }
        let (frames, is_cut) = frames(&bytes, track)?;
        Ok(Box::new(Gathered {
            bytes,
            frames: frames.into_iter(),
            is_broken: pieces.is_broken() || is_cut,
        }))
    }
}

/// Where the frames lie, and whether some are damaged.
fn frames(bytes: &[u8], track: &mut Track) -> Result<(Vec<(usize, usize)>, bool), Fault> {
    let mut opened = open(bytes, track.codec)?;
    let mut frames = Vec::new();
    let start = bytes.as_ptr() as usize;
    while let Some(packet) = opened.packets.next() {
        // A last one that is cut is none of theirs.
        if let Cow::Borrowed(data) = packet.data {
            frames.push((data.as_ptr() as usize - start, data.len()));
        }
    }
    *track = opened.track;
    Ok((frames, opened.packets.is_broken()))
}

impl<'a> Packets<'a> for Gathered {
    fn next(&mut self) -> Option<Packet<'a>> {
        let (at, length) = self.frames.next()?;
        Some(Packet {
            data: Cow::Owned(self.bytes[at..at + length].to_vec()),
            ..Packet::default()
        })
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}
