//! A few records through a recipe, without an output: before and after, with reasons.

use std::sync::{Arc, atomic::AtomicU64};

use datafusion::{
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::UInt32Type,
    },
    datasource::memory::MemorySourceConfig,
    physical_plan::{ExecutionPlan, collect},
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_shard::{Rule, VALUES_COLUMN, VERDICT_COLUMN};

use super::{Run, RunOptions};
use crate::{
    Plan, Recipe, Registry, Result, Runtime, input,
    node::{Members, scan},
};

/// Most characters of content that a sample shows.
const SHOWN_CHARS: usize = 2000;

/// A record, and what became of it.
#[derive(Debug, Clone)]
pub struct Sampled {
    /// Its id.
    pub id: String,
    /// The object it is from.
    pub uri: String,
    /// Its url.
    pub url: Option<String>,
    /// Its media type.
    pub media_type: Option<String>,
    /// The beginning of its content as it was read.
    pub before: Option<String>,
    /// The beginning of its text as it would be written.
    pub after: Option<String>,
    /// The rule that it left at; none if it is kept.
    pub verdict: Option<Rule>,
    /// What the rule looked at.
    pub values: Option<String>,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// Runs the first `count` documents of the input through the recipe's first segment: dedup and what follows it
/// need all documents and are left out.
///
/// # Errors
/// When the input cannot be read.
pub fn sample(
    recipe: &Arc<Recipe>,
    plan: &Arc<Plan>,
    registry: &Arc<Registry>,
    runtime: &Runtime,
    options: &RunOptions,
    count: usize,
) -> Result<Vec<Sampled>> {
    runtime.block_on(async {
        let input = input::list(&recipe.read, &options.stores, runtime.io()).await?;
        let slices = input::cut(&input.objects);
        let options = RunOptions {
            batch_rows: options.batch_rows.min(count.max(1)),
            ..options.clone()
        };
        let run = Run::dry(recipe, plan, registry, runtime, &options, input)?;
        let mut sampled = Vec::new();
        for slice in &slices {
            let source = scan(&run.scan, slice, Arc::new(AtomicU64::new(0)));
            let mut batches = source.execute(0, run.session.task_ctx())?;
            while let Some(batch) = batches.try_next().await? {
                sampled.extend(run.through(&batch).await?);
                if sampled.len() >= count {
                    sampled.truncate(count);
                    return Ok(sampled);
                }
            }
        }
        Ok(sampled)
    })
}

impl Run {
    /// Takes records through the first segment, next to what they were. Records without content (requests,
    /// crawl metadata) are left out.
    async fn through(&self, before: &RecordBatch) -> Result<Vec<Sampled>> {
        let source: Arc<dyn ExecutionPlan> =
            MemorySourceConfig::try_new_exec(&[vec![before.clone()]], before.schema(), None)?;
        let plan = self.chain(source, &self.plan.segments[0], &Arc::new(Members::new()), 1)?;
        let mut sampled = Vec::new();
        let mut first = 0;
        for after in collect(plan, self.session.task_ctx()).await? {
            let before = before.slice(first, after.num_rows());
            first += after.num_rows();
            for row in 0..after.num_rows() {
                let text = |batch: &RecordBatch, name: &str| {
                    let column = batch.column_by_name(name)?.as_string_view();
                    column.is_valid(row).then(|| column.value(row).to_owned())
                };
                let contents = before
                    .column_by_name(columns::CONTENT.name)
                    .map(datafusion::arrow::array::AsArray::as_binary_view);
                let content = contents
                    .filter(|contents| contents.is_valid(row))
                    .map(|contents| contents.value(row));
                let fault = text(&after, columns::FAULT.name);
                if content.is_none() && fault.is_none() {
                    continue;
                }
                let verdicts = after
                    .column_by_name(VERDICT_COLUMN)
                    .expect("a sieve ran")
                    .as_primitive::<UInt32Type>();
                sampled.push(Sampled {
                    id: text(&after, "id").unwrap_or_default(),
                    uri: text(&after, "uri").unwrap_or_default(),
                    url: text(&after, "url"),
                    media_type: text(&after, "media_type"),
                    before: content.map(|bytes| {
                        shown(&String::from_utf8_lossy(
                            &bytes[..bytes.len().min(4 * SHOWN_CHARS)],
                        ))
                    }),
                    after: text(&after, "text").map(|text| shown(&text)),
                    verdict: verdicts
                        .is_valid(row)
                        .then(|| self.plan.rules[verdicts.value(row) as usize].clone()),
                    values: text(&after, VALUES_COLUMN),
                    fault,
                });
            }
        }
        Ok(sampled)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}
