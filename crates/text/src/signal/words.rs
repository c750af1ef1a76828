//! The words of a text, found once and shared by every signal over words.
//!
//! A word is a token of spaCy's English rules, see [`words`](crate::words): punctuation is a word of its own, white
//! space never is. A text without words gives an empty list.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::document::OffsetsBuilder;
use crate::words::Tokenizer;

/// First byte and end of every word, alternating.
pub(crate) const TEXT_WORDS: Column =
    Column::offsets("text_words", "first byte and end of every word, alternating");

/// Describes [`Words`].
pub(crate) static CARD: Card = Card {
    name: "words",
    about: "where the words of the text are, by spaCy's English rules",
    inputs: &[columns::TEXT],
    outputs: &[TEXT_WORDS],
    source: "spaCy 3.8 blank English pipeline, as in datatrove 0.10.0 utils/word_tokenizers.py",
    cost: Cost::Moderate,
    version: 1,
};

/// Finds the words.
#[derive(Debug)]
pub(crate) struct Words;

impl Signal for Words {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] List<UInt32>` with two offsets a word; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut tokenizer = Tokenizer::new();
        let mut words = OffsetsBuilder::default();
        for text in inputs[0].as_string_view() {
            let spans = text.map(|text| tokenizer.tokenize(text));
            words.push(spans.map(|spans| spans.flat_map(<[u32; 2]>::from)));
        }
        Ok(vec![words.finish()])
    }
}
