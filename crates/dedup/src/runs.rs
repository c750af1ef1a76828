//! Runs: documents whose keys of a band are equal, found by one walk over a sorted table.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::Path,
};

use datafusion::{
    arrow::{array::AsArray, datatypes::UInt64Type},
    error::Result,
    prelude::{DataFrame, col},
};
use futures::TryStreamExt;

use crate::{DOCUMENT_COLUMN, marked::Marked, numbering::Numbering};

/// A scratch file without a name: it is gone when its owner is, also after `kill -9`.
pub(crate) fn scratch_file(folder: Option<&Path>) -> io::Result<File> {
    folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)
}

/// Runs on disk, 4 bytes a document and 4 bytes a run.
pub(crate) struct RunFile {
    file: BufWriter<File>,
    /// Documents that are in runs, each time that they are.
    pub(crate) members: u64,
}

impl RunFile {
    pub(crate) fn new(folder: Option<&Path>) -> io::Result<Self> {
        Ok(RunFile {
            file: BufWriter::with_capacity(1 << 20, scratch_file(folder)?),
            members: 0,
        })
    }

    fn push(&mut self, run: &[u32]) -> io::Result<()> {
        self.members += run.len() as u64;
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

/// Sorts `documents` by the columns `key` and keeps the runs of two and more; marks their members.
///
/// Rows whose first key column is null meet nobody. The sort spills to disk beyond the memory of the session's pool;
/// a run itself is in memory as a whole, 4 bytes a document. Gives the number of rows with a key.
pub(crate) async fn find_runs(
    documents: &DataFrame,
    key: &[&str],
    numbering: &Numbering,
    runs: &mut RunFile,
    marked: &mut Marked,
) -> Result<u64> {
    let columns = || key.iter().chain(&[DOCUMENT_COLUMN]).map(|name| col(*name));
    let mut sorted = documents
        .clone()
        .filter(col(key[0]).is_not_null())?
        .select(columns())?
        .sort(columns().map(|column| column.sort(true, false)).collect())?
        .execute_stream()
        .await?;
    let mut walk = Walk {
        key: Vec::new(),
        run: Vec::new(),
    };
    let mut rows = 0;
    while let Some(batch) = sorted.try_next().await? {
        rows += batch.num_rows() as u64;
        let column = |index: usize| batch.column(index).as_primitive::<UInt64Type>().values();
        let keys: Vec<_> = (0..key.len()).map(column).collect();
        let numbers = column(key.len());
        for row in 0..batch.num_rows() {
            let is_same =
                walk.key.len() == keys.len() && keys.iter().zip(&walk.key).all(|(k, w)| k[row] == *w);
            if !is_same {
                walk.end(numbering, runs, marked)?;
                walk.key.clear();
                walk.key.extend(keys.iter().map(|values| values[row]));
            }
            walk.run.push(numbers[row]);
        }
    }
    walk.end(numbering, runs, marked)?;
    Ok(rows)
}

/// The key of the walk and the documents that had it so far.
struct Walk {
    key: Vec<u64>,
    run: Vec<u64>,
}

impl Walk {
    fn end(&mut self, numbering: &Numbering, runs: &mut RunFile, marked: &mut Marked) -> Result<()> {
        if self.run.len() > 1 {
            let dense = self.run.iter().map(|document| numbering.dense(*document));
            let dense = dense.collect::<Result<Vec<u32>>>()?;
            dense.iter().for_each(|document| marked.mark(*document));
            runs.push(&dense)?;
        }
        self.run.clear();
        Ok(())
    }
}
