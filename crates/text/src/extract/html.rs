//! HTML to text: the main content of a page and what the page says of itself.
//!
//! The bytes become UTF-8 (`charset`), UTF-8 becomes a tree (`html`), the tree becomes blocks, each block is
//! measured and a classifier says how likely it is content (see [`training`](super::training) for how it was
//! made). What is content depends on the kind of page, and the classifier sees clues of it: all posts of a
//! forum, the description and specification of a product, the entries of a listing, but of an article neither
//! comments nor related stories. Where the layout gives next to nothing and structured data has a text, that is the
//! text (see `said`).
//!
//! Text comes plain, and where somebody reads it also as Markdown. Plain text has one block a line; list items begin
//! with `- `, cells of a table row are joined by ` | `, `pre` keeps its lines. A page without content gives an empty
//! text, which is no fault. Output depends on the bytes, the declared charset and the address alone.

use arrow_array::ArrayRef;
use gristmill_core::{Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns};

use super::{
    blocks::{self, Marked},
    content,
    metadata::{self, Metadata},
    render::render,
    render_markdown,
    rows::{Source, extract_rows},
    said,
};
use crate::{
    charset::{self, Kind},
    html::Document,
};

/// Who wrote the page.
pub(super) const TEXT_AUTHOR: Column = Column::text("text_author", "author that the page names");
/// When it was published.
pub(super) const TEXT_DATE: Column = Column::text(
    "text_date",
    "date of publication that the page gives, as YYYY-MM-DD",
);
/// The language that it declares.
pub(super) const TEXT_DECLARED_LANGUAGE: Column = Column::text(
    "text_declared_language",
    "language that the page declares, as written",
);
/// The address that it prefers.
pub(super) const TEXT_CANONICAL_URL: Column = Column::text(
    "text_canonical_url",
    "address that the page prefers for itself, as written",
);
/// What it says of its licence.
pub(super) const TEXT_LICENCE: Column = Column::text(
    "text_licence",
    "evidence of a licence as `place value`, `; ` between pieces; null if there is none",
);
/// What it says to robots.
pub(super) const TEXT_ROBOTS: Column = Column::text(
    "text_robots",
    "what the page asks of robots and text miners, as `name=content`, `; ` between pieces",
);

/// Describes [`Html`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "html",
    about: "main content of an HTML page as plain text, with its title, author, date and declared rights",
    inputs: &[columns::CONTENT, columns::CHARSET, columns::URL],
    outputs: &[
        columns::TEXT,
        columns::TEXT_TITLE,
        TEXT_AUTHOR,
        TEXT_DATE,
        TEXT_DECLARED_LANGUAGE,
        TEXT_CANONICAL_URL,
        TEXT_LICENCE,
        TEXT_ROBOTS,
        columns::TEXT_MARKDOWN,
    ],
    source: "WHATWG HTML 13.2 (parsing); blocks classified by trees trained on WCXB (CC-BY-4.0), crates/text/training",
    cost: Cost::Expensive,
    version: 2,
};

/// Extracts the main content of HTML; see the module.
#[derive(Debug)]
pub struct Html;

impl Extractor for Html {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_html",
            types: &["text/html", "application/xhtml+xml"],
            except: &[],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Documents> {
        let limits = Limits::default();
        let wants_markdown = wanted.contains(&columns::TEXT_MARKDOWN.name);
        Ok(extract_rows(inputs, &limits, |source| {
            extract(source, &limits, wants_markdown)
        }))
    }
}

fn extract(source: Source<'_>, limits: &Limits, wants_markdown: bool) -> Result<[Option<String>; 9], Fault> {
    let html = charset::decode(source.content, source.charset, Kind::Markup)?;
    let document = Document::parse(&html, limits.html_depth, limits.html_nodes);
    let url = source.url.unwrap_or_default();
    let Metadata {
        title,
        author,
        date,
        language,
        canonical_url,
        licence,
        robots,
    } = metadata::read(&document, url);
    let marked = if wants_markdown {
        Marked::Elements
    } else {
        Marked::Nothing
    };
    let page = blocks::cut_with(&document, marked);
    let is_kept = content::find(&document, &page);
    let text = render(&page, &is_kept);
    let said = said::instead_of(&text, &document, limits);
    let markdown = wants_markdown.then(|| match &said {
        Some(said) => said.clone(),
        None => render_markdown::render(&document, &page, &is_kept),
    });
    let text = said.unwrap_or(text);
    Ok([
        Some(text),
        title,
        author,
        date,
        language,
        canonical_url,
        licence,
        robots,
        markdown,
    ])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Array, BinaryViewArray, StringViewArray, cast::AsArray};

    use super::*;

    fn check(html: &[u8], expected: &str) {
        let inputs: Vec<ArrayRef> = vec![
            Arc::new(BinaryViewArray::from(vec![Some(html)])),
            Arc::new(StringViewArray::new_null(1)),
            Arc::new(StringViewArray::new_null(1)),
        ];
        let documents = Html.extract(&inputs, &[]).unwrap();
        assert_eq!(documents.columns[0].as_string_view().value(0), expected);
        assert!(documents.faults.is_null(0));
    }

    #[test]
    fn a_page_without_content_has_an_empty_text() {
        check(b"", "");
        check(
            b"<html><head><title>a</title></head><body><script>b</script></body>",
            "",
        );
    }
}
