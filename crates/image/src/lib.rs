//! Images: decoding under limits, pixel and perceptual signals, edits.
//!
//! The format of an image is found from its bytes. [`decode`] gives a [`Picture`]: 8-bit sRGB as a viewer would show
//! it, upright, at full size or at the smallest scale that suffices.

mod decode;
mod format;
mod header;
mod picture;
mod thumbnail;

pub use decode::{Decoded, Scale, decode, probe};
pub use format::ImageFormat;
pub use header::{ColorMode, Header, Orientation};
pub use picture::{Channels, Picture};
pub use thumbnail::{Thumbnail, ThumbnailRef};
