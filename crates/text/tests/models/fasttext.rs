use std::collections::HashMap;

use bytes::Bytes;
use gristmill_text::model::fasttext::{Model, Scratch};

use super::{check_damage, file, for_each_answer};

/// How far a probability may be from the reference's.
const TOLERANCE: f32 = 1e-5;

fn load(name: &str, version: u8) -> Model {
    let mut bytes = file(name);
    bytes[4] = version;
    Model::read(Bytes::from(bytes)).unwrap()
}

fn predict(model: &Model, text: &str, k: usize, threshold: f32, scratch: &mut Scratch) -> Vec<(String, f32)> {
    let found = model.predict(text, k, threshold, scratch).iter();
    found
        .map(|found| (model.label(found.label).to_owned(), found.probability))
        .collect()
}

#[test]
fn predictions_are_those_of_the_reference() {
    let mut scratch = Scratch::default();
    let (mut count, mut worst) = (0, 0.0_f32);
    for_each_answer("fasttext.json", 2, |golden, text, answers| {
        let version = u8::try_from(golden["version"].as_u64().unwrap()).unwrap();
        let name = golden["file"].as_str().unwrap();
        let model = load(name, version);
        let about = format!("{name} of version {version}: {text:.60}");
        let all = predict(&model, text, usize::MAX, 0.0, &mut scratch);
        let all: HashMap<String, f32> = all.into_iter().collect();
        for ((k, threshold), answer) in [(8, 0.0), (3, 0.05)].into_iter().zip(answers) {
            let found = predict(&model, text, k, threshold, &mut scratch);
            let (labels, probabilities) = (answer[0].as_array().unwrap(), answer[1].as_array().unwrap());
            assert_eq!(found.len(), labels.len(), "{about}");
            for ((label, ours), (expected, theirs)) in found.iter().zip(labels.iter().zip(probabilities)) {
                let difference = (ours - theirs.as_f64().unwrap() as f32).abs();
                assert!(difference < TOLERANCE, "{about}: {ours} for {theirs}");
                worst = worst.max(difference);
                // The reference leaves the order of equals open, and sigmoids have steps.
                let expected = format!("__label__{}", expected.as_str().unwrap());
                assert!(
                    *label == expected || all[&expected] == *ours,
                    "{about}: {label} for {expected}"
                );
                count += 1;
            }
        }
    });
    assert!(count > 1000, "{count}");
    eprintln!("{count} probabilities, at most {worst:e} apart");
}

#[test]
fn a_newline_is_white_space() {
    let model = load("softmax.bin", 12);
    let mut scratch = Scratch::default();
    let spaces = predict(&model, "kalo mitu  x", 3, 0.0, &mut scratch);
    assert_eq!(predict(&model, "kalo\nmitu\n\nx\n", 3, 0.0, &mut scratch), spaces);
}

#[test]
fn no_labels_are_asked_for() {
    let model = load("hs.bin", 12);
    assert!(model.predict("kalo", 0, 0.0, &mut Scratch::default()).is_empty());
    assert!(model.predict("kalo", 3, 1.1, &mut Scratch::default()).is_empty());
    assert_eq!(model.label(u32::MAX), "");
}

#[test]
fn a_text_has_the_same_labels_in_any_scratch() {
    let mut shared = Scratch::default();
    for name in ["softmax.bin", "hs.bin", "pruned.ftz"] {
        let model = load(name, 12);
        for text in ["kalo mitu reso", "", "水山 x"] {
            let own = predict(&model, text, 5, 0.0, &mut Scratch::default());
            assert_eq!(predict(&model, text, 5, 0.0, &mut shared), own, "{name}: {text}");
        }
    }
}

#[test]
fn damage_is_an_error_or_another_model() {
    let mut scratch = Scratch::default();
    for name in [
        "softmax.bin",
        "hs.bin",
        "ova.bin",
        "pruned.ftz",
        "quantised_output_norm.ftz",
    ] {
        check_damage(name, file(name).len(), |bytes| {
            let Ok(model) = Model::read(Bytes::from(bytes)) else {
                return false;
            };
            for text in ["", "kalo mitu né 水山 x unknown", "__label__t1 </s>"] {
                let found = model.predict(text, 3, 0.0, &mut scratch);
                assert!(
                    found
                        .iter()
                        .all(|found| (found.label as usize) < model.labels().len())
                );
            }
            true
        });
    }
}

fn check_error(bytes: Vec<u8>, expected: &str) {
    let error = Model::read(Bytes::from(bytes)).unwrap_err().to_string();
    assert_eq!(error, expected);
}

#[test]
fn messages_say_what_is_wrong() {
    check_error(
        vec![],
        "fasttext model: truncated at byte 0: the magic number takes 4 bytes, 0 are left",
    );
    check_error(
        vec![7; 40],
        "fasttext model: begins with 117901063, not with 793712314: no fasttext model",
    );
    let mut bytes = file("softmax.bin");
    bytes[4] = 13;
    check_error(bytes, "fasttext model: version 13 is neither 11 nor 12");
    let mut bytes = file("softmax.bin");
    bytes[36] = 1;
    check_error(
        bytes,
        "fasttext model: kind 1 is not supervised (3), so the model has no labels",
    );
}
