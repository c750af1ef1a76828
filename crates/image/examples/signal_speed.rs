//! CPU time of signals.
//!
//! ```text
//! cargo run --release -p gristmill-image --example signal_speed -- FILE... [--repeats N]
//! ```
//!
//! Prints microseconds of CPU time per image, mean over files and repeats, of one thread: for decoding at the scale that
//! signals need, for full decoding, for the thumbnail, and for each signal. Files that are no images are left out.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    collections::HashMap,
    env,
    error::Error,
    fs,
    hint::black_box,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use arrow_array::{ArrayRef, BinaryViewArray, UInt32Array};
use gristmill_core::{Limits, Signal};
use gristmill_image::{SIGNALS, Scale, THUMBNAIL_SIDE, Thumbnail, decode};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    let mut repeats = 5u32;
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--repeats" => repeats = arguments.next().ok_or("--repeats N")?.parse()?,
            _ => files.push(fs::read(&argument)?),
        }
    }
    let limits = Limits::default();
    let scale = Scale::LongestAtMost(THUMBNAIL_SIDE);
    files.retain(|file| decode(file, scale, &limits).is_ok());
    if files.is_empty() {
        return Err("no images".into());
    }
    let pixels: u64 = files
        .iter()
        .filter_map(|file| decode(file, Scale::Full, &limits).ok())
        .map(|decoded| u64::from(decoded.picture.width) * u64::from(decoded.picture.height))
        .sum();
    println!(
        "{} images of {:.2} megapixels in the mean",
        files.len(),
        pixels as f64 / 1e6 / files.len() as f64
    );

    let images = files.len() as f64;
    let report = |step: &str, work: &mut dyn FnMut()| -> f64 {
        // The clock may tick as slowly as every 4 ms: the sum of all repeats is what it can measure.
        work();
        let start = cpu_time();
        (0..repeats).for_each(|_| work());
        let mean = (cpu_time() - start).as_secs_f64() * 1e6 / f64::from(repeats) / images;
        println!("{step:>28} {mean:>10.1} µs");
        mean
    };
    for (step, scale) in [("decode, full", Scale::Full), ("decode, to 512", scale)] {
        report(step, &mut || {
            for file in &files {
                black_box(decode(file, scale, &limits).ok());
            }
        });
    }
    report("decode to 512, thumbnail", &mut || {
        for file in &files {
            black_box(
                decode(file, scale, &limits)
                    .ok()
                    .map(|decoded| Thumbnail::of(decoded.picture)),
            );
        }
    });

    let thumbnails: BinaryViewArray = files
        .iter()
        .filter_map(|file| decode(file, scale, &limits).ok())
        .map(|decoded| Some(Thumbnail::of(decoded.picture).to_bytes().to_vec()))
        .collect();
    let sides = |side: fn((u32, u32)) -> u32| -> ArrayRef {
        let sizes = files.iter().filter_map(|file| decode(file, scale, &limits).ok());
        let sides = sizes.map(|decoded| side(decoded.header.upright()));
        Arc::new(UInt32Array::from_iter_values(sides))
    };
    let mut columns: HashMap<&str, ArrayRef> = HashMap::new();
    columns.insert("image_width_px", sides(|size| size.0));
    columns.insert("image_height_px", sides(|size| size.1));
    columns.insert("image_thumbnail", Arc::new(thumbnails));
    // The thumbnail was measured above.
    let is_thumbnail = |signal: &&&dyn Signal| signal.card().inputs.iter().any(|input| input.name == "image");
    let mut left: Vec<_> = SIGNALS.iter().filter(|signal| !is_thumbnail(signal)).collect();
    let mut all = 0.0;
    while !left.is_empty() {
        let before = left.len();
        left.retain(|signal| {
            let card = signal.card();
            let inputs = card.inputs.iter().map(|input| columns.get(input.name).cloned());
            let Some(inputs) = inputs.collect::<Option<Vec<_>>>() else {
                return true;
            };
            let mut outputs = Vec::new();
            all += report(card.name, &mut || {
                outputs = signal.compute(&inputs).expect("signals do not fail");
            });
            let names = card.outputs.iter().map(|output| output.name);
            columns.extend(names.zip(outputs));
            false
        });
        if left.len() == before {
            return Err("signals need what nothing gives".into());
        }
    }
    println!("{:>28} {all:>10.1} µs", "all signals");
    Ok(())
}

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
