//! Sieve: the only place where a row leaves.
//!
//! Each living row is asked every rule in order; the first that is not true gives the row its verdict, the
//! rule's number. From then on it is a husk: its content is gone, what the rule looked at stays, and it travels
//! on to the shard node, which counts it. A rule that cannot be computed for a batch (a division by zero) is
//! asked row by row, and a row for which it cannot be computed fails it.

use std::{fmt, sync::Arc};

use datafusion::prelude::SessionContext;
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray, UInt32Array, new_null_array,
        },
        compute::{is_not_null, nullif},
        datatypes::{DataType, SchemaRef, UInt32Type},
        util::display::{ArrayFormatter, FormatOptions},
    },
    common::{Result as DfResult, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryStreamExt};
use gristmill_core::{Edit, columns};
use gristmill_shard::{PREVIEW_COLUMN, VALUES_COLUMN, VERDICT_COLUMN};
use serde_json::{Map, Value, json};

use crate::{Error, plan::Door, progress::Progress};

/// Content that husks do not carry on: whatever is longer than this in a value is cut in `values`.
const VALUE_CHARS: usize = 200;
/// Characters of its text that a husk keeps for those who look at it.
const PREVIEW_CHARS: usize = 400;

/// The Sieve node.
pub(crate) struct SieveExec {
    input: Arc<dyn ExecutionPlan>,
    doors: Arc<Doors>,
    properties: Arc<PlanProperties>,
}

/// What a sieve asks, and what it notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Up to the first rule that is not true.
    Once,
    /// The same, and the values that this rule looked at are noted, and how the text began.
    KeepValues,
    /// Every rule; the answers are noted and nothing is rejected but what no later step could measure. `values` has
    /// a line for each rule: `{"rule": number, "holds": …, "values": {…}}`.
    All,
}

/// The rules of a sieve.
pub(super) struct Doors {
    chain: Option<u8>,
    doors: Vec<(Door, Option<Arc<dyn PhysicalExpr>>)>,
    output: SchemaRef,
    /// Counts who leaves; nodes of documents are not counted.
    progress: Option<Arc<Progress>>,
    asking: Asking,
    /// What takes personal data out of the previews of texts: a husk must not tell what the shards do not.
    redactions: Vec<&'static dyn Edit>,
}

impl SieveExec {
    /// A sieve for the rows of a chain, or for all.
    pub(crate) fn new(
        session: &SessionContext,
        input: Arc<dyn ExecutionPlan>,
        chain: Option<u8>,
        doors: &[Door],
        output: SchemaRef,
        progress: Arc<Progress>,
        asking: Asking,
    ) -> DfResult<Self> {
        let properties = super::like_input(&input, output.clone());
        let doors = Doors::new(
            session,
            &input.schema(),
            chain,
            doors,
            output,
            Some(progress),
            asking,
        )?;
        Ok(SieveExec {
            input,
            doors: Arc::new(doors),
            properties,
        })
    }

    /// The same sieve; previews of texts lose what these take out.
    pub(crate) fn redacting(mut self, redactions: Vec<&'static dyn Edit>) -> Self {
        if let Some(doors) = Arc::get_mut(&mut self.doors) {
            doors.redactions = redactions;
        }
        self
    }
}

impl fmt::Debug for SieveExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SieveExec({} doors)", self.doors.doors.len())
    }
}

impl DisplayAs for SieveExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules: Vec<_> = self
            .doors
            .doors
            .iter()
            .filter_map(|(_, predicate)| predicate.as_ref().map(ToString::to_string))
            .collect();
        write!(f, "SieveExec: [{}]", rules.join("; "))
    }
}

