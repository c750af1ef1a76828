//! The header of PNG and APNG.
//!
//! Chunks are walked by their lengths; their check sums are left to the codec. A profile is inflated by the codec,
//! with a bound. Code points of colours (cICP) count where there is no profile.
//!
//! Source: PNG, third edition (W3C), sections 5 and 11.

use std::io::Cursor;

use gristmill_core::{Fault, Limits};
use image::{ImageDecoder, codecs::png::PngDecoder};

use super::{by_image, exif, wide::Wide};
use crate::{ColorMode, Header, ImageFormat, Orientation, fields::u32_be};

/// Length of the signature.
const SIGNATURE: usize = 8;

/// Most chunks that are looked at.
const CHUNKS: usize = 100_000;

/// Reads the chunks of a PNG.
pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let mut chunks = Chunks { bytes, at: SIGNATURE };
    let Some((b"IHDR", [w0, w1, w2, w3, h0, h1, h2, h3, bit_depth, kind, ..])) = chunks.next() else {
        return Err(Fault::malformed("png does not begin with a whole IHDR chunk"));
    };
    let mut header = Header {
        format: ImageFormat::Png,
        width: u32::from_be_bytes([*w0, *w1, *w2, *w3]),
        height: u32::from_be_bytes([*h0, *h1, *h2, *h3]),
        mode: match kind {
            0 => ColorMode::Gray,
            2 => ColorMode::Rgb,
            3 => ColorMode::Palette,
            4 => ColorMode::GrayAlpha,
            6 => ColorMode::Rgba,
            other => return Err(Fault::malformed(format!("png of colour type {other}"))),
        },
        bit_depth: *bit_depth,
        frames: 1,
        orientation: Orientation::UPRIGHT,
        icc: None,
        exif: None,
    };
    let mut announced = Vec::new();
    let (mut controls, mut is_first_apart, mut has_pixels) = (0, true, false);
    for (kind, body) in chunks.take(CHUNKS) {
        match kind {
            b"acTL" if !has_pixels => announced.push(u32_be(body, 0).unwrap_or(0)),
            b"fcTL" => controls += 1,
            b"IDAT" => {
                has_pixels = true;
                is_first_apart &= controls == 0;
            }
            b"iCCP" if header.icc.is_none() && body.len() <= limits.icc_bytes => {
                header.icc = profile(body, limits);
            }
            b"eXIf" if header.exif.is_none() && body.len() <= limits.header_bytes => {
                header.exif = exif::block(body).map(<[u8]>::to_vec);
            }
            b"IEND" => break,
            _ => {}
        }
    }
    // Frames that are announced and there, and the first picture where it is not one of them. Announced twice, or behind
    // the pixels, they do not count.
    if let [frames @ 1..=0x7fff_ffff] = announced[..] {
        let pictures = frames.min(controls) + u32::from(is_first_apart);
        header.frames = pictures.clamp(1, limits.image_frames);
    }
    if let Some(block) = &header.exif {
        header.orientation = exif::orientation(block);
    }
    Ok(header)
}

/// The code points of colours in a cICP chunk before the pixels.
pub(super) fn wide(bytes: &[u8]) -> Option<Wide> {
    let chunks = Chunks { bytes, at: SIGNATURE };
    let mut before = chunks.take(CHUNKS).take_while(|(kind, _)| *kind != b"IDAT");
    let (_, body) = before.find(|(kind, _)| *kind == b"cICP")?;
    let [primaries, transfer, ..] = body else {
        return None;
    };
    Wide::of(u16::from(*primaries), u16::from(*transfer))
}

/// Kinds and bodies of chunks. One that is cut ends the walk.
struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = u32_be(self.bytes, self.at)? as usize;
        let (kind, rest) = self.bytes.get(self.at + 4..)?.split_first_chunk::<4>()?;
        let body = rest.get(..length)?;
        self.at += 12 + length;
        Some((kind, body))
    }
}

/// The profile of an iCCP chunk: read by the codec as that of a picture of one pixel.
fn profile(body: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    const BEFORE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";
    const AFTER: &[u8] = b"\0\0\0\0IDAT\x35\xaf\x06\x1e";
    let mut picture = Vec::with_capacity(BEFORE.len() + body.len() + 12 + AFTER.len());
    picture.extend_from_slice(BEFORE);
    picture.extend_from_slice(&u32::try_from(body.len()).ok()?.to_be_bytes());
    picture.extend_from_slice(b"iCCP");
    picture.extend_from_slice(body);
    let sum = crc(&picture[BEFORE.len() + 4..]);
    picture.extend_from_slice(&sum.to_be_bytes());
    picture.extend_from_slice(AFTER);
    // The body counts against the bound too.
    let mut bounds = by_image::bounds(limits);
    bounds.max_alloc = Some(2 * limits.icc_bytes as u64 + (1 << 16));
    let mut decoder = PngDecoder::with_limits(Cursor::new(&picture), bounds).ok()?;
    let profile = decoder.icc_profile().ok()??;
    (profile.len() <= limits.icc_bytes).then_some(profile)
}

/// The check sum of a chunk (CRC-32 of ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_png() {
        assert_eq!(crc(b"IEND"), 0xae42_6082);
    }
}
