//! Real files of many makers against what FFmpeg decoded of them.
//!
//! `valid` files in a format that is read have to decode to the same rate, channels, number of samples and root mean square;
//! files that the reference refuses have to give a fault or be marked as truncated; the others must not crash. Of videos
//! the sound is compared.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that prints a table"
)]

mod support;

use std::{collections::BTreeMap, fs, time::Instant};

use gristmill_audio::{Header, Sound, probe};
use gristmill_core::{Fault, FaultKind, Limits};
use serde_json::Value;

/// Files that disagree for a reason, by the end of their path:
///
/// - an Opus file that is louder than full scale: `ropus` works in 16 bits and clips, FFmpeg does not;
/// - layer II in one channel at bitrates that the standard forbids there: symphonia refuses them.
const MAY_DISAGREE: &[&str] = &[
    "tika__testOPUS.opus",
    "media__sample_h262_mpeg_audio.ts",
    "media__sample_h264_mpeg_audio.ts",
];

/// Longest that a file may take, in seconds.
const SECONDS: f64 = 5.0;
/// Samples that gapless trimming may differ by.
const SAMPLES: u64 = 2400;

#[derive(Default)]
struct Tally {
    files: usize,
    valid: usize,
    decoded: usize,
    truncated: usize,
    faults: usize,
    unsupported: usize,
    disagree: usize,
}

/// What was decoded of a file.
struct Decoded {
    header: Header,
    frames: u64,
    rms: Vec<f64>,
    is_truncated: bool,
}

fn decode(bytes: &[u8]) -> Result<Decoded, Fault> {
    let mut sound = Sound::open(bytes, &Limits::default())?;
    let header = sound.header().clone();
    let mut squares = vec![0.0; usize::from(header.channels)];
    while let Some(block) = sound.next_block()? {
        for (sum, plane) in squares.iter_mut().zip(block.planes()) {
            *sum += plane.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>();
        }
    }
    let frames = sound.frames();
    Ok(Decoded {
        header,
        frames,
        rms: squares
            .iter()
            .map(|sum| (sum / frames.max(1) as f64).sqrt())
            .collect(),
        is_truncated: sound.is_truncated(),
    })
}

#[test]
fn real_files_decode_as_elsewhere() {
    let Some((folder, lines)) = support::manifest() else {
        return;
    };
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let (mut notes, mut broken, mut disagreeing) = (Vec::new(), Vec::new(), Vec::new());
    for entry in &lines {
        let path = entry["path"].as_str().unwrap();
        let bytes = fs::read(folder.join(path)).unwrap();
        let is_video = entry["kind"] == "video";
        let expected = if is_video {
            &entry["expected"]["audio"]
        } else {
            &entry["expected"]
        };
        if is_video && expected.is_null() {
            let _ = decode(&bytes);
            continue;
        }
        let valid = entry["expected"]["valid"].as_bool();
        let start = Instant::now();
        let result = decode(&bytes);
        let probed = probe(&bytes, &Limits::default());
        let seconds = start.elapsed().as_secs_f64();
        if seconds > SECONDS {
            broken.push(format!("{path}: took {seconds:.1} s"));
        }
        let name = format!(
            "{}/{}",
            entry["format"].as_str().unwrap_or("?"),
            expected["codec"].as_str().unwrap_or("none")
        );
        let tally = tallies.entry(name.clone()).or_default();
        tally.files += 1;
        tally.valid += usize::from(valid == Some(true));
        match &result {
            Ok(decoded) => {
                tally.decoded += 1;
                tally.truncated += usize::from(decoded.is_truncated);
                let (header, _) = probed.as_ref().unwrap();
                if header
                    .frames
                    .is_some_and(|frames| frames.abs_diff(decoded.frames) > 1200)
                {
                    notes.push(format!(
                        "{name} {path}: probed {:?}, decoded {}",
                        header.frames, decoded.frames
                    ));
                }
            }
            Err(fault) => {
                tally.faults += 1;
                tally.unsupported += usize::from(fault.kind == FaultKind::Unsupported);
                if fault.kind == FaultKind::Internal {
                    broken.push(format!("{path}: {fault}"));
                }
            }
        }
        if let Some(problem) = disagreement(valid, expected, &result) {
            let is_unsupported = matches!(&result, Err(fault) if fault.kind == FaultKind::Unsupported);
            notes.push(format!("{name} {path}: {problem}"));
            if !is_unsupported && !MAY_DISAGREE.iter().any(|end| path.ends_with(end)) {
                tally.disagree += 1;
                disagreeing.push(path);
            }
        }
    }
    notes.iter().for_each(|note| println!("{note}"));
    println!(
        "{:24} files  valid  decoded  truncated  faults  unsupported  disagree",
        "format/codec"
    );
    for (name, tally) in &tallies {
        println!(
            "{name:24} {:5} {:6} {:8} {:10} {:7} {:12} {:9}",
            tally.files,
            tally.valid,
            tally.decoded,
            tally.truncated,
            tally.faults,
            tally.unsupported,
            tally.disagree
        );
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(disagreeing.is_empty(), "{}", disagreeing.join("\n"));
}

/// What is wrong with `result`; none where it is as expected.
fn disagreement(valid: Option<bool>, expected: &Value, result: &Result<Decoded, Fault>) -> Option<String> {
    match (valid?, result) {
        (true, Err(fault)) if expected["decoded_samples"].as_u64().unwrap_or(0) > 0 => {
            Some(fault.to_string())
        }
        (true, Ok(decoded)) => difference(expected, decoded),
        (false, Ok(decoded)) if !decoded.is_truncated => Some("decoded, but others refuse it".to_owned()),
        _ => None,
    }
}

fn difference(expected: &Value, decoded: &Decoded) -> Option<String> {
    let header = &decoded.header;
    let rate = expected["sample_rate"].as_u64().unwrap_or(0);
    if rate > 0 && rate != u64::from(header.sample_rate) {
        return Some(format!("rate of {}, not {rate}", header.sample_rate));
    }
    let channels = expected["channels"].as_u64().unwrap_or(0);
    if channels > 0 && channels != u64::from(header.channels) {
        return Some(format!("{} channels, not {channels}", header.channels));
    }
    let samples = expected["decoded_samples"].as_u64()?;
    if samples.abs_diff(decoded.frames) > if header.codec.is_lossless() { 0 } else { SAMPLES } {
        return Some(format!("{} samples, not {samples}", decoded.frames));
    }
    let rms: Vec<f64> = expected["rms"]
        .as_array()?
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    // What is trimmed off differs: over the same samples the power must agree.
    let share = (samples as f64 / decoded.frames.max(1) as f64).sqrt();
    let worst = rms
        .iter()
        .zip(&decoded.rms)
        .map(|(expected, found)| {
            let distance = (expected - found).abs().min((expected * share - found).abs());
            (distance - 2e-5) / expected.max(1e-4)
        })
        .fold(0.0, f64::max);
    (worst > 0.03).then(|| format!("rms of {:?}, not {rms:?}", decoded.rms))
}
