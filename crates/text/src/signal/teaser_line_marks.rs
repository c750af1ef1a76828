//! Lines that start with a bullet or end in an ellipsis or `read more`, after Gopher as NeMo Curator reads it.
//!
//! Lines are what line feeds separate; blank ones are left out, and white space at the ends is passed over. A bullet is
//! one of `• ‣ ⁃ ⁌ ⁍ ∙ ○ ● ◘ ◦ ⦾ ⦿` (`*` and `-` are none); an ellipsis is one of `...`, `[...]`, `…`, `(...)`, `[…]`,
//! `-»`, `read more..` and `read more` in any case. Shares are null for a text without lines that are not blank.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{marked_lines::marked_lines, ratios::float_columns};
use crate::words::white_space::strip;

/// Describes [`TeaserLineMarks`].
pub(crate) static CARD: Card = Card {
    name: "teaser_line_marks",
    about: "shares of lines that are not blank and start with a round bullet or end as a teaser",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_round_bullet_line_ratio",
            "share of lines that are not blank and start with one of twelve bullets, * and - not among them",
        ),
        Column::f64(
            "text_teaser_line_ratio",
            "share of lines that are not blank and end in an ellipsis or in: read more",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; NeMo Curator filters/heuristic/string.py BulletsFilter and EllipsisFilter, utils/constants.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures marks at the ends of lines.
#[derive(Debug)]
pub(crate) struct TeaserLineMarks;

impl Signal for TeaserLineMarks {
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

const BULLETS: [char; 12] = ['•', '‣', '⁃', '⁌', '⁍', '∙', '○', '●', '◘', '◦', '⦾', '⦿'];

fn measure(text: &str) -> [Option<f64>; 2] {
    let lines = text.split('\n').map(strip).filter(|line| !line.is_empty());
    marked_lines(lines, |line| line.starts_with(BULLETS), ends_as_teaser)
}

fn ends_as_teaser(line: &str) -> bool {
    const MARKS: [&str; 8] = [
        "...",
        "…",
        "[...]",
        "(...)",
        "[…]",
        "-»",
        "read more..",
        "read more",
    ];
    // No other character's lower case is a letter of these words, so ASCII's case is Python's.
    let ends_with = |mark: &str| {
        let from = line.len().checked_sub(mark.len());
        from.is_some_and(|from| line.as_bytes()[from..].eq_ignore_ascii_case(mark.as_bytes()))
    };
    MARKS.iter().any(|mark| ends_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bullets: impl Into<Option<f64>>, ellipses: impl Into<Option<f64>>) {
        assert_eq!(measure(text), [bullets.into(), ellipses.into()], "{text:?}");
    }

    #[test]
    fn round_bullets_count_and_hyphens_do_not() {
        check(" ‣ a\n⦿ b\n- c\n* d\n\n● e", 3. / 5., 0.);
    }

    #[test]
    fn teasers_end_in_an_ellipsis_or_read_more() {
        check(
            "a… \nb [...]\nc (...)\n[…]\nd -»\nRead More\nREAD MORE..\nread more.\n) e",
            0.,
            7. / 9.,
        );
    }

    #[test]
    fn non_ascii_lines_are_cut_nowhere() {
        check("éééééééé", 0., 0.);
        check("•", 1., 0.);
    }

    #[test]
    fn a_blank_text_has_no_share() {
        check("", None, None);
        check(" \n", None, None);
    }
}
