//! Stage: Extract, Edit and Derive, one operator shape.
//!
//! A stage appends columns, or replaces them, for the rows that live; husks get nulls. It is an operator and
//! not a function in SQL because DataFusion evaluates an expensive function again wherever its result is
//! filtered on. Batches are computed on the rayon pool, a few at a time, and leave in the order they came.
//!
//! A panic in an extractor or signal is caught: the batch is computed again row by row, and the row that
//! panics gets the fault `internal: …`.

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, Float64Array, RecordBatch, RecordBatchOptions, StringViewArray,
            StringViewBuilder, UInt32Array, new_null_array,
        },
        compute::{concat, interleave, take},
        datatypes::{Field, SchemaRef, UInt64Type},
    },
    common::{Result as DfResult, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryStreamExt};
use gristmill_core::{ColumnType, Fault, Signal, columns};
use gristmill_dedup::{
    CLUSTER_ID, CLUSTER_RANK, CLUSTER_SIMILARITY, CLUSTER_SIZE, DOCUMENT_COLUMN, EVIDENCE_COLUMN,
    TEXT_REPEAT_SHARE, key_column,
};
use tokio::sync::oneshot;

use super::{
    extract::extract,
    fetch::Location,
    nodes::Nodes,
    recall::{Known, Memory},
    states::Measurer,
};
use crate::{
    Error,
    plan::{CONTEXT_COLUMNS, Op, PARENT_ID, PART, Recalled},
    progress::StepCost,
};

/// What a comparison found of the documents of a slice, by document.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// Those in clusters.
    pub(crate) clusters: HashMap<u64, Member>,
    /// Starts and ends of the repeated parts of texts.
    pub(crate) cuts: HashMap<u64, Vec<(u32, u32)>>,
    /// What pages say of images: a row of [`CONTEXT_COLUMNS`] in these batches.
    pub(crate) contexts: HashMap<u64, (usize, usize)>,
    pub(crate) context_batches: Vec<RecordBatch>,
    /// What a store of signals tells of them.
    pub(crate) memory: Memory,
    /// Where the images of documents are, by document and node.
    pub(crate) resources: HashMap<u64, HashMap<u32, Location>>,
}

/// A document in a cluster of two or more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) cluster: String,
    pub(crate) rank: u32,
    pub(crate) size: u32,
    pub(crate) similarity: Option<f64>,
}

/// The Stage node.
pub(crate) struct StageExec {
    input: Arc<dyn ExecutionPlan>,
    work: Arc<Work>,
    pool: Arc<rayon::ThreadPool>,
    /// Batches that are computed at the same time.
    width: usize,
    cost: Arc<StepCost>,
    properties: Arc<PlanProperties>,
}

/// What is done, and what comes out.
pub(crate) struct Work {
    /// The chain whose rows it computes.
    chain: Option<u8>,
    op: Op,
    members: Arc<Members>,
    output: SchemaRef,
    nodes: Option<Nodes>,
    measurer: Option<Measurer>,
}

impl StageExec {
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        work: Work,
        pool: Arc<rayon::ThreadPool>,
        width: usize,
        cost: Arc<StepCost>,
    ) -> Self {
        let properties = super::like_input(&input, work.output.clone());
        StageExec {
            input,
            work: Arc::new(work),
            pool,
            width,
            cost,
            properties,
        }
    }
}

impl fmt::Debug for StageExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StageExec({:?})", self.work.op)
    }
}

impl DisplayAs for StageExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StageExec: {:?}", self.work.op)
    }
}

impl ExecutionPlan for StageExec {
    fn name(&self) -> &'static str {
        "StageExec"
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
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let input = children.remove(0);
        let properties = super::like_input(&input, self.work.output.clone());
        Ok(Arc::new(StageExec {
            input,
            work: self.work.clone(),
            pool: self.pool.clone(),
            width: self.width,
            cost: self.cost.clone(),
            properties,
        }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (work, pool, cost) = (self.work.clone(), self.pool.clone(), self.cost.clone());
        let batches = input
            .map_ok(move |batch| {
                let (work, pool, cost) = (work.clone(), pool.clone(), cost.clone());
                async move {
                    let (sender, receiver) = oneshot::channel();
                    pool.spawn(move || {
                        // Nobody waits for the batch of a run that was given up.
                        if !sender.is_closed() {
                            let _ = sender.send(cost.count(batch.num_rows(), || work.run(&batch)));
                        }
                    });
                    receiver
                        .await
                        .map_err(|_| Error::Failed("a content thread ended early".into()))?
                }
            })
            .try_buffered(self.width);
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.work.output.clone(),
            batches.boxed(),
        )))
    }
}

