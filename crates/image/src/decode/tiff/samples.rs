//! Samples of a TIFF: from stored bits to 8 bits.
//!
//! Whole numbers of fewer than 8 bits are spread over 0 to 255, of more lose their low bits; signed ones are shifted so that
//! the least is 0. Floats are linear light, clamped to 0..1 and stored with the curve of sRGB. Colours that were
//! multiplied with opacity are divided by it. Extra samples that are no opacity are dropped.

use gristmill_core::Fault;

use super::lab;
use crate::decode::{by_image::curve, raw::Layout};

/// How samples are stored.
#[derive(Debug)]
pub(super) struct Samples {
    /// Samples of a pixel.
    pub(super) count: usize,
    pub(super) bits: usize,
    /// 1 for whole numbers, 2 for signed ones, 3 for floats.
    pub(super) format: u32,
    pub(super) is_big_endian: bool,
    pub(super) colours: Colours,
}

/// What samples mean.
#[derive(Debug)]
pub(super) enum Colours {
    /// 0 is black, or white.
    Gray {
        is_inverted: bool,
        alpha: Alpha,
    },
    Rgb {
        alpha: Alpha,
    },
    /// Indexes into these.
    Palette(Vec<[u8; 3]>),
    Cmyk,
    /// CIE L*a*b*, in 8 or 16 bits.
    Lab,
    /// A kind, or a number of samples, that is not read.
    Other,
}

/// What the sample behind the colours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alpha {
    /// None, or something else.
    None,
    /// Opacity that the colours are not multiplied with.
    Straight,
    /// Opacity that the colours are multiplied with.
    Multiplied,
}

impl Colours {
    /// By PhotometricInterpretation, number of samples, first value of ExtraSamples, and ColorMap.
    pub(super) fn of(photometric: u32, count: usize, extra: Option<u32>, map: &[u64]) -> Self {
        let alpha = |colours: usize| match extra {
            Some(1) if count > colours => Alpha::Multiplied,
            Some(2) if count > colours => Alpha::Straight,
            _ => Alpha::None,
        };
        match (photometric, count) {
            (0 | 1, 1..) => Colours::Gray {
                is_inverted: photometric == 0,
                alpha: alpha(1),
            },
            (2, 3..) => Colours::Rgb { alpha: alpha(3) },
            (3, 1..) => {
                let entries = map.len() / 3;
                // Some writers store 8 bits where 16 are asked for.
                let shift = if map.iter().all(|value| *value < 256) {
                    0
                } else {
                    8
                };
                let entry = |at: usize| [0, 1, 2].map(|plane| (map[plane * entries + at] >> shift) as u8);
                Colours::Palette((0..entries).map(entry).collect())
            }
            (5, 4..) => Colours::Cmyk,
            (8, 3..) => Colours::Lab,
            _ => Colours::Other,
        }
    }
}

