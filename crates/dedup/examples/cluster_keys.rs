//! Time and memory of clustering, over keys that are made up: `cluster_keys DOCUMENTS [MEMORY_MIB [verify]]`.
//!
//! Documents have 14 bands. Of 1,000 documents 698 are alone, 200 in pairs, 60 in threes, 10 in one of ten, 32 in one of
//! thirty-two; of a million documents 1,000 are of one cluster. Two documents of a cluster meet in a band with a chance of about one
//! third. With `verify`, each has 64 bytes of evidence. Keys are a function of the document's number, so nothing but
//! the sorts and what the comparison keeps takes memory. The last line gives documents, wall and CPU seconds, the peak of
//! the memory in MiB, clusters and duplicates.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{num::NonZeroUsize, sync::Arc, time::Instant};

use async_trait::async_trait;
use datafusion::{
    arrow::{
        array::{ArrayRef, BinaryBuilder, RecordBatch, RecordBatchOptions, StringBuilder, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef},
    },
    catalog::{Session, TableProvider},
    datasource::TableType,
    error::Result,
    execution::{
        SendableRecordBatchStream, TaskContext, disk_manager::DiskManagerBuilder, memory_pool::FairSpillPool,
        runtime_env::RuntimeEnvBuilder,
    },
    logical_expr::Expr,
    physical_plan::{
        ExecutionPlan,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
    prelude::{SessionConfig, SessionContext},
};
use futures::{StreamExt, stream};
use gristmill_core::{Given, Settings};
use gristmill_dedup::{
    Comparison, DOCUMENT_COLUMN, Dedup, EVIDENCE_COLUMN, METHODS, Numbering, Room, key_column,
};

const BANDS: usize = 14;
const BATCH: u64 = 8192;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let documents: u64 = arguments[0].parse().unwrap();
    let memory: usize = arguments.get(1).map_or(512, |text| text.parse().unwrap());
    let is_verified = arguments.get(2).is_some_and(|word| word == "verify");
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .build()
        .unwrap();
    let start = Instant::now();
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory << 20)))
        .with_disk_manager_builder(DiskManagerBuilder::default())
        .build_arc()
        .unwrap();
    let config = SessionConfig::new()
        .with_target_partitions(threads)
        .set_usize("datafusion.execution.sort_spill_reservation_bytes", 10 << 20)
        .set_str("datafusion.execution.spill_compression", "lz4_frame");
    let session = SessionContext::new_with_config_rt(config, environment);
    let method = METHODS
        .iter()
        .find(|method| method.card().name == "minhash")
        .unwrap();
    let verify = is_verified.then_some(0.8);
    let settings = Settings::new(method.settings(), [("verify", Given::Share(verify))]);
    let Ok(Dedup::Whole(fingerprint)) = method.with(&settings) else {
        panic!("minhash compares whole documents");
    };
    let table = Arc::new(Documents {
        documents,
        partitions: threads as u64,
    });
    let comparison = Comparison {
        new: session.read_table(table).unwrap(),
        session,
        fingerprint,
        known: None,
        numbering: Numbering::new([(0, documents)]).unwrap(),
        known_slices: Vec::new(),
        prefer: Vec::new(),
        room: Room {
            memory: memory << 20,
            scratch: None,
            pool: Arc::new(
                rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap(),
            ),
        },
    };
    let stats = runtime.block_on(async {
        let mut members = comparison.run().await.unwrap();
        println!("{:>6.1} s  clusters known", start.elapsed().as_secs_f64());
        while members.next().await.unwrap().is_some() {}
        members.stats().clone()
    });
    println!("{stats:?}");
    println!(
        "{documents} {:.1} {:.1} {} {} {}",
        start.elapsed().as_secs_f64(),
        cpu_seconds(),
        peak_mib(),
        stats.clusters,
        stats.duplicates
    );
}

