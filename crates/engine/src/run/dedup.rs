//! Between segments: keys to clusters, once, and each slice's share of them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, RecordBatch, StringArray},
        datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt32Type, UInt64Type},
    },
    prelude::{DataFrame, col, lit},
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_dedup::{
    CLUSTER_ID, CLUSTER_RANK, CLUSTER_SIMILARITY, CLUSTER_SIZE, Comparison, Cuts, DOCUMENT_COLUMN, Dedup,
    Fingerprint, Numbering, Parts, Place, RANGES, Room, Stats, cuts_schema, members_schema,
};
use gristmill_shard::{
    Created, DedupEntry, ShardEntry, ShardOptions, ShardTable, ShardWriter, SliceRecord, layout,
};
use serde::{Deserialize, Serialize};

use super::Run;
use crate::{
    Error, Result,
    node::{Member, Members},
    plan::{KeysOp, Op},
};

/// Slices from this number on stand for entries of an index.
pub(super) const KNOWN_SLICES: u32 = 1 << 31;

/// What a member takes in a sort, roughly: two ids and a few numbers, twice.
const MEMBER_BYTES: u64 = 400;

/// What the comparison behind a segment gave. Created once, when it is done.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct ComparisonRecord {
    /// For the manifest.
    entry: DedupEntry,
    /// Members of clusters in the order of documents, staged.
    members: Vec<ShardEntry>,
}

impl Run {
    /// Finds the clusters among the documents that a segment staged, unless an earlier attempt did.
    pub(crate) async fn compare_documents(&self, segment: usize, staged: &[SliceRecord]) -> Result<()> {
        if self.store.get(&record_name(segment)).await?.is_some() {
            return Ok(());
        }
        let (label, keys) = self.keys(segment);
        let record = match &keys.dedup {
            Dedup::Whole(fingerprint) => {
                let (stats, by_cluster, clusters) =
                    self.clusters(segment, label, keys, fingerprint, staged).await?;
                ComparisonRecord {
                    entry: dedup_entry(label, &stats, clusters),
                    members: self.by_document(segment, &by_cluster, staged).await?,
                }
            }
            Dedup::Parts(parts) => {
                self.repeats(segment, label, &keys.column, parts.as_ref(), staged)
                    .await?
            }
        };
        let json = serde_json::to_vec_pretty(&record).expect("a plain struct is JSON");
        match self.store.create(&record_name(segment), json.into()).await? {
            Created::Now => Ok(()),
            Created::Before(bytes) if read_record(&bytes)? == record => Ok(()),
            Created::Before(_) => Err(Error::Failed(
                "another run found other clusters; this is a bug: please report it".into(),
            )),
        }
    }

    /// The step that ends a segment.
    pub(super) fn keys(&self, segment: usize) -> (&str, &Arc<KeysOp>) {
        match self.plan.segments[segment].steps.last() {
            Some(step) => match &step.op {
                Op::Keys(keys) => (&step.label, keys),
                _ => unreachable!("a segment with another behind it ends in keys"),
            },
            None => unreachable!("a segment has steps"),
        }
    }

    /// The segment that ends in a step.
    pub(super) fn segment_of(&self, label: &str) -> usize {
        (0..self.plan.segments.len() - 1)
            .find(|segment| self.keys(*segment).0 == label)
            .expect("every dedup step ends a segment")
    }

    /// Compares the documents; gives the numbers, the staged members and the published table.
    async fn clusters(
        &self,
        segment: usize,
        label: &str,
        keys: &KeysOp,
        fingerprint: &Arc<dyn Fingerprint>,
        staged: &[SliceRecord],
    ) -> Result<(Stats, Vec<ShardEntry>, Vec<ShardEntry>)> {
        let files: Vec<ShardEntry> = staged.iter().flat_map(|record| record.shards.clone()).collect();
        let options = ShardOptions {
            row_group_rows: 100_000,
            ..self.shards.staged()
        };
        let mut staging = ShardWriter::new(
            format!("{}/by-cluster", layout::stage(segment)),
            0,
            &members_schema(),
            options,
        );
        let mut table = ShardWriter::new(
            layout::CLUSTERS,
            segment as u32,
            &table_schema(),
            ShardOptions {
                row_group_rows: 100_000,
                ..self.shards.clone()
            },
        );
        let mut stats = Stats::default();
        if !files.is_empty() {
            let mut names = keys.key_names();
            names.extend([DOCUMENT_COLUMN, columns::ID.name].map(str::to_owned));
            names.extend(
                keys.prefer_columns
                    .iter()
                    .filter(|name| *name != columns::ID.name)
                    .cloned(),
            );
            let documents = self.staged(&files).await?;
            let index = self.index_of(label);
            let known = match index {
                Some(index) => self.known_documents(index, keys).await?,
                None => None,
            };
            let entries = index.iter().flat_map(|index| &index.known);
            let entries = (KNOWN_SLICES..).zip(entries.map(|entry| entry.documents));
            let slices = staged.iter().map(|record| (record.slice, record.account.kept));
            let comparison = Comparison {
                session: self.keys_session.clone(),
                fingerprint: fingerprint.clone(),
                new: documents.select(names.iter().map(|name| col(name.as_str())).collect::<Vec<_>>())?,
                known,
                numbering: Numbering::new(slices.chain(entries.clone()))?,
                known_slices: entries.map(|(slice, _)| slice).collect(),
                prefer: keys.prefer.clone(),
                room: self.room(),
            };
            let mut members = comparison.run().await?;
            while let Some(batch) = members.next().await? {
                staging.write(&batch, &self.store).await?;
                table.write(&told(label, &batch)?, &self.store).await?;
            }
            stats = members.stats().clone();
        }
        Ok((
            stats,
            staging.finish(&self.store).await?,
            table.finish(&self.store).await?,
        ))
    }

