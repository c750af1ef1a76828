//! Fuzzes on the stable toolchain.
//!
//! ```text
//! cargo run --profile fuzz -p gristmill-fuzz -- list
//! cargo run --profile fuzz -p gristmill-fuzz -- TARGET|all [--seconds N] [--seeds FOLDER] [--findings FOLDER] [--from NUMBER]
//! cargo run --profile fuzz -p gristmill-fuzz -- replay TARGET FILES...
//! cargo run --profile fuzz -p gristmill-fuzz -- reduce TARGET FILE
//! cargo run --profile fuzz -p gristmill-fuzz -- torture FOLDER...
//! ```
//!
//! A child process does the work and writes down the number of each input before it runs, so that the parent knows
//! which one a dead or hanging child was at; it keeps that input and starts another child behind it. A panic is caught
//! and kept by the child. Of panics at one place only the first is kept.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a program for contributors is for"
)]

mod torture;

use std::{
    collections::HashSet,
    env,
    fs::{self, File},
    io::Read,
    os::unix::fs::FileExt,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    sync::{LazyLock, Mutex},
    thread,
    time::{Duration, Instant},
};

use cap::Cap;
use gristmill_fuzz::{
    TARGETS, Target, change, find,
    findings::{Kind, keep, reduced},
    seeds,
};

/// What the program may have allocated at once.
const MEMORY: usize = 1 << 30;
/// How long an input may take by the clock, which goes on while others have the machine.
const GUARD: Duration = Duration::from_secs(60);
/// CPU time from which on an input is slow.
const SLOW: Duration = Duration::from_millis(2500);
/// Number of the first input of a run; another one gives other inputs.
const NUMBER: u64 = 0;

#[global_allocator]
static ALLOCATOR: Cap<std::alloc::System> = Cap::new(std::alloc::System, MEMORY);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [] | ["--help" | "-h"] => {
            println!(
                "gristmill-fuzz list | TARGET|all [--seconds N] [--seeds FOLDER] [--findings FOLDER] [--from NUMBER] | replay TARGET FILES... | reduce TARGET FILE | torture FOLDER..."
            );
            Ok(true)
        }
        ["list"] => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            Ok(true)
        }
        ["replay", name, ref files @ ..] => replay(name, files),
        ["reduce", name, file] => reduce(name, file),
        ["torture", ref folders @ ..] => torture::torture(folders),
        [torture::CHILD, name, list, from] => torture::child(name, list, from),
        [name, ref rest @ ..] => Options::read(rest).and_then(|options| match name {
            "all" => {
                let mut is_clean = true;
                for target in TARGETS {
                    is_clean &= watch(target, &options)?;
                }
                Ok(is_clean)
            }
            _ => watch(target(name)?, &options),
        }),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn target(name: &str) -> Result<&'static Target> {
    find(name).ok_or_else(|| format!("no target {name:?}; `list` has them").into())
}

struct Options {
    /// CPU time of the inputs.
    seconds: f64,
    seeds: Option<PathBuf>,
    findings: PathBuf,
    from: u64,
    /// Where the child of a run writes what it does.
    log: Option<PathBuf>,
}

impl Options {
    fn read(arguments: &[&str]) -> Result<Options> {
        let mut options = Options {
            seconds: 60.0,
            seeds: None,
            findings: Path::new(env!("CARGO_MANIFEST_DIR")).join("findings"),
            from: NUMBER,
            log: None,
        };
        for pair in arguments.chunks(2) {
            match *pair {
                ["--seconds", value] => options.seconds = value.parse()?,
                ["--seeds", value] => options.seeds = Some(value.into()),
                ["--findings", value] => options.findings = value.into(),
                ["--from", value] => options.from = value.parse()?,
                ["--log", value] => options.log = Some(value.into()),
                _ => return Err(format!("what is {pair:?}?").into()),
            }
        }
        Ok(options)
    }
}

/// Runs a target until its time is over, with children. Whether there was no finding.
fn watch(target: &Target, options: &Options) -> Result<bool> {
    if let Some(log) = &options.log {
        return work(target, options, log);
    }
    let all = seeds::of(target, &seeds::fixtures(), options.seeds.as_deref())?;
    let log = env::temp_dir().join(format!("gristmill-fuzz-{}-{}", std::process::id(), target.name));
    let (mut from, mut findings, mut executions, mut spent) = (options.from, 0, 0, 0.0);
    while spent < options.seconds {
        let begin = Note {
            number: from,
            ..Note::default()
        };
        fs::write(&log, begin.to_bytes())?;
        let mut command = Command::new(env::current_exe()?);
        command.args([
            target.name,
            "--seconds",
            &(options.seconds - spent).to_string(),
            "--from",
            &from.to_string(),
        ]);
        command
            .arg("--findings")
            .arg(&options.findings)
            .arg("--log")
            .arg(&log);
        if let Some(seeds) = &options.seeds {
            command.arg("--seeds").arg(seeds);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        // The pipe is emptied beside, or the child would wait at a full one.
        let mut pipe = child.stderr.take().expect("stderr is piped");
        let words = thread::spawn(move || {
            let mut words = Vec::new();
            let _ = pipe.read_to_end(&mut words);
            words
        });
        let (mut last, mut since) = (u64::MAX, Instant::now());
        let (status, is_late) = loop {
            if let Some(status) = child.try_wait()? {
                break (Some(status), false);
            }
            let note = Note::read(&log)?;
            if note.number != last {
                (last, since) = (note.number, Instant::now());
            } else if since.elapsed() > GUARD {
                child.kill()?;
                child.wait()?;
                break (None, true);
            }
            thread::sleep(Duration::from_millis(50));
        };
        let words = words.join().unwrap_or_default();
        let note = Note::read(&log)?;
        executions += note.done;
        findings += note.panics;
        spent += note.spent.as_secs_f64();
        from = note.number + 1;
        if status.is_some_and(|status| status.success()) {
            continue;
        }
        findings += 1;
        let kind = if is_late { Kind::Slow } else { Kind::Crash };
        // What it was at took CPU time that nobody told.
        spent += since.elapsed().as_secs_f64();
        let input = change::input(&all, note.number);
        let path = keep(&options.findings, target.name, kind, &input)?;
        let words = String::from_utf8_lossy(&words);
        let last = words
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        println!(
            "{}: {} at {}: {last}: {}",
            target.name,
            kind.name(),
            note.number,
            path.display()
        );
    }
    fs::remove_file(&log)?;
    println!(
        "{:20} {:4} seeds {executions:9} executions in {spent:4.0} CPU s {findings:3} findings, up to number {from}",
        target.name,
        all.len(),
    );
    Ok(findings == 0)
}

/// What a child tells its parent, in a file of as many bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Note {
    /// The input that is at work.
    number: u64,
    /// How many are done.
    done: u64,
    /// How many of them panicked or were slow.
    panics: u64,
    /// CPU time of those.
    spent: Duration,
}

