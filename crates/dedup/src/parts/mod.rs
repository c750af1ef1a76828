//! Parts of texts that repeat parts of others: found here, taken out where the rows are read next.
//!
//! Each of these methods reads nothing but texts, ids and document numbers and gives byte ranges. The first document
//! that holds a part keeps it, in the order of a hash of id and text, so that neither slices nor the order of the input
//! show in the result.

pub(crate) mod lines;
pub(crate) mod ngrams;
pub(crate) mod substrings;

use std::{fmt::Debug, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, ListBuilder, RecordBatch, UInt32Array, UInt32Builder, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type, UInt64Type},
    },
    error::Result,
    prelude::{DataFrame, SessionContext},
};
use futures::{TryStreamExt, future::BoxFuture, stream::BoxStream};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::{
    DOCUMENT_COLUMN,
    numbering::Numbering,
    sorter::{Room, Row, Sorter, u32_at, u64_at},
};

/// A method that finds parts, with its settings.
pub trait Parts: Send + Sync + Debug {
    /// The parts that repeat others.
    ///
    /// `texts` has [`DOCUMENT_COLUMN`], `id Utf8View` and the text, `Utf8View`, under the name `text`. The result are
    /// batches of [`ranges_schema`], in any order; ranges of a document may touch and overlap.
    fn find<'a>(&'a self, texts: DataFrame, place: &'a Place) -> BoxFuture<'a, Result<RangeStream>>;
}

/// Batches of [`ranges_schema`].
pub type RangeStream = BoxStream<'static, Result<RecordBatch>>;

/// Where parts are looked for.
#[derive(Clone)]
pub struct Place {
    /// The session in which rows of a few numbers are made.
    pub session: SessionContext,
    /// What may be used of the machine.
    pub room: Room,
}

/// A part: `document UInt64, start UInt32, end UInt32`, in bytes of the document's text.
pub fn ranges_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(DOCUMENT_COLUMN, DataType::UInt64, true),
        Field::new("start", DataType::UInt32, true),
        Field::new("end", DataType::UInt32, true),
    ]))
}

/// The ranges of documents: `document UInt64, ranges List<UInt32>` of alternating starts and ends.
pub fn cuts_schema() -> SchemaRef {
    let item = Field::new_list_field(DataType::UInt32, true);
    Arc::new(Schema::new(vec![
        Field::new(DOCUMENT_COLUMN, DataType::UInt64, true),
        Field::new(RANGES, DataType::List(Arc::new(item)), true),
    ]))
}

/// The column of [`cuts_schema`] with the ranges.
pub const RANGES: &str = "ranges";

/// The ranges of each document that has some, in the order of documents; touching ones are one.
pub struct Cuts {
    stretches: Box<dyn Iterator<Item = std::io::Result<Vec<Range>>> + Send>,
    numbering: Numbering,
    shift: u32,
    /// Documents with a repeated part.
    pub documents: u64,
    /// Parts.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The dense number of a document, shifted so that numbers fill 64 bits, and a range of its text.
type Range = (u64, u32, u32);

impl Row for Range {
    const BYTES: usize = 16;

    fn high(&self) -> u64 {
        self.0
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_le_bytes());
        bytes.extend(self.1.to_le_bytes());
        bytes.extend(self.2.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        (u64_at(bytes, 0), u32_at(bytes, 8), u32_at(bytes, 12))
    }
}

impl Cuts {
    /// Runs a method over all texts.
    ///
    /// # Errors
    /// When memory or disk do not suffice.
    pub async fn find(
        place: &Place,
        method: &dyn Parts,
        texts: DataFrame,
        numbering: Numbering,
    ) -> Result<Self> {
        let mut sorter = Sorter::new(&place.room);
        let shift = (u64::from(numbering.documents()) + 1).leading_zeros();
        let mut batches = method.find(texts, place).await?;
        while let Some(batch) = batches.try_next().await? {
            let numbers = |index: usize| batch.column(index).as_primitive::<UInt32Type>().values();
            let documents = batch.column(0).as_primitive::<UInt64Type>().values();
            for ((&document, &start), &end) in documents.iter().zip(numbers(1)).zip(numbers(2)) {
                let dense = u64::from(numbering.dense(document)?);
                sorter.push((dense << shift, start, end))?;
            }
        }
        Ok(Cuts {
            stretches: Box::new(sorter.finish()),
            numbering,
            shift,
            documents: 0,
            parts: 0,
            bytes: 0,
        })
    }

    /// The next documents; see [`cuts_schema`].
    ///
    /// # Errors
    /// When memory or disk do not suffice.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(stretch) = self.stretches.next() else {
            return Ok(None);
        };
        let stretch = stretch?;
        let mut done = Vec::new();
        for document in stretch.chunk_by(|a, b| a.0 == b.0) {
            let mut ranges: Vec<u32> = Vec::new();
            for &(_, start, end) in document {
                match ranges.last_mut() {
                    Some(last) if start <= *last => *last = end.max(*last),
                    _ => ranges.extend([start, end]),
                }
            }
            let dense = document[0].0 >> self.shift;
            done.push((self.numbering.document(dense as u32), ranges));
        }
        self.batch(&done).map(Some)
    }

    fn batch(&mut self, done: &[(u64, Vec<u32>)]) -> Result<RecordBatch> {
        let mut lists = ListBuilder::new(UInt32Builder::new());
        for (_, ranges) in done {
            self.documents += 1;
            self.parts += ranges.len() as u64 / 2;
            self.bytes += ranges
                .chunks(2)
                .map(|range| u64::from(range[1] - range[0]))
                .sum::<u64>();
            lists.values().append_slice(ranges);
            lists.append(true);
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(
                done.iter().map(|(document, _)| *document),
            )),
            Arc::new(lists.finish()),
        ];
        Ok(RecordBatch::try_new(cuts_schema(), columns)?)
    }
}

/// Documents, ids and texts of a batch.
fn documents(batch: &RecordBatch) -> impl Iterator<Item = (u64, u64, &str)> {
    let column = |name: &str| batch.column_by_name(name).expect("texts have it");
    let documents = column(DOCUMENT_COLUMN).as_primitive::<UInt64Type>().values();
    let ids = column("id").as_string_view().iter();
    let texts = column("text").as_string_view().iter();
    documents
        .iter()
        .zip(ids.zip(texts))
        .filter_map(|(document, (id, text))| Some((*document, order(id.unwrap_or_default(), text?), text?)))
}

/// Where a document stands among those that hold the same: a hash of its id and text. Ids alone do not do, since users
/// may give the same to several documents.
fn order(id: &str, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), xxh3_64(id.as_bytes()))
}

/// Ranges under construction.
#[derive(Default)]
struct Ranges {
    documents: Vec<u64>,
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Ranges {
    fn push(&mut self, document: u64, (start, end): (u32, u32)) {
        self.documents.push(document);
        self.starts.push(start);
        self.ends.push(end);
    }

    fn finish(self) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(self.documents)),
            Arc::new(UInt32Array::from(self.starts)),
            Arc::new(UInt32Array::from(self.ends)),
        ];
        Ok(RecordBatch::try_new(ranges_schema(), columns)?)
    }
}
