//! The JSON Schema of recipes, printed from the key tables and the cards.

use serde_json::{Map, Value, json};

use gristmill_core::{Setting, Sort};
use gristmill_dedup::Method;

use super::{
    configured::Configurable,
    keys::{BENCHMARK, DECONTAMINATE, DEDUP, EXPECT, INDEX, Key, Kind, MODEL, READ, RECIPE, STEP, WRITE},
};
use crate::registry::{Modality, Registry};

/// JSON Schema (draft 2020-12) of a recipe; editors complete recipes with it.
pub fn recipe_schema(registry: &Registry) -> Value {
    let names = |names: Vec<&str>| json!({ "enum": names });
    let redactions = names(registry.redactions.iter().map(|edit| edit.card().name).collect());
    let methods: Map<String, Value> = registry
        .methods
        .iter()
        .map(|method| (method.card().name.to_owned(), method_schema(*method)))
        .collect();
    let mut formats: Vec<_> = registry.formats.iter().map(|format| format.card().name).collect();
    formats.push("auto");
    let read = object(READ, &[("format", names(formats))]);
    let step = |modality: &Modality| {
        let mut step = object(
            STEP,
            &[
                (
                    "extract",
                    one_or_list(&names(
                        modality
                            .extractors
                            .iter()
                            .map(|extractor| extractor.card().name)
                            .collect(),
                    )),
                ),
                (
                    "keep",
                    json!({ "type": "object", "minProperties": 1, "additionalProperties": { "type": "string" } }),
                ),
                (
                    "use",
                    names(registry.presets.iter().map(|preset| preset.name).collect()),
                ),
                ("edit", configured_schema(&registry.edits)),
                ("split", configured_schema(&registry.splitters)),
                ("redact", one_or_list(&redactions)),
                ("decontaminate", {
                    let sets = json!({ "type": "array", "items": object(BENCHMARK, &[]), "minItems": 1 });
                    object(DECONTAMINATE, &[("benchmarks", sets)])
                }),
                (
                    "dedup",
                    json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": methods.clone() }),
                ),
            ],
        );
        step["minProperties"] = json!(1);
        step["maxProperties"] = json!(1);
        step
    };
    let chains = registry.modalities.iter();
    let chains = chains.map(|modality| (modality.name, json!({ "type": "array", "items": step(modality) })));
    let mut own: Vec<(&str, Value)> = chains.collect();
    own.extend([
        (
            "read",
            json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, read] } }),
        ),
        (
            "models",
            json!({ "type": "object", "additionalProperties": object(MODEL, &[]) }),
        ),
        ("write", object(WRITE, &[])),
        ("expect", json!({ "type": "array", "items": object(EXPECT, &[]) })),
    ]);
    let mut recipe = object(RECIPE, &own);
    let any = registry
        .modalities
        .iter()
        .map(|modality| json!({ "required": [modality.name] }));
    recipe["anyOf"] = json!(any.collect::<Vec<_>>());
    recipe["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    recipe["title"] = json!("gristmill recipe");
    recipe["properties"]["recipe"] = json!({ "const": 1, "description": "version of the recipe language" });
    recipe
}

/// A method: the name of the column that it looks at, or a mapping of settings.
fn method_schema(method: &dyn Method) -> Value {
    let columns: Vec<_> = method.columns().iter().map(|column| column.name).collect();
    let columns = json!({ "enum": columns });
    let index = one_of(&json!({ "type": "string" }), &object(INDEX, &[]));
    let mut settings = object(DEDUP, &[("index", index)]);
    settings["properties"]["column"]["enum"] = columns["enum"].clone();
    for setting in method.settings() {
        settings["properties"][setting.name] = setting_schema(setting);
    }
    one_of(&columns, &settings)
}

/// An edit or a splitter: its name, or its name with settings.
fn configured_schema<T: ?Sized + Configurable>(all: &[&'static T]) -> Value {
    let names: Vec<_> = all.iter().map(|thing| thing.card().name).collect();
    let with = all.iter().filter(|thing| !thing.settings().is_empty());
    let with: Map<String, Value> = with
        .map(|thing| {
            let settings = thing.settings().iter();
            let settings: Map<String, Value> = settings
                .map(|setting| (setting.name.to_owned(), setting_schema(setting)))
                .collect();
            let schema = json!({ "type": "object", "additionalProperties": false, "properties": settings });
            (thing.card().name.to_owned(), schema)
        })
        .collect();
    let settings = json!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": with,
    });
    one_of(&json!({ "enum": names }), &settings)
}

fn setting_schema(setting: &Setting) -> Value {
    let mut schema = match setting.sort {
        Sort::Number { default, min, max } => {
            json!({ "type": "integer", "minimum": min, "maximum": max, "default": default })
        }
        Sort::Share { default } => {
            json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": default })
        }
        Sort::ShareOrOff { default } => json!({
            "anyOf": [{ "type": "number", "exclusiveMinimum": 0, "maximum": 1 }, { "enum": ["off", false] }],
            "default": default,
        }),
        Sort::Word(words) => json!({ "enum": words, "default": words[0] }),
        Sort::Bytes { default, .. } => json!({ "type": ["string", "integer"], "default": default }),
    };
    schema["description"] = json!(setting.about);
    schema
}

fn one_of(first: &Value, second: &Value) -> Value {
    json!({ "anyOf": [first, second] })
}

fn object(keys: &[Key], own: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut schema = match key.kind {
                Kind::Text => json!({ "type": "string" }),
                Kind::Number => json!({ "type": "integer" }),
                Kind::Size => json!({ "type": ["string", "integer"], "examples": ["512MiB"] }),
                Kind::Word(words) => json!({ "enum": words }),
                Kind::Texts => one_or_list(&json!({ "type": "string" })),
                Kind::TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
                Kind::Own => own
                    .iter()
                    .find(|(name, _)| *name == key.name)
                    .map_or_else(|| json!({}), |(_, schema)| schema.clone()),
            };
            schema["description"] = json!(key.about);
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<_> = keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "required": required })
}

fn one_or_list(item: &Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}
