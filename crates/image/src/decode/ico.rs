//! ICO and CUR: the largest picture of the file.
//!
//! Among pictures of the same size the one with more bits a pixel is taken, then the first. A PNG inside is decoded as
//! a PNG. A BMP inside is handed to the codec as a file of that one picture, since the codec takes the hot spot of a
//! cursor for its depth, and chooses by depth before size.

use gristmill_core::{Fault, Limits};
use image::codecs::ico::IcoDecoder;

use super::{
    by_image::{self, Source},
    headers, png,
    raw::Raw,
};
use crate::{
    Header, ImageFormat, Orientation,
    fields::{u16_le, u32_le},
};

/// Length of the head of a file, and of an entry.
const HEAD: usize = 6;
const ENTRY: usize = 16;

/// Reads the header of the largest picture.
pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let entry = Entry::largest(bytes)?;
    let header = if entry.is_png() {
        png::probe(entry.picture, limits)?
    } else {
        let header = headers::bmp(entry.picture)?;
        Header {
            // Above the mask, which is counted.
            height: header.height / 2,
            ..header
        }
    };
    Ok(Header {
        format: ImageFormat::Ico,
        frames: 1,
        ..header
    })
}

/// Decodes the largest picture.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raw, Fault> {
    let entry = Entry::largest(bytes)?;
    if entry.is_png() {
        let header = png::probe(entry.picture, limits)?;
        return by_image::decode(entry.picture, &header, limits);
    }
    let alone = entry.alone(&headers::bmp(entry.picture)?);
    by_image::run(
        || IcoDecoder::new(Source::new(&alone)),
        Orientation::UPRIGHT,
        limits,
    )
}

/// A picture of the file.
#[derive(Debug, Clone, Copy)]
struct Entry<'a> {
    area: u32,
    depth: u16,
    /// From its start on; cut where the entry says, if the file is long enough.
    picture: &'a [u8],
}

impl<'a> Entry<'a> {
    fn largest(bytes: &'a [u8]) -> Result<Entry<'a>, Fault> {
        let count = u16_le(bytes, 4).unwrap_or(0);
        let entries = (0..usize::from(count)).map_while(|index| Entry::read(bytes, HEAD + index * ENTRY));
        entries
            .filter(|entry| !entry.picture.is_empty())
            .reduce(|best, entry| {
                if (entry.area, entry.depth) > (best.area, best.depth) {
                    entry
                } else {
                    best
                }
            })
            .ok_or_else(|| Fault::truncated("ico ends before its pictures"))
    }

    fn read(bytes: &'a [u8], at: usize) -> Option<Entry<'a>> {
        let side = |at: usize| {
            bytes
                .get(at)
                .map(|side| if *side == 0 { 256 } else { u32::from(*side) })
        };
        let area = side(at)? * side(at + 1)?;
        // Of a cursor these are the column of its hot spot.
        let is_cursor = bytes[2] == 2;
        let depth = if is_cursor { 0 } else { u16_le(bytes, at + 6)? };
        let (length, offset) = (u32_le(bytes, at + 8)? as usize, u32_le(bytes, at + 12)? as usize);
        let rest = bytes.get(offset..).unwrap_or_default();
        // A length in which not even a header fits is wrong.
        let length = if length < 40 { rest.len() } else { length };
        Some(Entry {
            area,
            depth,
            picture: &rest[..length.min(rest.len())],
        })
    }

    fn is_png(&self) -> bool {
        self.picture.starts_with(b"\x89PNG\r\n\x1a\n")
    }

    /// A file of this picture alone.
    fn alone(&self, header: &Header) -> Vec<u8> {
        let side = |pixels: u32| if pixels >= 256 { 0 } else { pixels as u8 };
        let mut file = vec![
            0,
            0,
            1,
            0,
            1,
            0,
            side(header.width),
            side(header.height / 2),
            0,
            0,
            1,
            0,
            0,
            0,
        ];
        file.extend_from_slice(&(self.picture.len() as u32).to_le_bytes());
        file.extend_from_slice(&((HEAD + ENTRY) as u32).to_le_bytes());
        file.extend_from_slice(self.picture);
        file
    }
}
