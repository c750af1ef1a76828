//! The ordinary JPEG, a few rows at a time.
//!
//! libjpeg-turbo-rs decodes a picture into planes as large as the picture and makes pixels of them afterwards; here a row of
//! units becomes pixels as soon as it is read, so that samples never leave the cache, and codes are read faster (see
//! [`entropy`]). Transform and colours are the kernels of that crate, and the pixels are the same.
//!
//! This is for baseline JPEGs in YCbCr with one scan of all components, whose colours are stored at full size, half the
//! width, or half of both. Whatever else there is, or is wrong, is left to libjpeg-turbo-rs: nothing comes out here, and
//! it starts anew.

use super::entropy::{self, Bits, Codes, ZIGZAG};
use super::rows::{Rows, Samples};
use crate::fields::u16_be;

/// What stands before the scan.
#[derive(Default)]
struct Tables<'a> {
    frame: Option<&'a [u8]>,
    quants: [Option<[u16; 64]>; 4],
    /// Codes of first coefficients, and of the others.
    codes: [[Option<Codes>; 4]; 2],
    /// Units between restart markers; 0 where there are none.
    interval: u16,
}

/// Decodes to RGB; none where this is not for the file, or the file is damaged. See the module.
pub(super) fn decode(bytes: &[u8], width: usize, height: usize) -> Option<Vec<u8>> {
    let (tables, scan, rest) = Tables::read(bytes)?;
    let &[8, h1, h0, w1, w0, 3, id0, size, q0, id1, 0x11, q1, id2, 0x11, q2] = tables.frame? else {
        return None;
    };
    let &[3, c0, t0, c1, t1, c2, t2, 0, 63, 0] = scan else {
        return None;
    };
    let is_same = [
        usize::from(u16::from_be_bytes([w1, w0])),
        usize::from(u16::from_be_bytes([h1, h0])),
    ] == [width, height];
    if !is_same || [c0, c1, c2] != [id0, id1, id2] || [c0, c1, c2] == *b"RGB" {
        return None;
    }
    let (across, down) = match size {
        0x11 => (1, 1),
        0x21 => (2, 1),
        0x22 => (2, 2),
        _ => return None,
    };
    // Two samples are widened otherwise.
    if width.div_ceil(across) <= 2 {
        return None;
    }
    let units = width.div_ceil(8 * across);
    let component = |quant: u8, codes: u8| {
        Some(Component {
            dc: tables.codes[0].get(usize::from(codes >> 4))?.as_ref()?,
            ac: tables.codes[1].get(usize::from(codes & 15))?.as_ref()?,
            quant: tables.quants.get(usize::from(quant))?.as_ref()?,
            last: 0,
        })
    };
    let mut components = [component(q0, t0)?, component(q1, t1)?, component(q2, t2)?];
    let mut samples =
        [(across, down), (1, 1), (1, 1)].map(|(across, down)| Samples::new(units, across, down));
    let mut rows = Rows::new(width, height, units * across * 8);
    let mut bits = Bits::new(rest);
    let (mut left, mut number) = (tables.interval, 0);
    for row in 0..height.div_ceil(8 * down) {
        for unit in 0..units {
            if tables.interval > 0 {
                if left == 0 {
                    bits = bits.restarted(number)?;
                    number = (number + 1) % 8;
                    components.iter_mut().for_each(|component| component.last = 0);
                    left = tables.interval;
                }
                left -= 1;
            }
            for (component, samples) in components.iter_mut().zip(&mut samples) {
                for y in 0..samples.down {
                    for x in 0..samples.across {
                        let block = component.block(&mut bits, rows.kernels.idct_islow)?;
                        samples.put(unit * samples.across + x, y, &block);
                    }
                }
            }
        }
        if bits.is_past_end() {
            return None;
        }
        rows.add(row, &samples);
        samples.iter_mut().for_each(Samples::advance);
    }
    rows.into_pixels()
}

impl<'a> Tables<'a> {
    /// Reads the segments up to the first scan: the tables, the header of the scan and what follows it.
    fn read(bytes: &'a [u8]) -> Option<(Tables<'a>, &'a [u8], &'a [u8])> {
        let mut tables = Tables::default();
        let mut at = 2;
        loop {
            let [0xff, marker, ..] = bytes.get(at..)? else {
                return None;
            };
            let length = usize::from(u16_be(bytes, at + 2)?);
            let body = bytes.get(at + 4..at + 2 + length)?;
            at += 2 + length;
            match marker {
                0xc0 | 0xc1 if tables.frame.is_none() => tables.frame = Some(body),
                0xc4 => tables.read_codes(body)?,
                0xda => return Some((tables, body, &bytes[at..])),
                0xdb => tables.read_quants(body)?,
                0xdd => tables.interval = u16_be(body, 0)?,
                // What Adobe writes says when it is not YCbCr.
                0xee if body.starts_with(b"Adobe") && body.get(11) != Some(&1) => return None,
                0xe0..=0xef | 0xfe => {}
                _ => return None,
            }
        }
    }

