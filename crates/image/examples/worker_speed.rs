//! Speed of libwebp in a worker beside libwebp and image-webp in this process.
//!
//! ```text
//! cargo build --release -p gristmill-image --examples
//! cargo run --release -p gristmill-image --example worker_speed -- REPEATS FILES...
//! ```
//!
//! Prints, for each WebP file, megapixels per second of CPU time, of this process and of its workers, best of the
//! repeats: by image-webp, by libwebp in this process, and by a worker.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

use std::{env, fs, io, path::Path};

use gristmill_core::Limits;
use gristmill_image::{CODECS, Scale, decode};
use gristmill_worker::{Workers, serve, use_workers};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.is_empty() {
        // The worker: this program again.
        serve(CODECS, io::stdin().lock(), io::stdout().lock()).unwrap();
        return;
    }
    let [repeats, files @ ..] = arguments.as_slice() else {
        println!("give a number of repeats, and files");
        return;
    };
    let repeats: usize = repeats.parse().unwrap();
    let files: Vec<(&String, Vec<u8>)> = files.iter().map(|path| (path, fs::read(path).unwrap())).collect();
    let limits = Limits::default();
    let by_decode = |bytes: &[u8]| {
        let picture = decode(bytes, Scale::Full, &limits).unwrap().picture;
        u64::from(picture.width) * u64::from(picture.height)
    };
    let alone = |bytes: &[u8]| {
        let picture = webp::Decoder::new(bytes).decode().unwrap();
        u64::from(picture.width()) * u64::from(picture.height())
    };
    let before: Vec<[f64; 2]> = files
        .iter()
        .map(|(_, bytes)| [best(repeats, || by_decode(bytes)), best(repeats, || alone(bytes))])
        .collect();
    let workers = Workers::new(env::current_exe().unwrap(), Vec::<String>::new());
    workers.check().unwrap();
    use_workers(workers).unwrap();
    println!("image-webp  libwebp  worker");
    for ((path, bytes), [ours, libwebp]) in files.iter().zip(before) {
        let worker = best(repeats, || by_decode(bytes));
        println!("{ours:10.1} {libwebp:8.1} {worker:7.1}  {path}");
    }
}

/// Megapixels per second of CPU time.
fn best(repeats: usize, mut run: impl FnMut() -> u64) -> f64 {
    let speeds = (0..repeats).map(|_| {
        let start = cpu_nanoseconds();
        let pixels = run();
        pixels as f64 * 1e3 / (cpu_nanoseconds() - start) as f64
    });
    speeds.fold(0.0, f64::max)
}

/// CPU time of all threads of this process and of its children, by Linux.
fn cpu_nanoseconds() -> u64 {
    let of = |path: &Path| {
        let text = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ')
            .next()
            .and_then(|field| field.parse().ok())
            .unwrap_or(0)
    };
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let thread = thread.unwrap().path();
        sum += of(&thread);
        let children = fs::read_to_string(thread.join("children")).unwrap_or_default();
        sum += children
            .split_whitespace()
            .map(|child| of(&Path::new("/proc").join(child)))
            .sum::<u64>();
    }
    sum
}