impl ExecutionPlan for SieveExec {
    fn name(&self) -> &'static str {
        "SieveExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn apply_expressions(
        &self,
        apply: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        datafusion::physical_plan::apply_expression_roots(
            self.doors
                .doors
                .iter()
                .filter_map(|(_, predicate)| predicate.as_ref()),
            apply,
        )
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input = children.remove(0);
        let properties = super::like_input(&input, self.doors.output.clone());
        Ok(Arc::new(SieveExec {
            input,
            doors: self.doors.clone(),
            properties,
        }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let doors = self.doors.clone();
        let batches = input.map(move |batch| doors.ask(&batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.doors.output.clone(),
            batches.into_stream().boxed(),
        )))
    }
}

impl Doors {
    /// Rules for rows of this schema.
    pub(super) fn new(
        session: &SessionContext,
        input: &SchemaRef,
        chain: Option<u8>,
        doors: &[Door],
        output: SchemaRef,
        progress: Option<Arc<Progress>>,
        asking: Asking,
    ) -> DfResult<Self> {
        let physical = |door: &Door| {
            let predicate = door.predicate.as_ref();
            let predicate = predicate.map(|predicate| predicate.physical(session, input));
            Ok((door.clone(), predicate.transpose()?))
        };
        Ok(Doors {
            chain,
            doors: doors.iter().map(physical).collect::<DfResult<_>>()?,
            output,
            progress,
            asking,
            redactions: Vec::new(),
        })
    }

    /// The previews without personal data; none where an edit needs more than the text.
    fn redacted(&self, previews: &[Option<String>]) -> DfResult<Vec<Option<String>>> {
        let mut texts: ArrayRef =
            Arc::new(previews.iter().map(Option::as_deref).collect::<StringViewArray>());
        for edit in &self.redactions {
            let card = edit.card();
            let place = card
                .outputs
                .iter()
                .position(|output| output.name == columns::TEXT.name);
            let is_of_text = card.inputs.iter().all(|input| input.name == columns::TEXT.name);
            let (Some(place), true) = (place, is_of_text) else {
                return Ok(vec![None; previews.len()]);
            };
            let edited = edit.edit(&[texts]).map_err(Error::from)?;
            texts = edited[place].clone();
        }
        Ok(texts
            .as_string_view()
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect())
    }

    pub(super) fn ask(&self, batch: &RecordBatch) -> DfResult<RecordBatch> {
        let rows = batch.num_rows();
        let mut asked = super::own_rows(batch, self.chain);
        let earlier = batch
            .column_by_name(VERDICT_COLUMN)
            .map(datafusion::arrow::array::AsArray::as_primitive::<UInt32Type>);
        let mut verdicts: Vec<Option<u32>> = match earlier {
            Some(earlier) => earlier.iter().collect(),
            None => vec![None; rows],
        };
        let noted = |name: &str| -> Vec<Option<String>> {
            match batch.column_by_name(name) {
                Some(earlier) => {
                    let earlier = earlier.as_string_view().iter();
                    earlier.map(|value| value.map(str::to_owned)).collect()
                }
                None => vec![None; rows],
            }
        };
        let (mut values, mut previews) = (noted(VALUES_COLUMN), noted(PREVIEW_COLUMN));
        let mut has_new_previews = false;
        let texts = batch
            .column_by_name(columns::TEXT.name)
            .map(AsArray::as_string_view);
        for (door, predicate) in &self.doors {
            if !asked.contains(&true) {
                break;
            }
            let passes = match predicate {
                Some(predicate) => condition(predicate, batch)?,
                None => has_no_fault(batch)?,
            };
            let mut left = 0;
            for row in 0..rows {
                let passes = passes.is_valid(row) && passes.value(row);
                if !asked[row] {
                    continue;
                }
                if let (Asking::All, Some(predicate), false) = (self.asking, &door.predicate, door.is_entry) {
                    let answer = json!({
                        "rule": door.number, "holds": passes, "values": looked_at(&predicate.columns, batch, row)?,
                    });
                    let lines = values[row].get_or_insert_default();
                    lines.push_str(&answer.to_string());
                    lines.push('\n');
                } else if !passes {
                    verdicts[row] = Some(door.number);
                    asked[row] = false;
                    left += 1;
                    if let (Asking::KeepValues, Some(predicate)) = (self.asking, &door.predicate) {
                        values[row] =
                            Some(Value::Object(looked_at(&predicate.columns, batch, row)?).to_string());
                        let text = texts.filter(|texts| texts.is_valid(row));
                        has_new_previews |= text.is_some();
                        previews[row] = text.map(|texts| cut(texts.value(row), PREVIEW_CHARS));
                    }
                }
            }
            if let Some(progress) = &self.progress {
                progress.leave(door.number, left);
            }
        }
        if has_new_previews && !self.redactions.is_empty() {
            // What is redacted already stays as it is.
            previews = self.redacted(&previews)?;
        }
        let texts = |texts: &[Option<String>]| -> ArrayRef {
            Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>())
        };
        let is_husk = BooleanArray::from(verdicts.iter().map(Option::is_some).collect::<Vec<_>>());
        let arrays = self
            .output
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                VERDICT_COLUMN => Ok(Arc::new(UInt32Array::from(verdicts.clone())) as ArrayRef),
                VALUES_COLUMN => Ok(texts(&values)),
                PREVIEW_COLUMN => Ok(texts(&previews)),
                name => {
                    let column = batch.column_by_name(name).expect("a sieve adds no other columns");
                    if is_husk.has_true() && is_content(field.data_type(), name) {
                        without(column, &is_husk)
                    } else {
                        Ok(column.clone())
                    }
                }
            })
            .collect::<DfResult<Vec<ArrayRef>>>()?;
        Ok(RecordBatch::try_new(self.output.clone(), arrays)?)
    }
}

