//! Route: each record goes to the chains that read it.
//!
//! A row gets the number of the first chain one of whose extractors accepts its media type. For each further chain
//! that reads the record as well a copy follows, marked as born, so that the account knows it from a record. Husks
//! belong to no chain.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt8Array, UInt32Array},
        compute::take,
        datatypes::{SchemaRef, UInt32Type},
    },
    common::{Result as DfResult, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryStreamExt};
use gristmill_core::{Extractor, columns};
use gristmill_shard::{BORN_COLUMN, CHAIN_COLUMN, VERDICT_COLUMN};

/// The Route node.
pub(crate) struct RouteExec {
    input: Arc<dyn ExecutionPlan>,
    chains: Arc<Vec<Vec<&'static dyn Extractor>>>,
    properties: Arc<PlanProperties>,
}

impl RouteExec {
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        chains: Arc<Vec<Vec<&'static dyn Extractor>>>,
        output: SchemaRef,
    ) -> Self {
        let properties = super::like_input(&input, output);
        RouteExec {
            input,
            chains,
            properties,
        }
    }
}

impl fmt::Debug for RouteExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RouteExec({} chains)", self.chains.len())
    }
}

impl DisplayAs for RouteExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RouteExec: {} chains", self.chains.len())
    }
}

impl ExecutionPlan for RouteExec {
    fn name(&self) -> &'static str {
        "RouteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
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
        let chains = self.chains.clone();
        Ok(Arc::new(RouteExec::new(
            children.remove(0),
            chains,
            self.schema(),
        )))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (chains, output) = (self.chains.clone(), self.schema());
        let batches = input.map(move |batch| route(&batch?, &chains, &output));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            batches.into_stream().boxed(),
        )))
    }
}

fn route(
    batch: &RecordBatch,
    chains: &[Vec<&'static dyn Extractor>],
    output: &SchemaRef,
) -> DfResult<RecordBatch> {
    let column = |name| batch.column_by_name(name).expect("the plan carries it");
    let kinds = column(columns::MEDIA_TYPE.name).as_string_view();
    let verdicts = column(VERDICT_COLUMN).as_primitive::<UInt32Type>();
    let mut rows: Vec<u32> = Vec::with_capacity(batch.num_rows());
    let mut numbers: Vec<Option<u8>> = Vec::with_capacity(batch.num_rows());
    let mut born: Vec<bool> = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let kind = if kinds.is_valid(row) { kinds.value(row) } else { "" };
        let reads = |extractors: &[&'static dyn Extractor]| {
            verdicts.is_null(row) && extractors.iter().any(|extractor| extractor.accepts().holds(kind))
        };
        let mut readers = (0_u8..).zip(chains).filter(|(_, extractors)| reads(extractors));
        // The sieve before let nothing through that no chain reads, so a row without a reader is a husk.
        rows.push(row as u32);
        numbers.push(readers.next().map(|(number, _)| number));
        born.push(false);
        for (number, _) in readers {
            rows.push(row as u32);
            numbers.push(Some(number));
            born.push(true);
        }
    }
    let is_copied = rows.len() > batch.num_rows();
    let rows = UInt32Array::from(rows);
    let numbers: ArrayRef = Arc::new(UInt8Array::from(numbers));
    let born: ArrayRef = Arc::new(BooleanArray::from(born));
    let arrays = output.fields().iter().map(|field| match field.name().as_str() {
        CHAIN_COLUMN => Ok(numbers.clone()),
        BORN_COLUMN => Ok(born.clone()),
        name if is_copied => Ok(take(column(name), &rows, None)?),
        name => Ok(column(name).clone()),
    });
    Ok(RecordBatch::try_new(
        output.clone(),
        arrays.collect::<DfResult<_>>()?,
    )?)
}
