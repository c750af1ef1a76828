//! A recipe's plan: segments of operations, with the columns that live after each.
//!
//! A *segment* is a map over slices: it reads source objects or what the segment before it staged, and ends
//! where shards are written or where dedup needs to see all documents at once. Naming a column in a rule
//! requests its signal: [`compile`] puts a Derive before the Sieve that needs it, holding exactly the signals
//! that no earlier step of the same content computed. Columns that nobody needs later are dropped at once.

mod check;
mod compile;
mod context;
mod explain;
mod states;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, SchemaRef},
    logical_expr::SortExpr,
    physical_expr::PhysicalExpr,
    prelude::SessionContext,
};
use gristmill_core::{Edit, Extractor, Signal, Splitter, columns};
use gristmill_dedup::{
    DOCUMENT_COLUMN, Dedup, EVIDENCE_COLUMN, Fingerprint, REPEAT_COLUMNS, Verdict, key_column,
};
use gristmill_shard::{BORN_COLUMN, CHAIN_COLUMN, Rule};

pub use compile::compile;
pub(crate) use compile::{
    ASKED_RULE, DOCUMENT_RULE, PARENT_ID, PART, PART_COUNT, PARTS_RULE, READABLE_RULE, WHOLE_RULE, accepted,
};
pub use context::{CONTEXT_COLUMNS, NODE_COLUMNS};
pub use explain::explain;
pub(crate) use states::{Act, FAULTS, Measured, Recalled, States, Stored, Walk, measuring, recalling};

/// What a recipe compiles to.
#[derive(Debug)]
pub struct Plan {
    /// The segments, in order.
    pub(crate) segments: Vec<Segment>,
    /// Every door of every sieve, by number.
    pub(crate) rules: Arc<Vec<Rule>>,
    /// The numbers of the doors of dedup steps.
    pub(crate) dedup_rules: BTreeSet<usize>,
    /// What each chain writes.
    pub(crate) outputs: Vec<PlanOutput>,
    /// The number of the chain of pages that are only asked for their images.
    pub(crate) pages: Option<u8>,
    /// The number of the chain of images that documents are only asked for.
    pub(crate) resources: Option<u8>,
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

    /// The most rows of a batch. An image in a batch may come with its thumbnail, of up to 768 KiB, and an interleaved
    /// document with all of its images.
    pub(crate) fn batch_rows(&self) -> usize {
        let has_thumbnails = |op: &Op| match op {
            Op::Extract(extractors) => extractors.iter().any(|extractor| {
                let outputs = extractor.card().outputs.iter();
                outputs
                    .into_iter()
                    .any(|output| output.name == columns::IMAGE_THUMBNAIL.name)
            }),
            _ => false,
        };
        let has = |is_such: &dyn Fn(&Op) -> bool| {
            let steps = self.segments.iter().flat_map(|segment| &segment.steps);
            steps.into_iter().any(|step| is_such(&step.op))
        };
        match () {
            () if has(&|op| matches!(op, Op::Nodes(_))) => 4,
            () if has(&has_thumbnails) => 32,
            () => usize::MAX,
        }
    }

    /// Whether rows belong to chains.
    pub(crate) fn is_routed(&self) -> bool {
        self.outputs.len() > 1 || self.pages.is_some() || self.resources.is_some()
    }

    /// Whether it has one chain, and each of its documents is that of a record: no parts, no pieces from elsewhere.
    pub fn keeps_rows(&self) -> bool {
        let steps = self.segments.iter().flat_map(|segment| &segment.steps);
        let changes = |op: &Op| matches!(op, Op::Split(_) | Op::Ask | Op::Context | Op::Seek | Op::Nodes(_));
        !self.is_routed() && steps.into_iter().all(|step| !changes(&step.op))
    }

    /// The names of its first extractors.
    pub fn extractors(&self) -> Vec<&'static str> {
        let mut steps = self.segments.iter().flat_map(|segment| &segment.steps);
        let extractors = steps.find_map(|step| match &step.op {
            Op::Extract(extractors) => Some(extractors),
            _ => None,
        });
        extractors
            .into_iter()
            .flatten()
            .map(|extractor| extractor.card().name)
            .collect()
    }

    /// What each chain writes.
    pub fn outputs(&self) -> &[PlanOutput] {
        &self.outputs
    }
}

/// What a chain writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOutput {
    /// Its modality.
    pub modality: &'static str,
    /// The columns of its shards, in order.
    pub columns: Vec<String>,
}

/// A map over slices.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) input: SchemaRef,
    pub(crate) steps: Vec<PlanStep>,
}

/// An operation and the schema after it.
#[derive(Debug, Clone)]
pub(crate) struct PlanStep {
    /// The chain whose rows it works on; all rows where the plan has one chain.
    pub(crate) chain: Option<u8>,
    pub(crate) label: String,
    pub(crate) op: Op,
    pub(crate) output: SchemaRef,
}

