//! The signals of images, as lines of JSON.
//!
//! ```text
//! cargo run --release -p gristmill-image --example image_signals -- [--thumbnails FOLDER] FILE...
//! ```
//!
//! Prints an object for each file: its path, and its signals or its fault. With `--thumbnails` the thumbnail of the n-th
//! file is written to `n.ppm` in that folder, so that other programs can look at the same pixels.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{env, error::Error, fs, path::PathBuf};

use gristmill_core::Limits;
use gristmill_image::{Scale, THUMBNAIL_SIDE, Thumbnail, decode};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).peekable();
    let folder = arguments
        .next_if_eq("--thumbnails")
        .and_then(|_| arguments.next())
        .map(PathBuf::from);
    for (number, path) in arguments.enumerate() {
        let bytes = fs::read(&path)?;
        let object = match decode(&bytes, Scale::LongestAtMost(THUMBNAIL_SIDE), &Limits::default()) {
            Err(fault) => json!({"path": path, "fault": fault.to_string()}),
            Ok(decoded) => {
                let size = decoded.header.upright();
                let thumbnail = Thumbnail::of(decoded.picture);
                if let Some(folder) = &folder {
                    let small = thumbnail.as_ref();
                    let mut ppm = format!("P6 {} {} 255\n", small.width, small.height).into_bytes();
                    ppm.extend_from_slice(small.pixels);
                    fs::write(folder.join(format!("{number}.ppm")), ppm)?;
                }
                let mut object = support::signals_of(thumbnail.to_bytes().to_vec(), size);
                object["path"] = path.into();
                object
            }
        };
        println!("{object}");
    }
    Ok(())
}
