//! WebDataset: tar archives in which consecutive files that share a key are one sample.
//!
//! The name of a file is `<key>.<field>`: the field begins behind the first dot of the base name, so that
//! `a/b.c/x.seg.png` is field `seg.png` of key `a/b.c/x`. Fields match in any case. A file without a field, or with a
//! base name that begins with a dot (as macOS leaves them), is in no sample and ends none: it is a record of its own
//! with a null `sample`. A key that comes back behind another one begins a new sample.
//!
//! **Records.** The content of a sample is, of these, the first that it has:
//!
//! 1. the file whose field is the recipe's content field; alternatives stand between semicolons (`jpg;png`);
//! 2. every image, sound and film, PDF and HTML page, one record each, by the endings of their names, or by their bytes
//!    where the ending is not known;
//! 3. the recipe's content field in the sample's `json`, as in [JSONL](crate::jsonl);
//! 4. the file `txt`.
//!
//! A sample with none of them is one row with a fault. `sample` is the key, `member` the whole name.
//!
//! **Carried fields**, `id` and `url` are looked for among the files of the sample (`txt`, `cls`, `caption`), then
//! among the keys of its `json` (paths as in JSONL); `__key__` is the key. Files that are carried, and all others that
//! are not content, are no records. What is not UTF-8 can be carried as `bytes` only. If `json` is damaged, what would
//! come from it is null. The `id` is that of the first record of a sample; others get one made from their place.
//!
//! Members, offsets, damage, links and slices are as in [tar](crate::tar). A file larger than `record_bytes` has a
//! `limit` fault and does not hurt the rest of its sample. A sample is held in memory: if its files and what they carry
//! exceed 4 times `record_bytes`, with 1 kB added for each file, it is one row with a `limit` fault.
//!
//! **Found by itself** where the first two samples (or the only one) of a tar archive have two or more files of known
//! fields each, at least one of them content: media, `pdf`, `html`, `txt`, `text`, `caption`; known besides are `json`,
//! `cls`, `npy`, `npz`, `pth`, `pyd`, `pkl`, `pickle` and `msgpack`. 64 members, and 64 MiB of compressed archives, are
//! looked at.
//!
//! Source: the `webdataset` library, `tariterators.base_plus_ext` and `group_by_keys`; the builder of the same name in
//! Hugging Face `datasets`.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use arrow_array::RecordBatch;
use gristmill_core::{
    Fault, Format, FormatCard, Limits, Object, ReadOptions, Record, RecordBatcher, Records, Result,
};

use crate::{
    carry::Carried,
    json::{Field, Fields},
    magic, media_type,
    stored::Compression,
    tar::{self, Member, Members},
};

/// Describes [`WebDataset`] to recipes, lists and docs.
pub static CARD: FormatCard = FormatCard {
    name: "webdataset",
    about: "samples in tar archives: files that share a key, one record for each that is content",
    extensions: &[],
    compressions: &["none", "gzip", "zstd", "bzip2", "xz", "lz4", "brotli"],
    slicing: "not at all",
    source: "webdataset library; Hugging Face datasets",
    version: 1,
};

/// Reads WebDataset archives; see the module.
pub struct WebDataset;

/// How many records' worth of bytes a sample may have.
const SAMPLE: usize = 4;
/// What a file of a sample counts beside its content and name.
const FILE: usize = 1 << 10;

impl Format for WebDataset {
    fn card(&self) -> &'static FormatCard {
        &CARD
    }

    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>> {
        Ok(Box::new(Samples {
            files: Files {
                members: tar::open(&object, &range, options)?,
                ahead: None,
                most: options.limits.record_bytes.saturating_mul(SAMPLE),
            },
            sample: Sample::default(),
            rows: VecDeque::new(),
            batcher: RecordBatcher::new(object.uri(), options),
            fields: Fields::new(&options.fields),
            carried: Carried::new(&options.fields.carry),
            options: options.clone(),
        }))
    }
}

/// Key and field of a file name, if it has them.
fn key_and_field(name: &str) -> Option<(&str, &str)> {
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name[base..].find('.').filter(|dot| *dot > 0)? + base;
    Some((&name[..dot], &name[dot + 1..]))
}

