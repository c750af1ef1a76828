//! Length of a text in bytes of UTF-8.

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

/// Describes [`ByteCount`].
pub(crate) static CARD: Card = Card {
    name: "text_byte_count",
    about: "length of the text in bytes of UTF-8",
    inputs: &[columns::TEXT],
    outputs: &[Column::u32("text_byte_count", "bytes")],
    source: "RFC 3629",
    cost: Cost::Cheap,
    version: 1,
};

/// Counts bytes.
#[derive(Debug)]
pub(crate) struct ByteCount;

impl Signal for ByteCount {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] UInt32`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view().iter();
        let counts: UInt32Array = texts.map(|text| text.map(|text| text.len() as u32)).collect();
        Ok(vec![Arc::new(counts)])
    }
}
