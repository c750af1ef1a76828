//! Runs: documents whose keys of a band are equal, found by one walk over sorted keys.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
};

use datafusion::{
    arrow::{array::AsArray, buffer::ScalarBuffer, datatypes::UInt64Type},
    error::Result,
    execution::SendableRecordBatchStream,
    prelude::{DataFrame, col},
};
use futures::TryStreamExt;

use crate::{
    DOCUMENT_COLUMN,
    marked::Marked,
    numbering::Numbering,
    sorter::{Room, Row, Sorter},
};

/// Runs on disk, 4 bytes a document and 4 bytes a run.
pub(crate) struct RunFile {
    file: BufWriter<File>,
}

impl RunFile {
    pub(crate) fn new(room: &Room) -> io::Result<Self> {
        Ok(RunFile {
            file: BufWriter::with_capacity(1 << 20, room.file()?),
        })
    }

    pub(crate) fn push(&mut self, run: &[u32]) -> io::Result<()> {
        self.file.write_all(&(run.len() as u32).to_le_bytes())?;
        run.iter()
            .try_for_each(|document| self.file.write_all(&document.to_le_bytes()))
    }

    /// The runs, in the order in which they came.
    pub(crate) fn read(self) -> io::Result<RunReader> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(RunReader {
            file: BufReader::with_capacity(1 << 20, file),
        })
    }
}

/// Reads what a [`RunFile`] holds.
pub(crate) struct RunReader {
    file: BufReader<File>,
}

impl Iterator for RunReader {
    type Item = io::Result<Vec<u32>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut word = [0; 4];
        match self.file.read_exact(&mut word) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => return Some(Err(error)),
        }
        let run = (0..u32::from_le_bytes(word)).map(|_| {
            self.file.read_exact(&mut word)?;
            Ok(u32::from_le_bytes(word))
        });
        Some(run.collect())
    }
}

/// Sorts the documents by the columns `key`, one or two, and keeps the runs of two and more; marks their members. Gives
/// the number of documents with a key.
///
/// Rows whose first key column is null meet nobody. A run itself is in memory as a whole.
pub(crate) async fn find_runs(
    documents: &DataFrame,
    key: &[&str],
    numbering: &Numbering,
    room: &Room,
    runs: &mut RunFile,
    marked: &mut Marked,
) -> Result<u64> {
    let columns = key.iter().chain(&[DOCUMENT_COLUMN]).map(|name| col(*name));
    let rows = documents
        .clone()
        .filter(col(key[0]).is_not_null())?
        .select(columns.collect::<Vec<_>>())?
        .execute_stream()
        .await?;
    match key.len() {
        1 => {
            sort_and_walk(rows, room, runs, marked, |keys, row, document| {
                Ok(((keys[0][row]), numbering.dense(document)?))
            })
            .await
        }
        _ => {
            sort_and_walk(rows, room, runs, marked, |keys, row, document| {
                Ok((keys[0][row], keys[1][row], numbering.dense(document)?))
            })
            .await
        }
    }
}

/// A row of a key and a document.
trait Keyed: Row + 'static {
    fn document(&self) -> u32;

    fn has_key_of(&self, other: &Self) -> bool;
}

impl Keyed for (u64, u32) {
    fn document(&self) -> u32 {
        self.1
    }

    fn has_key_of(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Keyed for (u64, u64, u32) {
    fn document(&self) -> u32 {
        self.2
    }

    fn has_key_of(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

async fn sort_and_walk<R: Keyed>(
    mut rows: SendableRecordBatchStream,
    room: &Room,
    runs: &mut RunFile,
    marked: &mut Marked,
    row_of: impl Fn(&[&ScalarBuffer<u64>], usize, u64) -> Result<R>,
) -> Result<u64> {
    let mut sorter = Sorter::new(room);
    let mut count = 0;
    while let Some(batch) = rows.try_next().await? {
        count += batch.num_rows() as u64;
        let mut columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| column.as_primitive::<UInt64Type>().values())
            .collect();
        let documents = columns.pop().expect("the last column is the document's number");
        for (row, document) in documents.iter().enumerate() {
            sorter.push(row_of(&columns, row, *document)?)?;
        }
    }
    let mut run = Vec::new();
    for stretch in sorter.finish() {
        for equal in stretch?
            .chunk_by(Keyed::has_key_of)
            .filter(|equal| equal.len() > 1)
        {
            run.clear();
            run.extend(equal.iter().map(Keyed::document));
            run.iter().for_each(|document| marked.mark(*document));
            runs.push(&run)?;
        }
    }
    Ok(count)
}
