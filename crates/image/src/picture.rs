//! Pixels.

/// What the bytes of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, and opacity that the colours are not multiplied with.
    Rgba,
}

impl Channels {
    /// Bytes of a pixel.
    pub fn count(self) -> usize {
        match self {
            Channels::Rgb => 3,
            Channels::Rgba => 4,
        }
    }
}

/// Pixels of 8 bits a channel, row by row from the top, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Columns of pixels, at least 1.
    pub width: u32,
    /// Rows of pixels, at least 1.
    pub height: u32,
    /// What the bytes of a pixel are.
    pub channels: Channels,
    /// `width * height * channels.count()` bytes.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Whether no pixel has a colour.
    pub(crate) fn is_gray(&self) -> bool {
        let is_gray = |pixel: &[u8]| pixel[0] == pixel[1] && pixel[1] == pixel[2];
        self.pixels.chunks_exact(self.channels.count()).all(is_gray)
    }

    /// One byte a pixel, or two with its opacity, of a picture without colours.
    pub(crate) fn gray(&self) -> Vec<u8> {
        let pixels = self.pixels.chunks_exact(self.channels.count());
        pixels.flat_map(|pixel| &pixel[2..]).copied().collect()
    }
}
