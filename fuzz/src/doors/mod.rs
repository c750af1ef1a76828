//! What is done with bytes, by modality: what the engine would do with them.
#![cfg_attr(
    not(all(
        feature = "audio",
        feature = "image",
        feature = "source",
        feature = "text",
        feature = "video"
    )),
    allow(dead_code, reason = "not every door needs all of it")
)]

#[cfg(feature = "audio")]
pub(crate) mod audio;
#[cfg(feature = "image")]
pub(crate) mod image;
#[cfg(feature = "source")]
pub(crate) mod source;
#[cfg(feature = "text")]
pub(crate) mod text;
#[cfg(feature = "video")]
pub(crate) mod video;

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray, new_null_array};
use gristmill_core::{Column, Edit, Extractor, Fault, Signal, columns};

/// What became of bytes: nothing wrong, or the name of a kind of fault.
pub const FINE: &str = "fine";

thread_local! {
    static OUTCOMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What became of what this thread looked at since it was asked last: [`FINE`] or kinds of faults, in order.
pub fn outcomes() -> Vec<String> {
    OUTCOMES.take()
}

fn note(outcome: &str) {
    // A fuzzer does not ask.
    OUTCOMES.with_borrow_mut(|outcomes| {
        if outcomes.len() < 10_000 {
            outcomes.push(outcome.to_owned());
        }
    });
}

/// The value. A fault that says that a decoder panicked is a finding.
fn settled<T>(result: Result<T, Fault>) -> Option<T> {
    match result {
        Ok(value) => {
            note(FINE);
            Some(value)
        }
        Err(fault) => {
            check_fault(&fault.to_string());
            None
        }
    }
}

/// Columns of a batch by their names.
pub(crate) type Columns = HashMap<&'static str, ArrayRef>;

/// A record with this content.
fn record(content: &[u8], charset: Option<&str>) -> Columns {
    let texts = |text: Option<&str>| -> ArrayRef { Arc::new(StringViewArray::from(vec![text])) };
    HashMap::from([
        (
            columns::CONTENT.name,
            Arc::new(BinaryViewArray::from(vec![Some(content)])) as ArrayRef,
        ),
        (columns::ID.name, texts(Some("id"))),
        (columns::URL.name, texts(Some("https://example.org/a/b?c=d"))),
        (columns::MEDIA_TYPE.name, texts(None)),
        (columns::CHARSET.name, texts(charset)),
    ])
}

fn inputs(wanted: &[Column], batch: &Columns) -> Vec<ArrayRef> {
    let null = |column: &Column| new_null_array(&column.kind.data_type(), 1);
    let of = |column: &Column| batch.get(column.name).cloned().unwrap_or_else(|| null(column));
    wanted.iter().map(of).collect()
}

/// Extracts the document of a record, with every output. None where it has a fault.
fn extracted(extractor: &dyn Extractor, batch: &Columns) -> Option<Columns> {
    let card = extractor.card();
    let wanted: Vec<&str> = card.outputs.iter().map(|column| column.name).collect();
    let documents = extractor
        .extract(&inputs(card.inputs, batch), &wanted)
        .expect("bad bytes are faults, not errors");
    let made = checked(card.outputs, &documents.columns);
    if documents.faults.is_valid(0) {
        check_fault(documents.faults.value(0));
        return None;
    }
    note(FINE);
    Some(batch.clone().into_iter().chain(made).collect())
}

/// Measures a document by every signal.
fn measured(signals: &[&dyn Signal], mut batch: Columns) -> Columns {
    for signal in signals {
        let card = signal.card();
        let wanted: Vec<&str> = card.outputs.iter().map(|column| column.name).collect();
        let computed = signal
            .measure(&inputs(card.inputs, &batch), &wanted)
            .expect("bad bytes are faults, not errors");
        if computed.faults.is_valid(0) {
            check_fault(computed.faults.value(0));
        }
        batch.extend(checked(card.outputs, &computed.columns));
    }
    batch
}

/// Edits a document.
fn edited(edit: &dyn Edit, batch: &Columns) {
    let card = edit.card();
    let made = edit
        .edit(&inputs(card.inputs, batch))
        .expect("bad bytes are faults, not errors");
    let made = checked(card.outputs, &made);
    if let Some(faults) = made.get(columns::FAULT.name)
        && faults.is_valid(0)
    {
        check_fault(faults.as_string_view().value(0));
    }
}

/// Columns as their card promises them.
fn checked(outputs: &'static [Column], arrays: &[ArrayRef]) -> Columns {
    assert_eq!(outputs.len(), arrays.len(), "columns of the card");
    let named = outputs.iter().zip(arrays).map(|(column, array)| {
        assert_eq!(&column.kind.data_type(), array.data_type(), "{}", column.name);
        assert_eq!(array.len(), 1, "{}", column.name);
        (column.name, array.clone())
    });
    named.collect()
}

/// A fault that says that a decoder panicked costs one record, but it is a finding.
fn check_fault(fault: &str) {
    note(fault.split(':').next().unwrap_or_default());
    assert!(!fault.starts_with("internal"), "{fault}");
}
