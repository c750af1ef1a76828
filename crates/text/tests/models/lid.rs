use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray, cast::AsArray, types::Float64Type};
use bytes::Bytes;
use gristmill_core::Signal;
use gristmill_text::MODELS;

use super::{file, for_each_answer};

/// The signal of `models: {lid: {fasttext: lid.bin}}`.
fn lid() -> &'static dyn Signal {
    let kind = MODELS.iter().find(|kind| kind.card().name == "fasttext");
    let file = Bytes::from(file("lid.bin"));
    kind.unwrap().signal("lid", file, None).unwrap()
}

fn judge(signal: &dyn Signal, text: &str) -> (Option<String>, f64) {
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
    let columns = signal.compute(&[texts]).unwrap();
    let label = columns[0].as_string_view().iter().next().flatten();
    let score = columns[1].as_primitive::<Float64Type>().value(0);
    (label.map(str::to_owned), score)
}

#[test]
fn columns_are_the_label_and_its_score() {
    let outputs: Vec<_> = lid().card().outputs.iter().map(|output| output.name).collect();
    assert_eq!(outputs, ["text_lid_label", "text_lid_score"]);
}

#[test]
fn languages_are_those_that_datatrove_asks_fasttext_for() {
    let signal = lid();
    let mut sure = 0;
    for_each_answer("lid.json", 1, |_, text, answers| {
        let (label, score) = judge(signal, text);
        let start: String = text.chars().take(60).collect();
        assert_eq!(label.as_deref(), answers[0][0].as_str(), "{start:?}");
        let expected = answers[0][1].as_f64().unwrap();
        assert!(
            (score - expected).abs() < 1e-5,
            "{score}, not {expected}: {start:?}"
        );
        sure += usize::from(score > 0.65);
    });
    assert!(sure >= 8, "{sure} texts are sure");
}
