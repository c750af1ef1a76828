//! Signals of several recipes over one input, stored; and recipes judged over what is stored.
//!
//! [`Signals::of`] walks recipes into one tree of content states; its plan is run like any other and gives a *store*: an
//! output with a row for each document, with its place in the input, every measure that a rule of one of the recipes looks at,
//! the keys of dedup steps, and texts of a share of the documents. [`Signals::judge`] then says of each recipe which
//! documents it keeps, by its own rules and comparisons over the stored columns. That reads no content, so thresholds are
//! changed without extracting again, and it is what a run of the recipe would say, document by document.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringViewArray, UInt32Array,
            UInt64Array, new_null_array,
        },
        compute::{concat_batches, filter_record_batch},
        datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt32Type, UInt64Type},
    },
    datasource::MemTable,
    execution::SendableRecordBatchStream,
    physical_expr::PhysicalExpr,
    prelude::SessionContext,
};
use futures::TryStreamExt;
use gristmill_core::columns;
use gristmill_dedup::{
    CLUSTER_ID, CLUSTER_RANK, CLUSTER_SIMILARITY, CLUSTER_SIZE, Comparison, DOCUMENT_COLUMN, Numbering, Room,
};
use gristmill_shard::{Manifest, RejectMode, Rule, ShardEntry, ShardTable, SliceRecord, Store, layout};
use serde_json::{Value, json};

use crate::{
    Error, Plan, Recipe, Registry, Result, RunOptions, Runtime,
    address::open_output,
    input,
    node::{Member, condition},
    plan::{Act, FAULTS, KeysOp, Op, States, Stored, Walk, measuring, recalling},
    recipe::WriteSpec,
    run::{session, wide},
};

/// A verdict of a document that is kept.
pub const KEPT: u16 = u16::MAX;

/// Recipes over one input, and how their signals are stored.
#[derive(Debug)]
pub struct Signals {
    /// What is run to make the store.
    pub recipe: Arc<Recipe>,
    /// Its plan.
    pub plan: Arc<Plan>,
    walks: Vec<Walk>,
    rules: Vec<Arc<Vec<Rule>>>,
}

/// What a recipe says of the documents of a store.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// The number of its rule at which each document leaves, or [`KEPT`], in the order of the store.
    pub verdicts: Vec<u16>,
    /// Its rules behind the extraction, in order.
    pub rules: Vec<RuleCost>,
    /// Bytes of text of the documents that it keeps.
    pub bytes: u64,
    /// The columns of the stored texts and of their bytes, as the recipe would write them; none if it has no texts.
    pub text: Option<(String, String)>,
    /// Signals and edits that it needs, with the share of the documents that reach each.
    pub work: Vec<(String, f64)>,
}

/// What a rule costs in documents.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleCost {
    /// The step.
    pub step: String,
    /// The rule's name; `fault` for what cannot be measured.
    pub name: String,
    /// The number that verdicts call it by.
    pub number: u16,
    /// Documents that leave at it.
    pub dropped: u64,
    /// Documents that it is not true of, whatever the rules before it say. Rules over clusters are asked of the documents
    /// that reach the comparison. Not known of a recipe that was run.
    pub alone: Option<u64>,
    /// Documents that leave because of it and nothing else: what would be won without it. Not known of a rule before a
    /// comparison, which would find other copies without it.
    pub only: Option<u64>,
}

/// A store of signals.
pub struct SignalStore {
    store: Store,
    manifest: Manifest,
    /// `plan.json`: what was read, and how.
    plan: Value,
    session: SessionContext,
    room: Room,
}

