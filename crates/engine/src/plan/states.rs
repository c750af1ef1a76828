//! Content states: what several recipes do to the same documents, told once.
//!
//! Recipes over the same input mostly read the same content and measure the same signals of it. A *state* is content after
//! some edits: the root is what the extractors give, each edit leads to a state below. Recipes are walked one after the other
//! into one tree of states; a state has the signals that any of them measures there, once. So the signals of all recipes are
//! measured in one pass, whatever the rules say, and are stored as columns `signal` (of the root) and `signal@state`. What is
//! left of a recipe is its [`Act`]s: rules over stored columns, and comparisons of stored keys.
//!
//! Some steps depend on which documents are left, or give other rows: dedup of parts, `split`, `context`, `resolve`, `nodes`.
//! A recipe that has one cannot share.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use gristmill_core::{Signal, columns};
use gristmill_dedup::CLUSTER_COLUMNS;
use gristmill_shard::{Rule, blake3_hex};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Door, KeysOp, Op, Plan, PlanOutput, Predicate,
    compile::{Planned, lives, with_schemas},
};
use crate::{Recipe, Registry};

/// The column of faults by the operation that they are of: a JSON object, null without one.
pub(crate) const FAULTS: &str = "__faults";
const TEXT: &str = columns::TEXT.name;
/// The text of a state, of a share of the documents.
const TEXT_SAMPLE: &str = "text_sample";
/// The bytes of the text of a state.
const TEXT_BYTES: &str = "__text_bytes";

/// A tree of states and what is measured in each.
#[derive(Debug)]
pub(crate) struct States {
    nodes: Vec<State>,
    /// Columns that are stored, in order.
    stored: Vec<Field>,
    /// The share of the documents whose texts are stored.
    text_share: f64,
}

/// Content after some edits.
#[derive(Debug)]
pub(crate) struct State {
    /// What is measured, in order.
    pub(crate) measured: Vec<Measured>,
    /// What is done next, and to which state it leads.
    pub(crate) edits: Vec<(Measured, usize)>,
    /// The names that its text and the text's bytes are stored under, if a recipe ends here.
    pub(crate) text: Option<(String, String)>,
    /// The end of its columns' names.
    suffix: String,
}

/// An operation of a state.
pub(crate) struct Measured {
    /// What makes it the same in two recipes.
    pub(crate) key: String,
    pub(crate) op: Op,
    /// Its outputs and the names that they are stored under.
    pub(crate) stored: Vec<(String, String)>,
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} → {:?}", self.op, self.stored)
    }
}

/// What a store tells of a signal.
#[derive(Debug, Clone)]
pub(crate) struct Recalled {
    /// What its faults are called there.
    pub(crate) key: String,
    /// Its columns, and the names that they are stored under.
    pub(crate) columns: Vec<(Field, String)>,
}

/// What a recipe asks of stored columns.
#[derive(Debug)]
pub(crate) enum Act {
    /// The rules of a sieve.
    Ask {
        doors: Vec<Door>,
        /// The columns of the rules, by their names there.
        columns: BTreeMap<String, Stored>,
        /// Whose faults make a document leave.
        faults: BTreeSet<String>,
    },
    /// A comparison of the documents that are left.
    Compare {
        keys: Arc<KeysOp>,
        columns: BTreeMap<String, Stored>,
    },
}

/// Where a column is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    /// Its name in the store.
    pub(crate) name: String,
    /// Its type in flight.
    pub(crate) kind: DataType,
    /// Whether it is what the last comparison found, and not stored.
    pub(crate) is_found: bool,
}

/// A recipe as acts over stored columns.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) acts: Vec<Act>,
    /// The doors before the extraction; all recipes of a store have the same.
    pub(crate) entry: Vec<Rule>,
    /// The column of the text that would be written, if there is one, and that of its bytes.
    pub(crate) text: Option<(String, String)>,
    /// Signals and edits with the number of acts before each, for costs.
    pub(crate) work: Vec<(String, usize)>,
}

impl States {
    /// A tree of the root alone. Of this share of the documents texts are stored.
    pub(crate) fn new(text_share: f64) -> Self {
        let root = State {
            measured: Vec::new(),
            edits: Vec::new(),
            text: None,
            suffix: String::new(),
        };
        States {
            nodes: vec![root],
            stored: Vec::new(),
            text_share,
        }
    }

