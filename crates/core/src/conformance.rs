//! Conformance suites: what every listed format, extractor, edit and signal promises, checked for each of them.
//!
//! The crates that hold the lists call these from one test each. They panic with the name of the offender.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray, cast::AsArray};

use crate::{Card, Column, Edit, Format, MemoryObject, ReadOptions, Signal, columns};

/// Checks names, meanings, sources and versions of cards, and that no two share a name.
pub fn check_cards<'a>(cards: impl IntoIterator<Item = &'a Card>) {
    let mut names = Vec::new();
    for card in cards {
        let name = card.name;
        assert!(!names.contains(&name), "two cards are called {name}");
        names.push(name);
        assert!(is_snake_case(name), "{name} is not snake_case");
        assert!(
            !card.about.is_empty() && !card.about.ends_with('.'),
            "{name}: about is one phrase without a full stop"
        );
        assert!(!card.source.is_empty(), "{name} names no source");
        assert!(card.version > 0, "{name}: versions start at 1");
        assert!(!card.outputs.is_empty(), "{name} gives nothing");
        for column in card.outputs {
            assert!(
                is_snake_case(column.name),
                "{name}: column {} is not snake_case",
                column.name
            );
            assert!(
                !column.about.is_empty(),
                "{name}: column {} has no meaning",
                column.name
            );
        }
    }
}

/// Checks that a signal over text keeps length, types and nulls, and that no row looks at another.
///
/// `inputs_of` makes the signal's inputs from texts.
pub fn check_text_signal(
    signal: &dyn Signal,
    inputs_of: impl Fn(&[Column], &StringViewArray) -> Vec<ArrayRef>,
) {
    let card = signal.card();
    check_rows(card, |texts| {
        signal
            .compute(&inputs_of(card.inputs, texts))
            .expect("a signal over text does not fail")
    });
}

/// Checks the same of an edit.
pub fn check_text_edit(edit: &dyn Edit, inputs_of: impl Fn(&[Column], &StringViewArray) -> Vec<ArrayRef>) {
    let card = edit.card();
    check_rows(card, |texts| {
        edit.edit(&inputs_of(card.inputs, texts))
            .expect("an edit of text does not fail")
    });
}

fn check_rows(card: &Card, run: impl Fn(&StringViewArray) -> Vec<ArrayRef>) {
    let name = card.name;
    let long = "word ".repeat(20_000);
    let texts = [
        Some(""),
        None,
        Some("One short sentence."),
        Some("\n\n \t\u{a0}\u{2028}\n"),
        Some("日本語のテキスト。مرحبا بالعالم"),
        Some("\u{feff}\u{0}\u{7f}\u{ffff}a\u{301}\u{301}"),
        Some(long.as_str()),
        Some("{ lorem ipsum javascript # ... … • - ? ! \" '"),
    ];
    let whole = run(&StringViewArray::from(texts.to_vec()));
    check_outputs(card, &whole, texts.len());
    for (row, text) in texts.iter().enumerate() {
        let alone = run(&StringViewArray::from(vec![*text]));
        check_outputs(card, &alone, 1);
        for (column, (one, all)) in card.outputs.iter().zip(alone.iter().zip(&whole)) {
            assert_eq!(
                one.to_data(),
                all.slice(row, 1).to_data(),
                "{name}.{} depends on other rows",
                column.name
            );
            if text.is_none() {
                assert!(
                    one.is_null(0),
                    "{name}.{} has a value for a null text",
                    column.name
                );
            }
        }
    }
    check_outputs(card, &run(&StringViewArray::from(Vec::<Option<&str>>::new())), 0);
}

fn check_outputs(card: &Card, outputs: &[ArrayRef], rows: usize) {
    let name = card.name;
    assert_eq!(
        outputs.len(),
        card.outputs.len(),
        "{name} gives another number of columns than its card says"
    );
    for (column, array) in card.outputs.iter().zip(outputs) {
        assert_eq!(
            array.len(),
            rows,
            "{name}.{} has another number of rows",
            column.name
        );
        assert_eq!(
            array.data_type(),
            &column.kind.data_type(),
            "{name}.{} has another type",
            column.name
        );
    }
}

/// Reads `bytes` whole and in every cut of `cuts` equal ranges, and checks that the same records come out. Gives
/// the records of the whole.
pub fn check_slices(
    format: &dyn Format,
    uri: &str,
    bytes: &[u8],
    options: &ReadOptions,
    cuts: &[u64],
) -> Vec<RecordBatch> {
    let object = Arc::new(MemoryObject::new(uri, bytes.to_vec()));
    let read = |range: std::ops::Range<u64>| {
        let mut records = format
            .read(object.clone(), range, options)
            .expect("memory does not fail");
        let mut batches = Vec::new();
        while let Some(batch) = records.next_batch().expect("memory does not fail") {
            batches.push(batch);
        }
        batches
    };
    let length = bytes.len() as u64;
    let whole = read(0..length);
    for &cut in cuts {
        let pieces = (0..cut)
            .flat_map(|piece| read(length * piece / cut..length * (piece + 1) / cut))
            .collect::<Vec<_>>();
        assert_eq!(
            ids(&pieces),
            ids(&whole),
            "{}: {uri} cut into {cut} slices",
            format.card().name
        );
    }
    whole
}

/// The ids and faults of records, in order.
pub fn ids(batches: &[RecordBatch]) -> Vec<(String, Option<String>)> {
    let rows = batches.iter().flat_map(|batch| {
        let strings = |column: &Column| {
            batch
                .column_by_name(column.name)
                .expect("a record column")
                .as_string_view()
        };
        let (ids, faults) = (strings(&columns::ID), strings(&columns::FAULT));
        ids.iter()
            .zip(faults)
            .map(|(id, fault)| (id.unwrap_or_default().to_owned(), fault.map(str::to_owned)))
            .collect::<Vec<_>>()
    });
    rows.collect()
}

fn is_snake_case(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
