//! Extractors: records to text documents, to documents of text and media, and to references to images.

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
pub mod image_references;
pub mod interleaved;
mod kind;
mod lexicon;
mod lexicon_weights;
pub mod markdown;
mod media;
mod metadata;
pub mod nodes;
mod patterns;
pub mod pdf;
mod placement;
pub mod plain;
mod records;
mod render;
mod render_markdown;
mod rows;
mod said;
mod structured;
mod surroundings;
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

/// All extractors of interleaved documents.
pub static INTERLEAVED: &[&dyn Extractor] = &[&interleaved::Interleaved];

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    #[test]
    fn cards_conform() {
        conformance::check_cards(
            EXTRACTORS
                .iter()
                .chain(INTERLEAVED)
                .map(|extractor| extractor.card()),
        );
    }
}
