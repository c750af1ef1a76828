//! The mill: recipe → check → plan → run → account.
//!
//! [`read_recipe`] turns YAML into a [`Recipe`] or all its mistakes; [`compile`] checks every predicate and makes
//! the [`Plan`]; [`run`] carries it out slice by slice and publishes the manifest; [`Output`] opens what was
//! published. Nothing here prints, exits or reads the environment.

mod address;
mod doctor;
mod drift;
mod error;
mod gc;
mod index;
mod input;
mod node;
mod output;
mod plan;
mod progress;
mod recipe;
mod registry;
mod run;
mod runtime;
mod signals;

pub use address::StoreOptions;
pub use doctor::{Check, doctor};
pub use drift::{Drift, drift};
pub use error::{Error, Result};
pub use gc::Garbage;
pub use index::{Index, IndexEntry};
pub use output::{ClusterOf, Contaminated, Output, Why};
pub use plan::{CONTEXT_COLUMNS, NODE_COLUMNS, Plan, PlanOutput, compile, explain};
pub use progress::Progress;
pub use recipe::{
    Expectation, ModelSpec, Overrides, Preset, PresetFile, Problem, ReadEntry, Recipe, Step, WITH, WriteSpec,
    keys, parse_size, read as read_recipe, recipe_schema,
};
pub use registry::{Modality, Registry};
pub use run::{
    Asked, Event, Outcome, RunOptions, Sampled, SampledStep, Share, Traced, Wanted, physical_plans, progress,
    run, sample, trace,
};
pub use runtime::Runtime;
pub use signals::{Judged, KEPT, RuleCost, SignalStore, Signals, input_bytes};
