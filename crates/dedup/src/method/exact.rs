//! Exact duplicates: equal bytes, equal pixels, or equal samples.
//!
//! The key is xxh3-128 of the UTF-8 bytes of the text, or of the bytes. Among 10¹⁰ documents the chance that any
//! two different ones share a key is below 10⁻¹⁸. Null content has no key and is in no cluster.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, UInt64Array},
    datatypes::DataType,
};
use gristmill_core::{Card, Column, Cost, Error, Result, Setting, Settings, columns};
use xxhash_rust::xxh3::xxh3_128;

use super::{Dedup, Fingerprint, Keys, Method, Verdict};
use crate::CLUSTER_COLUMNS;

/// Describes [`Exact`].
pub(crate) static CARD: Card = Card {
    name: "exact",
    about: "documents whose content is equal byte for byte",
    inputs: &[columns::TEXT],
    outputs: &CLUSTER_COLUMNS,
    source: "xxh3-128, xxhash.com",
    cost: Cost::Cheap,
    version: 2,
};

/// The text of documents, the bytes of records as they were fetched, files of media, or the hash of what they hold.
static COLUMNS: [Column; 7] = [
    columns::TEXT,
    columns::CONTENT,
    columns::IMAGE,
    columns::IMAGE_PIXEL_HASH,
    columns::AUDIO,
    columns::AUDIO_SAMPLE_HASH,
    columns::VIDEO,
];

/// Keys by content.
#[derive(Debug)]
pub(crate) struct Exact;

impl Method for Exact {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn columns(&self) -> &'static [Column] {
        &COLUMNS
    }

    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    fn with(&self, _: &Settings) -> Result<Dedup, String> {
        Ok(Dedup::Whole(Arc::new(Exact)))
    }
}

impl Fingerprint for Exact {
    fn key_columns(&self) -> usize {
        2
    }

    fn columns_per_band(&self) -> usize {
        2
    }

    fn keys(&self, inputs: &[ArrayRef]) -> Result<Keys> {
        let content = &inputs[0];
        let hash = |bytes: Option<&[u8]>| bytes.map(xxh3_128);
        let wrong = || Error::new(format!("exact dedup of a column of type {}", content.data_type()));
        let keys: Vec<Option<u128>> = match content.data_type() {
            DataType::Utf8View => content
                .as_string_view()
                .iter()
                .map(|text| hash(text.map(str::as_bytes)))
                .collect(),
            DataType::BinaryView => content.as_binary_view().iter().map(hash).collect(),
            DataType::Struct(_) => {
                let file = content.as_struct();
                let bytes = file.column(0).as_binary_view_opt().ok_or_else(wrong)?;
                let has_file = |row: &usize| file.is_valid(*row) && bytes.is_valid(*row);
                let rows = 0..file.len();
                rows.map(|row| hash(Some(row).filter(has_file).map(|row| bytes.value(row))))
                    .collect()
            }
            _ => return Err(wrong()),
        };
        Ok(Keys {
            columns: halves(&keys),
            evidence: None,
        })
    }

    fn verdict(&self) -> Verdict {
        Verdict::Equal
    }
}

/// The high and the low half of keys of 128 bits.
pub(super) fn halves(keys: &[Option<u128>]) -> Vec<ArrayRef> {
    let half = |shift: u32| -> ArrayRef {
        let halves = keys.iter().map(|key| key.map(|key| (key >> shift) as u64));
        Arc::new(halves.collect::<UInt64Array>())
    };
    vec![half(64), half(0)]
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{array::StringViewArray, datatypes::UInt64Type};

    use super::*;

    #[test]
    fn equal_texts_have_equal_keys_and_nulls_have_none() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), Some("b"), Some("a"), None]));
        let keys = Exact.keys(&[texts]).unwrap();
        let low = keys.columns[1].as_primitive::<UInt64Type>();
        assert_eq!(low.value(0), low.value(2));
        assert_ne!(low.value(0), low.value(1));
        assert!(low.is_null(3));
    }
}
