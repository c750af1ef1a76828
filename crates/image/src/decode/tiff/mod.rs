//! TIFF and BigTIFF: the first page.
//!
//! Its strips and tiles are unpacked one by one and its samples are read here, since the `image` crate reads few kinds of
//! them; what is packed in rarer ways goes to that crate whole. See the modules.
//!
//! Source: TIFF revision 6.0, BigTIFF design; Exif 2.3 for the EXIF directory, which shares the structure.

mod chunk;
mod fax;
mod lab;
mod old_jpeg;
mod page;
mod samples;

use std::collections::HashSet;

use gristmill_core::{Fault, FaultKind, Limits};

use super::{by_image, raw::Raw};
use crate::{
    ColorMode, Header, ImageFormat, Orientation,
    fields::{array, u16_be, u16_le, u32_be, u32_le},
};

/// Most entries of a directory that are looked at.
const ENTRIES: u64 = 4096;

/// A TIFF structure.
#[derive(Debug, Clone, Copy)]
struct Structure<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
    /// Offsets of 64 bits.
    is_large: bool,
}

impl<'a> Structure<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Structure {
            bytes,
            is_big_endian: bytes.starts_with(b"MM"),
            is_large: bytes[2] == 43 || bytes[3] == 43,
        }
    }

    /// Where the first directory is.
    fn first(self) -> Result<usize, Fault> {
        self.word(self.word_length())
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| *at < self.bytes.len())
            .ok_or_else(cut)
    }

    fn short(self, at: usize) -> Option<u16> {
        if self.is_big_endian {
            u16_be(self.bytes, at)
        } else {
            u16_le(self.bytes, at)
        }
    }

    fn long(self, at: usize) -> Option<u32> {
        if self.is_big_endian {
            u32_be(self.bytes, at)
        } else {
            u32_le(self.bytes, at)
        }
    }

    /// An offset or a count.
    fn word(self, at: usize) -> Option<u64> {
        if !self.is_large {
            return self.long(at).map(u64::from);
        }
        array(self.bytes, at).map(if self.is_big_endian {
            u64::from_be_bytes
        } else {
            u64::from_le_bytes
        })
    }

    fn word_length(self) -> usize {
        if self.is_large { 8 } else { 4 }
    }

    /// Where the entries of the directory at `at` begin, and how many there are.
    fn entries(self, at: usize) -> Option<(usize, u64)> {
        let (count, begin) = if self.is_large {
            (self.word(at)?, at + 8)
        } else {
            (u64::from(self.short(at)?), at + 2)
        };
        Some((begin, count))
    }

    /// The entry of `tag` in the directory at `at`: the kind, the count and where the value is.
    fn find(self, at: usize, tag: u16) -> Option<(u16, u64, usize)> {
        let (begin, count) = self.entries(at)?;
        let step = 4 + 2 * self.word_length();
        let entry = (0..count.min(ENTRIES) as usize)
            .map(|index| begin + index * step)
            .take_while(|entry| *entry < self.bytes.len())
            .find(|entry| self.short(*entry) == Some(tag))?;
        let (kind, count) = (self.short(entry + 2)?, self.word(entry + 4)?);
        let size = match kind {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16 | 17 | 18 => 8,
            _ => 1,
        };
        let inside = entry + 4 + self.word_length();
        let at = if count.checked_mul(size)? <= self.word_length() as u64 {
            inside
        } else {
            usize::try_from(self.word(inside)?).ok()?
        };
        Some((kind, count, at))
    }

    /// The first number of `tag`.
    fn number(self, directory: usize, tag: u16) -> Option<u32> {
        let (kind, _, at) = self.find(directory, tag)?;
        match kind {
            1 => self.bytes.get(at).copied().map(u32::from),
            3 => self.short(at).map(u32::from),
            4 | 13 => self.long(at),
            16 => u32::try_from(self.word(at)?).ok(),
            _ => None,
        }
    }

    /// At most `most` numbers of `tag`; empty where it is not there.
    fn numbers(self, directory: usize, tag: u16, most: usize) -> Vec<u64> {
        let Some((kind, count, at)) = self.find(directory, tag) else {
            return Vec::new();
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(most);
        let one = |index: usize| match kind {
            1 => self.bytes.get(at + index).copied().map(u64::from),
            3 => self.short(at + index * 2).map(u64::from),
            4 | 13 => self.long(at + index * 4).map(u64::from),
            16 => self.word(at + index * 8),
            _ => None,
        };
        (0..count).map_while(one).collect()
    }

    /// The bytes of `tag`.
    fn bytes_of(self, directory: usize, tag: u16) -> Option<&'a [u8]> {
        let (_, length, at) = self.find(directory, tag)?;
        self.bytes.get(at..)?.get(..usize::try_from(length).ok()?)
    }

    /// Where the next directory is; none where this is the last.
    fn after(self, directory: usize) -> Option<usize> {
        let (begin, count) = self.entries(directory)?;
        let step = 4 + 2 * self.word_length() as u64;
        let end = usize::try_from(count.checked_mul(step)?)
            .ok()?
            .checked_add(begin)?;
        usize::try_from(self.word(end)?).ok().filter(|next| *next != 0)
    }
}

