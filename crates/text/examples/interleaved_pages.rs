//! Extracts interleaved documents from a folder of gzipped pages: `<id>.html.gz` in, one `{"id", "nodes"}` a line out.
//!
//! usage: interleaved_pages PAGES_FOLDER URLS.tsv [ROUNDS] > out.jsonl — CPU seconds of `html`, `interleaved` and
//! `image_references` alone go to stderr, the least of the rounds.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, missing_docs)]

use std::{collections::HashMap, fs, io::Read, path::Path, sync::Arc, time::Duration};

use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray};
use gristmill_core::{
    Documents, Extractor,
    nodes::{Node, decode},
};
use gristmill_text::extract::{html::Html, image_references::ImageReferences, interleaved::Interleaved};
use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let urls = fs::read_to_string(&arguments[1]).unwrap();
    let urls: HashMap<&str, &str> = urls.lines().filter_map(|line| line.split_once('\t')).collect();
    let rounds: usize = arguments.get(2).map_or(1, |rounds| rounds.parse().unwrap());
    let mut paths: Vec<_> = fs::read_dir(&arguments[0])
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let pages: Vec<(String, Vec<ArrayRef>)> = paths.iter().map(|path| page(path, &urls)).collect();
    let bytes: usize = pages
        .iter()
        .map(|(_, inputs)| inputs[0].as_binary_view().value(0).len())
        .sum();
    let extractors: [&dyn Extractor; 3] = [&Html, &Interleaved, &ImageReferences];
    let mut spent = [Duration::MAX; 3];
    for _ in 0..rounds {
        for (extractor, spent) in extractors.iter().zip(&mut spent) {
            // The clock of a thread is read once for all pages: it is only right to some milliseconds.
            let before = cpu_time();
            for (_, inputs) in &pages {
                extractor.extract(inputs, &[]).unwrap();
            }
            *spent = (*spent).min(cpu_time() - before);
        }
    }
    for (extractor, time) in extractors.iter().zip(spent) {
        let seconds = time.as_secs_f64();
        eprintln!(
            "{}: {seconds:.2} s of CPU, {:.0} pages/s, {:.1} MiB/s, {:.3} times html",
            extractor.card().name,
            pages.len() as f64 / seconds,
            bytes as f64 / seconds / f64::from(1 << 20),
            seconds / spent[0].as_secs_f64()
        );
    }
    for (id, inputs) in &pages {
        println!(
            "{}",
            json!({"id": id, "nodes": nodes(&Interleaved.extract(inputs, &[]).unwrap())})
        );
    }
}

/// The name of a page, and what extractors read of it.
fn page(path: &Path, urls: &HashMap<&str, &str>) -> (String, Vec<ArrayRef>) {
    let id = path
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .split('.')
        .next()
        .unwrap();
    let mut html = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
        .read_to_end(&mut html)
        .unwrap();
    let inputs: Vec<ArrayRef> = vec![
        Arc::new(BinaryViewArray::from(vec![Some(html.as_slice())])),
        Arc::new(StringViewArray::from(vec![None::<&str>])),
        Arc::new(StringViewArray::from(vec![urls.get(id).copied()])),
    ];
    (id.to_owned(), inputs)
}

fn nodes(documents: &Documents) -> Vec<Value> {
    let encoded = documents.columns.last().unwrap().as_binary_view();
    if encoded.is_null(0) {
        return Vec::new();
    }
    let nodes = decode(encoded.value(0))
        .unwrap()
        .into_iter()
        .map(|node| match node {
            Node::Text(text) => json!({"text": text}),
            Node::Media(media) => json!({
                "kind": format!("{:?}", media.kind),
                "src": media.src,
                "alt": media.alt,
                "caption": media.caption,
                "size": [media.rendered_width_px, media.rendered_height_px],
            }),
        });
    nodes.collect()
}

/// The CPU time of this process, to the nanosecond.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}
