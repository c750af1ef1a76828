//! pHash of the thumbnail: 64 bits, as 16 hexadecimal digits.
//!
//! [`hash::phash`](crate::hash) has the definition: the variant of imagededup, here of the thumbnail and its 8-bit luma.
//! imagededup scales the full picture and takes the luma afterwards, which differs in few bits. Two pictures are near
//! duplicates up to about 10 different bits; 0 finds copies in other sizes and formats.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray};
use gristmill_core::{Card, Column, Cost, Result, Signal};

use super::luma::{IMAGE_LUMA, lumas};
use crate::hash::phash;

/// Describes [`Phash`].
pub(super) static CARD: Card = Card {
    name: "image_phash",
    about: "perceptual hash of the low frequencies",
    inputs: &[IMAGE_LUMA],
    outputs: &[Column::text(
        "image_phash",
        "pHash of the thumbnail, 16 hexadecimal digits; up to about 10 different bits are near duplicates",
    )],
    source: "Zauner 2010, Implementation and benchmarking of perceptual image hash functions; imagededup 0.3.3 hashing.py",
    cost: Cost::Moderate,
    version: 1,
};

/// Computes pHash; see the module.
#[derive(Debug)]
pub(super) struct Phash;

impl Signal for Phash {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Utf8View`; null where the luma is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let hashes = lumas(&inputs[0])
            .map(|luma| Some(format!("{:016x}", phash(&luma?.scaled::<{ 32 * 32 }>(32, 32)))));
        Ok(vec![Arc::new(hashes.collect::<StringViewArray>())])
    }
}
