//! Runs what is listed on files; shared by the examples.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::wildcard_imports,
    reason = "not every example uses everything"
)]

use std::{fs, path::Path, sync::Arc};

use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray, types::*};
use gristmill_core::{Column, ColumnType, Documents};
use serde_json::{Map, Value};

/// The inputs of the extractor for one file.
pub(crate) fn record(path: &str) -> Vec<ArrayRef> {
    let bytes = fs::read(path).unwrap();
    let name = Path::new(path)
        .file_stem()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    vec![
        Arc::new(BinaryViewArray::from(vec![Some(bytes.as_slice())])),
        Arc::new(StringViewArray::new_null(1)),
        Arc::new(StringViewArray::new_null(1)),
        Arc::new(StringViewArray::from(vec![name.as_str()])),
    ]
}

/// The first row as an object: what is null or bytes is left out.
pub(crate) fn object(outputs: &[Column], documents: &Documents) -> Map<String, Value> {
    let mut object = Map::new();
    if documents.faults.is_valid(0) {
        object.insert("fault".into(), documents.faults.value(0).into());
    }
    for (column, array) in outputs.iter().zip(&documents.columns) {
        if array.is_empty() || array.is_null(0) {
            continue;
        }
        let value: Value = match column.kind {
            ColumnType::Bool => array.as_boolean().value(0).into(),
            ColumnType::U16 => array.as_primitive::<UInt16Type>().value(0).into(),
            ColumnType::U32 => array.as_primitive::<UInt32Type>().value(0).into(),
            ColumnType::U64 => array.as_primitive::<UInt64Type>().value(0).into(),
            ColumnType::F64 => array.as_primitive::<Float64Type>().value(0).into(),
            ColumnType::Text => {
                let text = array.as_string_view().value(0);
                serde_json::from_str(text).unwrap_or_else(|_| text.into())
            }
            ColumnType::Texts => {
                let list = array.as_list::<i32>().value(0);
                list.as_string_view().iter().flatten().collect()
            }
            ColumnType::Media => {
                let media = array.as_struct();
                let bytes = media.column(0).as_binary_view();
                let length = if bytes.is_valid(0) {
                    bytes.value(0).len()
                } else {
                    0
                };
                format!("{} ({length} bytes)", media.column(1).as_string_view().value(0)).into()
            }
            _ => continue,
        };
        object.insert(column.name.into(), value);
    }
    object
}

/// CPU time of all threads of this process and of its children, by Linux.
pub(crate) fn cpu_nanoseconds() -> u64 {
    let of = |path: &Path| {
        let text = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ')
            .next()
            .and_then(|field| field.parse().ok())
            .unwrap_or(0)
    };
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let thread = thread.unwrap().path();
        sum += of(&thread);
        let children = fs::read_to_string(thread.join("children")).unwrap_or_default();
        sum += children
            .split_whitespace()
            .map(|child| of(&Path::new("/proc").join(child)))
            .sum::<u64>();
    }
    sum
}
