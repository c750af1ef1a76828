//! The reference pages, printed from the cards.

use std::fmt::Write as _;

use gristmill_core::{Card, Column, Setting, Sort, columns};
use gristmill_engine::{CONTEXT_COLUMNS, NODE_COLUMNS, Registry, keys};
use serde_json::{Value, json};

/// The pages of `docs/reference/`, as `(file name, Markdown)`.
pub fn reference(registry: &Registry) -> Vec<(&'static str, String)> {
    vec![
        ("recipe.md", recipe_page()),
        ("formats.md", formats_page(registry)),
        ("columns.md", columns_page()),
        ("steps.md", steps_page(registry)),
        ("signals.md", signals_page(registry)),
        ("presets.md", presets_page(registry)),
    ]
}

const NOTE: &str = "<!-- Printed from the code: GRISTMILL_UPDATE=1 cargo test -p gristmill --test it documents. Do not edit. -->\n\n";

fn recipe_page() -> String {
    let mut page = format!("# Keys of a recipe\n\n{NOTE}");
    let tables = [
        ("The recipe", keys::RECIPE),
        ("An entry of `read`", keys::READ),
        ("A model", keys::MODEL),
        ("A step: exactly one of these", keys::STEP),
        ("A step of `nodes`", keys::NODES),
        ("A decontamination step", keys::DECONTAMINATE),
        ("An evaluation set", keys::BENCHMARK),
        ("A dedup step, beside the settings of its method", keys::DEDUP),
        ("`index` of a dedup step", keys::INDEX),
        ("`write`", keys::WRITE),
        ("An entry of `expect`", keys::EXPECT),
        ("A preset", keys::PRESET),
    ];
    for (title, table) in tables {
        let _ = writeln!(page, "## {title}\n\n| key | required | meaning |\n|---|---|---|");
        for key in table {
            let _ = writeln!(
                page,
                "| `{}` | {} | {} |",
                key.name,
                if key.required { "yes" } else { "" },
                cell(key.about)
            );
        }
        page.push('\n');
    }
    page
}

fn formats_page(registry: &Registry) -> String {
    let mut page = format!("# Formats\n\n{NOTE}");
    for format in registry.formats {
        let card = format.card();
        let _ = writeln!(page, "## `{}`\n\n{}.\n", card.name, card.about);
        let _ = writeln!(page, "- endings: {}", card.extensions.join(", "));
        let _ = writeln!(page, "- compressions: {}", card.compressions.join(", "));
        let _ = writeln!(page, "- slices: {}", card.slicing);
        let _ = writeln!(page, "- source: {}\n- version: {}\n", card.source, card.version);
    }
    page
}

fn columns_page() -> String {
    let mut page =
        format!("# Columns of a record\n\n{NOTE}Every format fills these; rules may name them.\n\n");
    column_table(&mut page, columns::RECORD);
    page
}

fn steps_page(registry: &Registry) -> String {
    let mut page = format!("# Extractors, edits, splitters, redactions, dedup methods\n\n{NOTE}");
    for (step, columns) in [("context", &CONTEXT_COLUMNS[..]), ("nodes", &NODE_COLUMNS[..])] {
        let _ = writeln!(page, "## step `{step}`\n");
        column_table(&mut page, columns);
        page.push('\n');
    }
    for (kind, card) in registry.cards().into_iter().filter(|(kind, _)| *kind != "signal") {
        card_section(&mut page, kind, card);
        let method = registry
            .methods
            .iter()
            .find(|method| method.card().name == card.name);
        if let Some(method) = method.filter(|_| kind == "dedup method") {
            settings_table(&mut page, method.settings());
        }
        let edit = registry.edits.iter().find(|edit| edit.card().name == card.name);
        if let Some(edit) = edit.filter(|_| kind == "edit") {
            settings_table(&mut page, edit.settings());
        }
        let splitter = registry
            .splitters
            .iter()
            .find(|splitter| splitter.card().name == card.name);
        if let Some(splitter) = splitter.filter(|_| kind == "splitter") {
            settings_table(&mut page, splitter.settings());
        }
    }
    page
}

