//! How shards are read: with errors that still know what the store said.
//!
//! DataFusion's own reader tells a failure to read a footer in words alone, and whether it helps to try again cannot be told
//! from words.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use datafusion::{
    common::Result as DfResult,
    datasource::{listing::PartitionedFile, physical_plan::ParquetFileReaderFactory},
    physical_plan::metrics::ExecutionPlanMetricsSet,
};
use futures::{FutureExt, future::BoxFuture};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use parquet::{
    arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
    errors::{ParquetError, Result},
    file::metadata::{ParquetMetaData, ParquetMetaDataReader},
};

/// Makes readers of shards.
#[derive(Debug)]
pub(crate) struct ShardReaders(pub(crate) Arc<dyn ObjectStore>);

impl ParquetFileReaderFactory for ShardReaders {
    fn create_reader(
        &self,
        _: usize,
        file: PartitionedFile,
        footer_hint: Option<usize>,
        _: &ExecutionPlanMetricsSet,
    ) -> DfResult<Box<dyn AsyncFileReader + Send>> {
        Ok(Box::new(ShardReader {
            store: self.0.clone(),
            path: file.object_meta.location,
            bytes: file.object_meta.size,
            footer_hint,
        }))
    }
}

struct ShardReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    bytes: u64,
    /// How much is read at the end of the file at first.
    footer_hint: Option<usize>,
}

fn failed(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for ShardReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        let bytes = async move { self.store.get_range(&self.path, range).await };
        bytes.map(|bytes| bytes.map_err(failed)).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        let bytes = async move { self.store.get_ranges(&self.path, &ranges).await };
        bytes.map(|bytes| bytes.map_err(failed)).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let mut reader = ParquetMetaDataReader::new().with_prefetch_hint(self.footer_hint);
            if let Some(options) = options {
                reader = reader
                    .with_metadata_options(Some(options.metadata_options().clone()))
                    .with_column_index_policy(options.column_index_policy())
                    .with_offset_index_policy(options.offset_index_policy());
            }
            let bytes = self.bytes;
            Ok(Arc::new(reader.load_and_finish(self, bytes).await?))
        }
        .boxed()
    }
}
