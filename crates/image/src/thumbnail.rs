//! The picture that signals look at.
//!
//! Signals of an image are computed on a thumbnail whose longer side has at most [`SIDE`] pixels: upright, sRGB, opaque.
//! Blur and hashes depend on that size, so it is fixed. A smaller picture is not enlarged. Transparent pixels are laid
//! over white. A larger picture is scaled down with a triangle filter whose support grows with the ratio (anti-aliased
//! bilinear); its shorter side is rounded to the nearest pixel, at least 1.

use crate::{
    Channels, Picture,
    resize::{Grid, fitting, scaled},
};

/// Most pixels of the longer side of a thumbnail.
pub const SIDE: u32 = 512;

/// Bytes before the pixels in a stored thumbnail.
const HEAD: usize = 8;

/// A small, opaque picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width, height, pixels; see [`to_bytes`](Self::to_bytes).
    bytes: Vec<u8>,
}

/// The pixels of a thumbnail that is stored elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThumbnailRef<'a> {
    /// Columns of pixels, 1 to [`SIDE`].
    pub width: u32,
    /// Rows of pixels, 1 to [`SIDE`].
    pub height: u32,
    /// `width * height * 3` bytes: red, green, blue, row by row from the top.
    pub pixels: &'a [u8],
}

impl Thumbnail {
    /// The thumbnail of a picture.
    pub fn of(picture: Picture) -> Thumbnail {
        let Picture {
            width,
            height,
            channels,
            pixels,
        } = picture;
        let pixels = match channels {
            Channels::Rgb => pixels,
            Channels::Rgba => over_white(&pixels),
        };
        let (small_width, small_height) = fitting(width, height, SIDE);
        let mut bytes = Vec::with_capacity(HEAD + small_width as usize * small_height as usize * 3);
        bytes.extend_from_slice(&small_width.to_le_bytes());
        bytes.extend_from_slice(&small_height.to_le_bytes());
        if (small_width, small_height) == (width, height) {
            bytes.extend_from_slice(&pixels);
        } else {
            let grid = Grid {
                width,
                height,
                channels: 3,
                has_alpha: false,
                pixels: &pixels,
            };
            bytes.extend_from_slice(&scaled(grid, small_width, small_height));
        }
        Thumbnail { bytes }
    }

    /// Width and height as little-endian numbers of 4 bytes, then the pixels.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its size and pixels.
    pub fn as_ref(&self) -> ThumbnailRef<'_> {
        ThumbnailRef::from_bytes(&self.bytes).expect("a thumbnail is written as it is read")
    }
}

impl<'a> ThumbnailRef<'a> {
    /// Reads what [`Thumbnail::to_bytes`] gives; none for other bytes.
    pub fn from_bytes(bytes: &'a [u8]) -> Option<ThumbnailRef<'a>> {
        let (head, pixels) = bytes.split_first_chunk::<HEAD>()?;
        let [w0, w1, w2, w3, h0, h1, h2, h3] = *head;
        let (width, height) = (
            u32::from_le_bytes([w0, w1, w2, w3]),
            u32::from_le_bytes([h0, h1, h2, h3]),
        );
        let is_sized = |side| (1..=SIDE).contains(&side);
        let is_whole = is_sized(width)
            && is_sized(height)
            && pixels.len() as u64 == u64::from(width) * u64::from(height) * 3;
        is_whole.then_some(ThumbnailRef {
            width,
            height,
            pixels,
        })
    }
}

/// `rgba` over white: `(colour * opacity + 255 * (255 - opacity)) / 255`, rounded.
fn over_white(rgba: &[u8]) -> Vec<u8> {
    let (pixels, _) = rgba.as_chunks::<4>();
    let mut rgb = Vec::with_capacity(pixels.len() * 3);
    rgb.extend(pixels.iter().flat_map(|&[red, green, blue, opacity]| {
        let opacity = u32::from(opacity);
        let blend = |colour: u8| ((u32::from(colour) * opacity + 255 * (255 - opacity) + 127) / 255) as u8;
        [blend(red), blend(green), blend(blue)]
    }));
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparent_pixels_are_white() {
        let picture = Picture {
            width: 2,
            height: 1,
            channels: Channels::Rgba,
            pixels: vec![10, 20, 30, 0, 100, 0, 0, 128],
        };
        let thumbnail = Thumbnail::of(picture);
        assert_eq!(thumbnail.as_ref().pixels, [255, 255, 255, 177, 127, 127]);
    }

    #[test]
    fn a_large_picture_is_averaged() {
        let pixels = (0..1024 * 1024).flat_map(|at| if at % 2 == 0 { [0, 0, 0] } else { [200, 100, 50] });
        let picture = Picture {
            width: 1024,
            height: 1024,
            channels: Channels::Rgb,
            pixels: pixels.collect(),
        };
        let thumbnail = Thumbnail::of(picture);
        let small = thumbnail.as_ref();
        assert_eq!((small.width, small.height), (512, 512));
        assert_eq!(small.pixels[(256 * 512 + 256) * 3..][..3], [100, 50, 25]);
    }

    #[test]
    fn other_bytes_are_no_thumbnail() {
        let whole = [1, 0, 0, 0, 1, 0, 0, 0, 7, 8, 9];
        assert_eq!(
            ThumbnailRef::from_bytes(&whole).map(|small| small.pixels),
            Some([7, 8, 9].as_slice())
        );
        assert_eq!(ThumbnailRef::from_bytes(&whole[..10]), None);
        assert_eq!(ThumbnailRef::from_bytes(&[0; 8]), None);
        assert_eq!(ThumbnailRef::from_bytes(&[255; 8]), None);
    }
}