impl Signals {
    /// Brings recipes together. All must read the same content by the same extractors; the first says what is read.
    ///
    /// # Errors
    /// One message for each recipe that cannot take part, with its number.
    pub fn of(
        recipes: &[(Arc<Recipe>, Arc<Plan>)],
        registry: &Registry,
        to: &str,
        text_share: f64,
    ) -> Result<Self, Vec<(usize, String)>> {
        let mut states = States::new(text_share);
        let mut versions = BTreeMap::new();
        let mut walks: Vec<Walk> = Vec::new();
        let mut problems = Vec::new();
        let (first, first_plan) = &recipes[0];
        let uris =
            |recipe: &Recipe| -> Vec<String> { recipe.read.iter().map(|entry| entry.uri.clone()).collect() };
        let names = |rules: &[Rule]| -> Vec<(String, Option<String>)> {
            rules
                .iter()
                .map(|rule| (rule.name.clone(), rule.predicate.clone()))
                .collect()
        };
        for (number, (recipe, plan)) in recipes.iter().enumerate() {
            match states.walk(recipe, plan, registry) {
                Ok(_)
                    if recipe.canonical["read"] != first.canonical["read"] || uris(recipe) != uris(first) =>
                {
                    let problem = "it reads other input than the first recipe, or reads it otherwise";
                    problems.push((number, problem.to_owned()));
                }
                Ok(_) if plan.extractors() != first_plan.extractors() => {
                    problems.push((number, "it has other extractors than the first recipe".to_owned()));
                }
                Ok(walk)
                    if walks
                        .first()
                        .is_some_and(|first| names(&first.entry) != names(&walk.entry)) =>
                {
                    problems.push((
                        number,
                        "it extracts other content than the first recipe".to_owned(),
                    ));
                }
                Ok(walk) => {
                    versions.extend(plan.versions.clone());
                    walks.push(walk);
                }
                Err(problem) => problems.push((number, problem)),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let states = Arc::new(states);
        let plan = measuring(first_plan, &states, versions);
        let canonical = json!({
            "signals": states.names(), "text_share": text_share, "read": first.canonical["read"],
            "entry": walks[0].entry.iter().map(|rule| &rule.predicate).collect::<Vec<_>>(),
        });
        let recipe = Recipe {
            name: format!("signals of {}", first.name),
            read: first.read.clone(),
            models: Vec::new(),
            chains: Vec::new(),
            write: WriteSpec {
                uri: Some(to.to_owned()),
                columns: None,
                shard_bytes: first.write.shard_bytes,
                rejects: RejectMode::Counts,
            },
            expect: Vec::new(),
            canonical,
        };
        Ok(Signals {
            recipe: Arc::new(recipe),
            plan: Arc::new(plan),
            walks,
            rules: recipes.iter().map(|(_, plan)| plan.rules.clone()).collect(),
        })
    }

    /// The stored columns that rules of the recipes look at.
    pub fn columns(&self) -> Vec<String> {
        let asked = self
            .walks
            .iter()
            .flat_map(|walk| &walk.acts)
            .filter_map(|act| match act {
                Act::Ask { columns, .. } => Some(columns.values()),
                Act::Compare { .. } => None,
            });
        let mut names: Vec<String> = asked
            .flatten()
            .filter(|column| !column.is_found)
            .map(|column| column.name.clone())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What each recipe says of the documents of a store.
    ///
    /// # Errors
    /// When the store cannot be read, or does not have a column; see [`SignalStore::fits`].
    pub fn judge(&self, store: &SignalStore, runtime: &Runtime) -> Result<Vec<Judged>> {
        runtime.block_on(async {
            let mut judges: Vec<Judge<'_>> = self
                .walks
                .iter()
                .zip(&self.rules)
                .map(|(walk, rules)| Judge::new(walk, rules))
                .collect();
            while judges.iter().any(|judge| !judge.is_done()) {
                let wanted = judges.iter().flat_map(Judge::wanted).collect();
                let mut rows = store.rows(wanted)?;
                let mut first = 0;
                while let Some(batch) = rows.try_next().await? {
                    for judge in judges.iter_mut().filter(|judge| !judge.is_done()) {
                        judge.read(&batch, first, &store.session)?;
                    }
                    first += batch.num_rows();
                }
                for judge in &mut judges {
                    judge.compare(store, first as u64).await?;
                }
            }
            Ok(judges.into_iter().map(Judge::finish).collect())
        })
    }
}

impl SignalStore {
    /// Opens a store; none if nothing was published there.
    ///
    /// # Errors
    /// When the address cannot be read.
    pub fn open(uri: &str, options: &RunOptions, runtime: &Runtime) -> Result<Option<Self>> {
        let store = open_output(uri, &options.stores, runtime.io())?;
        let (manifest, plan) = runtime.block_on(async {
            Ok::<_, Error>((store.get(layout::MANIFEST).await?, store.get(layout::PLAN).await?))
        })?;
        let Some(manifest) = manifest else {
            return Ok(None);
        };
        let manifest = Manifest::from_json(&manifest)?;
        Ok(Some(SignalStore {
            session: wide(&session(options, &store, 1, usize::MAX)?),
            room: Room {
                memory: options.memory,
                scratch: options.scratch.clone(),
                pool: runtime.content().clone(),
            },
            store,
            manifest,
            plan: serde_json::from_slice(&plan.unwrap_or_default()).unwrap_or_default(),
        }))
    }

    /// Its manifest; the account tells what left before the extraction.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether it was made of this input, read and extracted in this way, and has every column that these signals would
    /// store, of the same versions.
    ///
    /// # Errors
    /// What is different.
    pub fn fits(&self, signals: &Signals, options: &RunOptions, runtime: &Runtime) -> Result<()> {
        let missing = signals.plan.outputs[0]
            .columns
            .iter()
            .filter(|name| !self.has(name));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(self.refused(&format!("it has no {}", missing.join(", "))));
        }
        self.is_of(signals, options, runtime)
    }

    /// Whether it tells of the same documents, and the same versions measured what it tells.
    fn is_of(&self, signals: &Signals, options: &RunOptions, runtime: &Runtime) -> Result<()> {
        let wanted = signals.plan.versions.iter();
        let is_other = |name: &str, version: &u32| {
            let stored = self.manifest.versions.get(name);
            stored.is_some_and(|stored| stored != version)
        };
        let others = wanted.filter(|(name, version)| is_other(name, version));
        let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
        if !others.is_empty() {
            return Err(self.refused(&format!("another version measured {}", others.join(", "))));
        }
        let asked = &signals.recipe.canonical;
        if ["read", "entry"]
            .iter()
            .any(|key| self.plan["recipe"][key] != asked[key])
        {
            return Err(self.refused("its documents were read or extracted otherwise"));
        }
        let now = runtime.block_on(input::list(&signals.recipe.read, &options.stores, runtime.io()))?;
        let inputs: Vec<&input::Snapshot> = now.objects.iter().map(|object| &object.snapshot).collect();
        let slices = input::cut(&now.objects).len();
        if self.plan["inputs"] != json!(inputs) || self.plan["slices"] != json!(slices) {
            return Err(self.refused("it was made of other input"));
        }
        Ok(())
    }

    fn refused(&self, problem: &str) -> Error {
        Error::PlanDiffers(format!(
            "{} cannot be used for these recipes: {problem}; make another with `gristmill signals RECIPES --to ADDRESS`",
            self.store.uri()
        ))
    }

    /// Whether it has a column.
    fn has(&self, name: &str) -> bool {
        let mut columns = self.manifest.columns.values().flatten();
        columns.any(|(known, _)| known == name)
    }

    /// Gives `each` the rows of some columns in order. Columns that the store does not have are left out.
    ///
    /// # Errors
    /// When the store cannot be read, and those of `each`.
    pub fn read(
        &self,
        names: &[&str],
        runtime: &Runtime,
        mut each: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let fields = self.fields(names);
        runtime.block_on(async {
            let mut rows = self.rows(fields)?;
            while let Some(batch) = rows.try_next().await? {
                each(&batch)?;
            }
            Ok(())
        })
    }

    /// The types in flight of some columns, as far as it has them.
    fn fields(&self, names: &[&str]) -> BTreeMap<String, DataType> {
        let columns = self.manifest.columns.values().flatten();
        let fields = columns.filter(|(name, _)| names.contains(&name.as_str()));
        let in_flight = |kind: &str| match kind.parse().unwrap_or(DataType::Null) {
            DataType::Utf8 => DataType::Utf8View,
            kind => kind,
        };
        fields
            .map(|(name, kind)| (name.clone(), in_flight(kind)))
            .collect()
    }

    fn rows(&self, fields: BTreeMap<String, DataType>) -> Result<SendableRecordBatchStream> {
        self.rows_of(self.manifest.shards.values().flatten(), fields)
    }

    fn rows_of<'a>(
        &self,
        shards: impl Iterator<Item = &'a ShardEntry>,
        fields: BTreeMap<String, DataType>,
    ) -> Result<SendableRecordBatchStream> {
        let fields = fields
            .into_iter()
            .map(|(name, kind)| Field::new(name, kind, true));
        let schema: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let table = ShardTable::new(&self.store, shards, schema);
        Ok(table.read().execute(0, self.session.task_ctx())?)
    }
}

/// A store that a run takes signals from.
pub(crate) struct Recalling {
    store: SignalStore,
    fields: BTreeMap<String, DataType>,
}

impl Recalling {
    /// The plan of a recipe that takes from a store what is there, and the store.
    pub(crate) fn of(
        uri: &str,
        recipe: &Arc<Recipe>,
        plan: &Arc<Plan>,
        registry: &Registry,
        options: &RunOptions,
        runtime: &Runtime,
    ) -> Result<(Plan, Self)> {
        let recipes = [(recipe.clone(), plan.clone())];
        let signals = Signals::of(&recipes, registry, uri, 0.0).map_err(|problems| {
            let problems: Vec<String> = problems.into_iter().map(|(_, problem)| problem).collect();
            Error::Usage(format!(
                "this recipe cannot take signals from a store: {}; run it without",
                problems.join("; ")
            ))
        })?;
        let store = SignalStore::open(uri, options, runtime)?.ok_or_else(|| {
            Error::Usage(format!(
                "no store of signals was published at {uri}; make it with `gristmill signals RECIPES --to {uri}`"
            ))
        })?;
        store.is_of(&signals, options, runtime)?;
        let plan = recalling(recipe, plan, registry, &|name| store.has(name));
        let steps = plan.segments.iter().flat_map(|segment| &segment.steps);
        let signals = steps.filter_map(|step| match &step.op {
            Op::Recall(signals) => Some(signals.iter()),
            _ => None,
        });
        let mut names: Vec<&str> = signals
            .flatten()
            .filter_map(|(_, recalled)| recalled.as_ref())
            .flat_map(|recalled| &recalled.columns)
            .map(|(_, stored)| stored.as_str())
            .collect();
        names.extend([columns::ID.name, FAULTS]);
        let fields = store.fields(&names);
        Ok((plan, Recalling { store, fields }))
    }

