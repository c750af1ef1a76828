//! A few records through a recipe, without an output: before and after, with reasons.

use std::sync::{Arc, atomic::AtomicU64};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, UInt32Array, UInt64Array},
        compute::{concat_batches, take},
        datatypes::{SchemaRef, UInt8Type, UInt32Type},
    },
    datasource::memory::MemorySourceConfig,
    physical_plan::collect,
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_dedup::DOCUMENT_COLUMN;
use gristmill_shard::{BORN_COLUMN, CHAIN_COLUMN, Rule, VALUES_COLUMN, VERDICT_COLUMN};

use super::{Run, RunOptions};
use crate::{Plan, Recipe, Registry, Result, Runtime, input, node::scan};

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

/// Runs the first `count` documents of the input through the recipe. Dedup needs all documents; here none has a copy.
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
    /// Takes records through all segments, next to what they were. Records without content (requests, crawl
    /// metadata) are left out.
    async fn through(&self, before: &RecordBatch) -> Result<Vec<Sampled>> {
        let mut sampled = Vec::new();
        let fates = self.fates(before).await?.into_iter().enumerate();
        let ends = fates.flat_map(|(record, fates)| {
            let ends = fates
                .into_iter()
                .filter_map(|fate| fate.0.into_iter().next_back());
            ends.map(move |end| (record, end))
        });
        for (record, (after, row)) in ends {
            let text = |batch: &RecordBatch, name: &str, row: usize| {
                let column = batch.column_by_name(name)?.as_string_view();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let contents = before
                .column_by_name(columns::CONTENT.name)
                .map(AsArray::as_binary_view);
            let content = contents
                .filter(|contents| contents.is_valid(record))
                .map(|contents| contents.value(record));
            let fault = text(&after, columns::FAULT.name, row);
            if content.is_none() && fault.is_none() {
                continue;
            }
            let verdicts = verdicts(&after);
            sampled.push(Sampled {
                id: text(&after, "id", row).unwrap_or_default(),
                uri: text(before, "uri", record).unwrap_or_default(),
                url: text(before, "url", record),
                media_type: text(before, "media_type", record),
                before: content.map(|bytes| {
                    shown(&String::from_utf8_lossy(
                        &bytes[..bytes.len().min(4 * SHOWN_CHARS)],
                    ))
                }),
                after: text(&after, "text", row).map(|text| shown(&text)),
                verdict: verdicts
                    .is_valid(row)
                    .then(|| self.plan.rules[verdicts.value(row) as usize].clone()),
                values: text(&after, VALUES_COLUMN, row),
                fault,
            });
        }
        Ok(sampled)
    }

    /// What became of each record: one fate for each chain that read it, and for each part that it was cut into.
    pub(super) async fn fates(&self, records: &RecordBatch) -> Result<Vec<Vec<Fate>>> {
        let mut fates: Vec<(usize, Fate)> = (0..records.num_rows())
            .map(|record| (record, Fate::default()))
            .collect();
        let mut reached: Vec<usize> = (0..records.num_rows()).collect();
        let mut input = records.clone();
        for (number, segment) in self.plan.segments.iter().enumerate() {
            if number > 0 {
                let living: Vec<u32> = (0..input.num_rows() as u32)
                    .filter(|row| verdicts(&input).is_null(*row as usize))
                    .collect();
                reached = living.iter().map(|row| reached[*row as usize]).collect();
                input = staged(&input, living, &segment.input)?;
            }
            let source = MemorySourceConfig::try_new_exec(&[vec![input.clone()]], input.schema(), None)?;
            let plan = self.chain(source, segment, &Arc::default(), 1)?;
            input = concat_batches(
                &plan.schema(),
                &collect(plan.clone(), self.session.task_ctx()).await?,
            )?;
            // What was born stands behind what it was born of.
            let born = input.column_by_name(BORN_COLUMN).map(AsArray::as_boolean);
            let mut before = reached.into_iter();
            let mut origin = (0, Fate::default());
            reached = Vec::with_capacity(input.num_rows());
            for row in 0..input.num_rows() {
                let fate = if born.is_some_and(|born| born.value(row)) {
                    fates.push(origin.clone());
                    fates.len() - 1
                } else {
                    let fate = before.next().expect("what was not born was there before");
                    origin = fates[fate].clone();
                    fate
                };
                fates[fate].1.0.push((input.clone(), row));
                reached.push(fate);
            }
        }
        let mut of_records: Vec<Vec<Fate>> = vec![Vec::new(); records.num_rows()];
        for (record, fate) in fates {
            of_records[record].push(fate);
        }
        // Copies that are only asked say nothing of a record that another chain reads.
        for fates in &mut of_records {
            if fates.iter().any(|fate| !self.is_asked(fate)) {
                fates.retain(|fate| !self.is_asked(fate));
            }
        }
        Ok(of_records)
    }

    /// Whether the chain of a fate is one that is only asked.
    fn is_asked(&self, fate: &Fate) -> bool {
        let Some((batch, row)) = fate.0.last() else {
            return false;
        };
        let chains = batch
            .column_by_name(CHAIN_COLUMN)
            .map(AsArray::as_primitive::<UInt8Type>);
        chains.is_some_and(|chains| {
            chains.is_valid(*row) && usize::from(chains.value(*row)) >= self.plan.outputs.len()
        })
    }
}

/// The batch and row in which each segment that a document reached ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Fate(pub(super) Vec<(RecordBatch, usize)>);

pub(super) fn verdicts(batch: &RecordBatch) -> &PrimitiveArray<UInt32Type> {
    let verdicts = batch.column_by_name(VERDICT_COLUMN);
    verdicts.expect("a sieve ran").as_primitive()
}

/// The rows that live on, as the next segment reads them.
fn staged(batch: &RecordBatch, living: Vec<u32>, schema: &SchemaRef) -> Result<RecordBatch> {
    let living = UInt32Array::from(living);
    let columns = schema.fields().iter().map(|field| -> Result<ArrayRef> {
        if field.name() == DOCUMENT_COLUMN {
            return Ok(Arc::new(UInt64Array::from_iter_values(0..living.len() as u64)));
        }
        let column = batch
            .column_by_name(field.name())
            .expect("the plan stages this column");
        Ok(take(column, &living, None)?)
    });
    Ok(RecordBatch::try_new(
        schema.clone(),
        columns.collect::<Result<_>>()?,
    )?)
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}