impl Work {
    /// `nodes` are the steps of an op over nodes.
    pub(crate) fn new(
        chain: Option<u8>,
        op: Op,
        output: SchemaRef,
        members: Arc<Members>,
        nodes: Option<Nodes>,
    ) -> Self {
        Work {
            chain,
            op,
            members,
            output,
            nodes,
            measurer: None,
        }
    }

    /// Work of an op over states.
    pub(crate) fn measuring(op: Op, output: SchemaRef, measurer: Measurer) -> Self {
        Work {
            measurer: Some(measurer),
            ..Work::new(None, op, output, Arc::default(), None)
        }
    }

    pub(super) fn run(&self, batch: &RecordBatch) -> DfResult<RecordBatch> {
        if let Op::Split(splitter) = self.op {
            return super::split::split(batch, self.chain, splitter, &self.output);
        }
        let own = super::own_rows(batch, self.chain);
        let living: Vec<u32> = (0..batch.num_rows() as u32)
            .filter(|&row| own[row as usize])
            .collect();
        let outputs = if living.len() == batch.num_rows() {
            self.guarded(batch)?
        } else if living.is_empty() {
            let added = self.op.outputs();
            let added = added
                .iter()
                .filter(|field| batch.column_by_name(field.name()).is_none());
            let nulls = |field: &Field| new_null_array(field.data_type(), batch.num_rows());
            added.map(|field| (field.name().clone(), nulls(field))).collect()
        } else {
            self.spread(batch, living)?
        };
        let arrays: Vec<ArrayRef> = self
            .output
            .fields()
            .iter()
            .map(|field| {
                let name = field.name();
                outputs
                    .get(name)
                    .or_else(|| batch.column_by_name(name))
                    .expect("the plan made this schema")
                    .clone()
            })
            .collect();
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            self.output.clone(),
            arrays,
            &rows,
        )?)
    }

    /// Computes some rows. The others keep what they have; new columns are null there.
    fn spread(&self, batch: &RecordBatch, living: Vec<u32>) -> DfResult<HashMap<String, ArrayRef>> {
        const OTHERS: usize = 0;
        const COMPUTED: usize = 1;
        let mut places: Vec<(usize, usize)> = (0..batch.num_rows()).map(|row| (OTHERS, row)).collect();
        for (place, &row) in living.iter().enumerate() {
            places[row as usize] = (COMPUTED, place);
        }
        let living = UInt32Array::from(living);
        let columns = batch
            .columns()
            .iter()
            .map(|column| take(column, &living, None))
            .collect::<Result<Vec<_>, _>>()?;
        let computed = self.guarded(&RecordBatch::try_new(batch.schema(), columns)?)?;
        let spread = computed.into_iter().map(|(name, array)| {
            let others = match batch.column_by_name(&name) {
                Some(before) => before.clone(),
                None => new_null_array(array.data_type(), batch.num_rows()),
            };
            Ok((name, interleave(&[others.as_ref(), array.as_ref()], &places)?))
        });
        spread.collect()
    }

    /// Computes a batch; if that panics, row by row.
    fn guarded(&self, batch: &RecordBatch) -> DfResult<HashMap<String, ArrayRef>> {
        if let Ok(outputs) = catch_unwind(AssertUnwindSafe(|| self.compute(batch))) {
            return outputs;
        }
        let mut rows: Vec<HashMap<String, ArrayRef>> = Vec::new();
        for row in 0..batch.num_rows() {
            let one = batch.slice(row, 1);
            let outputs = catch_unwind(AssertUnwindSafe(|| self.compute(&one)));
            rows.push(outputs.unwrap_or_else(|panic| Ok(self.fault_row(panic.as_ref())))?);
        }
        let names: Vec<String> = rows.iter().flat_map(HashMap::keys).cloned().collect();
        let mut outputs = HashMap::new();
        for name in names {
            if outputs.contains_key(&name) {
                continue;
            }
            // Rows that did not panic give all outputs but perhaps the fault, which then stays what it was.
            let before = batch.column_by_name(&name);
            let pieces: Vec<ArrayRef> = rows
                .iter()
                .enumerate()
                .map(|(row, outputs)| match outputs.get(&name) {
                    Some(output) => output.clone(),
                    None => before.expect("every row has a fault column").slice(row, 1),
                })
                .collect();
            let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            outputs.insert(name, concat(&pieces)?);
        }
        Ok(outputs)
    }

    fn fault_row(&self, panic: &(dyn std::any::Any + Send)) -> HashMap<String, ArrayRef> {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        let fault = Fault::internal(format!(
            "{:?} panicked: {}",
            self.op,
            text.unwrap_or("no message")
        ));
        let mut row: HashMap<String, ArrayRef> = self
            .op
            .outputs()
            .iter()
            .map(|field| (field.name().clone(), new_null_array(field.data_type(), 1)))
            .collect();
        row.insert(
            columns::FAULT.name.into(),
            Arc::new(StringViewArray::from(vec![Some(fault.to_string())])),
        );
        row
    }

    /// The op's outputs by name, for rows that all live.
    fn compute(&self, batch: &RecordBatch) -> DfResult<HashMap<String, ArrayRef>> {
        let mut outputs: HashMap<String, ArrayRef> = HashMap::new();
        let failed = |error: gristmill_core::Error| -> datafusion::error::DataFusionError {
            Error::from(error).into()
        };
        match &self.op {
            Op::Extract(extractors) => {
                let wanted: Vec<&str> = self
                    .output
                    .fields()
                    .iter()
                    .map(|field| field.name().as_str())
                    .collect();
                outputs = extract(extractors, batch, &wanted)?;
                let n = batch.num_rows();
                outputs.insert(
                    PARENT_ID.name.into(),
                    new_null_array(&PARENT_ID.kind.data_type(), n),
                );
                outputs.insert(PART.name.into(), Arc::new(UInt32Array::from(vec![0; n])));
            }
            Op::Edit(edit) => {
                let card = edit.card();
                let edited = edit.edit(&inputs(card.inputs, batch, &outputs)).map_err(failed)?;
                insert(&mut outputs, card.outputs, edited);
            }
            Op::Derive(signals) => {
                let signals: Vec<_> = signals.iter().map(|signal| (*signal, None)).collect();
                self.derive(batch, &signals, &mut outputs)?;
            }
            Op::Recall(signals) => {
                let signals: Vec<_> = signals
                    .iter()
                    .map(|(signal, recalled)| (*signal, recalled.as_ref()))
                    .collect();
                self.derive(batch, &signals, &mut outputs)?;
            }
            Op::Keys(op) => {
                let Some(fingerprint) = op.fingerprint() else {
                    return Ok(outputs);
                };
                let column = |name: &str| batch.column_by_name(name).expect("the plan was checked").clone();
                let content: Vec<ArrayRef> = op.looks_at().map(column).collect();
                let keys = fingerprint.keys(&content).map_err(failed)?;
                let names = (0..).map(|key| op.staged_name(&key_column(key)));
                outputs.extend(names.zip(keys.columns));
                outputs.extend(
                    keys.evidence
                        .map(|evidence| (op.staged_name(EVIDENCE_COLUMN), evidence)),
                );
            }
            Op::Ask | Op::Seek => {}
            Op::States(_) => {
                let measurer = self.measurer.as_ref().expect("made together with the op");
                outputs = measurer.measure(batch)?;
            }
            Op::Nodes(_) => {
                let nodes = self.nodes.as_ref().expect("made together with the op");
                outputs = nodes.assemble(batch, &self.members)?;
            }
            Op::Context => outputs.extend(self.contexts(batch)?),
            Op::Clusters => {
                let documents = batch
                    .column_by_name(DOCUMENT_COLUMN)
                    .expect("staged rows have numbers");
                let found: Vec<Option<&Member>> = documents
                    .as_primitive::<UInt64Type>()
                    .values()
                    .iter()
                    .map(|document| self.members.clusters.get(document))
                    .collect();
                let ids: StringViewArray = found
                    .iter()
                    .map(|member| member.map(|member| member.cluster.as_str()))
                    .collect();
                let ranks = found.iter().map(|member| member.map_or(0, |member| member.rank));
                let sizes = found.iter().map(|member| member.map_or(1, |member| member.size));
                let similarities = found
                    .iter()
                    .map(|member| member.and_then(|member| member.similarity));
                let columns: [(_, ArrayRef); 4] = [
                    (CLUSTER_ID, Arc::new(ids)),
                    (CLUSTER_RANK, Arc::new(UInt32Array::from_iter_values(ranks))),
                    (CLUSTER_SIZE, Arc::new(UInt32Array::from_iter_values(sizes))),
                    (
                        CLUSTER_SIMILARITY,
                        Arc::new(similarities.collect::<Float64Array>()),
                    ),
                ];
                outputs.extend(columns.map(|(column, values)| (column.name.to_owned(), values)));
            }
            Op::Cut(column) => {
                let texts = batch.column_by_name(column).expect("the plan was checked");
                let (texts, shares) = self.cut(batch, texts.as_string_view());
                outputs.insert(column.clone(), Arc::new(texts));
                outputs.insert(TEXT_REPEAT_SHARE.name.to_owned(), Arc::new(shares));
            }
            Op::Sieve(_) | Op::Route(_) | Op::Split(_) => unreachable!("these are nodes of their own"),
        }
        Ok(outputs)
    }
}

