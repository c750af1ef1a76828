//! Models read by gristmill against the predictions of the implementations that made them, and damaged models.

// Helpers of tests are not tests to clippy.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod fasttext;
mod lid;
mod ngram_lm;
mod tokens;

use std::{fs, path::PathBuf};

use serde_json::Value;

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/models", name]
        .iter()
        .collect()
}

fn file(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap()
}

/// Calls `check` with each model of a golden file (its entry), each text and the answers of the model to it.
fn for_each_answer(name: &str, answers_per_text: usize, mut check: impl FnMut(&Value, &str, &[Value])) {
    let golden: Value = serde_json::from_slice(&file(name)).unwrap();
    for model in golden["models"].as_array().unwrap() {
        let answers = model["answers"].as_array().unwrap();
        let cases = golden["cases"].as_array().unwrap();
        assert_eq!(answers.len(), cases.len() * answers_per_text);
        for (case, answers) in cases.iter().zip(answers.chunks(answers_per_text)) {
            let times = usize::try_from(case[1].as_u64().unwrap()).unwrap();
            check(model, &case[0].as_str().unwrap().repeat(times), answers);
        }
    }
}

/// Calls `read` with the file cut off at many offsets, which must be an error, and with bytes changed, which may be
/// read but must not panic. `cut_to` is the length from which a cut leaves a whole model.
fn check_damage(name: &str, cut_to: usize, mut read: impl FnMut(Vec<u8>) -> bool) {
    let bytes = file(name);
    assert!(read(bytes.clone()), "{name}");
    let step = (bytes.len() / 1500).max(1);
    let ends = (0..400.min(cut_to))
        .chain((400..cut_to).step_by(step))
        .chain([cut_to - 1]);
    for end in ends {
        assert!(
            !read(bytes[..end].to_vec()),
            "{name} cut to {end} bytes is no model"
        );
    }
    // A generator of its own: the same bytes on every machine.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..1500 {
        let mut bytes = bytes.clone();
        for _ in 0..=random(4) {
            // Half of the changes in the header, where counts and lengths are.
            let at = random(if round % 2 == 0 { bytes.len() } else { 300 });
            bytes[at] = if random(3) == 0 {
                0xff
            } else {
                u8::try_from(random(256)).unwrap()
            };
        }
        read(bytes);
    }
}
