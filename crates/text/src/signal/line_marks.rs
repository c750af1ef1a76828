//! Lines that start with a bullet or end in an ellipsis, after Gopher.
//!
//! Lines end at every line end that Python's `splitlines` knows; empty ones count. A bullet is `•` or `-` behind
//! white space (`*` is none); an ellipsis is `...` or `…` before white space. Shares are null for an empty text,
//! which has no lines.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{Float64Builder, UInt32Builder},
    cast::AsArray,
};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::ratios::ratio;
use crate::words::white_space::{lines, strip};

/// Describes [`LineMarks`].
pub(crate) static CARD: Card = Card {
    name: "line_marks",
    about: "number of lines, and shares that start with a bullet or end in an ellipsis",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::u32("text_line_count", "lines, empty ones included"),
        Column::f64(
            "text_bullet_line_ratio",
            "share of lines that start with a bullet",
        ),
        Column::f64(
            "text_ellipsis_line_ratio",
            "share of lines that end in an ellipsis",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; datatrove 0.10.0 gopher_quality_filter.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures marks at the ends of lines.
#[derive(Debug)]
pub(crate) struct LineMarks;

impl Signal for LineMarks {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] UInt32, 2 x [n] Float64`; null where the text is null, shares also where it is empty.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut counts = UInt32Builder::new();
        let (mut bullets, mut ellipses) = (Float64Builder::new(), Float64Builder::new());
        for text in inputs[0].as_string_view() {
            let marks = text.map(Marks::of);
            counts.append_option(marks.as_ref().map(|marks| marks.lines as u32));
            bullets.append_option(marks.as_ref().and_then(|marks| ratio(marks.bullets, marks.lines)));
            ellipses.append_option(
                marks
                    .as_ref()
                    .and_then(|marks| ratio(marks.ellipses, marks.lines)),
            );
        }
        Ok(vec![
            Arc::new(counts.finish()),
            Arc::new(bullets.finish()),
            Arc::new(ellipses.finish()),
        ])
    }
}

#[derive(Debug, Default)]
struct Marks {
    lines: usize,
    bullets: usize,
    ellipses: usize,
}

impl Marks {
    fn of(text: &str) -> Self {
        let mut marks = Marks::default();
        for line in lines(text) {
            let line = strip(line);
            marks.lines += 1;
            marks.bullets += usize::from(line.starts_with(['•', '-']));
            marks.ellipses += usize::from(line.ends_with("...") || line.ends_with('…'));
        }
        marks
    }
}
