//! Finds fixtures, makes sounds and measures them.

#![allow(
    dead_code,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "not every test uses everything"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use arrow_array::{Array, ArrayRef, BinaryViewArray, cast::AsArray, types::Float64Type};
use gristmill_audio::SIGNALS;
use gristmill_core::{ColumnType, media};
use serde_json::{Map, Value};

/// The folder of fixtures.
pub(crate) fn fixtures() -> PathBuf {
    env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    )
}

/// The folder of real files, and the lines of its manifest about sound and video; none where they are not there.
pub(crate) fn manifest() -> Option<(PathBuf, Vec<Value>)> {
    let folder = fixtures().join("real");
    let Ok(lines) = fs::read_to_string(folder.join("MANIFEST.jsonl")) else {
        println!("skipped: no {}", folder.display());
        return None;
    };
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let kept = lines.filter(|entry| entry["kind"] == "audio" || entry["kind"] == "video");
    Some((folder, kept.collect()))
}

/// A file of 16-bit WAVE.
pub(crate) fn wav(planes: &[Vec<f32>], rate: u32) -> Vec<u8> {
    let (channels, frames) = (planes.len() as u32, planes[0].len() as u32);
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0".to_vec();
    file.extend((channels as u16).to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * channels * 2).to_le_bytes());
    file.extend((channels as u16 * 2).to_le_bytes());
    file.extend(b"\x10\0data");
    file.extend((frames * channels * 2).to_le_bytes());
    for frame in 0..frames as usize {
        for plane in planes {
            let whole = (plane[frame] * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16;
            file.extend(whole.to_le_bytes());
        }
    }
    file
}

/// The column of files of some bytes.
pub(crate) fn files(files: &[Option<&[u8]>]) -> ArrayRef {
    let paths = (0..files.len()).map(|row| Some(format!("{row}.bin"))).collect();
    media(BinaryViewArray::from(files.to_vec()), paths)
}

/// All measures of a file, by name; none where it has a fault.
pub(crate) fn measures(file: &[u8]) -> Result<Map<String, Value>, String> {
    let signal = SIGNALS[0];
    let card = signal.card();
    let names: Vec<&str> = card.outputs.iter().map(|column| column.name).collect();
    let documents = signal.measure(&[files(&[Some(file)])], &names).unwrap();
    if documents.faults.is_valid(0) {
        return Err(documents.faults.value(0).to_owned());
    }
    let mut found = Map::new();
    for (column, array) in card.outputs.iter().zip(&documents.columns) {
        assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
        let value = match column.kind {
            _ if array.is_null(0) => Value::Null,
            ColumnType::Text => array.as_string_view().value(0).into(),
            _ => array.as_primitive::<Float64Type>().value(0).into(),
        };
        found.insert(column.name.to_owned(), value);
    }
    Ok(found)
}

/// Numbers that look random and are the same on every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A number of a normal distribution, or nearly.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.next() as f32 / u64::MAX as f32).sum::<f32>() - 6.0
    }
}
