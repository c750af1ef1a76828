//! Repeated runs of words, after Gopher.
//!
//! *Top n-gram*: of the most frequent n-gram, on a tie the one that comes first, the length with its blanks times its
//! count, overlaps included; an n-gram that occurs once counts too. *Duplicate n-grams*: one walk over the words; an
//! n-gram that was met before adds its length without blanks and is stepped over whole, any other is remembered and
//! the walk goes on at the next word. N-grams are equal when their words joined (with or without blanks) are, by a
//! hash of 61 bits, see [`joined_words`](super::joined_words). Shares are of all characters of the text; 0 for a
//! text of fewer than n words, null for an empty one, where the reference divides by zero.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    document::{Document, documents},
    ngrams::Ngrams,
    ratios::{float_columns, ratio},
    words::TEXT_WORDS,
};

/// Describes [`NgramRepetition`].
pub(crate) static CARD: Card = Card {
    name: "ngram_repetition",
    about: "how much of the text its most frequent and its repeated runs of words take",
    inputs: &[columns::TEXT, TEXT_WORDS],
    outputs: &[
        Column::f64(
            "text_top_2_gram_char_ratio",
            "share of characters in the most frequent 2-gram",
        ),
        Column::f64(
            "text_top_3_gram_char_ratio",
            "share of characters in the most frequent 3-gram",
        ),
        Column::f64(
            "text_top_4_gram_char_ratio",
            "share of characters in the most frequent 4-gram",
        ),
        Column::f64(
            "text_duplicate_5_gram_char_ratio",
            "share of characters in repeated 5-grams",
        ),
        Column::f64(
            "text_duplicate_6_gram_char_ratio",
            "share of characters in repeated 6-grams",
        ),
        Column::f64(
            "text_duplicate_7_gram_char_ratio",
            "share of characters in repeated 7-grams",
        ),
        Column::f64(
            "text_duplicate_8_gram_char_ratio",
            "share of characters in repeated 8-grams",
        ),
        Column::f64(
            "text_duplicate_9_gram_char_ratio",
            "share of characters in repeated 9-grams",
        ),
        Column::f64(
            "text_duplicate_10_gram_char_ratio",
            "share of characters in repeated 10-grams",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; datatrove 0.10.0 gopher_repetition_filter.py",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures repeated n-grams.
#[derive(Debug)]
pub(crate) struct NgramRepetition;

impl Signal for NgramRepetition {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> 9 x [n] Float64`; null where the text is null or empty.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut ngrams = Ngrams::default();
        Ok(float_columns(documents(inputs).map(|document| {
            document.map(|document| measure(&document, &mut ngrams))
        })))
    }
}

fn measure(document: &Document<'_>, ngrams: &mut Ngrams) -> [Option<f64>; 9] {
    let chars = char_count(document.text) as usize;
    let mut shares = [None; 9];
    let (top, duplicate) = shares.split_at_mut(3);
    ngrams.join(document, " ");
    for (n, share) in (2..).zip(top) {
        ngrams.find(n);
        *share = ratio(top_chars(ngrams, n), chars);
    }
    ngrams.join(document, "");
    for (n, share) in (5..).zip(duplicate) {
        ngrams.find(n);
        *share = ratio(duplicate_chars(ngrams, n), chars);
    }
    shares
}

fn top_chars(ngrams: &mut Ngrams, n: usize) -> usize {
    ngrams.count_all();
    ngrams
        .top()
        .map_or(0, |(count, first)| count * ngrams.chars(first, n))
}

fn duplicate_chars(ngrams: &mut Ngrams, n: usize) -> usize {
    let mut chars = 0;
    // Words before this one are counted.
    let mut counted = 0;
    for candidate in 0..ngrams.candidates() {
        let first = ngrams.first(candidate);
        if first >= counted && ngrams.count(candidate) > 1 {
            chars += ngrams.chars(first, n);
            counted = first + n;
        }
    }
    chars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Tokenizer;

    fn check(text: &str, expected: [usize; 9]) {
        let offsets: Vec<u32> = Tokenizer::new()
            .tokenize(text)
            .flat_map(|(start, end)| [start, end])
            .collect();
        let shares = measure(&Document::new(text, &offsets), &mut Ngrams::default());
        let chars = text.chars().count();
        assert_eq!(shares, expected.map(|part| ratio(part, chars)), "{text}");
    }

    #[test]
    fn golden_values_of_the_reference() {
        check("a b c a b c a b c a b c a b c", [15, 25, 28, 10, 12, 7, 8, 9, 10]);
    }

    #[test]
    fn short_texts_repeat_nothing() {
        check("x", [0; 9]);
        check("", [0; 9]);
    }
}
