//! Every listed signal keeps the promises of its card.

#![allow(clippy::unwrap_used)]

mod support;

use arrow_array::Array;
use gristmill_core::conformance;
use gristmill_image::SIGNALS;

use support::{columns, signals, thumbnail};

#[test]
fn cards_are_complete_and_unlike() {
    conformance::check_cards(SIGNALS.iter().map(|signal| signal.card()));
}

#[test]
fn columns_have_one_signal_each() {
    let outputs = SIGNALS.iter().flat_map(|signal| signal.card().outputs);
    let mut names: Vec<_> = outputs.map(|column| column.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn signals_keep_rows_types_and_nulls() {
    let thumbnails = thumbnails();
    let sizes: Vec<_> = thumbnails
        .iter()
        .map(|thumbnail| thumbnail.as_ref().map(|_| (600, 1)))
        .collect();
    let whole = columns(&thumbnails, &sizes);
    for (name, (kind, array)) in &whole {
        assert_eq!(array.data_type(), &kind.data_type(), "{name}");
        assert_eq!(array.len(), thumbnails.len(), "{name}");
        for (row, thumbnail) in thumbnails.iter().enumerate() {
            assert_eq!(array.is_null(row), thumbnail.is_none(), "{name} of row {row}");
        }
    }
    let all = signals(&thumbnails);
    for (row, thumbnail) in thumbnails.iter().enumerate() {
        let alone = signals(std::slice::from_ref(thumbnail)).remove(0);
        assert_eq!(alone, all[row], "row {row} depends on other rows");
    }
    assert!(signals(&[]).is_empty());
}

#[test]
fn numbers_are_finite_and_within_their_range() {
    for found in signals(&thumbnails()) {
        for (name, value) in found.as_object().unwrap() {
            let Some(value) = value.as_f64() else {
                continue;
            };
            let most = match name.as_str() {
                "image_blur" => 1020.0 * 1020.0,
                "image_entropy" => 8.0,
                "image_contrast" => 0.5,
                "image_colorfulness" => 400.0,
                "image_luma_min" | "image_luma_max" => 255.0,
                "image_pdq_quality" => 100.0,
                _ => 1.0,
            };
            assert!((0.0..=most).contains(&value), "{name} is {value}");
        }
    }
}

/// Thumbnails of all shapes, and none.
fn thumbnails() -> Vec<Option<Vec<u8>>> {
    let made = |width: u32, height: u32, level: fn(u32) -> u8| {
        let rgb: Vec<u8> = (0..width * height * 3).map(level).collect();
        Some(thumbnail(width, height, &rgb))
    };
    vec![
        made(1, 1, |_| 0),
        None,
        made(512, 512, |_| 255),
        made(512, 1, |at| at as u8),
        made(1, 512, |at| (at * at) as u8),
        made(2, 2, |at| (at * 77) as u8),
        made(5, 5, |at| if at % 2 == 0 { 0 } else { 255 }),
        made(512, 342, |at| (at.wrapping_mul(2_654_435_761) >> 24) as u8),
        made(300, 512, |at| if at / 900 % 2 == 0 { 0 } else { 255 }),
    ]
}