impl Samples {
    /// Whether these samples are read.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let is_number = matches!((self.format, self.bits), (1 | 4, 1..=32) | (2, 8 | 16 | 32));
        let is_float = matches!((self.format, self.bits), (3, 16 | 32 | 64));
        let is_meant = match &self.colours {
            Colours::Other => false,
            Colours::Palette(map) => !map.is_empty() && self.format != 3 && self.bits <= 16,
            Colours::Lab => matches!(self.bits, 8 | 16) && self.format != 3,
            _ => true,
        };
        if (is_number || is_float) && is_meant && self.count <= 64 {
            Ok(())
        } else {
            Err(Fault::unsupported(format!(
                "{} samples of {} bits, of format {}",
                self.count, self.bits, self.format
            )))
        }
    }

    /// Whether the pixels that come out are sRGB whatever the profile says.
    pub(super) fn is_srgb(&self) -> bool {
        self.format == 3 || matches!(self.colours, Colours::Lab)
    }

    /// Undoes the predictor in a row of a strip or tile whose pixels have `samples` samples.
    pub(super) fn unpredict(&self, row: &mut [u8], predictor: u32, samples: usize) {
        match (predictor, self.bits) {
            (2, 8) => (samples..row.len()).for_each(|at| row[at] = row[at].wrapping_add(row[at - samples])),
            (2, 16 | 32) => {
                let size = self.bits / 8;
                let count = row.len() / size;
                for at in samples..count {
                    let sum = self.whole(row, at).wrapping_add(self.whole(row, at - samples));
                    let place = &mut row[at * size..(at + 1) * size];
                    if self.is_big_endian {
                        place.copy_from_slice(&sum.to_be_bytes()[4 - size..]);
                    } else {
                        place.copy_from_slice(&sum.to_le_bytes()[..size]);
                    }
                }
            }
            (3, 16 | 32 | 64) => {
                (samples..row.len()).for_each(|at| row[at] = row[at].wrapping_add(row[at - samples]));
                // The highest bytes of all samples come first.
                let size = self.bits / 8;
                let count = row.len() / size;
                let planes = row.to_vec();
                for (at, place) in row.chunks_exact_mut(size).enumerate() {
                    for (byte, place) in place.iter_mut().enumerate() {
                        let plane = if self.is_big_endian { byte } else { size - 1 - byte };
                        *place = planes[plane * count + at];
                    }
                }
            }
            _ => {}
        }
    }

    /// A whole number of 16 or 32 bits.
    fn whole(&self, row: &[u8], at: usize) -> u32 {
        let size = self.bits / 8;
        let mut bytes = [0; 4];
        if self.is_big_endian {
            bytes[4 - size..].copy_from_slice(&row[at * size..(at + 1) * size]);
            u32::from_be_bytes(bytes)
        } else {
            bytes[..size].copy_from_slice(&row[at * size..(at + 1) * size]);
            u32::from_le_bytes(bytes)
        }
    }

    /// The `at`th sample of a row as it is stored, without its sign; of a float the bits of 32.
    fn stored(&self, row: &[u8], at: usize) -> u32 {
        match (self.bits, self.format) {
            (8, _) => u32::from(row[at]),
            (16 | 32, 1 | 2 | 4) | (32, _) => self.whole(row, at),
            (16, _) => half(self.whole(row, at) as u16).to_bits(),
            (64, _) => {
                let mut bytes = [0; 8];
                bytes.copy_from_slice(&row[at * 8..at * 8 + 8]);
                let wide = if self.is_big_endian {
                    f64::from_be_bytes(bytes)
                } else {
                    f64::from_le_bytes(bytes)
                };
                (wide as f32).to_bits()
            }
            (bits, _) => (at * bits..(at + 1) * bits).fold(0, |value, bit| {
                value << 1 | u32::from(row[bit / 8] >> (7 - bit % 8) & 1)
            }),
        }
    }

    /// A stored sample in 8 bits.
    fn eight(&self, stored: u32) -> u8 {
        match (self.format, self.bits) {
            (3, _) => curve(f32::from_bits(stored)),
            (2, bits) => ((stored ^ 1 << (bits - 1)) >> (bits - 8)) as u8,
            (_, bits @ 1..8) => {
                let most = (1 << bits) - 1;
                ((stored * 255 + most / 2) / most) as u8
            }
            (_, bits) => (stored >> (bits - 8)) as u8,
        }
    }

    /// The layout of pixels that are stored as they are meant: in 8 bits, and nothing else.
    fn as_stored(&self) -> Option<Layout> {
        let layout = match self.colours {
            Colours::Gray {
                is_inverted: false,
                alpha: Alpha::None,
            } => Layout::Gray,
            Colours::Gray {
                is_inverted: false,
                alpha: Alpha::Straight,
            } => Layout::GrayAlpha,
            Colours::Rgb { alpha: Alpha::None } => Layout::Rgb,
            Colours::Rgb {
                alpha: Alpha::Straight,
            } => Layout::Rgba,
            Colours::Cmyk => Layout::Cmyk,
            _ => return None,
        };
        (self.bits == 8 && self.format != 2 && layout.count() == self.count).then_some(layout)
    }

    /// The pixels of a page; in planes one after the other if `is_planar`.
    pub(super) fn pixels(
        &self,
        canvas: Vec<u8>,
        width: usize,
        height: usize,
        is_planar: bool,
    ) -> (Layout, Vec<u8>) {
        if let Some(layout) = self.as_stored().filter(|_| !is_planar) {
            return (layout, canvas);
        }
        if let (1, 1, Colours::Gray { is_inverted, .. }) = (self.bits, self.count, &self.colours) {
            return (
                Layout::Gray,
                black_and_white(&canvas, width, height, *is_inverted),
            );
        }
        let samples = if is_planar { 1 } else { self.count };
        let row_bytes = (width * self.bits * samples).div_ceil(8);
        let plane_bytes = row_bytes * height;
        let stored = |x: usize, y: usize, sample: usize| {
            let (plane, at) = if is_planar {
                (sample, x)
            } else {
                (0, x * self.count + sample)
            };
            let from = plane * plane_bytes + y * row_bytes;
            self.stored(&canvas[from..from + row_bytes], at)
        };
        let value = |x: usize, y: usize, sample: usize| self.eight(stored(x, y, sample));
        let layout = match &self.colours {
            Colours::Gray {
                alpha: Alpha::None, ..
            } => Layout::Gray,
            Colours::Gray { .. } => Layout::GrayAlpha,
            Colours::Rgb { alpha } if *alpha != Alpha::None => Layout::Rgba,
            Colours::Cmyk => Layout::Cmyk,
            _ => Layout::Rgb,
        };
        let mut pixels = Vec::with_capacity(width * height * layout.count());
        for y in 0..height {
            for x in 0..width {
                match &self.colours {
                    Colours::Gray { is_inverted, alpha } => {
                        let gray = value(x, y, 0);
                        let gray = if *is_inverted { 255 - gray } else { gray };
                        with_alpha(&mut pixels, &[gray], *alpha, || value(x, y, 1));
                    }
                    Colours::Rgb { alpha } => {
                        let colour = [value(x, y, 0), value(x, y, 1), value(x, y, 2)];
                        with_alpha(&mut pixels, &colour, *alpha, || value(x, y, 3));
                    }
                    Colours::Palette(map) => {
                        // What the map does not hold is black.
                        pixels.extend(map.get(stored(x, y, 0) as usize).copied().unwrap_or_default());
                    }
                    Colours::Cmyk => pixels.extend([0, 1, 2, 3].map(|sample| value(x, y, sample))),
                    Colours::Lab => {
                        let most = ((1u32 << self.bits) - 1) as f64;
                        let half = (1u32 << (self.bits - 1)) as f64;
                        let signed = |sample: usize| {
                            let stored = f64::from(stored(x, y, sample));
                            let signed = if stored >= half {
                                stored - most - 1.0
                            } else {
                                stored
                            };
                            signed * 128.0 / half
                        };
                        let lightness = f64::from(stored(x, y, 0)) * 100.0 / most;
                        pixels.extend(lab::srgb(lightness, signed(1), signed(2)));
                    }
                    Colours::Other => {}
                }
            }
        }
        (layout, pixels)
    }
}

