//! Number of words of a text, punctuation included.
//!
//! See [`words`](super::words) for what a word is. Empty text has 0 words.

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{document::documents, words::TEXT_WORDS};

/// Describes [`WordCount`].
pub(crate) static CARD: Card = Card {
    name: "text_word_count",
    about: "number of words in the text, punctuation marks included",
    inputs: &[columns::TEXT, TEXT_WORDS],
    outputs: &[Column::u32("text_word_count", "words")],
    source: "datatrove 0.10.0 utils/text.py split_into_words",
    cost: Cost::Cheap,
    version: 1,
};

/// Counts words.
#[derive(Debug)]
pub(crate) struct WordCount;

impl Signal for WordCount {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> [n] UInt32`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let counts: UInt32Array = documents(inputs)
            .map(|document| document.map(|document| document.word_count() as u32))
            .collect();
        Ok(vec![Arc::new(counts)])
    }
}
