//! Writes the frames of a video as raw planes of 8 bits, in the order of display, to standard output.
//!
//! ```text
//! cargo run --release -p gristmill-video --example video_decode -- FILE > frames.yuv
//! ```

#![allow(clippy::unwrap_used, reason = "an example")]

use std::{
    env, fs,
    io::{self, Write},
};

use gristmill_core::Limits;
use gristmill_video::{play, read};

fn main() {
    let path = env::args().nth(1).unwrap();
    let bytes = fs::read(path).unwrap();
    let limits = Limits::default();
    let film = read(&bytes, &limits).unwrap();
    let mut out = io::stdout().lock();
    play(&film, film.video().unwrap(), &limits, |shown| {
        for plane in &shown.frame.planes {
            out.write_all(&plane.samples).unwrap();
        }
    })
    .unwrap();
}
