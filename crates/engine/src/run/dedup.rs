//! Between segments: keys to clusters, once, and each slice's share of them.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::AsArray,
        datatypes::{UInt32Type, UInt64Type},
    },
    prelude::{DataFrame, col, lit},
};
use futures::TryStreamExt;
use gristmill_dedup::{Clusters, DOCUMENT_COLUMN, KEY_COLUMNS, Member, clusters};
use gristmill_shard::{
    Account, Created, ShardEntry, ShardOptions, ShardTable, ShardWriter, SliceRecord, layout,
};

use super::Run;
use crate::{Error, Result, node::Members};

impl Run {
    /// Finds the clusters among the documents that a segment staged, unless an earlier attempt did.
    pub(crate) async fn compare_documents(&self, segment: usize, staged: &[SliceRecord]) -> Result<()> {
        if self.store.get(&clusters_record(segment)).await?.is_some() {
            return Ok(());
        }
        let files: Vec<ShardEntry> = staged.iter().flat_map(|record| record.shards.clone()).collect();
        let mut writer = ShardWriter::new(
            format!("{}/clusters", layout::stage(segment)),
            0,
            &Clusters::schema(),
            ShardOptions {
                row_group_rows: 100_000,
                ..self.shards.staged()
            },
        );
        if !files.is_empty() {
            let columns = [KEY_COLUMNS[0].name, KEY_COLUMNS[1].name, DOCUMENT_COLUMN].map(col);
            let keys = self.staged(&files).await?.select(columns.to_vec())?;
            // In the order of documents, each slice finds its own in one stretch of row groups.
            let mut members = clusters(&self.session, keys).await?;
            while let Some(batch) = members.try_next().await? {
                writer.write(&batch, &self.store).await?;
            }
        }
        let shards = writer.finish(&self.store).await?;
        let record = SliceRecord {
            slice: 0,
            phase: segment as u32,
            input_bytes: 0,
            account: Account::default(),
            shards,
            rejects: Vec::new(),
        };
        match self
            .store
            .create(&clusters_record(segment), record.to_json())
            .await?
        {
            Created::Now => Ok(()),
            Created::Before(bytes) if SliceRecord::from_json(&bytes)? == record => Ok(()),
            Created::Before(_) => Err(Error::Failed(
                "another run found other clusters; this is a bug: please report it".into(),
            )),
        }
    }

    /// The clusters of the documents of a range of slices.
    pub(crate) async fn members(&self, segment: usize, slices: (u32, u32)) -> Result<Members> {
        let bytes = self.store.get(&clusters_record(segment)).await?;
        let bytes = bytes.ok_or_else(|| Error::Failed(format!("{} is gone", clusters_record(segment))))?;
        let files = SliceRecord::from_json(&bytes)?.shards;
        let mut members = Members::new();
        if files.is_empty() {
            return Ok(members);
        }
        let (from, to) = (
            u64::from(slices.0) << 32,
            u64::from(slices.1) << 32 | u64::from(u32::MAX),
        );
        let share = self
            .staged(&files)
            .await?
            .filter(col("document").between(lit(from), lit(to)))?;
        let mut batches = share.execute_stream().await?;
        while let Some(batch) = batches.try_next().await? {
            let documents = batch.column(0).as_primitive::<UInt64Type>().values();
            let keys = datafusion::arrow::compute::cast(
                batch.column(1),
                &datafusion::arrow::datatypes::DataType::Utf8View,
            )?;
            let ranks = batch.column(2).as_primitive::<UInt32Type>().values();
            for ((&document, key), &rank) in documents.iter().zip(keys.as_string_view()).zip(ranks) {
                let cluster = key.unwrap_or_default().to_owned();
                members.insert(
                    document,
                    Member {
                        document,
                        cluster,
                        rank,
                    },
                );
            }
        }
        Ok(members)
    }

    async fn staged(&self, files: &[ShardEntry]) -> Result<DataFrame> {
        let table = ShardTable::open(&self.session, &self.store, files).await?;
        Ok(self.session.read_table(Arc::new(table))?)
    }
}

impl From<datafusion::arrow::error::ArrowError> for Error {
    fn from(error: datafusion::arrow::error::ArrowError) -> Self {
        datafusion::error::DataFusionError::ArrowError(Box::new(error), None).into()
    }
}

fn clusters_record(segment: usize) -> String {
    format!("{}/clusters.json", layout::stage(segment))
}
