//! Speed of decoding: megapixels of the stored picture per second of CPU time.
//!
//! ```text
//! cargo run --release -p gristmill-image --example decode_speed -- [--repeats N | --hashes] FILES...
//! ```
//!
//! Prints a line for each format: files, megapixels, and the speed of reading headers (files per second), of decoding
//! at full size, of decoding for a longer side of at least 512 pixels, and of making the thumbnail as the extractor does.
//! With `--hashes` it prints a line for each file instead: its path and the hash of its pixels as stored, or the fault. Builds that
//! differ in codecs can so be compared.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

use std::{
    collections::BTreeMap,
    env, fs,
    sync::LazyLock,
    time::{Duration, Instant},
};

use gristmill_core::Limits;
use gristmill_image::{ImageFormat, Scale, Thumbnail, decode, decode_as_stored, probe};
use xxhash_rust::xxh3::xxh3_64;

/// Headers are read this often, since once is faster than the clock.
const PROBES: u32 = 2000;

#[derive(Default)]
struct Sums {
    files: usize,
    faults: usize,
    megapixels: f64,
    probe: Duration,
    full: Duration,
    scaled: Duration,
    thumbnail: Duration,
}

fn main() {
    let mut files: Vec<String> = env::args().skip(1).collect();
    let mut repeats = 1;
    let limits = Limits::default();
    if files.first().is_some_and(|argument| argument == "--hashes") {
        for path in &files[1..] {
            match decode_as_stored(&fs::read(path).unwrap(), &limits) {
                Ok(decoded) => println!("{path} {:016x}", xxh3_64(&decoded.picture.pixels)),
                Err(fault) => println!("{path} {fault}"),
            }
        }
        return;
    }
    if files.first().is_some_and(|argument| argument == "--repeats") {
        repeats = files[1].parse().unwrap();
        files.drain(..2);
    }
    let mut formats: BTreeMap<&str, Sums> = BTreeMap::new();
    for path in &files {
        let bytes = fs::read(path).unwrap();
        let Some(format) = ImageFormat::of(&bytes) else {
            println!("no image: {path}");
            continue;
        };
        let sums = formats.entry(format.name()).or_default();
        let Ok(decoded) = decode(&bytes, Scale::Full, &limits) else {
            sums.faults += 1;
            continue;
        };
        sums.files += 1;
        sums.megapixels += f64::from(decoded.header.width) * f64::from(decoded.header.height) / 1e6;
        for _ in 0..repeats {
            sums.probe += timed(|| (0..PROBES).for_each(|_| drop(probe(&bytes, &limits))));
            sums.full += timed(|| drop(decode(&bytes, Scale::Full, &limits)));
            sums.scaled += timed(|| drop(decode(&bytes, Scale::LongestAtLeast(512), &limits)));
            sums.thumbnail += timed(|| {
                let decoded = decode(&bytes, Scale::LongestAtMost(512), &limits);
                drop(decoded.map(|decoded| Thumbnail::of(decoded.picture)));
            });
        }
    }
    println!("format  files faults      MP  probe/s  full MP/s  scaled MP/s  thumbnail MP/s");
    for (name, sums) in &formats {
        let speed = |time: Duration| sums.megapixels * f64::from(repeats) / time.as_secs_f64();
        println!(
            "{name:7} {:5} {:6} {:7.1} {:8.0} {:10.1} {:12.1} {:15.1}",
            sums.files,
            sums.faults,
            sums.megapixels,
            sums.files as f64 * f64::from(repeats * PROBES) / sums.probe.as_secs_f64(),
            speed(sums.full),
            speed(sums.scaled),
            speed(sums.thumbnail)
        );
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = cpu_time();
    run();
    cpu_time() - start
}

/// CPU time of all threads where Linux tells it, else the time since the first call. A codec may use those of a pool.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| {
        let schedule = fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedule.split(' ').next()?.parse::<u64>().ok()
    });
    match times.sum::<u64>() {
        0 => START.elapsed(),
        nanoseconds => Duration::from_nanos(nanoseconds),
    }
}
