//! Extractors: records to text documents.

mod about;
mod blocks;
mod byline;
mod content;
mod context;
mod date;
pub mod epub;
mod features;
mod forest;
mod forest_first;
mod forest_second;
mod formula;
mod hints;
pub mod html;
mod kind;
mod lexicon;
mod lexicon_weights;
pub mod markdown;
mod metadata;
mod patterns;
pub mod pdf;
pub mod plain;
mod records;
mod render;
mod render_markdown;
mod rows;
mod said;
mod structured;
pub mod training;

use gristmill_core::Extractor;

/// All extractors of text.
pub static EXTRACTORS: &[&dyn Extractor] = &[
    &html::Html,
    &plain::Plain,
    &pdf::Pdf,
    &markdown::Markdown,
    &epub::Epub,
];

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    #[test]
    fn cards_conform() {
        conformance::check_cards(EXTRACTORS.iter().map(|extractor| extractor.card()));
    }
}
