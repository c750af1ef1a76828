//! Repeated lines of which every occurrence counts, empty ones included: Gopher's measures as dolma takes them.
//!
//! Lines are what line feeds separate, as they stand: there is always one more than there are line feeds. All
//! occurrences of a line that occurs more than once count, the first included, and empty lines are lines. The share of
//! characters has all characters of the repeated lines above, and below only those that are no white space, so it may
//! exceed 1; it is 0 for a text without such characters.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    duplicates::repeats,
    ratios::{float_columns, ratio},
};
use crate::words::white_space::is_space;

/// Describes [`RawLineRepetition`].
pub(crate) static CARD: Card = Card {
    name: "raw_line_repetition",
    about: "how much of the text is lines, empty ones included, that occur more than once",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_repeated_raw_line_ratio",
            "share of lines as they stand that occur more than once",
        ),
        Column::f64(
            "text_repeated_raw_line_char_ratio",
            "characters of such lines per character that is no white space; may exceed 1",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; dolma taggers/gopher.py get_attributes",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures repeated lines.
#[derive(Debug)]
pub(crate) struct RawLineRepetition;

impl Signal for RawLineRepetition {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> 2 x [n] Float64`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(float_columns(
            inputs[0].as_string_view().iter().map(|text| text.map(measure)),
        ))
    }
}

fn measure(text: &str) -> [Option<f64>; 2] {
    let lines = repeats(text.split('\n'));
    let chars = text.chars().filter(|&c| !is_space(c)).count();
    [
        ratio(lines.repeated, lines.parts),
        ratio(lines.repeated_chars, chars.max(1)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: [f64; 2]) {
        assert_eq!(measure(text), expected.map(Some), "{text:?}");
    }

    #[test]
    fn lines_are_compared_as_they_stand() {
        check("é\nb\né \né", [2. / 4., 2. / 4.]);
    }

    #[test]
    fn empty_lines_are_repeated_lines() {
        check("a\n\nb\n", [2. / 4., 0.]);
    }

    #[test]
    fn white_space_counts_above_only() {
        check("a b\na b", [1., 6. / 4.]);
        check(" \n ", [1., 2.]);
    }

    #[test]
    fn one_line_repeats_nothing() {
        check("", [0.; 2]);
        check("word", [0.; 2]);
    }
}
