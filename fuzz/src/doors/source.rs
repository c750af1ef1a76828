//! Formats: objects to records.

use std::{ops::Range, sync::Arc};

use arrow_array::{Array, cast::AsArray};
use gristmill_core::{Format, MemoryObject, ReadOptions, columns};
use gristmill_source::{
    AUTO, arc::ArcFormat, arrow::ArrowIpc, csv::Csv, jsonl::Jsonl, parquet::Parquet, tar::Tar, warc::Warc,
    webdataset::WebDataset, zip::Zip,
};

use super::{FINE, check_fault, note};

pub(crate) fn warc(bytes: &[u8]) {
    whole(&Warc, "a.warc", bytes);
}

pub(crate) fn arc(bytes: &[u8]) {
    whole(&ArcFormat, "a.arc", bytes);
}

/// The bytes as an HTTP response of a WARC.
pub(crate) fn payload(bytes: &[u8]) {
    let head = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.org/\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n",
        bytes.len()
    );
    whole(&Warc, "a.warc", &[head.as_bytes(), bytes, b"\r\n\r\n"].concat());
}

/// Whatever the bytes are, packed or not.
pub(crate) fn packed(bytes: &[u8]) {
    cut(AUTO, "a", bytes);
}

pub(crate) fn jsonl(bytes: &[u8]) {
    cut(&Jsonl, "a.jsonl", bytes);
}

pub(crate) fn csv(bytes: &[u8]) {
    cut(&Csv, "a.csv", bytes);
}

pub(crate) fn tar(bytes: &[u8]) {
    cut(&Tar, "a.tar", bytes);
}

pub(crate) fn webdataset(bytes: &[u8]) {
    cut(&WebDataset, "a.tar", bytes);
}

pub(crate) fn zip(bytes: &[u8]) {
    cut(&Zip, "a.zip", bytes);
}

pub(crate) fn parquet(bytes: &[u8]) {
    cut(&Parquet, "a.parquet", bytes);
}

pub(crate) fn arrow(bytes: &[u8]) {
    cut(&ArrowIpc, "a.arrow", bytes);
}

/// Archives that are not packed are not cut in a run: what looks like a record may be part of one.
fn whole(format: &dyn Format, name: &str, bytes: &[u8]) {
    let object = Arc::new(MemoryObject::new(name, bytes.to_vec()));
    let (middle, end) = (bytes.len() as u64 / 2, bytes.len() as u64);
    count(format, &object, 0..end);
    count(format, &object, middle..end);
}

/// Rows of the whole, and of two halves: each once.
fn cut(format: &dyn Format, name: &str, bytes: &[u8]) {
    let object = Arc::new(MemoryObject::new(name, bytes.to_vec()));
    let (middle, end) = (bytes.len() as u64 / 2, bytes.len() as u64);
    let Some(whole) = count(format, &object, 0..end) else {
        return;
    };
    if middle == 0 {
        return;
    }
    let halves = [0..middle, middle..end].map(|range| count(format, &object, range));
    if let [Some(first), Some(second)] = halves {
        assert_eq!(first + second, whole, "rows of two ranges");
    }
}

/// Rows of a range. None where the format ends with an error: a recipe that asks for columns that are not there.
fn count(format: &dyn Format, object: &Arc<MemoryObject>, range: Range<u64>) -> Option<usize> {
    let options = ReadOptions::default();
    let schema = options.schema();
    let mut records = format.read(object.clone(), range, &options).ok()?;
    let mut count = 0;
    while let Some(batch) = records.next_batch().ok()? {
        assert_eq!(batch.schema(), schema, "columns of records");
        for column in batch.columns() {
            column.to_data().validate_full().expect("arrays are valid");
        }
        let faults = batch.column_by_name(columns::FAULT.name);
        for fault in faults.expect("records have faults").as_string_view() {
            match fault {
                Some(fault) => check_fault(fault),
                None => note(FINE),
            }
        }
        count += batch.num_rows();
    }
    Some(count)
}
