//! `why`, `verify`, `query`: questions to a finished output.

use std::collections::HashSet;

use clap::Args;
use datafusion::arrow::util::{display::FormatOptions, pretty::pretty_format_batches_with_options};
use gristmill_engine::{Asked, ClusterOf, Error, Output, Registry, Runtime, Traced, WITH, Wanted, Why};
use serde_json::{Map, Value, json};

use super::{
    Context,
    recipe::RecipeArguments,
    rows::{json_rows, without_bytes},
    screen::{count, escaped},
};

#[derive(Args)]
pub(crate) struct OutputArguments {
    /// The output address of a run
    pub(super) output: String,
}

#[derive(Args)]
pub(crate) struct WhyArguments {
    /// The output address of a run
    output: String,
    /// The id or url of a record
    id_or_url: String,
    /// Read the record again and ask every rule of this recipe, also those behind the one that it left at
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,
    /// Read this instead of the recipe's addresses
    #[arg(long, value_name = "URI", requires = "recipe")]
    read: Vec<String>,
    /// Change a value of the recipe
    #[arg(long, value_name = "PATH=VALUE", requires = "recipe")]
    set: Vec<String>,
    /// Ask the rules of this preset as well, such as gopher_quality@dclm, and say where profiles disagree
    #[arg(long, value_name = "PRESET", requires = "recipe")]
    with: Vec<String>,
}

#[derive(Args)]
pub(crate) struct QueryArguments {
    /// The output address of a run
    output: String,
    /// A query, such as "SELECT verdict, count(*) FROM rejects GROUP BY verdict"
    sql: String,
}

fn open(context: &Context, address: &str) -> Result<(Output, Runtime), Error> {
    let runtime = context.runtime()?;
    let output = Output::open(address, &context.options(None).stores, &runtime)?;
    Ok((output, runtime))
}

pub(crate) fn why(context: &Context, arguments: &WhyArguments) -> Result<(), Error> {
    let (output, runtime) = open(context, &arguments.output)?;
    let found = output.why(&arguments.id_or_url, &runtime)?;
    if let Some(recipe) = &arguments.recipe {
        let recipe = RecipeArguments::with(recipe, &arguments.read, &arguments.set, &arguments.with);
        return trace(context, &recipe, &arguments.id_or_url, &found, &runtime);
    }
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
            let mut answer = json!({ "verdict": row.verdict, "row": values });
            if row.verdict == "kept" {
                let rule = |(step, name, predicate): &(String, String, String)| json!({ "step": step, "rule": name, "predicate": predicate });
                answer["rules"] = rules.iter().map(rule).collect();
            }
            let clusters = output.clusters_of(row.value("id").unwrap_or_default(), &runtime)?;
            if !clusters.is_empty() {
                answer["clusters"] = clusters_json(&clusters);
            }
            context.screen.json(&answer);
            continue;
        }
        let value = |name: &str| row.value(name);
        let clusters = output.clusters_of(value("id").unwrap_or_default(), &runtime)?;
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
        print_clusters(context, &clusters);
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

/// The dedup clusters of a document: what is kept of each, and how similar the two are.
fn print_clusters(context: &Context, clusters: &[ClusterOf]) {
    for cluster in clusters {
        let similarity = cluster.similarity.map_or_else(
            || "not measured".to_owned(),
            |similarity| format!("{similarity:.4}"),
        );
        let line = if cluster.rank == 0 {
            format!("is kept of {} alike", count(cluster.size.into(), "document"))
        } else {
            format!(
                "is number {} of {} by preference; kept is {}, similarity {similarity}",
                cluster.rank + 1,
                cluster.size,
                cluster.kept
            )
        };
        context
            .screen
            .data(&escaped(&format!("  {}: {line}", cluster.step)));
        let more = cluster.size as usize - cluster.members.len().min(cluster.size as usize);
        let more = if more > 0 {
            format!(", and {more} more")
        } else {
            String::new()
        };
        context
            .screen
            .data(&escaped(&format!("    {}{more}", cluster.members.join(", "))));
    }
}

