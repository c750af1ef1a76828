//! The Shard node: where rows become files.
//!
//! It reads one slice, writes living rows as shards and husks as rejected rows, and returns one row
//! `(slice, record)`: the JSON of the [`SliceRecord`]. It does not commit; whoever runs the plan first compares
//! the record with what the scan counted.

use std::{collections::BTreeMap, fmt, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array, UInt64Array},
        compute::{and, filter_record_batch, is_null},
        datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type},
    },
    common::{Result as DfResult, tree_node::TreeNodeRecursion},
    error::DataFusionError,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::EquivalenceProperties,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{StreamExt, TryStreamExt};

use crate::{
    BORN_COLUMN, CHAIN_COLUMN, Error, RejectMode, Result, Rule, ShardOptions, ShardWriter, SliceRecord,
    Store, VERDICT_COLUMN, layout, rejects::Rejects, sketch::Sketcher,
};

/// What the Shard node writes, and where.
#[derive(Debug, Clone)]
pub struct ShardTarget {
    /// The output.
    pub store: Store,
    /// Where living rows go.
    pub outputs: Vec<ShardOutput>,
    /// If set, a column of this name counts the rows of the slice: `slice << 32 | row`.
    pub document_column: Option<String>,
    /// How shards are cut and encoded.
    pub options: ShardOptions,
    /// All doors of the plan, by number.
    pub rules: Arc<Vec<Rule>>,
    /// Which rejected rows are written.
    pub rejects: RejectMode,
    /// The phase, from 0.
    pub phase: u32,
}

/// A folder of shards with columns of its own.
#[derive(Debug, Clone)]
pub struct ShardOutput {
    /// The chain whose rows it takes; all rows when absent.
    pub chain: Option<u8>,
    /// The modality, if these are the rows of the dataset; rows between phases have none, and no sketches.
    pub modality: Option<String>,
    /// The folder.
    pub folder: String,
    /// The columns to write, in order.
    pub columns: Vec<String>,
}

/// The Shard node over the plan of one slice.
#[derive(Debug)]
pub struct ShardExec {
    input: Arc<dyn ExecutionPlan>,
    target: Arc<ShardTarget>,
    slice: u32,
    input_bytes: u64,
    properties: Arc<PlanProperties>,
}

impl ShardExec {
    /// Writes what `input` gives for `slice`, which covers `input_bytes` of stored input.
    pub fn new(
        input: Arc<dyn ExecutionPlan>,
        target: Arc<ShardTarget>,
        slice: u32,
        input_bytes: u64,
    ) -> Self {
        let schema = Arc::new(Schema::new(vec![
            Field::new("slice", DataType::UInt32, false),
            Field::new("record", DataType::Utf8, false),
        ]));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        ShardExec {
            input,
            target,
            slice,
            input_bytes,
            properties: Arc::new(properties),
        }
    }
}

impl DisplayAs for ShardExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardExec:")?;
        for output in &self.target.outputs {
            write!(
                f,
                " folder={}, columns=[{}]",
                output.folder,
                output.columns.join(", ")
            )?;
        }
        Ok(())
    }
}

impl ExecutionPlan for ShardExec {
    fn name(&self) -> &'static str {
        "ShardExec"
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
        Ok(Arc::new(ShardExec::new(
            children.remove(0),
            self.target.clone(),
            self.slice,
            self.input_bytes,
        )))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let schema = self.schema();
        let (target, slice, input_bytes) = (self.target.clone(), self.slice, self.input_bytes);
        let result_schema = schema.clone();
        let record = async move {
            let record = write_slice(input, &target, slice, input_bytes).await?;
            let json = String::from_utf8(record.to_json().to_vec()).expect("JSON is UTF-8");
            let arrays: Vec<ArrayRef> = vec![
                Arc::new(UInt32Array::from(vec![slice])),
                Arc::new(StringArray::from(vec![json])),
            ];
            Ok(RecordBatch::try_new(result_schema, arrays)?)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            futures::stream::once(record).boxed(),
        )))
    }
}

