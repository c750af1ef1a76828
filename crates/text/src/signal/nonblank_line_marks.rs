//! Lines that start with a bullet or end in an ellipsis, after Gopher as DCLM reads it.
//!
//! Lines are what line feeds separate, without the white space at their ends; blank ones are left out. A bullet is `●`,
//! `•`, `*` or `-`; an ellipsis is `...`, `. . .` or `…`. Shares are null for a text without lines that are not blank.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{marked_lines::marked_lines, ratios::float_columns};
use crate::words::white_space::strip;

/// Describes [`NonblankLineMarks`].
pub(crate) static CARD: Card = Card {
    name: "nonblank_line_marks",
    about: "shares of lines that are not blank and start with a bullet or end in an ellipsis",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_nonblank_bullet_line_ratio",
            "share of lines that are not blank and start with ●, •, * or -",
        ),
        Column::f64(
            "text_nonblank_ellipsis_line_ratio",
            "share of lines that are not blank and end in an ellipsis, also spaced",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; DCLM content_filters.py bullet_count_filter and ellipsis_count_filter",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures marks at the ends of lines.
#[derive(Debug)]
pub(crate) struct NonblankLineMarks;

impl Signal for NonblankLineMarks {
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
    let lines = text.split('\n').map(strip).filter(|line| !line.is_empty());
    marked_lines(
        lines,
        |line| line.starts_with(['●', '•', '*', '-']),
        |line| ["...", ". . .", "…"].iter().any(|end| line.ends_with(end)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bullets: impl Into<Option<f64>>, ellipses: impl Into<Option<f64>>) {
        assert_eq!(measure(text), [bullets.into(), ellipses.into()], "{text:?}");
    }

    #[test]
    fn blank_lines_and_white_space_at_the_ends_do_not_count() {
        check(
            "  • a\n\n \t\n* b\n-c … \n● d . . .\nwait... \n",
            4. / 5.,
            3. / 5.,
        );
    }

    #[test]
    fn only_line_feeds_end_lines() {
        check("- a\r- b...\u{2028}- c", 1., 0.);
    }

    #[test]
    fn one_line_is_all_or_nothing() {
        check("word", 0., 0.);
        check("-...", 1., 1.);
    }

    #[test]
    fn a_blank_text_has_no_share() {
        check("", None, None);
        check(" \n\n", None, None);
    }
}
