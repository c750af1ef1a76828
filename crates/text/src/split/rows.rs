//! Interleaved documents to rows: one for each piece, in the order of the document.
//!
//! The form is that of NeMo Curator's interleaved tasks. A document gives a row of its own first, at position -1, whose
//! text is its `general_metadata`. Pieces of text, images, and what is only known by its address follow at positions
//! from 0. `source_ref` says where the bytes are from; a medium without bytes has the reason in `materialize_error`.
//! Nodes that left are no rows.
//!
//! Source: NeMo Curator, `tasks/interleaved.py` (`INTERLEAVED_SCHEMA`); positions are of 64 bits here, and the
//! binary column is no large one.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Int64Array, ListArray, StringViewArray, UInt32Array, builder::StringViewBuilder,
    cast::AsArray,
};
use arrow_select::take::take;
use gristmill_core::{Card, Column, Cost, Fault, Parts, Result, Splitter, columns};
use serde_json::{Value, json};

/// Describes [`Rows`] to recipes, lists and docs.
pub(crate) static CARD: Card = Card {
    name: "rows",
    about: "one row for each piece of an interleaved document: text, images, and what is only known by its address",
    inputs: &[
        columns::ID,
        columns::TEXT,
        columns::TEXTS,
        columns::IMAGES,
        columns::METADATA,
        columns::GENERAL_METADATA,
        columns::REFERENCES,
        columns::REJECTED_NODES,
    ],
    outputs: &[
        Column::text("sample_id", "id of the document"),
        Column::i64(
            "position",
            "place of the piece in the document, from 0; -1 of the row about the document",
        ),
        Column::text(
            "modality",
            "what the piece is: metadata, text, image, audio, video",
        ),
        Column::text(
            "content_type",
            "media type of the piece: application/json, text/plain, image/jpeg and the like; null where it is not known",
        ),
        Column::text(
            "text_content",
            "the text; of the row about the document its metadata as JSON",
        ),
        Column::bytes("binary_content", "the file of the image"),
        Column::text(
            "source_ref",
            "JSON: where the piece is from: path, member, byte_offset, byte_size, frame_index, and its address as src",
        ),
        Column::text(
            "materialize_error",
            "why a medium has no bytes; null where nothing is missing",
        ),
    ],
    source: "NeMo Curator, tasks/interleaved.py",
    cost: Cost::Cheap,
    version: 1,
};

/// Cuts interleaved documents into rows; see the module.
#[derive(Debug)]
pub(crate) struct Rows;

impl Splitter for Rows {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn split(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Parts> {
        let document = Documents {
            ids: inputs[0].as_string_view(),
            texts: inputs[2].as_list(),
            images: inputs[3].as_list(),
            metadata: inputs[4].as_string_view(),
            general: inputs[5].as_string_view(),
            references: inputs[6].as_string_view(),
        };
        let mut out = Out::default();
        let mut faults = StringViewBuilder::new();
        for row in 0..document.ids.len() {
            match document.pieces(row) {
                Ok(pieces) => {
                    faults.append_null();
                    for (position, piece) in (-1..).zip(pieces) {
                        out.parents.push(row as u32);
                        out.ids.append_value(document.ids.value(row));
                        out.positions.push(position);
                        out.add(piece, &document);
                    }
                }
                Err(fault) => faults.append_value(fault.to_string()),
            }
        }
        out.finish(&document, faults.finish())
    }
}

/// The columns of documents.
struct Documents<'a> {
    ids: &'a StringViewArray,
    texts: &'a ListArray,
    images: &'a ListArray,
    metadata: &'a StringViewArray,
    general: &'a StringViewArray,
    references: &'a StringViewArray,
}

/// A row that comes out.
struct Piece {
    modality: String,
    content_type: Option<String>,
    content: Content,
    source: Value,
    error: Option<String>,
}

enum Content {
    None,
    Json(String),
    /// The text at this place among those of all documents.
    Text(u32),
    /// The image at this place.
    Image(u32),
}

