//! Near duplicates of images by perceptual hashes: PDQ, pHash and dHash.
//!
//! Copies differ in `distance` bits at most. All pairs within the distance are found (multi-index hashing, see the
//! `neighbours` module), and clusters are their connected components. PDQ is for pictures that were scaled, compressed
//! or lightly retouched; it says nothing of pictures without detail, so that those below `quality_min` have no hash
//! here. With `positions` it finds mirrored and turned copies too (see the `positions` module). pHash and dHash are for
//! copies that hardly differ. Similarity is 1 − bits that differ ÷ bits, in the
//! position in which these are fewest.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, BinaryBuilder},
    datatypes::UInt32Type,
};
use gristmill_core::{Card, Column, Cost, Error, Result, Setting, Settings, Sort, columns};

use super::{Dedup, Fingerprint, Keys, Method, Positions, Verdict, hamming::Hamming, positions};
use crate::CLUSTER_COLUMNS;

/// Describes [`PDQ`].
pub(crate) static PDQ_CARD: Card = Card {
    name: "pdq",
    about: "images whose PDQ hashes differ in a few of 256 bits",
    inputs: &[columns::IMAGE_PDQ, columns::IMAGE_PDQ_QUALITY],
    outputs: &CLUSTER_COLUMNS,
    source: "PDQ of ThreatExchange: 31 bits, quality above 49",
    cost: Cost::Moderate,
    version: 1,
};

/// Describes [`PHASH`].
pub(crate) static PHASH_CARD: Card = Card {
    name: "phash",
    about: "images whose pHashes differ in a few of 64 bits",
    inputs: &[columns::IMAGE_PHASH],
    outputs: &CLUSTER_COLUMNS,
    source: "imagededup: 10 bits",
    cost: Cost::Moderate,
    version: 1,
};

/// Describes [`DHASH`].
pub(crate) static DHASH_CARD: Card = Card {
    name: "dhash",
    about: "images whose dHashes differ in a few of 64 bits",
    inputs: &[columns::IMAGE_DHASH],
    outputs: &CLUSTER_COLUMNS,
    source: "imagededup: 10 bits",
    cost: Cost::Moderate,
    version: 1,
};

static PDQ_SETTINGS: [Setting; 3] = [
    Setting {
        name: "distance",
        sort: Sort::Number {
            default: 31,
            min: 0,
            max: 63,
        },
        about: "bits of 256 in which copies may differ",
    },
    Setting {
        name: "quality_min",
        sort: Sort::Number {
            default: 50,
            min: 0,
            max: 100,
        },
        about: "images of a lower PDQ quality are not compared",
    },
    positions::SETTING,
];

static SETTINGS: [Setting; 1] = [Setting {
    name: "distance",
    sort: Sort::Number {
        default: 10,
        min: 0,
        max: 15,
    },
    about: "bits of 64 in which copies may differ",
}];

/// A kind of perceptual hash; see the module.
#[derive(Debug)]
pub(crate) struct Perceptual {
    card: &'static Card,
    settings: &'static [Setting],
    bits: u32,
}

/// PDQ.
pub(crate) static PDQ: Perceptual = Perceptual {
    card: &PDQ_CARD,
    settings: &PDQ_SETTINGS,
    bits: 256,
};
/// pHash.
pub(crate) static PHASH: Perceptual = Perceptual {
    card: &PHASH_CARD,
    settings: &SETTINGS,
    bits: 64,
};
/// dHash.
pub(crate) static DHASH: Perceptual = Perceptual {
    card: &DHASH_CARD,
    settings: &SETTINGS,
    bits: 64,
};

impl Method for Perceptual {
    fn card(&self) -> &'static Card {
        self.card
    }

    fn columns(&self) -> &'static [Column] {
        &self.card.inputs[..1]
    }

    fn settings(&self) -> &'static [Setting] {
        self.settings
    }

    fn with(&self, settings: &Settings) -> Result<Dedup, String> {
        let beside = &self.card.inputs[1..];
        Ok(Dedup::Whole(Arc::new(Hashes {
            name: self.card.name,
            hamming: Hamming {
                bits: self.bits,
                distance: settings.number("distance") as u32,
                positions: if beside.is_empty() {
                    Positions::Upright
                } else {
                    Positions::read(settings)
                },
            },
            beside,
            quality_min: if beside.is_empty() {
                0
            } else {
                settings.number("quality_min") as u32
            },
        })))
    }
}

/// Hashes with the settings of their method.
#[derive(Debug)]
struct Hashes {
    name: &'static str,
    hamming: Hamming,
    beside: &'static [Column],
    quality_min: u32,
}

impl Fingerprint for Hashes {
    fn key_columns(&self) -> usize {
        0
    }

