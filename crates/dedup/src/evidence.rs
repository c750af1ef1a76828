//! What candidates are judged by, on disk.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use datafusion::{
    arrow::{
        array::{Array, AsArray},
        datatypes::{DataType, UInt64Type},
    },
    error::Result,
    prelude::{DataFrame, cast, col},
};
use futures::TryStreamExt;
use xxhash_rust::xxh3::xxh3_64;

use crate::{DOCUMENT_COLUMN, EVIDENCE_COLUMN, marked::Marked, numbering::Numbering, sorter::Room};

/// The evidence of every candidate, such as the set of its shingles: in a scratch file, with 24 bytes of memory each.
///
/// It is written in one pass over the evidence of all documents, of which those that met nobody are left out, and
/// read at random; the system's page cache holds what fits.
#[derive(Debug)]
pub(crate) struct Evidence {
    file: File,
    entries: Vec<Entry>,
}

/// Where the evidence of a candidate is, and its hash.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    offset: u64,
    hash: u64,
    length: u32,
}

impl Evidence {
    pub(crate) async fn gather(
        documents: &DataFrame,
        numbering: &Numbering,
        marked: &Marked,
        candidates: u32,
        room: &Room,
    ) -> Result<Self> {
        let mut entries = vec![Entry::default(); candidates as usize];
        let mut file = BufWriter::with_capacity(1 << 20, room.file()?);
        let mut offset = 0;
        let mut rows = documents
            .clone()
            .filter(col(EVIDENCE_COLUMN).is_not_null())?
            .select(vec![
                col(DOCUMENT_COLUMN),
                cast(col(EVIDENCE_COLUMN), DataType::BinaryView).alias(EVIDENCE_COLUMN),
            ])?
            .execute_stream()
            .await?;
        while let Some(batch) = rows.try_next().await? {
            let numbers = batch.column(0).as_primitive::<UInt64Type>().values();
            let evidence = batch.column(1).as_binary_view();
            for (row, document) in numbers.iter().enumerate() {
                let Some(place) = marked.place(numbering.dense(*document)?) else {
                    continue;
                };
                if evidence.is_null(row) {
                    continue;
                }
                let bytes = evidence.value(row);
                entries[place as usize] = Entry {
                    offset,
                    hash: xxh3_64(bytes),
                    length: bytes.len() as u32,
                };
                offset += bytes.len() as u64;
                file.write_all(bytes)?;
            }
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Evidence { file, entries })
    }

    /// A hash of the evidence: documents with equal hashes are as similar as can be.
    pub(crate) fn hash(&self, place: u32) -> u64 {
        self.entries[place as usize].hash
    }

    /// Its length in bytes.
    pub(crate) fn length(&self, place: u32) -> usize {
        self.entries[place as usize].length as usize
    }

    /// The evidence itself.
    pub(crate) fn read(&self, place: u32) -> io::Result<Vec<u8>> {
        let entry = self.entries[place as usize];
        let mut bytes = vec![0; entry.length as usize];
        read_at(&self.file, &mut bytes, entry.offset)?;
        Ok(bytes)
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}
