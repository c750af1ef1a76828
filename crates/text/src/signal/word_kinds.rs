//! What kinds of words a text has: Gopher's measures over words.
//!
//! A *symbol word* consists of punctuation and control characters only, by datatrove's `PUNCTUATION_SET` (which lacks
//! `•` and `‘`: those count as words). A word is *alphabetic* if any of its characters is a letter (Unicode category
//! L). Stop words are counted distinct and as written: `The` is none. The mean is null without non-symbol words, the
//! share without words.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{Float64Builder, UInt32Builder},
};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    document::{Document, documents},
    ratios::ratio,
    words::TEXT_WORDS,
};
use crate::words::classes::{LETTER, SYMBOL, is};

const STOP_WORDS: [&str; 8] = ["the", "be", "to", "of", "and", "that", "have", "with"];

/// Describes [`WordKinds`].
pub(crate) static CARD: Card = Card {
    name: "word_kinds",
    about: "number and mean length of words that are no symbols, share of alphabetic words, stop words",
    inputs: &[columns::TEXT, TEXT_WORDS],
    outputs: &[
        Column::u32(
            "text_non_symbol_word_count",
            "words that are not only punctuation",
        ),
        Column::f64(
            "text_non_symbol_word_length_mean",
            "mean length of those words in code points",
        ),
        Column::f64(
            "text_alpha_word_ratio",
            "share of all words, punctuation included, that have a letter",
        ),
        Column::u32(
            "text_stop_word_count",
            "how many of the, be, to, of, and, that, have, with occur, 0 to 8",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; datatrove 0.10.0 gopher_quality_filter.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures kinds of words.
#[derive(Debug)]
pub(crate) struct WordKinds;

impl Signal for WordKinds {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> [n] UInt32, [n] Float64, [n] Float64, [n] UInt32`; null where the text is
    /// null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let (mut counts, mut stop_words) = (UInt32Builder::new(), UInt32Builder::new());
        let (mut lengths, mut alpha) = (Float64Builder::new(), Float64Builder::new());
        for document in documents(inputs) {
            let kinds = document.map(|document| Kinds::of(&document));
            let kinds = kinds.as_ref();
            counts.append_option(kinds.map(|kinds| kinds.non_symbol as u32));
            lengths.append_option(kinds.and_then(|kinds| ratio(kinds.non_symbol_chars, kinds.non_symbol)));
            alpha.append_option(kinds.and_then(|kinds| ratio(kinds.alpha, kinds.all)));
            stop_words.append_option(kinds.map(|kinds| kinds.stop_words.count_ones()));
        }
        Ok(vec![
            Arc::new(counts.finish()),
            Arc::new(lengths.finish()),
            Arc::new(alpha.finish()),
            Arc::new(stop_words.finish()),
        ])
    }
}

#[derive(Debug, Default)]
struct Kinds {
    all: usize,
    non_symbol: usize,
    non_symbol_chars: usize,
    alpha: usize,
    /// One bit for each of [`STOP_WORDS`] that occurred.
    stop_words: u8,
}

impl Kinds {
    fn of(document: &Document<'_>) -> Self {
        let mut kinds = Kinds::default();
        for word in document.words() {
            kinds.all += 1;
            // Nearly every word starts with an ASCII letter, and nothing more need be known of it.
            let is_plain = word.starts_with(|c: char| c.is_ascii_alphabetic());
            kinds.alpha += usize::from(is_plain || word.chars().any(|c| is(c, LETTER)));
            if is_plain || word.chars().any(|c| !is(c, SYMBOL)) {
                kinds.non_symbol += 1;
                kinds.non_symbol_chars += char_count(word) as usize;
            }
            if let Some(stop_word) = STOP_WORDS.iter().position(|stop_word| *stop_word == word) {
                kinds.stop_words |= 1 << stop_word;
            }
        }
        kinds
    }
}
