//! Texts: pages, books and documents to texts, and what is measured of them.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray};
use gristmill_core::{Extractor, columns};
use gristmill_text::{
    EDITS, SIGNALS,
    extract::{INTERLEAVED, epub::Epub, html::Html, markdown::Markdown, pdf::Pdf, plain::Plain},
};

use super::{edited, extracted, measured, record};

pub(crate) fn html(bytes: &[u8]) {
    document(&Html, bytes);
}

pub(crate) fn interleaved(bytes: &[u8]) {
    for extractor in INTERLEAVED {
        extracted(*extractor, &record(bytes, None));
    }
}

pub(crate) fn plain(bytes: &[u8]) {
    document(&Plain, bytes);
    // The charset is data too.
    let (name, rest) = bytes.split_at(
        bytes
            .len()
            .min(usize::from(bytes.first().copied().unwrap_or(0) % 24)),
    );
    extracted(&Plain, &record(rest, std::str::from_utf8(name).ok()));
}

pub(crate) fn markdown(bytes: &[u8]) {
    document(&Markdown, bytes);
}

pub(crate) fn pdf(bytes: &[u8]) {
    document(&Pdf, bytes);
}

pub(crate) fn epub(bytes: &[u8]) {
    document(&Epub, bytes);
}

fn document(extractor: &dyn Extractor, bytes: &[u8]) {
    extracted(extractor, &record(bytes, None));
}

/// The bytes as a text, measured and edited.
pub(crate) fn signals(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut batch = record(bytes, None);
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some(text.as_ref())]));
    batch.insert(columns::TEXT.name, texts);
    let batch = measured(SIGNALS, batch);
    for edit in EDITS {
        edited(*edit, &batch);
    }
}
