//! Tests of AVIF, HEIC, JPEG XL and WebP with files that others made, and with damaged copies of them.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::{Duration, Instant},
};

use gristmill_core::{Fault, Limits};
use serde_json::Value;

use super::{avif, heic, jxl, raw::Raw, webp};
use crate::{Header, Orientation};

/// Longest time that a file may take, of the CPU where the system tells.
const TIME: Duration = Duration::from_secs(5);

struct Clock(Instant, Option<u64>);

impl Clock {
    fn start() -> Self {
        Clock(Instant::now(), nanoseconds())
    }

    fn elapsed(&self) -> Duration {
        match (self.1, nanoseconds()) {
            (Some(before), Some(after)) => Duration::from_nanos(after - before),
            _ => self.0.elapsed(),
        }
    }
}

/// CPU time of this thread.
fn nanoseconds() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The folder of real files; none, with a line that says so, where it is absent.
fn folder() -> Option<PathBuf> {
    let fixtures = std::env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures"),
        PathBuf::from,
    );
    let folder = fixtures.join("real");
    if !folder.join("MANIFEST.jsonl").is_file() {
        eprintln!("skipped: no {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Lines of the manifest for a format.
fn entries(folder: &std::path::Path, formats: &[&str]) -> Vec<Value> {
    let manifest = fs::read_to_string(folder.join("MANIFEST.jsonl")).unwrap();
    manifest
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|entry| entry["kind"] == "image" && formats.contains(&entry["format"].as_str().unwrap()))
        .collect()
}

fn read(format: &str, bytes: &[u8], limits: &Limits) -> Result<(Header, Raw), Fault> {
    match format {
        "avif" | "avifs" => Ok((avif::probe(bytes, limits)?, avif::decode(bytes, limits)?)),
        "jxl" => Ok((jxl::probe(bytes, limits)?, jxl::decode(bytes, limits)?)),
        "webp" => Ok((webp::probe(bytes, limits)?, webp::decode(bytes, limits)?)),
        _ => Ok((heic::probe(bytes, limits)?, heic::decode(bytes, limits)?)),
    }
}

/// Means of 8 x 8 cells in red, green, blue and opacity.
fn grid(raw: &Raw) -> Vec<[f64; 4]> {
    let channels = raw.layout.count();
    let (width, height) = (raw.width as usize, raw.height as usize);
    // Pixels belong to one cell each; of small pictures, some to more.
    let part = |length: usize, cell: usize| {
        let (start, end) = (cell * length / 8, (cell + 1) * length / 8);
        start..end.max(start + 1)
    };
    let mut cells = Vec::new();
    for row in 0..8 {
        for column in 0..8 {
            let (mut sum, mut count) = ([0.0; 4], 0.0);
            for y in part(height, row) {
                for x in part(width, column) {
                    let pixel = &raw.pixels[(y * width + x) * channels..][..channels];
                    let rgba = match *pixel {
                        [gray] => [gray, gray, gray, 255],
                        [gray, opacity] => [gray, gray, gray, opacity],
                        [red, green, blue] => [red, green, blue, 255],
                        [red, green, blue, opacity] => [red, green, blue, opacity],
                        _ => unreachable!("a pixel has 1 to 4 samples"),
                    };
                    for (sum, sample) in sum.iter_mut().zip(rgba) {
                        *sum += f64::from(sample);
                    }
                    count += 1.0;
                }
            }
            cells.push(sum.map(|sum| sum / count));
        }
    }
    cells
}

/// Turns the cells as a viewer turns the picture.
fn turned(cells: &[[f64; 4]], orientation: Orientation) -> Vec<[f64; 4]> {
    let at = |x: usize, y: usize| cells[y * 8 + x];
    let mut turned = Vec::new();
    for y in 0..8 {
        for x in 0..8 {
            turned.push(match orientation.exif() {
                2 => at(7 - x, y),
                3 => at(7 - x, 7 - y),
                4 => at(x, 7 - y),
                5 => at(y, x),
                6 => at(y, 7 - x),
                7 => at(7 - y, 7 - x),
                8 => at(7 - y, x),
                _ => at(x, y),
            });
        }
    }
    turned
}

/// What differs from what the reference decoder says.
fn differences(entry: &Value, header: &Header, raw: &Raw, is_turned: bool) -> Vec<String> {
    let expected = &entry["expected"];
    let mut found = Vec::new();
    let number = |name: &str| expected[name].as_u64().unwrap_or(0) as u32;
    let orientation = if is_turned {
        raw.orientation
    } else {
        Orientation::UPRIGHT
    };
    let (mut width, mut height) = (raw.width, raw.height);
    if orientation.swaps_sides() {
        (width, height) = (height, width);
    }
    if (width, height) != (number("width"), number("height")) {
        found.push(format!("size {width} x {height}"));
    }
    if (raw.width, raw.height) != (header.width, header.height) {
        found.push(format!("header {} x {}", header.width, header.height));
    }
    if !is_turned && header.frames != number("frames") {
        found.push(format!("{} frames", header.frames));
    }
    let hex = expected["grid8x8_rgba_hex"].as_str().unwrap_or_default();
    let samples: Vec<f64> = (0..hex.len() / 2)
        .map(|at| f64::from(u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()))
        .collect();
    let ours = turned(&grid(raw), orientation);
    let far = |(ours, theirs): (&[f64; 4], &[f64])| {
        let apart = ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| (ours - theirs).abs());
        apart.fold(0.0, f64::max)
    };
    let cells: Vec<f64> = ours.iter().zip(samples.chunks(4)).map(far).collect();
    let worst = cells.iter().copied().fold(0.0, f64::max);
    if let Some(at) = cells.iter().position(|cell| *cell == worst && worst > 6.0) {
        println!(
            "{}: cell {at} is {:?}, not {:?}",
            entry["path"],
            ours[at],
            &samples[4 * at..4 * at + 4]
        );
    }
    let allowed = if header.icc.is_some() || header.bit_depth > 8 {
        12.0
    } else {
        6.0
    };
    if worst > allowed {
        found.push(format!("grid differs by {worst:.1}"));
    }
    found
}

