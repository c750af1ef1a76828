//! Length of a text in code points.
//!
//! The denominator of every share of characters. Empty text has 0.

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

/// Describes [`CharCount`].
pub(crate) static CARD: Card = Card {
    name: "text_char_count",
    about: "length of the text in Unicode code points",
    inputs: &[columns::TEXT],
    outputs: &[Column::u32("text_char_count", "code points")],
    source: "Python's len(str), as all of datatrove's filters count",
    cost: Cost::Cheap,
    version: 1,
};

/// Counts code points.
#[derive(Debug)]
pub(crate) struct CharCount;

impl Signal for CharCount {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] UInt32`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view().iter();
        let counts: UInt32Array = texts.map(|text| text.map(char_count)).collect();
        Ok(vec![Arc::new(counts)])
    }
}

/// The number of code points of a text, which is below 4 GiB.
pub(crate) fn char_count(text: &str) -> u32 {
    text.chars().count() as u32
}
