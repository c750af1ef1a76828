//! CPU time of words, and of all that datatrove's four text filters look at.
//!
//! ```text
//! cargo run --release -p gristmill-text --example filter_speed -- gold.jsonl.gz [repeats]
//! ```
//!
//! Reads the strings named `text` or `gold_text` of JSON lines, gzipped or not, into batches of 64 and prints
//! documents and MB of UTF-8 per second of CPU time of one thread, mean of the repeats.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    io::Read,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use arrow_array::{ArrayRef, StringViewArray};
use flate2::read::MultiGzDecoder;
use gristmill_core::Card;
use gristmill_text::{EDITS, SIGNALS};
use serde_json::Value;

type Columns = HashMap<&'static str, ArrayRef>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("usage: filter_speed FILE [REPEATS]")?;
    let repeats = arguments.next().map_or(Ok(5), |repeats| repeats.parse::<u32>())?;
    let texts = read_texts(&path)?;
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} documents, {:.1} MB", texts.len(), bytes as f64 / 1e6);

    let batches = texts.chunks(64).map(|batch| {
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(batch));
        Columns::from([("text", texts)])
    });
    let batches: Vec<Columns> = batches.collect();
    let mut sums: Vec<(&str, Duration)> = Vec::new();
    for _ in 0..repeats {
        for (place, (step, time)) in run(batches.clone())?.into_iter().enumerate() {
            match sums.get_mut(place) {
                Some((_, sum)) => *sum += time,
                None => sums.push((step, time)),
            }
        }
    }
    let total: Duration = sums.iter().map(|(_, time)| *time).sum();
    sums.push(("all", total));
    for (step, time) in sums {
        let seconds = time.as_secs_f64() / f64::from(repeats);
        let (documents, megabytes) = (texts.len() as f64 / seconds, bytes as f64 / 1e6 / seconds);
        println!("{step:>20} {documents:>10.0} documents/s {megabytes:>8.0} MB/s");
    }
    Ok(())
}

/// The steps of FineWeb's chain, as if nothing were rejected: Gopher's signals, the edit, FineWeb's signals. Each
/// with the time that it took over all batches.
fn run(mut batches: Vec<Columns>) -> Result<Vec<(&'static str, Duration)>, Box<dyn Error>> {
    let steps = [
        "words",
        "line_repetition",
        "ngram_repetition",
        "word_kinds",
        "symbol_ratios",
        "line_marks",
        "c4_lines",
        "line_shapes",
    ];
    let mut times = Vec::new();
    for step in steps {
        let start = cpu_time();
        for columns in &mut batches {
            compute(step, columns)?;
        }
        times.push((step, cpu_time() - start));
    }
    Ok(times)
}

fn compute(step: &str, columns: &mut Columns) -> Result<(), Box<dyn Error>> {
    let inputs = |card: &Card| -> Vec<ArrayRef> {
        card.inputs
            .iter()
            .map(|input| columns[input.name].clone())
            .collect()
    };
    let (card, outputs) = if let Some(signal) = SIGNALS.iter().find(|signal| signal.card().name == step) {
        (signal.card(), signal.compute(&inputs(signal.card()))?)
    } else {
        let edit = EDITS.iter().find(|edit| edit.card().name == step);
        let edit = edit.ok_or("no such step")?;
        (edit.card(), edit.edit(&inputs(edit.card()))?)
    };
    columns.extend(card.outputs.iter().map(|output| output.name).zip(outputs));
    Ok(())
}

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn read_texts(path: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut bytes = fs::read(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain)?;
        bytes = plain;
    }
    let lines = std::str::from_utf8(&bytes)?.lines();
    let text = |line| -> Result<Option<String>, serde_json::Error> {
        let record: Value = serde_json::from_str(line)?;
        let fields = ["text", "gold_text"].into_iter();
        Ok(fields
            .filter_map(|field| record[field].as_str())
            .next()
            .map(str::to_owned))
    };
    Ok(lines
        .map(text)
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect())
}
