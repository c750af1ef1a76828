//! Real files of many makers against what ffprobe says of them.
//!
//! Of `valid` files with pictures the codec, size, length, frames and key frames have to agree; the others must not crash.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that prints a table"
)]

mod support;

use std::{collections::BTreeMap, time::Instant};

use gristmill_core::{Fault, FaultKind, Limits};
use gristmill_video::{Film, Probe, read};
use serde_json::Value;

/// Longest that a file may take, in seconds.
const SECONDS: f64 = 1.0;

#[derive(Default)]
struct Tally {
    files: usize,
    valid: usize,
    read: usize,
    faults: usize,
    disagree: usize,
}

#[test]
fn real_files_say_what_ffprobe_says() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let limits = Limits::default();
    let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
    let (mut notes, mut broken) = (Vec::new(), Vec::new());
    for (entry, bytes) in &entries {
        let path = entry["path"].as_str().unwrap();
        let start = Instant::now();
        let film = read(bytes, &limits);
        let probe = film.as_ref().map_err(Fault::clone).and_then(Probe::of);
        if start.elapsed().as_secs_f64() > SECONDS {
            broken.push(format!("{path}: took {:?}", start.elapsed()));
        }
        let expected = &entry["expected"];
        let codec = expected["codec"].as_str().unwrap_or("(no pictures)").to_owned();
        let format = entry["format"].as_str().unwrap().to_owned();
        let tally = tallies.entry((format, codec)).or_default();
        tally.files += 1;
        let is_valid = expected["valid"].as_bool() == Some(true);
        tally.valid += usize::from(is_valid);
        match &probe {
            Ok(_) => tally.read += 1,
            Err(fault) => {
                tally.faults += 1;
                if fault.kind == FaultKind::Internal {
                    broken.push(format!("{path}: {fault}"));
                }
            }
        }
        let problems = if is_valid && expected["codec"].is_string() {
            match (&film, &probe) {
                (Ok(film), Ok(probe)) => differences(expected, film, probe),
                (_, Err(fault)) => vec![fault.to_string()],
                (Err(fault), _) => vec![fault.to_string()],
            }
        } else {
            Vec::new()
        };
        if !problems.is_empty() {
            tally.disagree += 1;
            notes.push(format!("{path}: {}", problems.join("; ")));
        } else if !is_valid {
            println!(
                "{path}: {}",
                probe
                    .as_ref()
                    .map_or_else(Fault::to_string, |probe| format!("{} frames", probe.frame_count))
            );
        }
    }
    notes.iter().for_each(|note| println!("{note}"));
    println!(
        "{:6} {:14} files  valid   read  faults  disagree",
        "format", "codec"
    );
    for ((format, codec), tally) in &tallies {
        println!(
            "{format:6} {codec:14} {:5} {:6} {:6} {:7} {:9}",
            tally.files, tally.valid, tally.read, tally.faults, tally.disagree
        );
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(notes.len() <= MAY_DISAGREE, "{} files disagree", notes.len());
}

/// How many files may disagree; which ones is printed. They are two fragmented files: one whose offsets of composition below 0 are
/// taken for large ones there, and one that starts at 10 seconds, which are counted there.
const MAY_DISAGREE: usize = 2;

fn differences(expected: &Value, film: &Film<'_>, probe: &Probe) -> Vec<String> {
    let mut found = Vec::new();
    let stored = film.video().unwrap().video;
    let mut check = |name: &str, ours: &str, is_same: bool| {
        if !is_same {
            found.push(format!("{name} {ours}, not {}", expected[name]));
        }
    };
    check("codec", &probe.codec, expected["codec"] == probe.codec.as_str());
    check(
        "width",
        &stored.width.to_string(),
        expected["width"] == stored.width,
    );
    check(
        "height",
        &stored.height.to_string(),
        expected["height"] == stored.height,
    );
    check(
        "frames",
        &probe.frame_count.to_string(),
        expected["frames"] == probe.frame_count,
    );
    if let Some(profile) = expected["profile"].as_str() {
        let ours = probe.profile.clone().unwrap_or_default();
        check("profile", &ours, ours == profile);
    }
    if let Some(seconds) = expected["duration_s"].as_f64() {
        let ours = probe.duration_s.unwrap_or(0.0);
        check(
            "duration_s",
            &format!("{ours:.4}"),
            (ours - seconds).abs() <= (seconds * 0.01).max(0.05),
        );
    }
    let times: Vec<Option<f64>> = expected["keyframe_pts_s"]
        .as_array()
        .unwrap()
        .iter()
        .map(Value::as_f64)
        .collect();
    let ours = &probe.keyframes_s[..probe.keyframes_s.len().min(200)];
    let is_same = times.len() == ours.len()
        && times
            .iter()
            .zip(ours)
            .all(|(time, ours)| time.is_none_or(|time| (time - ours).abs() < 0.002));
    check("keyframe_pts_s", &format!("{ours:.4?}"), is_same);
    found
}
