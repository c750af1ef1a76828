//! How fast an archive is read: `cargo run --release -p gristmill-source --example read_warc -- FILE.warc.gz`.
//!
//! Prints MiB of uncompressed records per second of this reader, and of libdeflate inflating the same members with
//! known boundaries and reused buffers: the bound that a reader of gzip members cannot exceed. Both run on one
//! thread over bytes in memory, five times in turn; the least CPU time of each counts (elsewhere than on Linux: the
//! least time).
#![allow(clippy::print_stdout)]

use std::{sync::Arc, time::Instant};

use gristmill_core::{Format, MemoryObject, Object, ReadOptions, columns};
use gristmill_source::warc::Warc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: read_warc FILE.warc.gz")?;
    let bytes = bytes::Bytes::from(std::fs::read(&path)?);
    let object: Arc<dyn Object> = Arc::new(MemoryObject::new(path, bytes.clone()));
    let members = members(object.clone())?;
    let clock = Clock(Instant::now());
    // Written once, so that no page is cleared while it is measured.
    let mut output = vec![1; 64 << 20];
    let (mut best_read, mut best_inflate, mut size, mut rows) = (f64::MAX, f64::MAX, 0, 0);
    for _ in 0..5 {
        let start = clock.seconds();
        rows = read(object.clone())?;
        best_read = best_read.min(clock.seconds() - start);
        let start = clock.seconds();
        size = inflate(&bytes, &members, &mut output)?;
        best_inflate = best_inflate.min(clock.seconds() - start);
    }
    let mib = size as f64 / f64::from(1 << 20);
    println!("{rows} records, {mib:.0} MiB uncompressed");
    println!("reader     {:8.0} MiB/s", mib / best_read);
    println!("libdeflate {:8.0} MiB/s", mib / best_inflate);
    println!("ratio      {:8.2}", best_inflate / best_read);
    Ok(())
}

/// CPU time of this thread, where the system tells.
struct Clock(Instant);

impl Clock {
    fn seconds(&self) -> f64 {
        let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let nanos = told.and_then(|told| told.split(' ').next()?.parse::<f64>().ok());
        nanos.map_or_else(|| self.0.elapsed().as_secs_f64(), |nanos| nanos / 1e9)
    }
}

fn read(object: Arc<dyn Object>) -> Result<usize, gristmill_core::Error> {
    let length = object.len();
    let mut records = Warc.read(object, 0..length, &ReadOptions::default())?;
    let mut rows = 0;
    while let Some(batch) = records.next_batch()? {
        rows += batch.num_rows();
    }
    Ok(rows)
}

/// Offset and length of every member.
fn members(object: Arc<dyn Object>) -> Result<Vec<(usize, usize)>, Box<dyn std::error::Error>> {
    use arrow_array::{cast::AsArray, types::UInt64Type};
    let length = object.len();
    let mut records = Warc.read(object, 0..length, &ReadOptions::default())?;
    let mut members = Vec::new();
    while let Some(batch) = records.next_batch()? {
        let column = |column: &gristmill_core::Column| {
            batch
                .column_by_name(column.name)
                .map(|array| array.as_primitive::<UInt64Type>().clone())
        };
        let (Some(offsets), Some(lengths)) = (column(&columns::OFFSET), column(&columns::LENGTH)) else {
            return Err("batch without offsets".into());
        };
        members.extend(
            offsets
                .values()
                .iter()
                .zip(lengths.values())
                .map(|(o, l)| (*o as usize, *l as usize)),
        );
    }
    Ok(members)
}

fn inflate(
    bytes: &[u8],
    members: &[(usize, usize)],
    output: &mut [u8],
) -> Result<usize, libdeflater::DecompressionError> {
    let mut decompressor = libdeflater::Decompressor::new();
    let mut size = 0;
    for (offset, length) in members {
        size += decompressor.gzip_decompress(&bytes[*offset..offset + length], output)?;
    }
    Ok(size)
}
