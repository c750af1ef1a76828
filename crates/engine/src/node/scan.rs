//! Scan: a slice's objects become batches of records.
//!
//! It is a `FileSource` below DataFusion's own `DataSourceExec`, the one leaf that a distributed engine can cut.
//! A file of the scan is a range of an object, named by the object's number in the plan's input. Formats read
//! and inflate on a thread that may block, at most two batches ahead of the stream.

use std::{
    fmt,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    common::{Result as DfResult, tree_node::TreeNodeRecursion},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{
            FileGroup, FileOpenFuture, FileOpener, FileScanConfig, FileScanConfigBuilder, FileSource,
        },
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    execution::object_store::ObjectStoreUrl,
    physical_plan::{ExecutionPlan, PhysicalExpr, metrics::ExecutionPlanMetricsSet},
};
use futures::{FutureExt, StreamExt, stream};
use gristmill_core::{Format, ReadOptions};
use object_store::ObjectStore;
use tokio::{runtime::Handle, sync::mpsc};

use crate::{
    Error, Registry,
    input::{Input, InputObject, Slice},
    progress::Progress,
};

/// Batches that wait between the reading thread and the stream.
const WAITING: usize = 1;

/// What scans of a run share.
pub(crate) struct ScanConfig {
    pub(crate) input: Arc<Input>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) options: ReadOptions,
    pub(crate) schema: SchemaRef,
    pub(crate) io: Handle,
    pub(crate) progress: Arc<Progress>,
}

/// The plan that reads a slice. `records` counts what it read.
pub(crate) fn scan(
    config: &Arc<ScanConfig>,
    slice: &Slice,
    records: Arc<AtomicU64>,
) -> Arc<dyn ExecutionPlan> {
    let files = slice.ranges.iter().map(|(object, range)| {
        PartitionedFile::new(object.to_string(), config.input.objects[*object].snapshot.bytes)
            .with_range(range.start as i64, range.end as i64)
    });
    let source = RecordSource {
        table: TableSchema::builder(config.schema.clone()).build(),
        config: config.clone(),
        records,
        metrics: ExecutionPlanMetricsSet::new(),
    };
    let scan = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
        .with_file_groups(vec![FileGroup::new(files.collect())])
        .build();
    DataSourceExec::from_data_source(scan)
}

#[derive(Clone)]
struct RecordSource {
    table: TableSchema,
    config: Arc<ScanConfig>,
    records: Arc<AtomicU64>,
    metrics: ExecutionPlanMetricsSet,
}

impl FileSource for RecordSource {
    fn create_file_opener(
        &self,
        _: Arc<dyn ObjectStore>,
        _: &FileScanConfig,
        _: usize,
    ) -> DfResult<Arc<dyn FileOpener>> {
        Ok(Arc::new(RecordOpener {
            config: self.config.clone(),
            records: self.records.clone(),
        }))
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table
    }

    fn with_batch_size(&self, _: usize) -> Arc<dyn FileSource> {
        Arc::new(self.clone())
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &'static str {
        "records"
    }

    fn fmt_extra(
        &self,
        _: datafusion::physical_plan::DisplayFormatType,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        write!(f, ", wanted=[{}]", self.config.options.wanted.join(", "))
    }

    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}

struct RecordOpener {
    config: Arc<ScanConfig>,
    records: Arc<AtomicU64>,
}

impl FileOpener for RecordOpener {
    fn open(&self, file: PartitionedFile) -> DfResult<FileOpenFuture> {
        let number: usize = file
            .object_meta
            .location
            .as_ref()
            .parse()
            .expect("a scan names objects by number");
        let range = file.range.as_ref().map_or(0..file.object_meta.size, |range| {
            range.start as u64..range.end as u64
        });
        let (config, records) = (self.config.clone(), self.records.clone());
        Ok(async move {
            let (sender, receiver) = mpsc::channel(WAITING);
            let mut reading = Some(tokio::task::spawn_blocking(move || {
                read(&config, number, range, &records, &sender);
            }));
            let batches = stream::poll_fn({
                let mut receiver = receiver;
                move |context| receiver.poll_recv(context)
            });
            // A panic of the reader must not look like the end of the object.
            let end = stream::once(async move {
                match reading.take().expect("polled once").await {
                    Ok(()) => None,
                    Err(error) => Some(Err(Error::Failed(format!(
                        "the reader of an object failed: {error}"
                    ))
                    .into())),
                }
            });
            Ok(batches.chain(end.filter_map(|failure| async { failure })).boxed())
        }
        .boxed())
    }
}

fn read(
    config: &ScanConfig,
    number: usize,
    range: Range<u64>,
    records: &AtomicU64,
    batches: &mpsc::Sender<DfResult<RecordBatch>>,
) {
    let found = &config.input.objects[number];
    let uri = &found.snapshot.uri;
    let format: &dyn Format = match &found.reading.format {
        Some(name) => config.registry.format(name).expect("the recipe was checked"),
        None => config.registry.auto,
    };
    let object = Arc::new(InputObject::new(
        found.clone(),
        config.io.clone(),
        config.progress.bytes_read.clone(),
    ));
    let options = found.reading.options(&config.options);
    let failed = |error: gristmill_core::Error| -> datafusion::error::DataFusionError {
        match Error::from(error) {
            Error::Failed(message) => Error::Failed(format!("{uri}: {message}")).into(),
            other => other.into(),
        }
    };
    let cost = config.progress.step(Progress::READ);
    let mut source = match format.read(object.clone(), range, &options) {
        Ok(source) => source,
        Err(error) => {
            let _ = batches.blocking_send(Err(failed(error)));
            return;
        }
    };
    loop {
        let batch = match cost.count(0, || source.next_batch()) {
            Ok(Some(batch)) => Ok(batch),
            Ok(None) => {
                if let Err(error) = object.check() {
                    let _ = batches.blocking_send(Err(error.into()));
                }
                return;
            }
            Err(error) => Err(failed(error)),
        };
        let rows = batch.as_ref().map_or(0, RecordBatch::num_rows) as u64;
        records.fetch_add(rows, Ordering::Relaxed);
        config.progress.records.fetch_add(rows, Ordering::Relaxed);
        let is_last = batch.is_err();
        // A closed channel means that nobody wants the rest.
        if batches.blocking_send(batch).is_err() || is_last {
            return;
        }
    }
}
