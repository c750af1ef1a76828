//! Edits of images: other pixels, another format.
//!
//! An edit takes the bytes of a file and gives the bytes of another one, or none where the file is already what was asked
//! for: its bytes then stay. Orientation and colour profile become pixels, so what is written is upright sRGB without
//! profile. Of EXIF nothing stays unless it is asked for, and then neither place, maker notes nor preview.

mod encode;
mod exif;
mod resize;
mod rewrite;
mod size;
mod webp_chunks;

use gristmill_core::Edit;

/// All edits of images.
pub static EDITS: &[&dyn Edit] = &[&rewrite::RESIZE, &rewrite::ENCODE];

pub use encode::{Encode, Encoding, ExifPolicy};
pub use resize::{Filter, Resize};
pub use size::ResizeMode;
