//! Plain files: the whole object is one record.
//!
//! For pages, texts, documents, images and the like that are stored one to an object. `offset` is 0 and `length` the
//! stored length. A compressed object gives its decompressed bytes. The media type comes from the bytes first and
//! the file-name ending second; `url` is null. An empty object is a record with empty content. An object (or its
//! decompressed bytes) larger than `record_bytes` is a `limit` fault and is not held in memory.
//!
//! **Carried fields** of images, sounds and films are looked for in the files beside that bear the same name with
//! another ending: a field is the text of the file with that ending (`srt`, `vtt`, `txt`), else a key of the file
//! `json`, as in [JSONL](crate::jsonl). What is not there, is too large, or is damaged gives null. Those files are
//! records of their own as well, where the recipe reads them.

use std::{io, ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{
    Fault, FieldMap, Format, FormatCard, Object, ReadOptions, Record, RecordBatcher, Records, Result, columns,
};

use crate::{
    carry::Carried,
    json::{Field, Fields},
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
        let fields = &self.options.fields;
        let mut carried = Carried::new(&fields.carry);
        if !fields.carry.is_empty() && media_type.as_deref().is_some_and(media_type::is_media) {
            Sidecars::new(object.as_ref(), compression, &self.options).carry(fields, &mut carried)?;
        } else {
            carried.push_nulls();
        }
        let mut batcher = RecordBatcher::new(object.uri(), &self.options);
        batcher.push(&Record {
            length: object.len(),
            record_type: "document",
            media_type: media_type.as_deref(),
            content: fault.is_none().then_some(content),
            fault,
            ..Record::default()
        });
        batcher.take(carried.finish())
    }
}

/// The files that bear the name of another one, with other endings.
struct Sidecars<'a> {
    object: &'a dyn Object,
    stem: &'a str,
    most: usize,
}

impl<'a> Sidecars<'a> {
    fn new(object: &'a dyn Object, compression: Compression, options: &ReadOptions) -> Self {
        let without_ending = |name: &'a str| name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let name = object.uri().rsplit('/').next().unwrap_or_default();
        let name = match compression {
            Compression::None => name,
            _ => without_ending(name),
        };
        Sidecars {
            object,
            stem: without_ending(name),
            most: options.limits.record_bytes,
        }
    }

    /// Adds the row of what they hold.
    fn carry(&self, fields: &FieldMap, carried: &mut Carried) -> Result<()> {
        let files: Vec<Option<Vec<u8>>> = fields
            .carry
            .iter()
            .map(|(name, _)| self.read(name))
            .collect::<Result<_>>()?;
        let json = if files.contains(&None) {
            self.read("json")?
        } else {
            None
        };
        let readers = Fields::new(fields);
        let found = json
            .as_deref()
            .and_then(|json| readers.read(json.trim_ascii()).ok());
        let mut row = Vec::with_capacity(fields.carry.len());
        for (at, file) in files.into_iter().enumerate() {
            let of_json = || {
                found
                    .as_ref()
                    .map_or(Field::Missing, |json| json.carried[at].clone())
            };
            row.push(match file.map(String::from_utf8) {
                Some(Ok(text)) => Field::Text(text.into()),
                Some(Err(error)) => Field::Bytes(error.into_bytes()),
                None => of_json(),
            });
        }
        carried.push(&row);
        Ok(())
    }

    /// The bytes of the file with this ending.
    fn read(&self, ending: &str) -> Result<Option<Vec<u8>>> {
        if self.stem.is_empty() || !ending.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(None);
        }
        let sidecar = match self.object.sibling(&format!("{}.{ending}", self.stem)) {
            Ok(found) => found.filter(|sidecar| sidecar.len() <= self.most as u64),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let Some(sidecar) = sidecar else { return Ok(None) };
        Ok(Some(sidecar.read_at(0..sidecar.len())?.to_vec()))
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
