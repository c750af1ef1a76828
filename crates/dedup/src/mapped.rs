//! A table whose batches are made from those of another.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{array::RecordBatch, datatypes::SchemaRef},
    catalog::streaming::StreamingTable,
    error::Result,
    execution::{SendableRecordBatchStream, TaskContext},
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, stream::RecordBatchStreamAdapter, streaming::PartitionStream,
    },
    prelude::{DataFrame, SessionContext},
};
use futures::{StreamExt, TryStreamExt, stream};

type Make = dyn Fn(&RecordBatch) -> Result<RecordBatch> + Send + Sync;

/// The rows that `make` gives for each batch of `input`, with as many partitions.
pub(crate) async fn mapped(
    session: &SessionContext,
    input: DataFrame,
    schema: SchemaRef,
    make: impl Fn(&RecordBatch) -> Result<RecordBatch> + Send + Sync + 'static,
) -> Result<DataFrame> {
    let plan = input.create_physical_plan().await?;
    let make: Arc<Make> = Arc::new(make);
    let partitions =
        (0..plan.output_partitioning().partition_count()).map(|number| -> Arc<dyn PartitionStream> {
            Arc::new(Mapped {
                plan: plan.clone(),
                number,
                schema: schema.clone(),
                make: make.clone(),
            })
        });
    let table = StreamingTable::try_new(schema.clone(), partitions.collect())?;
    session.read_table(Arc::new(table))
}

struct Mapped {
    plan: Arc<dyn ExecutionPlan>,
    number: usize,
    schema: SchemaRef,
    make: Arc<Make>,
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapped({})", self.schema)
    }
}

impl PartitionStream for Mapped {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let make = self.make.clone();
        let batches = stream::once(std::future::ready(self.plan.execute(self.number, context)))
            .try_flatten()
            .map(move |batch| make(&batch?));
        Box::pin(RecordBatchStreamAdapter::new(
            self.schema.clone(),
            batches.boxed(),
        ))
    }
}
