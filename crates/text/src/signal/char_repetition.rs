//! Repeated runs of ten characters, after BLOOM and OBELICS.
//!
//! With `T` different runs of ten code points, of which `S` occur once, and `k` the smaller of the whole part of the
//! square root of `T` and `T - S`: the occurrences of the `k` most frequent runs as a share of all runs, overlaps included.
//! Of runs that occur once none counts, so a text without repetition has 0, and so has one of fewer than ten
//! characters.
//!
//! The reference turns spaces of other kinds into blanks before; here the text is measured as it is.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    ratios::{float_columns, ratio},
    repeat_filter::RepeatFilter,
};

/// Code points of a run.
const LENGTH: usize = 10;

/// Describes [`CharRepetition`].
pub(crate) static CARD: Card = Card {
    name: "char_repetition",
    about: "how much of the text its most frequent runs of ten characters are",
    inputs: &[columns::TEXT],
    outputs: &[Column::f64(
        "text_char_10_gram_repetition_ratio",
        "share of runs of 10 code points that are the most frequent ones: as many of those that repeat as the square root of how many different ones there are, at most",
    )],
    source: "Laurençon et al. 2023, arXiv:2306.16527, appendix A.2 (character repetition ratio); OBELICS \
             web_document_filtering.py compute_character_repetition_ratio",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures repeated runs of characters.
#[derive(Debug)]
pub(crate) struct CharRepetition;

impl Signal for CharRepetition {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] Float64`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut runs = Runs::default();
        let texts = inputs[0].as_string_view().iter();
        Ok(float_columns(
            texts.map(|text| text.map(|text| [Some(runs.measure(text))])),
        ))
    }
}

/// Reused from text to text.
#[derive(Debug, Default)]
struct Runs {
    filter: RepeatFilter,
    /// Keys of the runs that may occur again.
    keys: Vec<u64>,
    /// How often each different one of them occurs.
    counts: Vec<u32>,
}

impl Runs {
    fn measure(&mut self, text: &str) -> f64 {
        let count = text.chars().count().saturating_sub(LENGTH - 1);
        self.filter.clear(count);
        keys(text).for_each(|key| self.filter.insert(key));
        self.keys.clear();
        self.keys
            .extend(keys(text).filter(|&key| self.filter.may_repeat(key)));
        self.keys.sort_unstable();
        self.counts.clear();
        let equal = self.keys.chunk_by(|one, other| one == other);
        // A text has fewer than 2^32 bytes.
        self.counts
            .extend(equal.map(|run| run.len() as u32).filter(|&count| count > 1));
        let repeats: usize = self.counts.iter().map(|&count| count as usize).sum();
        let different = count - repeats + self.counts.len();
        self.counts.sort_unstable_by(|one, other| other.cmp(one));
        // Those that occur once are not in `counts`, so it never has more than the definition allows.
        let top = self.counts.iter().take(different.isqrt());
        ratio(top.map(|&count| count as usize).sum(), count).unwrap_or(0.0)
    }
}

/// A key of each run. Among a million different ones the odds of any two sharing one are below one in ten million.
fn keys(text: &str) -> impl Iterator<Item = u64> {
    let starts = text.char_indices().map(|(at, _)| at);
    let ends = starts.clone().skip(LENGTH).chain([text.len()]);
    let has_runs = text.chars().take(LENGTH).count() == LENGTH;
    let spans = starts.zip(ends).take(if has_runs { usize::MAX } else { 0 });
    spans.map(|(start, end)| xxh3_64(&text.as_bytes()[start..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: f64) {
        assert_eq!(Runs::default().measure(text), expected, "{text:?}");
    }

    #[test]
    fn the_most_frequent_runs_count_as_many_as_the_root_of_all() {
        // 20 runs, 10 different ones that occur twice: the root of 10 is 3, so 3 x 2 of 20 (with the 9 behind).
        check("abcdefghijabcdefghijabcdefghi", 6. / 20.);
        // One run, 11 times.
        check(&"a".repeat(20), 1.);
    }

    #[test]
    fn runs_that_occur_once_do_not_count() {
        check("abcdefghijklmnopqrstuvwxyz", 0.);
        // 23 runs, "0123456789" twice and no other: 22 different, the root is 4, but one repeats.
        check("0123456789abcdefghijkl0123456789", 2. / 23.);
    }

    #[test]
    fn characters_are_code_points() {
        check(&"é".repeat(10), 0.);
        check(&"é".repeat(11), 1.);
        check("字é", 0.);
    }

    #[test]
    fn short_texts_have_no_runs() {
        check("", 0.);
        check("aaaaaaaaa", 0.);
    }
}