/// Reads the first directory of a TIFF, and counts the pages.
pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let structure = Structure::of(bytes);
    let first = structure.first()?;
    let number = |tag| structure.number(first, tag);
    let (Some(width), Some(height)) = (number(256), number(257)) else {
        return Err(Fault::malformed("first directory has no size"));
    };
    let bit_depth = number(258).unwrap_or(1).min(255) as u8;
    let samples = number(277).unwrap_or(1);
    let mode = match (number(262), samples) {
        (Some(3), _) => ColorMode::Palette,
        (Some(5), _) => ColorMode::Cmyk,
        (Some(0 | 1), 2) => ColorMode::GrayAlpha,
        (Some(0 | 1), _) => ColorMode::Gray,
        (_, 4) => ColorMode::Rgba,
        (None, 1) => ColorMode::Gray,
        _ => ColorMode::Rgb,
    };
    let icc = structure
        .bytes_of(first, 34675)
        .filter(|icc| icc.len() <= limits.icc_bytes)
        .map(<[u8]>::to_vec);
    Ok(Header {
        format: ImageFormat::Tiff,
        width,
        height,
        mode,
        bit_depth,
        frames: pages(structure, first, limits.image_frames),
        orientation: number(274).map_or(Orientation::UPRIGHT, Orientation::of_exif),
        icc,
        exif: None,
    })
}

/// Decodes the first page.
pub(super) fn decode(bytes: &[u8], header: &Header, limits: &Limits) -> Result<Raw, Fault> {
    let structure = Structure::of(bytes);
    let page = page::Page::read(structure, structure.first()?, header)?;
    match page.decode(limits) {
        Err(fault) if fault.kind == FaultKind::Unsupported => by_image::decode(bytes, header, limits),
        result => result,
    }
}

fn cut() -> Fault {
    Fault::truncated("tiff ends before its first directory")
}

/// Directories in a row, until the last, one that was met before, or one that is not there.
fn pages(structure: Structure<'_>, first: usize, most: u32) -> u32 {
    let mut met = HashSet::from([first]);
    let mut at = first;
    while let Some(next) = structure.after(at)
        && next < structure.bytes.len()
        && (met.len() as u32) < most
        && met.insert(next)
    {
        at = next;
    }
    met.len() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of one strip, with these entries besides those of the strip.
    fn page(strip: &[u8], entries: &[(u16, u32)]) -> Vec<u8> {
        let mut entries: Vec<(u16, u32)> = entries.to_vec();
        entries.extend([(273, 8), (279, strip.len() as u32)]);
        entries.sort_unstable();
        let mut file = b"II*\0".to_vec();
        file.extend_from_slice(&(8 + strip.len() as u32).to_le_bytes());
        file.extend_from_slice(strip);
        file.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        for (tag, value) in entries {
            file.extend_from_slice(&tag.to_le_bytes());
            file.extend_from_slice(&[4, 0, 1, 0, 0, 0]);
            file.extend_from_slice(&value.to_le_bytes());
        }
        file.extend_from_slice(&[0; 4]);
        file
    }

    fn check(strip: &[u8], entries: &[(u16, u32)], expected: &[u8], is_truncated: bool) {
        let file = page(strip, entries);
        let limits = Limits::default();
        let header = probe(&file, &limits).unwrap();
        let raw = decode(&file, &header, &limits).unwrap();
        assert_eq!(raw.pixels, expected);
        assert_eq!(raw.is_truncated, is_truncated);
    }

    #[test]
    fn fax_is_unpacked_whichever_way_its_bits_lie() {
        // 3 white, 2 black, 3 white, each row beginning with a byte; black is 0.
        let row = [0b1000_1110u8, 0];
        let size = [(256, 8), (257, 2), (258, 1), (259, 2), (262, 0)];
        let expected = [255u8, 255, 255, 0, 0, 255, 255, 255].repeat(2);
        check(&row.repeat(2), &size, &expected, false);
        let turned = row.map(u8::reverse_bits).repeat(2);
        check(&turned, &[&size[..], &[(266, 2)]].concat(), &expected, false);
        let inverted: Vec<u8> = expected.iter().map(|value| 255 - value).collect();
        let size = [(256, 8), (257, 2), (258, 1), (259, 2), (262, 1)];
        check(&row.repeat(2), &size, &inverted, false);
        check(
            &row,
            &[(256, 8), (257, 2), (258, 1), (259, 2), (262, 0)],
            &[&expected[..8], &[255; 8]].concat(),
            true,
        );
    }

    #[test]
    fn zstandard_is_unpacked_as_far_as_it_goes() {
        let pixels: Vec<u8> = (0..60).collect();
        let packed = zstd::bulk::compress(&pixels, 3).unwrap();
        let size = [(256, 10), (257, 6), (258, 8), (259, 50000), (262, 1)];
        check(&packed, &size, &pixels, false);
        let more = [(256, 10), (257, 7), (258, 8), (259, 50000), (262, 1)];
        check(&packed, &more, &[&pixels[..], &[0; 10]].concat(), true);
    }
}
