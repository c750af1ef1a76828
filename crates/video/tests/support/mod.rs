//! Real files and what other programs say of them.

#![allow(
    dead_code,
    clippy::print_stdout,
    reason = "not every test uses everything; tests print tables"
)]

pub(crate) mod signals;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// The folder of fixtures.
pub(crate) fn fixtures() -> PathBuf {
    env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    )
}

/// The lines about videos with the bytes of their files; none where they are not there.
pub(crate) fn manifest() -> Option<Vec<(Value, Vec<u8>)>> {
    let folder = fixtures().join("real");
    let Ok(lines) = fs::read_to_string(folder.join("MANIFEST.jsonl")) else {
        println!("skipped: no {}", folder.display());
        return None;
    };
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let videos = lines.filter(|entry| entry["kind"] == "video");
    Some(
        videos
            .map(|entry| {
                let bytes = fs::read(folder.join(entry["path"].as_str().unwrap())).unwrap();
                (entry, bytes)
            })
            .collect(),
    )
}
