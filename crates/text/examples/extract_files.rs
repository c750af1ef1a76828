//! Extracts files one by one: `extract_files EXTRACTOR FILE…` writes a line of JSON for each, with the texts of its
//! columns, its fault and how long it took.

// An example reports to its user.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{sync::Arc, time::Instant};

use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray, UInt32Array, cast::AsArray};
use gristmill_text::EXTRACTORS;
use serde_json::{Map, Value, json};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().expect("the first argument names an extractor");
    let extractor = EXTRACTORS
        .iter()
        .find(|extractor| extractor.card().name == name)
        .expect("the first argument names an extractor");
    for path in arguments {
        let content = std::fs::read(&path).unwrap();
        let inputs: Vec<ArrayRef> = vec![
            Arc::new(BinaryViewArray::from(vec![Some(content.as_slice())])),
            Arc::new(StringViewArray::new_null(1)),
            Arc::new(StringViewArray::new_null(1)),
        ];
        let start = Instant::now();
        let documents = extractor.extract(&inputs, &[]).unwrap();
        let micros = start.elapsed().as_micros() as u64;
        let mut line = Map::new();
        line.insert("path".into(), json!(path));
        line.insert("micros".into(), json!(micros));
        let fault = documents.faults.iter().next().flatten();
        line.insert("fault".into(), json!(fault));
        for (column, array) in extractor.card().outputs.iter().zip(&documents.columns) {
            let value = if let Some(array) = array.as_any().downcast_ref::<UInt32Array>() {
                json!(array.iter().next().flatten())
            } else {
                json!(array.as_string_view().iter().next().flatten())
            };
            line.insert(column.name.into(), value);
        }
        println!("{}", Value::Object(line));
    }
}
