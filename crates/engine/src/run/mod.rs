//! Runs a plan: slices through segments, each committed once, the account checked, the manifest last.
//!
//! The commit protocol: (1) `plan.json` is created once; a run whose plan differs from the one that is there
//! stops. (2) Each slice writes its shards under names made from their content, then creates its record; a
//! slice whose record exists is not done again. (3) When all records of all segments are there, the expectations
//! are judged and the manifest is created. Killed at any moment, the same command goes on from the last record,
//! and the output is byte for byte that of a run that was not killed.

mod context;
mod dedup;
mod known;
mod log;
mod plan_file;
mod publish;
mod sample;
mod segment;
mod trace;

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use datafusion::{
    execution::{
        disk_manager::DiskManagerBuilder, memory_pool::FairSpillPool, runtime_env::RuntimeEnvBuilder,
    },
    prelude::{SessionConfig, SessionContext},
};
use gristmill_core::ReadOptions;
use gristmill_shard::{Manifest, ShardOptions, Store, layout, register_store};
use object_store::{memory::InMemory, path::Path};

use crate::{
    Error, Plan, Recipe, Registry, Result, Runtime, StoreOptions,
    address::open_output,
    index::{self, StepIndex},
    input::{self, Input},
    node::ScanConfig,
    progress::Progress,
    signals::Recalling,
};

pub(crate) use plan_file::Agreed;
pub use sample::{Sampled, SampledStep, sample};
pub use trace::{Asked, Traced, Wanted, trace};

/// One of several runs that share the slices of a dataset: the slices whose number, counted from 1, leaves the same
/// rest as `number` when divided by `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which share, from 1 to `of`.
    pub number: u32,
    /// How many shares there are.
    pub of: u32,
}

impl Share {
    /// Whether the slice, counted from 0, is in this share.
    fn has(self, slice: u32) -> bool {
        slice % self.of == self.number - 1
    }
}

/// How a run uses the machine. None of it shows in the output.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How object stores are reached.
    pub stores: StoreOptions,
    /// Memory for sorting dedup keys before they spill.
    pub memory: usize,
    /// The folder for scratch and spill files; the system's when absent.
    pub scratch: Option<PathBuf>,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Bytes of content of a batch.
    pub batch_bytes: usize,
    /// The share of the slices that this run does; all when absent.
    pub share: Option<Share>,
    /// The address of a store of signals of the same documents, which are taken from there instead of measured.
    pub signals: Option<String>,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            stores: StoreOptions::default(),
            memory: 512 << 20,
            scratch: None,
            batch_rows: 256,
            batch_bytes: 512 << 10,
            share: None,
            signals: None,
        }
    }
}

/// What a run is about to do or has done.
#[derive(Debug, Clone)]
pub enum Event {
    /// The input was listed.
    Listed {
        /// Objects.
        objects: u64,
        /// Their stored bytes.
        bytes: u64,
        /// Slices of the first segment.
        slices: u64,
    },
    /// An earlier attempt's slices are there.
    Resumed {
        /// How many.
        slices: u64,
    },
    /// A segment begins.
    Segment {
        /// Its number, from 0.
        number: usize,
        /// Its slices.
        slices: u64,
    },
    /// Dedup keys are being compared.
    Dedup,
    /// An expectation of severity "warning" is not met.
    Warning(String),
}

/// What a run gave.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The dataset is complete.
    Complete {
        /// The manifest.
        manifest: Box<Manifest>,
        /// Whether it was complete before this run.
        was_complete: bool,
    },
    /// All slices are done, and the manifest was not written, because expectations do not hold.
    Refused {
        /// The manifest that was not written.
        manifest: Box<Manifest>,
        /// What does not hold.
        expectations: Vec<String>,
    },
    /// The share of this run is done, and slices of other shares are not.
    Waiting {
        /// The segment that they belong to, from 0.
        segment: usize,
        /// How many they are.
        slices: u64,
    },
}

/// Rows of a batch that is read of staged files.
const STAGED_ROWS: usize = 128;
/// Rows of a batch of keys.
const KEY_ROWS: usize = 8192;

