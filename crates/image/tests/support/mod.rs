//! Runs signals on thumbnails.

#![allow(dead_code, reason = "not every test uses everything")]

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BinaryViewArray,
    cast::AsArray,
    types::{Float64Type, UInt16Type, UInt32Type},
};
use gristmill_core::ColumnType;
use gristmill_image::SIGNALS;
use serde_json::{Map, Value};

/// A thumbnail as the extractor stores it.
pub(crate) fn thumbnail(width: u32, height: u32, rgb: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&width.to_le_bytes());
    bytes.extend_from_slice(&height.to_le_bytes());
    bytes.extend_from_slice(rgb);
    bytes
}

/// All columns that signals give for thumbnails, by name.
pub(crate) fn columns(thumbnails: &[Option<Vec<u8>>]) -> HashMap<&'static str, (ColumnType, ArrayRef)> {
    let thumbnails: BinaryViewArray = thumbnails.iter().map(Option::as_deref).collect();
    let mut columns = HashMap::new();
    columns.insert(
        "image_thumbnail",
        (ColumnType::Bytes, Arc::new(thumbnails) as ArrayRef),
    );
    let mut left: Vec<_> = SIGNALS.iter().collect();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|signal| {
            let card = signal.card();
            let inputs: Option<Vec<ArrayRef>> = card
                .inputs
                .iter()
                .map(|input| columns.get(input.name).map(|(_, array)| array.clone()))
                .collect();
            let Some(inputs) = inputs else {
                return true;
            };
            let outputs = signal.compute(&inputs).unwrap();
            assert_eq!(outputs.len(), card.outputs.len(), "{}", card.name);
            for (column, array) in card.outputs.iter().zip(outputs) {
                columns.insert(column.name, (column.kind, array));
            }
            false
        });
        assert!(left.len() < before, "signals need each other");
    }
    columns
}

/// What signals give for thumbnails, an object for each; work columns are left out.
pub(crate) fn signals(thumbnails: &[Option<Vec<u8>>]) -> Vec<Value> {
    let columns = columns(thumbnails);
    let object = |row: usize| {
        let mut object = Map::new();
        for (name, (kind, array)) in &columns {
            let value = match kind {
                _ if array.is_null(row) => Value::Null,
                ColumnType::F64 => array.as_primitive::<Float64Type>().value(row).into(),
                ColumnType::U16 => array.as_primitive::<UInt16Type>().value(row).into(),
                ColumnType::U32 => array.as_primitive::<UInt32Type>().value(row).into(),
                ColumnType::Text => array.as_string_view().value(row).into(),
                ColumnType::Bytes => continue,
                other => panic!("{name} is {}", other.name()),
            };
            object.insert((*name).to_owned(), value);
        }
        Value::Object(object)
    };
    (0..thumbnails.len()).map(object).collect()
}
