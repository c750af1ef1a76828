//! Between segments: keys to clusters, once, and each slice's share of them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, RecordBatch, StringArray},
        datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt32Type, UInt64Type},
    },
    prelude::{DataFrame, Expr, col, lit},
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_dedup::{
    CLUSTER_ID, CLUSTER_RANK, CLUSTER_SIMILARITY, CLUSTER_SIZE, Comparison, Cuts, DOCUMENT_COLUMN, Dedup,
    Fingerprint, Numbering, Parts, Place, RANGES, Room, Stats, cuts_schema, members_schema,
};
use gristmill_shard::{
    CHAIN_COLUMN, Created, DedupEntry, ShardEntry, ShardOptions, ShardTable, ShardWriter, SliceRecord, layout,
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

/// A dedup step behind a segment: what is compared, and where that is staged.
pub(super) struct DedupStep<'a> {
    pub(super) segment: usize,
    /// Its number among all dedup steps.
    number: u32,
    label: &'a str,
    pub(super) keys: &'a KeysOp,
}

impl DedupStep<'_> {
    /// The folder of what the comparison stages.
    fn folder(&self) -> String {
        format!("{}/step-{}", layout::stage(self.segment), self.number)
    }

    fn record_name(&self) -> String {
        format!("{}/clusters.json", self.folder())
    }

    /// The documents of its chain among all rows.
    fn own(&self, rows: DataFrame) -> Result<DataFrame> {
        Ok(match self.keys.chain {
            Some(chain) => rows.filter(col(CHAIN_COLUMN).eq(lit(chain)))?,
            None => rows,
        })
    }

    /// The columns of keys and evidence, under the names of the comparison.
    pub(super) fn key_columns(&self) -> Vec<Expr> {
        let names = self.keys.key_names().into_iter();
        let staged = names.map(|name| col(self.keys.staged_name(&name)).alias(name));
        staged.collect()
    }
}

impl Run {
    /// Finds the clusters among the documents that a segment staged, unless an earlier attempt did.
    pub(crate) async fn compare_documents(&self, segment: usize, staged: &[SliceRecord]) -> Result<()> {
        for step in self.dedup_steps().iter().filter(|step| step.segment == segment) {
            self.compare(step, staged).await?;
        }
        self.ask_pages(segment, staged).await
    }

    async fn compare(&self, step: &DedupStep<'_>, staged: &[SliceRecord]) -> Result<()> {
        if self.store.get(&step.record_name()).await?.is_some() {
            return Ok(());
        }
        let record = match &step.keys.dedup {
            Dedup::Whole(fingerprint) => {
                let (stats, by_cluster, clusters) = self.clusters(step, fingerprint, staged).await?;
                ComparisonRecord {
                    entry: dedup_entry(step.label, &stats, clusters),
                    members: self.by_document(step, &by_cluster, staged).await?,
                }
            }
            Dedup::Parts(parts) => self.repeats(step, parts.as_ref(), staged).await?,
        };
        let json = serde_json::to_vec_pretty(&record).expect("a plain struct is JSON");
        match self.store.create(&step.record_name(), json.into()).await? {
            Created::Now => Ok(()),
            Created::Before(bytes) if read_record(&bytes)? == record => Ok(()),
            Created::Before(_) => Err(Error::Failed(
                "another run found other clusters; this is a bug: please report it".into(),
            )),
        }
    }

