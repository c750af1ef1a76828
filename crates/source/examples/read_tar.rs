//! How fast an object with many files is read: `cargo run --release -p gristmill-source --example read_tar -- FILE.tar`.
//!
//! Prints MiB of content per second of the reader that fits the file, with content and with media types alone, and of a
//! copy of the same bytes: what the reader has to do at least. All on one thread over bytes in memory, five times in
//! turn; the least CPU time of each counts (elsewhere than on Linux: the least time).
#![allow(clippy::print_stdout)]

use std::{sync::Arc, time::Instant};

use arrow_array::cast::AsArray;
use gristmill_core::{MemoryObject, Object, ReadOptions, columns};
use gristmill_source::AUTO;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: read_tar FILE.tar")?;
    let bytes = bytes::Bytes::from(std::fs::read(&path)?);
    let object: Arc<dyn Object> = Arc::new(MemoryObject::new(path, bytes.clone()));
    let clock = Clock(Instant::now());
    let all = ReadOptions::default();
    let types = ReadOptions {
        wanted: vec![columns::MEDIA_TYPE.name],
        ..ReadOptions::default()
    };
    // Written once, so that no page is cleared while it is measured.
    let mut copy = vec![1; bytes.len()];
    let (mut reader, mut without, mut copied) = (f64::MAX, f64::MAX, f64::MAX);
    let (mut rows, mut size) = (0, 0);
    for _ in 0..5 {
        let start = clock.seconds();
        (rows, size) = read(&object, &all)?;
        reader = reader.min(clock.seconds() - start);
        let start = clock.seconds();
        read(&object, &types)?;
        without = without.min(clock.seconds() - start);
        let start = clock.seconds();
        copy.copy_from_slice(&bytes);
        copied = copied.min(clock.seconds() - start);
    }
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!("{rows} records, {:.0} MiB of content", mib(size));
    println!("reader          {:8.0} MiB/s", mib(size) / reader);
    println!("without content {:8.0} MiB/s", mib(size) / without);
    println!("copy            {:8.0} MiB/s", mib(bytes.len()) / copied);
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

fn read(object: &Arc<dyn Object>, options: &ReadOptions) -> Result<(usize, usize), gristmill_core::Error> {
    let mut records = AUTO.read(object.clone(), 0..object.len(), options)?;
    let (mut rows, mut size) = (0, 0);
    while let Some(batch) = records.next_batch()? {
        rows += batch.num_rows();
        let content = batch
            .column_by_name(columns::CONTENT.name)
            .map(|column| column.as_binary_view().clone());
        size += content.iter().flatten().flatten().map(<[u8]>::len).sum::<usize>();
    }
    Ok((rows, size))
}
