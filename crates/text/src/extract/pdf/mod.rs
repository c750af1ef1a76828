//! PDF to text: the text layer of every page in reading order.
//!
//! Text is what a page draws as text: its own content, the forms it draws, and the appearances of its annotations
//! (`interpret`); codes become characters by what their fonts say (`font`), and characters become lines by where they
//! stand (`layout`): columns one after the other, tables row by row with tabs between cells, wrapped lines joined to
//! paragraphs, one a line, hyphens at line ends gone. List items begin with `- `. Pictures of text are no text; a
//! scanned document without a text layer gives an empty text, which is no fault.
//!
//! Between pages there is `\n` and a form feed (U+000C), so that a text that is not empty has `text_page_count - 1`
//! form feeds.
//!
//! A broken cross-reference table is mended, damaged streams are read up to the damage. Encrypted documents are read
//! if they open without a password, whatever they allow; others are `unsupported`. Objects, operators, glyphs, nesting
//! and unfolded bytes are counted (`budget`, `guard`), and what exceeds its bound is a `limit`.

mod budget;
mod cmap;
mod encoding;
mod filter;
mod font;
mod glyphs;
mod guard;
mod info;
mod interpret;
mod layout;
mod lexer;
mod program;

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array, cast::AsArray};
use gristmill_core::{Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf as File, object::Dict};
use memchr::memmem;

use self::{budget::Budget, info::Info, interpret::Shared, layout::Text};
use super::rows::{Source, extract_rows};

/// Describes [`Pdf`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "pdf",
    about: "text layer of a PDF in reading order, with a form feed between pages, and its title, author and date",
    inputs: &[columns::CONTENT, columns::CHARSET, columns::URL],
    outputs: &[
        columns::TEXT,
        columns::TEXT_TITLE,
        Column::text("text_author", "author that the document names"),
        Column::text(
            "text_date",
            "date of creation that the document gives, as YYYY-MM-DD",
        ),
        Column::text(
            "text_declared_language",
            "language that the document declares, as written",
        ),
        Column::u32("text_page_count", "pages of the document"),
    ],
    source: "ISO 32000-2:2020 (PDF 2.0); Adobe Glyph List; Adobe character collections",
    cost: Cost::Expensive,
    version: 1,
};

/// Extracts the text layer of PDF; see the module.
#[derive(Debug)]
pub struct Pdf;

impl Extractor for Pdf {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_pdf",
            types: &["application/pdf", "application/x-pdf"],
            except: &[],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        let limits = Limits::default();
        let mut documents = extract_rows(inputs, &limits, |source| extract(source, &limits));
        let counts = documents.columns.pop().expect("the card has six outputs");
        let counts: UInt32Array = counts
            .as_string_view()
            .iter()
            .map(|count| count?.parse().ok())
            .collect();
        documents.columns.push(Arc::new(counts));
        Ok(documents)
    }
}

/// The outputs of the card, the page count in digits.
fn extract(source: Source<'_>, limits: &Limits) -> Result<[Option<String>; 6], Fault> {
    guard::check(source.content, limits)?;
    let file = File::new(source.content.to_vec()).map_err(|error| fault(error, source.content))?;
    let xref = file.pages().xref();
    let catalog = xref.get::<Dict<'_>>(xref.root_id()).unwrap_or_default();
    let mut budget = Budget::new(limits);
    let Info {
        title,
        author,
        date,
        language,
    } = info::read(&file, &catalog, &mut budget)?;
    let mut shared = Shared::new(&catalog, budget);
    let mut text = Text::default();
    let mut is_empty = true;
    for (index, page) in file.pages().iter().enumerate() {
        if index > 0 {
            text.text.push_str("\n\u{c}");
        }
        let before = text.text.len();
        text.push_page(interpret::draw(page, &mut shared)?);
        is_empty &= text.text.len() == before;
        if text.text.len() > limits.record_bytes {
            return Err(Fault::limit(format!(
                "text exceeds {} bytes",
                limits.record_bytes
            )));
        }
    }
    let text = if is_empty { String::new() } else { text.finish() };
    let pages = file.pages().len().to_string();
    Ok([Some(text), title, author, date, language, Some(pages)])
}

fn fault(error: LoadPdfError, content: &[u8]) -> Fault {
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            Fault::unsupported("document is encrypted and needs a password")
        }
        LoadPdfError::Decryption(error) => {
            Fault::unsupported(format!("encryption cannot be read: {error:?}"))
        }
        LoadPdfError::Invalid if memmem::rfind(content, b"%%EOF").is_none() => {
            Fault::truncated("document ends before its trailer, and no pages can be found")
        }
        LoadPdfError::Invalid => Fault::malformed("no pages can be found"),
    }
}
