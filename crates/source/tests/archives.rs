//! Real archives, compared with what independent readers counted (`golden/make_golden.py`).
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use gristmill_core::{ReadOptions, conformance::check_slices};
use gristmill_source::AUTO;
use support::{fixtures, rows};

/// Files that the reference readers give up on, and what we make of them: good rows, faults.
const BEYOND_REFERENCE: &[(&str, usize, &[&str])] = &[
    (
        "warcio__bad.arc",
        1,
        &[
            "malformed: length of the record is \"-1\"",
            "malformed: length of the record is \"-1\"",
            "malformed: length of the record is \"abc\"",
        ],
    ),
    // One gzip member with all records, which reads like any other.
    ("warcio__example-bad-non-chunked.warc.gz", 6, &[]),
    // Its line ends were changed, so that its content is shorter than its header says.
    (
        "warcio__example-space-in-url.arc",
        1,
        &["truncated: record of 1734 bytes breaks off after 1722"],
    ),
    // Its content is two bytes longer than its header says.
    (
        "warcio__example-trunc.warc",
        3,
        &["malformed: content of 973 bytes is not followed by a record"],
    ),
    ("warcio__example-bad.warc.gz.bad", 6, &[]),
    // One record begins in one gzip member and goes on in the next.
    (
        "warcio__example-wrong-chunks.warc.gz",
        1,
        &[
            "truncated: record of 2004 bytes breaks off after 734",
            "malformed: 1271 bytes that are no record",
        ],
    ),
];

#[test]
fn records_are_those_that_warcio_counts() {
    let Some(files) = fixtures("warc") else { return };
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden/archives.json")).unwrap();
    for (name, bytes) in files.iter().filter(|(name, _)| !name.ends_with(".jsonl")) {
        let batches = check_slices(AUTO, name, bytes, &ReadOptions::default(), &[1, 2, 3, 7, 50]);
        let rows = rows(&batches);
        let faults: Vec<_> = rows.iter().filter_map(|row| row.fault.clone()).collect();
        let mut counts = BTreeMap::new();
        for row in rows.iter().filter(|row| row.fault.is_none()) {
            *counts.entry(row.record_type.clone()).or_insert(0u64) += 1;
        }
        let expected = &golden[name]["warcio"];
        if let Some((_, good, expected)) = BEYOND_REFERENCE.iter().find(|(known, ..)| known == name) {
            assert_eq!(
                (rows.len() - faults.len(), &faults[..]),
                (
                    *good,
                    &expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
                ),
                "{name}"
            );
            continue;
        }
        let counted: BTreeMap<String, u64> = serde_json::from_value(expected["counts"].clone()).unwrap();
        assert_eq!((counts, &faults[..]), (counted, &[][..]), "{name}");
        let bodies: Vec<_> = rows.iter().filter(|row| row.record_type == "response").collect();
        for (row, body) in bodies.iter().zip(expected["bodies"].as_array().unwrap()) {
            assert_eq!(
                row.http_status.map(|status| status.to_string()).as_deref(),
                body[1].as_str(),
                "{name}"
            );
            let length = row.content.as_ref().map_or(0, Vec::len) as u64;
            assert_eq!(Some(length), body[2].as_u64(), "{name}: body of {:?}", row.url);
        }
    }
}
