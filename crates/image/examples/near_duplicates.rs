//! What hashes find among made-up near-duplicates.
//!
//! ```text
//! cargo run --release -p gristmill-image --example near_duplicates -- FOLDER
//! ```
//!
//! `FOLDER/truth.json` has `files`, each with `path`, `family` and `transform`; the member of a family whose `dup` is `base`
//! is what the others were made of. Prints for each kind of change the share of members that each hash finds beside
//! their base, and how many pairs of different families it takes for the same.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use gristmill_core::Limits;
use gristmill_image::{Scale, THUMBNAIL_SIDE, Thumbnail, decode, hash::pdq::PdqHash};
use serde_json::Value;

/// What is compared.
struct Image {
    family: String,
    transform: String,
    is_base: bool,
    signals: Value,
}

/// A hash, and when two are of the same picture.
type Method = (&'static str, fn(&Value, &Value) -> bool);

const METHODS: [Method; 6] = [
    ("PDQ <= 31, quality >= 50", |one, two| is_near(one, two, &[0])),
    ("also mirrored", |one, two| is_near(one, two, &[0, 5])),
    ("in any position", |one, two| {
        is_near(one, two, &[0, 1, 2, 3, 4, 5, 6, 7])
    }),
    ("pHash <= 10", |one, two| distance(one, two, "image_phash") <= 10),
    ("dHash <= 10", |one, two| distance(one, two, "image_dhash") <= 10),
    ("pixel hash", |one, two| {
        one["image_pixel_hash"] == two["image_pixel_hash"]
    }),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("near_duplicates FOLDER")?;
    let images = read(Path::new(&folder))?;
    let bases: BTreeMap<&str, &Image> = images
        .iter()
        .filter(|image| image.is_base)
        .map(|image| (image.family.as_str(), image))
        .collect();
    let mut kinds: BTreeMap<&str, (usize, [usize; METHODS.len()])> = BTreeMap::new();
    for image in images.iter().filter(|image| !image.is_base) {
        let base = bases.get(image.family.as_str()).ok_or("a family without base")?;
        let (members, found) = kinds.entry(&image.transform).or_default();
        *members += 1;
        for (found, (_, is_same)) in found.iter_mut().zip(METHODS) {
            *found += usize::from(is_same(&image.signals, &base.signals));
        }
    }
    let names = METHODS.map(|(name, _)| name).join(" | ");
    println!("{} images, {} families\n", images.len(), bases.len());
    println!(
        "| change | images | {names} |\n|---|---:{}|",
        "|---:".repeat(METHODS.len())
    );
    for (transform, (members, found)) in &kinds {
        let shares = found.map(|found| format!("{:.3}", found as f64 / *members as f64));
        println!("| {transform} | {members} | {} |", shares.join(" | "));
    }
    let mut pairs = 0;
    let mut wrong = [0; METHODS.len()];
    for (at, one) in images.iter().enumerate() {
        for two in images[..at].iter().filter(|two| two.family != one.family) {
            pairs += 1;
            for (wrong, (_, is_same)) in wrong.iter_mut().zip(METHODS) {
                *wrong += usize::from(is_same(&one.signals, &two.signals));
            }
        }
    }
    let wrong = wrong.map(|count| count.to_string()).join(" | ");
    println!("| *other families* | {pairs} pairs | {wrong} |");
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Image>, Box<dyn Error>> {
    let truth: Value = serde_json::from_slice(&fs::read(folder.join("truth.json"))?)?;
    let mut images = Vec::new();
    for file in truth["files"].as_array().into_iter().flatten() {
        let Some(family) = file["family"].as_str().filter(|_| file["modality"] == "image") else {
            continue;
        };
        let path = file["path"].as_str().ok_or("a file without path")?;
        let decoded = decode(
            &fs::read(folder.join(path))?,
            Scale::LongestAtMost(THUMBNAIL_SIDE),
            &Limits::default(),
        );
        let decoded = decoded.map_err(|fault| format!("{path}: {fault}"))?;
        let size = decoded.header.upright();
        let thumbnail = Thumbnail::of(decoded.picture).to_bytes().to_vec();
        images.push(Image {
            family: family.to_owned(),
            transform: file["transform"].as_str().unwrap_or_default().to_owned(),
            is_base: file["dup"] == "base",
            signals: support::signals_of(thumbnail, size),
        });
    }
    Ok(images)
}

/// Whether PDQ takes two pictures for copies, one of them in these of the eight positions.
fn is_near(one: &Value, two: &Value, positions: &[usize]) -> bool {
    let is_good = |image: &Value| image["image_pdq_quality"].as_u64() >= Some(50);
    let hash = |image: &Value| {
        let text = image["image_pdq"].as_str().unwrap();
        PdqHash(std::array::from_fn(|at| {
            u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()
        }))
    };
    if !is_good(one) || !is_good(two) {
        return false;
    }
    let (turned, two) = (hash(one).dihedral(), hash(two));
    positions
        .iter()
        .any(|position| turned[*position].distance(&two) <= 31)
}

/// Bits that differ.
fn distance(one: &Value, two: &Value, hash: &str) -> u32 {
    let digits = |image: &'_ Value| -> Vec<u32> {
        let text = image[hash].as_str().unwrap();
        text.chars().map(|digit| digit.to_digit(16).unwrap()).collect()
    };
    let (one, two) = (digits(one), digits(two));
    one.iter()
        .zip(&two)
        .map(|(one, two)| (one ^ two).count_ones())
        .sum()
}