/// Pixels of one bit, eight at a time.
fn black_and_white(canvas: &[u8], width: usize, height: usize, is_inverted: bool) -> Vec<u8> {
    let ink = if is_inverted { 255 } else { 0 };
    let eights: Vec<[u8; 8]> = (0..=255u8)
        .map(|byte| [7, 6, 5, 4, 3, 2, 1, 0].map(|bit| ((byte >> bit & 1) * 255) ^ ink))
        .collect();
    let mut pixels = Vec::with_capacity((width + 8) * height);
    for row in canvas.chunks_exact(width.div_ceil(8)).take(height) {
        let before = pixels.len();
        row.iter()
            .for_each(|byte| pixels.extend_from_slice(&eights[usize::from(*byte)]));
        pixels.truncate(before + width);
    }
    pixels
}

fn with_alpha(pixels: &mut Vec<u8>, colour: &[u8], alpha: Alpha, opacity: impl Fn() -> u8) {
    match alpha {
        Alpha::None => pixels.extend_from_slice(colour),
        Alpha::Straight => {
            pixels.extend_from_slice(colour);
            pixels.push(opacity());
        }
        Alpha::Multiplied => {
            let opacity = u32::from(opacity());
            let divided = |value: &u8| {
                (u32::from(*value) * 255 + opacity / 2)
                    .checked_div(opacity)
                    .map_or(0, |value| value.min(255) as u8)
            };
            pixels.extend(colour.iter().map(divided));
            pixels.push(opacity as u8);
        }
    }
}

/// A float of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (bits >> 10 & 0x1f, f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(bits: usize, format: u32, photometric: u32, map: &[u64]) -> Samples {
        Samples {
            count: 1,
            bits,
            format,
            is_big_endian: true,
            colours: Colours::of(photometric, 1, None, map),
        }
    }

    fn check(samples: &Samples, row: &[u8], width: usize, expected: &[u8]) {
        assert_eq!(samples.pixels(row.to_vec(), width, 1, false).1, expected);
    }

    #[test]
    fn few_bits_are_spread_and_many_are_cut() {
        check(&samples(1, 1, 1, &[]), &[0b1010_0000], 3, &[255, 0, 255]);
        check(&samples(2, 1, 0, &[]), &[0b0001_1011], 4, &[255, 170, 85, 0]);
        check(&samples(4, 1, 1, &[]), &[0x0f, 0x80], 3, &[0, 255, 136]);
        check(&samples(12, 1, 1, &[]), &[0xff, 0xf8, 0x00], 2, &[255, 128]);
        check(&samples(16, 1, 1, &[]), &[0x12, 0xff], 1, &[0x12]);
        check(&samples(8, 2, 1, &[]), &[0x80, 0x7f, 0], 3, &[0, 255, 128]);
    }

    #[test]
    fn floats_are_light() {
        check(
            &samples(32, 3, 1, &[]),
            &[1f32.to_be_bytes(), (-1f32).to_be_bytes()].concat(),
            2,
            &[255, 0],
        );
        check(
            &samples(16, 3, 1, &[]),
            &[0x3c, 0, 0x7e, 0, 0x32, 0x79],
            3,
            &[255, 0, 124],
        );
    }

    #[test]
    fn palettes_of_8_and_16_bits_are_told_apart() {
        check(
            &samples(1, 1, 3, &[0, 1, 2, 3, 4, 5]),
            &[0b0100_0000],
            2,
            &[0, 2, 4, 1, 3, 5],
        );
        let wide = [0, 0x100, 0x200, 0x300, 0x400, 0x5ff];
        check(&samples(1, 1, 3, &wide), &[0b0100_0000], 2, &[0, 2, 4, 1, 3, 5]);
        check(&samples(4, 1, 3, &wide), &[0x2f], 2, &[0; 6]);
    }

    #[test]
    fn differences_are_added_up() {
        let mut row = [1, 2, 3, 250];
        samples(8, 1, 1, &[]).unpredict(&mut row, 2, 1);
        assert_eq!(row, [1, 3, 6, 0]);
        let mut wide = [0, 255, 0, 1];
        samples(16, 1, 1, &[]).unpredict(&mut wide, 2, 1);
        assert_eq!(wide, [0, 255, 1, 0]);
    }
}
