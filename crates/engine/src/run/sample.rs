//! A few records through a recipe, without an output: before and after, with reasons.

use std::{
    collections::HashSet,
    sync::{Arc, atomic::AtomicU64},
};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, PrimitiveArray, RecordBatch, UInt32Array, UInt64Array},
        compute::{concat_batches, take},
        datatypes::{DataType, SchemaRef, UInt8Type, UInt32Type},
    },
    datasource::memory::MemorySourceConfig,
    physical_plan::collect,
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_dedup::DOCUMENT_COLUMN;
use gristmill_shard::{BORN_COLUMN, CHAIN_COLUMN, Rule, VALUES_COLUMN, VERDICT_COLUMN};

use serde_json::Value;

use super::{Run, RunOptions};
use crate::{
    Plan, Recipe, Registry, Result, Runtime, input,
    node::{json_value, scan},
    plan::{Op, PlanStep, Segment},
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
    /// What each step did, up to the one that it left at.
    pub steps: Vec<SampledStep>,
}

/// What a step did with a document.
#[derive(Debug, Clone)]
pub struct SampledStep {
    /// The step.
    pub step: String,
    /// The operation, such as `Derive words`.
    pub what: String,
    /// Columns that it added or changed, with their values; long ones are cut. Content is not among them.
    pub values: Vec<(String, Value)>,
    /// The beginning of the text, if it changed.
    pub text: Option<String>,
    /// Characters of the text, if it changed.
    pub text_chars: Option<usize>,
    /// The rule that the document left at, if it left here.
    pub verdict: Option<String>,
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
        let fates = self.walked(before, true).await?.into_iter().enumerate();
        let fates = fates.flat_map(|(record, fates)| fates.into_iter().map(move |fate| (record, fate)));
        for (record, fate) in fates {
            let Some((after, row)) = fate.0.last().cloned() else {
                continue;
            };
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
                steps: self.told_steps(&fate)?,
            });
        }
        Ok(sampled)
    }

    /// What became of each record: one fate for each chain that read it, and for each part that it was cut into.
    pub(super) async fn fates(&self, records: &RecordBatch) -> Result<Vec<Vec<Fate>>> {
        self.walked(records, false).await
    }

    /// The same; a fate tells how a document came out of each segment, or of each step.
    async fn walked(&self, records: &RecordBatch, by_step: bool) -> Result<Vec<Vec<Fate>>> {
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
            let size = if by_step { 1 } else { segment.steps.len().max(1) };
            for (piece, steps) in segment.steps.chunks(size).enumerate() {
                let source = MemorySourceConfig::try_new_exec(&[vec![input.clone()]], input.schema(), None)?;
                let plan = match piece {
                    0 => {
                        let first = Segment {
                            input: segment.input.clone(),
                            steps: steps.to_vec(),
                        };
                        self.chain(source, &first, &Arc::default(), 1)?
                    }
                    _ => self.nodes(source, steps, &Arc::default(), 1)?,
                };
                let schema = plan.schema();
                let output = concat_batches(&schema, &collect(plan, self.session.task_ctx()).await?)?;
                // What was born stands behind what it was born of.
                let mut before = reached.into_iter();
                let mut origin = (0, Fate::default());
                reached = Vec::with_capacity(output.num_rows());
                for (row, is_born) in born(&input, &output, steps).into_iter().enumerate() {
                    let fate = if is_born {
                        fates.push(origin.clone());
                        fates.len() - 1
                    } else {
                        let fate = before.next().expect("what was not born was there before");
                        origin = fates[fate].clone();
                        fate
                    };
                    fates[fate].1.0.push((output.clone(), row));
                    reached.push(fate);
                }
                input = output;
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

    /// What the steps of its chain did with a document.
    fn told_steps(&self, fate: &Fate) -> Result<Vec<SampledStep>> {
        let plan = self.plan.segments.iter().flat_map(|segment| &segment.steps);
        let mut told = Vec::new();
        let mut before: Option<&(RecordBatch, usize)> = None;
        for (step, after) in plan.zip(&fate.0) {
            let (batch, row) = after;
            let chains = batch
                .column_by_name(CHAIN_COLUMN)
                .map(AsArray::as_primitive::<UInt8Type>);
            let chain = chains
                .filter(|chains| chains.is_valid(*row))
                .map(|chains| chains.value(*row));
            if step.chain.is_some() && step.chain != chain {
                continue;
            }
            let text = |(batch, row): &(RecordBatch, usize)| -> Option<String> {
                let texts = batch.column_by_name(columns::TEXT.name)?.as_string_view();
                texts.is_valid(*row).then(|| texts.value(*row).to_owned())
            };
            // Before the first sieve of a segment nobody has a verdict.
            let verdicts = batch
                .column_by_name(VERDICT_COLUMN)
                .map(AsArray::as_primitive::<UInt32Type>);
            let verdicts = verdicts.filter(|verdicts| verdicts.is_valid(*row));
            let verdict = verdicts.map(|verdicts| &self.plan.rules[verdicts.value(*row) as usize]);
            let now = text(after).filter(|_| verdict.is_none());
            let now = now.filter(|now| before.and_then(text).as_ref() != Some(now));
            told.push(SampledStep {
                step: step.label.clone(),
                what: format!("{:?}", step.op),
                // The first one is handed everything that the source read.
                values: if before.is_none() && matches!(step.op, Op::Sieve(_)) {
                    Vec::new()
                } else {
                    changed(before, after)?
                },
                text_chars: now.as_ref().map(|text| text.chars().count()),
                text: now.as_deref().map(shown),
                verdict: verdict.map(|rule| rule.name.clone()),
            });
            if verdict.is_some() {
                break;
            }
            before = Some(after);
        }
        Ok(told)
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

/// Which rows of a batch were born since the one before.
fn born(before: &RecordBatch, after: &RecordBatch, steps: &[PlanStep]) -> Vec<bool> {
    let Some(flags) = after.column_by_name(BORN_COLUMN).map(AsArray::as_boolean) else {
        return vec![false; after.num_rows()];
    };
    let flags = (0..after.num_rows()).map(|row| flags.is_valid(row) && flags.value(row));
    if before.column_by_name(BORN_COLUMN).is_none()
        || steps.iter().any(|step| matches!(step.op, Op::Route(_)))
    {
        return flags.collect();
    }
    if before.num_rows() == after.num_rows() {
        return vec![false; after.num_rows()];
    }
    // What was born before bears the flag as well; parts have ids of their own.
    let ids = |batch: &RecordBatch| -> Vec<Option<String>> {
        let ids = batch
            .column_by_name(columns::ID.name)
            .map(|ids| ids.as_string_view().iter());
        ids.into_iter()
            .flatten()
            .map(|id| id.map(str::to_owned))
            .collect()
    };
    let known: HashSet<Option<String>> = ids(before).into_iter().collect();
    flags
        .zip(ids(after))
        .map(|(flag, id)| flag && !known.contains(&id))
        .collect()
}

/// The columns of a row that are short enough to be told, as they are after a step and were not before.
fn changed(
    before: Option<&(RecordBatch, usize)>,
    after: &(RecordBatch, usize),
) -> Result<Vec<(String, Value)>> {
    let (batch, row) = after;
    let is_told = |name: &str, kind: &DataType| {
        let is_long = [
            columns::TEXT.name,
            columns::TEXT_MARKDOWN.name,
            columns::FAULT.name,
        ]
        .contains(&name);
        !name.starts_with("__")
            && !is_long
            && !kind.is_nested()
            && !matches!(kind, DataType::BinaryView | DataType::Binary)
    };
    let mut values = Vec::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        if !is_told(field.name(), field.data_type()) {
            continue;
        }
        let value = json_value(array, *row)?;
        let earlier =
            before.and_then(|(batch, row)| Some(json_value(batch.column_by_name(field.name())?, *row)));
        if earlier.transpose()? != Some(value.clone()) {
            values.push((field.name().clone(), value));
        }
    }
    Ok(values)
}

/// The batch and row in which each segment, or step, that a document reached ended.
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
