//! The `huggingface` schema key, by which `datasets` gives columns their types.
//!
//! `datasets` uses the key only if the stored Arrow types equal what it expects for the feature, so written
//! columns are plain `Utf8` and `Binary`, never views; see [`stored_schema`]. Files of media are structs of `bytes` and
//! `path`, in this order and nullable, which it decodes.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde_json::{Value, json};

/// The type that a column in flight is stored as.
fn written_type(in_flight: &DataType) -> DataType {
    match in_flight {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Struct(fields) => {
            let stored = |field: &Field| Field::new(field.name(), written_type(field.data_type()), true);
            DataType::Struct(fields.iter().map(|field| stored(field)).collect())
        }
        DataType::List(item) => DataType::List(Arc::new(Field::new(
            item.name(),
            written_type(item.data_type()),
            true,
        ))),
        other => other.clone(),
    }
}

/// The schema that columns in flight are stored with.
pub fn stored_schema(in_flight: &Schema) -> Schema {
    let stored = |field: &Field| Field::new(field.name(), written_type(field.data_type()), true);
    Schema::new(
        in_flight
            .fields()
            .iter()
            .map(|field| stored(field))
            .collect::<Vec<_>>(),
    )
}

/// A medium that `datasets` decodes: its feature, the name of that feature in a card, and its type in Croissant.
pub(crate) struct Medium {
    /// The names of its columns, of one file or of lists of files.
    columns: &'static [&'static str],
    feature: &'static str,
    pub(crate) dtype: &'static str,
    pub(crate) croissant: &'static str,
}

const MEDIA: [Medium; 3] = [
    Medium {
        columns: &["image", "images", "audio_cover", "video_frames", "video_poster"],
        feature: "Image",
        dtype: "image",
        croissant: "sc:ImageObject",
    },
    Medium {
        columns: &["audio"],
        feature: "Audio",
        dtype: "audio",
        croissant: "sc:AudioObject",
    },
    Medium {
        columns: &["video"],
        feature: "Video",
        dtype: "video",
        croissant: "sc:VideoObject",
    },
];

/// The medium whose files a column holds, one in a row or a list of them.
pub(crate) fn medium(field: &Field) -> Option<&'static Medium> {
    let one = item(field).map_or(field.data_type(), |item| item.data_type());
    let is_file = matches!(one, DataType::Struct(fields)
        if fields.iter().map(|field| field.name().as_str()).eq(["bytes", "path"]));
    MEDIA
        .iter()
        .find(|medium| is_file && medium.columns.contains(&field.name().as_str()))
}

/// What a list holds.
pub(crate) fn item(field: &Field) -> Option<&Field> {
    match field.data_type() {
        DataType::List(item) => Some(item),
        _ => None,
    }
}

/// The columns of bytes within a column, as paths of Parquet.
pub(crate) fn paths_of_bytes(field: &Field) -> Vec<Vec<String>> {
    let inside = |child: &Field, between: &[&str]| {
        let paths = paths_of_bytes(child).into_iter();
        let path = |path: Vec<String>| {
            let front = [field.name().as_str()].into_iter().chain(between.iter().copied());
            front.map(str::to_owned).chain(path).collect::<Vec<_>>()
        };
        paths.map(path).collect::<Vec<_>>()
    };
    match field.data_type() {
        DataType::Binary => vec![vec![field.name().clone()]],
        DataType::Struct(children) => children.iter().flat_map(|child| inside(child, &[])).collect(),
        DataType::List(item) => inside(item, &["list"]),
        _ => Vec::new(),
    }
}

/// The name that `datasets` gives to a type.
pub(crate) fn feature_name(stored: &DataType) -> String {
    match stored {
        DataType::Utf8 => "string".into(),
        DataType::Boolean => "bool".into(),
        DataType::Timestamp(unit, zone) => {
            let unit = match unit {
                TimeUnit::Second => "s",
                TimeUnit::Millisecond => "ms",
                TimeUnit::Microsecond => "us",
                TimeUnit::Nanosecond => "ns",
            };
            match zone {
                Some(zone) => format!("timestamp[{unit}, tz={zone}]"),
                None => format!("timestamp[{unit}]"),
            }
        }
        other => other.to_string().to_lowercase(),
    }
}

/// The value of the `huggingface` key for a schema.
pub(crate) fn huggingface(schema: &Schema) -> String {
    let features: serde_json::Map<String, Value> = schema
        .fields()
        .iter()
        .map(|field| {
            let one = item(field).map_or(field.data_type(), |item| item.data_type());
            let feature = match medium(field) {
                Some(medium) => json!({ "_type": medium.feature }),
                None => json!({ "dtype": feature_name(one), "_type": "Value" }),
            };
            let feature = match item(field) {
                Some(_) => json!({ "feature": feature, "_type": "List" }),
                None => feature,
            };
            (field.name().clone(), feature)
        })
        .collect();
    json!({ "info": { "features": features } }).to_string()
}
