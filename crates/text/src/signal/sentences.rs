//! Sentences of a text and their number.
//!
//! A sentence ends behind `.`, `!`, `?` or a mark like them in another script, and behind the punctuation that
//! follows it: spaCy's rule-based sentencizer over the same [words](super::words). The sentences cover the whole text;
//! white space between two of them belongs to the second. Every text has a sentence, even an empty one.

use std::sync::Arc;

use arrow_array::{ArrayRef, builder::UInt32Builder};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    document::{OffsetsBuilder, documents},
    words::TEXT_WORDS,
};
use crate::words::sentence_ends;

/// Describes [`Sentences`].
pub(crate) static CARD: Card = Card {
    name: "sentences",
    about: "where the sentences of the text end, and how many there are",
    inputs: &[columns::TEXT, TEXT_WORDS],
    outputs: &[
        Column::offsets("text_sentences", "end of every sentence in bytes"),
        Column::u32("text_sentence_count", "sentences, at least 1"),
    ],
    source: "spaCy 3.8 sentencizer, as in datatrove 0.10.0 utils/text.py split_into_sentences",
    cost: Cost::Cheap,
    version: 1,
};

/// Finds the sentences.
#[derive(Debug)]
pub(crate) struct Sentences;

impl Signal for Sentences {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> [n] List<UInt32>, [n] UInt32`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut sentences = OffsetsBuilder::default();
        let mut counts = UInt32Builder::new();
        for document in documents(inputs) {
            let ends = document
                .as_ref()
                .map(|document| sentence_ends(document.text, document.spans()));
            counts.append_option(ends.as_ref().map(|ends| ends.len() as u32));
            sentences.push(ends.map(Vec::into_iter));
        }
        Ok(vec![sentences.finish(), Arc::new(counts.finish())])
    }
}
