//! CPU time of decoding and measuring.
//!
//! ```text
//! cargo run --release -p gristmill-audio --example audio_speed -- [--repeats N] [--json] FILE...
//! ```
//!
//! Prints how many times faster than real time one thread is by CPU time, for each file: reading its header facts, decoding,
//! decoding with each group of measures, and with all of them. With `--json` an object a file.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    env,
    error::Error,
    fs,
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

use arrow_array::{ArrayRef, BinaryViewArray, StringViewArray};
use gristmill_audio::{SIGNALS, Sound, probe};
use gristmill_core::{Limits, media};
use serde_json::{Map, Value};

/// Measures that one meter gives, and the name of the group.
const GROUPS: [(&str, &[&str]); 10] = [
    ("levels", &["audio_rms_dbfs"]),
    ("true peak", &["audio_true_peak_dbtp"]),
    ("loudness", &["audio_loudness_lufs"]),
    ("silence", &["audio_silence_share"]),
    ("spectrum", &["audio_bandwidth_hz"]),
    ("speech", &["audio_speech_share"]),
    ("fingerprint", &["audio_fingerprint"]),
    ("sample hash", &["audio_sample_hash"]),
    (
        "levels, loudness, silence, spectrum",
        &[
            "audio_rms_dbfs",
            "audio_loudness_lufs",
            "audio_silence_share",
            "audio_bandwidth_hz",
        ],
    ),
    ("all measures", &[]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = Vec::new();
    let (mut repeats, mut is_json) = (3u32, false);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--repeats" => repeats = arguments.next().ok_or("--repeats N")?.parse()?,
            "--json" => is_json = true,
            _ => paths.push(argument),
        }
    }
    let limits = Limits::default();
    for path in paths {
        let bytes = fs::read(&path)?;
        let (header, _) = probe(&bytes, &limits).map_err(|fault| fault.to_string())?;
        let seconds = header.seconds.ok_or("no duration")?;
        let mut found = Map::new();
        let mut report = |step: &str, work: &mut dyn FnMut()| {
            work();
            // The clock may tick as slowly as every 4 ms: enough repeats that it can measure them.
            let (start, mut count) = (cpu_time(), 0);
            while count < repeats || (cpu_time() - start).as_secs_f64() < 0.2 {
                work();
                count += 1;
            }
            let mean = (cpu_time() - start).as_secs_f64() / f64::from(count);
            found.insert(step.to_owned(), (seconds / mean).round().into());
        };
        report("header", &mut || {
            let _ = black_box(probe(&bytes, &limits));
        });
        report("decode", &mut || {
            let Ok(mut sound) = Sound::open(&bytes, &limits) else {
                return;
            };
            while let Ok(Some(block)) = sound.next_block() {
                black_box(block);
            }
        });
        let signal = SIGNALS[0];
        let file = file(&bytes);
        for (name, wanted) in GROUPS {
            let all: Vec<&str> = signal.card().outputs.iter().map(|column| column.name).collect();
            let wanted = if wanted.is_empty() { &all[..] } else { wanted };
            report(name, &mut || {
                let _ = black_box(signal.measure(std::slice::from_ref(&file), wanted));
            });
        }
        if is_json {
            found.insert("path".to_owned(), path.into());
            println!("{}", Value::Object(found));
        } else {
            println!(
                "{path}: {seconds:.1} s of {} at {} Hz",
                header.codec.name(),
                header.sample_rate
            );
            for (step, speed) in &found {
                println!("{step:>36} {speed:>8} x");
            }
        }
    }
    Ok(())
}

/// The column of a file.
fn file(bytes: &[u8]) -> ArrayRef {
    media(
        BinaryViewArray::from(vec![bytes]),
        StringViewArray::from(vec!["a"]),
    )
}

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