/// Everything that the parts of a run share.
pub(crate) struct Run {
    pub(crate) recipe: Arc<Recipe>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) store: Store,
    pub(crate) input: Arc<Input>,
    pub(crate) scan: Arc<ScanConfig>,
    pub(crate) session: SessionContext,
    /// The same with batches that suit rows of a few numbers.
    pub(crate) keys_session: SessionContext,
    pub(crate) progress: Arc<Progress>,
    pub(crate) shards: ShardOptions,
    pub(crate) threads: usize,
    /// Memory for sorting keys.
    pub(crate) memory: usize,
    pub(crate) pool: Arc<rayon::ThreadPool>,
    /// How other outputs are reached.
    pub(crate) stores: StoreOptions,
    pub(crate) share: Option<Share>,
    /// The indexes of dedup steps.
    pub(crate) indexes: Vec<StepIndex>,
    /// The hash of what was asked of what input.
    pub(crate) asked_blake3: String,
    /// Sieves note what every rule says, and reject only what cannot be measured.
    pub(crate) asks_all: bool,
    /// Where signals are taken from instead of measured.
    pub(crate) recalling: Option<Recalling>,
}

/// Counters for a plan, to be watched while [`run`] works.
pub fn progress(plan: &Plan) -> Arc<Progress> {
    Arc::new(Progress::new(&plan.rules))
}

/// Runs a recipe, or goes on where an earlier run stopped.
///
/// # Errors
/// See [`Error`]; bad data is never one.
pub fn run(
    recipe: &Arc<Recipe>,
    plan: &Arc<Plan>,
    registry: &Arc<Registry>,
    runtime: &Runtime,
    options: &RunOptions,
    progress: &Arc<Progress>,
    events: &(dyn Fn(Event) + Send + Sync),
) -> Result<Outcome> {
    let Some(uri) = &recipe.write.uri else {
        return Err(Error::Failed(
            "no output address: add `write: {uri: …}` or give --to".into(),
        ));
    };
    input::keep_apart(&recipe.read, uri)?;
    let store = open_output(uri, &options.stores, runtime.io())?;
    let mut indexes = index::of_recipe(recipe, &options.stores, runtime)?;
    for index in &indexes {
        input::keep_apart(&recipe.read, index.index.store().uri())?;
    }
    let (plan, recalling) = match &options.signals {
        Some(signals) => {
            let (plan, recalling) = Recalling::of(signals, recipe, plan, registry, options, runtime)?;
            (&Arc::new(plan), Some(recalling))
        }
        None => (plan, None),
    };
    let log = log::RunLog::start();
    runtime.block_on(async {
        let input = Arc::new(input::list(&recipe.read, &options.stores, runtime.io()).await?);
        let slices = input::cut(&input.objects);
        let bytes = input.objects.iter().map(|object| object.snapshot.bytes).sum();
        events(Event::Listed {
            objects: input.objects.len() as u64,
            bytes,
            slices: slices.len() as u64,
        });
        progress.bytes_total.store(bytes, Ordering::Relaxed);
        let agreed = plan_file::agree(&store, recipe, plan, &input, slices.len(), &indexes).await?;
        if let Some(bytes) = store.get(layout::MANIFEST).await? {
            let manifest = Manifest::from_json(&bytes)?;
            publish::tidy(&store).await?;
            return Ok(Outcome::Complete {
                manifest: Box::new(manifest),
                was_complete: true,
            });
        }
        // A baseline that is not there is told before anything is read, not when all slices are done.
        for uri in recipe
            .expect
            .iter()
            .filter_map(crate::recipe::Expectation::baseline)
        {
            publish::baseline(uri, &options.stores, runtime.io()).await?;
        }
        for index in &mut indexes {
            index.open(&recipe.name, &agreed).await?;
        }
        let run = Run {
            indexes,
            asked_blake3: agreed.asked_blake3,
            recalling,
            ..Run::new(recipe, plan, registry, runtime, options, progress, store, &input)?
        };
        let store = run.store.clone();
        let outcome = match run.segments(&slices, runtime, events).await {
            Ok(outcome) => outcome,
            // Another run that did the same may have published, and removed what this one wanted to read.
            Err(error) => match store.get(layout::MANIFEST).await {
                Ok(Some(bytes)) => {
                    // What this run staged since then is in nobody's way, but nobody would remove it.
                    publish::tidy(&store).await?;
                    Outcome::Complete {
                        manifest: Box::new(Manifest::from_json(&bytes)?),
                        was_complete: true,
                    }
                }
                _ => return Err(error),
            },
        };
        log.write(&store, progress, runtime.threads()).await?;
        Ok(outcome)
    })
}

