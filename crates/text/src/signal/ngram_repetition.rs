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
    joined_words::JoinedWords,
    key_table::KeyTable,
    ratios::{float_columns, ratio},
    repeat_filter::RepeatFilter,
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
        let mut scratch = Scratch::default();
        Ok(float_columns(documents(inputs).map(|document| {
            document.map(|document| scratch.measure(&document))
        })))
    }
}

/// Buffers that are reused from document to document.
#[derive(Debug, Default)]
struct Scratch {
    joined: JoinedWords,
    /// The key of the n-gram at each word.
    keys: Vec<u64>,
    filter: RepeatFilter,
    /// N-grams that the filter let through.
    ngrams: KeyTable,
}

impl Scratch {
    fn measure(&mut self, document: &Document<'_>) -> [Option<f64>; 9] {
        let chars = char_count(document.text) as usize;
        let mut shares = [None; 9];
        let (top, duplicate) = shares.split_at_mut(3);
        self.joined.join(document, " ");
        for (n, share) in (2..).zip(top) {
            self.find_keys(n);
            *share = ratio(self.top_chars(n), chars);
        }
        self.joined.join(document, "");
        for (n, share) in (5..).zip(duplicate) {
            self.find_keys(n);
            *share = ratio(self.duplicate_chars(n), chars);
        }
        shares
    }

    /// Finds the keys of all n-grams, and makes room for those that may occur again.
    fn find_keys(&mut self, n: usize) {
        let runs = self.joined.runs(n);
        self.keys.clear();
        self.keys.extend((0..runs).map(|first| self.joined.key(first, n)));
        self.filter.clear(runs);
        for &key in &self.keys {
            self.filter.insert(key);
        }
        let repeats = self.keys.iter().filter(|&&key| self.filter.may_repeat(key));
        self.ngrams.clear(repeats.count());
    }

    fn top_chars(&mut self, n: usize) -> usize {
        for (first, &key) in self.keys.iter().enumerate() {
            if self.filter.may_repeat(key) {
                self.ngrams.insert(key, first);
            }
        }
        let repeated = self.ngrams.entries().filter(|ngram| ngram.count > 1);
        let top = repeated.max_by_key(|ngram| (ngram.count, std::cmp::Reverse(ngram.first)));
        match top {
            Some(top) => top.count as usize * self.joined.chars(top.first as usize, n),
            // All occur once, so the first is the top.
            None if self.keys.is_empty() => 0,
            None => self.joined.chars(0, n),
        }
    }

    fn duplicate_chars(&mut self, n: usize) -> usize {
        let mut chars = 0;
        let mut first = 0;
        while let Some(&key) = self.keys.get(first) {
            if self.filter.may_repeat(key) && self.ngrams.insert(key, first).count > 1 {
                chars += self.joined.chars(first, n);
                first += n;
            } else {
                first += 1;
            }
        }
        chars
    }
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
        let shares = Scratch::default().measure(&Document::new(text, &offsets));
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
