//! What it costs that videos are decoded by workers.
//!
//! ```text
//! cargo run --release -p gristmill-video --example worker_cost -- [--json] [--restarts N] [--rounds N] FILES...
//! ```
//!
//! Restarts: milliseconds from a request that crashes its decoder, and the successor that is asked once more, to the next answer.
//! Overhead: the signal `keyframes` of each file by a process that decodes itself and by one that lets a worker decode, in turns; CPU
//! time of all their processes, the median of the rounds.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

mod support;

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    process::{self, Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use gristmill_video::{CODECS, EXTRACTORS, SIGNALS};
use gristmill_worker::{Codec, Workers, serve, use_workers};
use serde_json::json;

/// Ends by a signal.
const CRASH: Codec = Codec {
    id: 100,
    run: |_, _| process::abort(),
};
/// Between two crashes: files that are decoded.
const PAUSE: Duration = Duration::from_millis(300);

fn main() {
    let mut arguments = env::args().skip(1);
    let (mut is_json, mut restarts, mut rounds, mut files) = (false, 20, 7, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().unwrap().parse::<usize>().unwrap();
        match argument.as_str() {
            "codec-worker" => {
                let codecs: Vec<Codec> = CODECS.iter().copied().chain([CRASH]).collect();
                serve(&codecs, io::stdin().lock(), io::stdout().lock()).unwrap();
                return;
            }
            "here" => return measure(),
            "there" => {
                let _ = use_workers(workers());
                return measure();
            }
            "--json" => is_json = true,
            "--restarts" => restarts = number(),
            "--rounds" => rounds = number(),
            _ => files.push(argument),
        }
    }
    let mut times = restart(restarts);
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() as f64 - 1.0) * share).round() as usize);
    let (middle, high, longest) = (at(0.5), at(0.9), at(1.0));
    if is_json {
        println!("{}", json!({"restarts": times}));
    } else if let (Some(middle), Some(high), Some(longest)) = (middle, high, longest) {
        println!("restart: median {middle:.1} ms, nine of ten within {high:.1} ms, longest {longest:.1} ms");
    }
    if rounds == 0 {
        return;
    }
    let (mut here, mut there) = (Side::start("here"), Side::start("there"));
    for file in files {
        let mut pairs: Vec<(f64, f64)> = (0..=rounds)
            .map(|_| (here.measure(&file), there.measure(&file)))
            .collect();
        // The first starts the worker.
        pairs.remove(0);
        let (own, by_worker) = (
            median(pairs.iter().map(|pair| pair.0)),
            median(pairs.iter().map(|pair| pair.1)),
        );
        let ratio = median(pairs.iter().map(|pair| pair.1 / pair.0));
        if is_json {
            println!(
                "{}",
                json!({"path": file, "here": own, "by_worker": by_worker, "ratio": ratio})
            );
        } else {
            println!(
                "{:+6.1} % (median of pairs {:+.1} %), {own:.4} s here, {by_worker:.4} s by a worker  {file}",
                (by_worker / own - 1.0) * 100.0,
                (ratio - 1.0) * 100.0
            );
        }
    }
}

fn workers() -> Workers {
    Workers::new(env::current_exe().unwrap(), ["codec-worker"])
}

/// Milliseconds of each restart.
fn restart(count: usize) -> Vec<f64> {
    let workers = workers();
    let times = (0..count).map(|_| {
        workers.check().unwrap();
        thread::sleep(PAUSE);
        let start = Instant::now();
        workers.call(CRASH.id, &[b"x"], 10).unwrap_err();
        workers.check().unwrap();
        start.elapsed().as_secs_f64() * 1e3
    });
    times.collect()
}

/// A process of this example that measures files when it is told to.
struct Side {
    _process: Child,
    files: ChildStdin,
    seconds: BufReader<ChildStdout>,
}

impl Side {
    fn start(how: &str) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .arg(how)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Side {
            files: process.stdin.take().unwrap(),
            seconds: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
        }
    }

    /// Seconds of CPU time.
    fn measure(&mut self, file: &str) -> f64 {
        writeln!(self.files, "{file}").unwrap();
        let mut line = String::new();
        self.seconds.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

/// Measures files whose names come in, and tells the CPU time of each.
fn measure() {
    let signal = SIGNALS
        .iter()
        .find(|signal| signal.card().name == "keyframes")
        .unwrap();
    let wanted: Vec<&str> = signal.card().outputs.iter().map(|output| output.name).collect();
    for path in io::stdin().lock().lines() {
        let video = EXTRACTORS[0]
            .extract(&support::record(&path.unwrap()), &[])
            .unwrap();
        let start = support::cpu_nanoseconds();
        signal.measure(&video.columns[..1], &wanted).unwrap();
        let spent = (support::cpu_nanoseconds() - start) as f64 / 1e9;
        println!("{spent}");
        io::stdout().flush().unwrap();
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
