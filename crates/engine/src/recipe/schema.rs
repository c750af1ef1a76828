//! The JSON Schema of recipes, printed from the key tables and the cards.

use serde_json::{Map, Value, json};

use gristmill_dedup::{Method, Sort};

use super::keys::{
    BENCHMARK, DECONTAMINATE, DEDUP, EXPECT, INDEX, Key, Kind, MODEL, READ, RECIPE, STEP, WRITE,
};
use crate::registry::Registry;

/// JSON Schema (draft 2020-12) of a recipe; editors complete recipes with it.
pub fn recipe_schema(registry: &Registry) -> Value {
    let names = |names: Vec<&str>| json!({ "enum": names });
    let edits =
        |edits: &[&dyn gristmill_core::Edit]| names(edits.iter().map(|edit| edit.card().name).collect());
    let methods: Map<String, Value> = registry
        .methods
        .iter()
        .map(|method| (method.card().name.to_owned(), method_schema(*method)))
        .collect();
    let mut formats: Vec<_> = registry.formats.iter().map(|format| format.card().name).collect();
    formats.push("auto");
    let read = object(READ, &[("format", names(formats))]);
    let mut step = object(
        STEP,
        &[
            (
                "extract",
                one_or_list(&names(
                    registry
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
            ("edit", edits(registry.edits)),
            ("redact", one_or_list(&edits(registry.redactions))),
            ("decontaminate", {
                let sets = json!({ "type": "array", "items": object(BENCHMARK, &[]), "minItems": 1 });
                object(DECONTAMINATE, &[("benchmarks", sets)])
            }),
            (
                "dedup",
                json!({ "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false, "properties": methods }),
            ),
        ],
    );
    step["minProperties"] = json!(1);
    step["maxProperties"] = json!(1);
    let mut recipe = object(
        RECIPE,
        &[
            (
                "read",
                json!({ "type": "array", "items": { "anyOf": [{ "type": "string" }, read] } }),
            ),
            (
                "models",
                json!({ "type": "object", "additionalProperties": object(MODEL, &[]) }),
            ),
            ("text", json!({ "type": "array", "items": step })),
            ("write", object(WRITE, &[])),
            ("expect", json!({ "type": "array", "items": object(EXPECT, &[]) })),
        ],
    );
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
        settings["properties"][setting.name] = schema;
    }
    one_of(&columns, &settings)
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
