//! What is left of a text without its repeated lines and paragraphs: Gopher's measures as NeMo Curator takes them.
//!
//! Lines are what single line feeds separate, blank ones left out; paragraphs are what pairs of line feeds separate,
//! empty ones included. Both keep the white space at their ends. The first occurrence of each is unique, the others
//! are not. Shares of characters are of the characters of the parts. They are null where there are none; a blank text
//! has no lines, and no share of paragraphs either.
//!
//! Curator calls such lines sentences. It divides by zero where the shares of lines and of characters are null, and gives
//! 0 for the paragraphs of a blank text, which no threshold keeps.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    duplicates::duplicates,
    ratios::{float_columns, ratio},
};
use crate::words::white_space::is_space;

/// Describes [`UniqueLines`].
pub(crate) static CARD: Card = Card {
    name: "unique_lines",
    about: "how much is left of the text without copies of earlier lines and paragraphs",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_unique_nonblank_line_ratio",
            "share of lines that are not blank and no copies of earlier ones",
        ),
        Column::f64(
            "text_unique_nonblank_line_char_ratio",
            "share of characters of such lines in those that are no copies",
        ),
        Column::f64(
            "text_unique_paragraph_ratio",
            "share of paragraphs, empty ones included, that are no copies of earlier ones",
        ),
        Column::f64(
            "text_unique_paragraph_char_ratio",
            "share of characters of such paragraphs in those that are no copies",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; NeMo Curator filters/heuristic/repetition/repetition.py, utils/text_utils.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures repeated lines and paragraphs.
#[derive(Debug)]
pub(crate) struct UniqueLines;

impl Signal for UniqueLines {
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
    let lines = || text.split('\n').filter(|line| !line.chars().all(is_space));
    let paragraphs = || text.split("\n\n");
    if lines().next().is_none() {
        return [None; 4];
    }
    let [[line, line_char], [paragraph, paragraph_char]] = [unique(lines), unique(paragraphs)];
    [line, line_char, paragraph, paragraph_char]
}

/// The shares of parts and of their characters that are no copies.
fn unique<'a, I: Iterator<Item = &'a str>>(parts: impl Fn() -> I) -> [Option<f64>; 2] {
    let chars: usize = parts().map(|part| char_count(part) as usize).sum();
    let found = duplicates(parts());
    [
        ratio(found.parts - found.copies, found.parts),
        ratio(chars - found.copied_chars, chars),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: [f64; 4]) {
        assert_eq!(measure(text), expected.map(Some), "{text:?}");
    }

    #[test]
    fn the_first_occurrence_is_unique() {
        check("é\nbbb\né\n \né", [2. / 4., 4. / 6., 1., 1.]);
    }

    #[test]
    fn white_space_at_the_ends_tells_lines_apart() {
        check("a\na ", [1.; 4]);
    }

    #[test]
    fn empty_paragraphs_are_paragraphs() {
        // "ab", "", "ab", "": two line feeds twice over make one empty paragraph, two at the end another.
        check("ab\n\n\n\nab\n\n", [1. / 2., 2. / 4., 2. / 4., 2. / 4.]);
    }

    #[test]
    fn one_line_is_unique() {
        check("word", [1.; 4]);
    }

    #[test]
    fn a_blank_text_has_no_share() {
        assert_eq!(measure(""), [None; 4]);
        assert_eq!(measure(" \n\n"), [None; 4]);
    }
}
