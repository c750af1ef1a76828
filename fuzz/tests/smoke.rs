//! Every target for a moment: what was found once, and the first changes of its seeds.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{
    collections::HashSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use gristmill_fuzz::{TARGETS, change, seeds};

/// Changed seeds of each target.
const INPUTS: u64 = 128;

/// Runs the targets whose names begin so.
fn smoke(modality: &str) {
    let has_fixtures = seeds::fixtures().is_dir();
    if !has_fixtures {
        eprintln!("no fixtures at {}: few seeds", seeds::fixtures().display());
    }
    let mut mistakes = Vec::new();
    for target in TARGETS.iter().filter(|target| target.name.starts_with(modality)) {
        let mut paths = Vec::new();
        seeds::below(&seeds::own("found").join(target.name), &mut paths).unwrap();
        let found = paths
            .iter()
            .map(|path| (path.display().to_string(), fs::read(path).unwrap()));
        let seeds = seeds::of(target, &seeds::fixtures(), None).unwrap();
        let is_seeded = seeds.iter().any(|seed| !seed.is_empty());
        assert!(is_seeded || !has_fixtures, "{} has seeds", target.name);
        // The seeds as they are have the first numbers.
        let first = seeds.len() as u64;
        let changed =
            (first..first + INPUTS).map(|number| (format!("input {number}"), change::input(&seeds, number)));
        for (name, input) in found.chain(changed) {
            if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
                mistakes.push(format!("{}: {name}", target.name));
            }
        }
    }
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

#[cfg(feature = "source")]
#[test]
fn formats_hold() {
    smoke("source_");
}

#[cfg(feature = "text")]
#[test]
fn texts_hold() {
    smoke("text_");
}

#[cfg(feature = "image")]
#[test]
fn images_hold() {
    smoke("image_");
}

#[cfg(feature = "audio")]
#[test]
fn sounds_hold() {
    smoke("audio_");
}

#[cfg(feature = "video")]
#[test]
fn videos_hold() {
    smoke("video_");
}

#[cfg(all(
    feature = "audio",
    feature = "image",
    feature = "source",
    feature = "text",
    feature = "video"
))]
#[test]
fn folders_are_of_targets() {
    let targets: HashSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    for folder in ["found", "seeds"] {
        for entry in fs::read_dir(seeds::own(folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let is_known = !entry.path().is_dir() || targets.contains(name.as_str());
            assert!(is_known, "{folder}/{name} is of no target");
        }
    }
}