    /// Whether the texts of a document are stored.
    pub(crate) fn has_texts(&self, id: &str) -> bool {
        (xxh3_64(id.as_bytes()) as f64) < self.text_share * 2_f64.powi(64)
    }

    pub(crate) fn node(&self, number: usize) -> &State {
        &self.nodes[number]
    }

    /// The names of what is stored.
    pub(crate) fn names(&self) -> Vec<String> {
        self.stored.iter().map(|field| field.name().clone()).collect()
    }

    /// The columns that are read of documents and their records.
    pub(crate) fn inputs(&self) -> Vec<&str> {
        let ops = self.nodes.iter().flat_map(|node| {
            let edits = node.edits.iter().map(|(edit, _)| edit);
            node.measured.iter().chain(edits)
        });
        let is_text = self.nodes.iter().any(|node| node.text.is_some());
        ops.flat_map(|measured| measured.op.inputs())
            .chain(is_text.then_some(TEXT))
            .collect()
    }

    /// What is added to rows.
    pub(super) fn outputs(&self) -> Vec<Field> {
        let mut made: BTreeSet<&str> = BTreeSet::from([FAULTS]);
        for node in &self.nodes {
            let measured = node
                .measured
                .iter()
                .chain(node.edits.iter().map(|(edit, _)| edit));
            made.extend(
                measured
                    .flat_map(|measured| &measured.stored)
                    .map(|(_, stored)| stored.as_str()),
            );
            made.extend(
                node.text
                    .iter()
                    .flat_map(|(text, bytes)| [text.as_str(), bytes.as_str()]),
            );
        }
        let is_made = |field: &&Field| made.contains(field.name().as_str());
        self.stored.iter().filter(is_made).cloned().collect()
    }

    /// Whether a column is stored under this name.
    pub(crate) fn stores(&self, name: &str) -> bool {
        self.stored.iter().any(|field| field.name() == name)
    }

    fn store(&mut self, name: &str, kind: DataType) {
        if self.stored.iter().all(|field| field.name() != name) {
            self.stored.push(Field::new(name, kind, true));
        }
    }

    /// Stores texts of a state; gives the names of their columns.
    fn keep_text(&mut self, state: usize) -> (String, String) {
        let suffix = &self.nodes[state].suffix;
        let text = (format!("{TEXT_SAMPLE}{suffix}"), format!("{TEXT_BYTES}{suffix}"));
        self.store(&text.0, DataType::Utf8View);
        self.store(&text.1, DataType::UInt64);
        self.nodes[state].text = Some(text.clone());
        text
    }

    /// Walks a recipe into the tree.
    ///
    /// # Errors
    /// The step that cannot be shared.
    pub(crate) fn walk(&mut self, recipe: &Recipe, plan: &Plan, registry: &Registry) -> Result<Walk, String> {
        if plan.is_routed() {
            return Err("it has several chains".to_owned());
        }
        let mut walker = Walker::new(self, recipe, registry);
        let (entry, rest) = split(plan);
        walker.begin(plan, &entry);
        for step in rest {
            walker.step(&step.label, &step.op)?;
        }
        Ok(walker.end())
    }
}

/// The steps up to the sieve behind the extraction, and those behind it.
fn split(plan: &Plan) -> (Vec<&super::PlanStep>, Vec<&super::PlanStep>) {
    let mut steps: Vec<_> = plan.segments.iter().flat_map(|segment| &segment.steps).collect();
    let extract = steps.iter().position(|step| matches!(step.op, Op::Extract(_)));
    let rest = steps.split_off(extract.map_or(0, |extract| extract + 2).min(steps.len()));
    (steps, rest)
}

struct Walker<'a> {
    states: &'a mut States,
    recipe: &'a Recipe,
    registry: &'a Registry,
    state: usize,
    /// Where each column is that can be looked at here.
    places: BTreeMap<String, Stored>,
    faults: BTreeSet<String>,
    walk: Walk,
}

impl<'a> Walker<'a> {
    fn new(states: &'a mut States, recipe: &'a Recipe, registry: &'a Registry) -> Self {
        Walker {
            states,
            recipe,
            registry,
            state: 0,
            places: BTreeMap::new(),
            faults: BTreeSet::new(),
            walk: Walk {
                acts: Vec::new(),
                entry: Vec::new(),
                text: None,
                work: Vec::new(),
            },
        }
    }

