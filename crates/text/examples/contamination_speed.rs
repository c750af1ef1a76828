//! CPU time of the search for items of evaluation sets, and memory per item.
//!
//! ```text
//! cargo run --release -p gristmill-text --example contamination_speed -- docs.jsonl.gz [items] [n] [repeats]
//! ```
//!
//! Reads the strings named `text` or `gold_text` of JSON lines, gzipped or not. Makes up as many items (100,000), with
//! answers, cuts them into n-grams (8), and prints microseconds per document and MB of UTF-8 per second of CPU time of
//! one thread: over the texts as they are, cut to 2,200 and 6,000 bytes, and with an item put into each.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{
    env,
    error::Error,
    fs,
    io::Read,
    sync::LazyLock,
    time::{Duration, Instant},
};

use flate2::read::MultiGzDecoder;
use gristmill_text::contamination::{BenchmarksBuilder, Item, Scratch, Settings};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("usage: contamination_speed FILE [ITEMS] [N] [REPEATS]")?;
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |number| number.parse());
    let (items, ngram, repeats) = (number(100_000)?, number(8)?, number(5)?);
    let texts = read_texts(&path)?;

    let start = cpu_time();
    let settings = Settings {
        ngram,
        ..Settings::default()
    };
    let mut builder = BenchmarksBuilder::new(settings)?;
    let mut words = 0;
    for number in 0..items {
        let (question, answer) = make_item(number as u64);
        words += question.split(' ').count();
        let item = Item {
            question: &question,
            answer: Some(&answer),
            passage: None,
        };
        builder.add("made up", &number.to_string(), item)?;
    }
    let benchmarks = builder.build();
    println!(
        "{items} items of {:.1} words, {ngram}-grams: {:.0} bytes per item, built in {:.2} s",
        words as f64 / items.max(1) as f64,
        benchmarks.memory() as f64 / items.max(1) as f64,
        (cpu_time() - start).as_secs_f64()
    );

    let cut = |bytes: usize| -> Vec<String> {
        let long = texts.iter().filter(|text| text.len() >= bytes);
        long.map(|text| text[..text.floor_char_boundary(bytes)].to_owned())
            .collect()
    };
    let hit = texts
        .iter()
        .enumerate()
        .map(|(number, text)| format!("{text}\n{}", make_item(number as u64 % items.max(1) as u64).0));
    let hit: Vec<String> = hit.collect();
    for (name, texts) in [
        ("whole", &texts),
        ("2.2 kB", &cut(2200)),
        ("6 kB", &cut(6000)),
        ("with an item", &hit),
    ] {
        let mut scratch = Scratch::default();
        let (mut hits, mut high) = (0, 0);
        let start = cpu_time();
        for _ in 0..repeats {
            for text in texts {
                let found = benchmarks.check(text, &mut scratch);
                hits += usize::from(!found.is_empty());
                high += usize::from(found.first().is_some_and(|hit| hit.score >= 0.8));
            }
        }
        let seconds = (cpu_time() - start).as_secs_f64() / repeats as f64;
        let bytes: usize = texts.iter().map(String::len).sum();
        println!(
            "{name:>14} {:>6} documents {:>7.1} MB {:>8.2} µs/document {:>6.0} MB/s, {} with hits, {} of 0.8 and more",
            texts.len(),
            bytes as f64 / 1e6,
            seconds * 1e6 / texts.len().max(1) as f64,
            bytes as f64 / 1e6 / seconds,
            hits / repeats,
            high / repeats,
        );
    }
    Ok(())
}

/// A question and its answer, like those of school books: common phrases around chosen words and numbers.
fn make_item(number: u64) -> (String, String) {
    const PEOPLE: [&str; 8] = [
        "baker", "pilot", "nurse", "farmer", "painter", "sailor", "teacher", "student",
    ];
    const THINGS: [&str; 8] = [
        "loaves of bread",
        "maps",
        "pairs of shoes",
        "ropes",
        "bricks",
        "letters",
        "coins",
        "cups of tea",
    ];
    const PLACES: [&str; 8] = [
        "New York", "Lima", "Kyoto", "Cairo", "London", "Quito", "Perth", "Paris",
    ];
    const VERBS: [&str; 8] = [
        "buys", "sells", "finds", "loses", "paints", "counts", "carries", "makes",
    ];
    const WORDS: [&str; 32] = [
        "of", "the", "and", "a", "to", "in", "is", "was", "with", "old", "new", "water", "house", "time",
        "people", "year", "small", "large", "first", "more", "than", "between", "school", "city", "work",
        "other", "found", "made", "under", "light", "long", "before",
    ];
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut below = |bound: u64| {
        state ^= state >> 29;
        state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state ^= state >> 32;
        (state % bound) as usize
    };
    let [who, other, what, place] = [PEOPLE, PEOPLE, THINGS, PLACES].map(|list| list[below(8)]);
    let [verb, then] = [VERBS; 2].map(|list| list[below(8)]);
    let [first, second, third] = [9000, 900, 90].map(|bound| 2 + below(bound));
    let story: Vec<&str> = (0..12).map(|_| WORDS[below(32)]).collect();
    let story = story.join(" ");
    let question = match below(4) {
        0 => format!(
            "A {who} from the city of {place} {verb} {first} {what} on the first day of the week. The next day she \
             {then} {second} of them and gives one third of what is left to a {other} in the house next door: {story}. At the end \
             of the day there are {third} more. How many {what} does the {who} have at the end of the week?"
        ),
        1 => format!(
            "Which of the following is the most likely reason why the {who} of {place} {verb} {first} {what} in the year \
             of the great fire and the {other} {then} only {second} of them, {story}?"
        ),
        2 => format!(
            "According to the passage, what was the main reason for the {who} who {verb} {what} in {place} to leave \
             the {other} after {first} days and {second} nights, {story}?"
        ),
        _ => format!(
            "If {first} {what} cost as much as {second} trips from {place} with a {who}, how much does the {other} who \
             {verb} and {then} them pay for {third} trips, one of which is free, {story}?"
        ),
    };
    (question, format!("{} {what}", first + second))
}

/// CPU time of this thread where Linux tells it, else the time since the first call.
fn cpu_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedule = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = schedule.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn read_texts(path: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut bytes = fs::read(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain)?;
        bytes = plain;
    }
    let mut texts = Vec::new();
    for line in std::str::from_utf8(&bytes)?.lines() {
        let record: Value = serde_json::from_str(line)?;
        let fields = ["text", "gold_text"].into_iter();
        texts.extend(
            fields
                .filter_map(|field| record[field].as_str().map(str::to_owned))
                .next(),
        );
    }
    Ok(texts)
}
