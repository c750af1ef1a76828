//! What is measured does not depend on whether a worker measures it; a worker that crashes costs one request.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that tells when it is skipped"
)]

mod support;

use std::{env, path::PathBuf};

use arrow_array::Array;
use gristmill_worker::{Workers, use_workers, workers};
use support::signals::{extract, measure};

/// The example beside the tests, which cargo builds with all of them.
fn child() -> PathBuf {
    let test = env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let child = target
        .join("examples")
        .join(format!("video_worker{}", env::consts::EXE_SUFFIX));
    assert!(
        child.is_file(),
        "cargo build --example video_worker has to come first where tests are run alone"
    );
    child
}

#[test]
fn a_worker_measures_the_same() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let is_small = |bytes: &Vec<u8>| bytes.len() < 60_000;
    let files: Vec<Option<&[u8]>> = entries
        .iter()
        .filter(|(entry, bytes)| is_small(bytes) && entry["expected"]["codec"].is_string())
        .map(|(_, bytes)| Some(bytes.as_slice()))
        .chain([None])
        .collect();
    let videos = extract(&files).columns[0].clone();
    let names = ["keyframes", "all_frames", "sound_track"];
    let here: Vec<_> = names.iter().map(|name| measure(name, &videos)).collect();
    use_workers(Workers::new(child(), Vec::<String>::new())).unwrap();
    for (name, here) in names.iter().zip(&here) {
        let there = measure(name, &videos);
        assert_eq!(here.faults, there.faults, "{name}");
        for (one, two) in here.columns.iter().zip(&there.columns) {
            assert_eq!(&one.to_data(), &two.to_data(), "{name}");
        }
        let measured = (0..videos.len())
            .filter(|&row| here.columns[0].is_valid(row))
            .count();
        println!("{name}: {measured} of {} files", videos.len());
        assert!(measured > 5);
    }
    // A crash, and the next request.
    let fault = workers().unwrap().call(100, &[b"x"], 10).unwrap_err();
    assert!(fault.to_string().starts_with("internal"), "{fault}");
    assert_eq!(measure("keyframes", &videos).faults, here[0].faults);
}