    fn begin(&mut self, plan: &Plan, entry: &[&super::PlanStep]) {
        for step in entry {
            if let Op::Sieve(doors) = &step.op {
                let rules = doors.iter().map(|door| plan.rules[door.number as usize].clone());
                self.walk.entry.extend(rules);
            }
        }
        let record = plan
            .source_schema
            .fields()
            .iter()
            .map(|field| field.as_ref().clone());
        let extracted = entry.iter().filter(|step| matches!(step.op, Op::Extract(_)));
        let extracted = extracted.flat_map(|step| step.op.outputs());
        for field in record.chain(extracted) {
            self.put(field.name(), field.name().clone(), field.data_type().clone());
        }
    }

    fn put(&mut self, column: &str, name: String, kind: DataType) {
        let stored = Stored {
            name,
            kind,
            is_found: false,
        };
        self.places.insert(column.to_owned(), stored);
    }

    /// The columns of a list as they are here; from now on they are stored.
    fn look_at<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) -> BTreeMap<String, Stored> {
        let mut columns = BTreeMap::new();
        for name in names {
            let Some(stored) = self.places.get(name).cloned() else {
                continue;
            };
            if !stored.is_found {
                self.states.store(&stored.name, stored.kind.clone());
            }
            columns.insert(name.clone(), stored);
        }
        columns
    }

    fn step(&mut self, label: &str, op: &Op) -> Result<(), String> {
        match op {
            Op::Sieve(doors) => {
                let predicates = doors.iter().filter_map(|door| door.predicate.as_ref());
                let names: Vec<String> = predicates
                    .flat_map(|Predicate { columns, .. }| columns.clone())
                    .collect();
                let act = Act::Ask {
                    doors: doors.clone(),
                    columns: self.look_at(&names),
                    // Who has an earlier fault left before.
                    faults: std::mem::take(&mut self.faults),
                };
                self.walk.acts.push(act);
            }
            Op::Derive(signals) => {
                for signal in signals {
                    self.measure(*signal);
                }
            }
            Op::Edit(_) => self.edit(label, op),
            Op::Keys(keys) if keys.fingerprint().is_some() => self.compare(op, keys),
            Op::Clusters => {
                for column in &CLUSTER_COLUMNS {
                    let found = Stored {
                        name: column.name.to_owned(),
                        kind: column.kind.data_type(),
                        is_found: true,
                    };
                    self.places.insert(column.name.to_owned(), found);
                }
            }
            _ => {
                return Err(format!(
                    "step {label:?} depends on which documents are left, or gives other rows"
                ));
            }
        }
        Ok(())
    }

    fn measure(&mut self, signal: &'static dyn Signal) -> Recalled {
        let card = signal.card();
        let is_built_in = self
            .registry
            .signals
            .iter()
            .any(|known| known.card().name == card.name);
        // A model or an evaluation set is what the recipe says of it.
        let end = if is_built_in {
            String::new()
        } else {
            format!("#{}", self.own_signals())
        };
        let suffix = format!("{}{end}", self.states.nodes[self.state].suffix);
        let key = format!("{}{suffix}", card.name);
        let op = Op::Derive(vec![signal]);
        let names = self.add(&key, &op, &suffix);
        let stored = names.into_iter().map(|(_, stored)| stored);
        Recalled {
            columns: op.outputs().into_iter().zip(stored).collect(),
            key,
        }
    }

    /// Adds an operation to this state unless it is there, and remembers where its outputs are: the names of its columns
    /// and those that they are stored under.
    fn add(&mut self, key: &str, op: &Op, suffix: &str) -> Vec<(String, String)> {
        let outputs = op.outputs();
        let names = outputs
            .iter()
            .map(|field| (field.name().clone(), format!("{}{suffix}", field.name())));
        let names: Vec<(String, String)> = names.collect();
        for (field, (column, stored)) in outputs.iter().zip(&names) {
            self.put(column, stored.clone(), field.data_type().clone());
        }
        let node = &mut self.states.nodes[self.state];
        if node.measured.iter().all(|measured| measured.key != key) {
            node.measured.push(Measured {
                key: key.to_owned(),
                op: op.clone(),
                stored: names.clone(),
            });
        }
        self.faults.insert(key.to_owned());
        self.walk.work.push((key.to_owned(), self.walk.acts.len()));
        names
    }

    fn edit(&mut self, label: &str, op: &Op) {
        let node = &self.states.nodes[self.state];
        let hash = blake3_hex(format!("{}{}", node.suffix, self.canonical(label)).as_bytes());
        let suffix = format!("@{}", &hash[..8]);
        let known = node
            .edits
            .iter()
            .find(|(edit, _)| edit.key == suffix)
            .map(|(_, state)| *state);
        let outputs = op.outputs();
        let names: Vec<(String, String)> = outputs
            .iter()
            .map(|field| (field.name().clone(), format!("{}{suffix}", field.name())))
            .collect();
        for (field, (column, stored)) in outputs.iter().zip(&names) {
            self.put(column, stored.clone(), field.data_type().clone());
        }
        self.state = known.unwrap_or_else(|| {
            let next = self.states.nodes.len();
            let edit = Measured {
                key: suffix.clone(),
                op: op.clone(),
                stored: names,
            };
            self.states.nodes[self.state].edits.push((edit, next));
            self.states.nodes.push(State {
                measured: Vec::new(),
                edits: Vec::new(),
                text: None,
                suffix: suffix.clone(),
            });
            next
        });
        self.faults.insert(suffix.clone());
        self.walk.work.push((suffix, self.walk.acts.len()));
    }

    fn compare(&mut self, op: &Op, keys: &Arc<KeysOp>) {
        let hash = blake3_hex(format!("{keys:?}", keys = keys.fingerprint()).as_bytes());
        let suffix = format!(
            "{}#{}-{}",
            self.states.nodes[self.state].suffix,
            keys.column,
            &hash[..8]
        );
        self.add(&format!("keys{suffix}"), op, &suffix);
        let looked_at = keys
            .key_names()
            .into_iter()
            .chain(keys.prefer_columns.iter().cloned());
        let mut looked_at: Vec<String> = looked_at.collect();
        looked_at.push(columns::ID.name.to_owned());
        let act = Act::Compare {
            keys: keys.clone(),
            columns: self.look_at(&looked_at),
        };
        self.walk.acts.push(act);
    }

    /// The step as the recipe asks for it.
    fn canonical(&self, label: &str) -> String {
        let steps = self
            .recipe
            .chains
            .first()
            .map(|chain| &self.recipe.canonical[chain.modality]);
        let steps = steps.and_then(Value::as_array).into_iter().flatten();
        let mut own = steps.filter(|step| step["step"] == label).cloned();
        match own.next() {
            Some(Value::Object(mut step)) => {
                step.remove("step");
                Value::Object(step).to_string()
            }
            _ => label.to_owned(),
        }
    }

    /// A hash of the models and evaluation sets of the recipe.
    fn own_signals(&self) -> String {
        let steps = self
            .recipe
            .chains
            .first()
            .map(|chain| &self.recipe.canonical[chain.modality]);
        let steps = steps.and_then(Value::as_array).into_iter().flatten();
        let sets: Vec<&Value> = steps.filter(|step| !step["decontaminate"].is_null()).collect();
        let told = format!("{}{}", self.recipe.canonical["models"], serde_json::json!(sets));
        blake3_hex(told.as_bytes())[..8].to_owned()
    }

    fn end(mut self) -> Walk {
        for name in [columns::ID, columns::URL].map(|column| column.name.to_owned()) {
            self.look_at([&name]);
        }
        self.states.store(FAULTS, DataType::Utf8View);
        if self.places.contains_key(TEXT) {
            // The text as it was extracted is what all recipes have in common.
            self.states.keep_text(0);
            self.walk.text = Some(self.states.keep_text(self.state));
        }
        self.walk
    }
}

