//! One record against every rule: those of the recipe, also behind the one that it leaves at, and those of others.

use std::sync::{Arc, atomic::AtomicU64};

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_shard::{Rule, VALUES_COLUMN};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Run, RunOptions, sample::verdicts};
use crate::{
    Error, Plan, Recipe, Registry, Result, Runtime,
    input::{self, Slice},
    node::scan,
    plan::DOCUMENT_RULE,
};

/// Which record.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its id or its url.
    pub id_or_url: String,
    /// The object it is in, where that is known; all are looked through otherwise.
    pub uri: Option<String>,
}

/// A record and what every rule says of it.
#[derive(Debug, Clone)]
pub struct Traced {
    /// Its id.
    pub id: String,
    /// The object it is from.
    pub uri: String,
    /// Its url.
    pub url: Option<String>,
    /// Why there is nothing to measure: the rule or the fault that kept it from becoming a document.
    pub stopped: Option<(Rule, Option<String>)>,
    /// The rules in their order, without those of dedup, which need all documents.
    pub asked: Vec<Asked>,
}

impl Traced {
    /// Whether it is what was crawled, and not a request or metadata that bear the same url.
    pub fn is_document(&self) -> bool {
        self.stopped
            .as_ref()
            .is_none_or(|(rule, _)| rule.name != DOCUMENT_RULE)
    }
}

/// A rule and its answer for one record.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The rule.
    pub rule: Rule,
    /// Whether it is true; a rule over a null is not.
    pub holds: bool,
    /// The columns that it looks at.
    pub values: Map<String, Value>,
}

/// A line of what a sieve writes that asks everything.
#[derive(Deserialize)]
struct Answer {
    rule: usize,
    holds: bool,
    values: Map<String, Value>,
}

/// Reads the records that are wanted again and asks every rule of the plan about each. Edits are made as the recipe
/// says, whatever the rules before them say.
///
/// # Errors
/// When the input cannot be read.
pub fn trace(
    recipe: &Arc<Recipe>,
    plan: &Arc<Plan>,
    registry: &Arc<Registry>,
    runtime: &Runtime,
    options: &RunOptions,
    wanted: &Wanted,
) -> Result<Vec<Traced>> {
    runtime.block_on(async {
        let input = input::list(&recipe.read, &options.stores, runtime.io()).await?;
        let is_there = |index: usize| {
            wanted
                .uri
                .as_ref()
                .is_none_or(|uri| *uri == input.objects[index].snapshot.uri)
        };
        let slices: Vec<Slice> = input::cut(&input.objects)
            .into_iter()
            .map(|slice| Slice {
                ranges: slice
                    .ranges
                    .into_iter()
                    .filter(|(index, _)| is_there(*index))
                    .collect(),
            })
            .filter(|slice| !slice.ranges.is_empty())
            .collect();
        let mut run = Run::dry(recipe, plan, registry, runtime, options, input)?;
        run.asks_all = true;
        let mut traced = Vec::new();
        for slice in &slices {
            let source = scan(&run.scan, slice, Arc::new(AtomicU64::new(0)));
            let mut batches = source.execute(0, run.session.task_ctx())?;
            while let Some(batch) = batches.try_next().await? {
                for row in matches(&batch, &wanted.id_or_url) {
                    traced.extend(run.asked(&batch.slice(row, 1)).await?);
                }
            }
            // An id is in one place; a url may be fetched again and again.
            if traced.iter().any(|record: &Traced| record.id == wanted.id_or_url) {
                break;
            }
        }
        Ok(traced)
    })
}

fn matches(batch: &RecordBatch, id_or_url: &str) -> Vec<usize> {
    let is_asked = |name: &str, row: usize| {
        let column = batch.column_by_name(name).map(AsArray::as_string_view);
        column.is_some_and(|column| column.is_valid(row) && column.value(row) == id_or_url)
    };
    (0..batch.num_rows())
        .filter(|&row| is_asked(columns::ID.name, row) || is_asked(columns::URL.name, row))
        .collect()
}

impl Run {
    /// What every rule says of one record.
    async fn asked(&self, record: &RecordBatch) -> Result<Option<Traced>> {
        let ends = self.ends(record).await?.pop().unwrap_or_default();
        let Some((after, row)) = ends.last() else {
            return Ok(None);
        };
        let text = |batch: &RecordBatch, name: &str, row: usize| {
            let column = batch.column_by_name(name)?.as_string_view();
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let verdicts = verdicts(after);
        let stopped = verdicts.is_valid(*row).then(|| {
            let rule = self.plan.rules[verdicts.value(*row) as usize].clone();
            (rule, text(after, columns::FAULT.name, *row))
        });
        let answers = ends
            .iter()
            .filter_map(|(batch, row)| text(batch, VALUES_COLUMN, *row));
        let mut asked = Vec::new();
        for line in answers.collect::<String>().lines() {
            let answer: Answer = serde_json::from_str(line)
                .map_err(|error| Error::Failed(format!("the answer of a rule cannot be read: {error}")))?;
            let rule = self.plan.rules[answer.rule].clone();
            if !self.plan.dedup_rules.contains(&answer.rule) {
                asked.push(Asked {
                    rule,
                    holds: answer.holds,
                    values: answer.values,
                });
            }
        }
        Ok(Some(Traced {
            id: text(record, columns::ID.name, 0).unwrap_or_default(),
            uri: text(record, columns::URI.name, 0).unwrap_or_default(),
            url: text(record, columns::URL.name, 0),
            stopped,
            asked,
        }))
    }
}
