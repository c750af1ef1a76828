//! `export`: the media of an output as files, for tools that read folders or WebDataset shards.
//!
//! Names of files are the ids of rows where those are made by a format, else a hash of the id that the data give: a name
//! never comes from data.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StructArray},
    datatypes::DataType,
};
use gristmill_core::record_id;
use gristmill_engine::{Error, Output};
use serde_json::{Map, Value, json};
use tar::{Builder, EntryType, Header};

use super::{Context, rows::json_value, screen::count};

#[derive(Args)]
pub(crate) struct ExportArguments {
    /// The output address of a run
    output: String,
    /// The folder to write; it must not be there or be empty
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// How: files beside a metadata.jsonl, as `imagefolder`, `audiofolder` and `videofolder` of datasets read them, or
    /// tar files of samples as WebDataset reads them
    #[arg(long, value_enum, default_value = "folder")]
    form: Form,
    /// The chain to export; the only one with media when absent
    #[arg(long, value_name = "NAME")]
    modality: Option<String>,
    /// Of WebDataset: samples of a tar file
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    samples: u64,
    /// Of WebDataset: bytes of a tar file
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = super::size)]
    shard_bytes: u64,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Form {
    Folder,
    Webdataset,
}

/// A row on its way out.
struct Sample<'a> {
    name: String,
    /// The ending of the file's name.
    extension: String,
    file: &'a [u8],
    /// Its other columns.
    told: Map<String, Value>,
}

pub(crate) fn export(context: &Context, arguments: &ExportArguments) -> Result<(), Error> {
    let runtime = context.runtime()?;
    let output = Output::open(&arguments.output, &context.options(None).stores, &runtime)?;
    let modality = modality(&output, arguments.modality.as_deref())?;
    let is_empty = |folder: &Path| fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty(&arguments.to) {
        let message = format!(
            "{} holds files already: give an empty folder",
            arguments.to.display()
        );
        return Err(Error::Failed(message));
    }
    let mut writer: Box<dyn Writer> = match arguments.form {
        Form::Folder => Box::new(Folder::new(&arguments.to).map_err(|error| at(&arguments.to, &error))?),
        Form::Webdataset => Box::new(Shards {
            folder: arguments.to.clone(),
            samples_max: arguments.samples,
            bytes_max: arguments.shard_bytes,
            open: None,
            written: 0,
        }),
    };
    fs::create_dir_all(&arguments.to).map_err(|error| at(&arguments.to, &error))?;
    let mut rows = 0;
    output.rows(&modality, &runtime, |batch| {
        for row in 0..batch.num_rows() {
            if let Some(sample) = sample(batch, &modality, row)? {
                let written = writer.write(&sample);
                written.map_err(|error| at(&arguments.to, &error))?;
                rows += 1;
            }
        }
        Ok(())
    })?;
    writer.finish().map_err(|error| at(&arguments.to, &error))?;
    if context.screen.json {
        context
            .screen
            .json(&json!({ "modality": modality, "rows": rows, "to": arguments.to }));
    } else {
        context
            .screen
            .data(&format!("{} to {}", count(rows, "file"), arguments.to.display()));
    }
    Ok(())
}

fn at(folder: &Path, error: &std::io::Error) -> Error {
    Error::Failed(format!("{}: {error}", folder.display()))
}

/// The chain to export.
fn modality(output: &Output, asked: Option<&str>) -> Result<String, Error> {
    let columns = &output.manifest().columns;
    let has_file = |modality: &str| {
        let own = columns.get(modality).into_iter().flatten();
        own.into_iter()
            .any(|(name, kind)| name == modality && kind.starts_with("Struct"))
    };
    let all: Vec<&String> = columns.keys().filter(|modality| has_file(modality)).collect();
    let known = || {
        all.iter()
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (asked, all.as_slice()) {
        (Some(asked), _) if has_file(asked) => Ok(asked.to_owned()),
        (None, [one]) => Ok((*one).clone()),
        (_, []) => Err(Error::Failed(
            "no chain of this output has a column of files: `image`, `audio` or `video` must be written"
                .into(),
        )),
        (Some(asked), _) => Err(Error::Failed(format!(
            "{asked:?} has no column of files; {} have",
            known()
        ))),
        (None, _) => Err(Error::Failed(format!("say which with --modality: {}", known()))),
    }
}

/// The sample of a row. A row without a file has none.
fn sample<'a>(batch: &'a RecordBatch, modality: &str, row: usize) -> Result<Option<Sample<'a>>, Error> {
    let failed = |error: datafusion::arrow::error::ArrowError| Error::Failed(error.to_string());
    let text = |array: &ArrayRef| match json_value(array, row).map_err(failed)? {
        Value::String(text) => Ok(text),
        _ => Ok::<_, Error>(String::new()),
    };
    let files: &StructArray = column(batch, modality)?.as_struct();
    let Some(file) = bytes(files.column(0), row) else {
        return Ok(None);
    };
    let path = text(files.column(1))?;
    let extension = path.rsplit_once('.').map_or("bin", |(_, extension)| extension);
    // A name that is no file's ending would be one of a folder.
    let is_ending = extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Ok(Some(Sample {
        name: name(text(column(batch, "id")?)?),
        extension: if is_ending { extension } else { "bin" }.to_owned(),
        file,
        told: told(batch, row)?,
    }))
}

