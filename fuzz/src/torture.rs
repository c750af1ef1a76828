//! Torture: every file of some folders through every door, under limits of memory and time, and a table of what became of them.
//!
//! A child process takes the files one after the other and tells of each on a line; one that dies or hangs is replaced by one
//! that goes on behind the file that it was at. So a table always comes out, and what is counted as a crash would have cost a
//! run its process.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write},
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use gristmill_fuzz::{FINE, TARGETS, Target, outcomes, seeds};

use super::{ALLOCATOR, GUARD, Result, SLOW, cpu_time, note_panics, target, words_of};

/// The verb of the child.
pub(crate) const CHILD: &str = "torture-child";
/// What a child says of a file that panicked where no barrier caught it.
const PANIC: &str = "panic";

/// What became of the files of a door.
#[derive(Default)]
struct Row {
    files: usize,
    /// Files by what was said of them first; a file of several records may be fine and have faults.
    outcomes: BTreeMap<String, usize>,
    slowest: (Duration, String),
    largest: (usize, String),
    slow: usize,
    /// Files that killed the process, hung or panicked.
    crashes: Vec<String>,
}

/// Puts every file below these folders, or below the fixtures, through every door. Whether nothing crashed.
pub(crate) fn torture(folders: &[&str]) -> Result<bool> {
    let folders = match folders {
        [] => vec![seeds::fixtures()],
        folders => folders.iter().map(PathBuf::from).collect(),
    };
    let mut files = Vec::new();
    for folder in &folders {
        seeds::below(folder, &mut files)?;
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("no files in {folders:?}").into());
    }
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let list = env::temp_dir().join(format!("gristmill-torture-{}", std::process::id()));
    fs::write(&list, names.join("\n"))?;
    println!(
        "{} files, each through every door; at most {} s and {} MiB\n",
        files.len(),
        GUARD.as_secs(),
        super::MEMORY >> 20
    );
    println!(
        "{:18} {:>7} {:>7} {:>7}  {:>9} {:>9}  faults by kind",
        "door", "files", "fine", "crashes", "slowest", "largest"
    );
    let mut doors: Vec<&Target> = Vec::new();
    for target in TARGETS {
        // Several targets are one door with other seeds.
        if doors
            .iter()
            .all(|door| !std::ptr::fn_addr_eq(door.run, target.run))
        {
            doors.push(target);
        }
    }
    let mut all = Row::default();
    for door in doors {
        let row = through(door, &names, &list)?;
        print(door.name, &row);
        all.add(row);
    }
    print("all", &all);
    println!(
        "\nslowest: {:.2} s of CPU time, {}",
        all.slowest.0.as_secs_f64(),
        all.slowest.1
    );
    println!("largest: {} MiB at once, {}", all.largest.0 >> 20, all.largest.1);
    println!("above {:.1} s: {}", SLOW.as_secs_f64(), all.slow);
    all.crashes.iter().for_each(|crash| println!("crash: {crash}"));
    fs::remove_file(&list)?;
    Ok(all.crashes.is_empty())
}

fn print(name: &str, row: &Row) {
    let faults = row.outcomes.iter().filter(|(kind, _)| *kind != FINE);
    let faults: Vec<String> = faults.map(|(kind, files)| format!("{kind} {files}")).collect();
    println!(
        "{name:18} {:7} {:7} {:7}  {:7.2} s {:5} MiB  {}",
        row.files,
        row.outcomes.get(FINE).copied().unwrap_or(0),
        row.crashes.len(),
        row.slowest.0.as_secs_f64(),
        row.largest.0 >> 20,
        faults.join(", ")
    );
}

impl Row {
    fn add(&mut self, other: Row) {
        self.files += other.files;
        self.slow += other.slow;
        for (kind, files) in other.outcomes {
            *self.outcomes.entry(kind).or_default() += files;
        }
        self.slowest = std::mem::take(&mut self.slowest).max(other.slowest);
        self.largest = std::mem::take(&mut self.largest).max(other.largest);
        self.crashes.extend(other.crashes);
    }
}

/// All files through one door, by as many children as that takes.
fn through(door: &Target, names: &[String], list: &PathBuf) -> Result<Row> {
    let mut row = Row::default();
    while row.files < names.len() {
        let mut child = Command::new(env::current_exe()?)
            .args([CHILD, door.name])
            .arg(list)
            .arg(row.files.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let (sender, told) = mpsc::channel();
        let reader = thread::spawn(move || {
            lines
                .map_while(std::result::Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        // The largest is known since the child began: only what is more than before is told of a file.
        let mut before = 0;
        while row.files < names.len() {
            let Ok(line) = told.recv_timeout(GUARD) else { break };
            let mut fields = line.split('\t');
            let mut number = || {
                fields
                    .next()
                    .and_then(|field| field.parse::<usize>().ok())
                    .unwrap_or(0)
            };
            let (microseconds, bytes) = (number(), number());
            let name = &names[row.files];
            let took = Duration::from_micros(microseconds as u64);
            row.slow += usize::from(took > SLOW);
            row.slowest = std::mem::take(&mut row.slowest).max((took, name.clone()));
            if bytes > before {
                row.largest = std::mem::take(&mut row.largest).max((bytes, name.clone()));
                before = bytes;
            }
            for kind in fields {
                if kind == PANIC {
                    row.crashes.push(format!("{}: {name}", door.name));
                }
                *row.outcomes.entry(kind.to_owned()).or_default() += 1;
            }
            row.files += 1;
        }
        if row.files < names.len() {
            row.crashes.push(format!(
                "{}: {} (the process died or hung)",
                door.name, names[row.files]
            ));
            row.files += 1;
        }
        child.kill()?;
        child.wait()?;
        let _ = reader.join();
    }
    Ok(row)
}

/// Takes files from a list through a door, from this number on, and tells of each: microseconds, bytes, kinds of outcomes.
pub(crate) fn child(name: &str, list: &str, from: &str) -> Result<bool> {
    let door = target(name)?;
    let list = fs::read_to_string(list)?;
    let place = note_panics();
    let mut out = std::io::stdout();
    for file in list.lines().skip(from.parse()?) {
        let bytes = fs::read(file)?;
        let begin = cpu_time();
        let is_bad = panic::catch_unwind(AssertUnwindSafe(|| (door.run)(&bytes))).is_err();
        let took = cpu_time().saturating_sub(begin);
        let mut kinds = outcomes();
        if is_bad {
            eprintln!("{}", words_of(place));
            kinds.push(PANIC.to_owned());
        }
        kinds.sort_unstable();
        kinds.dedup();
        let kinds: String = kinds.iter().map(|kind| format!("\t{kind}")).collect();
        writeln!(out, "{}\t{}{kinds}", took.as_micros(), ALLOCATOR.max_allocated())?;
        out.flush()?;
    }
    Ok(true)
}
