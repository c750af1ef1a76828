//! What fingerprints find among families of near-duplicates.
//!
//! ```text
//! cargo run --release -p gristmill-audio --example fingerprint_match -- TRUTH.json
//! ```
//!
//! TRUTH.json is written by `benches/audio_families.py`, or by the script of the media fixtures: it has path, family, transform
//! and dup (`base`, `exact`, `near`, `hard`) of each file. Prints, for each transform, how many copies share a key with their
//! base, how many match it and the mean bit error; then how many pairs of unrelated files match.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use arrow_array::{Array, BinaryViewArray, StringViewArray, cast::AsArray};
use gristmill_audio::{SIGNALS, fingerprint};
use gristmill_core::media;
use serde_json::Value;

/// Keys of a sound.
const KEYS: usize = 64;

struct Sound {
    family: String,
    transform: String,
    words: Vec<u32>,
    keys: Vec<u32>,
}

#[derive(Default)]
struct Tally {
    files: usize,
    met: usize,
    matched: usize,
    bit_error: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let truth = env::args().nth(1).ok_or("TRUTH.json")?;
    let folder = Path::new(&truth).parent().unwrap_or(Path::new("."));
    let truth: Value = serde_json::from_slice(&fs::read(&truth)?)?;
    let mut sounds = Vec::new();
    for file in truth["files"].as_array().ok_or("no files")? {
        let (Some(path), Some(family)) = (file["path"].as_str(), file["family"].as_str()) else {
            continue;
        };
        let Some(words) = words(&fs::read(folder.join(path))?)? else {
            println!("no fingerprint: {path}");
            continue;
        };
        sounds.push(Sound {
            family: family.to_owned(),
            transform: file["transform"].as_str().unwrap_or("base").to_owned(),
            keys: fingerprint::keys(&words, KEYS),
            words,
        });
    }
    let meet = |a: &Sound, b: &Sound| a.keys.iter().any(|key| b.keys.contains(key));
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for copy in sounds.iter().filter(|sound| sound.transform != "base") {
        let base = sounds
            .iter()
            .find(|sound| sound.transform == "base" && sound.family == copy.family);
        let Some(base) = base else { continue };
        let tally = tallies.entry(&copy.transform).or_default();
        tally.files += 1;
        tally.met += usize::from(meet(base, copy));
        if let Some(found) = fingerprint::overlap(&base.words, &copy.words) {
            tally.matched += usize::from(found.is_match());
            tally.bit_error += found.bit_error;
        }
    }
    println!("{:24} files  share a key  match  bit error of 32", "transform");
    for (name, tally) in &tallies {
        let mean = tally.bit_error / tally.files as f64;
        println!(
            "{name:24} {:5} {:12} {:6} {mean:16.2}",
            tally.files, tally.met, tally.matched
        );
    }
    let (mut pairs, mut met, mut matched) = (0, 0, 0);
    for (at, first) in sounds.iter().enumerate() {
        for second in sounds[at + 1..]
            .iter()
            .filter(|second| second.family != first.family)
        {
            pairs += 1;
            met += usize::from(meet(first, second));
            let found = fingerprint::overlap(&first.words, &second.words);
            matched += usize::from(found.is_some_and(|overlap| overlap.is_match()));
        }
    }
    println!("{pairs} pairs of unrelated files: {met} share a key, {matched} match");
    Ok(())
}

/// The words of a file's fingerprint.
fn words(bytes: &[u8]) -> Result<Option<Vec<u32>>, Box<dyn Error>> {
    let file = media(
        BinaryViewArray::from(vec![bytes]),
        StringViewArray::from(vec!["a"]),
    );
    let signal = SIGNALS[0];
    let measured = signal.measure(&[file], &["audio_fingerprint"])?;
    let at = signal
        .card()
        .outputs
        .iter()
        .position(|column| column.name == "audio_fingerprint");
    let texts = measured.columns[at.ok_or("no column")?].as_string_view();
    Ok(texts
        .is_valid(0)
        .then(|| fingerprint::decode(texts.value(0)))
        .flatten())
}
