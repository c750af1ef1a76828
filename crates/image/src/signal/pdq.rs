//! PDQ of the thumbnail: a hash of 256 bits and its quality.
//!
//! [`hash::pdq`](crate::hash::pdq) has the definition. The reference program stretches a picture that is longer than 512
//! pixels to 512x512 first; the thumbnail of such a picture is looked at as if it had been. How a picture is scaled is not part
//! of PDQ: hashes are a few bits from those of the reference. Two hashes match up to 31 different bits where both have a
//! quality of at least 50.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{StringViewBuilder, UInt32Builder},
    cast::AsArray,
    types::UInt32Type,
};
use gristmill_core::{Card, Column, Cost, Result, Signal};

use super::{IMAGE_HEIGHT, IMAGE_THUMBNAIL, IMAGE_WIDTH, thumbnails};
use crate::{hash::pdq::Spectrum, thumbnail::SIDE};

/// Describes [`Pdq`].
pub(super) static CARD: Card = Card {
    name: "image_pdq",
    about: "perceptual hash PDQ and its quality",
    inputs: &[IMAGE_THUMBNAIL, IMAGE_WIDTH, IMAGE_HEIGHT],
    outputs: &[
        Column::text(
            "image_pdq",
            "PDQ hash of the thumbnail, 64 hexadecimal digits; up to 31 different bits are a match",
        ),
        Column::u32(
            "image_pdq_quality",
            "how far the PDQ hash can be trusted, 0 to 100; not below 50",
        ),
    ],
    source: "Facebook, PDQ, 2019 (ThreatExchange, pdq/cpp)",
    cost: Cost::Moderate,
    version: 1,
};

/// Computes PDQ; see the module.
#[derive(Debug)]
pub(super) struct Pdq;

impl Signal for Pdq {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView, [n] UInt32, [n] UInt32 -> [n] Utf8View, [n] UInt32`; null where the thumbnail is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let (mut hashes, mut qualities) = (StringViewBuilder::new(), UInt32Builder::new());
        let [widths, heights] = [1, 2].map(|at: usize| inputs[at].as_primitive::<UInt32Type>());
        let longest = widths
            .iter()
            .zip(heights)
            .map(|(width, height)| width.max(height));
        for (thumbnail, longest) in thumbnails(&inputs[0]).zip(longest) {
            let spectrum = thumbnail.map(|thumbnail| {
                let of = if longest > Some(SIDE) {
                    Spectrum::stretched
                } else {
                    Spectrum::of
                };
                of(thumbnail.width, thumbnail.height, thumbnail.pixels)
            });
            hashes.append_option(spectrum.as_ref().map(|spectrum| spectrum.hash().to_string()));
            qualities.append_option(spectrum.map(|spectrum| u32::from(spectrum.quality())));
        }
        Ok(vec![Arc::new(hashes.finish()), Arc::new(qualities.finish())])
    }
}