impl Work {
    /// Measures signals, or recalls them, in their order.
    fn derive(
        &self,
        batch: &RecordBatch,
        signals: &[(&'static dyn Signal, Option<&Recalled>)],
        outputs: &mut HashMap<String, ArrayRef>,
    ) -> DfResult<()> {
        let measured = signals.iter().filter(|(_, recalled)| recalled.is_none());
        let beside = measured.flat_map(|(signal, _)| signal.card().inputs);
        let wanted = self.output.fields().iter().map(|field| field.name().as_str());
        let wanted: Vec<&str> = wanted.chain(beside.map(|column| column.name)).collect();
        let is_recalling = signals.iter().any(|(_, recalled)| recalled.is_some());
        let known = if is_recalling {
            self.members.memory.of(batch)?
        } else {
            Known::default()
        };
        for (signal, recalled) in signals {
            let card = signal.card();
            let faults = match recalled {
                Some(recalled) => {
                    outputs.extend(known.columns(recalled, &wanted)?);
                    known.faults(recalled)?
                }
                None => {
                    let failed = |error: gristmill_core::Error| Error::from(error);
                    let computed = signal
                        .measure(&inputs(card.inputs, batch, outputs), &wanted)
                        .map_err(failed)?;
                    insert(outputs, card.outputs, computed.columns);
                    computed.faults
                }
            };
            if faults.null_count() < faults.len() {
                let before = inputs(&[columns::FAULT], batch, outputs).remove(0);
                let faults = before.as_string_view().iter().zip(&faults);
                let faults: StringViewArray = faults.map(|(before, fault)| before.or(fault)).collect();
                outputs.insert(columns::FAULT.name.to_owned(), Arc::new(faults));
            }
        }
        Ok(())
    }

    /// What pages say of images; of others nothing.
    fn contexts(&self, batch: &RecordBatch) -> DfResult<Vec<(String, ArrayRef)>> {
        const NOBODY: usize = 0;
        let documents = batch
            .column_by_name(DOCUMENT_COLUMN)
            .expect("staged rows have numbers")
            .as_primitive::<UInt64Type>();
        let places: Vec<(usize, usize)> = documents
            .values()
            .iter()
            .map(|document| match self.members.contexts.get(document) {
                Some((batch, row)) => (batch + 1, *row),
                None => (NOBODY, 0),
            })
            .collect();
        let columns = CONTEXT_COLUMNS.iter().map(|column| {
            let nobody: ArrayRef = match column.kind {
                ColumnType::U32 => Arc::new(UInt32Array::from(vec![0])),
                kind => new_null_array(&kind.data_type(), 1),
            };
            let told = self.members.context_batches.iter();
            let told = told.map(|batch| {
                batch
                    .column_by_name(column.name)
                    .expect("contexts have it")
                    .as_ref()
            });
            let arrays: Vec<&dyn Array> = [nobody.as_ref()].into_iter().chain(told).collect();
            Ok((column.name.to_owned(), interleave(&arrays, &places)?))
        });
        columns.collect()
    }

    /// Texts without their repeated parts, and the share of their bytes that these were.
    fn cut(&self, batch: &RecordBatch, texts: &StringViewArray) -> (StringViewArray, Float64Array) {
        let documents = batch
            .column_by_name(DOCUMENT_COLUMN)
            .expect("staged rows have numbers")
            .as_primitive::<UInt64Type>();
        let mut kept = StringViewBuilder::new();
        let mut shares = Vec::with_capacity(texts.len());
        for (document, text) in documents.values().iter().zip(texts) {
            let cuts = self.members.cuts.get(document);
            match (text, cuts) {
                (Some(text), Some(cuts)) => {
                    let left = gristmill_dedup::without(text, cuts);
                    shares.push(Some(1.0 - left.len() as f64 / text.len() as f64));
                    kept.append_value(left);
                }
                (text, _) => {
                    shares.push(text.map(|_| 0.0));
                    kept.append_option(text);
                }
            }
        }
        (kept.finish(), shares.into())
    }
}

/// The input columns of a card: those computed in this stage first, then those of the batch.
fn inputs(
    wanted: &[gristmill_core::Column],
    batch: &RecordBatch,
    computed: &HashMap<String, ArrayRef>,
) -> Vec<ArrayRef> {
    let find = |name| {
        computed
            .get(name)
            .or_else(|| batch.column_by_name(name))
            .expect("the plan was checked")
            .clone()
    };
    wanted.iter().map(|column| find(column.name)).collect()
}

fn insert(outputs: &mut HashMap<String, ArrayRef>, named: &[gristmill_core::Column], arrays: Vec<ArrayRef>) {
    outputs.extend(named.iter().map(|column| column.name.to_owned()).zip(arrays));
}
