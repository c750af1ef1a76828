//! Shard writing beside plain `ArrowWriter`: the same rows, the same encoding, in memory, one thread.
//!
//! ```text
//! cargo run --release -p gristmill-shard --example write_shards -- TEXTS.parquet [RUNS]
//! ```
//!
//! Prints MiB of text per CPU second for both, and their ratio. The texts are read into memory first.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{fs::File, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, AsArray, RecordBatch, StringViewArray},
    compute::cast,
    datatypes::DataType,
};
use gristmill_shard::{ShardOptions, ShardWriter, Store};
use object_store::{memory::InMemory, path::Path};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
    schema::types::ColumnPath,
};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = File::open(arguments.next().expect("a Parquet file with a column `text`")).unwrap();
    let runs: usize = arguments.next().map_or(5, |runs| runs.parse().unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .with_batch_size(256)
        .build()
        .unwrap();
    let mut batches = Vec::new();
    let mut bytes = 0;
    for batch in reader {
        let batch = batch.unwrap();
        let pick = |name: &str| cast(batch.column_by_name(name).unwrap(), &DataType::Utf8View).unwrap();
        let (id, text): (ArrayRef, ArrayRef) = (pick("id"), pick("text"));
        bytes += text
            .as_string_view()
            .iter()
            .flatten()
            .map(str::len)
            .sum::<usize>();
        let text: StringViewArray = text.as_string_view().gc();
        batches.push(RecordBatch::try_from_iter([("id", id), ("text", Arc::new(text) as ArrayRef)]).unwrap());
    }
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    println!("{rows} rows, {:.1} MiB of text", bytes as f64 / 1048576.0);
    let runtime = runtime();
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let started = cpu_seconds();
        let store = Store::new(Arc::new(InMemory::new()), Path::default(), "memory:///");
        runtime.block_on(async {
            let mut writer = ShardWriter::new("data", 0, &batches[0].schema(), ShardOptions::default());
            for batch in &batches {
                writer.write(batch, &store).await.unwrap();
            }
            writer.finish(&store).await.unwrap();
        });
        ours.push(cpu_seconds() - started);
        let started = cpu_seconds();
        let text = ColumnPath::from("text");
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
            .set_column_dictionary_enabled(text, false)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batches[0].schema(), Some(properties)).unwrap();
        for batch in &batches {
            writer.write(batch).unwrap();
        }
        writer.close().unwrap();
        plain.push(cpu_seconds() - started);
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (ours, plain) = (median(&mut ours), median(&mut plain));
    let rate = |seconds: f64| bytes as f64 / 1048576.0 / seconds;
    println!(
        "shards {:.0} MiB/s, plain ArrowWriter {:.0} MiB/s, ratio {:.2}",
        rate(ours),
        rate(plain),
        plain / ours
    );
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// CPU seconds of this thread so far (Linux): what else runs on the machine does not show.
fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells CPU time");
    told.split(' ')
        .next()
        .and_then(|nanos| nanos.parse::<f64>().ok())
        .expect("a number comes first")
        / 1e9
}
