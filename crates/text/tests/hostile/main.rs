//! Pages and texts that are made to hurt: every extractor, signal, edit and redaction ends without a panic, and what it
//! gives is bounded by what it was given.
//!
//! That time grows with the length and not with its square is measured by tests that are ignored, since clocks of busy
//! machines lie:
//!
//! ```text
//! cargo test --release -p gristmill-text --test hostile -- --ignored --nocapture --test-threads 1
//! ```

// Helpers of tests are not tests to clippy, and a skipped test says so.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod pages;
mod texts;

use std::{
    fs,
    sync::LazyLock,
    time::{Duration, Instant},
};

/// A name, and a maker of input of about so many bytes.
type Case = (&'static str, fn(usize) -> String);

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// CPU time of one call.
fn time(work: impl FnOnce()) -> Duration {
    let start = cpu_time();
    work();
    cpu_time() - start
}

/// How many times longer the long inputs are that growth is measured by.
const LONGER: usize = 16;

/// Complains of work that takes more than four times its share when there is [`LONGER`] times as much of it: tables that
/// outgrow the caches cost twice as much an entry, a square takes 256 times as long. The kernel counts in steps of some
/// milliseconds, so less than one is none.
fn check_growth(what: &str, short: Duration, long: Duration, slow: &mut Vec<String>) {
    let share = LONGER as u32 * short.max(Duration::from_millis(4));
    if long > 4 * share {
        slow.push(format!("{what}: {short:.1?}, {LONGER} times as much {long:.1?}"));
    }
}

#[test]
fn a_square_is_slow_and_a_line_is_not() {
    let mut slow = Vec::new();
    let milliseconds = Duration::from_millis;
    check_growth("line", milliseconds(10), milliseconds(160), &mut slow);
    check_growth("noise", milliseconds(0), milliseconds(60), &mut slow);
    assert!(slow.is_empty(), "{slow:?}");
    check_growth("square", milliseconds(10), milliseconds(2_560), &mut slow);
    assert_eq!(slow.len(), 1);
}
