//! Rejected rows on their way from the sieve to `rejects/`.
//!
//! A sieve does not drop a row; it gives it a verdict and takes its content away. The husk travels on in its
//! place, so that the shard node sees every row of the slice once and in order: that is the account. Husks that
//! the recipe asks for are written with `id, uri, offset, length, url, media_type, step,
//! verdict, rule, values, preview, fault`.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, UInt32Array},
    compute::take,
    datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type},
};
use serde::{Deserialize, Serialize};

use crate::{Account, Result, RuleCount};

/// The column that holds a row's verdict: its number in the list of rules, null while the row lives.
pub const VERDICT_COLUMN: &str = "__verdict";
/// The column that holds what the deciding rule looked at, as a JSON object.
pub const VALUES_COLUMN: &str = "__values";
/// The column that holds the beginning of the text that a husk had.
pub const PREVIEW_COLUMN: &str = "__preview";

/// The column that holds the number of a row's chain, where a plan has several.
pub const CHAIN_COLUMN: &str = "__chain";
/// The column that tells rows that were born behind the first document of their record.
pub const BORN_COLUMN: &str = "__born";

/// The verdict of rows with a fault.
const FAULT: &str = "fault";
/// The columns that a husk keeps.
const HUSK: [&str; 6] = ["id", "uri", "offset", "length", "url", "media_type"];

/// Which rejected rows are written; all of them are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RejectMode {
    /// None.
    Counts,
    /// The first 100 of each rule and slice.
    Sample,
    /// All.
    All,
}

impl RejectMode {
    fn rows_per_rule(self) -> u64 {
        match self {
            RejectMode::Counts => 0,
            RejectMode::Sample => 100,
            RejectMode::All => u64::MAX,
        }
    }
}

/// A door out: a named predicate of a step, or the door of faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The step of the recipe, such as `text[2] keep`.
    pub step: String,
    /// The name, which is the verdict.
    pub name: String,
    /// The SQL predicate that rows must meet; absent for the door of faults.
    pub predicate: Option<String>,
}

impl Rule {
    /// The door of faults after a step.
    pub fn fault(step: impl Into<String>) -> Self {
        Rule {
            step: step.into(),
            name: FAULT.into(),
            predicate: None,
        }
    }
}

/// Counts verdicts and picks the husks to write.
pub(crate) struct Rejects {
    rules: Arc<Vec<Rule>>,
    mode: RejectMode,
    rows: Vec<u64>,
    faults: BTreeMap<String, u64>,
}

impl Rejects {
    pub(crate) fn new(rules: Arc<Vec<Rule>>, mode: RejectMode) -> Self {
        Rejects {
            rows: vec![0; rules.len()],
            faults: BTreeMap::new(),
            rules,
            mode,
        }
    }

    /// The schema of rejected rows.
    pub(crate) fn schema(in_flight: &Schema) -> SchemaRef {
        let kept = HUSK
            .iter()
            .filter_map(|name| in_flight.field_with_name(name).ok().cloned());
        let added = ["step", "verdict", "rule", "values", "preview", "fault"]
            .map(|name| Field::new(name, DataType::Utf8View, true));
        Arc::new(Schema::new(kept.chain(added).collect::<Vec<_>>()))
    }

    /// Counts the husks of a batch; gives those to write.
    pub(crate) fn sort(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let verdicts = column(batch, VERDICT_COLUMN).as_primitive::<UInt32Type>();
        let faults = column(batch, "fault").as_string_view();
        let mut picked = Vec::new();
        for row in (0..batch.num_rows()).filter(|&row| verdicts.is_valid(row)) {
            let rule = verdicts.value(row) as usize;
            if self.rules[rule].predicate.is_none() {
                let kind = faults.value(row).split(':').next().unwrap_or_default();
                *self.faults.entry(kind.to_owned()).or_default() += 1;
            }
            if self.rows[rule] < self.mode.rows_per_rule() {
                picked.push(row as u32);
            }
            self.rows[rule] += 1;
        }
        if picked.is_empty() {
            return Ok(None);
        }
        let schema = Rejects::schema(&batch.schema());
        let picked = UInt32Array::from(picked);
        let mut arrays = HUSK
            .iter()
            .filter_map(|name| batch.column_by_name(name))
            .map(|array| Ok(take(array, &picked, None)?))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let rules: Vec<_> = picked
            .values()
            .iter()
            .map(|&row| &self.rules[verdicts.value(row as usize) as usize])
            .collect();
        let strings = |of: fn(&Rule) -> Option<&str>| -> ArrayRef {
            Arc::new(rules.iter().map(|rule| of(rule)).collect::<StringViewArray>())
        };
        arrays.push(strings(|rule| Some(&rule.step)));
        arrays.push(strings(|rule| Some(&rule.name)));
        arrays.push(strings(|rule| rule.predicate.as_deref()));
        arrays.push(take(column(batch, VALUES_COLUMN), &picked, None)?);
        arrays.push(take(column(batch, PREVIEW_COLUMN), &picked, None)?);
        arrays.push(take(column(batch, "fault"), &picked, None)?);
        Ok(Some(RecordBatch::try_new(schema, arrays)?))
    }

    /// The account of everything that was sorted.
    pub(crate) fn account(&self, read: u64, born: u64, kept: u64) -> Account {
        let verdicts = self
            .rules
            .iter()
            .zip(&self.rows)
            .filter(|(rule, _)| rule.predicate.is_some())
            .map(|(rule, &rows)| RuleCount {
                step: rule.step.clone(),
                rule: rule.name.clone(),
                rows,
            })
            .collect();
        Account {
            read,
            born,
            kept,
            verdicts,
            faults: self.faults.clone(),
        }
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch
        .column_by_name(name)
        .expect("the plan carries this column to the shard node")
}
