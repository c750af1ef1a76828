//! Exactly the shards that a manifest or a slice record names, as a table.
//!
//! A listing of a folder, or of addresses that may match nothing, would pass over a shard that is gone; here that is
//! an error. Names are taken as they are, whatever characters the output's address holds.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::Result as DfResult,
    datasource::{
        TableType,
        file_format::{FileFormat, parquet::ParquetFormat},
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    execution::object_store::ObjectStoreUrl,
    logical_expr::Expr,
    physical_plan::ExecutionPlan,
    prelude::SessionContext,
};
use object_store::ObjectMeta;

use crate::{ShardEntry, Store, reader::ShardReaders};

/// The address by which plans name a store; a session that runs them knows it by [`register_store`]. It tells
/// nothing of the real address, which may hold what belongs into no plan.
fn store_url(store: &Store) -> ObjectStoreUrl {
    let name = &crate::blake3_hex(store.uri().as_bytes())[..16];
    ObjectStoreUrl::parse(format!("gristmill://{name}")).expect("a scheme and hexadecimal digits")
}

/// Makes a store known to a session.
pub fn register_store(session: &SessionContext, store: &Store) {
    session.register_object_store(store_url(store).as_ref(), store.object_store().clone());
}

/// Some shards, in order.
#[derive(Debug)]
pub struct ShardTable {
    url: ObjectStoreUrl,
    schema: SchemaRef,
    files: Vec<PartitionedFile>,
    readers: Arc<ShardReaders>,
}

impl ShardTable {
    /// Shards whose columns are known.
    pub fn new<'a>(
        store: &Store,
        shards: impl IntoIterator<Item = &'a ShardEntry>,
        schema: SchemaRef,
    ) -> Self {
        let files = shards
            .into_iter()
            .map(|shard| PartitionedFile::from(meta(store, shard)));
        ShardTable {
            url: store_url(store),
            schema,
            files: files.collect(),
            readers: Arc::new(ShardReaders(store.object_store().clone())),
        }
    }

    /// Shards with the columns of the first, strings as views.
    ///
    /// # Errors
    /// When the first shard is not there or not readable.
    pub async fn open(session: &SessionContext, store: &Store, shards: &[ShardEntry]) -> DfResult<Self> {
        let first: Vec<ObjectMeta> = shards.iter().take(1).map(|shard| meta(store, shard)).collect();
        let schema = ParquetFormat::default()
            .with_force_view_types(true)
            .infer_schema(&session.state(), store.object_store(), &first)
            .await?;
        Ok(ShardTable::new(store, shards, schema))
    }

    /// The plan that reads all columns of all shards, in order, as one partition.
    pub fn read(&self) -> Arc<dyn ExecutionPlan> {
        self.plan(1, None, None).expect("a plan of all columns")
    }

    /// The plan that reads some columns of all shards, in order, as one partition: no optimiser that might deal rows
    /// out to several has a say.
    ///
    /// # Errors
    /// When there is no column of that name.
    pub fn read_columns(&self, names: &[&str]) -> DfResult<Arc<dyn ExecutionPlan>> {
        let columns: Result<Vec<usize>, _> = names.iter().map(|name| self.schema.index_of(name)).collect();
        self.plan(1, Some(&columns?), None)
    }

    fn plan(
        &self,
        partitions: usize,
        columns: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let table = TableSchema::builder(self.schema.clone()).build();
        let in_one = self.files.len().div_ceil(partitions.max(1)).max(1);
        let mut groups: Vec<FileGroup> = self
            .files
            .chunks(in_one)
            .map(|files| FileGroup::new(files.to_vec()))
            .collect();
        if groups.is_empty() {
            groups.push(FileGroup::new(Vec::new()));
        }
        let source = ParquetSource::new(table).with_parquet_file_reader_factory(self.readers.clone());
        let scan = FileScanConfigBuilder::new(self.url.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(columns.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(scan))
    }
}

#[async_trait]
impl TableProvider for ShardTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    // Filters reach the scan as physical plans are optimised.
    async fn scan(
        &self,
        session: &dyn Session,
        columns: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.plan(session.config().target_partitions(), columns, limit)
    }
}

fn meta(store: &Store, shard: &ShardEntry) -> ObjectMeta {
    ObjectMeta {
        location: store.path(&shard.path),
        last_modified: std::time::UNIX_EPOCH.into(),
        size: shard.bytes,
        e_tag: None,
        version: None,
    }
}