    /// Finds the repeated parts of texts; gives the record.
    async fn repeats(
        &self,
        segment: usize,
        label: &str,
        column: &str,
        parts: &dyn Parts,
        staged: &[SliceRecord],
    ) -> Result<ComparisonRecord> {
        let files: Vec<ShardEntry> = staged.iter().flat_map(|record| record.shards.clone()).collect();
        let mut writer = ShardWriter::new(
            format!("{}/by-document", layout::stage(segment)),
            0,
            &cuts_schema(),
            ShardOptions {
                row_group_rows: 100_000,
                ..self.shards.staged()
            },
        );
        let mut entry = dedup_entry(label, &Stats::default(), Vec::new());
        if !files.is_empty() {
            let table = ShardTable::open(&self.session, &self.store, &files).await?;
            let texts = self.session.read_table(Arc::new(table))?.select(vec![
                col(DOCUMENT_COLUMN),
                col(columns::ID.name),
                col(column).alias("text"),
            ])?;
            let place = Place {
                session: self.keys_session.clone(),
                room: self.room(),
            };
            let slices = staged.iter().map(|record| (record.slice, record.account.kept));
            let mut cuts = Cuts::find(&place, parts, texts, Numbering::new(slices)?).await?;
            while let Some(batch) = cuts.next_batch()? {
                writer.write(&batch, &self.store).await?;
            }
            entry.documents = staged.iter().map(|record| record.account.kept).sum();
            entry.duplicates = cuts.documents;
            entry.parts = cuts.parts;
            entry.part_bytes = cuts.bytes;
        }
        Ok(ComparisonRecord {
            entry,
            members: writer.finish(&self.store).await?,
        })
    }

    /// The members in the order of documents, so that each slice finds its own in one stretch of row groups.
    async fn by_document(
        &self,
        segment: usize,
        by_cluster: &[ShardEntry],
        staged: &[SliceRecord],
    ) -> Result<Vec<ShardEntry>> {
        let mut writer = ShardWriter::new(
            format!("{}/by-document", layout::stage(segment)),
            0,
            &members_schema(),
            ShardOptions {
                row_group_rows: 100_000,
                ..self.shards.staged()
            },
        );
        if !by_cluster.is_empty() {
            let rows: u64 = by_cluster.iter().map(|file| file.rows).sum();
            for (first, last) in self.shares(staged, rows) {
                let (from, to) = documents_of(first, last);
                let mut sorted = self
                    .staged(by_cluster)
                    .await?
                    .filter(col(DOCUMENT_COLUMN).between(lit(from), lit(to)))?
                    .sort(vec![col(DOCUMENT_COLUMN).sort(true, false)])?
                    .execute_stream()
                    .await?;
                while let Some(batch) = sorted.try_next().await? {
                    writer.write(&batch, &self.store).await?;
                }
            }
        }
        Ok(writer.finish(&self.store).await?)
    }

    /// Stretches of slices, each with about as many members as can be sorted in memory; there are `members` of them all.
    fn shares(&self, staged: &[SliceRecord], members: u64) -> Vec<(u32, u32)> {
        let documents: u64 = staged.iter().map(|record| record.account.kept).sum();
        let count = (members * MEMBER_BYTES).div_ceil(self.memory as u64).max(1);
        let mut shares: Vec<(u32, u32)> = Vec::new();
        let mut before = 0;
        for record in staged {
            if before * count >= documents * shares.len() as u64 {
                shares.push((record.slice, record.slice));
            }
            if let Some(share) = shares.last_mut() {
                share.1 = record.slice;
            }
            before += record.account.kept;
        }
        shares
    }

