//! Writes what the classifier of blocks sees of a folder of pages, for `training/train.py`.
//!
//! usage: block_features PAGES_FOLDER OUT_FOLDER [SCORES_FOLDER] — writes `<id>.txt` (one block a line, line breaks as
//! spaces), `<id>.paths` (classes and ids, near ones, a tab, far ones) and `<id>.f32` (rows of little-endian numbers, then container and signature as
//! u32). With SCORES_FOLDER, which holds `<id>.f32` with the log-odds of a first judgement, the numbers are those of
//! the second.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::{fs, io::Read, path::Path};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pages, out, scores @ ..] = arguments.as_slice() else {
        panic!("usage: block_features PAGES_FOLDER OUT_FOLDER [SCORES_FOLDER]");
    };
    fs::create_dir_all(out).unwrap();
    let mut width = 0;
    for entry in fs::read_dir(pages).unwrap() {
        let path = entry.unwrap().path();
        let id = path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .split('.')
            .next()
            .unwrap()
            .to_owned();
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(&path).unwrap())
            .read_to_end(&mut bytes)
            .unwrap();
        let html = String::from_utf8_lossy(&bytes);
        let log_odds = scores.first().map(|folder| {
            let bytes = fs::read(Path::new(folder).join(format!("{id}.f32"))).unwrap();
            let numbers = bytes
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes(four.try_into().unwrap()));
            numbers.collect::<Vec<f32>>()
        });
        let blocks = gristmill_text::extract::training::blocks(&html, log_odds.as_deref());
        let lines: Vec<String> = blocks
            .texts
            .iter()
            .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        fs::write(Path::new(out).join(format!("{id}.txt")), lines.join("\n")).unwrap();
        let paths = blocks.paths.iter().map(|path| {
            path.each_ref()
                .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
                .join("\t")
        });
        fs::write(
            Path::new(out).join(format!("{id}.paths")),
            paths.collect::<Vec<_>>().join("\n"),
        )
        .unwrap();
        let mut numbers: Vec<u8> = blocks
            .features
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        numbers.extend(blocks.containers.iter().flat_map(|value| value.to_le_bytes()));
        numbers.extend(blocks.signatures.iter().flat_map(|value| value.to_le_bytes()));
        fs::write(Path::new(out).join(format!("{id}.f32")), numbers).unwrap();
        width = width.max(blocks.width);
    }
    println!("{width}");
}
