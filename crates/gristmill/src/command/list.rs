//! `list`: what recipes can name.

use clap::{Args, ValueEnum};
use gristmill_core::Card;
use gristmill_engine::Error;
use serde_json::{Value, json};

use super::Context;

#[derive(Args)]
pub(crate) struct ListArguments {
    /// What to list; everything when absent
    what: Option<What>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum What {
    Formats,
    Extractors,
    Edits,
    Splitters,
    Redactions,
    Signals,
    Methods,
    Presets,
    Columns,
}

pub(crate) fn list(context: &Context, arguments: &ListArguments) -> Result<(), Error> {
    let registry = gristmill::registry();
    let all = [
        What::Formats,
        What::Extractors,
        What::Edits,
        What::Splitters,
        What::Redactions,
        What::Signals,
        What::Methods,
        What::Presets,
        What::Columns,
    ];
    let chosen: Vec<What> = arguments.what.map_or_else(|| all.to_vec(), |what| vec![what]);
    for what in chosen {
        let entries: Vec<(String, String)> = match what {
            What::Formats => registry
                .formats
                .iter()
                .map(|f| (f.card().name.to_owned(), f.card().about.to_owned()))
                .collect(),
            What::Extractors => of_kind(&registry.cards(), "extractor"),
            What::Edits => of_kind(&registry.cards(), "edit"),
            What::Splitters => of_kind(&registry.cards(), "splitter"),
            What::Redactions => of_kind(&registry.cards(), "redaction"),
            What::Signals => of_kind(&registry.cards(), "signal"),
            What::Methods => of_kind(&registry.cards(), "dedup method"),
            What::Presets => registry
                .presets
                .iter()
                .map(|p| (p.name.to_owned(), p.about.clone()))
                .collect(),
            What::Columns => columns(&gristmill::columns_schema(&registry)),
        };
        let title = what
            .to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default();
        if context.screen.json {
            let entries: Vec<Value> = entries
                .iter()
                .map(|(name, about)| json!({ "name": name, "about": about }))
                .collect();
            context.screen.json(&json!({ "list": title, "entries": entries }));
            continue;
        }
        context.screen.data(&title);
        let width = entries.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, about) in &entries {
            context.screen.data(&format!("  {name:width$}  {about}"));
        }
    }
    Ok(())
}

fn of_kind(cards: &[(&'static str, &'static Card)], kind: &str) -> Vec<(String, String)> {
    cards
        .iter()
        .filter(|(known, _)| *known == kind)
        .map(|(_, card)| (card.name.to_owned(), card.about.to_owned()))
        .collect()
}

fn columns(schema: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = schema["columns"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    entries
        .iter()
        .map(|c| {
            (
                text(&c["name"]),
                format!(
                    "{} ({}; {})",
                    text(&c["about"]),
                    text(&c["type"]),
                    text(&c["from"])
                ),
            )
        })
        .collect()
}
