//! `sample`: a few documents, step by step.

use std::path::PathBuf;

use clap::Args;
use gristmill_engine::{Error, Sampled, SampledStep};
use serde_json::{Value, json};

use super::{
    Context,
    recipe::RecipeArguments,
    screen::{Paint, Screen, count, escaped, grouped},
};
use crate::page::{number, sample::samples, short};

/// Lines of a text that are shown.
const LINES: usize = 8;
/// Columns of a step that are shown.
const VALUES: usize = 8;

#[derive(Args)]
pub(crate) struct SampleArguments {
    #[command(flatten)]
    recipe: RecipeArguments,
    /// How many documents
    #[arg(short = 'n', long, default_value_t = 5)]
    count: usize,
    /// Write an HTML page instead
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

pub(crate) fn sample(context: &Context, arguments: &SampleArguments) -> Result<(), Error> {
    let ready = arguments.recipe.prepare()?;
    let options = context.options(None);
    let sampled = gristmill_engine::sample(
        &ready.recipe,
        &ready.plan,
        &ready.registry,
        &context.runtime()?,
        &options,
        arguments.count,
    )?;
    let screen = &context.screen;
    if let Some(file) = &arguments.html {
        std::fs::write(file, samples(&ready.recipe.name, &sampled))
            .map_err(|error| Error::Failed(format!("cannot write {}: {error}", file.display())))?;
    } else if screen.json {
        sampled
            .iter()
            .for_each(|document| screen.json(&as_json(document)));
    } else {
        let pages: Vec<String> = sampled.iter().map(|document| page(screen, document)).collect();
        screen.paged(&pages.join("\n"));
    }
    let has_dedup = ready.plan.has_dedup();
    screen.say(&format!(
        "{} sampled{}",
        count(sampled.len() as u64, "document"),
        if has_dedup {
            "; dedup needs all documents and rejects none here"
        } else {
            ""
        }
    ));
    Ok(())
}

fn as_json(document: &Sampled) -> Value {
    let steps = document.steps.iter().map(|step| {
        json!({
            "step": step.step, "what": step.what, "text_chars": step.text_chars, "verdict": step.verdict,
            "values": step.values.iter().cloned().collect::<serde_json::Map<_, _>>(),
        })
    });
    json!({
        "id": document.id, "uri": document.uri, "url": document.url, "media_type": document.media_type,
        "verdict": document.verdict.as_ref().map_or("kept", |rule| &rule.name),
        "step": document.verdict.as_ref().map(|rule| &rule.step),
        "rule": document.verdict.as_ref().and_then(|rule| rule.predicate.as_ref()),
        "values": document.values, "fault": document.fault, "before": document.before, "after": document.after,
        "steps": steps.collect::<Value>(),
    })
}

/// What became of a document, in a sentence.
pub(crate) fn verdict(document: &Sampled) -> String {
    match (&document.verdict, &document.fault) {
        (Some(_), Some(fault)) => format!("fault: {fault}"),
        (Some(rule), None) => format!(
            "rejected by {} of step {}: {} is not true of {}",
            rule.name,
            rule.step,
            rule.predicate.as_deref().unwrap_or_default(),
            document.values.as_deref().unwrap_or("{}")
        ),
        (None, _) => "kept".to_owned(),
    }
}

/// What a step did, in a line.
pub(crate) fn told(step: &SampledStep) -> String {
    let text = step
        .text_chars
        .map(|chars| format!("text of {}", count(chars as u64, "character")));
    let values: Vec<&(String, Value)> = step.values.iter().filter(|(_, value)| !value.is_null()).collect();
    let value = |(name, value): &&(String, Value)| match value {
        Value::String(text) => format!("{name} = {}", short(&text.replace('\n', " "), 60)),
        Value::Number(measured) => format!("{name} = {}", measured.as_f64().map(number).unwrap_or_default()),
        other => format!("{name} = {other}"),
    };
    let mut told: Vec<String> = text
        .into_iter()
        .chain(values.iter().take(VALUES).map(value))
        .collect();
    if values.len() > VALUES {
        told.push(format!("and {} more", grouped((values.len() - VALUES) as u64)));
    }
    told.join(", ")
}

/// Steps that did something.
pub(crate) fn doing(document: &Sampled) -> impl Iterator<Item = &SampledStep> {
    document
        .steps
        .iter()
        .filter(|step| step.verdict.is_some() || step.text_chars.is_some() || !step.values.is_empty())
}

fn page(screen: &Screen, document: &Sampled) -> String {
    let rule = "─".repeat(80);
    let excerpt = |text: &Option<String>| match text {
        Some(text) => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(LINES)
            .map(|line| format!("  │ {}", escaped(&short(line, 100))))
            .collect::<Vec<_>>()
            .join("\n"),
        None => "  │ (none)".to_owned(),
    };
    let paint = if document.verdict.is_none() {
        Paint::Good
    } else {
        Paint::Bad
    };
    let mut lines = vec![
        screen.painted(Paint::Quiet, &rule),
        format!(
            "{} {}",
            escaped(&document.id),
            screen.painted(
                Paint::Strong,
                &escaped(document.url.as_deref().unwrap_or(&document.uri))
            )
        ),
        screen.painted(paint, &escaped(&verdict(document))),
        format!(
            "  before ({})",
            escaped(document.media_type.as_deref().unwrap_or("no media type"))
        ),
        excerpt(&document.before),
    ];
    for step in doing(document) {
        let end = step
            .verdict
            .as_ref()
            .map(|rule| screen.painted(Paint::Bad, &format!("  leaves: {}", escaped(rule))));
        lines.push(format!(
            "  {:<26} {}{}",
            screen.painted(Paint::Strong, &escaped(&step.step)),
            escaped(&told(step)),
            end.unwrap_or_default()
        ));
    }
    lines.push("  after".to_owned());
    lines.push(excerpt(&document.after));
    lines.join("\n")
}