fn settings_table(page: &mut String, settings: &[Setting]) {
    if settings.is_empty() {
        return;
    }
    let _ = writeln!(page, "| setting | value | default | meaning |\n|---|---|---|---|");
    for setting in settings {
        let (value, default) = match setting.sort {
            Sort::Number { default, min, max } => (format!("{min} to {max}"), default.to_string()),
            Sort::Share { default } => ("above 0, up to 1".to_owned(), default.to_string()),
            Sort::ShareOrOff { default } => ("above 0, up to 1, or off".to_owned(), default.to_string()),
            Sort::Word(words) => (words.join(", "), words[0].to_owned()),
            Sort::Bytes { default, .. } => ("a size".to_owned(), format!("{} MiB", default >> 20)),
        };
        let _ = writeln!(
            page,
            "| `{}` | {value} | {default} | {} |",
            setting.name,
            cell(setting.about)
        );
    }
    page.push('\n');
}

fn signals_page(registry: &Registry) -> String {
    let mut page = format!("# Signals\n\n{NOTE}Naming a column in a rule computes its signal.\n\n");
    for (kind, card) in registry.cards().into_iter().filter(|(kind, _)| *kind == "signal") {
        card_section(&mut page, kind, card);
    }
    page
}

fn card_section(page: &mut String, kind: &str, card: &Card) {
    let _ = writeln!(page, "## `{}` ({kind})\n\n{}.\n", card.name, card.about);
    if !card.outputs.is_empty() {
        column_table(page, card.outputs);
    }
    let inputs: Vec<_> = card
        .inputs
        .iter()
        .map(|column| format!("`{}`", column.name))
        .collect();
    let _ = writeln!(page, "\n- reads: {}", inputs.join(", "));
    let _ = writeln!(
        page,
        "- source: {}\n- cost: {}\n- version: {}\n",
        card.source,
        card.cost.name(),
        card.version
    );
}

fn column_table(page: &mut String, columns: &[Column]) {
    let _ = writeln!(page, "| column | type | meaning |\n|---|---|---|");
    for column in columns {
        let internal = if column.is_internal() {
            " (for other signals; not for rules)"
        } else {
            ""
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {}{internal} |",
            column.name,
            column.kind.name(),
            cell(column.about)
        );
    }
}

fn presets_page(registry: &Registry) -> String {
    let mut page =
        format!("# Presets\n\n{NOTE}Use one with `use: NAME`, or copy its steps and change them.\n\n");
    let mut presets = registry.presets.as_slice();
    while let Some((first, rest)) = presets.split_first() {
        let alike = rest
            .iter()
            .take_while(|preset| family(preset.name) == family(first.name))
            .count();
        let _ = writeln!(
            page,
            "## `{}`\n\n{}.\n\n```yaml\n{}\n```\n",
            first.name,
            first.about,
            first.source.trim_end()
        );
        if alike > 0 {
            let names: Vec<_> = rest[..alike]
                .iter()
                .map(|preset| format!("`{}`", preset.name))
                .collect();
            let _ = writeln!(page, "The same with other values: {}.\n", names.join(", "));
        }
        presets = &rest[alike..];
    }
    page
}

