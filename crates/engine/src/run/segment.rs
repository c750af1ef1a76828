//! One segment after the other, slices of a segment side by side.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use datafusion::physical_plan::{ExecutionPlan, collect, displayable};
use gristmill_core::Edit;
use gristmill_dedup::DOCUMENT_COLUMN;
use gristmill_shard::{
    Account, Created, RejectMode, ShardEntry, ShardExec, ShardOptions, ShardOutput, ShardTable, ShardTarget,
    SliceRecord, layout, slice_record,
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{Event, Outcome, Run};
use crate::{
    Error, Result, Runtime,
    input::{Input, Slice},
    node::{self, Asking, Fetcher, Measurer, Members, Memory, Nodes, RouteExec, SieveExec, StageExec, scan},
    plan::{Op, PlanOutput, PlanStep, Segment},
    progress::{Progress, SliceTime},
    registry::find_edit,
};

/// What a slice of any segment reads.
#[derive(Clone)]
pub(crate) enum Work {
    /// Ranges of source objects.
    Source(Slice),
    /// Files that the segment before staged.
    Staged {
        files: Vec<ShardEntry>,
        slices: (u32, u32),
    },
}

impl Work {
    fn bytes(&self) -> u64 {
        match self {
            Work::Source(slice) => slice.bytes(),
            Work::Staged { files, .. } => files.iter().map(|file| file.bytes).sum(),
        }
    }

    fn first_object(&self, input: &Input) -> Option<String> {
        match self {
            Work::Source(slice) => {
                let (object, _) = slice.ranges.first()?;
                Some(input.objects[*object].snapshot.uri.clone())
            }
            Work::Staged { .. } => None,
        }
    }
}

impl Run {
    /// Runs all segments and publishes.
    pub(crate) async fn segments(
        self,
        slices: &[Slice],
        runtime: &Runtime,
        events: &(dyn Fn(Event) + Send + Sync),
    ) -> Result<Outcome> {
        let run = Arc::new(self);
        run.progress.step(Progress::READ);
        let records = run.committed().await?;
        if !records.is_empty() {
            events(Event::Resumed {
                slices: records.len() as u64,
            });
        }
        let mut account: Option<Account> = None;
        let mut all: Vec<SliceRecord> = Vec::new();
        let mut work: Vec<Work> = slices.iter().cloned().map(Work::Source).collect();
        let mut first = 0;
        for number in 0..run.plan.segments.len() {
            events(Event::Segment {
                number,
                slices: work.len() as u64,
            });
            let done = run.segment(number, first, &work, &records, runtime).await?;
            let missing = (work.len() - done.len()) as u64;
            if missing > 0 {
                return Ok(Outcome::Waiting {
                    segment: number,
                    slices: missing,
                });
            }
            let mut phase = Account::default();
            done.iter().for_each(|record| phase.add(&record.account));
            match &mut account {
                None => account = Some(phase),
                Some(account) => account
                    .then(&phase)
                    .map_err(|message| Error::Failed(format!("the account does not add up: {message}")))?,
            }
            first += work.len() as u32;
            if number + 1 < run.plan.segments.len() {
                events(Event::Dedup);
                run.compare_documents(number, &done).await?;
                work = bundle(&done, run.shards.shard_bytes);
            }
            all.extend(done);
        }
        run.publish(account.unwrap_or_default(), &all, events).await
    }

    /// The records of slices that earlier attempts committed.
    async fn committed(&self) -> Result<BTreeMap<u32, SliceRecord>> {
        let records = SliceRecord::all(&self.store).await?;
        Ok(records.into_iter().map(|record| (record.slice, record)).collect())
    }

    /// Runs the slices of a segment that are this run's share and not committed yet; gives the records of all
    /// that are committed then, in order.
    async fn segment(
        self: &Arc<Self>,
        number: usize,
        first: u32,
        work: &[Work],
        committed: &BTreeMap<u32, SliceRecord>,
        runtime: &Runtime,
    ) -> Result<Vec<SliceRecord>> {
        let progress = &self.progress;
        progress.slices_total.store(work.len() as u64, Ordering::Relaxed);
        progress.slices_done.store(0, Ordering::Relaxed);
        let target = Arc::new(self.target(number));
        let is_mine = |slice: u32| self.share.is_none_or(|share| share.has(slice));
        let todo = (first..first + work.len() as u32)
            .filter(|slice| is_mine(*slice) && !committed.contains_key(slice))
            .count();
        // Slices are the first source of parallelism; where there are fewer than threads, batches are the second.
        let width = self.threads.div_ceil(todo.clamp(1, self.threads)).max(1) + 1;
        let gate = Arc::new(Semaphore::new(self.threads));
        let mut tasks: JoinSet<Result<SliceRecord>> = JoinSet::new();
        let mut done = BTreeMap::new();
        for (index, work) in work.iter().enumerate() {
            let slice = first + index as u32;
            if let Some(record) = committed.get(&slice) {
                self.note(number, record);
                done.insert(slice, record.clone());
                continue;
            }
            if !is_mine(slice) {
                continue;
            }
            // Waiting here keeps the number of prepared slices small; a failure ends the wait.
            let permit = loop {
                tokio::select! {
                    permit = gate.clone().acquire_owned() => break permit.expect("the gate stays open"),
                    Some(result) = tasks.join_next() => self.take(result, number, &mut done)?,
                }
            };
            let (run, target, work) = (self.clone(), target.clone(), work.clone());
            tasks.spawn_on(
                async move {
                    let record = run.slice(number, slice, &work, target, width).await;
                    drop(permit);
                    record
                },
                runtime.streams(),
            );
        }
        while let Some(result) = tasks.join_next().await {
            self.take(result, number, &mut done)?;
        }
        if done.len() < work.len() {
            // Others did their shares in the meantime, perhaps.
            let theirs = self.committed().await?;
            let slices = first..first + work.len() as u32;
            for (slice, record) in theirs.range(slices) {
                done.entry(*slice).or_insert_with(|| {
                    self.note(number, record);
                    record.clone()
                });
            }
        }
        Ok(done.into_values().collect())
    }

    fn take(
        &self,
        result: Result<Result<SliceRecord>, tokio::task::JoinError>,
        number: usize,
        done: &mut BTreeMap<u32, SliceRecord>,
    ) -> Result<()> {
        let record = result.map_err(|error| Error::Failed(format!("a slice failed: {error}")))??;
        self.note(number, &record);
        done.insert(record.slice, record);
        Ok(())
    }

    fn note(&self, number: usize, record: &SliceRecord) {
        self.progress.slices_done.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            self.progress
                .bytes_done
                .fetch_add(record.input_bytes, Ordering::Relaxed);
        }
        if number + 1 == self.plan.segments.len() {
            self.progress
                .shards
                .fetch_add(record.shards.len() as u64, Ordering::Relaxed);
        }
    }

    /// What the shard node of a segment writes.
    fn target(&self, number: usize) -> ShardTarget {
        let is_last = number + 1 == self.plan.segments.len();
        let next_input = |number: usize| {
            let fields = self.plan.segments[number + 1].input.fields();
            fields
                .iter()
                .map(|field| field.name().clone())
                .filter(|name| name != DOCUMENT_COLUMN)
                .collect()
        };
        ShardTarget {
            store: self.store.clone(),
            outputs: if is_last {
                self.data_outputs()
            } else {
                vec![ShardOutput {
                    chain: None,
                    modality: None,
                    folder: layout::stage(number),
                    columns: next_input(number),
                }]
            },
            document_column: (!is_last).then(|| DOCUMENT_COLUMN.to_owned()),
            options: if is_last {
                self.shards.clone()
            } else {
                ShardOptions {
                    shard_bytes: 1 << 30,
                    ..self.shards.staged()
                }
            },
            rules: self.plan.rules.clone(),
            rejects: self.recipe.write.rejects,
            phase: number as u32,
        }
    }

    /// The folders of the last segment: one for each chain.
    fn data_outputs(&self) -> Vec<ShardOutput> {
        let outputs = &self.plan.outputs;
        let of_chain = |(chain, output): (u8, &PlanOutput)| ShardOutput {
            chain: self.plan.is_routed().then_some(chain),
            modality: Some(output.modality.to_owned()),
            folder: layout::data(output.modality),
            columns: output.columns.clone(),
        };
        (0_u8..).zip(outputs).map(of_chain).collect()
    }

    /// Runs one slice and commits its record.
    async fn slice(
        &self,
        number: usize,
        slice: u32,
        work: &Work,
        target: Arc<ShardTarget>,
        width: usize,
    ) -> Result<SliceRecord> {
        let segment = &self.plan.segments[number];
        let scanned = Arc::new(AtomicU64::new(0));
        let started = Instant::now();
        let (source, members) = match work {
            Work::Source(ranges) => {
                let members = Members {
                    memory: match &self.recalling {
                        Some(recalling) => Memory::new(recalling.slice(slice).await?)?,
                        None => Memory::default(),
                    },
                    ..Members::default()
                };
                (scan(&self.scan, ranges, scanned.clone()), members)
            }
            Work::Staged { files, slices } => {
                let members = self.members(number - 1, *slices).await?;
                let staged = ShardTable::new(&self.store, files, segment.input.clone());
                (staged.read(), members)
            }
        };
        let plan = self.chain(source, segment, &Arc::new(members), width)?;
        let shard = Arc::new(ShardExec::new(plan.clone(), target, slice, work.bytes()));
        let batches = collect(shard, self.session.task_ctx()).await?;
        let [batch] = batches.as_slice() else {
            return Err(Error::Failed(format!(
                "the shard node returned {} batches instead of 1",
                batches.len()
            )));
        };
        let record = slice_record(batch)?;
        let account = &record.account;
        let read = scanned.load(Ordering::Relaxed);
        if !account.adds_up() || (number == 0 && read != account.read) {
            return Err(Error::Failed(format!(
                "the account of slice {slice} does not add up: the scan read {read} records, {} arrived and {} were born, {} were kept, {} left at rules, {} with faults",
                account.read,
                account.born,
                account.kept,
                account.rejected(),
                account.faulty()
            )));
        }
        self.progress.took(SliceTime {
            slice,
            object: work.first_object(&self.input),
            bytes: work.bytes(),
            rows: account.read,
            seconds: started.elapsed().as_secs_f64(),
        });
        match self
            .store
            .create(&layout::slice_record(slice), record.to_json())
            .await?
        {
            Created::Now => Ok(record),
            Created::Before(bytes) => {
                let theirs = SliceRecord::from_json(&bytes)?;
                if theirs != record {
                    return Err(Error::Failed(format!(
                        "another run gave other rows for slice {slice}; this is a bug: please report it with {}/{}",
                        self.store.uri(),
                        layout::slice_record(slice)
                    )));
                }
                Ok(record)
            }
        }
    }

    /// DataFusion's plan of a segment, over a source without objects.
    pub(crate) fn physical_plan(&self, number: usize) -> Result<String> {
        let segment = &self.plan.segments[number];
        let source = match number {
            0 => scan(&self.scan, &Slice { ranges: Vec::new() }, Arc::default()),
            _ => ShardTable::new(&self.store, [], segment.input.clone()).read(),
        };
        let plan = self.chain(source, segment, &Arc::default(), 1)?;
        let shard = ShardExec::new(plan, Arc::new(self.target(number)), 0, 0);
        Ok(displayable(&shard).indent(false).to_string())
    }

    /// The nodes of a segment on top of its source.
    pub(crate) fn chain(
        &self,
        source: Arc<dyn ExecutionPlan>,
        segment: &Segment,
        members: &Arc<Members>,
        width: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plan = source;
        if !matches!(segment.steps.first().map(|step| &step.op), Some(Op::Sieve(_))) {
            // Staged rows are all alive; stages want to read that from the rows.
            let fields = plan
                .schema()
                .fields()
                .iter()
                .map(|field| field.as_ref().clone())
                .chain(Op::Sieve(vec![]).outputs())
                .collect::<Vec<_>>();
            let schema = Arc::new(datafusion::arrow::datatypes::Schema::new(fields));
            plan = Arc::new(SieveExec::new(
                &self.session,
                plan,
                None,
                &[],
                schema,
                self.progress.clone(),
                Asking::Once,
            )?);
        }
        self.nodes(plan, &segment.steps, members, width)
    }

    /// The nodes of some steps on top of what comes before them in their segment.
    pub(super) fn nodes(
        &self,
        mut plan: Arc<dyn ExecutionPlan>,
        steps: &[PlanStep],
        members: &Arc<Members>,
        width: usize,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        for step in steps {
            let output = step.output.clone();
            plan = match &step.op {
                Op::Sieve(doors) => {
                    let asking = match self.recipe.write.rejects {
                        _ if self.asks_all => Asking::All,
                        RejectMode::Counts => Asking::Once,
                        _ => Asking::KeepValues,
                    };
                    let sieve = SieveExec::new(
                        &self.session,
                        plan,
                        step.chain,
                        doors,
                        output,
                        self.progress.clone(),
                        asking,
                    )?;
                    Arc::new(sieve.redacting(self.redactions(step.chain)))
                }
                Op::Route(chains) => Arc::new(RouteExec::new(plan, Arc::new(chains.clone()), output)),
                op => {
                    let nodes = match op {
                        Op::Nodes(op) => {
                            let fetcher = Fetcher::new(self.scan.clone());
                            Some(Nodes::new(&self.session, op, fetcher)?)
                        }
                        _ => None,
                    };
                    let stage = match op {
                        Op::States(states) => {
                            let measurer = Measurer::new(states.clone(), self.progress.clone());
                            node::Work::measuring(op.clone(), output, measurer)
                        }
                        op => node::Work::new(step.chain, op.clone(), output, members.clone(), nodes),
                    };
                    let cost = self.progress.step(&format!("{}: {op:?}", step.label));
                    Arc::new(StageExec::new(plan, stage, self.pool.clone(), width, cost))
                }
            };
        }
        Ok(plan)
    }
}

impl Run {
    /// The redactions of a chain, wherever they stand in it.
    fn redactions(&self, chain: Option<u8>) -> Vec<&'static dyn Edit> {
        let steps = self.plan.segments.iter().flat_map(|segment| &segment.steps);
        let edits = steps
            .filter(|step| step.chain == chain)
            .filter_map(|step| match step.op {
                Op::Edit(edit) => Some(edit),
                _ => None,
            });
        let redactions = self.scan.registry.redactions;
        edits
            .filter(|edit| find_edit(redactions, edit.card().name).is_some())
            .collect()
    }
}

/// Bundles staged slices until a bundle has a shard's size.
fn bundle(done: &[SliceRecord], shard_bytes: u64) -> Vec<Work> {
    let mut work: Vec<Work> = Vec::new();
    for record in done {
        match work.last_mut() {
            Some(Work::Staged {
                files: bundled,
                slices,
            }) if bundled.iter().map(|file| file.bytes).sum::<u64>() < shard_bytes => {
                bundled.extend_from_slice(&record.shards);
                slices.1 = record.slice;
            }
            _ => work.push(Work::Staged {
                files: record.shards.clone(),
                slices: (record.slice, record.slice),
            }),
        }
    }
    work
}
