//! Pages with text that people marked as their content, from the fixtures (WCXB, CC-BY-4.0).

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

use flate2::read::GzDecoder;
use gristmill_text::EXTRACTORS;
use serde_json::Value;

use crate::extract;

/// Every how manieth page is looked at.
const STEP: usize = 9;

pub(crate) struct Page {
    pub(crate) html: Vec<u8>,
    pub(crate) url: String,
    gold: String,
}

/// A sample of the pages, or nothing and a line on stderr where there are no fixtures.
pub(crate) fn pages(step: usize) -> Vec<Page> {
    let root = std::env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/fixtures")),
        PathBuf::from,
    );
    let folder = root.join("extraction");
    let Ok(gold) = File::open(folder.join("gold.jsonl.gz")) else {
        eprintln!("skipped: no {}; set GRISTMILL_FIXTURES", folder.display());
        return Vec::new();
    };
    BufReader::new(GzDecoder::new(gold))
        .lines()
        .step_by(step)
        .map(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            let mut html = Vec::new();
            let file = File::open(folder.join(format!("pages/{}.html.gz", text("id")))).unwrap();
            GzDecoder::new(file).read_to_end(&mut html).unwrap();
            Page {
                html,
                url: text("url"),
                gold: text("gold_text"),
            }
        })
        .collect()
}

fn words(text: &str) -> HashMap<String, usize> {
    let mut words = HashMap::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
    {
        *words.entry(word.to_lowercase()).or_default() += 1;
    }
    words
}

/// Harmonic mean of precision and recall of words.
fn word_f1(gold: &str, text: &str) -> f64 {
    let (gold, text) = (words(gold), words(text));
    let total = gold.values().sum::<usize>() + text.values().sum::<usize>();
    if total == 0 {
        return 1.0;
    }
    let both: usize = gold
        .iter()
        .map(|(word, count)| text.get(word).unwrap_or(&0).min(count))
        .sum();
    2.0 * both as f64 / total as f64
}

#[test]
fn most_words_of_the_content_are_found_and_few_others() {
    let pages = pages(STEP);
    if pages.is_empty() {
        return;
    }
    let f1 = |page: &Page| word_f1(&page.gold, &extract(EXTRACTORS[0], &page.html, &page.url).0);
    let mean = pages.iter().map(f1).sum::<f64>() / pages.len() as f64;
    // The classifier was trained on these pages, so this guards against regressions and measures nothing.
    assert!(mean >= FLOOR, "word F1 is {mean:.4}");
}

/// Two points below what it was when it was written.
const FLOOR: f64 = 0.90;

#[test]
fn damaged_pages_do_not_panic() {
    // xorshift: the same damage on every machine.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    const PIECES: [&[u8]; 12] = [
        b"<",
        b">",
        b"\"",
        b"<!--",
        b"</",
        b"\0",
        b"\xff",
        b"<table>",
        b"</p>",
        b"&#",
        b"<script>",
        b"\xe2\x82",
    ];
    for page in pages(STEP * 4) {
        let length = page.html.len().clamp(1, 200_000);
        for _ in 0..4 {
            let mut html = page.html[..length.min(page.html.len())].to_vec();
            for _ in 0..20 {
                let at = random(html.len() + 1);
                match random(3) {
                    0 => html.truncate(at.max(length / 2)),
                    1 => drop(html.splice(at..at, PIECES[random(PIECES.len())].iter().copied())),
                    _ => drop(html.drain(at..(at + random(200)).min(html.len()))),
                }
            }
            for extractor in EXTRACTORS {
                let fault = extract(*extractor, &html, &page.url).1;
                assert!(
                    !fault.as_ref().is_some_and(|fault| fault.starts_with("internal")),
                    "{}: {fault:?}",
                    page.url
                );
            }
        }
    }
}
