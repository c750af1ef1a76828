//! Repeated runs of words, by the characters of their words: Gopher's measures as dolma takes them.
//!
//! Words are those of [`split_words`](super::split_words). *Top n-gram*: of the n-gram that occurs most often, on a tie
//! the one that comes first, the characters of its words times its count, overlaps included, divided by the characters
//! that are no white space. One that occurs once counts too. *Repeated n-grams*: the characters of all n-grams that
//! occur twice or more, every occurrence in full, divided by the characters of all n-grams in the same way. Both are 0
//! where there is no n-gram, also in an empty text.
//!
//! dolma: `get_attributes` of taggers/gopher.py, which gives no value without n-grams; its mixer keeps such texts.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    document::{Document, documents},
    ngrams::Ngrams,
    ratios::{float_columns, ratio},
    split_words::TEXT_SPLIT_WORDS,
};

/// Describes [`SplitNgramRepetition`].
pub(crate) static CARD: Card = Card {
    name: "split_ngram_repetition",
    about: "how much of its words the text's most frequent and its repeated runs of split words take",
    inputs: &[columns::TEXT, TEXT_SPLIT_WORDS],
    outputs: &[
        Column::f64(
            "text_top_split_2_gram_char_ratio",
            "share of characters other than white space in the most frequent 2-gram",
        ),
        Column::f64(
            "text_top_split_3_gram_char_ratio",
            "share of characters other than white space in the most frequent 3-gram",
        ),
        Column::f64(
            "text_top_split_4_gram_char_ratio",
            "share of characters other than white space in the most frequent 4-gram",
        ),
        Column::f64(
            "text_repeated_split_5_gram_char_ratio",
            "share of the characters of all 5-grams in those that occur more than once",
        ),
        Column::f64(
            "text_repeated_split_6_gram_char_ratio",
            "share of the characters of all 6-grams in those that occur more than once",
        ),
        Column::f64(
            "text_repeated_split_7_gram_char_ratio",
            "share of the characters of all 7-grams in those that occur more than once",
        ),
        Column::f64(
            "text_repeated_split_8_gram_char_ratio",
            "share of the characters of all 8-grams in those that occur more than once",
        ),
        Column::f64(
            "text_repeated_split_9_gram_char_ratio",
            "share of the characters of all 9-grams in those that occur more than once",
        ),
        Column::f64(
            "text_repeated_split_10_gram_char_ratio",
            "share of the characters of all 10-grams in those that occur more than once",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; dolma taggers/gopher.py get_attributes",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures repeated n-grams.
#[derive(Debug)]
pub(crate) struct SplitNgramRepetition;

impl Signal for SplitNgramRepetition {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> 9 x [n] Float64`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut ngrams = Ngrams::default();
        Ok(float_columns(documents(inputs).map(|document| {
            document.map(|document| measure(&document, &mut ngrams))
        })))
    }
}

fn measure(document: &Document<'_>, ngrams: &mut Ngrams) -> [Option<f64>; 9] {
    // No word holds a blank, so n-grams are equal where their words are.
    ngrams.join(document, " ");
    let words = document.word_count();
    let mut shares = [Some(0.0); 9];
    for (n, share) in (2..=words).zip(&mut shares) {
        ngrams.find(n);
        ngrams.count_all();
        *share = if n < 5 {
            ratio(top_chars(ngrams, n), ngrams.word_chars(0, words))
        } else {
            repeated_share(ngrams, n)
        };
    }
    shares
}

fn top_chars(ngrams: &Ngrams, n: usize) -> usize {
    ngrams
        .top()
        .map_or(0, |(count, first)| count * ngrams.word_chars(first, n))
}

fn repeated_share(ngrams: &Ngrams, n: usize) -> Option<f64> {
    let all = (0..ngrams.len()).map(|first| ngrams.word_chars(first, n));
    let repeated = (0..ngrams.candidates())
        .filter(|&candidate| ngrams.is_repeated(candidate))
        .map(|candidate| ngrams.word_chars(ngrams.first(candidate), n));
    ratio(repeated.sum(), all.sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::split_words::spans;

    fn check(text: &str, expected: [f64; 9]) {
        let offsets: Vec<u32> = spans(text).flatten().collect();
        let shares = measure(&Document::new(text, &offsets), &mut Ngrams::default());
        assert_eq!(shares, expected.map(Some), "{text:?}");
    }

    #[test]
    fn every_occurrence_counts_in_full() {
        // 5-grams of 9 words: abcab, bcabc, cabca, abcab, bcabd; the first occurs twice.
        let text = "a b c a b c a b d";
        check(text, [6. / 9., 6. / 9., 8. / 9., 2. / 5., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn a_top_that_occurs_once_counts() {
        check(
            "This is a test.",
            [6. / 12., 7. / 12., 1., 0., 0., 0., 0., 0., 0.],
        );
    }

    #[test]
    fn the_first_of_the_most_frequent_is_the_top() {
        // "a b" and "cc dd" occur twice, of 16 characters: 2 x 2.
        let text = "a b x cc dd y a b z cc dd w";
        check(text, [4. / 16., 3. / 16., 5. / 16., 0., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn texts_without_ngrams_have_none() {
        check("", [0.; 9]);
        check(" \n", [0.; 9]);
        check("one", [0.; 9]);
    }

    #[test]
    fn characters_are_code_points() {
        check("é é", [1., 0., 0., 0., 0., 0., 0., 0., 0.]);
    }
}
