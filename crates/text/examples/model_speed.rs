//! CPU time of models over documents.
//!
//! ```text
//! cargo run --release -p gristmill-text --example model_speed -- MODEL DOCUMENTS [REPEATS]
//! ```
//!
//! MODEL is a fastText model (`.bin`, `.ftz`), an n-gram language model whose name has `arpa` or `lm` in it, a
//! `tokenizer.json` by any name in `.json`, or `cl100k_base` for the built-in tokens; DOCUMENTS has one a line. Prints documents and MB per second of CPU time of one thread, the best of the repeats, and
//! a sum of what was found, so that other programs can be compared. `model_speed.py` does the same with the reference
//! implementations, and makes documents and fastText models to compare on.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use arrow_array::{ArrayRef, StringViewArray, cast::AsArray, types::Int64Type};
use bytes::Bytes;
use gristmill_core::Signal;
use gristmill_text::{
    MODELS, SIGNALS,
    model::{fasttext, ngram_lm},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: model_speed MODEL DOCUMENTS [REPEATS]";
    let model = arguments.next().ok_or(usage)?;
    let documents = fs::read_to_string(arguments.next().ok_or(usage)?)?;
    let repeats = arguments.next().map_or(Ok(5), |repeats| repeats.parse::<u32>())?;
    let documents: Vec<&str> = documents.lines().collect();

    if model == "cl100k_base" {
        let signal = SIGNALS
            .iter()
            .find(|signal| signal.card().name == "text_token_count");
        return measure_tokens(*signal.ok_or("no such signal")?, &documents, repeats);
    }
    let bytes = Bytes::from(fs::read(&model)?);
    let start = cpu_time();
    let name = Path::new(&model)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    if name.ends_with(".json") {
        let kind = MODELS.iter().find(|kind| kind.card().name == "tokenizer");
        let signal = kind.ok_or("no such kind")?.signal("it", bytes, None)?;
        println!("read in {:.3} s", (cpu_time() - start).as_secs_f64());
        measure_tokens(signal, &documents, repeats)?;
    } else if name.contains("arpa") || name.contains("lm") {
        let model = ngram_lm::Model::read(bytes)?;
        println!("read in {:.3} s", (cpu_time() - start).as_secs_f64());
        measure(&documents, repeats, |document| model.score(document).log10);
    } else {
        let model = fasttext::Model::read(bytes)?;
        println!("read in {:.3} s", (cpu_time() - start).as_secs_f64());
        let mut scratch = fasttext::Scratch::default();
        measure(&documents, repeats, |document| {
            let found = model.predict(document, 1, 0.0, &mut scratch);
            found.first().map_or(0.0, |found| f64::from(found.probability))
        });
    }
    Ok(())
}

fn measure_tokens(signal: &dyn Signal, documents: &[&str], repeats: u32) -> Result<(), Box<dyn Error>> {
    let texts: ArrayRef = Arc::new(StringViewArray::from(documents.to_vec()));
    signal.compute(&[texts])?;
    measure(documents, repeats, |document| {
        let text: ArrayRef = Arc::new(StringViewArray::from(vec![document]));
        let counts = signal.compute(&[text]).ok();
        counts.map_or(0.0, |counts| {
            counts[0].as_primitive::<Int64Type>().value(0) as f64
        })
    });
    Ok(())
}

fn measure(documents: &[&str], repeats: u32, mut judge: impl FnMut(&str) -> f64) {
    let mut best = Duration::MAX;
    let mut sum = 0.0;
    for _ in 0..repeats {
        let start = cpu_time();
        sum = documents.iter().map(|document| judge(document)).sum();
        best = best.min(cpu_time() - start);
    }
    let bytes: usize = documents.iter().map(|document| document.len()).sum();
    let seconds = best.as_secs_f64();
    println!(
        "{:.0} documents/s, {:.1} MB/s, sum {sum:.4}",
        documents.len() as f64 / seconds,
        bytes as f64 / 1e6 / seconds
    );
}

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
