//! Runs signals on thumbnails.

#![allow(dead_code, reason = "not every test uses everything")]

use std::{collections::HashMap, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, UInt32Array,
    cast::AsArray,
    types::{Float64Type, UInt16Type, UInt32Type},
};
use gristmill_core::{ColumnType, Signal};
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

/// The size of pictures of this thumbnail that are no larger.
fn size(thumbnail: &[u8]) -> (u32, u32) {
    let side = |at: usize| u32::from_le_bytes(thumbnail[at..at + 4].try_into().unwrap());
    (side(0), side(4))
}

/// All columns that signals give for thumbnails of pictures of these sizes, by name.
pub(crate) fn columns(
    thumbnails: &[Option<Vec<u8>>],
    sizes: &[Option<(u32, u32)>],
) -> HashMap<&'static str, (ColumnType, ArrayRef)> {
    let thumbnails: BinaryViewArray = thumbnails.iter().map(Option::as_deref).collect();
    let sides = |side: fn((u32, u32)) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter(sizes.iter().map(|size| size.map(side))))
    };
    let mut columns = HashMap::new();
    columns.insert("image_width_px", (ColumnType::U32, sides(|size| size.0)));
    columns.insert("image_height_px", (ColumnType::U32, sides(|size| size.1)));
    columns.insert(
        "image_thumbnail",
        (ColumnType::Bytes, Arc::new(thumbnails) as ArrayRef),
    );
    // Thumbnails are given here; the signal that makes them of files has tests of its own.
    let is_given = |signal: &&&dyn Signal| signal.card().outputs[0].name == "image_thumbnail";
    let mut left: Vec<_> = SIGNALS.iter().filter(|signal| !is_given(signal)).collect();
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

/// What signals give for thumbnails of pictures that are no larger, an object for each, without work columns.
pub(crate) fn signals(thumbnails: &[Option<Vec<u8>>]) -> Vec<Value> {
    let sizes: Vec<_> = thumbnails
        .iter()
        .map(|thumbnail| thumbnail.as_deref().map(size))
        .collect();
    objects(&columns(thumbnails, &sizes), thumbnails.len())
}

/// What signals give for the thumbnail of a picture of this size.
pub(crate) fn signals_of(thumbnail: Vec<u8>, size: (u32, u32)) -> Value {
    objects(&columns(&[Some(thumbnail)], &[Some(size)]), 1).remove(0)
}

fn objects(columns: &HashMap<&'static str, (ColumnType, ArrayRef)>, rows: usize) -> Vec<Value> {
    let object = |row: usize| {
        let mut object = Map::new();
        let given = ["image_width_px", "image_height_px"];
        for (name, (kind, array)) in columns.iter().filter(|(name, _)| !given.contains(name)) {
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
    (0..rows).map(object).collect()
}
