//! Plain files: the whole object is one record.
//!
//! For pages, texts, documents, images and the like that are stored one to an object. `offset` is 0 and `length` the
//! stored length. A compressed object gives its decompressed bytes. The media type comes from the bytes first and
//! the file-name ending second; `url` is null. An empty object is a record with empty content. An object (or its
//! decompressed bytes) larger than `record_bytes` is a `limit` fault and is not held in memory.

use std::{ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{
    Fault, Format, FormatCard, Object, ReadOptions, Record, RecordBatcher, Records, Result, columns,
};

use crate::{
    carry::carried_nulls,
    magic, media_type,
    stored::{self, Compression},
    window::{Peek, Window},
};

/// Describes [`Plain`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "plain",
    about: "whole files: HTML, text, PDF, images, one record each",
    extensions: &[
        "html", "htm", "xhtml", "txt", "md", "markdown", "xml", "pdf", "epub",
    ],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "not at all",
    source: "media types: WHATWG MIME Sniffing",
    version: 2,
};

/// Reads whole files; see the module.
pub struct Plain;

impl Format for Plain {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        Ok(Box::new(Whole {
            object: stored::is_first(object.as_ref(), &range).then_some(object),
            options: options.clone(),
        }))
    }
}

/// The one record, until it is read.
struct Whole {
    object: Option<Arc<dyn Object>>,
    options: ReadOptions,
}

impl Records for Whole {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(object) = self.object.take() else {
            return Ok(None);
        };
        let compression = stored::compression_of(object.as_ref())?;
        let is_archive = compression != Compression::None && !has_compressed_name(object.uri(), compression);
        let compression = if is_archive {
            Compression::None
        } else {
            compression
        };
        let mut window = Window::new(stored::decompress(&object, compression)?, 0);
        let most = self.options.limits.record_bytes;
        let wanted = if self.options.wants(&columns::CONTENT) {
            most + 1
        } else {
            4096
        };
        let seen = window.peek(wanted)?.len();
        let fault = match window.take_damage() {
            Some(fault) => Some(fault),
            None if seen > most => Some(Fault::limit(format!("file exceeds {most} bytes"))),
            None => None,
        };
        let content = window.peek(0)?;
        let media_type = magic::media_type(content, by_name(object.uri(), compression), None);
        let mut batcher = RecordBatcher::new(object.uri(), &self.options);
        batcher.push(&Record {
            length: object.len(),
            record_type: "document",
            media_type: media_type.as_deref(),
            content: fault.is_none().then_some(content),
            fault,
            ..Record::default()
        });
        batcher.take(carried_nulls(&self.options.fields.carry, 1))
    }
}

/// Whether the name says that the file is a compressed other file: `a.txt.gz`, not `a.gz`.
fn has_compressed_name(uri: &str, compression: Compression) -> bool {
    compression == Compression::Brotli || by_name(uri, compression).is_some()
}

fn by_name(uri: &str, compression: Compression) -> Option<&'static str> {
    let stem = uri.rsplit_once('.').map(|(stem, _)| stem);
    let name = stem.filter(|_| compression != Compression::None);
    media_type::by_name(name.unwrap_or(uri))
}