    /// What it tells of the documents of a slice of the input, which is cut as it was for the store.
    pub(crate) async fn slice(&self, number: u32) -> Result<Vec<RecordBatch>> {
        let name = layout::slice_record(number);
        let record = self.store.store.get(&name).await?.ok_or_else(|| {
            let store = self.store.store.uri();
            Error::PlanDiffers(format!(
                "{store}/{name} is gone; make the store again with `gristmill signals`"
            ))
        })?;
        let record = SliceRecord::from_json(&record)?;
        let rows = self.store.rows_of(record.shards.iter(), self.fields.clone())?;
        Ok(rows.try_collect().await?)
    }
}

/// Stored bytes of what a recipe reads.
///
/// # Errors
/// When the input cannot be listed.
pub fn input_bytes(recipe: &Recipe, options: &RunOptions, runtime: &Runtime) -> Result<u64> {
    let input = runtime.block_on(input::list(&recipe.read, &options.stores, runtime.io()))?;
    Ok(input.objects.iter().map(|object| object.snapshot.bytes).sum())
}

/// A recipe on its way through the documents of a store.
struct Judge<'a> {
    walk: &'a Walk,
    rules: &'a [Rule],
    /// The next act.
    at: usize,
    verdicts: Vec<u16>,
    /// How many rules are not true of each document, and the last of them.
    failed: Vec<(u8, u16)>,
    alone: HashMap<u16, u64>,
    dropped: HashMap<u16, u64>,
    bytes: Vec<u64>,
    /// Rows for the comparison that is next.
    waiting: Vec<RecordBatch>,
    found: HashMap<u64, Member>,
    predicates: HashMap<u32, Arc<dyn PhysicalExpr>>,
    /// Documents that live before each act.
    living: Vec<u64>,
}

