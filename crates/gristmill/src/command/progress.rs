//! The progress display: a few lines that redraw on a terminal, a plain line now and then elsewhere, JSON
//! lines on request.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use gristmill_engine::{Event, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::{
    run::describe,
    screen::{Screen, bytes, escaped, grouped},
};

/// Between two redraws of a terminal.
const REDRAW: Duration = Duration::from_millis(200);
/// Between two plain or JSON lines.
const LINE: Duration = Duration::from_secs(10);
/// Verdicts that the display has room for.
const VERDICTS: usize = 4;

/// Shows what a run does until it is stopped.
pub(crate) struct Display {
    kind: Kind,
    started: Instant,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
enum Kind {
    Bar(ProgressBar),
    Lines,
    Json,
}

impl Display {
    pub(crate) fn start(screen: &Screen, progress: Arc<Progress>) -> Self {
        let kind = if screen.json {
            Kind::Json
        } else if screen.redraws() {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            let style =
                ProgressStyle::with_template("{bar:30} {percent:>3}%  {msg}").expect("a constant template");
            bar.set_style(style);
            Kind::Bar(bar)
        } else {
            Kind::Lines
        };
        let started = Instant::now();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (kind, stop) = (kind.clone(), stop.clone());
            move || watch(&kind, &progress, started, &stop)
        });
        Display {
            kind,
            started,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn event(&self, event: &Event) {
        let (text, value) = describe(event);
        match &self.kind {
            Kind::Bar(bar) => bar.println(escaped(&text)),
            Kind::Lines => line(&escaped(&text)),
            Kind::Json => line(&value.to_string()),
        }
    }

    /// Ends the display; gives the seconds that it ran.
    pub(crate) fn stop(mut self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
        if let Kind::Bar(bar) = &self.kind {
            bar.finish_and_clear();
        }
        self.started.elapsed().as_secs_f64()
    }
}

fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn watch(kind: &Kind, progress: &Progress, started: Instant, stop: &AtomicBool) {
    let pause = if matches!(kind, Kind::Bar(_)) {
        REDRAW
    } else {
        LINE
    };
    loop {
        std::thread::park_timeout(pause);
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let read = progress.bytes_read.load(Ordering::Relaxed);
        let total = progress.bytes_total.load(Ordering::Relaxed);
        let records = progress.records.load(Ordering::Relaxed);
        let seconds = started.elapsed().as_secs_f64();
        let rate = read as f64 / seconds;
        // What earlier runs did counts as passed, but not for the rate.
        let passed = read.max(progress.bytes_done.load(Ordering::Relaxed)).min(total);
        let left = total.saturating_sub(passed);
        // Segments behind the first read what the first wrote; how long they take is not known from the input.
        let eta = (rate > 0.0 && left > 0).then(|| (left as f64 / rate) as u64);
        let slices = (
            progress.slices_done.load(Ordering::Relaxed),
            progress.slices_total.load(Ordering::Relaxed),
        );
        let memory = resident_bytes();
        let mut verdicts: Vec<(String, u64)> = Vec::new();
        for (rule, rows) in progress.verdicts() {
            match verdicts.iter_mut().find(|(name, _)| *name == rule.name) {
                Some((_, known)) => *known += rows,
                None => verdicts.push((rule.name.clone(), rows)),
            }
        }
        if let Kind::Json = kind {
            let verdicts: serde_json::Map<_, _> = verdicts
                .into_iter()
                .map(|(name, rows)| (name, json!(rows)))
                .collect();
            line(&json!({
                "event": "progress", "seconds": seconds, "bytes_read": read, "bytes_total": total, "records": records,
                "slices_done": slices.0, "slices_total": slices.1, "eta_seconds": eta, "memory_bytes": memory, "verdicts": verdicts,
            }).to_string());
            continue;
        }
        verdicts.retain(|(_, rows)| *rows > 0);
        verdicts.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let most: Vec<_> = verdicts
            .iter()
            .take(VERDICTS)
            .map(|(name, rows)| format!("{name} {}", grouped(*rows)))
            .collect();
        let text = format!(
            "{} of {} at {}/s, {} left; {} records, slice {} of {}; {} memory{}",
            bytes(passed),
            bytes(total),
            bytes(rate as u64),
            eta.map_or_else(|| "?".to_owned(), duration),
            grouped(records),
            slices.0,
            slices.1,
            memory.map_or_else(|| "?".to_owned(), bytes),
            if most.is_empty() {
                String::new()
            } else {
                format!("; left at {}", most.join(", "))
            }
        );
        match kind {
            Kind::Bar(bar) => {
                bar.set_length(total.max(1));
                bar.set_position(passed);
                bar.set_message(text);
            }
            _ => line(&text),
        }
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Resident memory of this process, where the system says it (Linux).
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}