async fn write_slice(
    mut input: SendableRecordBatchStream,
    target: &ShardTarget,
    slice: u32,
    input_bytes: u64,
) -> DfResult<SliceRecord> {
    let in_flight = input.schema();
    let mut rejects = Rejects::new(target.rules.clone(), target.rejects);
    let options = target.options.clone();
    let mut reject_writer = ShardWriter::new(
        layout::REJECTS,
        slice,
        &Rejects::schema(&in_flight),
        ShardOptions {
            row_group_bytes: 4 << 20,
            ..options.clone()
        },
    );
    let mut writers = Vec::with_capacity(target.outputs.len());
    for output in &target.outputs {
        let schema = data_schema(&in_flight, output, target)?;
        let writer = ShardWriter::new(&output.folder, slice, &schema, options.clone());
        let sketcher = output.modality.as_ref().map(|_| Sketcher::new(&schema));
        writers.push((output, writer, sketcher));
    }
    let (mut read, mut born, mut kept) = (0, 0, 0);
    while let Some(batch) = input.try_next().await? {
        let children = born_rows(&batch);
        born += children;
        read += batch.num_rows() as u64 - children;
        if let Some(husks) = rejects.sort(&batch)? {
            reject_writer.write(&husks, &target.store).await?;
        }
        let alive = is_null(
            batch
                .column_by_name(VERDICT_COLUMN)
                .expect("the plan carries verdicts"),
        )?;
        for (output, writer, sketcher) in &mut writers {
            let own = of_chain(&batch, &alive, output.chain)?;
            if !own.has_true() {
                continue;
            }
            let mut rows = batch.project(&column_numbers(&in_flight, output)?)?;
            if own.has_false() {
                rows = filter_record_batch(&rows, &own)?;
            }
            let rows = with_document_column(&rows, target, slice, kept)?;
            kept += rows.num_rows() as u64;
            if let Some(sketcher) = sketcher {
                sketcher.add(&rows)?;
            }
            writer.write(&rows, &target.store).await?;
        }
    }
    let mut shards = Vec::new();
    let mut sketches = BTreeMap::new();
    for (output, writer, sketcher) in writers {
        let written = writer.finish(&target.store).await?;
        if let (Some(modality), Some(sketcher)) = (&output.modality, sketcher)
            && !written.is_empty()
        {
            sketches.insert(modality.clone(), sketcher.finish());
        }
        shards.extend(written);
    }
    Ok(SliceRecord {
        slice,
        phase: target.phase,
        input_bytes,
        account: rejects.account(read, born, kept),
        shards,
        rejects: reject_writer.finish(&target.store).await?,
        sketches,
    })
}

/// How many rows of a batch were born behind the first document of their record.
fn born_rows(batch: &RecordBatch) -> u64 {
    batch
        .column_by_name(BORN_COLUMN)
        .map_or(0, |born| born.as_boolean().true_count() as u64)
}

/// The living rows of a chain.
fn of_chain(batch: &RecordBatch, alive: &BooleanArray, chain: Option<u8>) -> DfResult<BooleanArray> {
    let Some(chain) = chain else {
        return Ok(alive.clone());
    };
    let chains = batch
        .column_by_name(CHAIN_COLUMN)
        .expect("a plan of several chains carries the column")
        .as_primitive::<UInt8Type>();
    // Husks that left before the routing have no chain.
    let is_own: BooleanArray = chains.iter().map(|other| Some(other == Some(chain))).collect();
    Ok(and(alive, &is_own)?)
}

fn column_numbers(in_flight: &SchemaRef, output: &ShardOutput) -> DfResult<Vec<usize>> {
    output
        .columns
        .iter()
        .map(|name| Ok(in_flight.index_of(name)?))
        .collect()
}

fn data_schema(in_flight: &SchemaRef, output: &ShardOutput, target: &ShardTarget) -> DfResult<Schema> {
    let mut fields = in_flight
        .project(&column_numbers(in_flight, output)?)?
        .fields()
        .to_vec();
    if let Some(name) = &target.document_column {
        fields.push(Arc::new(Field::new(name, DataType::UInt64, true)));
    }
    Ok(Schema::new(fields))
}

fn with_document_column(
    rows: &RecordBatch,
    target: &ShardTarget,
    slice: u32,
    first: u64,
) -> Result<RecordBatch> {
    let Some(name) = &target.document_column else {
        return Ok(rows.clone());
    };
    let start = u64::from(slice) << 32 | first;
    let numbers = UInt64Array::from_iter_values(start..start + rows.num_rows() as u64);
    let mut fields = rows.schema().fields().to_vec();
    fields.push(Arc::new(Field::new(name, DataType::UInt64, true)));
    let mut arrays = rows.columns().to_vec();
    arrays.push(Arc::new(numbers));
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        DataFusionError::External(Box::new(error))
    }
}

/// Reads the slice record out of what a [`ShardExec`] returned.
///
/// # Errors
/// When the batch is not one of a [`ShardExec`].
pub fn slice_record(batch: &RecordBatch) -> Result<SliceRecord> {
    let json = batch.column(1).as_string::<i32>();
    if json.len() != 1 {
        return Err(Error::Failed(format!(
            "the shard node returned {} rows instead of 1",
            json.len()
        )));
    }
    SliceRecord::from_json(json.value(0).as_bytes())
}