impl<'a> Judge<'a> {
    fn new(walk: &'a Walk, rules: &'a [Rule]) -> Self {
        Judge {
            walk,
            rules,
            at: 0,
            verdicts: Vec::new(),
            failed: Vec::new(),
            alone: HashMap::new(),
            dropped: HashMap::new(),
            bytes: Vec::new(),
            waiting: Vec::new(),
            found: HashMap::new(),
            predicates: HashMap::new(),
            living: vec![0; walk.acts.len() + 1],
        }
    }

    fn is_done(&self) -> bool {
        self.at > self.walk.acts.len()
    }

    /// The acts of this pass: up to the next comparison, or to the end.
    fn pass(&self) -> (&'a [Act], Option<&'a Act>) {
        let acts = &self.walk.acts[self.at.min(self.walk.acts.len())..];
        let is_comparison = |act: &Act| matches!(act, Act::Compare { .. });
        match acts.iter().position(is_comparison) {
            Some(place) => (&acts[..place], Some(&acts[place])),
            None => (acts, None),
        }
    }

    /// The stored columns that this pass reads.
    fn wanted(&self) -> Vec<(String, DataType)> {
        let (asks, comparison) = self.pass();
        let mut wanted = vec![(FAULTS.to_owned(), DataType::Utf8View)];
        for act in asks.iter().chain(comparison) {
            let (Act::Ask { columns, .. } | Act::Compare { columns, .. }) = act;
            let stored = columns.values().filter(|column| !column.is_found);
            wanted.extend(stored.map(|column| (column.name.clone(), column.kind.clone())));
        }
        wanted.extend(
            self.walk
                .text
                .iter()
                .map(|(_, bytes)| (bytes.clone(), DataType::UInt64)),
        );
        wanted
    }

