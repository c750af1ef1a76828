//! The words between white space, found once and shared by the signals over them.
//!
//! A word is a longest run of characters that are no white space, punctuation included, as Python's `str.split` cuts
//! them: U+001C to U+001F are white space too. A text without words gives an empty list.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::document::OffsetsBuilder;
use crate::words::white_space::is_space;

/// First byte and end of every word, alternating.
pub(crate) const TEXT_SPLIT_WORDS: Column = Column::offsets(
    "text_split_words",
    "first byte and end of every word between white space, alternating",
);

/// Describes [`SplitWords`].
pub(crate) static CARD: Card = Card {
    name: "split_words",
    about: "where the words between white space are",
    inputs: &[columns::TEXT],
    outputs: &[TEXT_SPLIT_WORDS],
    source: "Python's str.split, as in DCLM content_filters.py, dolma taggers/gopher.py and NeMo Curator text_utils.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Finds the words between white space.
#[derive(Debug)]
pub(crate) struct SplitWords;

impl Signal for SplitWords {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] List<UInt32>` with two offsets a word; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut words = OffsetsBuilder::default();
        for text in inputs[0].as_string_view() {
            words.push(text.map(|text| spans(text).flatten()));
        }
        Ok(vec![words.finish()])
    }
}

/// First byte and end of every word of a text, which is below 4 GiB.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = [u32; 2]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(|c| !is_space(c))?;
        from = text[start..].find(is_space).map_or(text.len(), |end| start + end);
        Some([start as u32, from as u32])
    })
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
    fn words_are_what_white_space_separates() {
        check(
            " Don't  stop,\nfoo-bar\u{a0}é…\u{1f}… ",
            &["Don't", "stop,", "foo-bar", "é…", "…"],
        );
    }

    #[test]
    fn texts_of_white_space_have_no_words() {
        check("", &[]);
        check(" \n\u{2003}", &[]);
    }

    #[test]
    fn one_word_is_one_word() {
        check("x", &["x"]);
    }
}
