//! A hash of the pixels of the thumbnail.
//!
//! `image_pixel_hash` is the XXH3 hash of 128 bits, as 32 hexadecimal digits, of width and height of the thumbnail (4 bytes
//! each, little-endian) and its bytes of red, green and blue. Images with the same hash have the same pixels at the
//! scale of the thumbnail: an image agrees with itself in another lossless format, with other metadata, or turned by its
//! EXIF orientation instead of its pixels. A copy that was compressed anew or resized differs.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal};
use xxhash_rust::xxh3::xxh3_128;

use super::IMAGE_THUMBNAIL;

/// Describes [`PixelHash`].
pub(super) static CARD: Card = Card {
    name: "pixel_hash",
    about: "hash of the pixels of the thumbnail: equal for equal pictures",
    inputs: &[IMAGE_THUMBNAIL],
    outputs: &[Column::text(
        "image_pixel_hash",
        "XXH3-128 of size and pixels of the thumbnail, 32 hexadecimal digits",
    )],
    source: "xxHash 0.8, XXH3_128bits",
    cost: Cost::Moderate,
    version: 1,
};

/// Hashes pixels; see the module.
#[derive(Debug)]
pub(super) struct PixelHash;

impl Signal for PixelHash {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Utf8View`; null where the thumbnail is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        // A stored thumbnail is its size and its pixels.
        let thumbnails: &BinaryViewArray = inputs[0].as_binary_view();
        let hashes = thumbnails
            .iter()
            .map(|thumbnail| Some(format!("{:032x}", xxh3_128(thumbnail?))));
        Ok(vec![Arc::new(hashes.collect::<StringViewArray>())])
    }
}
