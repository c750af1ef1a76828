//! `report`: one HTML page of an output.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;
use datafusion::arrow::{
    array::{Array, AsArray, BinaryViewArray, RecordBatch, StringViewArray},
    datatypes::DataType,
};
use gristmill_core::{Limits, columns, media};
use gristmill_engine::{Error, Output, Runtime};
use gristmill_image::edit::{Encode, Encoding, Filter, Resize, ResizeMode};
use serde_json::{Value, json};

use super::{
    Context,
    rows::{json_rows, json_value},
    screen::escaped,
};
use crate::page::{
    report::{Gathered, Medium, Rejected, Shown, report},
    short,
};

/// Kept documents of a modality that are shown …
const KEPT: usize = 8;
/// … and media.
const MEDIA: usize = 24;
/// Characters of their texts.
const TEXT_CHARS: usize = 3000;
/// Rejected records of each rule that are shown.
const OF_RULE: usize = 3;
/// Bytes of all media in the page, of its 2 MB.
const MEDIA_BYTES: usize = 700_000;
/// Longest side of pictures.
const PICTURE_PX: u32 = 320;

#[derive(Args)]
pub(crate) struct ReportArguments {
    /// The output address of a run
    output: String,
    /// Write the page to this file instead of into the output, as `_gristmill/runs/report.html`
    #[arg(long, value_name = "FILE")]
    to: Option<std::path::PathBuf>,
}

pub(crate) fn run(context: &Context, arguments: &ReportArguments) -> Result<(), Error> {
    let runtime = context.runtime()?;
    let output = Output::open(&arguments.output, &context.options(None).stores, &runtime)?;
    let html = report(&gather(&output, &arguments.output, &runtime)?);
    let place = match &arguments.to {
        Some(file) => {
            std::fs::write(file, &html)
                .map_err(|error| Error::Failed(format!("cannot write {}: {error}", file.display())))?;
            file.display().to_string()
        }
        None => output.keep_page("report.html", html.clone().into(), &runtime)?,
    };
    if context.screen.json {
        context
            .screen
            .json(&json!({ "event": "report", "to": place, "bytes": html.len() }));
    } else {
        context.screen.data(&escaped(&place));
    }
    Ok(())
}

fn gather(output: &Output, uri: &str, runtime: &Runtime) -> Result<Gathered, Error> {
    let mut kept = BTreeMap::new();
    let mut budget = MEDIA_BYTES;
    for modality in output.manifest().shards.keys() {
        let has_media = ["image", "audio", "video"].contains(&modality.as_str());
        let rows = output.some_rows(modality, if has_media { MEDIA } else { KEPT }, runtime)?;
        let shown: Vec<Shown> = rows
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)))
            .map(|(batch, row)| shown(batch, row, &mut budget))
            .collect();
        if !shown.is_empty() {
            kept.insert(modality.clone(), shown);
        }
    }
    Ok(Gathered {
        uri: uri.to_owned(),
        manifest: output.manifest().clone(),
        plan: output.plan(runtime)?,
        runs: output.run_logs(runtime)?,
        kept,
        rejected: rejected(output, runtime)?,
    })
}

fn shown(batch: &RecordBatch, row: usize, budget: &mut usize) -> Shown {
    let text = |name: &str| -> Option<String> {
        let column = batch.column_by_name(name)?;
        match json_value(column, row) {
            Ok(Value::String(text)) => Some(text),
            _ => None,
        }
    };
    let is_measure = |name: &str, kind: &DataType| {
        ![
            "id",
            "url",
            "text",
            "offset",
            "length",
            "part",
            columns::TEXT_MARKDOWN.name,
        ]
        .contains(&name)
            && (kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Utf8 | DataType::Utf8View))
    };
    let schema = batch.schema();
    let measures = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, column)| is_measure(field.name(), field.data_type()) && column.is_valid(row));
    let values = measures.filter_map(|(field, column)| {
        let value = json_value(column, row).ok()?;
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some((field.name().clone(), short(&value, 200)))
    });
    Shown {
        id: text("id").unwrap_or_default(),
        url: text("url"),
        text: text("text").map(|text| short(&text, TEXT_CHARS)),
        values: values.collect(),
        medium: ["image", "audio", "video"]
            .iter()
            .find_map(|name| medium(batch, name, row, budget)),
    }
}

