//! Repeated lines and paragraphs of which every occurrence counts: Gopher's measures as DCLM takes them.
//!
//! Lines are what single line feeds separate, paragraphs what pairs of them do (of three, the third belongs to the next
//! paragraph), both without the white space at their ends; blank ones are left out. All occurrences of a part that
//! occurs more than once count, the first included. Shares of characters are of the characters of the parts. A text of
//! a single line or paragraph has share 0, a blank text has none.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    duplicates::repeats,
    ratios::{float_columns, ratio},
};
use crate::words::white_space::strip;

/// Describes [`NonblankLineRepetition`].
pub(crate) static CARD: Card = Card {
    name: "nonblank_line_repetition",
    about: "how much of the text is lines and paragraphs that occur more than once",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_repeated_nonblank_line_ratio",
            "share of lines that are not blank and occur more than once",
        ),
        Column::f64(
            "text_repeated_nonblank_line_char_ratio",
            "share of characters of such lines in those that occur more than once",
        ),
        Column::f64(
            "text_repeated_nonblank_paragraph_ratio",
            "share of paragraphs that are not blank and occur more than once",
        ),
        Column::f64(
            "text_repeated_nonblank_paragraph_char_ratio",
            "share of characters of such paragraphs in those that occur more than once",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; DCLM content_filters.py repetition_filter",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures repeated lines and paragraphs.
#[derive(Debug)]
pub(crate) struct NonblankLineRepetition;

impl Signal for NonblankLineRepetition {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> 4 x [n] Float64`; null where the text is null or blank.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(float_columns(
            inputs[0].as_string_view().iter().map(|text| text.map(measure)),
        ))
    }
}

fn measure(text: &str) -> [Option<f64>; 4] {
    let [lines, paragraphs] = ["\n", "\n\n"].map(|end| {
        let parts = text.split(end).map(strip);
        repeats(parts.filter(|part| !part.is_empty()))
    });
    [
        ratio(lines.repeated, lines.parts),
        ratio(lines.repeated_chars, lines.chars),
        ratio(paragraphs.repeated, paragraphs.parts),
        ratio(paragraphs.repeated_chars, paragraphs.chars),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: [f64; 4]) {
        assert_eq!(measure(text), expected.map(Some), "{text:?}");
    }

    #[test]
    fn every_occurrence_of_a_repeated_line_counts() {
        check("é\nbbb\n é \n\t\né", [3. / 4., 3. / 6., 0., 0.]);
    }

    #[test]
    fn paragraphs_end_at_pairs_of_line_feeds() {
        // The third line feed belongs to the second paragraph and is white space at its end.
        check("a\nb\n\n\na\nb\n\nccc", [4. / 5., 4. / 7., 2. / 3., 6. / 9.]);
    }

    #[test]
    fn one_line_repeats_nothing() {
        check("word word", [0.; 4]);
        check("\n\nword\n\n", [0.; 4]);
    }

    #[test]
    fn a_blank_text_has_no_share() {
        assert_eq!(measure(""), [None; 4]);
        assert_eq!(measure(" \n\n\n"), [None; 4]);
    }
}