    /// The dedup steps of all chains, in the order in which they are done.
    fn dedup_steps(&self) -> Vec<DedupStep<'_>> {
        let mut steps = Vec::new();
        for (segment, planned) in self.plan.segments.iter().enumerate() {
            for step in &planned.steps {
                if let Op::Keys(keys) = &step.op {
                    steps.push(DedupStep {
                        segment,
                        number: steps.len() as u32,
                        label: &step.label,
                        keys,
                    });
                }
            }
        }
        steps
    }

    /// The dedup step of this label.
    pub(super) fn dedup_step(&self, label: &str) -> DedupStep<'_> {
        let steps = self.dedup_steps().into_iter();
        steps
            .into_iter()
            .find(|step| step.label == label)
            .expect("an index belongs to a dedup step")
    }

    /// Compares the documents; gives the numbers, the staged members and the published table.
    async fn clusters(
        &self,
        step: &DedupStep<'_>,
        fingerprint: &Arc<dyn Fingerprint>,
        staged: &[SliceRecord],
    ) -> Result<(Stats, Vec<ShardEntry>, Vec<ShardEntry>)> {
        let files: Vec<ShardEntry> = staged.iter().flat_map(|record| record.shards.clone()).collect();
        let options = ShardOptions {
            row_group_rows: 100_000,
            ..self.shards.staged()
        };
        let keys = step.keys;
        let mut staging = ShardWriter::new(
            format!("{}/by-cluster", step.folder()),
            0,
            &members_schema(),
            options,
        );
        let mut table = ShardWriter::new(
            layout::CLUSTERS,
            step.number,
            &table_schema(),
            ShardOptions {
                row_group_rows: 100_000,
                ..self.shards.clone()
            },
        );
        let mut stats = Stats::default();
        if !files.is_empty() {
            let mut compared = step.key_columns();
            compared.extend([DOCUMENT_COLUMN, columns::ID.name].map(col));
            let preferred = keys
                .prefer_columns
                .iter()
                .filter(|name| *name != columns::ID.name);
            compared.extend(preferred.map(col));
            let documents = step.own(self.staged(&files).await?)?;
            let index = self.index_of(step.label);
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
                new: documents.select(compared)?,
                known,
                numbering: Numbering::new(slices.chain(entries.clone()))?,
                known_slices: entries.map(|(slice, _)| slice).collect(),
                prefer: keys.prefer.clone(),
                room: self.room(),
            };
            let mut members = comparison.run().await?;
            while let Some(batch) = members.next().await? {
                staging.write(&batch, &self.store).await?;
                table.write(&told(step.label, &batch)?, &self.store).await?;
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
        step: &DedupStep<'_>,
        parts: &dyn Parts,
        staged: &[SliceRecord],
    ) -> Result<ComparisonRecord> {
        let files: Vec<ShardEntry> = staged.iter().flat_map(|record| record.shards.clone()).collect();
        let mut writer = ShardWriter::new(
            format!("{}/by-document", step.folder()),
            0,
            &cuts_schema(),
            ShardOptions {
                row_group_rows: 100_000,
                ..self.shards.staged()
            },
        );
        let mut entry = dedup_entry(step.label, &Stats::default(), Vec::new());
        if !files.is_empty() {
            let table = ShardTable::open(&self.session, &self.store, &files).await?;
            let texts = step.own(self.session.read_table(Arc::new(table))?)?.select(vec![
                col(DOCUMENT_COLUMN),
                col(columns::ID.name),
                col(step.keys.column.as_str()).alias("text"),
            ])?;
            let documents = texts.clone().count().await?;
            let place = Place {
                session: self.keys_session.clone(),
                room: self.room(),
            };
            let slices = staged.iter().map(|record| (record.slice, record.account.kept));
            let mut cuts = Cuts::find(&place, parts, texts, Numbering::new(slices)?).await?;
            while let Some(batch) = cuts.next_batch()? {
                writer.write(&batch, &self.store).await?;
            }
            entry.documents = documents as u64;
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
        step: &DedupStep<'_>,
        by_cluster: &[ShardEntry],
        staged: &[SliceRecord],
    ) -> Result<Vec<ShardEntry>> {
        let mut writer = ShardWriter::new(
            format!("{}/by-document", step.folder()),
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
    pub(super) fn shares(&self, staged: &[SliceRecord], members: u64) -> Vec<(u32, u32)> {
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

    /// What the comparisons behind a segment found of the documents of a range of slices.
    pub(crate) async fn members(&self, segment: usize, slices: (u32, u32)) -> Result<Members> {
        let mut members = Members::default();
        for step in self.dedup_steps().iter().filter(|step| step.segment == segment) {
            self.members_of(step, slices, &mut members).await?;
        }
        self.contexts(segment, slices, &mut members).await?;
        Ok(members)
    }

    /// Adds what one comparison found; no document is in two chains.
    pub(super) async fn members_of(
        &self,
        step: &DedupStep<'_>,
        slices: (u32, u32),
        members: &mut Members,
    ) -> Result<()> {
        let files = self.comparison(step).await?.members;
        if files.is_empty() {
            return Ok(());
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
        Ok(())
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
        for step in self.dedup_steps() {
            entries.push(self.comparison(&step).await?.entry);
        }
        Ok(entries)
    }

    async fn comparison(&self, step: &DedupStep<'_>) -> Result<ComparisonRecord> {
        let name = step.record_name();
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
pub(super) fn documents_of(first: u32, last: u32) -> (u64, u64) {
    (
        u64::from(first) << 32,
        u64::from(last) << 32 | u64::from(u32::MAX),
    )
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