/// Where the predicate is true.
pub(crate) fn condition(predicate: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> DfResult<BooleanArray> {
    if let Ok(result) = predicate
        .evaluate(batch)
        .and_then(|value| value.into_array(batch.num_rows()))
    {
        return Ok(result.as_boolean().clone());
    }
    let one = |row| {
        let row = batch.slice(row, 1);
        let result = predicate
            .evaluate(&row)
            .and_then(|value| value.into_array(1))
            .ok()?;
        let result = result.as_boolean();
        result.is_valid(0).then(|| result.value(0))
    };
    Ok((0..batch.num_rows()).map(one).collect())
}

fn has_no_fault(batch: &RecordBatch) -> DfResult<BooleanArray> {
    let faults = batch
        .column_by_name(columns::FAULT.name)
        .expect("every row has a fault column");
    Ok(datafusion::arrow::compute::not(&is_not_null(faults)?)?)
}

/// Long content and work columns are not carried by husks.
fn is_content(kind: &DataType, name: &str) -> bool {
    matches!(
        kind,
        DataType::BinaryView | DataType::List(_) | DataType::Struct(_)
    ) || [columns::TEXT.name, columns::TEXT_MARKDOWN.name].contains(&name)
}

/// The column with nulls in the rows of husks, whose bytes are let go.
fn without(column: &ArrayRef, is_husk: &BooleanArray) -> DfResult<ArrayRef> {
    if is_husk.true_count() == column.len() {
        return Ok(new_null_array(column.data_type(), column.len()));
    }
    Ok(nullif(column, is_husk)?)
}

/// What a rule looked at.
fn looked_at(names: &[String], batch: &RecordBatch, row: usize) -> DfResult<Map<String, Value>> {
    let mut values = Map::new();
    for name in names {
        let Some(column) = batch.column_by_name(name) else {
            continue;
        };
        values.insert(name.clone(), json_value(column, row)?);
    }
    Ok(values)
}

/// A value as JSON; long texts are cut.
pub(crate) fn json_value(column: &ArrayRef, row: usize) -> DfResult<Value> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    let options = FormatOptions::default();
    let text = ArrayFormatter::try_new(column, &options)?
        .value(row)
        .try_to_string()?;
    let kind = column.data_type();
    if kind.is_numeric() || *kind == DataType::Boolean {
        return Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)));
    }
    Ok(Value::String(cut(&text, VALUE_CHARS)))
}

/// The first characters of a text.
fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