    /// Asks the rules of this pass about a batch that begins with this document.
    fn read(&mut self, batch: &RecordBatch, first: usize, session: &SessionContext) -> Result<()> {
        let rows = batch.num_rows();
        if self.verdicts.len() == first {
            self.verdicts.resize(first + rows, KEPT);
            self.failed.resize(first + rows, (0, 0));
            let bytes = self
                .walk
                .text
                .as_ref()
                .and_then(|(_, bytes)| batch.column_by_name(bytes));
            match bytes {
                Some(bytes) => self.bytes.extend(
                    bytes
                        .as_primitive::<UInt64Type>()
                        .iter()
                        .map(Option::unwrap_or_default),
                ),
                None => self.bytes.resize(first + rows, 0),
            }
        }
        let (asks, comparison) = self.pass();
        for (place, act) in (self.at..).zip(asks) {
            self.living[place] += self.alive(first, rows);
            if let Act::Ask {
                doors,
                columns,
                faults,
            } = act
            {
                let named = named(batch, columns, first, &self.found)?;
                let is_after = columns.values().any(|column| column.is_found);
                for door in doors {
                    let holds = match &door.predicate {
                        Some(predicate) => {
                            let schema = named.schema();
                            let compiled = match self.predicates.entry(door.number) {
                                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                                std::collections::hash_map::Entry::Vacant(new) => {
                                    new.insert(predicate.physical(session, &schema)?)
                                }
                            };
                            condition(compiled, &named)?
                        }
                        None => without_faults(batch, faults),
                    };
                    self.note(door.number as u16, &holds, first, is_after);
                }
            }
        }
        if let Some(Act::Compare { columns, keys, .. }) = comparison {
            let is_alive: BooleanArray = (first..first + rows)
                .map(|row| Some(self.verdicts[row] == KEPT))
                .collect();
            self.living[self.at + asks.len()] += is_alive.true_count() as u64;
            let rows = compared(&named(batch, columns, first, &self.found)?, keys, first)?;
            self.waiting.push(filter_record_batch(&rows, &is_alive)?);
        }
        if comparison.is_none() {
            self.living[self.walk.acts.len()] += self.alive(first, rows);
        }
        Ok(())
    }

