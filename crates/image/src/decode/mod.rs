//! From bytes to pixels, under limits.

mod raw;

use gristmill_core::{Fault, Limits};

use crate::{Header, Picture};

/// The size that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// As stored.
    Full,
    /// Codecs that can decode at a smaller scale may, as long as the longer side keeps this many pixels.
    LongestAtLeast(u32),
    /// Codecs that can decode at a smaller scale may, as long as the shorter side keeps this many pixels.
    ShortestAtLeast(u32),
}

/// A decoded image.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// What the image says of itself.
    pub header: Header,
    /// Its first frame in sRGB, upright.
    pub picture: Picture,
    /// Whether the bytes end early and the rest of the picture is missing.
    pub is_truncated: bool,
}

/// Reads what an image says of itself.
pub fn probe(_bytes: &[u8], _limits: &Limits) -> Result<Header, Fault> {
    Err(Fault::unsupported("no image"))
}

/// Decodes the first frame of an image.
pub fn decode(_bytes: &[u8], _scale: Scale, _limits: &Limits) -> Result<Decoded, Fault> {
    Err(Fault::unsupported("no image"))
}
