//! Runs the extractor and signals on files.

#![allow(dead_code, reason = "not every test uses everything")]

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray};
use gristmill_core::{Documents, Extractor, Signal};
use gristmill_video::{EXTRACTORS, SIGNALS};

/// The documents of files, as record columns.
pub(crate) fn extract(files: &[Option<&[u8]>]) -> Documents {
    let ids: StringViewArray = (0..files.len()).map(|row| Some(format!("id{row}"))).collect();
    let inputs: Vec<ArrayRef> = vec![
        Arc::new(BinaryViewArray::from(files.to_vec())),
        Arc::new(StringViewArray::new_null(files.len())),
        Arc::new(StringViewArray::new_null(files.len())),
        Arc::new(ids),
    ];
    let extractor: &dyn Extractor = EXTRACTORS[0];
    let wanted: Vec<&str> = extractor
        .card()
        .outputs
        .iter()
        .map(|output| output.name)
        .collect();
    let documents = extractor.extract(&inputs, &wanted).unwrap();
    for (column, array) in extractor.card().outputs.iter().zip(&documents.columns) {
        assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
        assert_eq!(array.len(), files.len(), "{}", column.name);
    }
    documents
}

/// The signal of this name.
pub(crate) fn signal(name: &str) -> &'static dyn Signal {
    *SIGNALS.iter().find(|signal| signal.card().name == name).unwrap()
}

/// What a signal gives for a column of videos.
pub(crate) fn measure(name: &str, videos: &ArrayRef) -> Documents {
    let signal = signal(name);
    let wanted: Vec<&str> = signal.card().outputs.iter().map(|output| output.name).collect();
    let documents = signal.measure(std::slice::from_ref(videos), &wanted).unwrap();
    for (column, array) in signal.card().outputs.iter().zip(&documents.columns) {
        assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
        assert_eq!(array.len(), videos.len(), "{}", column.name);
    }
    documents
}

/// The column of this name.
pub(crate) fn column<'a>(
    documents: &'a Documents,
    outputs: &[gristmill_core::Column],
    name: &str,
) -> &'a ArrayRef {
    let at = outputs.iter().position(|column| column.name == name).unwrap();
    &documents.columns[at]
}
