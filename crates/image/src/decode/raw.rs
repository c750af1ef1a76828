//! What a codec gives, before colours and orientation.

use super::wide::Wide;
use crate::Orientation;

/// What the bytes of a decoded pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "not every codec gives every layout")]
pub(crate) enum Layout {
    /// Black to white.
    Gray,
    /// Black to white, and opacity.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, and opacity that the colours are not multiplied with.
    Rgba,
    /// Cyan, magenta, yellow, black; 255 is full ink.
    Cmyk,
}

impl Layout {
    /// Bytes of a pixel.
    pub(crate) fn count(self) -> usize {
        match self {
            Layout::Gray => 1,
            Layout::GrayAlpha => 2,
            Layout::Rgb => 3,
            Layout::Rgba | Layout::Cmyk => 4,
        }
    }
}

/// The first frame of an image as its codec gives it: 8 bits a sample, row by row from the top, without padding.
///
/// It is as stored: not turned (see [`orientation`](Self::orientation)), and in the colours of the profile that the
/// header holds unless [`is_srgb`](Self::is_srgb).
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    /// Columns of pixels, at least 1. Smaller than in the header when a smaller scale was asked for and given.
    pub(crate) width: u32,
    /// Rows of pixels, at least 1.
    pub(crate) height: u32,
    /// What the bytes of a pixel are.
    pub(crate) layout: Layout,
    /// `width * height * layout.count()` bytes.
    pub(crate) pixels: Vec<u8>,
    /// Whether the codec has brought the colours to sRGB already, so that the profile of the header is not applied.
    pub(crate) is_srgb: bool,
    /// What the samples mean where code points say so. A profile comes before it.
    pub(crate) wide: Option<Wide>,
    /// How `pixels` are still to be turned. Upright where the codec has turned them.
    pub(crate) orientation: Orientation,
    /// Whether the bytes end early and the rest of the picture is missing.
    pub(crate) is_truncated: bool,
}

impl Raw {
    /// Whether a pixel is not opaque.
    pub(crate) fn has_alpha(&self) -> bool {
        match self.layout {
            Layout::GrayAlpha => self
                .pixels
                .as_chunks::<2>()
                .0
                .iter()
                .any(|[_, opacity]| *opacity != 255),
            Layout::Rgba => self
                .pixels
                .as_chunks::<4>()
                .0
                .iter()
                .any(|[.., opacity]| *opacity != 255),
            Layout::Gray | Layout::Rgb | Layout::Cmyk => false,
        }
    }
}
