//! Every listed signal and edit keeps the promises of its card.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray};
use gristmill_core::{Column, conformance};
use gristmill_text::{EDITS, SIGNALS};

#[test]
fn cards_are_complete_and_unlike() {
    let edits = EDITS.iter().map(|edit| edit.card());
    conformance::check_cards(SIGNALS.iter().map(|signal| signal.card()).chain(edits));
}

#[test]
fn columns_have_one_signal_each() {
    let mut names: Vec<_> = SIGNALS
        .iter()
        .flat_map(|signal| signal.card().outputs)
        .map(|column| column.name)
        .collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn signals_keep_rows_types_and_nulls() {
    for signal in SIGNALS {
        conformance::check_text_signal(*signal, inputs);
    }
}

#[test]
fn edits_keep_rows_types_and_nulls() {
    for edit in EDITS {
        conformance::check_text_edit(*edit, inputs);
    }
}

/// The inputs by name: the text itself, or the signal that gives the column.
fn inputs(columns: &[Column], texts: &StringViewArray) -> Vec<ArrayRef> {
    let text: ArrayRef = Arc::new(texts.clone());
    let array = |column: &Column| match column.name {
        "text" | "text_markdown" => text.clone(),
        "text_title" => Arc::new(texts.clone()),
        name => {
            let gives = |signal: &&&dyn gristmill_core::Signal| {
                signal
                    .card()
                    .outputs
                    .iter()
                    .position(|output| output.name == name)
            };
            let signal = SIGNALS.iter().find(|signal| gives(signal).is_some()).unwrap();
            let needed = inputs(signal.card().inputs, texts);
            signal
                .compute(&needed)
                .unwrap()
                .swap_remove(gives(&signal).unwrap())
        }
    };
    columns.iter().map(array).collect()
}
