//! The nodes that are added to DataFusion: Scan, Route, Stage (Extract, Edit, Derive), Sieve. Shard is in its own crate.
//!
//! All are functions of slice and configuration: none looks at the partition number, the clock or other slices,
//! so any engine that can run a DataFusion plan can run them, once or twice, here or elsewhere.

mod extract;
mod fetch;
mod nodes;
mod recall;
mod route;
mod scan;
mod sieve;
mod split;
mod stage;
mod states;

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, RecordBatch},
        datatypes::{SchemaRef, UInt8Type, UInt32Type},
    },
    physical_expr::EquivalenceProperties,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, PlanProperties,
        execution_plan::{Boundedness, EmissionType},
    },
};
use gristmill_shard::{CHAIN_COLUMN, VERDICT_COLUMN};

pub(crate) use fetch::{Fetcher, Location};
pub(crate) use nodes::{IMAGES, Nodes, TEXTS};
pub(crate) use recall::Memory;
pub(crate) use route::RouteExec;
pub(crate) use scan::{ScanConfig, scan};
pub(crate) use sieve::{Asking, SieveExec, condition, json_value};
pub(crate) use stage::{Member, Members, StageExec, Work};
pub(crate) use states::Measurer;

/// The living rows of a batch that belong to a chain; all living rows where the plan has one chain.
fn own_rows(batch: &RecordBatch, chain: Option<u8>) -> Vec<bool> {
    let column = |name| {
        batch
            .column_by_name(name)
            .map(|column: &ArrayRef| column.as_ref())
    };
    let verdicts = column(VERDICT_COLUMN).map(AsArray::as_primitive::<UInt32Type>);
    let mut own: Vec<bool> = match verdicts {
        Some(verdicts) => (0..batch.num_rows()).map(|row| verdicts.is_null(row)).collect(),
        None => vec![true; batch.num_rows()],
    };
    if let Some(chain) = chain {
        let chains = column(CHAIN_COLUMN).expect("a plan of several chains carries the column");
        let chains = chains.as_primitive::<UInt8Type>();
        for (own, other) in own.iter_mut().zip(chains) {
            *own &= other == Some(chain);
        }
    }
    own
}

/// Properties of a node that keeps the partitions of its input and has another schema.
fn like_input(input: &Arc<dyn ExecutionPlan>, schema: SchemaRef) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        input.output_partitioning().clone(),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}
