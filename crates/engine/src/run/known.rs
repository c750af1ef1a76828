//! Documents of earlier runs, read from an index and added to it.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array},
        compute::filter_record_batch,
        datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type},
    },
    logical_expr::expr_fn::bitwise_xor,
    prelude::{DataFrame, cast, col, lit},
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_dedup::{CLUSTER_KEY_COLUMN, DOCUMENT_COLUMN, EARLIER_COLUMN, EVIDENCE_COLUMN};
use gristmill_shard::{
    Created, ShardEntry, ShardOptions, ShardTable, ShardWriter, SliceRecord, register_store,
};

use super::{
    Run,
    dedup::{DedupStep, KNOWN_SLICES},
};
use crate::{
    Error, Result,
    index::{IndexEntry, StepIndex, folder, record_name},
    node::Members,
    plan::KeysOp,
};

/// The number of a document in its entry.
const ROW: &str = "row";
/// The rank that it had in its cluster.
const RANK: &str = "rank";

impl Run {
    /// The index of a step.
    pub(super) fn index_of(&self, label: &str) -> Option<&StepIndex> {
        self.indexes.iter().find(|index| index.label == label)
    }

    /// The documents of the entries that a step reads: each entry is a slice.
    pub(super) async fn known_documents(
        &self,
        index: &StepIndex,
        keys: &KeysOp,
    ) -> Result<Option<DataFrame>> {
        register_store(&self.session, index.index.store());
        let mut all: Option<DataFrame> = None;
        for (number, entry) in (0_u32..).zip(&index.known) {
            if entry.files.is_empty() {
                continue;
            }
            let table = ShardTable::open(&self.keys_session, index.index.store(), &entry.files).await?;
            let first = u64::from(KNOWN_SLICES + number) << 32;
            // What was kept stands for its cluster before what was not, then what an earlier entry has.
            let was_dropped = cast(col(RANK).gt(lit(0_u32)), DataType::UInt64) * lit(1_u64 << 62);
            let earlier = was_dropped + lit(u64::from(number) << 32) + cast(col(RANK), DataType::UInt64);
            // Two entries may call different clusters by one id.
            let of_entry = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let cluster = bitwise_xor(col(CLUSTER_KEY_COLUMN), lit(of_entry));
            let kept = keys.key_names().into_iter().map(|name| col(name.as_str()));
            let mut columns = vec![
                (lit(first) + col(ROW)).alias(DOCUMENT_COLUMN),
                earlier.alias(EARLIER_COLUMN),
                cluster.alias(CLUSTER_KEY_COLUMN),
                col(columns::ID.name),
            ];
            columns.extend(kept);
            let documents = self.keys_session.read_table(Arc::new(table))?.select(columns)?;
            all = Some(match all {
                Some(others) => others.union(documents)?,
                None => documents,
            });
        }
        Ok(all)
    }

    /// Adds what the steps with an index compared, as entries.
    pub(super) async fn add_to_indexes(&self, records: &[SliceRecord]) -> Result<()> {
        for index in &self.indexes {
            let step = self.dedup_step(&index.label);
            let staged: Vec<&SliceRecord> = records
                .iter()
                .filter(|record| record.phase as usize == step.segment)
                .collect();
            if index.index.entry(&index.own).await?.is_some() {
                index.index.store().remove_leftovers_in(&folder(&index.own))?;
                continue;
            }
            let files = self.write_entry(index, &step, &staged).await?;
            let entry = index.own_entry(&self.recipe.name, &self.asked_blake3, files);
            let mut json = serde_json::to_vec_pretty(&entry).expect("a plain struct is JSON");
            json.push(b'\n');
            let store = index.index.store();
            match store.create(&record_name(&index.own), json.into()).await? {
                Created::Now => {}
                Created::Before(bytes)
                    if serde_json::from_slice::<IndexEntry>(&bytes).ok() == Some(entry) => {}
                Created::Before(_) => {
                    return Err(Error::Failed(format!(
                        "another run added the entry {:?} to the index {} meanwhile: give this one another name with `index: {{entry: …}}`",
                        index.own,
                        store.uri()
                    )));
                }
            }
            store.remove_leftovers_in(&folder(&index.own))?;
        }
        Ok(())
    }

    /// Writes the files of an entry: the staged keys, with the clusters that were found.
    async fn write_entry(
        &self,
        index: &StepIndex,
        step: &DedupStep<'_>,
        staged: &[&SliceRecord],
    ) -> Result<Vec<ShardEntry>> {
        let schema = entry_schema(step.keys);
        let options = ShardOptions {
            row_group_rows: 100_000,
            ..self.shards.clone()
        };
        let mut writer = ShardWriter::new(folder(&index.own), 0, &schema, options);
        let mut row = 0;
        for record in staged {
            let mut members = Members::default();
            let slice = (record.slice, record.slice);
            self.members_of(step, slice, &mut members).await?;
            for file in &record.shards {
                let rows = self.staged(std::slice::from_ref(file)).await?;
                let mut read = vec![col(DOCUMENT_COLUMN), col(columns::ID.name)];
                read.extend(step.key_columns());
                let rows = rows
                    .select(read)?
                    .sort(vec![col(DOCUMENT_COLUMN).sort(true, false)])?;
                let mut batches = rows.execute_stream().await?;
                while let Some(batch) = batches.try_next().await? {
                    let has_key = datafusion::arrow::compute::is_not_null(batch.column(2))?;
                    let batch = filter_record_batch(&batch, &has_key)?;
                    let documents = batch.column(0).as_primitive::<UInt64Type>().values();
                    let found: Vec<_> = documents
                        .iter()
                        .map(|document| members.clusters.get(document))
                        .collect();
                    let first = row;
                    row += batch.num_rows() as u64;
                    let clusters = found.iter().map(|member| {
                        member.map(|member| xxhash_rust::xxh3::xxh3_64(member.cluster.as_bytes()))
                    });
                    let ranks = found.iter().map(|member| member.map_or(0, |member| member.rank));
                    let mut arrays: Vec<ArrayRef> = vec![
                        Arc::new(UInt64Array::from_iter_values(first..row)),
                        Arc::new(UInt32Array::from_iter_values(ranks)),
                        Arc::new(clusters.collect::<UInt64Array>()),
                    ];
                    arrays.extend(batch.columns()[1..].iter().cloned());
                    let arrays = arrays
                        .into_iter()
                        .zip(schema.fields())
                        .map(|(array, field)| datafusion::arrow::compute::cast(&array, field.data_type()))
                        .collect::<Result<_, _>>()?;
                    writer
                        .write(
                            &RecordBatch::try_new(schema.clone(), arrays)?,
                            index.index.store(),
                        )
                        .await?;
                }
            }
        }
        Ok(writer.finish(index.index.store()).await?)
    }
}

/// `row UInt64, rank UInt32, __cluster_key UInt64, id Utf8`, the keys, the evidence.
fn entry_schema(keys: &KeysOp) -> SchemaRef {
    let mut fields = vec![
        Field::new(ROW, DataType::UInt64, true),
        Field::new(RANK, DataType::UInt32, true),
        Field::new(CLUSTER_KEY_COLUMN, DataType::UInt64, true),
        Field::new(columns::ID.name, DataType::Utf8, true),
    ];
    fields.extend(keys.key_names().into_iter().map(|name| {
        let kind = if name == EVIDENCE_COLUMN {
            DataType::Binary
        } else {
            DataType::UInt64
        };
        Field::new(name, kind, true)
    }));
    Arc::new(Schema::new(fields))
}