/// The same, for `--json`.
fn clusters_json(clusters: &[ClusterOf]) -> Value {
    let cluster = |cluster: &ClusterOf| {
        json!({
            "step": cluster.step, "kept": cluster.kept, "rank": cluster.rank, "size": cluster.size,
            "similarity": cluster.similarity, "members": cluster.members,
        })
    };
    clusters.iter().map(cluster).collect()
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

/// Reads the record again and shows what every rule says of it.
fn trace(
    context: &Context,
    recipe: &RecipeArguments,
    id_or_url: &str,
    found: &[Why],
    runtime: &Runtime,
) -> Result<(), Error> {
    let ready = recipe.prepare()?;
    let uri = found.first().and_then(|row| row.value("uri"));
    let wanted = Wanted {
        id_or_url: id_or_url.to_owned(),
        uri: uri.map(str::to_owned),
        offset: found
            .first()
            .and_then(|row| row.value("offset"))
            .and_then(|offset| offset.parse().ok()),
    };
    let options = context.options(None);
    let traced = gristmill_engine::trace(
        &ready.recipe,
        &ready.plan,
        &ready.registry,
        runtime,
        &options,
        &wanted,
    )?;
    let has_document = traced.iter().any(Traced::is_document);
    let is_asked = |record: &&Traced| record.is_document() || !has_document;
    if traced.is_empty() {
        return Err(Error::Failed(format!(
            "{id_or_url}: the input holds no such record"
        )));
    }
    for record in traced.iter().filter(is_asked) {
        if context.screen.json {
            context.screen.json(&traced_json(record));
        } else {
            print_traced(context, record, &ready.registry);
        }
    }
    Ok(())
}

fn traced_json(record: &Traced) -> Value {
    let rule = |asked: &Asked| {
        json!({
            "step": asked.rule.step, "rule": asked.rule.name, "predicate": asked.rule.predicate,
            "holds": asked.holds, "values": asked.values,
        })
    };
    json!({
        "id": record.id, "uri": record.uri, "url": record.url,
        "stopped": record.stopped.as_ref().map(|(rule, fault)| json!({ "step": rule.step, "rule": rule.name, "fault": fault })),
        "rules": record.asked.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn print_traced(context: &Context, record: &Traced, registry: &Registry) {
    let say = |line: String| context.screen.data(&escaped(line.trim_end()));
    say(format!(
        "{}  {}",
        record.id,
        record.url.as_deref().unwrap_or_default()
    ));
    let mut last_step = "";
    for asked in &record.asked {
        if asked.rule.step != last_step {
            last_step = &asked.rule.step;
            say(format!("  {last_step}"));
        }
        let mark = if asked.holds { "yes" } else { "NO" };
        let predicate = asked.rule.predicate.as_deref().unwrap_or_default();
        let name = &asked.rule.name;
        say(format!(
            "    {mark:<4}{name:<30} {predicate:<60} {}",
            measured(asked)
        ));
    }
    let is_of_recipe = |asked: &&Asked| !asked.rule.step.starts_with(WITH);
    let failed: Vec<_> = record
        .asked
        .iter()
        .filter(|asked| !asked.holds)
        .filter(is_of_recipe)
        .collect();
    say(match (&record.stopped, failed.as_slice()) {
        (Some((rule, Some(fault))), _) => format!("stopped at step \"{}\" with a fault: {fault}", rule.step),
        (Some((rule, None)), _) => format!("stopped at step \"{}\" by the rule {}", rule.step, rule.name),
        (None, []) => "every rule is true of it".to_owned(),
        (None, [first]) => format!(
            "it leaves at step \"{}\" by the rule {}",
            first.rule.step, first.rule.name
        ),
        (None, [first, rest @ ..]) => format!(
            "it leaves at step \"{}\" by the rule {}; behind that, {} not true either",
            first.rule.step,
            first.rule.name,
            match rest {
                [one] => format!("{} is", one.rule.name),
                _ => format!("{} rules are", rest.len()),
            }
        ),
    });
    print_profiles(context, record, registry);
}

/// What profiles of the same filter say, and by which measures they differ.
fn print_profiles(context: &Context, record: &Traced, registry: &Registry) {
    let say = |line: String| context.screen.data(&escaped(line.trim_end()));
    let mut profiles: Vec<(&str, Vec<&Asked>)> = Vec::new();
    for asked in &record.asked {
        let name = asked.rule.step.split(' ').next_back().unwrap_or_default();
        match profiles.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rules)) => rules.push(asked),
            None => profiles.push((name, vec![asked])),
        }
    }
    let base = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
    let about = |column: &str| {
        let cards = registry.cards();
        let mut outputs = cards.iter().flat_map(|(_, card)| card.outputs);
        outputs
            .find(|output| output.name == column)
            .map_or("", |output| output.about)
    };
    let mut bases: Vec<String> = profiles.iter().map(|(name, _)| base(name)).collect();
    bases.sort();
    bases.dedup();
    for filter in bases {
        let alike: Vec<_> = profiles.iter().filter(|(name, _)| base(name) == filter).collect();
        if alike.len() < 2 {
            continue;
        }
        let keeps = |rules: &[&Asked]| rules.iter().all(|asked| asked.holds);
        let agree = alike.iter().all(|(_, rules)| keeps(rules) == keeps(&alike[0].1));
        say(format!(
            "profiles of {filter} {}:",
            if agree { "agree" } else { "disagree" }
        ));
        for (name, rules) in alike {
            if keeps(rules) {
                say(format!("  {name} keeps it"));
                continue;
            }
            say(format!("  {name} rejects it"));
            for asked in rules.iter().filter(|asked| !asked.holds) {
                let predicate = asked.rule.predicate.as_deref().unwrap_or_default();
                say(format!(
                    "    {}: {predicate}, and {}",
                    asked.rule.name,
                    measured(asked)
                ));
                for column in asked.values.keys() {
                    say(format!("      {column}: {}", about(column)));
                }
            }
        }
    }
}

/// `column = value` of what a rule looks at.
fn measured(asked: &Asked) -> String {
    let values = asked.values.iter().map(|(column, value)| match value {
        Value::String(text) => format!("{column} = {}", cut(text)),
        other => format!("{column} = {other}"),
    });
    values.collect::<Vec<_>>().join(", ")
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
    let mut problem = None;
    if context.screen.json {
        output.query(&arguments.sql, &runtime, |batch| match json_rows(batch) {
            Ok(rows) => rows.iter().for_each(|row| context.screen.json(row)),
            Err(error) => problem = Some(failed(error)),
        })?;
        return problem.map_or(Ok(()), Err);
    }
    // A table is as wide as its widest cell, so all of it is needed before its first line.
    let mut batches = Vec::new();
    output.query(&arguments.sql, &runtime, |batch| match without_bytes(batch) {
        Ok(batch) => batches.push(batch),
        Err(error) => problem = Some(failed(error)),
    })?;
    if let Some(problem) = problem {
        return Err(problem);
    }
    let options = FormatOptions::default().with_null("null");
    let table = pretty_format_batches_with_options(&batches, &options).map_err(failed)?;
    context.screen.data(&escaped(&table.to_string()));
    Ok(())
}
