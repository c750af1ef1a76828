//! A decoded frame: samples of luma and chroma in 8 bits.
//!
//! Deeper samples are cut to their high bits. Colours are made with the matrix and range that the stream states; a stream that
//! states no matrix has that of BT.601, as by FFmpeg, whatever its size.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use gristmill_image::{Channels, Picture};

use crate::header::color::Coding;

/// Samples of one component, row by row without padding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plane {
    /// Samples of a row; 0 where there is no such component.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` samples.
    pub samples: Vec<u8>,
}

impl Plane {
    /// A plane of rows that are `stride` bytes apart, with samples of one byte.
    pub(crate) fn of_bytes(width: usize, height: usize, stride: usize, bytes: &[u8]) -> Option<Plane> {
        let mut samples = Vec::with_capacity(width * height);
        for row in bytes.chunks(stride.max(1)).take(height) {
            samples.extend_from_slice(row.get(..width)?);
        }
        (samples.len() == width * height).then_some(Plane {
            width,
            height,
            samples,
        })
    }

    /// The same of samples of two bytes, the low one first, of which `bits` bits are used.
    pub(crate) fn of_words(
        width: usize,
        height: usize,
        stride: usize,
        bytes: &[u8],
        bits: u32,
    ) -> Option<Plane> {
        let shift = bits.saturating_sub(8);
        let mut samples = Vec::with_capacity(width * height);
        for row in bytes.chunks(stride.max(1)).take(height) {
            let row = row.get(..width * 2)?;
            let (words, _) = row.as_chunks::<2>();
            samples.extend(
                words
                    .iter()
                    .map(|word| (u16::from_le_bytes(*word) >> shift).min(255) as u8),
            );
        }
        (samples.len() == width * height).then_some(Plane {
            width,
            height,
            samples,
        })
    }

    /// The plane at another size: bilinear, over as many samples as the ratio asks for.
    fn scaled(&self, width: usize, height: usize) -> Option<Plane> {
        if (width, height) == (self.width, self.height) {
            return Some(self.clone());
        }
        let source = ImageRef::new(
            self.width as u32,
            self.height as u32,
            &self.samples,
            PixelType::U8,
        )
        .ok()?;
        let mut target = Image::new(width as u32, height as u32, PixelType::U8);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new().resize(&source, &mut target, &options).ok()?;
        Some(Plane {
            width,
            height,
            samples: target.into_vec(),
        })
    }
}

/// A decoded frame, as stored: not turned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Luma, and chroma of blue and red; those are empty for grey.
    pub planes: [Plane; 3],
    pub(crate) coding: Coding,
}

impl Frame {
    /// Columns of luma.
    pub fn width(&self) -> usize {
        self.planes[0].width
    }

    /// Rows of luma.
    pub fn height(&self) -> usize {
        self.planes[0].height
    }

    /// Whether all values of a sample are used.
    pub fn is_full_range(&self) -> bool {
        self.coding.is_full_range
    }

    /// The weights that make colours of this frame.
    pub(crate) fn colors(&self) -> Colors {
        Colors::new(self.coding)
    }

    /// The frame as a picture that is at most `longest` pixels long, turned by `rotation` degrees clockwise.
    pub fn picture(&self, longest: u32, rotation: u16) -> Option<Picture> {
        let (width, height) = fitting(self.width(), self.height(), longest as usize);
        if width == 0 || height == 0 {
            return None;
        }
        let luma = self.planes[0].scaled(width, height)?;
        let colors = self.colors();
        let mut pixels = Vec::with_capacity(width * height * 3);
        if self.planes[1].samples.is_empty() || self.planes[2].samples.is_empty() {
            pixels.extend(luma.samples.iter().flat_map(|&luma| colors.rgb(luma, 128, 128)));
        } else {
            let (blue, red) = (
                self.planes[1].scaled(width, height)?,
                self.planes[2].scaled(width, height)?,
            );
            let samples = luma.samples.iter().zip(&blue.samples).zip(&red.samples);
            pixels.extend(samples.flat_map(|((&luma, &blue), &red)| colors.rgb(luma, blue, red)));
        }
        let picture = Picture {
            width: width as u32,
            height: height as u32,
            channels: Channels::Rgb,
            pixels,
        };
        Some(turned(picture, rotation))
    }
}