/// Reads all files of a format, and names those that are not as expected.
fn check(formats: &[&str], is_turned: bool, known: &[(&str, &str)]) {
    let Some(folder) = folder() else {
        return;
    };
    let limits = Limits::default();
    let mut found = BTreeMap::new();
    for entry in entries(&folder, formats) {
        let path = entry["path"].as_str().unwrap();
        let bytes = fs::read(folder.join(path)).unwrap();
        let start = Clock::start();
        let result = read(entry["format"].as_str().unwrap(), &bytes, &limits);
        let mut differs = match (&result, entry["expected"]["valid"].as_bool()) {
            (Ok((header, raw)), Some(true)) => differences(&entry, header, raw, is_turned),
            (Err(fault), Some(true)) => vec![fault.to_string()],
            (Ok((_, raw)), Some(false)) if !raw.is_truncated => vec!["damaged, and is decoded".to_owned()],
            _ => Vec::new(),
        };
        if start.elapsed() > TIME {
            differs.push(format!("takes {:?}", start.elapsed()));
        }
        if !differs.is_empty() {
            found.insert(path.rsplit('/').next().unwrap().to_owned(), differs.join(", "));
        }
    }
    let expected: BTreeMap<String, String> = known.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
    assert_eq!(found, expected);
}

#[test]
fn avif_files_look_as_in_the_reference() {
    check(&["avif", "avifs"], false, &[]);
}

#[test]
fn heic_files_look_as_in_the_reference() {
    let known = [
        // The reference shows the thumbnail, as the file names the picture by a wrong number; other tools do not.
        (
            "pillow_heif__invalid_id.heic",
            "size 1197 x 1227, grid differs by 130.1",
        ),
    ];
    check(&["heic", "heif", "hif"], true, &known);
}

