//! Lines that start with a bullet or end in an ellipsis, after Gopher as dolma reads it.
//!
//! Lines are what line feeds separate, empty ones and the white space at their ends included: there is always one more
//! than there are line feeds. A bullet is `*` or `-` as the first character; an ellipsis is `…` as the last (`...` is
//! none).

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{marked_lines::marked_lines, ratios::float_columns};

/// Describes [`RawLineMarks`].
pub(crate) static CARD: Card = Card {
    name: "raw_line_marks",
    about: "shares of lines, empty ones included, that start with a bullet or end in an ellipsis",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_raw_bullet_line_ratio",
            "share of lines as they stand that start with * or -",
        ),
        Column::f64(
            "text_raw_ellipsis_line_ratio",
            "share of lines as they stand that end in the character …",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; dolma taggers/gopher.py get_attributes",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures marks at the ends of lines.
#[derive(Debug)]
pub(crate) struct RawLineMarks;

impl Signal for RawLineMarks {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> 2 x [n] Float64`; null where the text is null or has no such lines.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(float_columns(
            inputs[0].as_string_view().iter().map(|text| text.map(measure)),
        ))
    }
}

fn measure(text: &str) -> [Option<f64>; 2] {
    marked_lines(
        text.split('\n'),
        |line| line.starts_with(['*', '-']),
        |line| line.ends_with('…'),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bullets: impl Into<Option<f64>>, ellipses: impl Into<Option<f64>>) {
        assert_eq!(measure(text), [bullets.into(), ellipses.into()], "{text:?}");
    }

    #[test]
    fn lines_count_as_they_stand() {
        check("* a…\n -b… \n\n-c...\n• d", 2. / 5., 1. / 5.);
    }

    #[test]
    fn a_last_line_feed_opens_a_line() {
        check("-\n", 1. / 2., 0.);
    }

    #[test]
    fn an_empty_text_is_one_line_without_marks() {
        check("", 0., 0.);
    }
}