    fn alive(&self, first: usize, rows: usize) -> u64 {
        self.verdicts[first..first + rows]
            .iter()
            .filter(|verdict| **verdict == KEPT)
            .count() as u64
    }

    /// `is_after` a comparison, documents that did not reach it are not asked.
    fn note(&mut self, rule: u16, holds: &BooleanArray, first: usize, is_after: bool) {
        for (place, row) in (first..).zip(0..holds.len()) {
            let holds = holds.is_valid(row) && holds.value(row);
            let is_alive = self.verdicts[place] == KEPT;
            if holds || (is_after && !is_alive) {
                continue;
            }
            *self.alone.entry(rule).or_default() += 1;
            let (times, last) = &mut self.failed[place];
            (*times, *last) = (times.saturating_add(1), rule);
            if is_alive {
                self.verdicts[place] = rule;
                *self.dropped.entry(rule).or_default() += 1;
            }
        }
    }

    /// Ends a pass: compares the documents that are left, if that is next.
    async fn compare(&mut self, store: &SignalStore, documents: u64) -> Result<()> {
        if self.is_done() {
            return Ok(());
        }
        let (asks, comparison) = self.pass();
        self.at += asks.len() + 1;
        let Some(Act::Compare { keys, .. }) = comparison else {
            return Ok(());
        };
        self.found.clear();
        let waiting = std::mem::take(&mut self.waiting);
        let Some(schema) = waiting.first().map(RecordBatch::schema) else {
            return Ok(());
        };
        let fingerprint = keys.fingerprint().expect("dedup of parts is not shared").clone();
        let table = MemTable::try_new(schema.clone(), vec![vec![concat_batches(&schema, &waiting)?]])?;
        drop(waiting);
        let comparison = Comparison {
            session: store.session.clone(),
            fingerprint,
            new: store.session.read_table(Arc::new(table))?,
            known: None,
            numbering: Numbering::new([(0, documents)])?,
            known_slices: Vec::new(),
            prefer: keys.prefer.clone(),
            room: store.room.clone(),
        };
        let mut members = comparison.run().await?;
        while let Some(batch) = members.next().await? {
            let column = |name: &str| batch.column_by_name(name).expect("members have it");
            let numbers = column(DOCUMENT_COLUMN).as_primitive::<UInt64Type>();
            let clusters = column(CLUSTER_ID.name).as_string::<i32>();
            let ranks = column(CLUSTER_RANK.name).as_primitive::<UInt32Type>();
            let sizes = column(CLUSTER_SIZE.name).as_primitive::<UInt32Type>();
            let similarities = column(CLUSTER_SIMILARITY.name).as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                let member = Member {
                    cluster: clusters.value(row).to_owned(),
                    rank: ranks.value(row),
                    size: sizes.value(row),
                    similarity: similarities.is_valid(row).then(|| similarities.value(row)),
                };
                self.found.insert(numbers.value(row), member);
            }
        }
        Ok(())
    }

    fn finish(self) -> Judged {
        let count = |counts: &HashMap<u16, u64>, rule: u16| counts.get(&rule).copied().unwrap_or(0);
        let mut only: HashMap<u16, u64> = HashMap::new();
        for (times, rule) in &self.failed {
            if *times == 1 {
                *only.entry(*rule).or_default() += 1;
            }
        }
        // Without a rule before a comparison, the comparison would find other copies.
        let acts = self.walk.acts.iter();
        let last = acts.clone().rposition(|act| matches!(act, Act::Compare { .. }));
        let behind: std::collections::BTreeSet<u32> = acts
            .skip(last.map_or(0, |last| last + 1))
            .filter_map(|act| match act {
                Act::Ask { doors, .. } => Some(doors.iter().map(|door| door.number)),
                Act::Compare { .. } => None,
            })
            .flatten()
            .collect();
        let doors = self.walk.acts.iter().filter_map(|act| match act {
            Act::Ask { doors, .. } => Some(doors),
            Act::Compare { .. } => None,
        });
        let rules = doors.flatten().map(|door| {
            let (rule, number) = (&self.rules[door.number as usize], door.number as u16);
            RuleCost {
                step: rule.step.clone(),
                name: rule.name.clone(),
                number,
                dropped: count(&self.dropped, number),
                alone: Some(count(&self.alone, number)),
                only: behind.contains(&door.number).then(|| count(&only, number)),
            }
        });
        let kept = self
            .verdicts
            .iter()
            .zip(&self.bytes)
            .filter(|(verdict, _)| **verdict == KEPT);
        let bytes = kept.map(|(_, bytes)| bytes).sum();
        let documents = self.verdicts.len().max(1) as f64;
        let work = self.walk.work.iter();
        Judged {
            rules: rules.collect(),
            bytes,
            text: self.walk.text.clone(),
            work: work
                .map(|(key, act)| (key.clone(), self.living[*act] as f64 / documents))
                .collect(),
            verdicts: self.verdicts,
        }
    }
}