/// Media types of pages and documents.
const DOCUMENTS: [&str; 4] = [
    "application/pdf",
    "text/html",
    "application/xhtml+xml",
    "application/epub+zip",
];
/// Fields that are content in samples without media.
const TEXTS: [&str; 3] = ["txt", "text", "caption"];
/// Other fields by which samples are known.
const KNOWN: [&str; 9] = [
    "json", "cls", "npy", "npz", "pth", "pyd", "pkl", "pickle", "msgpack",
];

fn is_content_type(media_type: &str) -> bool {
    media_type::is_media(media_type) || DOCUMENTS.contains(&media_type)
}

/// Whether the tar archive `object` holds samples; see the module.
pub(crate) fn begins(object: &Arc<dyn Object>, compression: Compression, limits: &Limits) -> Result<bool> {
    const MEMBERS: usize = 64;
    const BYTES: u64 = 64 << 20;
    let mut members = Members::new(object, compression, limits)?;
    let mut samples: Vec<(String, usize, usize)> = Vec::new();
    let mut is_ended = false;
    for _ in 0..MEMBERS {
        let Some(member) = members.next()? else {
            is_ended = true;
            break;
        };
        if compression != Compression::None && member.offset > BYTES {
            break;
        }
        let name = member.name.unwrap_or_default().to_ascii_lowercase();
        let Some((key, field)) = key_and_field(&name) else {
            continue;
        };
        if samples.last().is_none_or(|(last, ..)| last != key) {
            if samples.len() == 2 {
                is_ended = true;
                break;
            }
            samples.push((key.to_owned(), 0, 0));
        }
        let is_content = TEXTS.contains(&field) || media_type::by_name(&name).is_some_and(is_content_type);
        if let Some((_, known, content)) = samples.last_mut() {
            *known += usize::from(is_content || KNOWN.contains(&field));
            *content += usize::from(is_content);
        }
    }
    // What was not seen to its end is not judged, unless there is nothing else.
    if !is_ended && samples.len() > 1 {
        samples.pop();
    }
    Ok(!samples.is_empty()
        && samples
            .iter()
            .all(|(_, known, content)| *known > 1 && *content > 0))
}

/// A file of a sample.
#[derive(Debug)]
struct File {
    member: Member,
    content: Vec<u8>,
}

impl File {
    fn name(&self) -> &str {
        self.member.name.as_deref().unwrap_or_default()
    }

    fn key(&self) -> Option<&str> {
        key_and_field(self.name()).map(|(key, _)| key)
    }

    fn is_field(&self, wanted: &str) -> bool {
        self.member.fault.is_none()
            && key_and_field(self.name()).is_some_and(|(_, field)| field.eq_ignore_ascii_case(wanted))
    }

    /// Whether it is media or a document.
    fn is_content(&self) -> bool {
        if self.member.fault.is_some() || self.key().is_none() {
            return false;
        }
        match media_type::by_name(self.name()) {
            Some(media_type) => is_content_type(media_type),
            None => {
                magic::signature(&self.content).is_some_and(is_content_type) && !magic::is_text(&self.content)
            }
        }
    }

    fn cost(&self) -> usize {
        self.content.len() + self.name().len() + FILE
    }
}

/// Files of one sample in their order, and what their records share.
#[derive(Debug, Default)]
struct Sample {
    key: Option<String>,
    files: Vec<File>,
    found: Shared,
}

/// What the records of a sample share.
#[derive(Debug, Default)]
struct Shared {
    content: Option<String>,
    id: Option<String>,
    url: Option<String>,
    carried: Vec<Field<'static>>,
}

/// A record of the sample that is at hand.
enum Row {
    /// A file and its content.
    File(usize),
    /// A file whose content is the text that was found in it.
    Text(usize),
    /// A file that is in no sample.
    Alone(usize),
    /// What is wrong with the sample.
    Fault { offset: u64, length: u64, fault: Fault },
}

/// Records of the samples of an archive.
struct Samples {
    files: Files,
    sample: Sample,
    /// Records of the sample that were not handed on.
    rows: VecDeque<Row>,
    batcher: RecordBatcher,
    fields: Fields,
    carried: Carried,
    options: ReadOptions,
}

impl Records for Samples {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.batcher.is_full() {
            match self.rows.pop_front() {
                Some(row) => self.push(row),
                None => match self.files.sample()? {
                    Some(sample) => self.open(sample),
                    None => break,
                },
            }
        }
        self.batcher.take(self.carried.finish())
    }
}

