//! Words and sentences are those of spaCy, as datatrove cuts them.
//!
//! `golden/words.jsonl` is written by `golden/make_words.py`. A longer list of the same form may be named in
//! `GRISTMILL_WORDS_REFERENCE`.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::{env, fs, sync::Arc};

use arrow_array::{ArrayRef, StringViewArray, UInt32Array, cast::AsArray, types::UInt32Type};
use gristmill_text::SIGNALS;
use serde_json::Value;

#[test]
fn words_and_sentences_are_those_of_the_reference() {
    check_file(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/words.jsonl"));
}

#[test]
fn words_and_sentences_are_those_of_a_longer_reference() {
    match env::var("GRISTMILL_WORDS_REFERENCE") {
        Ok(path) => check_file(&path),
        Err(_) => eprintln!("skipped: GRISTMILL_WORDS_REFERENCE names no file"),
    }
}

fn check_file(path: &str) {
    let lines = fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let texts = cases.iter().map(|case| case["text"].as_str().unwrap());
    let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
    let words = compute("words", std::slice::from_ref(&texts));
    let sentences = compute("sentences", &[texts.clone(), words.clone()]);
    let mut wrong = Vec::new();
    for (row, case) in cases.iter().enumerate() {
        let text = texts.as_string_view().value(row);
        let found: Vec<&str> = offsets(&words, row)
            .values()
            .chunks_exact(2)
            .map(|word| &text[word[0] as usize..word[1] as usize])
            .collect();
        let mut start = 0;
        let pieces: Vec<&str> = offsets(&sentences, row)
            .values()
            .iter()
            .map(|&end| &text[std::mem::replace(&mut start, end as usize)..end as usize])
            .collect();
        if case["words"] != Value::from(found.clone()) {
            wrong.push(format!(
                "{text:?}\n  expected {}\n  found    {found:?}",
                case["words"]
            ));
        } else if case["sentences"] != Value::from(pieces.clone()) {
            wrong.push(format!(
                "{text:?}\n  expected {}\n  found    {pieces:?}",
                case["sentences"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ, such as\n{}",
        wrong.len(),
        cases.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
}

fn compute(name: &str, inputs: &[ArrayRef]) -> ArrayRef {
    let signal = SIGNALS.iter().find(|signal| signal.card().name == name).unwrap();
    signal.compute(inputs).unwrap().remove(0)
}

fn offsets(list: &ArrayRef, row: usize) -> UInt32Array {
    list.as_list::<i32>()
        .value(row)
        .as_primitive::<UInt32Type>()
        .clone()
}
