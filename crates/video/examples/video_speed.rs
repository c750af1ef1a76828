//! Speed of reading, of key frames, of all frames and of what is measured of them.
//!
//! ```text
//! cargo run --release -p gristmill-video --example video_speed -- [--json] REPEATS FILES...
//! ```
//!
//! Prints seconds of CPU time per file, best of the repeats: reading headers; decoding key frames alone (`keys`); decoding them,
//! with all that the signal `keyframes` tells (`keyframes`); decoding all frames (`decode`); with all that `frames` tells
//! (`frames`); finding shots in frames that are decoded (`shots`, a frame). Everything runs in this process; `worker` is `keyframes` by a worker, its time included.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

mod support;

use std::{env, fs, io};

use gristmill_core::Limits;
use gristmill_video::{
    CODECS, Cuts, Detector, EXTRACTORS, Policy, Probe, SIGNALS, Scores, at_samples, play, read,
};
use gristmill_worker::{Workers, serve, use_workers};
use serde_json::json;

/// Frames of which shots are found again and again: few, for those that a decoder gives are in the processor's memory.
const FRAMES: usize = 6;

fn main() {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.is_empty() {
        // The worker: this program again.
        serve(CODECS, io::stdin().lock(), io::stdout().lock()).unwrap();
        return;
    }
    let as_json = arguments.first().is_some_and(|first| first == "--json");
    if as_json {
        arguments.remove(0);
    }
    let [repeats, files @ ..] = arguments.as_slice() else {
        return;
    };
    let repeats: usize = repeats.parse().unwrap();
    let limits = Limits::default();
    let mut rows = Vec::new();
    for path in files {
        let bytes = fs::read(path).unwrap();
        let video = EXTRACTORS[0].extract(&support::record(path), &[]).unwrap();
        let measure = |name: &str| {
            let signal = SIGNALS.iter().find(|signal| signal.card().name == name).unwrap();
            let wanted: Vec<&str> = signal.card().outputs.iter().map(|output| output.name).collect();
            let documents = signal.measure(&video.columns[..1], &wanted).unwrap();
            assert!(
                arrow_array::Array::is_null(&documents.faults, 0),
                "{}",
                documents.faults.value(0)
            );
        };
        let film = read(&bytes, &limits).unwrap();
        let track = film.video().unwrap();
        let keys = Policy::Keyframes {
            apart_ms: 0,
            most: u32::MAX,
        }
        .choose(track)
        .places;
        let probe = best(repeats, || {
            for _ in 0..100 {
                let film = read(&bytes, &limits).unwrap();
                Probe::of(&film).unwrap();
            }
        }) / 100.0;
        let keys_s = best(repeats, || {
            at_samples(&film, track, &keys, &limits, |_| ()).unwrap();
        });
        let keyframes = best(repeats, || measure("keyframes"));
        let decode = best(repeats, || {
            play(&film, track, &limits, |_| ()).unwrap();
        });
        let frames = best(repeats, || measure("all_frames"));
        let mut shown = Vec::new();
        play(&film, track, &limits, |next| {
            if shown.len() < FRAMES {
                shown.push(next.frame);
            }
        })
        .unwrap();
        let shots = best(repeats, || {
            let (mut scores, mut cuts) = (Scores::default(), Cuts::new(Detector::Content));
            for _ in 0..100 {
                shown.iter().for_each(|frame| cuts.take(0.0, scores.score(frame)));
            }
        }) / (100 * shown.len()) as f64;
        rows.push((
            path,
            track.codec.to_string(),
            track.times().len(),
            keys.len(),
            [probe, keys_s, keyframes, decode, frames, shots],
        ));
    }
    let workers = Workers::new(env::current_exe().unwrap(), Vec::<String>::new());
    workers.check().unwrap();
    let _ = use_workers(workers);
    for (path, codec, frames, keys, seconds) in rows {
        let video = EXTRACTORS[0].extract(&support::record(path), &[]).unwrap();
        let by_worker = |name: &str| {
            let signal = SIGNALS.iter().find(|signal| signal.card().name == name).unwrap();
            let wanted: Vec<&str> = signal.card().outputs.iter().map(|output| output.name).collect();
            best(repeats, || {
                signal.measure(&video.columns[..1], &wanted).unwrap();
            })
        };
        let (worker, frames_worker) = (by_worker("keyframes"), by_worker("all_frames"));
        let [probe, keys_s, keyframes, decode, all, shots] = seconds;
        if as_json {
            println!(
                "{}",
                json!({"path": path, "codec": codec, "frames": frames, "keys": keys, "probe": probe, "keys_s": keys_s,
                    "keyframes": keyframes, "decode": decode, "frames_s": all, "shots": shots, "worker": worker, "frames_worker": frames_worker})
            );
        } else {
            println!(
                "{codec:5} {frames:6} frames {keys:4} keys: probe {:.0} µs, keys {keys_s:.3} s, keyframes {keyframes:.3} s, worker {worker:.3} s, decode {decode:.3} s, frames {all:.3} s, shots {:.0} µs a frame  {path}",
                probe * 1e6,
                shots * 1e6
            );
        }
    }
}

/// Seconds of CPU time of this process and its children.
fn best(repeats: usize, mut run: impl FnMut()) -> f64 {
    let times = (0..repeats).map(|_| {
        let start = support::cpu_nanoseconds();
        run();
        (support::cpu_nanoseconds() - start) as f64 / 1e9
    });
    times.fold(f64::INFINITY, f64::min)
}
