//! Extractors seen from outside: real pages with known content, damaged pages, and pages made to hurt.

// Helpers of tests are not tests to clippy, and a skipped test says so.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod gold;
mod hostile;
mod interleaved;
mod markdown;
mod pdf;

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray};
use gristmill_core::{Documents, Extractor};

/// Extracts one record: the text, empty when there is none, and the fault.
fn extract(extractor: &dyn Extractor, content: &[u8], url: &str) -> (String, Option<String>) {
    let documents = documents(extractor, content, url);
    let first = |array: &StringViewArray| array.iter().next().flatten().map(str::to_owned);
    let text = documents.columns[0].as_string_view_opt().and_then(first);
    (text.unwrap_or_default(), first(&documents.faults))
}

/// Extracts one record.
fn documents(extractor: &dyn Extractor, content: &[u8], url: &str) -> Documents {
    let inputs: Vec<ArrayRef> = vec![
        Arc::new(BinaryViewArray::from(vec![Some(content)])),
        Arc::new(StringViewArray::from(vec![None::<&str>])),
        Arc::new(StringViewArray::from(vec![Some(url)])),
    ];
    extractor.extract(&inputs, &[]).unwrap()
}
