//! Columns of what pages say of images, and of interleaved documents.

use gristmill_core::{Column, columns};

/// The title of an image.
pub(crate) const TITLE: Column = Column::text("image_title", "`title` of the image on the page");
/// The caption of an image.
pub(crate) const CAPTION: Column = Column::text(
    "image_caption",
    "caption of the image on the page: its `figcaption`, or what stands for one",
);
/// The text before an image.
pub(crate) const TEXT_BEFORE: Column = Column::text(
    "image_text_before",
    "text of the page before the image, at most 500 characters",
);
/// The text behind an image.
pub(crate) const TEXT_AFTER: Column = Column::text(
    "image_text_after",
    "text of the page behind the image, at most 500 characters",
);
/// The page that tells of an image.
pub(crate) const PAGE_URL: Column =
    Column::text("image_page_url", "address of the page that the texts are from");
/// The record of that page.
pub(crate) const PAGE_ID: Column = Column::text("image_page_id", "id of that page's record");
/// How often an image is shown.
pub(crate) const REFERENCE_COUNT: Column = Column::u32(
    "image_reference_count",
    "places on pages of the crawl that show the image; 0 where none does",
);

/// What a `context` step adds. The text is the alternative text of the image.
pub const CONTEXT_COLUMNS: [Column; 8] = [
    columns::TEXT,
    TITLE,
    CAPTION,
    TEXT_BEFORE,
    TEXT_AFTER,
    PAGE_URL,
    PAGE_ID,
    REFERENCE_COUNT,
];

/// What interleaved documents have once their nodes are judged: the form of OBELICS.
pub const NODE_COLUMNS: [Column; 10] = [
    columns::TEXT,
    columns::TEXTS,
    columns::IMAGES,
    columns::METADATA,
    columns::GENERAL_METADATA,
    columns::REJECTED_NODES,
    columns::REFERENCES,
    Column::u32("interleaved_text_count", "pieces of text"),
    Column::u32("interleaved_image_count", "images"),
    Column::u32("interleaved_rejected_count", "nodes that left"),
];

/// The columns of a node, before its steps.
pub(crate) const NODE_INPUT: [Column; 11] = [
    columns::ID,
    columns::URL,
    columns::MEDIA_TYPE,
    columns::CONTENT,
    columns::TEXT,
    Column::text("node_alt", "alternative text of the image"),
    Column::text("node_title", "title of the image"),
    Column::text("node_caption", "caption of the image"),
    Column::u32("node_rendered_width_px", "width that the page asks for"),
    Column::u32("node_rendered_height_px", "height that the page asks for"),
    columns::FAULT,
];
