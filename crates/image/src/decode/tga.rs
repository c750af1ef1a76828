//! Truevision TGA.
//!
//! Pixels of 32 bits have opacity where the header says so; if no pixel has any, none is meant, and all are opaque. The
//! bit that pixels of 16 bits may have is not used: writers do not agree on what it means. A file that ends early keeps the rows that are there.
//!
//! Source: Truevision TGA File Format Specification 2.0, 1991.

use gristmill_core::{Fault, Limits};

use super::raw::{Layout, Raw};
use crate::{
    ColorMode, Header, Orientation,
    fields::{array, u16_le},
};

/// Length of the header.
const HEAD: usize = 18;

/// Decodes a TGA.
pub(super) fn decode(bytes: &[u8], header: &Header, limits: &Limits) -> Result<Raw, Fault> {
    let head = array::<HEAD>(bytes, 0).ok_or_else(|| Fault::truncated("tga ends in its header"))?;
    let [id_length, has_map, kind, ..] = head;
    let (first, entries, entry_bits) = (u16_le(&head, 3), u16_le(&head, 5), head[7]);
    let (bits, descriptor) = (head[16], head[17]);
    let (width, height) = (header.width as usize, header.height as usize);
    let layout = match header.mode {
        ColorMode::Gray => Layout::Gray,
        ColorMode::GrayAlpha => Layout::GrayAlpha,
        ColorMode::Rgba => Layout::Rgba,
        ColorMode::Palette if entry_bits == 32 && descriptor & 0x0f > 0 => Layout::Rgba,
        _ => Layout::Rgb,
    };
    let count = layout.count();
    let length = width * height * count;
    if length as u64 > limits.image_bytes {
        return Err(Fault::limit(format!(
            "picture of {length} bytes exceeds {}",
            limits.image_bytes
        )));
    }
    let map_bytes = usize::from(entry_bits).div_ceil(8);
    let map_length = if has_map == 1 {
        usize::from(entries.unwrap_or(0)) * map_bytes
    } else {
        0
    };
    let map_at = HEAD + usize::from(id_length);
    let map = bytes.get(map_at..).unwrap_or_default();
    let map = &map[..map_length.min(map.len())];
    let body = bytes.get(map_at + map_length..).unwrap_or_default();

    let is_mapped = matches!(kind, 1 | 9);
    let push = |pixels: &mut Vec<u8>, stored: &[u8]| {
        let stored = if is_mapped {
            let index = if bits == 16 {
                u16_le(stored, 0)
            } else {
                stored.first().map(|index| u16::from(*index))
            };
            let at = index.unwrap_or(0).wrapping_sub(first.unwrap_or(0));
            // What the map does not hold is black.
            map.chunks_exact(map_bytes)
                .nth(usize::from(at))
                .unwrap_or(&[0; 4][..map_bytes])
        } else {
            stored
        };
        pixels.extend_from_slice(&pixel(stored, layout)[..count]);
    };
    let mut pixels = Vec::with_capacity(length.min(bytes.len().saturating_mul(128)));
    let size = usize::from(bits).div_ceil(8);
    if kind < 9 {
        for stored in body.chunks_exact(size).take(width * height) {
            push(&mut pixels, stored);
        }
    } else {
        unrun(body, size, length, &mut pixels, push);
    }
    if pixels.len() < width * count {
        return Err(Fault::truncated("tga ends in its first row"));
    }
    let is_truncated = pixels.len() < length;
    pixels.resize(length, 0);
    if layout == Layout::Rgba && pixels.chunks(4).all(|pixel| pixel[3] == 0) {
        pixels.chunks_mut(4).for_each(|pixel| pixel[3] = 255);
    }
    if descriptor & 0x20 == 0 {
        // From the lowest row up.
        pixels = pixels.chunks(width * count).rev().flatten().copied().collect();
    }
    if descriptor & 0x10 != 0 {
        // From the right.
        pixels = pixels
            .chunks(width * count)
            .flat_map(|row| row.chunks(count).rev().flatten())
            .copied()
            .collect();
    }
    Ok(Raw {
        width: header.width,
        height: header.height,
        layout,
        pixels,
        is_srgb: false,
        wide: None,
        orientation: Orientation::UPRIGHT,
        is_truncated,
    })
}

