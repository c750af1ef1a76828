//! The methods, one file each, and their list.

mod exact;
mod hamming;
mod minhash;
mod perceptual;
mod positions;
mod recording;
mod simhash;
mod url;

use std::{fmt::Debug, sync::Arc};

use datafusion::arrow::array::ArrayRef;
use gristmill_core::{Card, Column, Result, Setting, Settings};

pub use hamming::Hamming;
pub(crate) use hamming::differing;
pub use positions::Positions;

use crate::parts::{Parts, lines, ngrams, substrings};

/// A way to find copies among documents.
pub trait Method: Send + Sync {
    /// Its card; the first input is what it looks at unless the recipe names another column.
    fn card(&self) -> &'static Card;

    /// Columns that it may look at instead.
    fn columns(&self) -> &'static [Column] {
        self.card().inputs
    }

    /// What a recipe may set.
    fn settings(&self) -> &'static [Setting];

    /// The method with these settings.
    ///
    /// # Errors
    /// What is wrong with settings that are right one by one.
    fn with(&self, settings: &Settings) -> Result<Dedup, String>;
}

/// A method with its settings, by what it compares.
#[derive(Debug, Clone)]
pub enum Dedup {
    /// Whole documents: they get clusters.
    Whole(Arc<dyn Fingerprint>),
    /// Parts of documents: they are taken out.
    Parts(Arc<dyn Parts>),
}

/// A method that compares whole documents, with its settings.
pub trait Fingerprint: Send + Sync + Debug {
    /// Key columns of a document: bands × columns of a band.
    fn key_columns(&self) -> usize;

    /// Key columns that make a band. Documents meet if all of one band are equal.
    fn columns_per_band(&self) -> usize {
        1
    }

    /// Columns that it looks at beside the content.
    fn beside(&self) -> &'static [Column] {
        &[]
    }

    /// `[n]` content, and what stands beside it, to keys; null content has none, and its document meets nobody.
    fn keys(&self, inputs: &[ArrayRef]) -> Result<Keys>;

    /// What it means that documents met.
    fn verdict(&self) -> Verdict;

    /// How near the evidence of candidates is, if they are found by that and not by equal keys.
    fn neighbours(&self) -> Option<Hamming> {
        None
    }
}

/// The keys of documents.
#[derive(Debug, Clone)]
pub struct Keys {
    /// `[n] UInt64` for each key column; null where there is nothing to compare.
    pub columns: Vec<ArrayRef>,
    /// `[n] Binary`: what candidates are judged by, if the verdict is [`Verdict::Verified`].
    pub evidence: Option<ArrayRef>,
}

/// What it means that documents met.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// They are equal.
    Equal,
    /// They are taken to be copies.
    Unverified,
    /// They are compared.
    Verified(Arc<dyn Measure>),
}

/// Measures how similar two documents are, by their evidence.
pub trait Measure: Send + Sync + Debug {
    /// Documents below this are no copies.
    fn threshold(&self) -> f64;

    /// The most that evidence of these lengths, in bytes, can be similar.
    fn bound(&self, _a: usize, _b: usize) -> f64 {
        1.0
    }

    /// The similarity, 0 to 1. It does not depend on which is which.
    fn similarity(&self, a: &[u8], b: &[u8]) -> f64;
}

/// Every method.
pub static METHODS: &[&dyn Method] = &[
    &recording::CHROMAPRINT,
    &perceptual::DHASH,
    &exact::Exact,
    &lines::Lines,
    &minhash::MinHash,
    &ngrams::Ngrams,
    &perceptual::PDQ,
    &perceptual::PHASH,
    &simhash::SimHash,
    &substrings::Substrings,
    &url::Url,
    &recording::VPDQ,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_complete() {
        gristmill_core::conformance::check_cards(METHODS.iter().map(|method| method.card()));
    }

    #[test]
    fn defaults_make_a_method() {
        for method in METHODS {
            let settings = Settings::new(method.settings(), []);
            assert!(method.with(&settings).is_ok(), "{}", method.card().name);
        }
    }
}