/// What can be shown of a file of a medium, within the budget.
fn medium(batch: &RecordBatch, name: &str, row: usize, budget: &mut usize) -> Option<Medium> {
    let column = batch.column_by_name(name)?;
    let files = column.as_struct_opt()?;
    let bytes = files.column_by_name("bytes")?;
    if files.is_null(row) || bytes.is_null(row) {
        return None;
    }
    let file = match bytes.data_type() {
        DataType::Binary => bytes.as_binary::<i32>().value(row),
        DataType::BinaryView => bytes.as_binary_view().value(row),
        _ => return None,
    };
    let (medium, data): (fn(String) -> Medium, String) = match name {
        "image" => (Medium::Image, data_url("image/jpeg", &small(file)?)),
        "audio" => {
            let media_type = batch.column_by_name("media_type");
            let media_type = media_type.and_then(|column| json_value(column, row).ok());
            let media_type = media_type
                .as_ref()
                .and_then(Value::as_str)
                .unwrap_or("audio/flac");
            let is_plain = media_type
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/.+-".contains(&b));
            (
                Medium::Audio,
                data_url(if is_plain { media_type } else { "audio/flac" }, file),
            )
        }
        _ => (Medium::Video, data_url("image/jpeg", &small(&poster(file)?)?)),
    };
    *budget = budget.checked_sub(data.len())?;
    Some(medium(data))
}

fn data_url(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}

/// A picture of a size that suits a page.
fn small(file: &[u8]) -> Option<Vec<u8>> {
    let encode = Encode {
        only_if_needed: false,
        ..Encode::new(Encoding::Jpeg { quality: 75 })
    };
    let resize = Resize {
        mode: ResizeMode::KeepRatioLargest,
        side: PICTURE_PX,
        only_if_bigger: true,
        filter: Filter::Area,
        encode,
    };
    resize.apply(file, &Limits::default()).ok()?
}

/// The first picture of a video that its key frames give.
fn poster(file: &[u8]) -> Option<Vec<u8>> {
    const POSTER: &str = "video_poster";
    let is_wanted = |card: &gristmill_core::Card| card.outputs.iter().any(|output| output.name == POSTER);
    let signal = gristmill_video::SIGNALS
        .iter()
        .find(|signal| is_wanted(signal.card()))?;
    let video = media(
        BinaryViewArray::from_iter_values([file]),
        StringViewArray::new_null(1),
    );
    let measured = signal.measure(&[video], &[POSTER]).ok()?;
    let outputs = signal.card().outputs.iter().zip(measured.columns);
    let (_, posters) = outputs.into_iter().find(|(output, _)| output.name == POSTER)?;
    let bytes = posters.as_struct_opt()?.column_by_name("bytes")?.clone();
    bytes
        .is_valid(0)
        .then(|| bytes.as_binary_view().value(0).to_vec())
}

fn rejected(output: &Output, runtime: &Runtime) -> Result<Vec<Rejected>, Error> {
    if output.manifest().rejects.is_empty() {
        return Ok(Vec::new());
    }
    // A run may have written every rejected row; those of the first files are enough to look at.
    let sql = format!(
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY step, verdict ORDER BY id) AS nth FROM (SELECT * FROM \
         rejects LIMIT 50000)) WHERE nth <= {OF_RULE} ORDER BY step, verdict, nth"
    );
    let mut rows = Vec::new();
    output.query(&sql, runtime, |batch| {
        rows.extend(json_rows(batch).unwrap_or_default());
    })?;
    let text = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
    let order = |step: &str, verdict: &str| {
        let verdicts = &output.manifest().account.verdicts;
        verdicts
            .iter()
            .position(|known| known.step == step && known.rule == verdict)
    };
    let mut rejected: Vec<Rejected> = rows
        .iter()
        .map(|row| Rejected {
            id: text(row, "id").unwrap_or_default(),
            url: text(row, "url"),
            step: text(row, "step").unwrap_or_default(),
            verdict: text(row, "verdict").unwrap_or_default(),
            rule: text(row, "rule"),
            values: text(row, "values"),
            preview: text(row, "preview"),
            fault: text(row, "fault"),
        })
        .collect();
    rejected.sort_by_key(|row| order(&row.step, &row.verdict));
    Ok(rejected)
}
