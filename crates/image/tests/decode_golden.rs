//! Real files of many makers against what other decoders made of them.
//!
//! `valid` files have to decode to the same size, number of frames and colours; files that the other decoders refuse
//! have to give a fault or a picture that is marked as truncated; the others must not crash. Colours are compared as
//! means of 8 by 8 cells, stored colours against stored colours.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that prints a table"
)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use gristmill_core::{Fault, FaultKind, Limits};
use gristmill_image::{Channels, ColorMode, Decoded, ImageFormat, Picture, Scale, decode, decode_as_stored};
use serde_json::Value;

/// How many files of a format may disagree. Which ones is printed. They are:
///
/// - GIF: a first frame that does not fill the screen. What it leaves open is transparent here, as in browsers, and of the
///   background colour there; and a screen stays as large as it says.
/// - ICO: among pictures of one size that with the most bits is taken here, the first one there; cursors have no mask there.
/// - JPEG: pictures in which bytes are missing or damaged are marked here.
/// - PNG: of three animations with palettes the cells are those of a later frame.
/// - TGA: opacity that the header does not tell of, or of one bit.
/// - TIFF: planar YCbCr, LZW of the old style, JPEG of the old style in less than the full range; predictors of 12 bits;
///   signed samples of 8 bits, which are shifted here; a file that was turned before it was compared; a fax with damaged
///   rows, which is marked here; a damaged one.
/// - HEIC: sizes are those before turning here; pictures of a file are counted as frames there; one has a broken primary picture.
/// - JPEG XL: one in grey with a profile of its own, one that its own library refuses, and one whose layers blend otherwise.
const MAY_DISAGREE: &[(ImageFormat, usize)] = &[
    (ImageFormat::Gif, 6),
    (ImageFormat::Heic, 5),
    (ImageFormat::Ico, 5),
    (ImageFormat::Jpeg, 2),
    (ImageFormat::JpegXl, 3),
    (ImageFormat::Png, 3),
    (ImageFormat::Tga, 2),
    (ImageFormat::Tiff, 10),
];

/// Longest that a file may take, in seconds of CPU time.
const SECONDS: f64 = 5.0;

#[derive(Default)]
struct Tally {
    files: usize,
    decoded: usize,
    truncated: usize,
    faults: usize,
    valid: usize,
    disagree: usize,
}

