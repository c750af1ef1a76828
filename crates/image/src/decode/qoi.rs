//! QOI.
//!
//! A file that ends early keeps the rows that are there; the end marker is not looked for.
//!
//! Source: The Quite OK Image Format for Fast, Lossless Compression, 2022-01-05 (qoiformat.org).

use gristmill_core::Fault;

use super::raw::{Layout, Raw};
use crate::{ColorMode, Header, Orientation};

/// Where the pixels begin.
const HEAD: usize = 14;

/// Decodes a QOI.
pub(super) fn decode(bytes: &[u8], header: &Header) -> Result<Raw, Fault> {
    let layout = if header.mode == ColorMode::Rgba {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let count = layout.count();
    let length = header.width as usize * header.height as usize * count;
    // A byte gives at most 62 pixels.
    let most = bytes.len().saturating_mul(62 * count).min(length);
    let mut pixels = Vec::with_capacity(most);
    let mut seen = [[0u8; 4]; 64];
    let mut pixel = [0, 0, 0, 255];
    let mut rest = bytes.get(HEAD..).unwrap_or_default().iter().copied();
    let mut next = || rest.next();
    while pixels.len() < length {
        let Some(tag) = next() else {
            break;
        };
        let mut run = 1;
        match tag {
            0xfe | 0xff => {
                let (Some(red), Some(green), Some(blue)) = (next(), next(), next()) else {
                    break;
                };
                pixel = [red, green, blue, pixel[3]];
                if tag == 0xff {
                    let Some(opacity) = next() else {
                        break;
                    };
                    pixel[3] = opacity;
                }
            }
            0..=0x3f => pixel = seen[usize::from(tag)],
            0x40..=0x7f => {
                let step = |shift: u8| (tag >> shift & 3).wrapping_sub(2);
                pixel = moved(pixel, step(4), step(2), step(0));
            }
            0x80..=0xbf => {
                let Some(second) = next() else {
                    break;
                };
                let green = (tag & 0x3f).wrapping_sub(32);
                let near = |value: u8| value.wrapping_sub(8).wrapping_add(green);
                pixel = moved(pixel, near(second >> 4), green, near(second & 15));
            }
            _ => run = usize::from(tag & 0x3f) + 1,
        }
        let [red, green, blue, opacity] = pixel.map(usize::from);
        seen[(red * 3 + green * 5 + blue * 7 + opacity * 11) % 64] = pixel;
        for _ in 0..run.min((length - pixels.len()) / count) {
            pixels.extend_from_slice(&pixel[..count]);
        }
    }
    if pixels.len() < header.width as usize * count {
        return Err(Fault::truncated("qoi ends in its first row"));
    }
    let is_truncated = pixels.len() < length;
    pixels.resize(length, 0);
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

fn moved([red, green, blue, opacity]: [u8; 4], by_red: u8, by_green: u8, by_blue: u8) -> [u8; 4] {
    [
        red.wrapping_add(by_red),
        green.wrapping_add(by_green),
        blue.wrapping_add(by_blue),
        opacity,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::headers;

    fn file(width: u8, height: u8, channels: u8, body: &[u8]) -> Vec<u8> {
        let head = [
            b'q', b'o', b'i', b'f', 0, 0, 0, width, 0, 0, 0, height, channels, 0,
        ];
        [&head, body].concat()
    }

    fn check(file: &[u8], expected: &[u8], is_truncated: bool) {
        let raw = decode(file, &headers::qoi(file).unwrap()).unwrap();
        assert_eq!(
            (raw.pixels.as_slice(), raw.is_truncated),
            (expected, is_truncated)
        );
    }

    #[test]
    fn every_kind_of_chunk_is_read() {
        // A colour, the one before with steps of +1 -1 0, with a difference of 3 in green, a run of two, an index.
        let body = [
            0xfe,
            10,
            20,
            30,
            0x40 | 3 << 4 | 1 << 2 | 2,
            0x80 | 35,
            0x88,
            0xc1,
            0x0b,
        ];
        // Red 0, green 0, blue 0, opacity 255 hash to 53, which was never stored: 11 is 0.
        check(
            &file(6, 1, 3, &body),
            &[
                10, 20, 30, 11, 19, 30, 14, 22, 33, 14, 22, 33, 14, 22, 33, 0, 0, 0,
            ],
            false,
        );
        check(&file(1, 1, 4, &[0xff, 1, 2, 3, 4]), &[1, 2, 3, 4], false);
    }

    #[test]
    fn rows_that_are_there_are_kept() {
        check(&file(1, 2, 3, &[0xfe, 1, 2, 3]), &[1, 2, 3, 0, 0, 0], true);
        let cut = file(2, 1, 3, &[0xfe, 1, 2, 3]);
        assert!(decode(&cut, &headers::qoi(&cut).unwrap()).is_err());
    }
}
