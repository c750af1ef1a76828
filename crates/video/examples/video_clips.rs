//! Writes the clips of a video into a folder.
//!
//! ```text
//! cargo run --release -p gristmill-video --example video_clips -- FOLDER FROM_S TO_S FILES...
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

use std::{env, fs, path::Path};

use gristmill_core::Limits;
use gristmill_video::{cut, read};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, from, to, files @ ..] = arguments.as_slice() else {
        println!("give a folder, a start, an end, and files");
        return;
    };
    for path in files {
        let bytes = fs::read(path).unwrap();
        let film = read(&bytes, &Limits::default()).unwrap();
        let name = Path::new(path)
            .file_name()
            .unwrap()
            .to_string_lossy()
            .replace('.', "_");
        match cut(&film, from.parse().unwrap(), to.parse().unwrap()) {
            Ok(clip) => fs::write(Path::new(folder).join(format!("{name}.mp4")), clip).unwrap(),
            Err(fault) => println!("{path}: {fault}"),
        }
    }
}