/// The size with the longer side at most `longest`, the shorter one rounded, at least 1.
fn fitting(width: usize, height: usize, longest: usize) -> (usize, usize) {
    let side = width.max(height);
    if side <= longest {
        return (width, height);
    }
    let scale = |of: usize| ((of * longest * 2 + side) / (side * 2)).max(1);
    (scale(width), scale(height))
}

fn turned(picture: Picture, rotation: u16) -> Picture {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let (to_width, to_height) = match rotation {
        90 | 270 => (height, width),
        180 => (width, height),
        _ => return picture,
    };
    let (pixels, _) = picture.pixels.as_chunks::<3>();
    let mut out = Vec::with_capacity(picture.pixels.len());
    for y in 0..to_height {
        for x in 0..to_width {
            let (from_x, from_y) = match rotation {
                90 => (y, height - 1 - x),
                180 => (width - 1 - x, height - 1 - y),
                _ => (width - 1 - y, x),
            };
            out.extend_from_slice(&pixels[from_y * width + from_x]);
        }
    }
    Picture {
        width: to_width as u32,
        height: to_height as u32,
        channels: Channels::Rgb,
        pixels: out,
    }
}

/// Weights in steps of 2^-16, as ITU-T H.273 has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colors {
    luma: i32,
    luma_offset: i32,
    red: i32,
    green_of_blue: i32,
    green_of_red: i32,
    blue: i32,
}

impl Colors {
    fn new(coding: Coding) -> Self {
        let (red, blue) = match coding.matrix {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            7 => (0.212, 0.087),
            9 | 10 => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        };
        let green = 1.0 - red - blue;
        let (luma_range, chroma_range, luma_offset) = if coding.is_full_range {
            (255.0, 255.0, 0)
        } else {
            (219.0, 224.0, 16)
        };
        let step = |of: f64, range: f64| (of * 255.0 / range * 65536.0).round() as i32;
        let (from_red, from_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
        Colors {
            luma: step(1.0, luma_range),
            luma_offset,
            red: step(from_red, chroma_range),
            green_of_blue: step(from_blue * blue / green, chroma_range),
            green_of_red: step(from_red * red / green, chroma_range),
            blue: step(from_blue, chroma_range),
        }
    }

    /// Red, green and blue of luma and chroma.
    #[inline(always)]
    pub(crate) fn rgb(&self, luma: u8, blue: u8, red: u8) -> [u8; 3] {
        let y = (i32::from(luma) - self.luma_offset) * self.luma + 32768;
        let (b, r) = (i32::from(blue) - 128, i32::from(red) - 128);
        let clamp = |value: i32| (value >> 16).clamp(0, 255) as u8;
        [
            clamp(y + self.red * r),
            clamp(y - self.green_of_blue * b - self.green_of_red * r),
            clamp(y + self.blue * b),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_black_and_red_come_back() {
        let limited = Colors::new(Coding::default());
        assert_eq!(limited.rgb(235, 128, 128), [255; 3]);
        assert_eq!(limited.rgb(16, 128, 128), [0; 3]);
        assert_eq!(limited.rgb(81, 90, 240), [254, 0, 0]);
        let full = Colors::new(Coding {
            matrix: 6,
            is_full_range: true,
        });
        assert_eq!(full.rgb(255, 128, 128), [255; 3]);
    }

    #[test]
    fn pictures_are_turned_clockwise() {
        let picture = Picture {
            width: 2,
            height: 1,
            channels: Channels::Rgb,
            pixels: vec![1, 1, 1, 2, 2, 2],
        };
        let firsts = [0, 90, 180, 270].map(|rotation| turned(picture.clone(), rotation).pixels[0]);
        assert_eq!(firsts, [1, 1, 2, 2]);
        let down = turned(picture, 90);
        assert_eq!((down.width, down.height), (1, 2));
    }
}
