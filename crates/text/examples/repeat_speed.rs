//! CPU time and memory of finding what texts repeat of each other.
//!
//! ```text
//! cargo run --release -p gristmill-text --example repeat_speed -- texts.jsonl.gz [megabytes] [part]
//! ```
//!
//! Reads the strings named `text` or `gold_text` of JSON lines, gzipped or not. If they are fewer than `megabytes`
//! (64), they are read again and again, with every twelfth word or so exchanged for another. Prints MB of UTF-8 per
//! second of CPU time of one thread for each part, or for those whose name starts with `part`, and the peak of resident
//! memory so far: run one part alone to see its own.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    env,
    error::Error,
    fs,
    io::Read,
    sync::LazyLock,
    time::{Duration, Instant},
};

use flate2::read::MultiGzDecoder;
use gristmill_text::repeat::{
    lines::{LineUnit, Normal, units},
    ngrams::{DEFAULT_WORDS, FirstOwner, HASHES, NgramKeys, NgramUnit, ngram_keys},
    substrings::repeated_substrings,
    without,
};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: repeat_speed FILE [MEGABYTES] [PART]")?;
    let megabytes = arguments.next().map_or(Ok(64), |megabytes| megabytes.parse())?;
    let part = arguments.next().unwrap_or_default();
    let texts = changed(&read_texts(&path)?, megabytes * 1_000_000);
    let bytes = texts.iter().map(String::len).sum();
    let bench = Bench { part, bytes };
    println!(
        "{} documents, {:.1} MB, {}",
        texts.len(),
        bytes as f64 / 1e6,
        peak()
    );

    for unit in [LineUnit::Line, LineUnit::Paragraph, LineUnit::Sentences(3)] {
        for normal in [Normal::Exact, Normal::Loose] {
            bench.run(&format!("units {unit:?} {normal:?}"), || {
                let mut found = Vec::new();
                for text in &texts {
                    units(text, unit, normal, 10, &mut found);
                }
                format!("{} units", found.len())
            });
        }
    }

    let table = FirstOwner::with_bytes(if bench.has("ngrams") { bytes * 6 } else { 0 })
        .expect("there is memory for the filter");
    let mut keys = NgramKeys::default();
    bench.run("ngrams keys", || {
        let mut found = 0;
        for text in &texts {
            ngram_keys(text, NgramUnit::Line, DEFAULT_WORDS, &mut keys);
            found += keys.keys().len();
        }
        format!("{found} n-grams")
    });
    bench.run("ngrams keys and add", || {
        for (order, text) in texts.iter().enumerate() {
            ngram_keys(text, NgramUnit::Line, DEFAULT_WORDS, &mut keys);
            table.add(order as u32, keys.keys());
        }
        format!("{:.4} false positives", table.filled().powi(HASHES as i32))
    });
    bench.run("ngrams keys and look up", || {
        let mut repeated = Vec::new();
        for (order, text) in texts.iter().enumerate() {
            ngram_keys(text, NgramUnit::Line, DEFAULT_WORDS, &mut keys);
            table.repeated_parts(order as u32, &keys, 0.8, &mut repeated);
        }
        format!("{} lines", repeated.len())
    });
    drop(table);

    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut ranges = Vec::new();
    bench.run("substrings", || match repeated_substrings(&texts, 100, true) {
        Ok(found) => {
            ranges = found;
            format!("{} ranges", ranges.iter().map(Vec::len).sum::<usize>())
        }
        Err(error) => error.to_string(),
    });
    if !ranges.is_empty() {
        bench.run("substrings removed", || {
            let left = texts
                .iter()
                .zip(&ranges)
                .map(|(text, ranges)| without(text, ranges).len());
            format!("{:.1} MB left", left.sum::<usize>() as f64 / 1e6)
        });
    }
    Ok(())
}

struct Bench {
    part: String,
    bytes: usize,
}

impl Bench {
    fn has(&self, name: &str) -> bool {
        name.starts_with(&self.part) || self.part.starts_with(name)
    }

    /// Runs a part if it was asked for and prints its speed and what it found.
    fn run(&self, name: &str, part: impl FnOnce() -> String) {
        if !name.starts_with(&self.part) {
            return;
        }
        let start = cpu_time();
        let found = part();
        let seconds = (cpu_time() - start).as_secs_f64();
        let speed = self.bytes as f64 / 1e6 / seconds;
        println!("{name:>26} {speed:>8.1} MB/s {found:>24} {}", peak());
    }
}

/// Texts of at least so many bytes: those given, then again with some words exchanged.
fn changed(texts: &[String], bytes: usize) -> Vec<String> {
    let mut all = texts.to_vec();
    let mut length: usize = texts.iter().map(String::len).sum();
    let mut state = 1u64;
    let mut random = move |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    while length < bytes && length > 0 {
        for text in texts {
            let mut words: Vec<&str> = text.split(' ').collect();
            for at in 0..words.len() {
                if random(12) == 0 {
                    words[at] = words[random(words.len())];
                }
            }
            let text = words.join(" ");
            length += text.len();
            all.push(text);
        }
    }
    all
}

/// Peak resident memory where Linux tells it.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    format!("peak {}", peak.map_or("unknown", str::trim))
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
    let mut texts = Vec::new();
    for line in std::str::from_utf8(&bytes)?.lines() {
        let record: Value = serde_json::from_str(line)?;
        let mut fields = ["text", "gold_text"].into_iter();
        texts.extend(fields.find_map(|field| record[field].as_str().map(str::to_owned)));
    }
    Ok(texts)
}
