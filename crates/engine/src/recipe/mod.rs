//! Recipes: YAML in, typed steps out, or all mistakes at once.

mod configured;
mod decontaminate;
mod dedup;
mod expect;
pub mod keys;
mod models;
mod preset;
mod problem;
mod read;
mod schema;
mod size;
pub(crate) mod yaml;

use std::fmt;

use gristmill_core::{Edit, Extractor, FieldMap, Signal, Splitter};
use gristmill_shard::RejectMode;

use configured::Configured;
pub(crate) use decontaminate::{DecontaminateSpec, NOT_CONTAMINATED};
pub(crate) use dedup::{DedupSpec, IndexSpec, is_entry_name};
pub use expect::Expectation;
pub use models::ModelSpec;
pub use preset::{Preset, PresetFile};
pub use problem::Problem;
pub(crate) use problem::{Problems, nearest, suggest};
pub use read::{Overrides, WITH, read};
pub use schema::recipe_schema;
pub use size::parse_size;
pub(crate) use yaml::Place;

/// A recipe that was read; its predicates are not checked yet.
#[derive(Debug)]
pub struct Recipe {
    /// The dataset's name.
    pub name: String,
    /// What to read.
    pub read: Vec<ReadEntry>,
    /// The models that it names.
    pub models: Vec<ModelSpec>,
    /// The chains, in the order of the registry's modalities.
    pub chains: Vec<Chain>,
    /// What to write.
    pub write: WriteSpec,
    /// Conditions for publishing.
    pub expect: Vec<Expectation>,
    /// The recipe as asked, presets expanded, as JSON.
    pub canonical: serde_json::Value,
}

impl Recipe {
    /// The steps of all chains.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.chains.iter().flat_map(|chain| &chain.steps)
    }

    /// Puts another predicate into the rules of this name; `change` makes it of the one that is there. Says how many rules
    /// were changed.
    pub fn change_rules(&mut self, name: &str, change: impl Fn(&str) -> Option<String>) -> usize {
        let mut changed = 0;
        for step in self.chains.iter_mut().flat_map(|chain| &mut chain.steps) {
            let Action::Keep(rules) = &mut step.action else {
                continue;
            };
            for rule in rules.iter_mut().filter(|rule| rule.name == name) {
                if let Some(sql) = change(&rule.sql) {
                    rule.sql = sql;
                    changed += 1;
                }
            }
        }
        changed
    }

    /// The recipe, reading what another one reads.
    #[must_use]
    pub fn reading_as(mut self, other: &Recipe) -> Self {
        self.read.clone_from(&other.read);
        self
    }

    /// The signals that its models and evaluation sets make.
    pub(crate) fn signals(&self) -> impl Iterator<Item = &'static dyn Signal> {
        let models = self.models.iter().map(|model| model.signal);
        models.chain(self.steps().filter_map(|step| match &step.action {
            Action::Decontaminate(spec) => Some(spec.signal),
            _ => None,
        }))
    }
}

/// The steps that the documents of a modality walk.
#[derive(Debug)]
pub struct Chain {
    /// The name of the modality.
    pub modality: &'static str,
    /// The steps, presets expanded.
    pub steps: Vec<Step>,
}

/// An address to read.
#[derive(Debug, Clone)]
pub struct ReadEntry {
    /// The address, with its wildcards.
    pub uri: String,
    /// The format's name; found from the bytes when absent.
    pub format: Option<String>,
    /// Fields of structured formats.
    pub fields: FieldMap,
    /// Size of a slice.
    pub slice_bytes: u64,
    /// Longest record.
    pub record_bytes: usize,
    pub(crate) place: Place,
}

/// What to write.
#[derive(Debug, Clone)]
pub struct WriteSpec {
    /// The output address.
    pub uri: Option<String>,
    /// The columns, each with its place in the recipe.
    pub(crate) columns: Option<Vec<(String, Place)>>,
    /// Size of a shard.
    pub shard_bytes: u64,
    /// Which rejected rows are written.
    pub rejects: RejectMode,
}

/// One step.
pub struct Step {
    /// Its name in accounts, such as `2 gopher_quality`.
    pub label: String,
    /// What it does.
    pub(crate) action: Action,
    pub(crate) place: Place,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({})", self.label)
    }
}

impl Step {
    /// The address of its index.
    fn index(&self) -> Option<&str> {
        match &self.action {
            Action::Dedup(spec) => spec.index.as_ref().map(|index| index.uri.as_str()),
            _ => None,
        }
    }
}

/// What a step does.
pub(crate) enum Action {
    Extract(Vec<&'static dyn Extractor>),
    Keep(Vec<RuleSpec>),
    Edit(Configured<dyn Edit>),
    Split(Configured<dyn Splitter>),
    Context,
    Resolve,
    Nodes(NodesSpec),
    Dedup(Box<DedupSpec>),
    Decontaminate(Box<DecontaminateSpec>),
}

/// The steps of the pieces of documents.
#[derive(Debug, Default)]
pub(crate) struct NodesSpec {
    pub(crate) text: Vec<Step>,
    pub(crate) image: Vec<Step>,
}

/// A named predicate.
#[derive(Debug, Clone)]
pub(crate) struct RuleSpec {
    pub(crate) name: String,
    pub(crate) sql: String,
    /// Where the predicate's text starts.
    pub(crate) place: Place,
}