/// What is done to a batch.
#[derive(Clone)]
pub(crate) enum Op {
    /// Each record goes to the chains one of whose extractors accepts it.
    Route(Vec<Vec<&'static dyn Extractor>>),
    /// Records become documents, each by the first of these that accepts it.
    Extract(Vec<&'static dyn Extractor>),
    /// Content changes.
    Edit(&'static dyn Edit),
    /// Documents are cut into parts.
    Split(&'static dyn Splitter),
    /// Signals add columns.
    Derive(Vec<&'static dyn Signal>),
    /// Rows that fail a rule get its number as their verdict.
    Sieve(Vec<Door>),
    /// A method adds the keys of a content column, by which the documents of all slices are compared.
    Keys(Arc<KeysOp>),
    /// Pages are asked for the images of this chain, by address.
    Ask,
    /// Images get what pages say of them.
    Context,
    /// The crawl is asked for the images of these documents, by address.
    Seek,
    /// The nodes of documents are judged, and become lists.
    Nodes(Arc<NodesOp>),
    /// Documents get their cluster and rank.
    Clusters,
    /// A text loses its repeated parts.
    Cut(String),
    /// The signals of several recipes are measured, in every state of the content that one of them looks at.
    States(Arc<States>),
    /// Signals add columns; those that a store tells of are taken from there, by the id of the document.
    Recall(Arc<Vec<(&'static dyn Signal, Option<Recalled>)>>),
}

/// What documents are compared by, at the end of a segment.
#[derive(Debug)]
pub(crate) struct KeysOp {
    pub(crate) dedup: Dedup,
    pub(crate) column: String,
    /// Which document of a cluster is kept, and the columns that this looks at.
    pub(crate) prefer: Vec<SortExpr>,
    pub(crate) prefer_columns: Vec<String>,
    /// The chain whose documents are compared, where there are several.
    pub(crate) chain: Option<u8>,
}

impl KeysOp {
    /// The fingerprint, if whole documents are compared.
    pub(crate) fn fingerprint(&self) -> Option<&Arc<dyn Fingerprint>> {
        match &self.dedup {
            Dedup::Whole(fingerprint) => Some(fingerprint),
            Dedup::Parts(_) => None,
        }
    }

    /// The columns that the method looks at.
    pub(crate) fn looks_at(&self) -> impl Iterator<Item = &str> {
        let beside = self
            .fingerprint()
            .map_or(&[][..], |fingerprint| fingerprint.beside());
        [self.column.as_str()]
            .into_iter()
            .chain(beside.iter().map(|column| column.name))
    }

    fn outputs(&self) -> Vec<Field> {
        let fields = self.key_names().into_iter().map(|name| {
            let kind = match name.as_str() {
                EVIDENCE_COLUMN => DataType::Binary,
                _ => DataType::UInt64,
            };
            Field::new(self.staged_name(&name), kind, true)
        });
        fields.collect()
    }

    /// The columns of the keys and, if candidates are verified, of the evidence.
    pub(crate) fn key_names(&self) -> Vec<String> {
        let Some(fingerprint) = self.fingerprint() else {
            return Vec::new();
        };
        let evidence = matches!(fingerprint.verdict(), Verdict::Verified(_));
        let keys = (0..fingerprint.key_columns()).map(key_column);
        keys.chain(evidence.then(|| EVIDENCE_COLUMN.to_owned())).collect()
    }

    /// What a column of keys is called in staged rows, where those of several chains stand side by side.
    pub(crate) fn staged_name(&self, name: &str) -> String {
        match self.chain {
            Some(chain) => format!("{name}_{chain}"),
            None => name.to_owned(),
        }
    }

    /// The columns that must be staged for the comparison.
    fn staged(&self) -> Vec<String> {
        let keys = self.key_names().into_iter();
        let mut names: Vec<String> = keys.map(|name| self.staged_name(&name)).collect();
        names.extend(self.prefer_columns.iter().cloned());
        if self.fingerprint().is_none() {
            names.push(self.column.clone());
        }
        names
    }
}

/// What is done with the nodes of documents.
pub(crate) struct NodesOp {
    /// The columns of nodes before the steps.
    pub(crate) input: SchemaRef,
    /// The steps of texts and of images; their chains are those of the `nodes` module.
    pub(crate) steps: Vec<PlanStep>,
    /// The doors of their sieves, by number.
    pub(crate) rules: Vec<Rule>,
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
            Op::Route(chains) => write!(f, "Route to {} chains", chains.len()),
            Op::Extract(extractors) => {
                let names: Vec<_> = extractors.iter().map(|extractor| extractor.card().name).collect();
                write!(f, "Extract {}", names.join(", "))
            }
            Op::Edit(edit) => write!(f, "Edit {}", edit.card().name),
            Op::Split(splitter) => write!(f, "Split {}", splitter.card().name),
            Op::Derive(signals) => {
                let names: Vec<_> = signals.iter().map(|signal| signal.card().name).collect();
                write!(f, "Derive {}", names.join(", "))
            }
            Op::Sieve(doors) => write!(f, "Sieve of {} rules", doors.len()),
            Op::Keys(keys) => match &keys.dedup {
                Dedup::Whole(fingerprint) => write!(f, "Keys {fingerprint:?} of {}", keys.column),
                Dedup::Parts(parts) => write!(f, "Keys {parts:?} of {}", keys.column),
            },
            Op::Ask => write!(f, "Ask pages"),
            Op::Context => write!(f, "Context"),
            Op::Seek => write!(f, "Seek images"),
            Op::Nodes(op) => write!(
                f,
                "Nodes, {} rules",
                op.rules.iter().filter(|rule| rule.predicate.is_some()).count()
            ),
            Op::Clusters => write!(f, "Clusters"),
            Op::Cut(column) => write!(f, "Cut {column}"),
            Op::States(_) => write!(f, "Signals of several recipes"),
            Op::Recall(signals) => {
                let names = |is_recalled: bool| {
                    let some = signals
                        .iter()
                        .filter(|(_, recalled)| recalled.is_some() == is_recalled);
                    let names: Vec<_> = some.map(|(signal, _)| signal.card().name).collect();
                    names.join(", ")
                };
                write!(f, "Recall {}; derive {}", names(true), names(false))
            }
        }
    }
}

impl Op {
    /// The columns that it reads.
    fn inputs(&self) -> Vec<&str> {
        let names = |columns: &'static [gristmill_core::Column]| columns.iter().map(|column| column.name);
        match self {
            Op::Route(_) => vec![columns::MEDIA_TYPE.name],
            Op::Extract(extractors) => extractors
                .iter()
                .flat_map(|extractor| names(extractor.card().inputs))
                .chain([columns::MEDIA_TYPE.name])
                .collect(),

            Op::Edit(edit) => names(edit.card().inputs).collect(),
            Op::Split(splitter) => names(splitter.card().inputs)
                .chain([columns::ID.name, BORN_COLUMN])
                .collect(),
            Op::Derive(signals) => signals
                .iter()
                .flat_map(|signal| names(signal.card().inputs))
                .collect(),
            Op::Sieve(doors) => doors
                .iter()
                .filter_map(|door| door.predicate.as_ref())
                .flat_map(|p| p.columns.iter().map(String::as_str))
                .collect(),
            Op::Keys(keys) => keys
                .looks_at()
                .chain(keys.prefer_columns.iter().map(String::as_str))
                .collect(),
            Op::Ask => vec![columns::URL.name],
            Op::Seek => vec![columns::DOCUMENT_NODES.name],
            Op::Nodes(_) => vec![columns::DOCUMENT_NODES.name, DOCUMENT_COLUMN],
            Op::Clusters | Op::Context => vec![DOCUMENT_COLUMN],
            Op::Cut(column) => vec![DOCUMENT_COLUMN, column],
            Op::States(states) => states.inputs(),
            Op::Recall(signals) => {
                let measured = signals.iter().filter(|(_, recalled)| recalled.is_none());
                let read = measured.flat_map(|(signal, _)| names(signal.card().inputs));
                read.chain([columns::ID.name]).collect()
            }
        }
    }

    /// The columns that it adds or replaces.
    pub(crate) fn outputs(&self) -> Vec<Field> {
        let fields =
            |columns: &'static [gristmill_core::Column]| columns.iter().map(gristmill_core::Column::field);
        match self {
            Op::Route(_) => vec![
                Field::new(CHAIN_COLUMN, DataType::UInt8, true),
                Field::new(BORN_COLUMN, DataType::Boolean, true),
            ],
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
            Op::Split(splitter) => {
                let own =
                    [compile::PARENT_ID, compile::PART, compile::PART_COUNT].map(|column| column.field());
                let born = Field::new(BORN_COLUMN, DataType::Boolean, true);
                fields(splitter.card().outputs).chain(own).chain([born]).collect()
            }
            Op::Derive(signals) => signals
                .iter()
                .flat_map(|signal| fields(signal.card().outputs))
                .collect(),
            Op::Sieve(_) => compile::husk_fields(),
            Op::Keys(keys) => keys.outputs(),
            Op::Ask | Op::Seek => Vec::new(),
            Op::Nodes(_) => fields(&NODE_COLUMNS).collect(),
            Op::Context => fields(&CONTEXT_COLUMNS).collect(),
            Op::Clusters => gristmill_dedup::CLUSTER_COLUMNS
                .iter()
                .map(gristmill_core::Column::field)
                .collect(),
            Op::Cut(column) => [Field::new(column, DataType::Utf8View, true)]
                .into_iter()
                .chain(fields(&REPEAT_COLUMNS))
                .collect(),
            Op::States(states) => states.outputs(),
            Op::Recall(signals) => signals
                .iter()
                .flat_map(|(signal, _)| fields(signal.card().outputs))
                .collect(),
        }
    }

    /// The columns that must be staged, if it ends a segment.
    pub(crate) fn staged(&self) -> Vec<String> {
        match self {
            Op::Keys(keys) => keys.staged(),
            _ => Vec::new(),
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
