//! Every target for a moment: what was found once, and the first inputs of each.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use gristmill_fuzz::{TARGETS, change, seeds};

/// Changed seeds of each target.
const INPUTS: u64 = 128;

/// Runs the targets whose names begin so.
#[allow(clippy::print_stderr)]
fn smoke(modality: &str) {
    let has_fixtures = seeds::fixtures().is_dir();
    if !has_fixtures {
        eprintln!("no fixtures at {}: few seeds", seeds::fixtures().display());
    }
    let (mut mistakes, mut inputs) = (Vec::new(), 0);
    for target in TARGETS.iter().filter(|target| target.name.starts_with(modality)) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("found")
            .join(target.name);
        let mut paths = Vec::new();
        seeds::below(&folder, &mut paths).unwrap();
        let found = paths
            .iter()
            .map(|path| (path.display().to_string(), fs::read(path).unwrap()));
        let seeds = seeds::of(target, &seeds::fixtures(), None).unwrap();
        let is_seeded = seeds.iter().any(|seed| !seed.is_empty());
        assert!(is_seeded || !has_fixtures, "{} has seeds", target.name);
        let changed = (0..INPUTS).map(|number| (format!("input {number}"), change::input(&seeds, number)));
        for (name, input) in found.chain(changed) {
            inputs += 1;
            if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
                mistakes.push(format!("{}: {name}", target.name));
            }
        }
    }
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    assert!(inputs >= INPUTS, "there are targets");
}

#[test]
fn formats_hold() {
    smoke("source_");
}

#[test]
fn texts_hold() {
    smoke("text_");
}

#[test]
fn images_hold() {
    smoke("image_");
}

#[test]
fn sounds_hold() {
    smoke("audio_");
}

#[test]
fn videos_hold() {
    smoke("video_");
}
