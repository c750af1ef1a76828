//! dHash of the thumbnail: 64 bits, as 16 hexadecimal digits.
//!
//! [`hash::dhash`](crate::hash) has the definition, here of the thumbnail and its 8-bit luma. ImageHash and imagededup scale
//! the full picture, which differs in few bits.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray};
use gristmill_core::{Card, Column, Cost, Result, Signal};

use super::luma::{IMAGE_LUMA, lumas};
use crate::hash::dhash;

/// Describes [`Dhash`].
pub(super) static CARD: Card = Card {
    name: "image_dhash",
    about: "perceptual hash of steps from left to right",
    inputs: &[IMAGE_LUMA],
    outputs: &[Column::text(
        "image_dhash",
        "dHash of the thumbnail, 16 hexadecimal digits; up to about 10 different bits are near duplicates",
    )],
    source: "Krawetz 2013, hackerfactor.com 529; ImageHash 4.3.2 dhash",
    cost: Cost::Moderate,
    version: 1,
};

/// Computes dHash; see the module.
#[derive(Debug)]
pub(super) struct Dhash;

impl Signal for Dhash {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Utf8View`; null where the luma is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let hashes =
            lumas(&inputs[0]).map(|luma| Some(format!("{:016x}", dhash(&luma?.scaled::<{ 9 * 8 }>(9, 8)))));
        Ok(vec![Arc::new(hashes.collect::<StringViewArray>())])
    }
}
