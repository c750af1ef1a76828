//! Doors of the engine that text comes in by: recipes, predicates, manifests. Whatever stands there, the answer is a value or a
//! list of mistakes.
//!
//! Inputs are changes of recipes and manifests that work, and follow from a number; `GRISTMILL_MUTATIONS` says how many there are.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
};

use gristmill::{
    engine::{Overrides, compile, read_recipe},
    shard::{Manifest, SliceRecord},
};

use crate::kit::{self, crawl, path, succeed};

/// Numbers that follow from a seed (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % most.max(1)
    }
}

/// What is put where something else stood.
const PIECES: [&str; 40] = [
    "",
    " ",
    "\n",
    "\t",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "'",
    "\"",
    "\\",
    "#",
    "&a",
    "*a",
    "!!binary",
    "|",
    ">",
    "? ",
    "null",
    "true",
    "-1",
    "1e999",
    "18446744073709551616",
    "NaN",
    "\u{0}",
    "\u{202e}",
    "é",
    "((((((((",
    "))))",
    "CASE WHEN",
    "NOT NOT",
    "x IN ()",
    "'a' || ",
    "/* ",
    "-- ",
    "; DROP TABLE",
    "${A}",
    "🦀",
];

/// A change of a text: pieces left out, doubled, put in or replaced, here and there.
fn changed(text: &str, number: u64) -> String {
    let mut numbers = Numbers(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(chars.len() + 1);
        let end = (at + numbers.below(12)).min(chars.len());
        let from = numbers.below(chars.len() + 1);
        let other = chars[from..(from + numbers.below(40)).min(chars.len())].to_vec();
        let piece = PIECES[numbers.below(PIECES.len())];
        match numbers.below(5) {
            0 => drop(chars.drain(at..end)),
            1 => drop(chars.splice(at..at, piece.chars())),
            2 => drop(chars.splice(at..end, piece.chars())),
            3 => drop(chars.splice(at..end, other)),
            _ => drop(chars.splice(at..at, piece.repeat(1 + numbers.below(300)).chars())),
        }
    }
    chars.into_iter().collect()
}

/// Runs a door with changes of seeds; gives how many it took.
fn through(name: &str, seeds: &[String], usual: u64, door: impl Fn(&str) -> bool) {
    let times = std::env::var("GRISTMILL_MUTATIONS").map_or(usual, |times| times.parse().unwrap());
    let mut taken = 0;
    for number in 0..times {
        let input = changed(&seeds[number as usize % seeds.len()], number);
        let outcome = catch_unwind(AssertUnwindSafe(|| door(&input)));
        taken += u64::from(outcome.unwrap_or_else(|_| panic!("{name}, number {number}: {input}")));
    }
    eprintln!("{name}: {times} inputs of {} seeds, {taken} taken", seeds.len());
    assert!(taken > 0 && taken < times, "some are right and some are wrong");
}

#[test]
fn recipes_are_plans_or_mistakes() {
    let registry = gristmill::registry();
    let files = fs::read_dir(kit::root().join("recipes")).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    let seeds: Vec<String> = paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    through("recipes", &seeds, 1500, |text| {
        read_recipe("changed.yaml", text, &Overrides::default(), &registry)
            .is_ok_and(|recipe| compile("changed.yaml", &recipe, &registry).is_ok())
    });
}

#[test]
fn predicates_are_plans_or_mistakes() {
    let registry = gristmill::registry();
    let seeds = [
        "text_language = 'en' AND text_language_score > 0.65",
        "CASE WHEN text_word_count > 10 THEN text_char_count / text_word_count ELSE 0 END BETWEEN 3 AND 10",
        "regexp_like(url, '^https?://[^/]+/wiki/') AND NOT (url LIKE '%?%' OR text_title IS NULL)",
        "upper(substr(text, 1, 20)) IN ('A', 'B', concat('C', 'D')) OR coalesce(text_word_count, 0) % 7 = 3",
        "timestamp >= TIMESTAMP '2020-01-01T00:00:00Z' AND CAST(text_char_count AS DOUBLE) < 1e6",
    ]
    .map(str::to_owned);
    through("predicates", &seeds, 1500, |text| {
        let predicate = serde_json::json!(text);
        let recipe = format!(
            "{{recipe: 1, name: a, read: ['x/*.gz'], text: [{{extract: html}}, {{keep: {{rule: {predicate}}}}}]}}"
        );
        read_recipe("changed.yaml", &recipe, &Overrides::default(), &registry)
            .is_ok_and(|recipe| compile("changed.yaml", &recipe, &registry).is_ok())
    });
}

#[test]
fn manifests_and_records_are_read_or_refused() {
    let folder = crawl();
    let (read, to) = (path(&folder, "crawl/*.warc.gz"), path(&folder, "out"));
    succeed(&["run", "recipes/web-text.yaml", "--read", &read, "--to", &to]);
    let text = |name: &str| fs::read_to_string(format!("{to}/_gristmill/{name}")).unwrap();
    through("manifests", &[text("manifest.json")], 3000, |text| {
        let manifest = Manifest::from_json(text.as_bytes());
        manifest.is_ok_and(|manifest| manifest.to_json().len() > manifest.files().count())
    });
    through("records", &[text("slices/000000.json")], 3000, |text| {
        SliceRecord::from_json(text.as_bytes()).is_ok_and(|record| !record.to_json().is_empty())
    });
}
