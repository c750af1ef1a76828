//! Images: decoding under limits, pixel and perceptual signals, edits.
//!
//! The format of an image is found from its bytes. [`decode`] gives a [`Picture`]: 8-bit sRGB as a viewer would show
//! it, upright, at full size or at the smallest scale that suffices.

mod decode;
pub mod edit;
pub mod extract;
mod fields;
mod format;
pub mod hash;
mod header;
mod picture;
mod resize;
mod signal;
mod thumbnail;

use gristmill_worker::Codec;

pub use decode::{Decoded, Scale, decode, decode_as_stored, probe};
pub use edit::EDITS;
pub use extract::EXTRACTORS;
pub use format::ImageFormat;
pub use header::{ColorMode, Header, Orientation};
pub use picture::{Channels, Picture};
pub use signal::SIGNALS;
pub use thumbnail::{SIDE as THUMBNAIL_SIDE, Thumbnail, ThumbnailRef};

/// The codecs that are written in C, for [`gristmill_worker::serve`].
pub static CODECS: &[Codec] = &[decode::LIBWEBP];
