//! Damaged and lying files: read, probed, decoded without a panic, a hang, or more memory than their size allows.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that tells when it is skipped"
)]

mod support;

use std::{
    fs,
    time::{Duration, Instant},
};

use gristmill_core::{Fault, FaultKind, Limits};
use gristmill_video::{Policy, Probe, at_samples, read, subtitle};

/// Longest that reading a damaged file of 200 kB may take.
const READ: Duration = Duration::from_secs(2);
/// Files above this are not damaged: their decoding takes long.
const BYTES_MAX: usize = 200_000;

/// xorshift: the same damage on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// A damaged copy: a few bytes changed, or the end cut, or a part taken out.
fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = bytes.to_vec();
    match random.below(4) {
        0 => out.truncate(random.below(bytes.len())),
        1 => {
            let from = random.below(bytes.len());
            let to = (from + random.below(64)).min(bytes.len());
            out.drain(from..to);
        }
        // Heads are where lengths and counts stand.
        2 => {
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len().min(2048));
                out[at] = random.next() as u8;
            }
        }
        _ => {
            for _ in 0..=random.below(12) {
                let at = random.below(bytes.len());
                out[at] = if random.below(3) == 0 {
                    0xff
                } else {
                    random.next() as u8
                };
            }
        }
    }
    out
}

#[test]
fn damaged_files_are_read_without_harm() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let limits = Limits::default();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut turns = 0;
    for (entry, bytes) in entries.iter().filter(|(_, bytes)| bytes.len() <= BYTES_MAX) {
        for _ in 0..60 {
            let file = damaged(bytes, &mut random);
            let start = Instant::now();
            let result = read(&file, &limits).and_then(|film| Probe::of(&film));
            assert!(start.elapsed() < READ, "{}: {:?}", entry["path"], start.elapsed());
            if let Err(fault) = result {
                assert_ne!(fault.kind, FaultKind::Internal, "{}: {fault}", entry["path"]);
            }
            turns += 1;
        }
    }
    println!("{turns} damaged files");
}

#[test]
fn damaged_files_are_decoded_without_harm() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let limits = Limits::default();
    let mut random = Random(0x1234_5678_9abc_def1);
    let policy = Policy::FirstMiddleLast;
    let mut faults = 0;
    let mut turns = 0;
    for (entry, bytes) in entries.iter().filter(|(_, bytes)| bytes.len() <= BYTES_MAX) {
        for _ in 0..3 {
            let file = damaged(bytes, &mut random);
            let Ok(film) = read(&file, &limits) else {
                continue;
            };
            let Some(track) = film.video() else {
                continue;
            };
            let start = Instant::now();
            let choice = policy.choose(track);
            let result = at_samples(&film, track, &choice.places, &limits, |_| ());
            assert!(start.elapsed() < Duration::from_secs(60), "{}", entry["path"]);
            faults += usize::from(result.is_err());
            turns += 1;
        }
    }
    println!("{turns} damaged files, {faults} without a frame");
}

/// A file that makes another reader of MP4 loop for ever.
#[test]
fn a_box_that_holds_itself_ends() {
    let path = support::fixtures().join("media/regress/mp4_zero_child_hang.mp4");
    let Ok(bytes) = fs::read(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let start = Instant::now();
    let _ = read(&bytes, &Limits::default());
    assert!(start.elapsed() < Duration::from_secs(1));
}

fn check(bytes: &[u8], limits: &Limits, expected: &str) {
    let fault = read(bytes, limits).and_then(|film| Probe::of(&film)).unwrap_err();
    assert!(fault.to_string().starts_with(expected), "{fault}");
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes(), kind.as_slice(), body].concat()
}

/// A movie whose only track says that it has `count` samples of `length` bytes.
fn lying(count: u32, length: u32) -> Vec<u8> {
    let number = |value: u32| value.to_be_bytes();
    let size = boxed(b"stsz", &[number(0), number(length), number(count)].concat());
    let chunk = boxed(
        b"stsc",
        &[number(0), number(1), number(1), number(count), number(1)].concat(),
    );
    let offset = boxed(b"stco", &[number(0), number(1), number(0)].concat());
    let steps = boxed(
        b"stts",
        &[number(0), number(1), number(count), number(1)].concat(),
    );
    let entry = boxed(b"avc1", &[0; 78]);
    let description = boxed(b"stsd", &[number(0).as_slice(), &number(1), &entry].concat());
    let table = boxed(b"stbl", &[description, size, chunk, offset, steps].concat());
    let handler = boxed(b"hdlr", &[[0; 8].as_slice(), b"vide", &[0; 13]].concat());
    let mut header = [0; 24];
    header[12..16].copy_from_slice(&number(25));
    let media = boxed(
        b"mdia",
        &[boxed(b"mdhd", &header), handler, boxed(b"minf", &table)].concat(),
    );
    let track = boxed(b"trak", &[boxed(b"tkhd", &[0; 84]), media].concat());
    [boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"moov", &track)].concat()
}

#[test]
fn counts_are_not_believed() {
    let limits = Limits::default();
    // No sample that is told of lies in the file, and none takes memory.
    let start = Instant::now();
    let file = lying(u32::MAX, 1000);
    let film = read(&file, &limits).unwrap();
    assert!(film.video().unwrap().samples.is_empty());
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn what_is_no_video_says_so() {
    let limits = Limits::default();
    check(b"", &limits, "truncated: no bytes");
    check(b"hello", &limits, "unsupported: bytes begin like no video");
    check(b"OggS\0\0\0\0", &limits, "unsupported: Ogg");
    check(
        &boxed(b"ftyp", b"isom\0\0\0\0"),
        &limits,
        "malformed: no moov box",
    );
    check(
        &[&boxed(b"ftyp", b"isom\0\0\0\0")[..], &[0, 1, 0, 0], b"mdat"].concat(),
        &limits,
        "truncated",
    );
    check(&[0x1a, 0x45, 0xdf, 0xa3, 0x80], &limits, "malformed: no segment");
}

#[test]
fn damaged_subtitles_are_parsed_without_harm() {
    let text =
        "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\n<i>a &amp; é</i>\n\n00:03.000 --> 00:04.000\n{\\an8}b\n";
    let mut random = Random(7);
    for _ in 0..2000 {
        let bytes = damaged(text.as_bytes(), &mut random);
        let text = String::from_utf8_lossy(&bytes);
        let _ = (subtitle::parse_srt(&text), subtitle::parse_vtt(&text));
    }
}

#[test]
fn a_fault_has_a_kind() {
    let fault: Fault = read(b"RIFF\0\0\0\0WAVE", &Limits::default()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unsupported);
}
