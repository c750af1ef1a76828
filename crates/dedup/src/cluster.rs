//! Keys to clusters, in memory that is bounded by the session's pool.
//!
//! The input is a table of `(key high, key low, document)`; the document number orders documents by slice and
//! row, that is, by input. Sorting by key and document spills to disk when the pool is full. One walk over the
//! sorted run gives the members of clusters of two or more, and only those are sorted once more, by document, so
//! that each slice later finds its own in one stretch. Ties do not exist: document numbers are unique.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type},
    },
    catalog::streaming::StreamingTable,
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{
        ExecutionPlan, execute_stream, stream::RecordBatchStreamAdapter, streaming::PartitionStream,
    },
    prelude::{DataFrame, SessionContext, col},
};
use futures::{StreamExt, TryStreamExt, stream};
use gristmill_core::{Column, Written};

/// The two halves of a dedup key; they travel with the rows between phases and are never written.
pub const KEY_COLUMNS: [Column; 2] = [
    Column {
        written: Written::Never,
        ..Column::u64("__key_high", "high half of the dedup key")
    },
    Column {
        written: Written::Never,
        ..Column::u64("__key_low", "low half of the dedup key")
    },
];
/// The number of a document within a phase: slice and row.
pub const DOCUMENT_COLUMN: &str = "__document";
/// The cluster of a document.
pub const CLUSTER_ID: Column = Column::text(
    "cluster_id",
    "dedup cluster, as 32 hexadecimal digits; null without a copy",
);
/// The rank of a document in its cluster.
pub const CLUSTER_RANK: Column = Column::u32(
    "cluster_rank",
    "rank in the dedup cluster, 0 for the one to keep; 0 without a copy",
);

/// A document in a cluster of two or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The document's number.
    pub document: u64,
    /// The cluster: its key.
    pub cluster: String,
    /// The rank in the cluster, from 0.
    pub rank: u32,
}

/// A table of members: `document UInt64, cluster Utf8, rank UInt32`.
#[derive(Debug, Clone, Copy)]
pub struct Clusters;

impl Clusters {
    /// Its schema.
    pub fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("document", DataType::UInt64, true),
            Field::new("cluster", DataType::Utf8, true),
            Field::new("rank", DataType::UInt32, true),
        ]))
    }

    fn batch(members: &[Member]) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from_iter_values(members.iter().map(|m| m.document))),
            Arc::new(StringArray::from_iter_values(members.iter().map(|m| &m.cluster))),
            Arc::new(UInt32Array::from_iter_values(members.iter().map(|m| m.rank))),
        ];
        Ok(RecordBatch::try_new(Clusters::schema(), columns)?)
    }
}

/// Members of clusters of two or more documents, in the order of the documents.
///
/// `keys` is a table of `session` with the columns [`KEY_COLUMNS`] and [`DOCUMENT_COLUMN`]; rows without a key are in no
/// cluster. Both sorts run in the memory of the session's pool and spill beyond it.
///
/// # Errors
/// When the session's memory and disk do not suffice for the sorts.
pub async fn clusters(session: &SessionContext, keys: DataFrame) -> Result<SendableRecordBatchStream> {
    let [high, low] = KEY_COLUMNS.map(|column| col(column.name));
    let sorted_keys = keys
        .filter(high.clone().is_not_null())?
        .select(vec![high.clone(), low.clone(), col(DOCUMENT_COLUMN)])?
        .sort(vec![
            high.sort(true, false),
            low.sort(true, false),
            col(DOCUMENT_COLUMN).sort(true, false),
        ])?
        .create_physical_plan()
        .await?;
    let by_key = ByKey {
        sorted_keys,
        schema: Clusters::schema(),
    };
    let members = StreamingTable::try_new(Clusters::schema(), vec![Arc::new(by_key)])?;
    session
        .read_table(Arc::new(members))?
        .sort(vec![col("document").sort(true, false)])?
        .execute_stream()
        .await
}

/// The members in the order of key and rank.
#[derive(Debug)]
struct ByKey {
    sorted_keys: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
}

impl PartitionStream for ByKey {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut walk = Walk::default();
        let members = stream::once(std::future::ready(execute_stream(
            self.sorted_keys.clone(),
            context,
        )))
        .try_flatten()
        .map(move |batch| Clusters::batch(&walk.members(&batch?)));
        Box::pin(RecordBatchStreamAdapter::new(
            self.schema.clone(),
            members.boxed(),
        ))
    }
}

/// The current cluster of the walk: its key, its first document until a second shows up, and its size.
#[derive(Default)]
struct Walk {
    key: Option<u128>,
    first: u64,
    size: u32,
}

impl Walk {
    fn members(&mut self, batch: &RecordBatch) -> Vec<Member> {
        let mut members = Vec::new();
        let column = |index: usize| batch.column(index).as_primitive::<UInt64Type>().values();
        let (high, low, documents) = (column(0), column(1), column(2));
        for row in 0..batch.num_rows() {
            let key = u128::from(high[row]) << 64 | u128::from(low[row]);
            if self.key != Some(key) {
                *self = Walk {
                    key: Some(key),
                    first: documents[row],
                    size: 1,
                };
                continue;
            }
            let member = |document, rank| Member {
                document,
                cluster: format!("{key:032x}"),
                rank,
            };
            if self.size == 1 {
                members.push(member(self.first, 0));
            }
            members.push(member(documents[row], self.size));
            self.size += 1;
        }
        members
    }
}

#[cfg(test)]
mod tests {
    use datafusion::{arrow::datatypes::UInt32Type, prelude::SessionConfig};

    use super::*;

    #[tokio::test]
    async fn the_first_document_of_equal_keys_has_rank_0() {
        let key = |values: &[Option<u64>]| -> ArrayRef { Arc::new(UInt64Array::from(values.to_vec())) };
        let batch = RecordBatch::try_from_iter([
            (
                KEY_COLUMNS[0].name,
                key(&[Some(1), Some(2), Some(1), None, Some(1), None]),
            ),
            (
                KEY_COLUMNS[1].name,
                key(&[Some(7), Some(7), Some(7), None, Some(8), None]),
            ),
            (
                DOCUMENT_COLUMN,
                key(&[Some(5), Some(4), Some(3), Some(2), Some(1), Some(0)]),
            ),
        ])
        .unwrap();
        let session = SessionContext::new_with_config(SessionConfig::new().with_batch_size(2));
        let found: Vec<RecordBatch> = clusters(&session, session.read_batch(batch).unwrap())
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let found: Vec<(u64, u32)> = found
            .iter()
            .flat_map(|batch| {
                let documents = batch.column(0).as_primitive::<UInt64Type>().values().to_vec();
                documents
                    .into_iter()
                    .zip(batch.column(2).as_primitive::<UInt32Type>().values().to_vec())
            })
            .collect();
        assert_eq!(found, [(3, 0), (5, 1)]);
    }
}
