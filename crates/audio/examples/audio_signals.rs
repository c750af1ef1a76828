//! What is known and measured of sounds, as lines of JSON.
//!
//! ```text
//! cargo run --release -p gristmill-audio --example audio_signals -- [--raw FILE] FILE...
//! ```
//!
//! Prints an object for each file: its path, its header facts, its signals or its fault. With `--raw` the samples of the last
//! file are written there as interleaved 32-bit floating-point numbers, so that other programs can look at the same ones.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

use std::{env, error::Error, fs, io::Write, sync::Arc};

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, StringViewArray,
    cast::AsArray,
    types::{Float64Type, UInt16Type, UInt32Type, UInt64Type},
};
use gristmill_audio::{EXTRACTORS, SIGNALS, Sound};
use gristmill_core::{Column, ColumnType, Limits};
use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).peekable();
    let raw = arguments.next_if_eq("--raw").and_then(|_| arguments.next());
    let mut last = Vec::new();
    for path in arguments {
        last = fs::read(&path)?;
        let text = |text: &str| -> ArrayRef { Arc::new(StringViewArray::from(vec![text])) };
        let content: ArrayRef = Arc::new(BinaryViewArray::from(vec![last.as_slice()]));
        let extractor = EXTRACTORS[0];
        let names: Vec<&str> = extractor
            .card()
            .outputs
            .iter()
            .map(|column| column.name)
            .collect();
        let documents = extractor.extract(&[content, text("audio"), text(""), text("id")], &names)?;
        let mut object = Map::new();
        object.insert("path".to_owned(), path.into());
        if documents.faults.is_valid(0) {
            object.insert("fault".to_owned(), documents.faults.value(0).into());
        }
        add(extractor.card().outputs, &documents.columns, &mut object);
        let signal = SIGNALS[0];
        let names: Vec<&str> = signal.card().outputs.iter().map(|column| column.name).collect();
        let measured = signal.measure(&documents.columns[..1], &names)?;
        if measured.faults.is_valid(0) {
            object.insert("fault".to_owned(), measured.faults.value(0).into());
        }
        add(signal.card().outputs, &measured.columns, &mut object);
        println!("{}", Value::Object(object));
    }
    if let Some(raw) = raw {
        let mut sound = Sound::open(&last, &Limits::default()).map_err(|fault| fault.to_string())?;
        let mut out = std::io::BufWriter::new(fs::File::create(raw)?);
        while let Some(block) = sound.next_block().map_err(|fault| fault.to_string())? {
            for frame in 0..block.frames() {
                for plane in block.planes() {
                    out.write_all(&plane[frame].to_le_bytes())?;
                }
            }
        }
    }
    Ok(())
}

fn add(columns: &[Column], arrays: &[ArrayRef], object: &mut Map<String, Value>) {
    for (column, array) in columns.iter().zip(arrays) {
        let value = match column.kind {
            _ if array.is_null(0) => Value::Null,
            ColumnType::F64 => array.as_primitive::<Float64Type>().value(0).into(),
            ColumnType::U16 => array.as_primitive::<UInt16Type>().value(0).into(),
            ColumnType::U32 => array.as_primitive::<UInt32Type>().value(0).into(),
            ColumnType::U64 => array.as_primitive::<UInt64Type>().value(0).into(),
            ColumnType::Bool => array.as_boolean().value(0).into(),
            ColumnType::Text => array.as_string_view().value(0).into(),
            _ => continue,
        };
        object.insert(column.name.to_owned(), value);
    }
}
