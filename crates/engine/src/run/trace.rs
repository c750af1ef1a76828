//! One record against every rule: those of the recipe, also behind the one that it leaves at, and those of others.

use std::sync::{Arc, atomic::AtomicU64};

use datafusion::arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::UInt64Type,
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_shard::{Rule, VALUES_COLUMN};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Run, RunOptions,
    sample::{Fate, verdicts},
};
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
    /// Where its record starts in that object, where that is known: a part has an id that no record has.
    pub offset: Option<u64>,
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
                let (is_named, rows) = matches(&batch, wanted);
                for row in rows {
                    let mut all = run.asked(&batch.slice(row, 1)).await?;
                    // Of a part nobody asks for the others.
                    if !is_named || all.iter().any(|document| document.id == wanted.id_or_url) {
                        all.retain(|document| document.id == wanted.id_or_url);
                    }
                    traced.extend(all);
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

/// The rows to look at, and whether they bear the name that is asked; those of a part's record do not.
fn matches(batch: &RecordBatch, wanted: &Wanted) -> (bool, Vec<usize>) {
    let is_asked = |name: &str, row: usize| {
        let column = batch.column_by_name(name).map(AsArray::as_string_view);
        column.is_some_and(|column| column.is_valid(row) && column.value(row) == wanted.id_or_url)
    };
    let offsets = batch
        .column_by_name(columns::OFFSET.name)
        .map(AsArray::as_primitive::<UInt64Type>);
    let is_there = |row: usize| {
        let offset = offsets
            .filter(|offsets| offsets.is_valid(row))
            .map(|offsets| offsets.value(row));
        offset.is_some() && offset == wanted.offset
    };
    let rows = 0..batch.num_rows();
    let named = rows
        .clone()
        .filter(|&row| is_asked(columns::ID.name, row) || is_asked(columns::URL.name, row));
    let named: Vec<usize> = named.collect();
    if named.is_empty() {
        (false, rows.filter(|&row| is_there(row)).collect())
    } else {
        (true, named)
    }
}

impl Run {
    /// What every rule says of the documents of one record.
    async fn asked(&self, record: &RecordBatch) -> Result<Vec<Traced>> {
        let fates = self.fates(record).await?.pop().unwrap_or_default();
        fates
            .iter()
            .filter_map(|fate| self.told(fate).transpose())
            .collect()
    }

    fn told(&self, fate: &Fate) -> Result<Option<Traced>> {
        let ends = &fate.0;
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
            id: text(after, columns::ID.name, *row).unwrap_or_default(),
            uri: text(after, columns::URI.name, *row).unwrap_or_default(),
            url: text(after, columns::URL.name, *row),
            stopped,
            asked,
        }))
    }
}
