//! Documents that are cut into parts.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray};
use gristmill_core::{Card, Column, Cost, Parts, Result, Splitter, columns};
use gristmill_shard::Manifest;

use super::{ONE_AT_A_TIME, run_lines};

/// Cuts texts at each `|`; a text of bars alone has no parts, one with a star has a fault, one with `panic` panics.
pub(super) struct Pieces;

static PIECES: Card = Card {
    name: "pieces",
    about: "pieces between bars",
    inputs: &[columns::TEXT],
    outputs: &[columns::TEXT, Column::u32("text_start", "where the piece starts")],
    source: "this test",
    cost: Cost::Cheap,
    version: 1,
};

impl Splitter for Pieces {
    fn card(&self) -> &'static Card {
        &PIECES
    }

    fn split(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Parts> {
        let texts = inputs[0].as_string_view();
        let (mut parents, mut pieces, mut starts) = (Vec::new(), Vec::new(), Vec::new());
        let mut faults = Vec::new();
        for (row, text) in texts.iter().enumerate() {
            let text = text.unwrap();
            assert!(!text.contains("panic"), "as the text says");
            let is_bad = text.contains('*');
            faults.push(is_bad.then_some("malformed: a star"));
            if is_bad {
                continue;
            }
            for piece in text.split('|').filter(|piece| !piece.is_empty()) {
                parents.push(row as u32);
                starts.push(piece.as_ptr() as u32 - text.as_ptr() as u32);
                pieces.push(piece);
            }
        }
        Ok(Parts {
            parents,
            columns: vec![
                Arc::new(StringViewArray::from_iter_values(pieces)),
                Arc::new(datafusion::arrow::array::UInt32Array::from(starts)),
            ],
            faults: faults.into_iter().collect(),
        })
    }
}

const LINES: &str = "aa|b\n|||\n!bad\nccc|dd|e\n*|f\npanic|g\nhh\n";

/// The rows of shards: text, part, whether there is a parent.
fn rows(folder: &std::path::Path) -> Vec<(String, u32, bool)> {
    let mut rows = Vec::new();
    let mut shards: Vec<_> = std::fs::read_dir(folder.join("out/data/text"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    shards.sort();
    for shard in shards {
        let file = std::fs::File::open(shard).unwrap();
        let reader =
            datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let column = |name: &str| batch.column_by_name(name).unwrap().clone();
            let (texts, parts, parents) = (column("text"), column("part"), column("parent_id"));
            let ids = column("id");
            for row in 0..batch.num_rows() {
                assert_eq!(ids.as_string::<i32>().value(row).len(), 32);
                rows.push((
                    texts.as_string::<i32>().value(row).to_owned(),
                    parts
                        .as_primitive::<datafusion::arrow::datatypes::UInt32Type>()
                        .value(row),
                    parents.is_valid(row),
                ));
            }
        }
    }
    rows
}

fn verdicts(manifest: &Manifest) -> Vec<(&str, u64)> {
    let verdicts = manifest.account.verdicts.iter();
    let verdicts = verdicts.filter(|verdict| verdict.rows > 0);
    verdicts
        .map(|verdict| (verdict.rule.as_str(), verdict.rows))
        .collect()
}

#[test]
fn parts_stand_in_the_order_of_their_documents_which_leave() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manifest = run_lines(
        folder.path(),
        LINES,
        "[{split: pieces}, {keep: {any: text_length > 0}}]",
    );
    let part = |text: &str, part| (text.to_owned(), part, true);
    assert_eq!(
        rows(folder.path()),
        [
            part("aa", 0),
            part("b", 1),
            part("ccc", 0),
            part("dd", 1),
            part("e", 2),
            part("hh", 0)
        ]
    );
    assert_eq!(verdicts(&manifest), [("has_parts", 1), ("is_part", 3)]);
    let account = &manifest.account;
    assert_eq!((account.read, account.born, account.kept), (7, 6, 6));
    let faults = [("internal".to_owned(), 1), ("malformed".to_owned(), 2)];
    assert_eq!(account.faults, faults.into());
}

#[test]
fn parts_are_measured_and_compared_as_documents() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    for steps in [
        "[{keep: {long: text_length > 2}}, {split: pieces}, {dedup: {exact: text}}, {keep: {short: text_length < 3, start: text_start < 9}}]",
        "[{keep: {long: text_length > 2}}, {dedup: {exact: text}}, {split: pieces}, {keep: {short: text_length < 3}}, {dedup: {exact: text}}]",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let manifest = run_lines(folder.path(), "aa|b|aa\nx|aa\ncccc|b\nx|aa\n", steps);
        let texts: Vec<String> = rows(folder.path()).into_iter().map(|row| row.0).collect();
        assert_eq!(texts, ["aa", "b", "x"], "{steps}");
        assert!(manifest.account.born >= 7, "{:?}", manifest.account);
    }
}

#[test]
fn what_a_document_was_cut_from_is_gone() {
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let manifest = run_lines(
        folder.path(),
        "aa|b\n",
        "[{keep: {long: text_length > 2}}, {split: pieces}]",
    );
    let columns = &manifest.columns["text"];
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"text_start"), "{names:?}");
    for gone in ["text_length", "part_count"] {
        assert!(!names.contains(&gone), "{gone} tells of the whole: {names:?}");
    }
}
