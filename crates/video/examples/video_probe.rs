//! What headers tell of videos, as JSON lines.
//!
//! ```text
//! cargo run --release -p gristmill-video --example video_probe -- FILES...
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "an example prints")]

mod support;

use std::env;

use gristmill_video::EXTRACTORS;

fn main() {
    let card = EXTRACTORS[0].card();
    let wanted: Vec<&str> = card.outputs.iter().map(|output| output.name).collect();
    for path in env::args().skip(1) {
        let documents = EXTRACTORS[0].extract(&support::record(&path), &wanted).unwrap();
        let mut object = support::object(card.outputs, &documents);
        object.insert("path".into(), path.into());
        println!("{}", serde_json::Value::Object(object));
    }
}