/// The columns of a sieve under their names there.
fn named(
    batch: &RecordBatch,
    columns: &BTreeMap<String, Stored>,
    first: usize,
    found: &HashMap<u64, Member>,
) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let of_clusters = |name: &str| -> ArrayRef {
        let members: Vec<Option<&Member>> = (first..first + rows)
            .map(|row| found.get(&(row as u64)))
            .collect();
        let members = members.into_iter();
        match name {
            name if name == CLUSTER_ID.name => Arc::new(
                members
                    .map(|member| Some(&member?.cluster))
                    .collect::<StringViewArray>(),
            ),
            name if name == CLUSTER_RANK.name => Arc::new(UInt32Array::from_iter_values(
                members.map(|member| member.map_or(0, |member| member.rank)),
            )),
            name if name == CLUSTER_SIZE.name => Arc::new(UInt32Array::from_iter_values(
                members.map(|member| member.map_or(1, |member| member.size)),
            )),
            _ => Arc::new(members.map(|member| member?.similarity).collect::<Float64Array>()),
        }
    };
    let mut fields = vec![Field::new("__row", DataType::UInt32, true)];
    let mut arrays: Vec<ArrayRef> = vec![new_null_array(&DataType::UInt32, rows)];
    for (name, stored) in columns {
        fields.push(Field::new(name, stored.kind.clone(), true));
        arrays.push(match stored.is_found {
            true => of_clusters(name),
            false => batch
                .column_by_name(&stored.name)
                .expect("the pass reads it")
                .clone(),
        });
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// What a comparison reads of a batch.
fn compared(rows: &RecordBatch, keys: &KeysOp, first: usize) -> Result<RecordBatch> {
    let numbers = UInt64Array::from_iter_values((first..first + rows.num_rows()).map(|row| row as u64));
    let mut fields = vec![Field::new(DOCUMENT_COLUMN, DataType::UInt64, true)];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(numbers)];
    let mut names = keys.key_names();
    names.extend(
        keys.prefer_columns
            .iter()
            .filter(|name| *name != columns::ID.name)
            .cloned(),
    );
    names.push(columns::ID.name.to_owned());
    for name in names {
        let (number, field) = rows
            .schema_ref()
            .column_with_name(&name)
            .expect("a comparison looks at it");
        fields.push(field.clone());
        arrays.push(rows.column(number).clone());
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}

/// Which documents have none of these faults.
fn without_faults(batch: &RecordBatch, of: &std::collections::BTreeSet<String>) -> BooleanArray {
    let faults = batch
        .column_by_name(FAULTS)
        .expect("every store has it")
        .as_string_view();
    let is_clean = |told: Option<&str>| {
        let told: Value = told
            .and_then(|told| serde_json::from_str(told).ok())
            .unwrap_or_default();
        told.as_object()
            .is_none_or(|told| told.keys().all(|key| !of.contains(key)))
    };
    faults.iter().map(|told| Some(is_clean(told))).collect()
}
