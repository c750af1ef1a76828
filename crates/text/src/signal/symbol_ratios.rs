//! Hash signs and ellipses per word, after Gopher.
//!
//! `#`, and `...` and `…` (six full stops are two ellipses), are counted anywhere in the text and divided by the
//! number of [words](super::words), punctuation included. Null for a text without words.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    document::{Document, documents},
    ratios::{float_columns, ratio},
    words::TEXT_WORDS,
};

/// Describes [`SymbolRatios`].
pub(crate) static CARD: Card = Card {
    name: "symbol_ratios",
    about: "hash signs and ellipses per word",
    inputs: &[columns::TEXT, TEXT_WORDS],
    outputs: &[
        Column::f64("text_hash_word_ratio", "hash signs per word; may exceed 1"),
        Column::f64("text_ellipsis_word_ratio", "ellipses per word; may exceed 1"),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; datatrove 0.10.0 gopher_quality_filter.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures symbols per word.
#[derive(Debug)]
pub(crate) struct SymbolRatios;

impl Signal for SymbolRatios {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> 2 x [n] Float64`; null where the text is null or has no words.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(float_columns(
            documents(inputs).map(|document| document.as_ref().map(measure)),
        ))
    }
}

fn measure(document: &Document<'_>) -> [Option<f64>; 2] {
    let bytes = document.text.as_bytes();
    let count = |symbol: &str| memchr::memmem::find_iter(bytes, symbol).count();
    let hashes = memchr::memchr_iter(b'#', bytes).count();
    let ellipses = count("...") + count("…");
    [
        ratio(hashes, document.word_count()),
        ratio(ellipses, document.word_count()),
    ]
}