impl Note {
    fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let numbers = [self.number, self.done, self.panics, self.spent.as_nanos() as u64];
        for (to, number) in bytes.as_chunks_mut().0.iter_mut().zip(numbers) {
            *to = number.to_le_bytes();
        }
        bytes
    }

    fn read(log: &Path) -> Result<Note> {
        let mut bytes = [0; 32];
        File::open(log)?.read_exact_at(&mut bytes, 0)?;
        let (numbers, _) = bytes.as_chunks();
        let [number, done, panics, spent] = [0, 1, 2, 3].map(|at| u64::from_le_bytes(numbers[at]));
        let spent = Duration::from_nanos(spent);
        Ok(Note {
            number,
            done,
            panics,
            spent,
        })
    }
}

/// The child's part of [`watch`].
fn work(target: &Target, options: &Options, log: &Path) -> Result<bool> {
    let all = seeds::of(target, &seeds::fixtures(), options.seeds.as_deref())?;
    let log = File::options().write(true).open(log)?;
    let place = note_panics();
    let mut note = Note {
        number: options.from,
        ..Note::default()
    };
    let mut met = HashSet::new();
    for number in options.from.. {
        if note.spent.as_secs_f64() >= options.seconds {
            break;
        }
        let input = change::input(&all, number);
        note.number = number;
        log.write_all_at(&note.to_bytes(), 0)?;
        let begin = cpu_time();
        let is_bad = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err();
        let took = cpu_time() - begin;
        note.done += 1;
        note.spent += took;
        if took > SLOW {
            note.panics += 1;
            keep(&options.findings, target.name, Kind::Slow, &input)?;
        }
        let line = || words_of(place).split(": ").next().map(str::to_owned);
        if is_bad && met.insert(line()) {
            note.panics += 1;
            let path = keep(&options.findings, target.name, Kind::Panic, &input)?;
            fs::write(path.with_extension("txt"), words_of(place))?;
        }
    }
    log.write_all_at(&note.to_bytes(), 0)?;
    Ok(true)
}

/// Where the last panic was that no decoder's barrier caught, and what it said. A hook cannot tell those that are caught
/// below from those that are not: the last one is the one that came through.
fn note_panics() -> &'static Mutex<String> {
    static PLACE: Mutex<String> = Mutex::new(String::new());
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let words = info.payload_as_str().unwrap_or("no message");
        if let Ok(mut last) = PLACE.lock() {
            // What a fault says of a panic comes behind the panic itself.
            let before = if words.starts_with("internal") && !last.contains(": internal") {
                format!("{last}\n")
            } else {
                String::new()
            };
            *last = format!("{before}{place}: {words}");
        }
    }));
    &PLACE
}

/// CPU time of this thread where Linux tells it (some kernels say 0), else time by the clock.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    let told = nanoseconds.filter(|nanoseconds| *nanoseconds > 0);
    told.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn words_of(place: &Mutex<String>) -> String {
    place.lock().map(|words| words.clone()).unwrap_or_default()
}

/// Runs a target with files. Whether it copes with all.
fn replay(name: &str, files: &[&str]) -> Result<bool> {
    let target = target(name)?;
    let place = note_panics();
    let mut is_clean = true;
    for file in files.iter().filter(|file| !file.ends_with(".txt")) {
        let bytes = fs::read(file)?;
        let start = cpu_time();
        let is_bad = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))).is_err();
        let seconds = (cpu_time() - start).as_secs_f64();
        let words = if is_bad {
            words_of(place)
        } else {
            "as it should be".to_owned()
        };
        println!("{file}: {} bytes, {:.3} s, {words}", bytes.len(), seconds);
        is_clean &= !is_bad;
    }
    Ok(is_clean)
}

/// Writes a smaller file that panics at the same place, beside the file.
fn reduce(name: &str, file: &str) -> Result<bool> {
    let target = target(name)?;
    let place = note_panics();
    let bytes = fs::read(file)?;
    let panics_at = |input: &[u8]| {
        panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input))).err()?;
        let words = words_of(place);
        Some(words.split(": ").next().unwrap_or_default().to_owned())
    };
    let Some(expected) = panics_at(&bytes) else {
        return Err(format!("{file} does not panic").into());
    };
    let smaller = reduced(&bytes, 20_000, |input| {
        panics_at(input).as_ref() == Some(&expected)
    });
    let path = format!("{file}.reduced");
    fs::write(&path, &smaller)?;
    println!(
        "{path}: {} of {} bytes, {}",
        smaller.len(),
        bytes.len(),
        words_of(place)
    );
    Ok(true)
}
