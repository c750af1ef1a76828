//! Damaged files: they end in faults or in what can still be decoded, soon, and never in a panic.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use gristmill_audio::{Sound, probe};
use gristmill_core::{Fault, FaultKind, Limits};

use support::{Numbers, fixtures, manifest};

/// Longest that a damaged copy may take.
const TIME: Duration = Duration::from_secs(5);
/// Copies of each file.
const COPIES: usize = 12;

fn limits() -> Limits {
    Limits {
        audio_frames: 20_000_000,
        ..Limits::default()
    }
}

/// Decodes all of a file; the frames of its blocks are as many as it says.
fn read(bytes: &[u8]) -> Result<u64, Fault> {
    let mut sound = Sound::open(bytes, &limits())?;
    let channels = usize::from(sound.header().channels);
    let mut frames = 0;
    while let Some(block) = sound.next_block()? {
        assert_eq!(block.channels(), channels);
        assert!(block.planes().iter().all(|plane| plane.len() == block.frames()));
        assert!(
            block.planes().iter().flatten().all(|sample| sample.is_finite()),
            "a sample is no number"
        );
        frames += block.frames() as u64;
    }
    assert_eq!(frames, sound.frames());
    Ok(frames)
}

fn check(name: &str, bytes: &[u8]) -> Option<Fault> {
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _ = probe(bytes, &limits());
        read(bytes)
    }));
    assert!(start.elapsed() < TIME, "{name} takes {:?}", start.elapsed());
    match result {
        Ok(Ok(_)) => None,
        Ok(Err(fault)) => Some(fault),
        Err(_) => panic!("{name} panics"),
    }
}

#[test]
fn damaged_files_do_not_panic() {
    let Some((folder, entries)) = manifest() else {
        return;
    };
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut faults, mut internal, mut count) = (0, Vec::new(), 0);
    for entry in entries
        .iter()
        .filter(|entry| entry["bytes"].as_u64().is_some_and(|bytes| bytes < 60_000))
    {
        let path = entry["path"].as_str().unwrap();
        let bytes = fs::read(folder.join(path)).unwrap();
        for copy in 0..COPIES {
            let mut damaged = bytes.clone();
            match copy % 4 {
                0 => damaged.truncate(numbers.below(bytes.len())),
                // Headers are where most can be broken.
                1 => {
                    for _ in 0..1 + numbers.below(4) {
                        let at = numbers.below(bytes.len().min(400));
                        damaged[at] = numbers.next() as u8;
                    }
                }
                2 => {
                    for _ in 0..1 + numbers.below(40) {
                        let at = numbers.below(bytes.len());
                        damaged[at] ^= 1 << numbers.below(8);
                    }
                }
                _ => {
                    let (from, length) = (numbers.below(bytes.len()), numbers.below(2000));
                    let to = (from + length).min(bytes.len());
                    let fill = [0, 0xff, 0x80][numbers.below(3)];
                    damaged[from..to].fill(fill);
                }
            }
            count += 1;
            let name = format!("copy {copy} of {path}");
            if let Some(fault) = check(&name, &damaged) {
                faults += 1;
                if fault.kind == FaultKind::Internal {
                    internal.push(format!("{name}: {fault}"));
                }
            }
        }
    }
    println!(
        "{count} copies, {faults} with faults, {} internal",
        internal.len()
    );
    internal.iter().for_each(|line| println!("{line}"));
    assert!(count > 2000 && faults > count / 20, "{faults} faults of {count}");
}

#[test]
fn files_that_hang_others_end() {
    let folder = fixtures().join("media/regress");
    let Ok(entries) = fs::read_dir(&folder) else {
        println!("skipped: no {}", folder.display());
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        check(&path.display().to_string(), &fs::read(&path).unwrap());
    }
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    // Boxes, chunks, pages and elements that say they are as long as can be.
    let cases: [&[u8]; 8] = [
        b"\0\0\0\x08ftyp\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff",
        b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff\x01\0\x02\0\x44\xac\0\0",
        b"FORM\xff\xff\xff\xffAIFFCOMM\xff\xff\xff\xff\0\x02\xff\xff\xff\xff\0\x10",
        b"caff\0\x01\0\0desc\xff\xff\xff\xff\xff\xff\xff\xff",
        b"fLaC\x84\xff\xff\xff\xff\xff\xff\xff",
        b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff",
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xfe",
        b"ID3\x04\0\0\x7f\x7f\x7f\x7fTIT2\x7f\x7f\x7f\x7f",
    ];
    for bytes in cases {
        assert!(read(bytes).is_err(), "{}", bytes.escape_ascii());
    }
    // A sound of as many frames as a frame of 20 bytes can say, again and again.
    let limits = Limits {
        audio_frames: 100_000,
        ..Limits::default()
    };
    let file = support::wav(&[vec![0.0; 200_000]], 8000);
    let mut sound = Sound::open(&file, &limits).unwrap();
    let fault = loop {
        match sound.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the limit does not hold"),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.to_string(), "limit: sound of more than 100000 frames");
}
