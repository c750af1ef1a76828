//! What a run has done so far, for whoever shows it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gristmill_shard::Rule;

/// Counters of a run. They grow while it runs and are exact when it ends, but for work that a resumed run skipped.
#[derive(Debug, Default)]
pub struct Progress {
    /// Stored bytes read from the input.
    pub bytes_read: Arc<AtomicU64>,
    /// Stored bytes of all slices.
    pub bytes_total: AtomicU64,
    /// Stored bytes of slices that are done, those of earlier attempts included.
    pub bytes_done: AtomicU64,
    /// Records read.
    pub records: AtomicU64,
    /// Slices done, those of earlier attempts included.
    pub slices_done: AtomicU64,
    /// Slices of the current phase.
    pub slices_total: AtomicU64,
    /// Shards written.
    pub shards: AtomicU64,
    rules: Vec<Rule>,
    verdicts: Vec<AtomicU64>,
    steps: Mutex<Vec<Arc<StepCost>>>,
    slices: Mutex<Vec<SliceTime>>,
}

/// What a step cost so far, on all threads together.
#[derive(Debug, Default)]
pub struct StepCost {
    /// The step of the recipe, and what is done in it.
    pub name: String,
    cpu_nanoseconds: AtomicU64,
    rows: AtomicU64,
}

/// How long a slice took.
#[derive(Debug, Clone)]
pub(crate) struct SliceTime {
    pub(crate) slice: u32,
    /// The object that it begins with; none behind the first segment.
    pub(crate) object: Option<String>,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
}

impl StepCost {
    /// Does a part of the step's work, for that many rows, and counts the processor time of this thread.
    pub(crate) fn count<T>(&self, rows: usize, work: impl FnOnce() -> T) -> T {
        let before = thread_time();
        let result = work();
        let spent = thread_time().saturating_sub(before).as_nanos() as u64;
        self.cpu_nanoseconds.fetch_add(spent, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        result
    }

    /// Processor time. What codecs spend in processes of their own is not in it.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_nanoseconds.load(Ordering::Relaxed))
    }

    /// Rows of the batches that it worked on.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}

/// The processor time of this thread.
fn thread_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// The most memory that this process had at once, where the system tells it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// The processor time of this process.
pub(crate) fn process_time() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

impl Progress {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        Progress {
            rules: rules.to_vec(),
            verdicts: rules.iter().map(|_| AtomicU64::new(0)).collect(),
            ..Progress::default()
        }
    }

    /// The name of the step that reads objects, which comes first.
    pub(crate) const READ: &'static str = "read";

    /// The counter of a step, which is made the first time that it is asked for.
    pub(crate) fn step(&self, name: &str) -> Arc<StepCost> {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = steps.iter().find(|step| step.name == name) {
            return known.clone();
        }
        let step = Arc::new(StepCost {
            name: name.to_owned(),
            ..StepCost::default()
        });
        steps.push(step.clone());
        step
    }

    /// What each step cost so far, in the order of the plan.
    pub fn steps(&self) -> Vec<Arc<StepCost>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn took(&self, time: SliceTime) {
        self.slices
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(time);
    }

    /// The slices that took longest.
    pub(crate) fn slowest(&self, most: usize) -> Vec<SliceTime> {
        let mut slices = self.slices.lock().unwrap_or_else(PoisonError::into_inner).clone();
        slices.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then(a.slice.cmp(&b.slice)));
        slices.truncate(most);
        slices
    }

    pub(crate) fn leave(&self, rule: u32, rows: u64) {
        self.verdicts[rule as usize].fetch_add(rows, Ordering::Relaxed);
    }

    /// Rows that left so far, by rule, in the order of the recipe; doors of faults are called `fault`.
    pub fn verdicts(&self) -> Vec<(&Rule, u64)> {
        self.rules
            .iter()
            .zip(self.verdicts.iter().map(|rows| rows.load(Ordering::Relaxed)))
            .collect()
    }
}
