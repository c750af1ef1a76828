//! CPU time of fingerprints.
//!
//! ```text
//! cargo run --release -p gristmill-text --example fingerprint_speed -- [gold.jsonl.gz [repeats]]
//! ```
//!
//! Reads the strings named `text` or `gold_text` of JSON lines, gzipped or not; without a file it makes 2,000
//! documents of about 2.2 kB. Prints documents per second of CPU time of one thread, mean of the repeats, for each
//! step by itself and for all that a signature takes.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    env,
    error::Error,
    fs,
    hint::black_box,
    io::Read,
    sync::LazyLock,
    time::{Duration, Instant},
};

use flate2::read::MultiGzDecoder;
use gristmill_text::fingerprint::{MinHash, ShingleHash, Shingler, Unit, common, digests, simhash, simplify};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let texts = arguments
        .next()
        .map_or_else(|| Ok(made_up()), |path| read_texts(&path))?;
    let repeats = arguments
        .next()
        .map_or(Ok(20), |repeats| repeats.parse::<u32>())?;
    let bytes: usize = texts.iter().map(String::len).sum();
    println!(
        "{} documents of {} bytes in the mean",
        texts.len(),
        bytes / texts.len().max(1)
    );

    let report = |step: &str, work: &mut dyn FnMut()| {
        // The clock may tick as slowly as every 4 ms: the sum of all repeats is what it can measure.
        let start = cpu_time();
        (0..repeats).for_each(|_| work());
        let mean = (cpu_time() - start).as_secs_f64() / f64::from(repeats);
        println!(
            "{step:>28} {:>10.0} documents/s {:>8.0} MB/s",
            texts.len() as f64 / mean,
            bytes as f64 / 1e6 / mean
        );
    };

    let mut simplified = String::new();
    report("simplify", &mut || {
        for text in &texts {
            simplify(text, &mut simplified);
            black_box(&simplified);
        }
    });
    for (name, unit, n, hash) in [
        ("xxh64", Unit::Words, 5, ShingleHash::Xxh64),
        ("sha1", Unit::Words, 5, ShingleHash::Sha1),
        ("xxh64 of 24 chars", Unit::Characters, 24, ShingleHash::Xxh64),
    ] {
        let mut shingler = Shingler::new(unit, n, hash);
        let min_hash = MinHash::new(112, 1);
        let mut all: Vec<Vec<u64>> = vec![Vec::new(); texts.len()];
        report(&format!("{name}: shingles"), &mut || {
            for (text, shingles) in texts.iter().zip(&mut all) {
                shingler.shingles(text, shingles);
            }
        });
        let mut signature = [0; 112];
        report(&format!("{name}: signature"), &mut || {
            for shingles in &all {
                min_hash.signature(shingles, &mut signature);
                black_box(&signature);
            }
        });
        let mut sets: Vec<Vec<u32>> = vec![Vec::new(); texts.len()];
        report(&format!("{name}: digests"), &mut || {
            for (shingles, set) in all.iter().zip(&mut sets) {
                digests(shingles, set);
            }
        });
        report(&format!("{name}: common"), &mut || {
            for pair in sets.windows(2) {
                black_box(common(&pair[0], &pair[1]));
            }
        });
        report(&format!("{name}: simhash"), &mut || {
            for shingles in &all {
                black_box(simhash(shingles));
            }
        });
        let mut shingles = Vec::new();
        report(&format!("{name}: text to signature"), &mut || {
            for text in &texts {
                shingler.shingles(text, &mut shingles);
                min_hash.signature(&shingles, &mut signature);
                black_box(&signature);
            }
        });
    }
    Ok(())
}

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Documents of sentences of English words, with a number, a quotation or an apostrophe now and then.
fn made_up() -> Vec<String> {
    const WORDS: [&str; 32] = [
        "the",
        "of",
        "and",
        "to",
        "in",
        "a",
        "is",
        "that",
        "mill",
        "water",
        "stone",
        "grain",
        "flour",
        "when",
        "turned",
        "slowly",
        "between",
        "don't",
        "cannot",
        "miller's",
        "1,250",
        "42",
        "“quoted”",
        "café",
        "harvest",
        "autumn",
        "machinery",
        "described",
        "through",
        "wooden",
        "because",
        "well-known",
    ];
    let mut state = 1u64;
    let mut random = move |most: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % most
    };
    let mut document = || {
        let mut text = String::new();
        while text.len() < 2200 {
            for place in 0..6 + random(14) {
                text.push_str(if place > 0 { " " } else { "" });
                // Skewed to the front, as words are.
                let (one, other) = (random(32), random(32));
                text.push_str(WORDS[one.min(other) as usize]);
            }
            text.push_str(if random(5) == 0 { ".\n\n" } else { ". " });
        }
        text
    };
    (0..2000).map(|_| document()).collect()
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
        let text = ["text", "gold_text"]
            .iter()
            .find_map(|field| record[*field].as_str());
        texts.extend(text.map(str::to_owned));
    }
    Ok(texts)
}