    fn beside(&self) -> &'static [Column] {
        self.beside
    }

    fn keys(&self, inputs: &[ArrayRef]) -> Result<Keys> {
        let wrong =
            |array: &ArrayRef| Error::new(format!("{} of a column of type {}", self.name, array.data_type()));
        let hashes = inputs[0].as_string_view_opt().ok_or_else(|| wrong(&inputs[0]))?;
        let qualities = match inputs.get(1) {
            Some(array) => Some(
                array
                    .as_primitive_opt::<UInt32Type>()
                    .ok_or_else(|| wrong(array))?,
            ),
            None => None,
        };
        let mut evidence = BinaryBuilder::new();
        for (row, hash) in hashes.iter().enumerate() {
            let is_good = qualities
                .is_none_or(|qualities| qualities.is_valid(row) && qualities.value(row) >= self.quality_min);
            evidence.append_option(
                hash.filter(|_| is_good)
                    .and_then(|hash| from_hex(hash, self.hamming.bits as usize / 8)),
            );
        }
        Ok(Keys {
            columns: Vec::new(),
            evidence: Some(Arc::new(evidence.finish())),
        })
    }

    fn verdict(&self) -> Verdict {
        Verdict::Verified(Arc::new(self.hamming))
    }

    fn neighbours(&self) -> Option<Hamming> {
        Some(self.hamming)
    }
}

/// The bytes of hexadecimal digits; none where there are others, or not two for each byte.
fn from_hex(digits: &str, bytes: usize) -> Option<Vec<u8>> {
    let digit = |byte: &u8| (*byte as char).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(&pair[0])? << 4 | digit(&pair[1])?) as u8);
    (digits.len() == 2 * bytes)
        .then(|| digits.as_bytes().chunks_exact(2).map(pair).collect())
        .flatten()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{StringViewArray, UInt32Array};
    use gristmill_core::Given;
    use gristmill_image::hash::pdq::Spectrum;

    use super::*;

    #[test]
    fn hashes_of_low_quality_and_other_lengths_meet_nobody() {
        let Ok(Dedup::Whole(pdq)) = PDQ.with(&Settings::new(&PDQ_SETTINGS, [])) else {
            panic!("the defaults are right");
        };
        let hash = "0f".repeat(32);
        let hashes = [Some(hash.as_str()), Some(hash.as_str()), Some("0f"), None];
        let inputs: [ArrayRef; 2] = [
            Arc::new(StringViewArray::from_iter(hashes)),
            Arc::new(UInt32Array::from(vec![50, 49, 100, 100])),
        ];
        let evidence = pdq.keys(&inputs).unwrap().evidence.unwrap();
        let evidence = evidence.as_binary::<i32>();
        assert_eq!(evidence.value(0), [15; 32]);
        assert_eq!(evidence.null_count(), 3);
    }

    /// A picture without symmetry whose pixel at `(x, y)` is that of another one at `from(x, y)`.
    fn picture(from: fn(u32, u32) -> (u32, u32)) -> Vec<u8> {
        let pixel = |(x, y): (u32, u32)| {
            let slope = (x * 200 / SIDE + y * y * 55 / (SIDE * SIDE)) as u8;
            let is_inside = x > SIDE / 5 && x < SIDE / 2 && y > SIDE / 3;
            let ripple = if (x * 13 / SIDE + y * 7 / SIDE).is_multiple_of(3) {
                90
            } else {
                0
            };
            [
                slope,
                if is_inside { 250 } else { slope / 2 },
                slope.wrapping_add(ripple),
            ]
        };
        let places = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| from(x, y)));
        places.flat_map(pixel).collect()
    }

    const SIDE: u32 = 300;

    #[test]
    fn turned_copies_are_similar_if_that_is_asked_for() {
        let hash = |rgb: Vec<u8>| Spectrum::of(SIDE, SIDE, &rgb).hash().0;
        let upright = hash(picture(|x, y| (x, y)));
        let mirrored = hash(picture(|x, y| (SIDE - 1 - x, y)));
        let turned = hash(picture(|x, y| (y, SIDE - 1 - x)));
        let found = |words: &'static str| {
            let Ok(Dedup::Whole(pdq)) =
                PDQ.with(&Settings::new(&PDQ_SETTINGS, [("positions", Given::Word(words))]))
            else {
                panic!("whole images are compared");
            };
            let Verdict::Verified(measure) = pdq.verdict() else {
                panic!("hashes are compared");
            };
            [upright, mirrored, turned].map(|copy| {
                let similarity = measure.similarity(&upright, &copy);
                assert_eq!(similarity, measure.similarity(&copy, &upright));
                similarity >= measure.threshold()
            })
        };
        assert_eq!(found("upright"), [true, false, false]);
        assert_eq!(found("mirrored"), [true, true, false]);
        assert_eq!(found("any"), [true, true, true]);
    }
}