impl Samples {
    /// Says which records a sample has.
    fn open(&mut self, sample: Result<Sample, (String, Row)>) {
        let mut sample = match sample {
            Ok(sample) => sample,
            Err((key, row)) => {
                self.sample = Sample {
                    key: Some(key),
                    ..Sample::default()
                };
                self.rows.push_back(row);
                return;
            }
        };
        sample.found = self.find(&sample);
        let files = || sample.files.iter().enumerate();
        let wanted = self.options.fields.content.split(';').map(str::trim);
        let mut content: Vec<usize> = wanted
            .filter_map(|field| files().find(|(_, file)| file.is_field(field)))
            .map(|(at, _)| at)
            .take(1)
            .collect();
        if content.is_empty() {
            content = files()
                .filter(|(_, file)| file.is_content())
                .map(|(at, _)| at)
                .collect();
        }
        let field = |name: &str| files().find(|(_, file)| file.is_field(name)).map(|(at, _)| at);
        let text = match (&sample.found.content, field("json")) {
            (Some(_), Some(json)) => Some(Row::Text(json)),
            _ => field("txt").map(Row::File),
        };
        let text_at = match text {
            Some(Row::Text(at) | Row::File(at)) if content.is_empty() => Some(at),
            _ => None,
        };
        let most = self.files.most;
        let shared: usize = sample.found.carried.iter().map(Field::bytes).sum();
        let mut is_told = sample.key.is_none();
        if shared.saturating_mul(content.len()) > most {
            let fault = Fault::limit(format!(
                "{} records that carry {shared} bytes each exceed {most} bytes",
                content.len()
            ));
            let row = sample.fault(fault);
            self.rows.push_back(row);
            is_told = true;
            content.clear();
        }
        let mut text = text.filter(|_| text_at.is_some() && !is_told);
        for (at, file) in files() {
            if file.key().is_none() {
                self.rows.push_back(Row::Alone(at));
            } else if file.member.fault.is_some() || content.contains(&at) {
                self.rows.push_back(Row::File(at));
                is_told = true;
            } else if text_at == Some(at) {
                self.rows.extend(text.take());
                is_told = true;
            }
        }
        if !is_told {
            let fields: Vec<_> = sample
                .files
                .iter()
                .filter_map(|file| key_and_field(file.name()))
                .collect();
            let fields: Vec<_> = fields
                .iter()
                .take(8)
                .map(|(_, field)| field.escape_debug().to_string())
                .collect();
            let fault = Fault::malformed(format!("sample has no content, only {}", fields.join(", ")));
            let row = sample.fault(fault);
            self.rows.push_back(row);
        }
        self.sample = sample;
    }

    /// What the records of `sample` share.
    fn find(&self, sample: &Sample) -> Shared {
        let file = |name: &str| sample.files.iter().find(|file| file.is_field(name));
        let json = file("json").and_then(|json| self.fields.read(json.content.trim_ascii()).ok());
        let of_file = |name: &str| match name {
            "__key__" => sample.key.clone().map(|key| Field::Text(key.into())),
            _ => file(name).map(|file| match std::str::from_utf8(&file.content) {
                Ok(text) => Field::Text(text.to_owned().into()),
                Err(_) => Field::Bytes(file.content.clone()),
            }),
        };
        let text = |name: &Option<String>, of_json: Option<&Field<'_>>| {
            let of_file = name.as_deref().and_then(of_file);
            let found = of_file.as_ref().or(of_json)?;
            found
                .to_text()
                .map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let fields = &self.options.fields;
        let carried = fields.carry.iter().enumerate().map(|(at, (name, _))| {
            let of_json = || {
                json.as_ref()
                    .map_or(Field::Missing, |json| json.carried[at].clone().into_owned())
            };
            of_file(name).unwrap_or_else(of_json)
        });
        Shared {
            carried: carried.collect(),
            id: text(&fields.id, json.as_ref().map(|json| &json.id)),
            url: text(&fields.url, json.as_ref().map(|json| &json.url)),
            content: json
                .as_ref()
                .and_then(|json| json.content.as_text())
                .map(str::to_owned),
        }
    }

