//! `runs/`: what may differ between two runs of the same plan, one file a run.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use gristmill_shard::{Store, layout};
use serde_json::json;

use crate::{
    Result,
    progress::{Progress, peak_memory, process_time},
};

/// Slices that are told.
const SLOWEST: usize = 20;

/// Measures a run.
pub(crate) struct RunLog {
    wall: SystemTime,
    started: Instant,
    cpu: Duration,
}

impl RunLog {
    pub(crate) fn start() -> Self {
        RunLog {
            wall: SystemTime::now(),
            started: Instant::now(),
            cpu: process_time(),
        }
    }

    /// Writes the run's file. Its name is its start and the process, so that runs do not meet.
    pub(crate) async fn write(&self, store: &Store, progress: &Progress, threads: usize) -> Result<()> {
        let milliseconds = self
            .wall
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let steps = progress.steps();
        let steps = steps.iter().map(
            |step| json!({ "step": step.name, "cpu_seconds": step.cpu().as_secs_f64(), "rows": step.rows() }),
        );
        let slowest = progress.slowest(SLOWEST);
        let slowest = slowest.iter().map(|slice| {
            json!({
                "slice": slice.slice, "object": slice.object, "bytes": slice.bytes, "rows": slice.rows, "seconds": slice.seconds,
            })
        });
        let value = json!({
            "started_unix_ms": milliseconds as u64,
            "seconds": self.started.elapsed().as_secs_f64(),
            "threads": threads,
            "process": std::process::id(),
            "gristmill": env!("CARGO_PKG_VERSION"),
            "bytes_read": progress.bytes_read.load(Ordering::Relaxed),
            "records_read": progress.records.load(Ordering::Relaxed),
            "cpu_seconds": (process_time().saturating_sub(self.cpu)).as_secs_f64(),
            "peak_memory_bytes": peak_memory(),
            "steps": steps.collect::<Vec<_>>(),
            "slowest_slices": slowest.collect::<Vec<_>>(),
        });
        let name = format!("{}/{milliseconds}-{}.json", layout::RUNS, std::process::id());
        Ok(store.put(&name, format!("{value:#}\n").into()).await?)
    }
}
