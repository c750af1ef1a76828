//! The nodes that are added to DataFusion: Scan, Stage (Extract, Edit, Derive), Sieve. Shard is in its own crate.
//!
//! All are functions of slice and configuration: none looks at the partition number, the clock or other slices,
//! so any engine that can run a DataFusion plan can run them, once or twice, here or elsewhere.

mod extract;
mod scan;
mod sieve;
mod stage;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::SchemaRef,
    physical_expr::EquivalenceProperties,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
    },
};

pub(crate) use scan::{ScanConfig, scan};
pub(crate) use sieve::{Asking, SieveExec};
pub(crate) use stage::{Member, Members, StageExec};

/// Properties of a node that keeps the partitions of its input and has another schema.
fn like_input(input: &Arc<dyn ExecutionPlan>, schema: SchemaRef) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        input.output_partitioning().clone(),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}