/// The name of a file, without its ending.
fn name(id: String) -> String {
    let is_hash = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_hash { id } else { record_id(&id, 0, 0) }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, Error> {
    let missing = || Error::Failed(format!("export needs the column {name:?}, which was not written"));
    batch.column_by_name(name).ok_or_else(missing)
}

fn bytes(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::BinaryView => array.as_binary_view().value(row),
        _ => array.as_binary::<i32>().value(row),
    })
}

/// The columns of a row that are no files.
fn told(batch: &RecordBatch, row: usize) -> Result<Map<String, Value>, Error> {
    let is_file = |kind: &DataType| match kind {
        DataType::Struct(_) => true,
        DataType::List(item) => matches!(item.data_type(), DataType::Struct(_)),
        _ => false,
    };
    let mut told = Map::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        if !is_file(field.data_type()) {
            let value = json_value(array, row).map_err(|error| Error::Failed(error.to_string()))?;
            told.insert(field.name().clone(), value);
        }
    }
    Ok(told)
}

trait Writer {
    fn write(&mut self, sample: &Sample<'_>) -> std::io::Result<()>;
    fn finish(self: Box<Self>) -> std::io::Result<()>;
}

/// Files in folders by the first two digits of their names, and a line of `metadata.jsonl` for each.
struct Folder {
    folder: PathBuf,
    metadata: BufWriter<File>,
}

impl Folder {
    fn new(folder: &Path) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Folder {
            folder: folder.to_owned(),
            metadata: BufWriter::new(File::create(folder.join("metadata.jsonl"))?),
        })
    }
}

impl Writer for Folder {
    fn write(&mut self, sample: &Sample<'_>) -> std::io::Result<()> {
        let part = &sample.name[..2];
        fs::create_dir_all(self.folder.join(part))?;
        let name = format!("{part}/{}.{}", sample.name, sample.extension);
        // Ids that data gave may be there twice.
        let mut file = File::create_new(self.folder.join(&name)).map_err(|error| {
            let id = &sample.told["id"];
            std::io::Error::new(error.kind(), format!("{name}, of the row with id {id}: {error}"))
        })?;
        file.write_all(sample.file)?;
        let mut line = sample.told.clone();
        // The name of the file, whatever a column of that name says.
        line.insert("file_name".to_owned(), Value::from(name));
        writeln!(self.metadata, "{}", Value::Object(line))
    }

    fn finish(mut self: Box<Self>) -> std::io::Result<()> {
        self.metadata.flush()
    }
}

/// Tar files of samples: the file, its text as `.txt`, its other columns as `.json`. Nothing in them tells when they
/// were written.
struct Shards {
    folder: PathBuf,
    samples_max: u64,
    bytes_max: u64,
    /// The tar file, its samples and its bytes.
    open: Option<(Builder<BufWriter<File>>, u64, u64)>,
    written: u64,
}

impl Writer for Shards {
    fn write(&mut self, sample: &Sample<'_>) -> std::io::Result<()> {
        let mut told = sample.told.clone();
        let text = match told.remove("text") {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        let told = Value::Object(told).to_string();
        let mut members = vec![(sample.extension.as_str(), sample.file)];
        members.push(("json", told.as_bytes()));
        members.extend(text.as_deref().map(|text| ("txt", text.as_bytes())));
        let bytes: u64 = members
            .iter()
            .map(|(_, data)| 512 + data.len().next_multiple_of(512) as u64)
            .sum();
        let is_full = |(_, samples, before): &(_, u64, u64)| {
            *samples >= self.samples_max || (*samples > 0 && before + bytes > self.bytes_max)
        };
        if self.open.as_ref().is_some_and(is_full) {
            self.close()?;
        }
        if self.open.is_none() {
            let name = format!("shard-{:06}.tar", self.written);
            let file = File::create_new(self.folder.join(name))?;
            self.open = Some((Builder::new(BufWriter::new(file)), 0, 0));
        }
        let (tar, samples, before) = self.open.as_mut().expect("it was opened");
        (*samples, *before) = (*samples + 1, *before + bytes);
        for (extension, data) in members {
            let mut header = Header::new_ustar();
            header.set_entry_type(EntryType::Regular);
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("{}.{extension}", sample.name), data)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> std::io::Result<()> {
        self.close()
    }
}

impl Shards {
    fn close(&mut self) -> std::io::Result<()> {
        if let Some((tar, ..)) = self.open.take() {
            tar.into_inner()?.flush()?;
            self.written += 1;
        }
        Ok(())
    }
}
