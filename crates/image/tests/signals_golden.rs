//! Signals give what OpenCV, NumPy, Pillow, ImageHash and pdqhash give for the same pixels.
//!
//! `golden/make_signals.py` wrote the values. It makes the same pictures as [`picture`].

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;

use support::{signals, thumbnail};

const GOLDEN: &str = include_str!("golden/signals.jsonl");

#[test]
fn measures_are_those_of_the_references() {
    check_all(|name, found, expected, picture| {
        let tolerance = match name {
            // The reference sums floats, the signal integers of 2^-16.
            "image_saturation" => 1e-5,
            _ => 1e-9 * expected.abs().max(1.0),
        };
        let (found, expected) = (found.as_f64().unwrap(), expected);
        assert!(
            (found - expected).abs() <= tolerance,
            "{name} of {picture}: {found} instead of {expected}"
        );
    });
}

fn check_all(check: impl Fn(&str, &Value, f64, &str)) {
    for golden in goldens() {
        let found = found(&golden);
        for (name, expected) in golden.as_object().unwrap() {
            if let Some(expected) = expected
                .as_f64()
                .filter(|_| name.starts_with("image_") && name != "image_pdq_quality")
            {
                check(name, &found[name.as_str()], expected, &title(&golden));
            }
        }
    }
}

#[test]
fn hashes_are_those_of_the_references() {
    for golden in goldens() {
        let (found, title) = (found(&golden), title(&golden));
        let distance = |name: &str, reference: &str| hamming(&found[name], &golden[reference]);
        // Scaling rounds otherwise than Pillow's in a few samples, and neighbours may be as good as equal.
        let [dhash, phash] = ["image_dhash", "image_phash"].map(|name| distance(name, name));
        // A picture with fewer samples than the hash has frequencies has some that are rounding alone.
        let side = |name: &str| golden[name].as_u64().unwrap();
        let is_tiny = side("width").min(side("height")) < 8;
        assert!(
            dhash <= 1 && (phash <= 2 || is_tiny && phash <= 6),
            "{title}: dHash {dhash} bits, pHash {phash} bits"
        );
        // The other variant compares with another median.
        let is_flat = golden["image_luma_min"] == golden["image_luma_max"];
        let imagehash = distance("image_phash", "imagehash_phash");
        assert!(
            is_flat || is_tiny || imagehash <= 3,
            "pHash of {title}: {imagehash} bits"
        );
        let quality = golden["image_pdq_quality"].as_i64().unwrap();
        let difference = found["image_pdq_quality"].as_i64().unwrap() - quality;
        assert!(difference.abs() <= 1, "PDQ quality of {title}: {difference}");
        let pdq = distance("image_pdq", "image_pdq");
        assert!(quality < 50 || pdq == 0, "PDQ of {title}: {pdq} bits");
    }
}

fn goldens() -> impl Iterator<Item = Value> {
    GOLDEN.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn title(golden: &Value) -> String {
    format!(
        "picture {}, {} x {}",
        golden["seed"], golden["width"], golden["height"]
    )
}

fn found(golden: &Value) -> Value {
    let number = |name: &str| golden[name].as_u64().unwrap();
    let (width, height) = (number("width"), number("height"));
    let rgb = picture(number("seed"), width, height, number("noise"));
    signals(&[Some(thumbnail(width as u32, height as u32, &rgb))]).remove(0)
}

/// Bits that differ between two hashes in hexadecimal digits.
fn hamming(one: &Value, two: &Value) -> u32 {
    let (one, two) = (one.as_str().unwrap(), two.as_str().unwrap());
    assert_eq!(one.len(), two.len());
    let pairs = one.chars().zip(two.chars());
    pairs
        .map(|(one, two)| (one.to_digit(16).unwrap() ^ two.to_digit(16).unwrap()).count_ones())
        .sum()
}

/// A smooth picture with noise; see `make_signals.py`.
fn picture(seed: u64, width: u64, height: u64, noise: u64) -> Vec<u8> {
    let mut state = seed;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 256
    };
    let grid: Vec<u64> = (0..9 * 9 * 3).map(|_| random()).collect();
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x * 2048 / width, y * 2048 / height);
            let (cx, fx, cy, fy) = (u / 256, u % 256, v / 256, v % 256);
            for channel in 0..3 {
                let knot = |cx: u64, cy: u64| grid[((cy * 9 + cx) * 3 + channel) as usize];
                let row = |cy: u64| knot(cx, cy) * (256 - fx) + knot(cx + 1, cy) * fx;
                let smooth = (row(cy) * (256 - fy) + row(cy + 1) * fy) >> 16;
                let scatter = (x * 73_856_093) ^ (y * 19_349_663) ^ (channel * 83_492_791);
                rgb.push(((smooth + (scatter >> 7) % (noise + 1)) % 256) as u8);
            }
        }
    }
    rgb
}
