//! `runs/`: what may differ between two runs of the same plan, one file a run.

use std::{
    sync::atomic::Ordering,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use gristmill_shard::{Store, layout};
use serde_json::json;

use crate::{Result, progress::Progress};

/// Measures a run.
pub(crate) struct RunLog {
    wall: SystemTime,
    started: Instant,
}

impl RunLog {
    pub(crate) fn start() -> Self {
        RunLog {
            wall: SystemTime::now(),
            started: Instant::now(),
        }
    }

    /// Writes the run's file. Its name is its start and the process, so that runs do not meet.
    pub(crate) async fn write(&self, store: &Store, progress: &Progress, threads: usize) -> Result<()> {
        let milliseconds = self
            .wall
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let value = json!({
            "started_unix_ms": milliseconds as u64,
            "seconds": self.started.elapsed().as_secs_f64(),
            "threads": threads,
            "process": std::process::id(),
            "gristmill": env!("CARGO_PKG_VERSION"),
            "bytes_read": progress.bytes_read.load(Ordering::Relaxed),
            "records_read": progress.records.load(Ordering::Relaxed),
        });
        let name = format!("{}/{milliseconds}-{}.json", layout::RUNS, std::process::id());
        Ok(store.put(&name, format!("{value:#}\n").into()).await?)
    }
}
