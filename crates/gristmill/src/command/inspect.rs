//! `why`, `verify`, `query`: questions to a finished output.

use std::collections::HashSet;

use clap::Args;
use datafusion::arrow::{
    array::RecordBatch,
    util::{display::FormatOptions, pretty::pretty_format_batches_with_options},
};
use gristmill_engine::{Error, Output};
use serde_json::{Map, Value, json};

use super::{
    Context,
    screen::{count, escaped},
};

#[derive(Args)]
pub(crate) struct OutputArguments {
    /// The output address of a run
    output: String,
}

#[derive(Args)]
pub(crate) struct WhyArguments {
    /// The output address of a run
    output: String,
    /// The id or url of a record
    id_or_url: String,
}

#[derive(Args)]
pub(crate) struct QueryArguments {
    /// The output address of a run
    output: String,
    /// A query, such as "SELECT verdict, count(*) FROM rejects GROUP BY verdict"
    sql: String,
}

fn open(context: &Context, address: &str) -> Result<(Output, gristmill_engine::Runtime), Error> {
    let runtime = context.runtime()?;
    let output = Output::open(address, &context.options(None).stores, &runtime)?;
    Ok((output, runtime))
}

pub(crate) fn why(context: &Context, arguments: &WhyArguments) -> Result<(), Error> {
    let (output, runtime) = open(context, &arguments.output)?;
    let found = output.why(&arguments.id_or_url, &runtime)?;
    if found.is_empty() {
        return Err(Error::Failed(format!(
            "{}: {}",
            arguments.id_or_url,
            output.why_nothing(&runtime)?
        )));
    }
    let rules = output.rules(&runtime)?;
    for row in &found {
        if context.screen.json {
            let values: Map<String, Value> = row
                .values
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            context
                .screen
                .json(&json!({ "verdict": row.verdict, "row": values }));
            continue;
        }
        let value = |name: &str| {
            row.values
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let reason = match row.verdict.as_str() {
            "kept" => "kept".to_owned(),
            "fault" => format!(
                "left at step \"{}\" with a fault: {}",
                value("step").unwrap_or_default(),
                value("fault").unwrap_or_default()
            ),
            verdict => format!(
                "rejected at step \"{}\" by the rule {verdict}: {}\n  which is not true of {}",
                value("step").unwrap_or_default(),
                value("rule").unwrap_or_default(),
                value("values").unwrap_or("values that were not kept")
            ),
        };
        context.screen.data(&escaped(&reason));
        let shown_with_rules = if row.verdict == "kept" {
            print_rules(context, &rules, &row.values)
        } else {
            HashSet::new()
        };
        for (name, value) in &row.values {
            if shown_with_rules.contains(name.as_str()) {
                continue;
            }
            if !["step", "rule", "values", "verdict", "fault"].contains(&name.as_str()) {
                context
                    .screen
                    .data(&escaped(&format!("  {name:<34} {}", cut(value))));
            }
        }
    }
    Ok(())
}

/// Every rule that a kept row met, with the values beside the thresholds; gives the columns that were shown.
fn print_rules<'v>(
    context: &Context,
    rules: &[(String, String, String)],
    values: &'v [(String, String)],
) -> HashSet<&'v str> {
    let mut shown = HashSet::new();
    let mut last_step = "";
    for (step, name, predicate) in rules {
        let words: HashSet<&str> = predicate
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        let named: Vec<_> = values
            .iter()
            .filter(|(column, _)| words.contains(column.as_str()))
            .collect();
        shown.extend(named.iter().map(|(column, _)| column.as_str()));
        let values: Vec<_> = named
            .iter()
            .map(|(column, value)| format!("{column} = {}", cut(value)))
            .collect();
        if step != last_step {
            context.screen.data(&escaped(&format!("  {step}")));
            last_step = step;
        }
        let line = format!("    {name:<30} {predicate:<60} {}", values.join(", "));
        context.screen.data(&escaped(line.trim_end()));
    }
    shown
}

fn cut(value: &str) -> String {
    let line = value.chars().take(160);
    line.map(|c| if c == '\n' { ' ' } else { c }).collect()
}

pub(crate) fn verify(context: &Context, arguments: &OutputArguments) -> Result<(), Error> {
    let (output, runtime) = open(context, &arguments.output)?;
    let (mut checked, mut wrong) = (0, 0);
    output.verify(&runtime, |finding| {
        checked += 1;
        if context.screen.json {
            context
                .screen
                .json(&json!({ "subject": finding.subject, "problem": finding.problem }));
        }
        if let Some(problem) = &finding.problem {
            wrong += 1;
            if !context.screen.json {
                context
                    .screen
                    .data(&escaped(&format!("{}: {problem}", finding.subject)));
            }
        }
    })?;
    if wrong > 0 {
        return Err(Error::Failed(format!("{} of {checked} checks failed", wrong)));
    }
    let manifest = output.manifest();
    if !context.screen.json {
        let shards = manifest.shards.values().map(Vec::len).sum::<usize>() as u64;
        context.screen.data(&format!(
            "{} and {} are as the manifest says, and the account adds up: {} read, {} kept",
            count(shards, "shard"),
            count(manifest.rejects.len() as u64, "file") + " of rejects",
            manifest.account.read,
            manifest.account.kept
        ));
    }
    Ok(())
}

pub(crate) fn query(context: &Context, arguments: &QueryArguments) -> Result<(), Error> {
    let (output, runtime) = open(context, &arguments.output)?;
    let failed = |error: datafusion::arrow::error::ArrowError| Error::Failed(error.to_string());
    if context.screen.json {
        let mut problem = None;
        output.query(&arguments.sql, &runtime, |batch| match json_rows(batch) {
            Ok(rows) => rows.iter().for_each(|row| context.screen.json(row)),
            Err(error) => problem = Some(failed(error)),
        })?;
        return problem.map_or(Ok(()), Err);
    }
    // A table is as wide as its widest cell, so all of it is needed before its first line.
    let mut batches = Vec::new();
    output.query(&arguments.sql, &runtime, |batch| batches.push(batch.clone()))?;
    let options = FormatOptions::default().with_null("null");
    let table = pretty_format_batches_with_options(&batches, &options).map_err(failed)?;
    context.screen.data(&escaped(&table.to_string()));
    Ok(())
}

fn json_rows(batch: &RecordBatch) -> Result<Vec<Value>, datafusion::arrow::error::ArrowError> {
    use datafusion::arrow::{datatypes::DataType, util::display::ArrayFormatter};
    let options = FormatOptions::default();
    let schema = batch.schema();
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(array, field)| Ok((field, array, ArrayFormatter::try_new(array, &options)?)))
        .collect::<Result<Vec<_>, datafusion::arrow::error::ArrowError>>()?;
    let value = |kind: &DataType, text: String| {
        let is_bare = kind.is_numeric() || *kind == DataType::Boolean;
        if is_bare {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        } else {
            Value::String(text)
        }
    };
    let rows = (0..batch.num_rows()).map(|row| {
        let cells = columns.iter().map(|(field, array, formatter)| {
            let cell = if array.is_null(row) {
                Value::Null
            } else {
                value(field.data_type(), formatter.value(row).to_string())
            };
            (field.name().clone(), cell)
        });
        Value::Object(cells.collect())
    });
    Ok(rows.collect())
}
