//! What is measured does not depend on whether a worker measures it; a worker that crashes costs one request.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that tells when it is skipped"
)]

mod support;

use std::{env, ops::Range, path::PathBuf};

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
    let videos_of = |sizes: Range<usize>| {
        let files: Vec<Option<&[u8]>> = entries
            .iter()
            .filter(|(entry, bytes)| sizes.contains(&bytes.len()) && entry["expected"]["codec"].is_string())
            .map(|(_, bytes)| Some(bytes.as_slice()))
            .chain([None])
            .collect();
        extract(&files).columns[0].clone()
    };
    let videos = videos_of(0..60_000);
    // Of larger files the worker gets a part.
    let larger = videos_of(60_000..1_500_000);
    let names = ["keyframes", "all_frames", "sound_track"];
    let here: Vec<_> = names.iter().map(|name| measure(name, &videos)).collect();
    let larger_here = measure("keyframes", &larger);
    use_workers(Workers::new(child(), Vec::<String>::new())).unwrap();
    let larger_there = measure("keyframes", &larger);
    assert_eq!(larger_here.faults, larger_there.faults);
    for (one, two) in larger_here.columns.iter().zip(&larger_there.columns) {
        assert_eq!(&one.to_data(), &two.to_data());
    }
    println!("{} larger files", larger.len() - 1);
    assert!(larger.len() > 10);
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
