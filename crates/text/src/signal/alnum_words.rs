//! The words of a text by Unicode's rules, without punctuation, found once and shared by the signals over them.
//!
//! A word is a segment between two word boundaries of Unicode UAX #29 whose first character is a letter, a digit or
//! another number (Python's `str.isalnum`): `Don't`, `3.14` and `U.S.A` are one word, `foo-bar` is two, `_x` is none,
//! every ideograph is one. Empty text has 0 words.
//!
//! DCLM takes the segments from uniseg, which knows an earlier Unicode; golden values of uniseg 0.10.1 (Unicode 16) are
//! in `tests/golden/profiles.jsonl`.

use std::sync::Arc;

use arrow_array::{ArrayRef, builder::UInt32Builder, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};
use unicode_segmentation::UnicodeSegmentation;

use super::document::OffsetsBuilder;
use crate::words::classes::{WORD, is};

/// First byte and end of every word, alternating.
pub(crate) const TEXT_ALNUM_WORDS: Column = Column::offsets(
    "text_alnum_words",
    "first byte and end of every word that starts with a letter or number, alternating",
);

/// Describes [`AlnumWords`].
pub(crate) static CARD: Card = Card {
    name: "alnum_words",
    about: "where the words of the text are that start with a letter or number, and how many",
    inputs: &[columns::TEXT],
    outputs: &[
        TEXT_ALNUM_WORDS,
        Column::u32(
            "text_alnum_word_count",
            "words by Unicode's boundaries that start with a letter or number",
        ),
    ],
    source: "Unicode UAX #29; DCLM core_utils.py split_words with uniseg and ignore_punctuation",
    cost: Cost::Moderate,
    version: 1,
};

/// Finds the words that start with a letter or number.
#[derive(Debug)]
pub(crate) struct AlnumWords;

impl Signal for AlnumWords {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] List<UInt32>, [n] UInt32`, two offsets a word; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut words = OffsetsBuilder::default();
        let mut counts = UInt32Builder::new();
        for text in inputs[0].as_string_view() {
            let mut count = 0;
            words.push(text.map(|text| spans(text).inspect(|_| count += 1).flatten()));
            counts.append_option(text.map(|_| count));
        }
        Ok(vec![words.finish(), Arc::new(counts.finish())])
    }
}

/// First byte and end of every word of a text, which is below 4 GiB.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = [u32; 2]> {
    text.split_word_bound_indices()
        .filter(|(_, segment)| segment.starts_with(|c| c != '_' && is(c, WORD)))
        .map(|(start, segment)| [start as u32, (start + segment.len()) as u32])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let words: Vec<_> = spans(text)
            .map(|[start, end]| &text[start as usize..end as usize])
            .collect();
        assert_eq!(words, expected, "{text:?}");
    }

    #[test]
    fn words_end_at_boundaries_and_start_with_a_letter_or_number() {
        check(
            "Don't stop! 3.14 foo-bar _x",
            &["Don't", "stop", "3.14", "foo", "bar"],
        );
        check(
            "e.g. U.S.A. 1,000.5 #tag ½",
            &["e.g", "U.S.A", "1,000.5", "tag", "½"],
        );
    }

    #[test]
    fn every_ideograph_is_a_word() {
        check("中文 カタカナ naïve", &["中", "文", "カタカナ", "naïve"]);
    }

    #[test]
    fn texts_without_letters_and_numbers_have_no_words() {
        check("", &[]);
        check(" … — _\n", &[]);
    }
}