#[test]
fn jpeg_xl_files_look_as_in_the_reference() {
    let known = [
        // Layers that are blended come out otherwise than in libjxl 0.7, whatever the options of the codec.
        ("conformance__blendmodes__input.jxl", "grid differs by 255.0"),
        // The reference gives the colours of the file's profile, the codec gives sRGB.
        ("conformance__grayscale__input.jxl", "grid differs by 72.4"),
        // Damage that the reference refuses and the codec can do without.
        (
            "jxl-oxide__squeeze_tendency_overflow.fuzz",
            "damaged, and is decoded",
        ),
    ];
    check(&["jxl"], false, &known);
}

#[test]
fn webp_files_look_as_in_the_reference() {
    check(&["webp"], false, &[]);
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// A copy with a few bytes changed, or with its end or its middle cut out.
fn damaged(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    match numbers.below(5) {
        0 => copy.truncate(numbers.below(bytes.len())),
        1 => {
            let start = numbers.below(bytes.len());
            let end = (start + 1 + numbers.below(64)).min(bytes.len());
            copy.drain(start..end);
        }
        _ => {
            // Headers are where damage does most.
            let within = if numbers.below(2) == 0 {
                bytes.len()
            } else {
                bytes.len().min(512)
            };
            for _ in 0..=numbers.below(8) {
                copy[numbers.below(within)] = numbers.below(256) as u8;
            }
        }
    }
    copy
}

/// Reads damaged copies of small files: none may panic, take long, or give a picture of the wrong length.
fn check_damaged(formats: &[&str], copies: usize) {
    let Some(folder) = folder() else {
        return;
    };
    let limits = Limits {
        image_pixels: 1 << 21,
        image_bytes: 1 << 26,
        ..Limits::default()
    };
    let files: Vec<(String, Vec<u8>)> = entries(&folder, formats)
        .iter()
        .filter(|entry| entry["bytes"].as_u64().is_some_and(|bytes| bytes < 25_000))
        .map(|entry| {
            let path = entry["path"].as_str().unwrap();
            (
                entry["format"].as_str().unwrap().to_owned(),
                fs::read(folder.join(path)).unwrap(),
            )
        })
        .collect();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut faults = 0;
    for index in 0..copies {
        let (format, bytes) = &files[index % files.len()];
        let copy = damaged(bytes, &mut numbers);
        let start = Clock::start();
        let result = catch_unwind(AssertUnwindSafe(|| read(format, &copy, &limits)));
        assert!(start.elapsed() < TIME, "copy {index} takes {:?}", start.elapsed());
        match result {
            Ok(Ok((_, raw))) => {
                let length = raw.width as usize * raw.height as usize * raw.layout.count();
                assert_eq!(raw.pixels.len(), length, "copy {index}");
            }
            Ok(Err(_)) => faults += 1,
            Err(_) => panic!("copy {index} of {} files panics", files.len()),
        }
    }
    assert!(faults > copies / 10, "{faults} faults");
}

#[test]
fn damaged_avif_files_do_not_panic() {
    check_damaged(&["avif", "avifs"], 400);
}

#[test]
fn damaged_heic_files_do_not_panic() {
    check_damaged(&["heic", "heif", "hif"], 400);
}

#[test]
fn damaged_jpeg_xl_files_do_not_panic() {
    check_damaged(&["jxl"], 400);
}

#[test]
fn damaged_webp_files_do_not_panic() {
    check_damaged(&["webp"], 400);
}

/// Lossy pictures must be the same whether there are workers or not.
#[test]
fn both_decoders_of_lossy_webp_give_the_same_pixels() {
    let Some(folder) = folder() else {
        return;
    };
    let mut found = Vec::new();
    for entry in entries(&folder, &["webp"]) {
        let path = entry["path"].as_str().unwrap();
        let bytes = fs::read(folder.join(path)).unwrap();
        if let Some((ours, libwebp)) = webp::both(&bytes) {
            let worst = ours
                .iter()
                .zip(&libwebp)
                .map(|(a, b)| a.abs_diff(*b))
                .max()
                .unwrap_or(0);
            if ours.len() != libwebp.len() || worst > 0 {
                let count = ours.iter().zip(&libwebp).filter(|(a, b)| a != b).count();
                found.push(format!(
                    "{path}: {count} of {} differ by at most {worst}",
                    ours.len()
                ));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
