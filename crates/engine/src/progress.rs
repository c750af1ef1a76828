//! What a run has done so far, for whoever shows it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
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
}

impl Progress {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        Progress {
            rules: rules.to_vec(),
            verdicts: rules.iter().map(|_| AtomicU64::new(0)).collect(),
            ..Progress::default()
        }
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
