//! Real files of many makers against what FFmpeg decodes of them.
//!
//! Of `valid` files in a codec that is compiled in, the number of frames and the cells of the first one have to agree; files of other
//! codecs have to say so; damaged ones must neither crash nor take long.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that prints a table"
)]

mod support;

use std::{collections::BTreeMap, time::Instant};

use gristmill_core::{Fault, FaultKind, Limits};
use gristmill_video::{Frame, Played, play, read};
use serde_json::Value;

/// Longest that a file may take, in seconds.
const SECONDS: f64 = 60.0;
/// How far the mean of a cell may be from FFmpeg's.
const CELL: u8 = 6;
/// How many files of a codec may disagree; which ones is printed. They are:
///
/// - H.264: two of 4:4:4.
/// - VP8: frames between key frames.
const MAY_DISAGREE: &[(&str, usize)] = &[("h264", 2), ("vp8", 2)];

#[derive(Default)]
struct Tally {
    files: usize,
    valid: usize,
    decoded: usize,
    damaged: usize,
    faults: usize,
    unsupported: usize,
    disagree: usize,
}

#[test]
fn real_files_decode_as_by_ffmpeg() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let limits = Limits::default();
    let mut tallies: BTreeMap<(String, String), Tally> = BTreeMap::new();
    let (mut notes, mut broken) = (Vec::new(), Vec::new());
    for (entry, bytes) in &entries {
        let expected = &entry["expected"];
        let Some(codec) = expected["codec"].as_str() else {
            let _ = decode(bytes, &limits);
            continue;
        };
        let path = entry["path"].as_str().unwrap();
        let start = Instant::now();
        let result = decode(bytes, &limits);
        let seconds = start.elapsed().as_secs_f64();
        if seconds > SECONDS {
            broken.push(format!("{path}: took {seconds:.1} s"));
        }
        let key = (codec.to_owned(), entry["format"].as_str().unwrap().to_owned());
        let tally = tallies.entry(key).or_default();
        tally.files += 1;
        let is_valid = expected["valid"].as_bool() == Some(true);
        tally.valid += usize::from(is_valid);
        match &result {
            Ok((_, played)) => {
                tally.decoded += 1;
                tally.damaged += usize::from(played.damaged > 0);
            }
            Err(fault) if fault.kind == FaultKind::Unsupported => tally.unsupported += 1,
            Err(fault) => {
                tally.faults += 1;
                if fault.kind == FaultKind::Internal {
                    broken.push(format!("{path}: {fault}"));
                }
            }
        }
        let is_compiled_in = !matches!(codec, "mpeg4" | "h263" | "flv1" | "mpeg2video");
        let problem = match &result {
            Ok((first, played)) if is_valid => difference(expected, first, played),
            Err(fault) if is_valid && is_compiled_in => Some(fault.to_string()),
            _ => None,
        };
        if let Some(problem) = problem {
            tally.disagree += 1;
            notes.push(format!("{path}: {problem}"));
        } else if !is_valid {
            println!(
                "{path}: {}",
                result.map_or_else(
                    |fault| fault.to_string(),
                    |(_, played)| format!("{} frames", played.frames)
                )
            );
        }
    }
    notes.iter().for_each(|note| println!("{note}"));
    println!(
        "{:10} {:5} files  valid  decoded  damaged  unsupported  faults  disagree",
        "codec", "in"
    );
    for ((codec, format), tally) in &tallies {
        println!(
            "{codec:10} {format:5} {:5} {:6} {:8} {:8} {:12} {:7} {:9}",
            tally.files,
            tally.valid,
            tally.decoded,
            tally.damaged,
            tally.unsupported,
            tally.faults,
            tally.disagree
        );
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    let mut by_codec: BTreeMap<&str, usize> = BTreeMap::new();
    for ((codec, _), tally) in &tallies {
        *by_codec.entry(codec).or_default() += tally.disagree;
    }
    for (codec, disagree) in by_codec {
        let allowed = MAY_DISAGREE
            .iter()
            .find(|(name, _)| *name == codec)
            .map_or(0, |(_, count)| *count);
        assert!(disagree <= allowed, "{codec}: {disagree} files disagree");
    }
}

/// The first frame and what came of playing.
fn decode(bytes: &[u8], limits: &Limits) -> Result<(Frame, Played), Fault> {
    let film = read(bytes, limits)?;
    let track = film.video().ok_or_else(|| Fault::unsupported("no pictures"))?;
    let mut first = None;
    let mut before = f64::NEG_INFINITY;
    let played = play(&film, track, limits, |shown| {
        assert!(shown.time_s >= before, "frames out of order");
        before = shown.time_s;
        first.get_or_insert(shown.frame);
    })?;
    Ok((first.unwrap(), played))
}

fn difference(expected: &Value, first: &Frame, played: &Played) -> Option<String> {
    if expected["frames"] != played.frames {
        let fault = played.fault.as_ref().map(ToString::to_string).unwrap_or_default();
        return Some(format!(
            "{} frames, not {} {fault}",
            played.frames, expected["frames"]
        ));
    }
    let picture = first.picture(u32::MAX, 0)?;
    let grid = expected["first_frame_grid8x8_rgba_hex"].as_str()?;
    let (width, height) = (picture.width as usize, picture.height as usize);
    let bounds = |cell: usize, side: usize| {
        let from = (cell * side / 8).min(side - 1);
        from..((cell + 1) * side / 8).max(from + 1)
    };
    for (cell, digits) in grid.as_bytes().chunks(8).enumerate() {
        let digits = u32::from_str_radix(std::str::from_utf8(digits).unwrap(), 16)
            .unwrap()
            .to_be_bytes();
        let mut sums = [0u64; 3];
        let mut count = 0;
        for y in bounds(cell / 8, height) {
            for x in bounds(cell % 8, width) {
                let pixel = &picture.pixels[(y * width + x) * 3..][..3];
                sums.iter_mut()
                    .zip(pixel)
                    .for_each(|(sum, value)| *sum += u64::from(*value));
                count += 1;
            }
        }
        for (sum, expected) in sums.iter().zip(digits) {
            let mean = ((sum + count / 2) / count) as u8;
            if mean.abs_diff(expected) > CELL {
                return Some(format!(
                    "colours of cell {cell} are {:?}, not {digits:?}",
                    sums.map(|sum| sum / count)
                ));
            }
        }
    }
    None
}
