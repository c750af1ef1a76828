//! Redactions over every text of the fixtures below `GRISTMILL_FIXTURES`: none panics, and redacting twice changes
//! nothing.

#![allow(clippy::print_stderr)]

use std::{
    env,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, StringViewArray, UInt32Array, cast::AsArray};
use flate2::read::GzDecoder;
use gristmill_text::REDACTIONS;
use serde_json::Value;

/// The gold texts of pages, and the pages' own HTML, which is full of numbers, keys and addresses.
const TEXTS: [&str; 4] = [
    "extraction/gold.jsonl.gz",
    "text/filters_golden.jsonl",
    "extraction/pages",
    "real/MANIFEST.jsonl",
];

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => GzDecoder::new(file).read_to_end(&mut bytes)?,
        false => (&file).read_to_end(&mut bytes)?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The texts of a file of lines or of a folder; says so if there are none.
fn texts(root: &Path, name: &str) -> Vec<String> {
    let path = root.join(name);
    let read_all = || -> io::Result<Vec<String>> {
        if path.is_dir() {
            let mut files = fs::read_dir(&path)?
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<Vec<_>>>()?;
            files.sort();
            // Every eighth page: the debug build needs a second for them.
            return files.iter().step_by(8).map(|file| read(file)).collect();
        }
        let lines = read(&path)?;
        let text_of = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap_or_default();
            let text = value["gold_text"].as_str().or(value["text"].as_str());
            text.unwrap_or(line).to_owned()
        };
        Ok(lines.lines().map(text_of).collect())
    };
    read_all().unwrap_or_else(|error| {
        eprintln!("skipped: {}: {error}; set GRISTMILL_FIXTURES", path.display());
        Vec::new()
    })
}

#[test]
fn redacting_the_fixtures_twice_changes_nothing() {
    let root = env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    for name in TEXTS {
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts(&root, name)));
        for edit in REDACTIONS {
            let kind = edit.card().name;
            let once = edit.edit(std::slice::from_ref(&texts)).unwrap();
            let twice = edit.edit(&once[..1]).unwrap();
            assert_eq!(once[0].len(), texts.len(), "{kind} in {name}");
            for (row, (once, twice)) in once[0]
                .as_string_view()
                .iter()
                .zip(twice[0].as_string_view())
                .enumerate()
            {
                assert_eq!(once, twice, "{kind} in row {row} of {name}");
            }
            let counts: &UInt32Array = twice[1].as_primitive();
            assert_eq!(counts.iter().flatten().sum::<u32>(), 0, "{kind} in {name}");
        }
    }
}
