//! The dataset card and the Croissant description, both made from the manifest.

use std::{collections::BTreeMap, fmt::Write as _};

use datafusion::arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};

use crate::{Manifest, features, layout};

/// `README.md` with the front matter that the Hugging Face Hub and `datasets` read.
///
/// `schemas` are the schemas of the modalities as stored; `recipe` is the recipe's text, quoted for the reader.
pub fn dataset_card(manifest: &Manifest, schemas: &BTreeMap<String, Schema>, recipe: &str) -> String {
    let rows = manifest.rows();
    let mut card = String::from("---\n");
    let _ = writeln!(card, "pretty_name: {}", json!(manifest.name));
    let _ = writeln!(card, "size_categories: [{}]", size_category(rows));
    let modalities: Vec<_> = manifest.shards.keys().map(String::as_str).collect();
    let _ = writeln!(card, "tags: [gristmill, {}]\nconfigs:", modalities.join(", "));
    for modality in manifest.shards.keys() {
        let _ = writeln!(
            card,
            "- config_name: {modality}\n  data_files:\n  - split: train\n    path: {}/*.parquet",
            layout::data(modality)
        );
    }
    card.push_str("dataset_info:\n");
    for (modality, shards) in &manifest.shards {
        let _ = writeln!(card, "- config_name: {modality}\n  features:");
        for field in schemas[modality].fields() {
            let key = features::item(field).map_or("dtype", |_| "list");
            let _ = writeln!(
                card,
                "  - name: {}\n    {key}: {}",
                field.name(),
                card_type(field)
            );
        }
        let bytes: u64 = shards.iter().map(|shard| shard.bytes).sum();
        let rows: u64 = shards.iter().map(|shard| shard.rows).sum();
        let _ = writeln!(
            card,
            "  splits:\n  - name: train\n    num_bytes: {bytes}\n    num_examples: {rows}"
        );
        let _ = writeln!(card, "  download_size: {bytes}\n  dataset_size: {bytes}");
    }
    let _ = writeln!(card, "---\n\n# {}\n", manifest.name);
    let _ = writeln!(
        card,
        "{rows} rows in {} shards, made by gristmill {} from {} objects ({} bytes as stored).\n",
        manifest.shards.values().map(Vec::len).sum::<usize>(),
        manifest.gristmill,
        manifest.input.objects,
        manifest.input.bytes
    );
    let _ = writeln!(
        card,
        "## Where every record went\n\n| step | verdict | rows |\n|---|---|---:|"
    );
    let _ = writeln!(card, "| | *read* | {} |", manifest.account.read);
    for (kind, rows) in &manifest.account.faults {
        let _ = writeln!(card, "| | fault: {kind} | {rows} |");
    }
    for verdict in &manifest.account.verdicts {
        let _ = writeln!(card, "| {} | {} | {} |", verdict.step, verdict.rule, verdict.rows);
    }
    let _ = writeln!(card, "| | **kept** | **{}** |\n", manifest.account.kept);
    let _ = writeln!(
        card,
        "## Recipe\n\n```yaml\n{}\n```",
        recipe.trim_end().replace("```", "'''")
    );
    card
}

/// The type of a column in the front matter.
fn card_type(field: &Field) -> String {
    match features::medium(field) {
        Some(medium) => medium.dtype.to_owned(),
        None => features::feature_name(features::item(field).unwrap_or(field).data_type()),
    }
}

/// `croissant.json`: the Croissant 1.0 description of the shards.
pub fn croissant(manifest: &Manifest, schemas: &BTreeMap<String, Schema>) -> String {
    let sets: Vec<Value> = manifest
        .shards
        .keys()
        .map(|modality| {
            json!({
                "@type": "cr:FileSet", "@id": format!("{modality}-files"), "name": format!("{modality}-files"),
                "containedIn": { "@id": "repo" }, "encodingFormat": "application/x-parquet",
                "includes": format!("{}/*.parquet", layout::data(modality)),
            })
        })
        .collect();
    let records: Vec<Value> = manifest
        .shards
        .keys()
        .map(|modality| record_set(modality, &schemas[modality]))
        .collect();
    let mut distribution = vec![json!({
        "@type": "cr:FileObject", "@id": "repo", "name": "repo", "description": "the output address",
        "contentUrl": ".", "encodingFormat": "application/x-directory",
        "sha256": "https://github.com/mlcommons/croissant/issues/80",
    })];
    distribution.extend(sets);
    let document = json!({
        "@context": context(), "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.name, "description": format!("made by gristmill {} from web data", manifest.gristmill),
        "distribution": distribution, "recordSet": records,
    });
    format!("{document:#}\n")
}

fn record_set(modality: &str, schema: &Schema) -> Value {
    let fields: Vec<Value> = schema
        .fields()
        .iter()
        .map(|field| {
            let medium = features::medium(field);
            let mut source =
                json!({ "fileSet": { "@id": format!("{modality}-files") }, "extract": { "column": field.name() } });
            if medium.is_some() {
                source["transform"] = json!({ "jsonPath": "bytes" });
            }
            let one = features::item(field).unwrap_or(field).data_type();
            let mut told = json!({
                "@type": "cr:Field", "@id": format!("{modality}/{}", field.name()), "name": field.name(),
                "dataType": medium.map_or_else(|| croissant_type(one), |medium| medium.croissant),
                "source": source,
            });
            if features::item(field).is_some() {
                told["repeated"] = json!(true);
            }
            told
        })
        .collect();
    json!({ "@type": "cr:RecordSet", "@id": modality, "name": modality, "field": fields })
}

fn croissant_type(stored: &DataType) -> &'static str {
    match stored {
        DataType::Boolean => "sc:Boolean",
        DataType::Timestamp(..) => "sc:DateTime",
        stored if stored.is_integer() => "sc:Integer",
        stored if stored.is_floating() => "sc:Float",
        _ => "sc:Text",
    }
}

/// The context that the Croissant specification gives.
fn context() -> Value {
    let plain = [
        "citeAs",
        "column",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "separator",
        "source",
        "subField",
        "transform",
    ];
    let mut context = json!({
        "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
        "data": { "@id": "cr:data", "@type": "@json" }, "dataType": { "@id": "cr:dataType", "@type": "@vocab" },
        "examples": { "@id": "cr:examples", "@type": "@json" },
    });
    for name in plain {
        context[name] = Value::String(format!("cr:{name}"));
    }
    context
}

/// The Hub's bucket for a number of rows.
fn size_category(rows: u64) -> &'static str {
    match rows {
        0..1_000 => "n<1K",
        1_000..10_000 => "1K<n<10K",
        10_000..100_000 => "10K<n<100K",
        100_000..1_000_000 => "100K<n<1M",
        1_000_000..10_000_000 => "1M<n<10M",
        10_000_000..100_000_000 => "10M<n<100M",
        100_000_000..1_000_000_000 => "100M<n<1B",
        1_000_000_000..10_000_000_000 => "1B<n<10B",
        10_000_000_000..100_000_000_000 => "10B<n<100B",
        100_000_000_000..1_000_000_000_000 => "100B<n<1T",
        _ => "n>1T",
    }
}
