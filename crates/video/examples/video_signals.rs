//! What signals tell of videos, as JSON lines.
//!
//! ```text
//! cargo run --release -p gristmill-video --example video_signals -- SIGNAL[,SIGNAL] FILES...
//! ```
//!
//! Signals are keyframes, frames, sound_track.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

mod support;

use std::env;

use gristmill_video::{EXTRACTORS, SIGNALS};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((names, files)) = arguments.split_first() else {
        println!("give names of signals, and files");
        return;
    };
    for path in files {
        let video = EXTRACTORS[0].extract(&support::record(path), &[]).unwrap();
        let mut object = support::object(&[], &video);
        for signal in SIGNALS
            .iter()
            .filter(|signal| names.split(',').any(|name| name == signal.card().name))
        {
            let card = signal.card();
            let wanted: Vec<&str> = card.outputs.iter().map(|output| output.name).collect();
            let documents = signal.measure(&video.columns[..1], &wanted).unwrap();
            object.extend(support::object(card.outputs, &documents));
        }
        object.insert("path".into(), path.as_str().into());
        println!("{}", serde_json::Value::Object(object));
    }
}