/// A plan that measures what is in the tree, over what the extraction of this plan gives.
pub(crate) fn measuring(plan: &Plan, states: &Arc<States>, versions: BTreeMap<String, u32>) -> Plan {
    let (entry, _) = split(plan);
    let mut rules: Vec<Rule> = Vec::new();
    let mut renumbered = |doors: &[Door]| -> Vec<Door> {
        let renumber = |door: &Door| {
            rules.push(plan.rules[door.number as usize].clone());
            Door {
                number: rules.len() as u32 - 1,
                ..door.clone()
            }
        };
        doors.iter().map(renumber).collect()
    };
    let label = entry.last().map(|step| step.label.clone()).unwrap_or_default();
    let mut ops: Vec<Planned> = entry
        .iter()
        .map(|step| Planned {
            chain: None,
            label: step.label.clone(),
            op: match &step.op {
                Op::Sieve(doors) => Op::Sieve(renumbered(doors)),
                op => op.clone(),
            },
        })
        .collect();
    ops.push(Planned {
        chain: None,
        label: "signals".to_owned(),
        op: Op::States(states.clone()),
    });
    rules.push(Rule::fault("signals"));
    ops.push(Planned {
        chain: None,
        label,
        op: Op::Sieve(vec![Door {
            number: rules.len() as u32 - 1,
            predicate: None,
            is_entry: false,
        }]),
    });
    let names = states.names();
    let segments = vec![ops];
    let (live, read) = lives(&segments, std::slice::from_ref(&names));
    let wanted = columns::RECORD
        .iter()
        .map(|column| column.name)
        .filter(|name| read.contains(*name))
        .collect();
    let source: &SchemaRef = &plan.source_schema;
    Plan {
        segments: with_schemas(segments, live, source),
        rules: Arc::new(rules),
        dedup_rules: BTreeSet::new(),
        outputs: vec![PlanOutput {
            modality: plan.outputs[0].modality,
            columns: names,
        }],
        pages: None,
        resources: None,
        wanted,
        versions,
        source_schema: plan.source_schema.clone(),
    }
}

