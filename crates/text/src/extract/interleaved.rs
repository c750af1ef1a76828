//! HTML to an interleaved document: the text of [`html`](super::html) and what the page says of itself, and the same text
//! as [nodes](super::nodes) with images, videos and audio between.
//!
//! `text` is byte for byte that of `html`, so that signals over text mean the same for both. The image that a page names for
//! itself (`og:image`) is a column and no node. Counts are those of nodes.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{BinaryViewBuilder, StringViewBuilder, UInt32Builder},
};
use gristmill_core::{
    Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns,
    nodes::{MediaKind, Node, encode},
};

use super::{
    blocks::{self, Marked},
    content,
    html::{TEXT_AUTHOR, TEXT_CANONICAL_URL, TEXT_DATE, TEXT_DECLARED_LANGUAGE, TEXT_LICENCE, TEXT_ROBOTS},
    media,
    metadata::{self, Metadata},
    nodes, placement,
    render::render,
    rows::{Source, each_row},
    said,
};
use crate::{
    address,
    charset::{self, Kind},
    html::{Document, Tag},
};

/// Describes [`Interleaved`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "interleaved",
    about: "main content of an HTML page as text with its images, videos and audio in place",
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
        Column::text(
            "interleaved_lead_image_url",
            "address of the image that the page names for itself (og:image), absolute; null if there is none",
        ),
        Column::u32("interleaved_text_count", "pieces of text"),
        Column::u32("interleaved_image_count", "images between them"),
        Column::u32(
            "interleaved_video_count",
            "videos, and players of videos, between them",
        ),
        Column::u32(
            "interleaved_audio_count",
            "audio, and players of audio, between them",
        ),
        columns::DOCUMENT_NODES,
    ],
    source: "extractor html; Laurençon et al. 2023, arXiv:2306.16527, section 3.2 (nodes); WHATWG HTML 4.8 (images and media)",
    cost: Cost::Expensive,
    version: 1,
};

/// Texts of a row: the columns before the counts.
const TEXTS: usize = 9;
const COUNTS: usize = 4;

/// Extracts interleaved documents; see the module.
#[derive(Debug)]
pub struct Interleaved;

impl Extractor for Interleaved {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        super::html::Html.accepts()
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        let limits = Limits::default();
        let mut texts: [StringViewBuilder; TEXTS] = std::array::from_fn(|_| StringViewBuilder::new());
        let mut counts: [UInt32Builder; COUNTS] = std::array::from_fn(|_| UInt32Builder::new());
        let mut encoded = BinaryViewBuilder::new();
        let faults = each_row(
            inputs,
            &limits,
            |source| extract(source, &limits),
            |document| {
                let (values, nodes) = document.unzip();
                let values: [Option<String>; TEXTS] = values.unwrap_or_default();
                for (column, value) in texts.iter_mut().zip(values) {
                    column.append_option(value);
                }
                for (column, kind) in counts.iter_mut().zip(COUNTED) {
                    column.append_option(nodes.as_deref().map(|nodes| count(nodes, kind)));
                }
                encoded.append_option(nodes.as_deref().map(encode));
            },
        );
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(TEXTS + COUNTS + 1);
        columns.extend(texts.map(|mut column| Arc::new(column.finish()) as ArrayRef));
        columns.extend(counts.map(|mut column| Arc::new(column.finish()) as ArrayRef));
        columns.push(Arc::new(encoded.finish()));
        Ok(Documents { columns, faults })
    }
}

/// What the counts count; `None` is text.
const COUNTED: [Option<MediaKind>; COUNTS] = [
    None,
    Some(MediaKind::Image),
    Some(MediaKind::Video),
    Some(MediaKind::Audio),
];

fn count(nodes: &[Node], kind: Option<MediaKind>) -> u32 {
    let is_counted = |node: &&Node| match node {
        Node::Text(_) => kind.is_none(),
        Node::Media(media) => kind == Some(media.kind),
    };
    nodes.iter().filter(is_counted).count() as u32
}

fn extract(source: Source<'_>, limits: &Limits) -> Result<([Option<String>; TEXTS], Vec<Node>), Fault> {
    let html = charset::decode(source.content, source.charset, Kind::Markup)?;
    let document = Document::parse(&html, limits.html_depth, limits.html_nodes);
    let url = source.url.unwrap_or_default();
    let page = blocks::cut_with(&document, Marked::Media);
    let is_kept = content::find(&document, &page);
    let text = render(&page, &is_kept);
    let base = media::base(&document, url);
    let mut found = media::read(&document, &page.marks, base.as_ref(), |_| true);
    let mut is_content = placement::is_content(&document, &page, &is_kept, &found).into_iter();
    found.retain(|_| is_content.next().unwrap_or_default());
    let said = said::instead_of(&text, &document, limits);
    let nodes = match &said {
        Some(said) => nodes::behind(said, found),
        None => nodes::arrange(&page, &is_kept, found),
    };
    let Metadata {
        title,
        author,
        date,
        language,
        canonical_url,
        licence,
        robots,
    } = metadata::read(&document, url);
    let lead = lead_image(&document).and_then(|image| address::resolve(base.as_ref(), &image));
    let texts = [
        Some(said.unwrap_or(text)),
        title,
        author,
        date,
        language,
        canonical_url,
        licence,
        robots,
        lead.map(|address| address.to_string()),
    ];
    Ok((texts, nodes))
}

/// The first `og:image` of a page that is not empty.
fn lead_image(document: &Document<'_>) -> Option<String> {
    let metas = document.nodes().iter().filter(|node| node.tag == Tag::Meta);
    let mut images = metas.filter_map(|meta| {
        let attributes = document.attributes(meta);
        let name = attributes
            .clone()
            .value("property")
            .or_else(|| attributes.clone().value("name"))?;
        let is_image = ["og:image", "og:image:url", "og:image:secure_url"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known));
        is_image.then(|| attributes.value("content"))?
    });
    images.find(|image| !image.trim().is_empty()).map(Into::into)
}
