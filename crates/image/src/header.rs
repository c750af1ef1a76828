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
    /// Bits of a stored sample; of an index where there is a palette.
    pub bit_depth: u8,
    /// Frames of an animation, pages of a TIFF; 1 for others, and for what only decoding can tell.
    pub frames: u32,
    /// How it is to be turned.
    pub orientation: Orientation,
    /// Its ICC profile; none where it is longer than the limit or cannot be read.
    pub icc: Option<Vec<u8>>,
    /// Its EXIF block, a TIFF structure; none where it is longer than the limit or cannot be read.
    pub exif: Option<Vec<u8>>,
}

impl Header {
    /// Width and height of the upright picture.
    pub fn upright(&self) -> (u32, u32) {
        if self.orientation.swaps_sides() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }
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

impl ColorMode {
    /// The word in columns.
    pub fn name(self) -> &'static str {
        match self {
            ColorMode::Gray => "gray",
            ColorMode::GrayAlpha => "gray_alpha",
            ColorMode::Rgb => "rgb",
            ColorMode::Rgba => "rgba",
            ColorMode::Palette => "palette",
            ColorMode::Cmyk => "cmyk",
        }
    }
}

/// How a picture is to be turned for display: the values 1 to 8 of EXIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation(u8);

impl Orientation {
    /// As stored.
    pub const UPRIGHT: Orientation = Orientation(1);

    /// Of a value of EXIF; values that EXIF does not know are as stored.
    pub fn of_exif(value: u32) -> Self {
        match value {
            2..=8 => Orientation(value as u8),
            _ => Orientation::UPRIGHT,
        }
    }

    /// The value of EXIF, 1 to 8.
    pub fn exif(self) -> u8 {
        self.0
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.0 >= 5
    }
}

impl Default for Orientation {
    fn default() -> Self {
        Orientation::UPRIGHT
    }
}