#[test]
fn real_files_decode_as_elsewhere() {
    let Some((folder, lines)) = manifest() else {
        return;
    };
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut notes = Vec::new();
    let mut broken = Vec::new();
    for entry in &lines {
        let path = entry["path"].as_str().unwrap();
        let bytes = fs::read(folder.join(path)).unwrap();
        let name = ImageFormat::of(&bytes).map_or("(none)", ImageFormat::name);
        let start = cpu_seconds();
        let result = decode_as_stored(&bytes, &Limits::default());
        let upright = decode(&bytes, Scale::LongestAtMost(512), &Limits::default());
        let seconds = cpu_seconds() - start;
        assert_eq!(result.is_ok(), upright.is_ok(), "{path}: scales differ");
        let tally = tallies.entry(name).or_default();
        tally.files += 1;
        match &result {
            Ok(decoded) => {
                tally.decoded += 1;
                tally.truncated += usize::from(decoded.is_truncated);
            }
            Err(fault) => {
                tally.faults += 1;
                if fault.kind == FaultKind::Internal {
                    broken.push(format!("{path}: {fault}"));
                }
            }
        }
        if seconds > SECONDS {
            broken.push(format!("{path}: took {seconds:.1} s"));
        }
        let expected = &entry["expected"];
        let valid = expected["valid"].as_bool();
        tally.valid += usize::from(valid == Some(true));
        if let Some(problem) = disagreement(valid, expected, &result) {
            tally.disagree += 1;
            notes.push(format!("{name} {path}: {problem}"));
        }
    }
    notes.iter().for_each(|note| println!("{note}"));
    println!(
        "{:8} files  valid  decoded  truncated  faults  disagree",
        "format"
    );
    for (name, tally) in &tallies {
        println!(
            "{name:8} {:5} {:6} {:8} {:10} {:7} {:9}",
            tally.files, tally.valid, tally.decoded, tally.truncated, tally.faults, tally.disagree
        );
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    for (name, tally) in tallies.iter().filter(|(name, _)| **name != "(none)") {
        let allowed = MAY_DISAGREE.iter().find(|(format, _)| format.name() == *name);
        let allowed = allowed.map_or(0, |(_, count)| *count);
        assert!(
            tally.disagree <= allowed,
            "{name}: {} files disagree",
            tally.disagree
        );
    }
}

/// CPU time of this thread where Linux tells it, else 0: the clock would tell of whatever else the machine does.
fn cpu_seconds() -> f64 {
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule
        .split(' ')
        .next()
        .and_then(|field| field.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

/// What is wrong with `result`; none where it is as expected.
fn disagreement(valid: Option<bool>, expected: &Value, result: &Result<Decoded, Fault>) -> Option<String> {
    match (valid?, result) {
        (true, Err(fault)) => Some(fault.to_string()),
        (true, Ok(decoded)) => difference(expected, decoded),
        (false, Ok(decoded)) if !decoded.is_truncated => Some("decoded, but others refuse it".to_owned()),
        (false, _) => None,
    }
}

fn difference(expected: &Value, decoded: &Decoded) -> Option<String> {
    let number = |name: &str| expected[name].as_u64();
    let header = &decoded.header;
    for (name, value) in [
        ("width", header.width),
        ("height", header.height),
        ("frames", header.frames),
    ] {
        if number(name).is_some_and(|number| number != u64::from(value)) {
            return Some(format!("{name} of {value}, not {}", expected[name]));
        }
    }
    if (decoded.picture.width, decoded.picture.height) != (header.width, header.height) {
        return Some("picture is of another size than its header says".to_owned());
    }
    if decoded.is_truncated {
        return Some("marked as truncated".to_owned());
    }
    let grid = expected["grid8x8_rgba_hex"].as_str()?;
    let is_loose = header.mode == ColorMode::Cmyk
        || header.icc.is_some()
        || header.bit_depth > 8
        || matches!(header.format, ImageFormat::Hdr | ImageFormat::Exr);
    let bound = if is_loose { 12 } else { 6 };
    let worst = cells(&decoded.picture)
        .iter()
        .zip(grid.as_bytes().chunks(8))
        .map(|(cell, digits)| {
            let digits = u32::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
            far(*cell, digits.to_be_bytes())
        })
        .max()?;
    (worst > bound).then(|| format!("colours differ by {worst}"))
}

/// The largest difference of two cells. What nearly nobody sees may be of any colour.
fn far(cell: [u8; 4], expected: [u8; 4]) -> u8 {
    cell.iter()
        .zip(expected)
        .map(|(a, b)| a.abs_diff(b))
        .max()
        .unwrap_or(0)
}

/// Means of 64 cells, row by row, opacity apart from the colours.
fn cells(picture: &Picture) -> Vec<[u8; 4]> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let count = picture.channels.count();
    let bounds = |cell: usize, side: usize| {
        let from = (cell * side / 8).min(side - 1);
        from..((cell + 1) * side / 8).max(from + 1)
    };
    let cell = |row: usize, column: usize| {
        let mut sums = [0u64; 4];
        let mut pixels = 0;
        for y in bounds(row, height) {
            for x in bounds(column, width) {
                let pixel = &picture.pixels[(y * width + x) * count..][..count];
                let opacity = if picture.channels == Channels::Rgba {
                    pixel[3]
                } else {
                    255
                };
                for (sum, value) in sums.iter_mut().zip([pixel[0], pixel[1], pixel[2], opacity]) {
                    *sum += u64::from(value);
                }
                pixels += 1;
            }
        }
        sums.map(|sum| ((sum + pixels / 2) / pixels) as u8)
    };
    (0..64).map(|at| cell(at / 8, at % 8)).collect()
}

/// The folder of real files, and the lines about images; none where they are not there.
fn manifest() -> Option<(PathBuf, Vec<Value>)> {
    let fixtures = env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let folder = fixtures.join("real");
    let Ok(lines) = fs::read_to_string(folder.join("MANIFEST.jsonl")) else {
        println!("skipped: no {}", folder.display());
        return None;
    };
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let images = lines.filter(|entry| entry["kind"] == "image");
    Some((folder, images.collect()))
}
