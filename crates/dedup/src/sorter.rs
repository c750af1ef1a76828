//! Sorts rows of a few numbers, in bounded memory.
//!
//! Rows are kept in memory until they take what they may; then they are dealt by the highest bits of their key into 256
//! scratch files, and so are all that follow. Each file is sorted by itself, so one after the other they give all rows in
//! order. Keys are hashes, which fill the files evenly; equal ones share a file, so a key that very many rows have takes
//! as much memory as they do.
//!
//! DataFusion's sort does the same for tables of any columns, with a merge. It gave up at 25 million pairs in 512 MiB, when
//! its merges found no memory that its other sorters had not taken, and took three times the CPU time.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::PathBuf,
    sync::Arc,
};

use rayon::prelude::*;

/// Scratch files.
const FILES: usize = 256;
/// Buffer of a scratch file.
const BUFFER: usize = 32 << 10;

/// What a comparison may use of the machine. None of it shows in the result.
#[derive(Debug, Clone)]
pub struct Room {
    /// Bytes of memory for sorts.
    pub memory: usize,
    /// The folder for scratch files; the system's when absent.
    pub scratch: Option<PathBuf>,
    /// Where rows are sorted and documents compared.
    pub pool: Arc<rayon::ThreadPool>,
}

impl Room {
    /// A scratch file without a name: it is gone when its owner is, also after `kill -9`.
    pub(crate) fn file(&self) -> io::Result<File> {
        match &self.scratch {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        }
    }
}

/// A row of a few numbers.
pub(crate) trait Row: Ord + Copy + Send {
    /// Bytes in a file.
    const BYTES: usize;

    /// What is sorted by first, its highest bits evenly spread.
    fn high(&self) -> u64;

    fn write(&self, bytes: &mut Vec<u8>);

    /// Reads `BYTES` bytes.
    fn read(bytes: &[u8]) -> Self;
}

/// Rows on their way into order.
pub(crate) struct Sorter<R> {
    room: Room,
    rows: Vec<R>,
    files: Vec<BufWriter<File>>,
    bytes: Vec<u8>,
}

impl<R: Row> Sorter<R> {
    pub(crate) fn new(room: &Room) -> Self {
        Sorter {
            room: room.clone(),
            rows: Vec::new(),
            files: Vec::new(),
            bytes: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: R) -> io::Result<()> {
        if !self.files.is_empty() {
            return self.deal(row);
        }
        // A vector that grows takes twice its size for a moment.
        if self.rows.len() == self.rows.capacity()
            && (self.rows.len() * 3 + 1024) * size_of::<R>() > self.room.memory
        {
            for _ in 0..FILES {
                self.files
                    .push(BufWriter::with_capacity(BUFFER, self.room.file()?));
            }
            for row in std::mem::take(&mut self.rows) {
                self.deal(row)?;
            }
            return self.deal(row);
        }
        self.rows.push(row);
        Ok(())
    }

    fn deal(&mut self, row: R) -> io::Result<()> {
        self.bytes.clear();
        row.write(&mut self.bytes);
        let file = (row.high() >> (u64::BITS - FILES.ilog2())) as usize;
        self.files[file].write_all(&self.bytes)
    }

    /// All rows in order, a stretch at a time; rows of one `high` are in one stretch.
    pub(crate) fn finish(self) -> impl Iterator<Item = io::Result<Vec<R>>> + Send
    where
        R: 'static,
    {
        let Sorter {
            room, rows, files, ..
        } = self;
        let pool = room.pool;
        let sorted = move |mut rows: Vec<R>| {
            pool.install(|| rows.par_sort_unstable());
            rows
        };
        let kept = (!rows.is_empty()).then_some(Ok(rows));
        kept.into_iter()
            .chain(files.into_iter().map(load))
            .map(move |rows| rows.map(&sorted))
    }
}

fn load<R: Row>(file: BufWriter<File>) -> io::Result<Vec<R>> {
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    let rows = file.stream_position()? as usize / R::BYTES;
    file.rewind()?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut bytes = vec![0; R::BYTES];
    let mut loaded = Vec::with_capacity(rows);
    for _ in 0..rows {
        reader.read_exact(&mut bytes)?;
        loaded.push(R::read(&bytes));
    }
    Ok(loaded)
}

/// The number that starts at a byte.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// The number that starts at a byte.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// A key and a document.
impl Row for (u64, u32) {
    const BYTES: usize = 12;

    fn high(&self) -> u64 {
        self.0
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_le_bytes());
        bytes.extend(self.1.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        (u64_at(bytes, 0), u32_at(bytes, 8))
    }
}

/// A key of two halves and a document.
impl Row for (u64, u64, u32) {
    const BYTES: usize = 20;

    fn high(&self) -> u64 {
        self.0
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_le_bytes());
        bytes.extend(self.1.to_le_bytes());
        bytes.extend(self.2.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        (u64_at(bytes, 0), u64_at(bytes, 8), u32_at(bytes, 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_order_from_memory_and_from_files() {
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
        let rows: Vec<(u64, u32)> = (0..50_000_u32)
            .map(|n| {
                (
                    (u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 20_011) << 48,
                    n,
                )
            })
            .collect();
        let mut expected = rows.clone();
        expected.sort_unstable();
        for memory in [1 << 30, 1 << 16] {
            let room = Room {
                memory,
                scratch: None,
                pool: pool.clone(),
            };
            let mut sorter = Sorter::new(&room);
            rows.iter().for_each(|row| sorter.push(*row).unwrap());
            assert_eq!(sorter.files.is_empty(), memory > 1 << 20);
            let stretches: Vec<Vec<(u64, u32)>> = sorter.finish().collect::<Result<_, _>>().unwrap();
            assert_eq!(stretches.concat(), expected);
            let firsts = stretches
                .windows(2)
                .filter(|pair| !pair[0].is_empty() && !pair[1].is_empty());
            firsts.for_each(|pair| assert!(pair[0].last().unwrap().0 < pair[1][0].0));
        }
    }
}
