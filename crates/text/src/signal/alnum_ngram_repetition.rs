//! Repeated runs of words, by the characters of their words: Gopher's measures as DCLM takes them.
//!
//! Words are those of [`alnum_words`](super::alnum_words); the whole is the characters of all words, so white space and
//! punctuation count nowhere. *Top n-gram*: of the n-grams that occur most often the longest, its length times its
//! count, overlaps included. *Repeated n-grams*: the words that lie in any n-gram that occurs twice or more, each word
//! once, first occurrences included. Both are 0 where all n-grams occur once or there are none, also in an empty text.
//!
//! DCLM: `repetition_filter` of content_filters.py. datamap-rs, which follows it, differs: it sums bytes, and counts
//! words in overlapping copies of the top n-gram once.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    alnum_words::TEXT_ALNUM_WORDS,
    document::{Document, documents},
    ngrams::Ngrams,
    ratios::{float_columns, ratio},
};

/// Describes [`AlnumNgramRepetition`].
pub(crate) static CARD: Card = Card {
    name: "alnum_ngram_repetition",
    about: "how much of its words the text's most frequent and its repeated runs of words take",
    inputs: &[columns::TEXT, TEXT_ALNUM_WORDS],
    outputs: &[
        Column::f64(
            "text_top_alnum_2_gram_char_ratio",
            "share of word characters in the most frequent 2-gram; 0 if it occurs once",
        ),
        Column::f64(
            "text_top_alnum_3_gram_char_ratio",
            "share of word characters in the most frequent 3-gram; 0 if it occurs once",
        ),
        Column::f64(
            "text_top_alnum_4_gram_char_ratio",
            "share of word characters in the most frequent 4-gram; 0 if it occurs once",
        ),
        Column::f64(
            "text_repeated_alnum_5_gram_char_ratio",
            "share of word characters in 5-grams that occur more than once",
        ),
        Column::f64(
            "text_repeated_alnum_6_gram_char_ratio",
            "share of word characters in 6-grams that occur more than once",
        ),
        Column::f64(
            "text_repeated_alnum_7_gram_char_ratio",
            "share of word characters in 7-grams that occur more than once",
        ),
        Column::f64(
            "text_repeated_alnum_8_gram_char_ratio",
            "share of word characters in 8-grams that occur more than once",
        ),
        Column::f64(
            "text_repeated_alnum_9_gram_char_ratio",
            "share of word characters in 9-grams that occur more than once",
        ),
        Column::f64(
            "text_repeated_alnum_10_gram_char_ratio",
            "share of word characters in 10-grams that occur more than once",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; DCLM content_filters.py repetition_filter",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures repeated n-grams.
#[derive(Debug)]
pub(crate) struct AlnumNgramRepetition;

impl Signal for AlnumNgramRepetition {
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
    if words == 0 {
        return [Some(0.0); 9];
    }
    let chars = ngrams.word_chars(0, words);
    let mut shares = [None; 9];
    for (n, share) in (2..).zip(&mut shares) {
        ngrams.find(n);
        ngrams.count_all();
        let part = if n < 5 {
            top_chars(ngrams, n)
        } else {
            repeated_chars(ngrams, n)
        };
        *share = ratio(part, chars);
    }
    shares
}

fn top_chars(ngrams: &Ngrams, n: usize) -> usize {
    let lengths = ngrams
        .repeated()
        .map(|ngram| (ngram.count as usize, ngrams.word_chars(ngram.first as usize, n)));
    lengths.max().map_or(0, |(count, length)| count * length)
}

fn repeated_chars(ngrams: &Ngrams, n: usize) -> usize {
    let mut chars = 0;
    // Words before this one are counted.
    let mut counted = 0;
    for candidate in 0..ngrams.candidates() {
        if ngrams.is_repeated(candidate) {
            let first = ngrams.first(candidate);
            let from = first.max(counted);
            counted = first + n;
            chars += ngrams.word_chars(from, counted - from);
        }
    }
    chars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::alnum_words::spans;

    fn check(text: &str, expected: [f64; 9]) {
        let offsets: Vec<u32> = spans(text).flatten().collect();
        let shares = measure(&Document::new(text, &offsets), &mut Ngrams::default());
        assert_eq!(shares, expected.map(Some), "{text:?}");
    }

    #[test]
    fn words_of_overlapping_copies_count_once() {
        // 9 words of 1; "a b c a b" occurs at 0 and 3 and covers the first 8.
        let text = "a b c a b c a b d";
        check(text, [6. / 9., 6. / 9., 8. / 9., 8. / 9., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn the_longest_of_the_most_frequent_is_the_top() {
        // "a b" and "cc dd" occur twice, of 16 characters: 2 x 4.
        check(
            "a b x cc dd y a b z cc dd w",
            [8. / 16., 0., 0., 0., 0., 0., 0., 0., 0.],
        );
    }

    #[test]
    fn texts_without_repetition_have_none() {
        check("", [0.; 9]);
        check("... !", [0.; 9]);
        check("one", [0.; 9]);
        check("one two three four five six", [0.; 9]);
    }

    #[test]
    fn characters_are_code_points_and_punctuation_is_none() {
        // é, b, é, b, c: the 2-gram "é b" twice of 5, over commas.
        check("é, b. É é, b! c", [4. / 6., 0., 0., 0., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn words_are_compared_one_by_one() {
        check("ab c a bc", [0.; 9]);
    }
}