impl Documents<'_> {
    fn pieces(&self, row: usize) -> std::result::Result<Vec<Piece>, Fault> {
        let list = |column: &StringViewArray| -> std::result::Result<Vec<Value>, Fault> {
            if column.is_null(row) {
                return Ok(Vec::new());
            }
            let malformed = |error| Fault::malformed(format!("no JSON list: {error}"));
            serde_json::from_str(column.value(row)).map_err(malformed)
        };
        let general = if self.general.is_valid(row) {
            self.general.value(row)
        } else {
            "{}"
        };
        let page: Value = serde_json::from_str(general)
            .map_err(|error| Fault::malformed(format!("general_metadata is no JSON: {error}")))?;
        let (metadata, references) = (list(self.metadata)?, list(self.references)?);
        let mut pieces = vec![Piece {
            modality: "metadata".to_owned(),
            content_type: Some("application/json".to_owned()),
            content: Content::Json(general.to_owned()),
            source: source(&page, &page["url"]),
            error: None,
        }];
        let mut references = references.iter().peekable();
        let first = self.texts.value_offsets()[row] as u32;
        let count = self.texts.value_length(row) as u32;
        for position in 0..=count {
            let stands_here = |reference: &&Value| {
                reference["position"].as_u64().unwrap_or_default() <= u64::from(position) || position == count
            };
            while let Some(reference) = references.next_if(stands_here) {
                pieces.push(known_by_address(reference));
            }
            if position == count {
                break;
            }
            let about = metadata.get(position as usize).unwrap_or(&Value::Null);
            let place = first + position;
            let is_text = self.texts.values().is_valid(place as usize);
            pieces.push(if is_text {
                Piece {
                    modality: "text".to_owned(),
                    content_type: Some("text/plain".to_owned()),
                    content: Content::Text(place),
                    source: source(&page, &page["url"]),
                    error: None,
                }
            } else {
                let shift = self.images.value_offsets()[row] as u32;
                Piece {
                    modality: "image".to_owned(),
                    content_type: about["format"].as_str().map(media_type),
                    content: Content::Image(shift + position),
                    source: source(about, &about["src"]),
                    error: None,
                }
            });
        }
        Ok(pieces)
    }
}

/// Where bytes are from.
fn source(about: &Value, src: &Value) -> Value {
    json!({
        "path": about["warc_filename"], "member": null, "byte_offset": about["warc_record_offset"],
        "byte_size": about["warc_record_length"], "frame_index": null, "src": src,
    })
}

fn known_by_address(reference: &Value) -> Piece {
    Piece {
        modality: reference["kind"].as_str().unwrap_or("image").to_owned(),
        content_type: None,
        content: Content::None,
        source: json!({
            "path": reference["src"], "member": null, "byte_offset": null, "byte_size": null, "frame_index": null,
            "src": reference["src"],
        }),
        error: reference["reason"].as_str().map(str::to_owned),
    }
}

/// The media type of an image format.
fn media_type(format: &str) -> String {
    match format {
        "ico" => "image/vnd.microsoft.icon".to_owned(),
        "pnm" => "image/x-portable-anymap".to_owned(),
        "hdr" => "image/vnd.radiance".to_owned(),
        "exr" => "image/x-exr".to_owned(),
        "tga" => "image/x-tga".to_owned(),
        _ => format!("image/{format}"),
    }
}

/// The columns of parts.
#[derive(Default)]
struct Out {
    parents: Vec<u32>,
    ids: StringViewBuilder,
    positions: Vec<i64>,
    modalities: StringViewBuilder,
    types: StringViewBuilder,
    texts: StringViewBuilder,
    /// Of each row the place of its image among those of all documents.
    images: Vec<Option<u32>>,
    sources: StringViewBuilder,
    errors: StringViewBuilder,
}

impl Out {
    fn add(&mut self, piece: Piece, of: &Documents<'_>) {
        self.modalities.append_value(&piece.modality);
        self.types.append_option(piece.content_type);
        self.sources.append_value(piece.source.to_string());
        self.errors.append_option(piece.error);
        let text = match &piece.content {
            Content::Json(text) => Some(text.as_str()),
            Content::Text(place) => Some(of.texts.values().as_string_view().value(*place as usize)),
            Content::Image(_) | Content::None => None,
        };
        self.texts.append_option(text);
        self.images.push(match piece.content {
            Content::Image(place) => Some(place),
            _ => None,
        });
    }

    fn finish(mut self, of: &Documents<'_>, faults: StringViewArray) -> Result<Parts> {
        let files = of.images.values().as_struct().column(0);
        let binaries = take(files, &UInt32Array::from(self.images), None)?;
        Ok(Parts {
            parents: self.parents,
            columns: vec![
                Arc::new(self.ids.finish()),
                Arc::new(Int64Array::from(self.positions)),
                Arc::new(self.modalities.finish()),
                Arc::new(self.types.finish()),
                Arc::new(self.texts.finish()),
                binaries,
                Arc::new(self.sources.finish()),
                Arc::new(self.errors.finish()),
            ],
            faults,
        })
    }
}