    fn push(&mut self, row: Row) {
        let Sample { key, files, found } = &mut self.sample;
        let (file, text) = match row {
            Row::File(at) | Row::Alone(at) => (&files[at], None),
            Row::Text(at) => (&files[at], found.content.as_deref()),
            Row::Fault {
                offset,
                length,
                fault,
            } => {
                self.batcher.push(&Record {
                    offset,
                    length,
                    record_type: "document",
                    sample: key.as_deref(),
                    fault: Some(fault),
                    ..Record::default()
                });
                self.carried.push_nulls();
                return;
            }
        };
        let is_whole = file.member.fault.is_none();
        let is_sampled = is_whole && !matches!(row, Row::Alone(_));
        let content = text.map_or(&*file.content, str::as_bytes);
        let media_type = match text {
            Some(_) => Some(self.options.fields.media_type.as_str().into()),
            None => magic::media_type(content, media_type::by_name(file.name()), None),
        };
        let id = if is_sampled { found.id.take() } else { None };
        self.batcher.push(&Record {
            offset: file.member.offset,
            length: file.member.length,
            id: id.as_deref(),
            record_type: "document",
            url: found.url.as_deref().filter(|_| is_sampled),
            media_type: media_type.as_deref().filter(|_| is_whole),
            member: file.member.name.as_deref(),
            sample: key.as_deref().filter(|_| file.key().is_some()),
            content: is_whole.then_some(content),
            carried_bytes: found.carried.iter().map(Field::bytes).sum(),
            fault: file.member.fault.clone(),
            ..Record::default()
        });
        if is_sampled {
            self.carried.push(&found.carried);
        } else {
            self.carried.push_nulls();
        }
    }
}

impl Sample {
    /// A row for the whole of it.
    fn fault(&self, fault: Fault) -> Row {
        let offset = self.files.first().map_or(0, |file| file.member.offset);
        let end = self
            .files
            .last()
            .map_or(0, |file| file.member.offset + file.member.length);
        Row::Fault {
            offset,
            length: end - offset,
            fault,
        }
    }
}

/// The files of an archive, sample by sample.
struct Files {
    members: Members,
    /// The first file of the next sample.
    ahead: Option<File>,
    /// Most bytes of a sample.
    most: usize,
}

impl Files {
    /// The next sample, or the row for one that is too large.
    fn sample(&mut self) -> Result<Option<Result<Sample, (String, Row)>>> {
        let mut sample = Sample::default();
        let (mut cost, mut end) = (0usize, 0);
        while let Some(file) = self.file()? {
            if let Some(key) = file.key() {
                match &sample.key {
                    Some(open) if open != key => {
                        self.ahead = Some(file);
                        break;
                    }
                    Some(_) => {}
                    None => sample.key = Some(key.to_owned()),
                }
            }
            cost = cost.saturating_add(file.cost());
            end = file.member.offset + file.member.length;
            if cost <= self.most || sample.files.is_empty() {
                sample.files.push(file);
            } else {
                // The first one tells where the sample begins.
                sample.files.truncate(1);
                sample.files[0].content = Vec::new();
            }
            if sample.key.is_none() {
                // In no sample, and before any.
                break;
            }
        }
        let Some(first) = sample.files.first() else {
            return Ok(None);
        };
        let most = self.most;
        Ok(Some(
            match sample.key.take_if(|_| cost > most && sample.files.len() == 1) {
                Some(key) => {
                    let offset = first.member.offset;
                    let fault = Fault::limit(format!("sample of {cost} bytes exceeds {most} bytes"));
                    let length = end - offset;
                    Err((
                        key,
                        Row::Fault {
                            offset,
                            length,
                            fault,
                        },
                    ))
                }
                None => Ok(sample),
            },
        ))
    }

    fn file(&mut self) -> Result<Option<File>> {
        if let Some(file) = self.ahead.take() {
            return Ok(Some(file));
        }
        let Some(member) = self.members.next()? else {
            return Ok(None);
        };
        let content = self.members.content()?.to_vec();
        Ok(Some(File { member, content }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_begins_at_the_first_dot_of_the_base_name() {
        for (name, expected) in [
            ("a.jpg", Some(("a", "jpg"))),
            ("a/b.c/x.seg.png", Some(("a/b.c/x", "seg.png"))),
            ("./a.jpg", Some(("./a", "jpg"))),
            ("a.", Some(("a", ""))),
            ("a.b/c", None),
            ("a/._b.jpg", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(key_and_field(name), expected, "{name}");
        }
    }
}