/// User and system time of this process, from Linux.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or_default()
    };
    (ticks(12) + ticks(13)) / 100.0
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    let kib = line
        .split_whitespace()
        .nth(1)
        .and_then(|text| text.parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

/// A table of made-up documents.
#[derive(Debug)]
struct Documents {
    documents: u64,
    partitions: u64,
}

fn schema() -> SchemaRef {
    let mut fields = vec![Field::new(DOCUMENT_COLUMN, DataType::UInt64, true)];
    fields.extend((0..BANDS).map(|band| Field::new(key_column(band), DataType::UInt64, true)));
    fields.push(Field::new(EVIDENCE_COLUMN, DataType::Binary, true));
    fields.push(Field::new("id", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}

#[async_trait]
impl TableProvider for Documents {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        columns: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = schema();
        let schema = Arc::new(match columns {
            Some(columns) => all.project(columns)?,
            None => all.as_ref().clone(),
        });
        let share = self.documents.div_ceil(self.partitions);
        let parts = (0..self.partitions).map(|part| -> Arc<dyn PartitionStream> {
            Arc::new(Part {
                schema: schema.clone(),
                documents: self.documents,
                from: (part * share).min(self.documents),
                to: ((part + 1) * share).min(self.documents),
            })
        });
        let parts = parts.collect();
        let plan = StreamingTableExec::try_new(schema.clone(), parts, None, [], false, None)?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct Part {
    schema: SchemaRef,
    documents: u64,
    from: u64,
    to: u64,
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, documents, to) = (self.schema.clone(), self.documents, self.to);
        let starts = (self.from..to).step_by(BATCH as usize);
        let batches = starts.map(move |start| batch(&schema, documents, start, (start + BATCH).min(to)));
        Box::pin(RecordBatchStreamAdapter::new(
            self.schema.clone(),
            stream::iter(batches).boxed(),
        ))
    }
}

fn batch(schema: &SchemaRef, documents: u64, from: u64, to: u64) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        let name = field.name().as_str();
        match name {
            DOCUMENT_COLUMN => Arc::new(UInt64Array::from_iter_values(from..to)),
            "id" => {
                let mut ids = StringBuilder::new();
                (from..to).for_each(|document| ids.append_value(format!("{:032x}", mixed(document, 99))));
                Arc::new(ids.finish())
            }
            EVIDENCE_COLUMN => {
                let mut evidence = BinaryBuilder::new();
                (from..to).for_each(|document| {
                    evidence.append_value(digests(cluster(document, documents), document));
                });
                Arc::new(evidence.finish())
            }
            _ => {
                let band = (0..BANDS).position(|band| key_column(band) == name).unwrap() as u64;
                Arc::new(UInt64Array::from_iter_values((from..to).map(|document| {
                    let cluster = cluster(document, documents);
                    let is_met = mixed(document, 1000 + band) % 100 < 58;
                    mixed(if is_met { cluster } else { document | 1 << 60 }, band)
                })))
            }
        }
    });
    let rows = RecordBatchOptions::new().with_row_count(Some((to - from) as usize));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns.collect(),
        &rows,
    )?)
}

/// The cluster of a document; those of one lie far from each other.
fn cluster(document: u64, documents: u64) -> u64 {
    let million = documents.min(1_000_000);
    if document % million < 1000 && documents >= million {
        return (document / million) | (1 << 50);
    }
    let strides = documents / 1000;
    let (block, place) = (document % strides.max(1), document / strides.max(1));
    let group = match place {
        0..200 => place / 2,
        200..260 => 100 + (place - 200) / 3,
        260..270 => 200,
        270..302 => 201,
        alone => 300 + alone,
    };
    block << 20 | group
}

/// 16 sorted digests, of which documents of one cluster share 15.
fn digests(cluster: u64, document: u64) -> Vec<u8> {
    let mut digests: Vec<u32> = (0..15)
        .map(|number| mixed(cluster, 500 + number) as u32)
        .collect();
    digests.push(mixed(document, 700) as u32);
    digests.sort_unstable();
    digests.iter().flat_map(|digest| digest.to_le_bytes()).collect()
}

/// SplitMix64.
fn mixed(number: u64, seed: u64) -> u64 {
    let mut z = number
        .wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
