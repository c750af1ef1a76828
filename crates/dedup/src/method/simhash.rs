//! Near duplicates by SimHash: fingerprints that differ in a few bits.
//!
//! The fingerprint has 64 bits; bit i is set if among the distinct shingles more hashes have bit i set than not (Charikar). Copies
//! differ in `distance` bits at most. Candidates come from the pigeonhole: cut into `distance + 1` stretches of bits, two such
//! fingerprints agree in one of them. Candidates are verified by counting bits, so nothing is
//! added, and nothing missed but where a document met more than 256 others that it is not connected with. Short stretches are shared by many: with the default of 3 bits a stretch has 16, which suits up to some
//! ten million documents.
//!
//! Texts with fewer words (characters) than `ngram` have no fingerprint. Similarity is 1 − bits that differ ÷ 64.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, UInt64Builder};
use gristmill_core::{Card, Cost, Error, Result, Setting, Settings, Sort, columns};
use gristmill_text::fingerprint::{self, Shingler};

use super::{
    Dedup, Fingerprint, Keys, Method, Positions, Verdict,
    hamming::{Hamming, stretches},
    minhash::{HASH, UNIT, shingler},
};
use crate::CLUSTER_COLUMNS;

/// Describes [`SimHash`].
pub(crate) static CARD: Card = Card {
    name: "simhash",
    about: "documents whose 64-bit SimHashes differ in a few bits",
    inputs: &[columns::TEXT],
    outputs: &CLUSTER_COLUMNS,
    source: "Charikar 2002; Manku, Jain and Das Sarma 2007",
    cost: Cost::Moderate,
    version: 1,
};

static SETTINGS: [Setting; 4] = [
    Setting {
        name: "ngram",
        sort: Sort::Number {
            default: 5,
            min: 1,
            max: 100,
        },
        about: "words (characters) of a shingle",
    },
    UNIT,
    HASH,
    Setting {
        name: "distance",
        sort: Sort::Number {
            default: 3,
            min: 0,
            max: 15,
        },
        about: "bits of 64 in which copies may differ",
    },
];

/// Near duplicates; see the module.
#[derive(Debug)]
pub(crate) struct SimHash;

impl Method for SimHash {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> Result<Dedup, String> {
        Ok(Dedup::Whole(Arc::new(SimHashes {
            shingler: Box::new(shingler(settings)),
            hamming: Hamming {
                bits: 64,
                distance: settings.number("distance") as u32,
                positions: Positions::Upright,
            },
        })))
    }
}

/// SimHash with its settings.
struct SimHashes {
    shingler: Box<dyn Fn() -> Shingler + Send + Sync>,
    hamming: Hamming,
}

impl std::fmt::Debug for SimHashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "simhash within {} bits", self.hamming.distance)
    }
}

impl Fingerprint for SimHashes {
    fn key_columns(&self) -> usize {
        self.hamming.distance as usize + 1
    }

    fn keys(&self, inputs: &[ArrayRef]) -> Result<Keys> {
        let content = &inputs[0];
        let texts = content
            .as_string_view_opt()
            .ok_or_else(|| Error::new(format!("simhash of a column of type {}", content.data_type())))?;
        let mut shingler = (self.shingler)();
        let mut shingles = Vec::new();
        let mut keys: Vec<UInt64Builder> = (0..self.key_columns())
            .map(|_| UInt64Builder::with_capacity(texts.len()))
            .collect();
        let mut evidence = BinaryBuilder::new();
        for text in texts {
            shingles.clear();
            if let Some(text) = text {
                shingler.shingles(text, &mut shingles);
            }
            if shingles.is_empty() {
                keys.iter_mut().for_each(UInt64Builder::append_null);
                evidence.append_null();
                continue;
            }
            let hash = fingerprint::simhash(&shingles).to_le_bytes();
            for (key, stretch) in keys.iter_mut().zip(stretches(&hash, self.hamming.distance + 1)) {
                key.append_value(stretch);
            }
            evidence.append_value(hash);
        }
        Ok(Keys {
            columns: keys
                .iter_mut()
                .map(|keys| Arc::new(keys.finish()) as ArrayRef)
                .collect(),
            evidence: Some(Arc::new(evidence.finish())),
        })
    }

    fn verdict(&self) -> Verdict {
        Verdict::Verified(Arc::new(self.hamming))
    }
}