/// What presets of one table share: `gopher_quality@fineweb2` of `gopher_quality@fineweb2_deu`.
fn family(preset: &str) -> &str {
    let profile = preset.find('@').unwrap_or(preset.len());
    let end = preset[profile..]
        .find('_')
        .map_or(preset.len(), |end| profile + end);
    &preset[..end]
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// `schemas/columns.json`: every column that shards may hold.
pub fn columns_schema(registry: &Registry) -> Value {
    let describe = |column: &Column, from: &str| json!({ "name": column.name, "type": column.kind.name(), "about": column.about, "from": from });
    let records = columns::RECORD
        .iter()
        .filter(|column| **column != columns::CONTENT)
        .map(|column| describe(column, "record"));
    let cards = registry.cards();
    let others = cards.iter().flat_map(|(kind, card)| {
        card.outputs
            .iter()
            .filter(|column| !column.is_internal())
            .map(move |column| describe(column, &format!("{kind} {}", card.name)))
    });
    let context = CONTEXT_COLUMNS
        .iter()
        .map(|column| describe(column, "context step"));
    let nodes = NODE_COLUMNS.iter().map(|column| describe(column, "nodes step"));
    let all = records.chain(others).chain(context).chain(nodes);
    json!({ "columns": all.collect::<Vec<_>>() })
}

/// `schemas/manifest.schema.json`: the JSON Schema of `_gristmill/manifest.json`.
pub fn manifest_schema() -> Value {
    let file = json!({
        "type": "object",
        "required": ["path", "slice", "rows", "row_groups", "bytes", "blake3"],
        "properties": {
            "path": { "type": "string", "description": "name below the output address" },
            "slice": { "type": "integer", "description": "the slice that gave it" },
            "rows": { "type": "integer" },
            "row_groups": { "type": "integer" },
            "bytes": { "type": "integer", "description": "size of the file" },
            "blake3": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
        },
    });
    let counts = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
    let rule = json!({
        "type": "object",
        "required": ["step", "rule", "rows"],
        "properties": { "step": { "type": "string" }, "rule": { "type": "string" }, "rows": { "type": "integer" } },
    });
    let number = |about: &str| json!({ "type": "integer", "description": about });
    let dedup = json!({
        "type": "object",
        "required": ["step", "documents", "candidates", "compared", "failed", "unchecked", "clusters", "known", "duplicates", "sizes", "files"],
        "properties": {
            "step": { "type": "string", "description": "the step of the recipe" },
            "documents": number("documents that had something to compare, with those of an index"),
            "candidates": number("documents that met another one, by an equal key"),
            "compared": number("pairs of candidates that were verified"),
            "failed": number("of these, pairs that were not similar enough"),
            "unchecked": number("documents that were not compared with all that they met, because these were too many"),
            "clusters": number("clusters with a document of this run"),
            "known": number("of these, clusters whose first document is known from an index"),
            "duplicates": number("documents behind the first of their cluster, or with parts that were taken out"),
            "sizes": { "type": "object", "description": "clusters by size: the key is the largest power of two that is not above it", "additionalProperties": { "type": "integer" } },
            "parts": number("parts of texts that were taken out"),
            "part_bytes": number("their bytes"),
            "files": { "type": "array", "description": "the members of the clusters", "items": file },
        },
    });
    let sketch = json!({
        "type": "object",
        "required": ["values", "nulls"],
        "properties": {
            "values": number("rows with a value"),
            "nulls": number("rows without"),
            "numbers": {
                "type": "object",
                "description": "of a column of numbers",
                "required": ["min", "max", "sum", "is_whole", "bins"],
                "properties": {
                    "min": { "type": "number" },
                    "max": { "type": "number" },
                    "sum": { "type": "number" },
                    "is_whole": { "type": "boolean", "description": "whether all are whole numbers" },
                    "bins": { "type": "string", "description": "bins of a sixteenth of an octave: the distance of each from the one before, x, its count" },
                },
            },
            "categories": { "type": "object", "description": "rows by value, of at most 256 values", "additionalProperties": { "type": "integer" } },
        },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gristmill manifest",
        "type": "object",
        "required": ["manifest", "gristmill", "name", "recipe_blake3", "versions", "input", "account", "columns", "shards", "rejects"],
        "properties": {
            "manifest": { "const": 1, "description": "version of this layout" },
            "gristmill": { "type": "string", "description": "version of the program" },
            "name": { "type": "string", "description": "name of the recipe" },
            "recipe_blake3": { "type": "string", "description": "hash of the canonical recipe in plan.json" },
            "versions": counts,
            "input": { "type": "object", "properties": { "objects": { "type": "integer" }, "bytes": { "type": "integer" } } },
            "account": {
                "type": "object",
                "description": "read + born = kept + rows of verdicts + faults",
                "required": ["read", "born", "kept", "verdicts", "faults"],
                "properties": {
                    "read": { "type": "integer" },
                    "born": { "type": "integer" },
                    "kept": { "type": "integer" },
                    "verdicts": { "type": "array", "items": rule },
                    "faults": counts,
                },
            },
            "columns": {
                "type": "object", "description": "by modality: name and Arrow type of each column",
                "additionalProperties": { "type": "array", "items": { "type": "array", "items": { "type": "string" } } },
            },
            "shards": { "type": "object", "description": "by modality", "additionalProperties": { "type": "array", "items": file } },
            "rejects": { "type": "array", "items": file },
            "dedup": { "type": "array", "description": "what each dedup step found", "items": dedup },
            "sketches": {
                "type": "object", "description": "by modality and column: what the values of kept rows look like",
                "additionalProperties": { "type": "object", "additionalProperties": sketch },
            },
        },
    })
}
