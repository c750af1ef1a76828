//! Repeated lines and paragraphs, after Gopher.
//!
//! Paragraphs are what two or more line feeds separate in the text without white space at its ends; lines are what
//! one or more separate in the text as it is, so a line feed at either end gives an empty line. The first occurrence
//! is no copy. Shares of characters are of all characters of the text, line feeds included; they are null for an
//! empty text, where the reference divides by zero.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    duplicates::duplicates,
    ratios::{float_columns, ratio},
};
use crate::words::white_space::strip;

/// Describes [`LineRepetition`].
pub(crate) static CARD: Card = Card {
    name: "line_repetition",
    about: "how much of the text is copies of earlier lines and paragraphs",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_duplicate_paragraph_ratio",
            "share of paragraphs that are copies",
        ),
        Column::f64(
            "text_duplicate_paragraph_char_ratio",
            "share of characters in copies of paragraphs",
        ),
        Column::f64("text_duplicate_line_ratio", "share of lines that are copies"),
        Column::f64(
            "text_duplicate_line_char_ratio",
            "share of characters in copies of lines",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, table A1; datatrove 0.10.0 gopher_repetition_filter.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures repeated lines and paragraphs.
#[derive(Debug)]
pub(crate) struct LineRepetition;

impl Signal for LineRepetition {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> 4 x [n] Float64`; null where the text is null, shares of characters also where it is empty.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(float_columns(
            inputs[0].as_string_view().iter().map(|text| text.map(measure)),
        ))
    }
}

fn measure(text: &str) -> [Option<f64>; 4] {
    let chars = char_count(text) as usize;
    let paragraphs = duplicates(split_at_feeds(strip(text), 2));
    let lines = duplicates(split_at_feeds(text, 1));
    [
        ratio(paragraphs.copies, paragraphs.parts),
        ratio(paragraphs.copied_chars, chars),
        ratio(lines.copies, lines.parts),
        ratio(lines.copied_chars, chars),
    ]
}

/// What runs of at least `least` line feeds separate; always one part more than there are such runs.
fn split_at_feeds(text: &str, least: usize) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut from = 0;
        while let Some(feed) = memchr::memchr(b'\n', &text.as_bytes()[from..]) {
            let start = from + feed;
            from = start + text[start..].bytes().take_while(|&byte| byte == b'\n').count();
            if from - start >= least {
                rest = Some(&text[from..]);
                return Some(&text[..start]);
            }
        }
        rest = None;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_line_feeds_separate_once() {
        let split = |text, least| split_at_feeds(text, least).collect::<Vec<_>>();
        assert_eq!(split("a\nb\n\n\nc", 2), ["a\nb", "c"]);
        assert_eq!(split("\na\n\nb\n", 1), ["", "a", "b", ""]);
        assert_eq!(split("", 1), [""]);
    }

    #[test]
    fn an_empty_text_has_no_share_of_characters() {
        assert_eq!(measure(""), [Some(0.0), None, Some(0.0), None]);
        assert_eq!(measure("\n\n")[2], Some(0.5));
    }
}