    fn read_codes(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((kind, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let count = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest.split_at_checked(count)?;
            let slot = self.codes.get_mut(usize::from(kind >> 4))?;
            *slot.get_mut(usize::from(kind & 15))? = Some(Codes::read(counts, symbols, kind >> 4 == 0)?);
            body = rest;
        }
        Some(())
    }

    fn read_quants(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((kind, rest)) = body.split_first() {
            let size = match kind >> 4 {
                0 => 1,
                1 => 2,
                _ => return None,
            };
            let (values, rest) = rest.split_at_checked(64 * size)?;
            let mut quant = [0; 64];
            for (value, place) in values.chunks_exact(size).zip(ZIGZAG) {
                quant[usize::from(place)] = value.iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte));
            }
            *self.quants.get_mut(usize::from(kind & 15))? = Some(quant);
            body = rest;
        }
        Some(())
    }
}

/// How the blocks of a component are read.
struct Component<'a> {
    dc: &'a Codes,
    ac: &'a Codes,
    quant: &'a [u16; 64],
    /// First coefficient of the last block.
    last: i16,
}

impl Component<'_> {
    #[inline(always)]
    fn block(
        &mut self,
        bits: &mut Bits<'_>,
        transform: fn(&[i16; 64], &[u16; 64], &mut [u8; 64]),
    ) -> Option<[u8; 64]> {
        let mut block = [0; 64];
        let has_detail = entropy::read_block(bits, self.dc, self.ac, &mut self.last, &mut block)?;
        let level = i32::from(block[0]) * i32::from(self.quant[0]);
        // In the range in which no kernel overflows, a block of one colour is what the transform makes of it.
        if !has_detail && level.abs() < 8192 {
            return Some([(((level + 4) >> 3) + 128).clamp(0, 255) as u8; 64]);
        }
        let mut samples = [0; 64];
        transform(&block, self.quant, &mut samples);
        Some(samples)
    }
}

#[cfg(test)]
mod tests {
    use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling, decompress_to};

    use super::decode;

    /// Every way in which colours are stored that is read here.
    const SAMPLINGS: [Subsampling; 3] = [Subsampling::S444, Subsampling::S422, Subsampling::S420];

    /// A picture with a slope, edges and noise.
    fn picture(width: usize, height: usize) -> Vec<u8> {
        let mut noise = 1u32;
        let mut pixels = Vec::new();
        for at in 0..width * height {
            let (x, y) = (at % width, at / width);
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let speck = if y % 32 < 16 { (noise >> 24) as u8 } else { 0 };
            pixels.extend([
                (x * 255 / width) as u8 ^ speck,
                (y * 3) as u8,
                ((x / 20 + y / 20) % 2 * 255) as u8,
            ]);
        }
        pixels
    }

    fn jpeg(width: usize, height: usize, sampling: Subsampling, restarts: u16) -> Vec<u8> {
        let pixels = picture(width, height);
        let encoder = Encoder::new(&pixels, width, height, PixelFormat::Rgb)
            .quality(92)
            .subsampling(sampling);
        let encoder = if restarts > 0 {
            encoder.restart_blocks(restarts)
        } else {
            encoder
        };
        encoder.encode().unwrap()
    }

    #[test]
    fn pixels_are_those_of_libjpeg_turbo() {
        for sampling in SAMPLINGS {
            for restarts in [0, 1, 7] {
                for (width, height) in [
                    (5, 1),
                    (8, 8),
                    (15, 16),
                    (16, 15),
                    (17, 33),
                    (33, 17),
                    (100, 2),
                    (131, 70),
                ] {
                    let file = jpeg(width, height, sampling, restarts);
                    let expected = decompress_to(&file, PixelFormat::Rgb).unwrap().data;
                    let found = decode(&file, width, height);
                    assert!(
                        found == Some(expected),
                        "{width} x {height}, {sampling:?}, restarts {restarts}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_or_damaged_gives_nothing_or_what_libjpeg_turbo_gives() {
        for sampling in SAMPLINGS {
            let file = jpeg(61, 43, sampling, 3);
            for end in 0..file.len() - 2 {
                assert!(
                    decode(&file[..end], 61, 43).is_none(),
                    "{end} of {} bytes, {sampling:?}",
                    file.len()
                );
            }
            for at in 2..file.len() {
                for bits in [0x01, 0x80, 0xff] {
                    let mut damaged = file.clone();
                    damaged[at] ^= bits;
                    if let Some(pixels) = decode(&damaged, 61, 43) {
                        let expected = decompress_to(&damaged, PixelFormat::Rgb).unwrap().data;
                        assert!(pixels == expected, "byte {at} xor {bits:x}, {sampling:?}");
                    }
                }
            }
        }
    }
}