/// A plan that takes the signals before its first comparison from a store with these columns, and measures what is not there.
/// It gives the same rows.
pub(crate) fn recalling(
    recipe: &Recipe,
    plan: &Plan,
    registry: &Registry,
    is_stored: &dyn Fn(&str) -> bool,
) -> Plan {
    let mut states = States::new(0.0);
    let mut walker = Walker::new(&mut states, recipe, registry);
    let (entry, _) = split(plan);
    walker.begin(plan, &entry);
    let mut segments: Vec<Vec<Planned>> = Vec::new();
    for (number, segment) in plan.segments.iter().enumerate() {
        let mut ops = Vec::new();
        for (place, step) in segment.steps.iter().enumerate() {
            let op = match &step.op {
                Op::Derive(signals) if number == 0 => {
                    let known = signals
                        .iter()
                        .map(|signal| (*signal, Some(walker.measure(*signal))));
                    Op::Recall(Arc::new(known.collect()))
                }
                op => {
                    if let (Op::Edit(_), true) = (op, number == 0 && place >= entry.len()) {
                        walker.edit(&step.label, op);
                    }
                    op.clone()
                }
            };
            ops.push(Planned {
                chain: step.chain,
                label: step.label.clone(),
                op,
            });
        }
        segments.push(ops);
    }
    let ends = [plan.outputs[0].columns.clone()];
    // A signal is measured if a column is needed that is not stored, such as the words that other signals count; what it
    // reads may have to be measured as well.
    let live = loop {
        let (live, _) = lives(&segments, &ends);
        let mut is_settled = true;
        for (planned, live) in segments[0].iter_mut().zip(&live[0]) {
            if let Op::Recall(signals) = &mut planned.op {
                is_settled &= !measured_more(Arc::make_mut(signals).as_mut_slice(), live, is_stored);
            }
        }
        if is_settled {
            break live;
        }
    };
    Plan {
        segments: with_schemas(segments, live, &plan.source_schema),
        rules: plan.rules.clone(),
        dedup_rules: plan.dedup_rules.clone(),
        outputs: plan.outputs.clone(),
        pages: plan.pages,
        resources: plan.resources,
        wanted: plan.wanted.clone(),
        versions: plan.versions.clone(),
        source_schema: plan.source_schema.clone(),
    }
}

/// Has signals measured of which a column is needed and not stored; whether there was one.
fn measured_more(
    signals: &mut [(&'static dyn Signal, Option<Recalled>)],
    live: &BTreeSet<String>,
    is_stored: &dyn Fn(&str) -> bool,
) -> bool {
    let measured = signals.iter().filter(|(_, recalled)| recalled.is_none());
    let beside: BTreeSet<&str> = measured
        .flat_map(|(signal, _)| signal.card().inputs)
        .map(|column| column.name)
        .collect();
    let mut is_one = false;
    for (_, recalled) in signals {
        let is_missing = |(field, stored): &(Field, String)| {
            let is_needed = live.contains(field.name()) || beside.contains(field.name().as_str());
            is_needed && !is_stored(stored)
        };
        if recalled
            .as_ref()
            .is_some_and(|recalled| recalled.columns.iter().any(is_missing))
        {
            *recalled = None;
            is_one = true;
        }
    }
    is_one
}
