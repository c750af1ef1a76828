//! CPU time of resizing.
//!
//! ```text
//! cargo run --release -p gristmill-image --example resize_speed -- FILE... [--side 256] [--quality 95] [--repeats N]
//! ```
//!
//! Makes the shorter side of each image 256 pixels and writes JPEG, with each filter, and without resizing each format of
//! the result. Prints microseconds of CPU time per image, mean over files and repeats, of one thread.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    env,
    error::Error,
    fs,
    hint::black_box,
    sync::LazyLock,
    time::{Duration, Instant},
};

use gristmill_core::Limits;
use gristmill_image::edit::{Encode, Encoding, Filter, Resize, ResizeMode};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    let (mut side, mut quality, mut repeats) = (256, 95, 5u32);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().ok_or("a number is missing");
        match argument.as_str() {
            "--side" => side = number()?.parse()?,
            "--quality" => quality = number()?.parse()?,
            "--repeats" => repeats = number()?.parse()?,
            _ => files.push(fs::read(&argument)?),
        }
    }
    let limits = Limits::default();
    let resize = |filter, encoding| Resize {
        mode: ResizeMode::KeepRatio,
        side,
        only_if_bigger: false,
        filter,
        encode: Encode {
            only_if_needed: false,
            ..Encode::new(encoding)
        },
    };
    let jpeg = Encoding::Jpeg { quality };
    files.retain(|file| resize(Filter::Area, jpeg).apply(file, &limits).is_ok());
    if files.is_empty() {
        return Err("no images".into());
    }
    println!("{} images", files.len());
    for (step, filter, encoding) in [
        ("area, JPEG", Filter::Area, jpeg),
        ("bilinear, JPEG", Filter::Bilinear, jpeg),
        ("Lanczos, JPEG", Filter::Lanczos3, jpeg),
        ("Lanczos, PNG", Filter::Lanczos3, Encoding::Png { compression: 1 }),
        ("Lanczos, WebP", Filter::Lanczos3, Encoding::Webp { quality }),
        ("Lanczos, WebP lossless", Filter::Lanczos3, Encoding::WebpLossless),
    ] {
        let resize = resize(filter, encoding);
        // The clock may tick as slowly as every 4 ms: the sum of all repeats is what it can measure.
        let start = cpu_time();
        let mut bytes = 0;
        for _ in 0..repeats {
            bytes = 0;
            for file in &files {
                let resized = black_box(resize.apply(file, &limits));
                bytes += resized.map_or(0, |file| file.map_or(0, |file| file.len()));
            }
        }
        let mean = (cpu_time() - start).as_secs_f64() * 1e6 / f64::from(repeats) / files.len() as f64;
        println!(
            "{step:>28} {mean:>10.0} µs {:>8.1} kB",
            bytes as f64 / 1e3 / files.len() as f64
        );
    }
    Ok(())
}

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}
