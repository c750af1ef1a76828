use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringViewArray, cast::AsArray, types::Int64Type};
use bytes::Bytes;
use gristmill_core::{Model, Result, Signal, conformance};
use gristmill_text::{MODELS, SIGNALS};
use serde_json::{Value, json};

use super::{check_damage, file, for_each_answer};

fn kind() -> &'static dyn Model {
    let is_it = |model: &&&dyn Model| model.card().name == "tokenizer";
    *MODELS.iter().find(is_it).unwrap()
}

fn load(bytes: Vec<u8>) -> Result<&'static dyn Signal> {
    kind().signal("tiny", Bytes::from(bytes), None)
}

fn count(signal: &dyn Signal, text: Option<&str>) -> Option<i64> {
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
    let counts = signal.compute(&[texts]).unwrap();
    let counts = counts[0].as_primitive::<Int64Type>();
    counts.is_valid(0).then(|| counts.value(0))
}

#[test]
fn counts_are_those_of_the_reference() {
    let built_in = SIGNALS
        .iter()
        .find(|signal| signal.card().name == "text_token_count");
    let mut read = vec![("cl100k_base".to_owned(), *built_in.unwrap())];
    for_each_answer("tokens.json", 1, |model, text, answers| {
        let name = model["file"].as_str().unwrap();
        if !read.iter().any(|(known, _)| known == name) {
            read.push((name.to_owned(), load(file(name)).unwrap()));
        }
        let (_, signal) = read.iter().find(|(known, _)| known == name).unwrap();
        let start: String = text.chars().take(60).collect();
        assert_eq!(
            count(*signal, Some(text)),
            answers[0].as_i64(),
            "{name}: {start:?}"
        );
    });
    assert_eq!(read.len(), 4);
}

#[test]
fn the_column_is_named_after_the_model() {
    let signal = load(file("byte_level.json")).unwrap();
    let outputs: Vec<_> = signal.card().outputs.iter().map(|output| output.name).collect();
    assert_eq!(outputs, ["text_tiny_token_count"]);
}

#[test]
fn tokenizers_keep_rows_types_and_nulls() {
    for name in ["byte_level.json", "word_piece.json", "unigram.json"] {
        let signal = load(file(name)).unwrap();
        conformance::check_text_signal(signal, |_, texts| vec![Arc::new(texts.clone())]);
        assert_eq!(count(signal, None), None);
    }
}

/// Changes a file's JSON.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(&file(name)).unwrap();
    change(&mut json);
    serde_json::to_vec(&json).unwrap()
}

fn check_error(bytes: Vec<u8>, expected: &str) {
    let error = load(bytes).err().unwrap().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn messages_say_what_is_wrong() {
    check_error(
        vec![],
        "tokenizer: no tokenizer.json: EOF while parsing a value at line 1 column 0",
    );
    check_error(
        b"{\"vocab\": []}".to_vec(),
        "tokenizer: no tokenizer.json: it has no model",
    );
    let error = kind().signal("tiny", Bytes::from(file("unigram.json")), Some("en"));
    assert_eq!(error.err().unwrap().to_string(), "a tokenizer has no labels");
    check_error(
        changed("byte_level.json", |json| json["model"]["type"] = json!("Trigram")),
        "tokenizer: ",
    );
    check_error(
        changed("byte_level.json", |json| json["model"]["dropout"] = json!(0.1)),
        "tokenizer: its model leaves out merges by chance (dropout 0.1)",
    );
}

#[test]
fn a_model_that_stops_at_what_it_does_not_know_is_an_error() {
    check_error(
        changed("unigram.json", |json| json["model"]["unk_id"] = Value::Null),
        "tokenizer: fails at the text \"",
    );
    check_error(
        changed("word_piece.json", |json| {
            json["model"]["unk_token"] = json!("[NONE]");
        }),
        "tokenizer: fails at the text \"",
    );
}

#[test]
fn damage_is_an_error_or_another_model() {
    for name in ["byte_level.json", "word_piece.json", "unigram.json"] {
        check_damage(name, file(name).len(), |bytes| {
            let Ok(signal) = load(bytes) else {
                return false;
            };
            for text in ["", "The mill grinds 水 x unknown \u{301}", "<s>[MASK]"] {
                assert!(count(signal, Some(text)).is_some());
            }
            true
        });
    }
}

#[test]
fn long_pieces_pass() {
    for name in ["byte_level.json", "word_piece.json", "unigram.json"] {
        let signal = load(file(name)).unwrap();
        for piece in ["a", " ", "\n", "!", "水", "\u{301}", "<s>", "the "] {
            let text = piece.repeat(200_000);
            let tokens = count(signal, Some(&text)).unwrap();
            assert!(tokens <= text.len() as i64 + 1, "{name}: {tokens} of {piece:?}");
        }
    }
}
