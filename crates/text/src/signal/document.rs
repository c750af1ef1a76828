//! A text with its words, as signals over words read it.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, UInt32Array, cast::AsArray, types::UInt32Type};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field};

/// A text and where its words are.
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    /// First byte and end of every word, alternating.
    offsets: &'a [u32],
}

/// The rows of `text` and `text_words`; `None` where either is null.
pub(crate) fn documents(inputs: &[ArrayRef]) -> impl Iterator<Item = Option<Document<'_>>> {
    let texts = inputs[0].as_string_view();
    let words = inputs[1].as_list::<i32>();
    let offsets: &UInt32Array = words.values().as_primitive::<UInt32Type>();
    let rows = words.value_offsets().windows(2).enumerate();
    texts.iter().zip(rows).map(move |(text, (row, range))| {
        let words_of = || &offsets.values()[range[0] as usize..range[1] as usize];
        text.filter(|_| words.is_valid(row)).map(|text| Document {
            text,
            offsets: words_of(),
        })
    })
}

impl<'a> Document<'a> {
    /// A text with the offsets of its words.
    pub(crate) fn new(text: &'a str, offsets: &'a [u32]) -> Self {
        Document { text, offsets }
    }

    pub(crate) fn word_count(&self) -> usize {
        self.offsets.len() / 2
    }

    /// First byte and end of every word.
    pub(crate) fn spans(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.offsets.chunks_exact(2).map(|span| (span[0], span[1]))
    }

    /// The words in order.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a str> + 'a {
        let text = self.text;
        self.spans()
            .map(move |(start, end)| &text[start as usize..end as usize])
    }
}

/// Gathers a column of byte offsets.
#[derive(Debug, Default)]
pub(crate) struct OffsetsBuilder {
    offsets: Vec<u32>,
    lengths: Vec<usize>,
    valid: Vec<bool>,
}

impl OffsetsBuilder {
    /// Adds the offsets of one text, or a null.
    pub(crate) fn push(&mut self, offsets: Option<impl Iterator<Item = u32>>) {
        let before = self.offsets.len();
        self.valid.push(offsets.is_some());
        self.offsets.extend(offsets.into_iter().flatten());
        self.lengths.push(self.offsets.len() - before);
    }

    /// The column, of the type of [`ColumnType::Offsets`](gristmill_core::ColumnType::Offsets).
    pub(crate) fn finish(self) -> ArrayRef {
        let field = Arc::new(Field::new_list_field(DataType::UInt32, false));
        let ranges = OffsetBuffer::from_lengths(self.lengths);
        let offsets = Arc::new(UInt32Array::from(self.offsets));
        Arc::new(ListArray::new(field, ranges, offsets, Some(self.valid.into())))
    }
}
