//! What kinds of words stand between white space: Gopher's measures over such words.
//!
//! Words are those of [`split_words`](super::split_words), with the punctuation that clings to them. A length is a
//! number of code points; the median of an even number of words is the mean of the two in the middle. A word *has a
//! letter* if any of its characters is of Unicode category L (Python's `isalpha`), and is *alphabetic* if any has the
//! property Alphabetic, as vowel signs and Roman numerals do (`[[:alpha:]]`). Stop words are counted each time they
//! occur, and only without punctuation: `the,` is none. Means, medians and shares are null without words.

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
    split_words::TEXT_SPLIT_WORDS,
};
use crate::words::classes::{LETTER, is};

const STOP_WORDS: [&str; 8] = ["the", "be", "to", "of", "and", "that", "have", "with"];

/// Describes [`SplitWordKinds`].
pub(crate) static CARD: Card = Card {
    name: "split_word_kinds",
    about: "number and length of words between white space, share that have a letter, stop words",
    inputs: &[columns::TEXT, TEXT_SPLIT_WORDS],
    outputs: &[
        Column::u32("text_split_word_count", "words between white space"),
        Column::f64(
            "text_split_word_length_mean",
            "mean length of those words in code points",
        ),
        Column::f64(
            "text_split_word_length_median",
            "median length of those words in code points",
        ),
        Column::f64(
            "text_split_alpha_word_ratio",
            "share of those words that have a letter",
        ),
        Column::f64(
            "text_split_alphabetic_word_ratio",
            "share of those words that have an alphabetic character, vowel signs included",
        ),
        Column::u32(
            "text_split_stop_word_count",
            "how many of those words are the, be, to, of, and, that, have or with",
        ),
        Column::u32(
            "text_split_stop_word_any_case_count",
            "how many of those words are the same eight words in upper or lower case",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; DCLM content_filters.py; dolma taggers/gopher.py; \
             NeMo Curator filters/heuristic/string.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures kinds of words.
#[derive(Debug)]
pub(crate) struct SplitWordKinds;

impl Signal for SplitWordKinds {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> [n] UInt32, 4 x [n] Float64, 2 x [n] UInt32`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut counts: [UInt32Builder; 3] = Default::default();
        let mut shares: [Float64Builder; 4] = Default::default();
        let mut lengths = Vec::new();
        for document in documents(inputs) {
            let kinds = document.map(|document| Kinds::of(&document, &mut lengths));
            let kinds = kinds.as_ref();
            let [words, stop_words, any_case] = &mut counts;
            words.append_option(kinds.map(|kinds| kinds.words as u32));
            stop_words.append_option(kinds.map(|kinds| kinds.stop_words));
            any_case.append_option(kinds.map(|kinds| kinds.stop_words_any_case));
            let [mean, median, alpha, alphabetic] = &mut shares;
            mean.append_option(kinds.and_then(|kinds| ratio(kinds.chars, kinds.words)));
            median.append_option(kinds.and_then(|kinds| kinds.median));
            alpha.append_option(kinds.and_then(|kinds| ratio(kinds.alpha, kinds.words)));
            alphabetic.append_option(kinds.and_then(|kinds| ratio(kinds.alphabetic, kinds.words)));
        }
        let [words, stop_words, any_case] = counts.map(|mut column| Arc::new(column.finish()) as ArrayRef);
        let shares = shares.map(|mut column| Arc::new(column.finish()) as ArrayRef);
        let columns = std::iter::once(words).chain(shares);
        Ok(columns.chain([stop_words, any_case]).collect())
    }
}

#[derive(Debug, Default)]
struct Kinds {
    words: usize,
    chars: usize,
    median: Option<f64>,
    alpha: usize,
    alphabetic: usize,
    stop_words: u32,
    stop_words_any_case: u32,
}

impl Kinds {
    /// Measures a document; `lengths` is only reused.
    fn of(document: &Document<'_>, lengths: &mut Vec<u32>) -> Self {
        let mut kinds = Kinds::default();
        lengths.clear();
        for word in document.words() {
            let length = char_count(word);
            lengths.push(length);
            kinds.words += 1;
            kinds.chars += length as usize;
            // Nearly every word starts with an ASCII letter, and nothing more need be known of it.
            let is_plain = word.starts_with(|c: char| c.is_ascii_alphabetic());
            kinds.alpha += usize::from(is_plain || word.chars().any(|c| is(c, LETTER)));
            kinds.alphabetic += usize::from(is_plain || word.chars().any(char::is_alphabetic));
            // No other character's lower case is a letter of these words, so ASCII's case is Python's.
            let stop_word = STOP_WORDS
                .iter()
                .find(|stop_word| word.eq_ignore_ascii_case(stop_word));
            kinds.stop_words_any_case += u32::from(stop_word.is_some());
            kinds.stop_words += u32::from(stop_word.is_some_and(|stop_word| *stop_word == word));
        }
        kinds.median = median(lengths);
        kinds
    }
}

fn median(lengths: &mut [u32]) -> Option<f64> {
    let middle = lengths.len() / 2;
    let is_odd = lengths.len() % 2 == 1;
    let (below, upper, _) = (!lengths.is_empty()).then(|| lengths.select_nth_unstable(middle))?;
    let upper = f64::from(*upper);
    if is_odd {
        return Some(upper);
    }
    below.iter().max().map(|&lower| (f64::from(lower) + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::split_words::spans;

    fn kinds(text: &str) -> Kinds {
        let offsets: Vec<u32> = spans(text).flatten().collect();
        Kinds::of(&Document::new(text, &offsets), &mut Vec::new())
    }

    #[test]
    fn lengths_are_code_points_with_punctuation() {
        let kinds = kinds("é, naïve… x");
        assert_eq!((kinds.words, kinds.chars, kinds.median), (3, 9, Some(2.0)));
    }

    #[test]
    fn an_even_number_of_words_has_the_mean_of_the_middle_two() {
        assert_eq!(kinds("aaaa a aaa aa").median, Some(2.5));
        assert_eq!(kinds("a a a bbbbbbb").median, Some(1.0));
    }

    #[test]
    fn one_word_is_its_own_median() {
        assert_eq!(kinds("seven77").median, Some(7.0));
    }

    #[test]
    fn an_empty_text_has_no_words() {
        let kinds = kinds("");
        assert_eq!((kinds.words, kinds.median, kinds.stop_words), (0, None, 0));
    }

    #[test]
    fn stop_words_count_each_time_and_bare() {
        let kinds = kinds("The the the, THE with");
        assert_eq!((kinds.stop_words, kinds.stop_words_any_case), (2, 4));
    }

    #[test]
    fn vowel_signs_and_roman_numerals_are_alphabetic_and_no_letters() {
        // A Devanagari vowel sign, Roman numeral twelve, a letter, digits, a mark of punctuation.
        let kinds = kinds("\u{93e} Ⅻ 1é 123 …");
        assert_eq!((kinds.alpha, kinds.alphabetic), (1, 3));
    }
}
