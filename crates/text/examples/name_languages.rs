//! Languages of documents and the CPU time that naming them takes.
//!
//! ```text
//! cargo run --release -p gristmill-text --example name_languages -- DOCUMENTS [LID_MODEL] > ANSWERS
//! ```
//!
//! DOCUMENTS are JSON lines with a string named `text`. Writes `["en",0.98]` a line, by `text_language` or by a fastText
//! model such as `lid.176.ftz`, and the microseconds per document of one thread to standard error.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::{env, error::Error, fs, sync::Arc};

use arrow_array::{ArrayRef, StringViewArray, cast::AsArray, types::Float64Type};
use gristmill_text::{MODELS, SIGNALS};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let documents = fs::read_to_string(
        arguments
            .next()
            .ok_or("usage: name_languages DOCUMENTS [LID_MODEL]")?,
    )?;
    let texts = documents.lines().map(|line| {
        let document: Value = serde_json::from_str(line)?;
        Ok::<_, serde_json::Error>(document["text"].as_str().unwrap_or_default().to_owned())
    });
    let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(
        texts.collect::<Result<Vec<_>, _>>()?,
    ));
    let signal = match arguments.next() {
        Some(model) => {
            let kind = MODELS.iter().find(|kind| kind.card().name == "fasttext");
            kind.ok_or("no such kind")?
                .signal("lid", fs::read(model)?.into(), None)?
        }
        None => {
            let signal = SIGNALS
                .iter()
                .find(|signal| signal.card().name == "text_language");
            *signal.ok_or("no such signal")?
        }
    };
    let start = cpu_nanoseconds();
    let columns = signal.compute(std::slice::from_ref(&texts))?;
    let nanoseconds = cpu_nanoseconds() - start;
    eprintln!(
        "{:.0} µs a document",
        nanoseconds as f64 / 1e3 / texts.len() as f64
    );
    let scores = columns[1].as_primitive::<Float64Type>();
    for (label, score) in columns[0].as_string_view().iter().zip(scores) {
        println!("{}", json!([label, score]));
    }
    Ok(())
}

/// CPU time of this thread, as Linux tells it.
fn cpu_nanoseconds() -> u64 {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedule
        .split(' ')
        .next()
        .and_then(|field| field.parse().ok())
        .unwrap_or_default()
}
