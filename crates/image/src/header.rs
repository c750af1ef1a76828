//! What an image says of itself before a pixel is decoded.

use crate::ImageFormat;

/// What an image says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Its format.
    pub format: ImageFormat,
    /// Width as stored, before orientation.
    pub width: u32,
    /// Height as stored, before orientation.
    pub height: u32,
    /// How its pixels are stored.
    pub mode: ColorMode,
    /// Bits of a stored sample.
    pub bit_depth: u8,
    /// Frames of an animation, pages of a TIFF; 1 for others, and for what only decoding can tell.
    pub frames: u32,
    /// How it is to be turned.
    pub orientation: Orientation,
    /// Its ICC profile.
    pub icc: Option<Vec<u8>>,
    /// Its EXIF block, a TIFF structure.
    pub exif: Option<Vec<u8>>,
}

/// How pixels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorMode {
    /// Black and white or grey.
    Gray,
    /// Grey with opacity.
    GrayAlpha,
    /// Red, green, blue, also where stored as luma and chroma.
    Rgb,
    /// With opacity.
    Rgba,
    /// A palette.
    Palette,
    /// Cyan, magenta, yellow, black, also where stored as YCCK.
    Cmyk,
}

/// How a picture is to be turned for display: the values 1 to 8 of EXIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation(u8);
