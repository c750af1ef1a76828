//! A recipe's plan: segments of operations, with the columns that live after each.
//!
//! A *segment* is a map over slices: it reads source objects or what the segment before it staged, and ends
//! where shards are written or where dedup needs to see all documents at once. Naming a column in a rule
//! requests its signal: [`compile`] puts a Derive before the Sieve that needs it, holding exactly the signals
//! that no earlier step of the same content computed. Columns that nobody needs later are dropped at once.

mod check;
mod compile;
mod explain;

use std::{collections::BTreeMap, fmt, sync::Arc};

use datafusion::{
    arrow::datatypes::{Field, Schema, SchemaRef},
    physical_expr::PhysicalExpr,
    prelude::SessionContext,
};
use gristmill_core::{Edit, Extractor, Signal, columns};
use gristmill_dedup::Method;
use gristmill_shard::Rule;

pub use compile::compile;
pub(crate) use compile::{DOCUMENT_RULE, PARENT_ID, PART, UNIQUE_RULE, accepted};
pub use explain::explain;

/// What a recipe compiles to.
#[derive(Debug)]
pub struct Plan {
    /// The segments, in order.
    pub(crate) segments: Vec<Segment>,
    /// Every door of every sieve, by number.
    pub(crate) rules: Arc<Vec<Rule>>,
    /// The columns of the shards, in order.
    pub(crate) columns: Vec<String>,
    /// Record columns that a source must fill.
    pub(crate) wanted: Vec<&'static str>,
    /// Version of everything that takes part.
    pub(crate) versions: BTreeMap<String, u32>,
    /// The schema of records as sources give them.
    pub(crate) source_schema: SchemaRef,
}

impl Plan {
    /// Whether documents are compared with each other.
    pub fn has_dedup(&self) -> bool {
        self.segments.len() > 1
    }

    /// The columns of the shards, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }
}

/// A map over slices.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) input: SchemaRef,
    pub(crate) steps: Vec<PlanStep>,
}

/// An operation and the schema after it.
#[derive(Debug)]
pub(crate) struct PlanStep {
    pub(crate) label: String,
    pub(crate) op: Op,
    pub(crate) output: SchemaRef,
}

/// What is done to a batch.
#[derive(Clone)]
pub(crate) enum Op {
    /// Records become documents, each by the first of these that accepts it.
    Extract(Vec<&'static dyn Extractor>),
    /// Content changes.
    Edit(&'static dyn Edit),
    /// Signals add columns.
    Derive(Vec<&'static dyn Signal>),
    /// Rows that fail a rule get its number as their verdict.
    Sieve(Vec<Door>),
    /// A method adds the key columns of a content column.
    Keys(&'static dyn Method, String),
    /// Documents get their cluster and rank.
    Clusters,
}

/// A rule of a sieve, ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// The rule's number.
    pub(crate) number: u32,
    /// The predicate; faults have none.
    pub(crate) predicate: Option<Predicate>,
    /// Whether it lets records in to an extractor: what fails it is no document and cannot be measured.
    pub(crate) is_entry: bool,
}

/// A predicate and the columns that it looks at.
#[derive(Clone)]
pub(crate) struct Predicate {
    pub(crate) logical: datafusion::prelude::Expr,
    pub(crate) columns: Vec<String>,
}

impl fmt::Debug for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.logical)
    }
}

impl Predicate {
    /// The predicate over batches of this schema. The session is the run's: making one for each predicate of
    /// each slice would register every SQL function again.
    pub(crate) fn physical(
        &self,
        session: &SessionContext,
        schema: &SchemaRef,
    ) -> datafusion::error::Result<Arc<dyn PhysicalExpr>> {
        let schema = datafusion::common::DFSchema::try_from(schema.as_ref().clone())?;
        session.create_physical_expr(self.logical.clone(), &schema)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Extract(extractors) => {
                let names: Vec<_> = extractors.iter().map(|extractor| extractor.card().name).collect();
                write!(f, "Extract {}", names.join(", "))
            }
            Op::Edit(edit) => write!(f, "Edit {}", edit.card().name),
            Op::Derive(signals) => {
                let names: Vec<_> = signals.iter().map(|signal| signal.card().name).collect();
                write!(f, "Derive {}", names.join(", "))
            }
            Op::Sieve(doors) => write!(f, "Sieve of {} rules", doors.len()),
            Op::Keys(method, column) => write!(f, "Keys {}({column})", method.card().name),
            Op::Clusters => write!(f, "Clusters"),
        }
    }
}

impl Op {
    /// The columns that it reads.
    fn inputs(&self) -> Vec<&str> {
        let names = |columns: &'static [gristmill_core::Column]| columns.iter().map(|column| column.name);
        match self {
            Op::Extract(extractors) => extractors
                .iter()
                .flat_map(|extractor| names(extractor.card().inputs))
                .chain([columns::MEDIA_TYPE.name])
                .collect(),

            Op::Edit(edit) => names(edit.card().inputs).collect(),
            Op::Derive(signals) => signals
                .iter()
                .flat_map(|signal| names(signal.card().inputs))
                .collect(),
            Op::Sieve(doors) => doors
                .iter()
                .filter_map(|door| door.predicate.as_ref())
                .flat_map(|p| p.columns.iter().map(String::as_str))
                .collect(),
            Op::Keys(_, column) => vec![column],
            Op::Clusters => vec![gristmill_dedup::DOCUMENT_COLUMN],
        }
    }

    /// The columns that it adds or replaces.
    pub(crate) fn outputs(&self) -> Vec<Field> {
        let fields =
            |columns: &'static [gristmill_core::Column]| columns.iter().map(gristmill_core::Column::field);
        match self {
            Op::Extract(extractors) => {
                let mut all: Vec<Field> = Vec::new();
                for field in extractors
                    .iter()
                    .flat_map(|extractor| fields(extractor.card().outputs))
                {
                    if all.iter().all(|known| known.name() != field.name()) {
                        all.push(field);
                    }
                }
                all.extend([compile::PARENT_ID.field(), compile::PART.field()]);
                all
            }
            Op::Edit(edit) => fields(edit.card().outputs).collect(),
            Op::Derive(signals) => signals
                .iter()
                .flat_map(|signal| fields(signal.card().outputs))
                .collect(),
            Op::Sieve(_) => compile::husk_fields(),
            Op::Keys(method, _) => fields(method.card().outputs).collect(),
            Op::Clusters => vec![
                gristmill_dedup::CLUSTER_ID.field(),
                gristmill_dedup::CLUSTER_RANK.field(),
            ],
        }
    }

    /// The schema after it, from the schema before it: outputs take the place of columns of their name, and
    /// what is not live goes.
    fn schema(&self, input: &Schema, live: impl Fn(&str) -> bool) -> SchemaRef {
        let outputs = self.outputs();
        let is_new = |field: &&Field| input.index_of(field.name()).is_err();
        let fields: Vec<Field> = input
            .fields()
            .iter()
            .map(|field| {
                outputs
                    .iter()
                    .find(|output| output.name() == field.name())
                    .unwrap_or(field)
                    .clone()
            })
            .chain(outputs.iter().filter(is_new).cloned())
            .filter(|field| live(field.name()))
            .collect();
        Arc::new(Schema::new(fields))
    }
}
