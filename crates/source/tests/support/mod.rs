//! What the tests of this crate share: fixtures, archives made on the spot, and rows that are easy to compare.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::print_stderr)]

use std::{io::Write, ops::Range, path::PathBuf, sync::Arc};

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{UInt16Type, UInt64Type},
};
use gristmill_core::{Format, MemoryObject, ReadOptions};

/// A row, in the columns that tests look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub id: String,
    pub offset: u64,
    pub length: u64,
    pub record_type: String,
    pub url: Option<String>,
    pub media_type: Option<String>,
    pub http_status: Option<u16>,
    pub truncated: Option<String>,
    pub member: Option<String>,
    pub sample: Option<String>,
    pub content: Option<Vec<u8>>,
    pub fault: Option<String>,
}

pub fn read(format: &dyn Format, name: &str, bytes: &[u8], options: &ReadOptions) -> Vec<Row> {
    read_range(format, name, bytes, 0..bytes.len() as u64, options)
}

pub fn read_range(
    format: &dyn Format,
    name: &str,
    bytes: &[u8],
    range: Range<u64>,
    options: &ReadOptions,
) -> Vec<Row> {
    let object = Arc::new(MemoryObject::new(name, bytes.to_vec()));
    let mut records = format.read(object, range, options).expect("memory does not fail");
    let mut batches = Vec::new();
    while let Some(batch) = records.next_batch().expect("memory does not fail") {
        batches.push(batch);
    }
    rows(&batches)
}

pub fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        let text = |name: &str, at: usize| {
            let column = batch.column_by_name(name).unwrap().as_string_view();
            column.is_valid(at).then(|| column.value(at).to_owned())
        };
        let number = |name: &str, at: usize| {
            batch
                .column_by_name(name)
                .unwrap()
                .as_primitive::<UInt64Type>()
                .value(at)
        };
        for at in 0..batch.num_rows() {
            let status = batch
                .column_by_name("http_status")
                .unwrap()
                .as_primitive::<UInt16Type>();
            let content = batch.column_by_name("content").unwrap().as_binary_view();
            rows.push(Row {
                id: text("id", at).unwrap(),
                offset: number("offset", at),
                length: number("length", at),
                record_type: text("record_type", at).unwrap(),
                url: text("url", at),
                media_type: text("media_type", at),
                http_status: status.is_valid(at).then(|| status.value(at)),
                truncated: text("truncated", at),
                member: text("member", at),
                sample: text("sample", at),
                content: content.is_valid(at).then(|| content.value(at).to_vec()),
                fault: text("fault", at),
            });
        }
    }
    rows
}

/// Files of a fixture folder and the folders in it, by name; `None`, and a line on stderr, if it is absent.
pub fn fixtures(folder: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let root = std::env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let root = root.join(folder);
    if !root.is_dir() {
        eprintln!(
            "skipped: no fixtures at {} (set GRISTMILL_FIXTURES)",
            root.display()
        );
        return None;
    }
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    Some(files)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A WARC record of an HTML page.
pub fn response(number: usize, body: &str) -> Vec<u8> {
    let http = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body}");
    record(
        &format!("WARC-Type: response\r\nWARC-Target-URI: https://a.example/{number}\r\n"),
        http.as_bytes(),
    )
}

/// A WARC record with these further header lines.
pub fn record(fields: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "WARC/1.0\r\n{fields}WARC-Date: 2024-02-20T00:00:00Z\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    [head.as_bytes(), content, b"\r\n\r\n"].concat()
}

/// A file in a ustar archive, of this kind (`b'0'` is a plain one).
pub fn tar_entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    seal(&mut block);
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

/// Writes the checksum of a tar header.
pub fn seal(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u32 = block[..512].iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A tar archive of plain files.
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> = files
        .iter()
        .flat_map(|(name, content)| tar_entry(name, b'0', content))
        .collect();
    bytes.extend([0; 1024]);
    bytes
}

/// Length and CRC-32 of `content`, as the golden files have them.
pub fn sum(content: &[u8]) -> String {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    format!("{}:{:08x}", content.len(), crc.sum())
}

/// Names and states of files, or what many of them, or those of long names, sum up to, as the golden files have them.
pub fn few(files: &[(String, String)]) -> serde_json::Value {
    if files.len() <= 20 && files.iter().all(|(name, _)| name.chars().count() < 200) {
        return files
            .iter()
            .map(|(name, state)| serde_json::json!([name, state]))
            .collect();
    }
    let lines: String = files
        .iter()
        .map(|(name, state)| format!("{name}\t{state}\n"))
        .collect();
    let mut crc = flate2::Crc::new();
    crc.update(lines.as_bytes());
    format!("{} files {:08x}", files.len(), crc.sum()).into()
}

/// Numbers that look random and are the same in every run.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}
