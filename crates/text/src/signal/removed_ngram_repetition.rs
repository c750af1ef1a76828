//! How much shorter a text gets without its repeated runs of words: Gopher's measures as NeMo Curator takes them.
//!
//! Words are those of [`split_words`](super::split_words); the whole is all characters of the text. *Removed n-gram*:
//! the n-gram that occurs most often, its words joined by blanks, is taken out of the text wherever this string stands,
//! from left to right and without overlaps: also inside of longer words, but not across a line end or a double blank.
//! *Later n-grams*: one walk over the n-grams; one that was met before adds the characters of those of its words that
//! the walk has not added yet, and the blanks before them. Both are 1 in a text of fewer than n words.
//!
//! Curator: `RepeatingTopNGramsFilter` and `RepeatingDuplicateNGramsFilter`. On a tie Curator takes any of the most
//! frequent n-grams, by the order of a Python set, which changes from run to run; here it is the one that comes first.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    document::{Document, documents},
    ngrams::Ngrams,
    ratios::{float_columns, ratio},
    split_words::TEXT_SPLIT_WORDS,
};

/// Describes [`RemovedNgramRepetition`].
pub(crate) static CARD: Card = Card {
    name: "removed_ngram_repetition",
    about: "how much shorter the text is without its most frequent and its repeated runs of words",
    inputs: &[columns::TEXT, TEXT_SPLIT_WORDS],
    outputs: &[
        Column::f64(
            "text_removed_split_2_gram_char_ratio",
            "share of characters that go with the most frequent 2-gram; 1 without such n-grams",
        ),
        Column::f64(
            "text_removed_split_3_gram_char_ratio",
            "share of characters that go with the most frequent 3-gram; 1 without such n-grams",
        ),
        Column::f64(
            "text_removed_split_4_gram_char_ratio",
            "share of characters that go with the most frequent 4-gram; 1 without such n-grams",
        ),
        Column::f64(
            "text_later_split_5_gram_char_ratio",
            "share of characters in copies of earlier 5-grams; 1 without such n-grams",
        ),
        Column::f64(
            "text_later_split_6_gram_char_ratio",
            "share of characters in copies of earlier 6-grams; 1 without such n-grams",
        ),
        Column::f64(
            "text_later_split_7_gram_char_ratio",
            "share of characters in copies of earlier 7-grams; 1 without such n-grams",
        ),
        Column::f64(
            "text_later_split_8_gram_char_ratio",
            "share of characters in copies of earlier 8-grams; 1 without such n-grams",
        ),
        Column::f64(
            "text_later_split_9_gram_char_ratio",
            "share of characters in copies of earlier 9-grams; 1 without such n-grams",
        ),
        Column::f64(
            "text_later_split_10_gram_char_ratio",
            "share of characters in copies of earlier 10-grams; 1 without such n-grams",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; NeMo Curator filters/heuristic/repetition/repetition.py",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures repeated n-grams.
#[derive(Debug)]
pub(crate) struct RemovedNgramRepetition;

impl Signal for RemovedNgramRepetition {
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
    ngrams.join(document, " ");
    let chars = char_count(document.text) as usize;
    let mut shares = [Some(1.0); 9];
    for (n, share) in (2..=document.word_count()).zip(&mut shares) {
        ngrams.find(n);
        let part = if n < 5 {
            removed_chars(document, ngrams, n)
        } else {
            later_chars(ngrams, n)
        };
        *share = ratio(part, chars);
    }
    shares
}

fn removed_chars(document: &Document<'_>, ngrams: &mut Ngrams, n: usize) -> usize {
    ngrams.count_all();
    let Some((_, first)) = ngrams.top() else { return 0 };
    let words: Vec<&str> = document.words().skip(first).take(n).collect();
    let ngram = words.join(" ");
    let found = memchr::memmem::find_iter(document.text.as_bytes(), &ngram).count();
    found * ngrams.chars(first, n)
}

fn later_chars(ngrams: &mut Ngrams, n: usize) -> usize {
    let mut chars = 0;
    // Words before this one are added.
    let mut added = 0;
    for candidate in 0..ngrams.candidates() {
        if ngrams.count(candidate) > 1 {
            let first = ngrams.first(candidate);
            let from = first.max(added);
            added = first + n;
            // With the blank before its first word if the word before it was added too.
            chars += ngrams.chars(from, added - from) + usize::from(from > first);
        }
    }
    chars
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
    fn only_later_occurrences_count_but_the_top_ngram_goes_everywhere() {
        // 17 characters. "a b" stands three times, "a b c" twice, "a b c a" once without overlap. Of the 5-grams only
        // "a b c a b" comes again. Nine words have no 10-gram.
        let text = "a b c a b c a b d";
        check(
            text,
            [9. / 17., 10. / 17., 7. / 17., 9. / 17., 0., 0., 0., 0., 1.],
        );
    }

    #[test]
    fn overlapping_copies_add_new_words_with_their_blanks() {
        // 5-grams of 11 words come again at 3 to 6: 9 + 2 + 2 + 2 of 21 characters.
        let text = "a b c a b c a b c a b";
        let [.., five, _, _, _, _, _] = measured(text);
        assert_eq!(five, Some(15. / 21.));
    }

    #[test]
    fn the_removed_ngram_may_stand_inside_of_words_but_not_across_lines() {
        // "a b" occurs twice as words, stands three times in the text, and once across a line end.
        let [two, ..] = measured("a b xa bc a b a\nb");
        assert_eq!(two, Some(9. / 17.));
    }

    #[test]
    fn short_texts_are_all_repetition() {
        check("", [1.; 9]);
        check("one", [1.; 9]);
        check("one two", [1.; 9]);
        check("é\né", [0., 1., 1., 1., 1., 1., 1., 1., 1.]);
    }

    fn measured(text: &str) -> [Option<f64>; 9] {
        let offsets: Vec<u32> = spans(text).flatten().collect();
        measure(&Document::new(text, &offsets), &mut Ngrams::default())
    }
}