/// Undoes runs until there are `length` bytes of pixels.
fn unrun(
    mut body: &[u8],
    size: usize,
    length: usize,
    pixels: &mut Vec<u8>,
    push: impl Fn(&mut Vec<u8>, &[u8]),
) {
    while pixels.len() < length {
        let Some((head, rest)) = body.split_first() else {
            return;
        };
        let count = usize::from(head & 0x7f) + 1;
        let stored = if head & 0x80 != 0 { size } else { size * count };
        let (stored, rest) = rest.split_at(stored.min(rest.len()));
        body = rest;
        let repeats = if head & 0x80 != 0 { count } else { 1 };
        for _ in 0..repeats {
            for pixel in stored.chunks_exact(size) {
                if pixels.len() < length {
                    push(pixels, pixel);
                }
            }
        }
    }
}

/// A pixel, of which the layout says how many samples count.
fn pixel(stored: &[u8], layout: Layout) -> [u8; 4] {
    match (layout, stored) {
        (Layout::Gray, [gray, ..]) => [*gray, 0, 0, 0],
        (Layout::GrayAlpha, [gray, opacity, ..]) => [*gray, *opacity, 0, 0],
        (_, [low, high]) => {
            let bits = u16::from_le_bytes([*low, *high]);
            let five = |shift: u16| {
                let value = (bits >> shift & 31) as u8;
                value << 3 | value >> 2
            };
            [five(10), five(5), five(0), 255]
        }
        (_, [blue, green, red]) => [*red, *green, *blue, 255],
        (_, [blue, green, red, opacity]) => [*red, *green, *blue, *opacity],
        _ => [0; 4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::headers;

    fn check(head: [u8; 18], body: &[u8], expected: &[u8], is_truncated: bool) {
        let file = [&head, body].concat();
        let header = headers::tga(&file).unwrap();
        let raw = decode(&file, &header, &Limits::default()).unwrap();
        assert_eq!(
            (raw.pixels.as_slice(), raw.is_truncated),
            (expected, is_truncated)
        );
    }

    /// A header of 2 by 2 pixels.
    fn head(kind: u8, bits: u8, descriptor: u8) -> [u8; 18] {
        [
            0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2, 0, bits, descriptor,
        ]
    }

    #[test]
    fn rows_and_columns_run_as_the_descriptor_says() {
        check(head(3, 8, 0x20), &[1, 2, 3, 4], &[1, 2, 3, 4], false);
        check(head(3, 8, 0x00), &[1, 2, 3, 4], &[3, 4, 1, 2], false);
        check(head(3, 8, 0x30), &[1, 2, 3, 4], &[2, 1, 4, 3], false);
    }

    #[test]
    fn runs_cross_rows() {
        check(head(11, 8, 0x20), &[0x82, 7, 0x00, 9], &[7, 7, 7, 9], false);
    }

    #[test]
    fn palettes_are_looked_up() {
        let mut mapped = head(1, 8, 0x20);
        (mapped[1], mapped[5], mapped[7]) = (1, 2, 24);
        let body = [1, 2, 3, 4, 5, 6, 0, 1, 1, 2];
        check(mapped, &body, &[3, 2, 1, 6, 5, 4, 6, 5, 4, 0, 0, 0], false);
    }

    #[test]
    fn opacity_that_is_nowhere_is_not_meant() {
        let body = [3, 2, 1, 0].repeat(4);
        check(head(2, 32, 0x28), &body, &[1, 2, 3, 255].repeat(4), false);
        let mut body = body;
        body[15] = 9;
        let expected = [[1, 2, 3, 0].repeat(3), vec![1, 2, 3, 9]].concat();
        check(head(2, 32, 0x28), &body, &expected, false);
    }

    #[test]
    fn sixteen_bits_are_spread() {
        let body = [0xff, 0x7f, 0x00, 0x7c, 0xe0, 0x03, 0x1f, 0x00];
        check(
            head(2, 16, 0x20),
            &body,
            &[255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255],
            false,
        );
    }

    #[test]
    fn rows_that_are_there_are_kept() {
        check(head(3, 8, 0x20), &[1, 2, 3], &[1, 2, 3, 0], true);
        let file = [head(3, 8, 0x20).as_slice(), &[1]].concat();
        let header = headers::tga(&file).unwrap();
        assert!(decode(&file, &header, &Limits::default()).is_err());
    }
}