impl Run {
    #[expect(
        clippy::too_many_arguments,
        reason = "a run is where everything comes together"
    )]
    fn new(
        recipe: &Arc<Recipe>,
        plan: &Arc<Plan>,
        registry: &Arc<Registry>,
        runtime: &Runtime,
        options: &RunOptions,
        progress: &Arc<Progress>,
        store: Store,
        input: &Arc<Input>,
    ) -> Result<Self> {
        let scan = ScanConfig {
            input: input.clone(),
            registry: registry.clone(),
            options: ReadOptions {
                wanted: plan.wanted.clone(),
                batch_rows: options.batch_rows.min(plan.batch_rows()),
                batch_bytes: options.batch_bytes,
                ..ReadOptions::default()
            },
            schema: plan.source_schema.clone(),
            io: runtime.io().clone(),
            progress: progress.clone(),
        };
        let session = session(options, &store, runtime.threads(), plan.batch_rows())?;
        Ok(Run {
            scan: Arc::new(scan),
            keys_session: wide(&session),
            session,
            progress: progress.clone(),
            shards: ShardOptions {
                shard_bytes: recipe.write.shard_bytes,
                scratch: options.scratch.clone(),
                ..ShardOptions::default()
            },
            threads: runtime.threads(),
            memory: options.memory,
            pool: runtime.content().clone(),
            stores: options.stores.clone(),
            share: options.share,
            indexes: Vec::new(),
            asked_blake3: String::new(),
            asks_all: false,
            recalling: None,
            recipe: recipe.clone(),
            plan: plan.clone(),
            store,
            input: input.clone(),
        })
    }

    /// A run that writes nothing, for samples and explanations.
    fn dry(
        recipe: &Arc<Recipe>,
        plan: &Arc<Plan>,
        registry: &Arc<Registry>,
        runtime: &Runtime,
        options: &RunOptions,
        input: Input,
    ) -> Result<Self> {
        let store = Store::new(Arc::new(InMemory::new()), Path::default(), "memory:///");
        Run::new(
            recipe,
            plan,
            registry,
            runtime,
            options,
            &progress(plan),
            store,
            &Arc::new(input),
        )
    }
}

/// DataFusion's plan of each segment, as it runs for one slice.
///
/// # Errors
/// When a predicate cannot be planned, which the check of the recipe rules out.
pub fn physical_plans(
    recipe: &Arc<Recipe>,
    plan: &Arc<Plan>,
    registry: &Arc<Registry>,
    runtime: &Runtime,
) -> Result<Vec<String>> {
    let input = Input {
        base: String::new(),
        objects: Vec::new(),
    };
    let run = Run::dry(recipe, plan, registry, runtime, &RunOptions::default(), input)?;
    (0..plan.segments.len())
        .map(|number| run.physical_plan(number))
        .collect()
}

/// A session of the same memory and stores, with batches of many rows.
pub(crate) fn wide(session: &SessionContext) -> SessionContext {
    let config = session.copied_config().with_batch_size(KEY_ROWS);
    SessionContext::new_with_config_rt(config, session.runtime_env())
}

/// A session with the options that the pinned DataFusion needs to be right and stable.
pub(crate) fn session(
    options: &RunOptions,
    store: &Store,
    threads: usize,
    batch_rows: usize,
) -> Result<SessionContext> {
    let mut disk = DiskManagerBuilder::default();
    if let Some(scratch) = &options.scratch {
        disk = disk.with_mode(datafusion::execution::disk_manager::DiskManagerMode::Directories(
            vec![scratch.clone()],
        ));
    }
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(options.memory)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let reserve = (options.memory / (4 * threads.max(1))).min(10 << 20);
    let config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(batch_rows.min(STAGED_ROWS))
        // Wrong results (apache/datafusion#25414) and results that depend on timing (#23292).
        .set_bool("datafusion.optimizer.enable_leaf_expression_pushdown", false)
        .set_bool("datafusion.execution.enable_file_stream_work_stealing", false)
        .set_bool("datafusion.optimizer.repartition_file_scans", false)
        .set_bool("datafusion.execution.collect_statistics", false)
        .set_usize("datafusion.execution.sort_spill_reservation_bytes", reserve)
        .set_str("datafusion.execution.spill_compression", "lz4_frame");
    let session = SessionContext::new_with_config_rt(config, environment);
    register_store(&session, store);
    Ok(session)
}