    /// What the comparison behind a segment found of the documents of a range of slices.
    pub(crate) async fn members(&self, segment: usize, slices: (u32, u32)) -> Result<Members> {
        let files = self.comparison(segment).await?.members;
        let mut members = Members::default();
        if files.is_empty() {
            return Ok(members);
        }
        let (from, to) = documents_of(slices.0, slices.1);
        let share = self
            .staged(&files)
            .await?
            .filter(col(DOCUMENT_COLUMN).between(lit(from), lit(to)))?;
        let mut batches = share.execute_stream().await?;
        while let Some(batch) = batches.try_next().await? {
            let column = |name: &str| batch.column_by_name(name).expect("members have it");
            let documents = column(DOCUMENT_COLUMN).as_primitive::<UInt64Type>().values();
            if let Some(ranges) = batch.column_by_name(RANGES) {
                for (document, ranges) in documents.iter().zip(ranges.as_list::<i32>().iter().flatten()) {
                    let ranges = ranges.as_primitive::<UInt32Type>().values().to_vec();
                    let pairs = ranges.chunks_exact(2).map(|range| (range[0], range[1]));
                    members.cuts.insert(*document, pairs.collect());
                }
                continue;
            }
            let clusters = column(CLUSTER_ID.name).as_string_view();
            let ranks = column(CLUSTER_RANK.name).as_primitive::<UInt32Type>();
            let sizes = column(CLUSTER_SIZE.name).as_primitive::<UInt32Type>();
            let similarities = column(CLUSTER_SIMILARITY.name).as_primitive::<Float64Type>();
            for (row, document) in documents.iter().enumerate() {
                let member = Member {
                    cluster: clusters.value(row).to_owned(),
                    rank: ranks.value(row),
                    size: sizes.value(row),
                    similarity: similarities.is_valid(row).then(|| similarities.value(row)),
                };
                members.clusters.insert(*document, member);
            }
        }
        Ok(members)
    }

    /// What a comparison may use of the machine.
    fn room(&self) -> Room {
        Room {
            memory: self.memory,
            scratch: self.shards.scratch.clone(),
            pool: self.pool.clone(),
        }
    }

    /// What the comparisons of this run gave, in the order of the recipe.
    pub(crate) async fn dedup_entries(&self) -> Result<Vec<DedupEntry>> {
        let mut entries = Vec::new();
        for segment in 0..self.plan.segments.len() - 1 {
            entries.push(self.comparison(segment).await?.entry);
        }
        Ok(entries)
    }

    async fn comparison(&self, segment: usize) -> Result<ComparisonRecord> {
        let name = record_name(segment);
        let bytes = self.store.get(&name).await?;
        read_record(&bytes.ok_or_else(|| Error::Failed(format!("{name} is gone")))?)
    }

    /// Staged rows of which only keys and the like are read.
    pub(super) async fn staged(&self, files: &[ShardEntry]) -> Result<DataFrame> {
        let table = ShardTable::open(&self.keys_session, &self.store, files).await?;
        Ok(self.keys_session.read_table(Arc::new(table))?)
    }
}

impl From<datafusion::arrow::error::ArrowError> for Error {
    fn from(error: datafusion::arrow::error::ArrowError) -> Self {
        datafusion::error::DataFusionError::ArrowError(Box::new(error), None).into()
    }
}

/// The first and the last number that documents of a stretch of slices can have.
fn documents_of(first: u32, last: u32) -> (u64, u64) {
    (
        u64::from(first) << 32,
        u64::from(last) << 32 | u64::from(u32::MAX),
    )
}

fn record_name(segment: usize) -> String {
    format!("{}/clusters.json", layout::stage(segment))
}

fn read_record(bytes: &[u8]) -> Result<ComparisonRecord> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::Failed(format!("not the record of a comparison: {error}")))
}

/// The members as the output's table of clusters tells them: the step, and all but the document's number.
fn told(label: &str, batch: &RecordBatch) -> Result<RecordBatch> {
    let step: ArrayRef = Arc::new(StringArray::from(vec![label; batch.num_rows()]));
    let columns = [step].into_iter().chain(batch.columns()[1..].iter().cloned());
    Ok(RecordBatch::try_new(table_schema(), columns.collect())?)
}

fn table_schema() -> SchemaRef {
    let step = Arc::new(Field::new("step", DataType::Utf8, true));
    let members = members_schema();
    let fields = [step].into_iter().chain(members.fields()[1..].iter().cloned());
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn dedup_entry(step: &str, stats: &Stats, files: Vec<ShardEntry>) -> DedupEntry {
    DedupEntry {
        step: step.to_owned(),
        documents: stats.documents,
        candidates: stats.candidates,
        compared: stats.compared,
        failed: stats.failed,
        unchecked: stats.unchecked,
        clusters: stats.clusters,
        known: stats.known,
        duplicates: stats.duplicates,
        sizes: stats.sizes.clone(),
        parts: 0,
        part_bytes: 0,
        files,
    }
}
