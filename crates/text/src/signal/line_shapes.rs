//! How lines look: FineWeb's measures.
//!
//! Lines are what line feeds separate; blank ones are left out, the others keep the white space at their ends, so a
//! line with a blank behind its full stop does not end in punctuation. Terminal punctuation is datatrove's
//! `TERMINAL_PUNCTUATION`: quotes, brackets, `:` and `…` are none. Copies are counted as in
//! [`line_repetition`](super::line_repetition), but over the characters that are no line feeds. Shares are null where
//! their whole is empty.

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    document::{Document, documents},
    duplicates::duplicates,
    ratios::{float_columns, ratio},
    words::TEXT_WORDS,
};
use crate::words::{
    classes::{TERMINAL, is},
    white_space::is_space,
};

/// Lines of up to this many code points are short.
const SHORT: usize = 30;

/// Describes [`LineShapes`].
pub(crate) static CARD: Card = Card {
    name: "line_shapes",
    about: "lines that end in punctuation, are short or are copies, and line feeds per word",
    inputs: &[columns::TEXT, TEXT_WORDS],
    outputs: &[
        Column::u32("text_nonblank_line_count", "lines that are not blank"),
        Column::f64(
            "text_terminal_punct_line_ratio",
            "share of lines that are not blank and end in terminal punctuation",
        ),
        Column::f64(
            "text_short_line_ratio",
            "share of lines that are not blank and have at most 30 code points",
        ),
        Column::f64(
            "text_duplicate_nonblank_line_char_ratio",
            "share of characters other than line feeds in copies of lines that are not blank",
        ),
        Column::f64(
            "text_newline_word_ratio",
            "line feeds per word, punctuation included",
        ),
    ],
    source: "Penedo et al. 2024, arXiv:2406.17557; datatrove 0.10.0 fineweb_quality_filter.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures shapes of lines.
#[derive(Debug)]
pub(crate) struct LineShapes;

impl Signal for LineShapes {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> [n] UInt32, 4 x [n] Float64`; null where the text is null, shares also
    /// where their whole is empty.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let shapes: Vec<_> = documents(inputs)
            .map(|document| document.as_ref().map(measure))
            .collect();
        let counts: UInt32Array = shapes.iter().map(|row| row.map(|(count, _)| count)).collect();
        let shares = float_columns(shapes.iter().map(|row| row.map(|(_, shares)| shares)));
        Ok(std::iter::once(Arc::new(counts) as ArrayRef)
            .chain(shares)
            .collect())
    }
}

fn measure(document: &Document<'_>) -> (u32, [Option<f64>; 4]) {
    let text = document.text;
    let lines: Vec<&str> = text
        .split('\n')
        .filter(|line| !line.chars().all(is_space))
        .collect();
    let count = |is_counted: fn(&str) -> bool| lines.iter().filter(|line| is_counted(line)).count();
    let feeds = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let chars = char_count(text) as usize - feeds;
    let copies = duplicates(lines.iter().copied());
    let shares = [
        ratio(count(ends_in_punctuation), lines.len()),
        ratio(count(is_short), lines.len()),
        ratio(copies.copied_chars, chars),
        ratio(feeds, document.word_count()),
    ];
    (lines.len() as u32, shares)
}

fn ends_in_punctuation(line: &str) -> bool {
    line.chars().next_back().is_some_and(|last| is(last, TERMINAL))
}

fn is_short(line: &str) -> bool {
    line.chars().nth(SHORT).is_none()
}
