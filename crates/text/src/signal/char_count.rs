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

/// The bytes of texts, such as words, that are counted one by one: the library counts eight at a time, which begins to
/// pay later. Only the first byte of a code point is not `10xxxxxx`.
const SHORT: usize = 24;

/// The number of code points of a text, which is below 4 GiB.
pub(crate) fn char_count(text: &str) -> u32 {
    if text.len() < SHORT {
        return text.bytes().map(|byte| u32::from(byte as i8 >= -0x40)).sum();
    }
    text.chars().count() as u32
}
