//! HTML to references to images: every image that a page shows, with what the page says of it.
//!
//! Unlike the nodes of [`interleaved`](super::interleaved), also what lies outside of the main content, so that images that were
//! crawled can be given the texts of all pages that show them: join on [`resource_key`](crate::resource_key) of `src`.
//! What counts as an image, its address and its texts is told in `media`; the text around it is that of the page,
//! content or not. Two references of a page may have one address.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{BinaryViewBuilder, UInt32Builder},
};
use gristmill_core::{
    Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns,
    nodes::{self, Media, MediaKind, Node},
};

use super::{
    blocks::{self, Marked},
    media,
    rows::each_row,
    surroundings,
};
use crate::{
    charset::{self, Kind},
    html::Document,
};

/// Describes [`ImageReferences`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "image_references",
    about: "references to all images of an HTML page, with what the page says of each",
    inputs: &[columns::CONTENT, columns::CHARSET, columns::URL],
    outputs: &[
        Column::u32(
            "page_image_count",
            "references to images, also outside of the main content",
        ),
        columns::PAGE_IMAGES,
    ],
    source: "WHATWG HTML 4.8 (images); URL Standard (addresses)",
    cost: Cost::Moderate,
    version: 1,
};

/// Extracts references; see the module.
#[derive(Debug)]
pub struct ImageReferences;

impl Extractor for ImageReferences {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        super::html::Html.accepts()
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        let limits = Limits::default();
        let mut counts = UInt32Builder::new();
        let mut encoded = BinaryViewBuilder::new();
        let faults = each_row(
            inputs,
            &limits,
            |source| image_references(source.content, source.charset, source.url, &limits),
            |images| {
                counts.append_option(images.as_ref().map(|images| images.len() as u32));
                let images = images.map(|images| images.into_iter().map(Node::Media).collect::<Vec<_>>());
                encoded.append_option(images.map(|images| nodes::encode(&images)));
            },
        );
        Ok(Documents {
            columns: vec![Arc::new(counts.finish()), Arc::new(encoded.finish())],
            faults,
        })
    }
}

/// All images of a page in document order, those of the main content and others. `charset` is what the transport
/// declared, `url` where the page was fetched from: without it relative references and those to a host without a scheme are
/// left out.
///
/// # Errors
/// When the bytes are no text.
pub fn image_references(
    content: &[u8],
    charset: Option<&str>,
    url: Option<&str>,
    limits: &Limits,
) -> Result<Vec<Media>, Fault> {
    let html = charset::decode(content, charset, Kind::Markup)?;
    let document = Document::parse(&html, limits.html_depth, limits.html_nodes);
    let page = blocks::cut_with(&document, Marked::Media);
    let base = media::base(&document, url.unwrap_or_default());
    let found = media::read(&document, &page.marks, base.as_ref(), |kind| {
        kind == MediaKind::Image
    });
    let images = found.into_iter().map(|mut found| {
        let (before, after) = surroundings::around(&page, &found.mark);
        found.media.text_before = before;
        found.media.text_after = after;
        found.media
    });
    Ok(images.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &[(&str, &str, &str)]) {
        let images = image_references(
            html.as_bytes(),
            None,
            Some("https://a.org/b/"),
            &Limits::default(),
        )
        .unwrap();
        let images: Vec<_> = images
            .iter()
            .map(|image| (&*image.src, &*image.text_before, &*image.text_after))
            .collect();
        assert_eq!(images, expected, "{html}");
    }

    #[test]
    fn every_image_is_a_reference_wherever_it_stands() {
        check(
            "<nav><img src=logo.svg>Home</nav><p>a <img src=/x.png> b<footer><img src=//c.org/y></footer>",
            &[
                ("https://a.org/b/logo.svg", "", "Home\na b"),
                ("https://a.org/x.png", "Home\na", "b"),
                ("https://c.org/y", "Home\na b", ""),
            ],
        );
    }

    #[test]
    fn videos_are_no_images() {
        check(
            "<video src=x.mp4></video><iframe src=https://www.youtube.com/embed/x></iframe>",
            &[],
        );
    }

    #[test]
    fn a_page_without_an_address_has_absolute_references_alone() {
        let html = b"<img src=x.png><img src=//a.org/y><img src=http://a.org/z>";
        let images = image_references(html, None, None, &Limits::default()).unwrap();
        assert_eq!(images.len(), 1);
        assert_eq!(images[0].src, "http://a.org/z");
    }
}
