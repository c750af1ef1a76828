//! Shingles, signatures and simplified texts are those of datatrove, to the last bit.
//!
//! `text/minhash_golden` below `GRISTMILL_FIXTURES` (default: `../shared/fixtures` beside the workspace) holds
//! documents and what datatrove 0.10.0 made of them with its hashes `xxhash` and `sha1`.
//! `golden/simplified.jsonl` holds synthetic texts with their simplified form and shingles, written by
//! `golden/make_simplified.py`; a longer list of the same form may be named in `GRISTMILL_SIMPLIFIED_REFERENCE`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{collections::HashMap, env, fs, io::Read, path::PathBuf};

use flate2::read::MultiGzDecoder;
use gristmill_text::fingerprint::{MinHash, ShingleHash, Shingler, Unit, simplify};
use serde_json::Value;

const HASHES: [(&str, ShingleHash); 2] = [("xxhash", ShingleHash::Xxh64), ("sha1", ShingleHash::Sha1)];

#[test]
fn shingles_and_signatures_are_those_of_the_reference() {
    let Some((texts, golden)) = documents() else {
        return;
    };
    let min_hash = MinHash::new(112, 1);
    let (mut shingles, mut signature) = (Vec::new(), [0; 112]);
    for (name, hash) in HASHES {
        let mut shingler = Shingler::new(Unit::Words, 5, hash);
        let cases = golden[name]["signatures"].as_object().unwrap();
        assert!(!cases.is_empty());
        for (id, case) in cases {
            shingler.shingles(&texts[id], &mut shingles);
            let first = &shingles[..shingles.len().min(5)];
            assert_eq!(Value::from(shingles.len()), case["n_shingles"], "{name} {id}");
            assert_eq!(Value::from(first), case["first_shingles"], "{name} {id}");
            if min_hash.signature(&shingles, &mut signature) {
                assert_eq!(Value::from(&signature[..]), case["signature"], "{name} {id}");
            }
        }
    }
}

#[test]
fn documents_that_the_reference_links_share_a_band_and_others_do_not() {
    let Some((texts, golden)) = documents() else {
        return;
    };
    let min_hash = MinHash::new(112, 1);
    for (name, hash) in HASHES {
        let mut shingler = Shingler::new(Unit::Words, 5, hash);
        let mut bands: HashMap<(usize, Vec<u64>), Vec<&str>> = HashMap::new();
        let (mut shingles, mut signature) = (Vec::new(), [0; 112]);
        for (id, text) in &texts {
            shingler.shingles(text, &mut shingles);
            if min_hash.signature(&shingles, &mut signature) {
                for (band, values) in signature.chunks(8).enumerate() {
                    bands.entry((band, values.to_vec())).or_default().push(id);
                }
            }
        }
        let mut clusters: HashMap<&str, usize> = HashMap::new();
        for (number, cluster) in golden[name]["clusters"].as_array().unwrap().iter().enumerate() {
            clusters.extend(
                cluster
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|id| (id.as_str().unwrap(), number)),
            );
        }
        let linked: Vec<_> = bands.values().filter(|ids| ids.len() > 1).collect();
        for ids in &linked {
            let first = clusters.get(ids[0]);
            assert!(
                first.is_some() && ids.iter().all(|id| clusters.get(id) == first),
                "{name} {ids:?}"
            );
        }
        for id in clusters.keys() {
            assert!(linked.iter().any(|ids| ids.contains(id)), "{name} {id}");
        }
    }
}

#[test]
fn simplified_texts_are_those_of_the_reference() {
    check_file(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/simplified.jsonl"
    ));
}

#[test]
fn simplified_texts_are_those_of_a_longer_reference() {
    match env::var("GRISTMILL_SIMPLIFIED_REFERENCE") {
        Ok(path) => check_file(&path),
        Err(_) => eprintln!("skipped: GRISTMILL_SIMPLIFIED_REFERENCE names no file"),
    }
}

fn check_file(path: &str) {
    let mut shingler = Shingler::new(Unit::Words, 2, ShingleHash::Xxh64);
    let (mut simplified, mut shingles) = (String::new(), Vec::new());
    let mut wrong = Vec::new();
    let lines = fs::read_to_string(path).unwrap();
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().unwrap();
        simplify(text, &mut simplified);
        shingler.shingles(text, &mut shingles);
        if case["simplified"] != simplified {
            wrong.push(format!(
                "{text:?}\n  expected {}\n  found    {simplified:?}",
                case["simplified"]
            ));
        } else if case["shingles"] != Value::from(&shingles[..]) {
            wrong.push(format!("{text:?}: shingles of {simplified:?}"));
        }
    }
    let count = lines.lines().count();
    assert!(
        wrong.is_empty(),
        "{} of {count} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}

/// Texts by id and the reference's values, if the fixture is there.
fn documents() -> Option<(HashMap<String, String>, Value)> {
    let fixtures = env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    let folder = fixtures.join("text/minhash_golden");
    let packed = match fs::read(folder.join("docs.jsonl.gz")) {
        Ok(packed) => packed,
        Err(error) => {
            eprintln!("skipped: {}: {error}", folder.display());
            return None;
        }
    };
    let mut lines = String::new();
    MultiGzDecoder::new(&packed[..])
        .read_to_string(&mut lines)
        .unwrap();
    let document = |line| -> (String, String) {
        let document: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| document[name].as_str().unwrap().to_owned();
        (field("id"), field("text"))
    };
    let golden = fs::read_to_string(folder.join("golden.json")).unwrap();
    Some((
        lines.lines().map(document).collect(),
        serde_json::from_str(&golden).unwrap(),
    ))
}
