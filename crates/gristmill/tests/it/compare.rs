//! Recipes compared over stored signals.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
};

use datafusion::arrow::array::AsArray;
use gristmill::engine::{
    KEPT, Overrides, Plan, Recipe, RunOptions, Runtime, SignalStore, Signals, compile, progress, read_recipe,
    run,
};
use serde_json::Value;

use crate::kit::{self, crawl, path, succeed, text};

/// Recipes that share some of what they do, edit differently, and compare documents in several ways.
const RECIPES: [(&str, &str); 5] = [
    (
        "edited",
        "text: [{extract: html}, {keep: {english: text_language = 'en'}}, {use: gopher_repetition}, {edit: c4_lines}, \
         {use: c4_quality}, {use: fineweb_quality}, {dedup: {exact: text}}, {redact: [email, ip]}]",
    ),
    (
        "loose",
        "text: [{extract: html}, {keep: {english: text_language = 'en' AND text_language_score > 0.9}}, {use: gopher_quality}]",
    ),
    (
        "near",
        "text: [{extract: html}, {keep: {long: text_non_symbol_word_count >= 100}}, {dedup: {minhash: {ngram: 5, bands: 14, \
         rows: 8, verify: 0.8, prefer: text_char_count DESC}}}, {keep: {short: text_non_symbol_word_count <= 400, few: cluster_rank = 0}}]",
    ),
    (
        "twice",
        "text: [{extract: html}, {dedup: {exact: text}}, {edit: c4_lines}, {keep: {left: text_char_count > 500}}, \
         {dedup: {simhash: {distance: 3}}}]",
    ),
    (
        "again",
        "text: [{extract: html}, {keep: {before: text_char_count > 300}}, {edit: c4_lines}, {keep: {after: text_char_count > 300}}]",
    ),
];

fn prepared(body: &str, read: &str) -> (Arc<Recipe>, Arc<Plan>) {
    let registry = gristmill::registry();
    let overrides = Overrides {
        read: vec![read.to_owned()],
        ..Overrides::default()
    };
    let source = format!("{{recipe: 1, name: compared, {body}}}");
    let recipe = read_recipe("compared.yaml", &source, &overrides, &registry).unwrap();
    let plan = compile("compared.yaml", &recipe, &registry).unwrap();
    (Arc::new(recipe), Arc::new(plan))
}

/// The ids that a run of the recipe keeps, and how many leave at each rule behind the extraction.
fn run_alone(
    folder: &tempfile::TempDir,
    name: &str,
    body: &str,
    read: &str,
) -> (BTreeSet<String>, BTreeMap<String, u64>) {
    let file = path(folder, &format!("{name}.yaml"));
    fs::write(&file, format!("{{recipe: 1, name: {name}, {body}}}")).unwrap();
    let to = path(folder, name);
    succeed(&["run", &file, "--read", read, "--to", &to]);
    let rows = succeed(&["query", &to, "--json", "SELECT id FROM text"]);
    let id = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let manifest: Value =
        serde_json::from_slice(&fs::read(format!("{to}/_gristmill/manifest.json")).unwrap()).unwrap();
    let verdicts = manifest["account"]["verdicts"].as_array().unwrap().iter();
    let behind = verdicts.filter(|verdict| !verdict["rule"].as_str().unwrap().starts_with("is_"));
    let counts = behind.map(|verdict| {
        let name = format!(
            "{} {}",
            verdict["step"].as_str().unwrap(),
            verdict["rule"].as_str().unwrap()
        );
        (name, verdict["rows"].as_u64().unwrap())
    });
    (rows.lines().map(id).collect(), counts.collect())
}

#[test]
fn a_recipe_judged_over_stored_signals_keeps_what_a_run_of_it_keeps() {
    let folder = crawl();
    let read = path(&folder, "crawl/*.warc.gz");
    let recipes: Vec<_> = RECIPES.iter().map(|(_, body)| prepared(body, &read)).collect();
    let registry = Arc::new(gristmill::registry());
    let to = path(&folder, "signals");
    let signals = Signals::of(&recipes, &registry, &to, 1.0).unwrap();
    let runtime = Runtime::new(2).unwrap();
    let options = RunOptions::default();
    let watched = progress(&signals.plan);
    run(
        &signals.recipe,
        &signals.plan,
        &registry,
        &runtime,
        &options,
        &watched,
        &|_| {},
    )
    .unwrap();
    let store = SignalStore::open(&to, &options, &runtime).unwrap().unwrap();
    let judged = signals.judge(&store, &runtime).unwrap();
    let mut ids = Vec::new();
    let mut each = |batch: &datafusion::arrow::array::RecordBatch| {
        let column = batch.column_by_name("id").unwrap().as_string_view();
        ids.extend(column.iter().map(|id| id.unwrap().to_owned()));
        Ok(())
    };
    store.read(&["id"], &runtime, &mut each).unwrap();
    let mut sizes = BTreeSet::new();
    for ((name, body), judged) in RECIPES.iter().zip(&judged) {
        let (alone, counts) = run_alone(&folder, name, body, &read);
        let kept = ids
            .iter()
            .zip(&judged.verdicts)
            .filter(|(_, verdict)| **verdict == KEPT);
        let kept: BTreeSet<String> = kept.map(|(id, _)| id.clone()).collect();
        assert_eq!(kept, alone, "{name}");
        for rule in judged.rules.iter().filter(|rule| rule.name != "fault") {
            let counted = counts.get(&format!("{} {}", rule.step, rule.name));
            assert_eq!(
                counted,
                Some(&rule.dropped),
                "{name}: {} {}",
                rule.step,
                rule.name
            );
            assert!(rule.alone >= Some(rule.dropped) && rule.only <= rule.alone);
        }
        sizes.insert(kept.len());
    }
    assert!(sizes.len() >= 4, "recipes that keep the same number: {sizes:?}");
}

#[test]
fn recipes_of_images_are_compared_as_those_of_texts() {
    let folder = crawl();
    let read = path(&folder, "crawl/*.warc.gz");
    let recipes = [
        (
            "big",
            "image: [{keep: {big: image_width_px >= 300}}, {dedup: {pdq: {distance: 31, quality_min: 50}}}]",
        ),
        (
            "light",
            "image: [{keep: {light: image_brightness > 60}}, {dedup: {exact: image}}]",
        ),
    ];
    let mut arguments = vec!["compare".to_owned()];
    let mut counts = Vec::new();
    for (name, body) in recipes {
        let (file, to) = (path(&folder, &format!("{name}.yaml")), path(&folder, name));
        fs::write(&file, format!("{{recipe: 1, name: {name}, {body}}}")).unwrap();
        succeed(&["run", &file, "--read", &read, "--to", &to]);
        let rows = succeed(&["query", &to, "--json", "SELECT id FROM image"]);
        counts.push(rows.lines().map(str::to_owned).collect::<BTreeSet<String>>());
        arguments.push(file);
    }
    let page = path(&folder, "page.html");
    arguments.extend(["--read", &read, "--json", "--to", &page].map(str::to_owned));
    let told = succeed(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let told: Value = serde_json::from_str(told.trim()).unwrap();
    for (number, ids) in counts.iter().enumerate() {
        assert_eq!(told["recipes"][number]["kept"], ids.len());
    }
    assert!(!counts[0].is_empty() && counts[0] != counts[1]);
    assert_eq!(
        told["pairs"][0]["both"],
        counts[0].intersection(&counts[1]).count()
    );
    assert!(fs::read_to_string(&page).unwrap().contains("image_brightness"));
}

#[test]
fn thresholds_change_without_measuring_again() {
    let folder = crawl();
    let read = path(&folder, "crawl/*.warc.gz");
    let file = |name: &str, score: &str| {
        let file = path(&folder, &format!("{name}.yaml"));
        let recipe = fs::read_to_string(kit::root().join("recipes/web-text.yaml")).unwrap();
        fs::write(
            &file,
            recipe
                .replace("> 0.65", score)
                .replace("name: web-text", &format!("name: {name}")),
        )
        .unwrap();
        file
    };
    let (a, b, store) = (file("a", "> 0.65"), file("b", "> 0.95"), path(&folder, "store"));
    succeed(&["signals", &a, "--read", &read, "--to", &store]);
    let before = kit::tree(&store);
    let page = path(&folder, "page.html");
    let told = succeed(&[
        "compare",
        &a,
        &b,
        "--read",
        &read,
        "--signals",
        &store,
        "--to",
        &page,
        "--json",
        "--sweep",
        "english=0.5..0.9:0.2",
    ]);
    let told: Value = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(kit::tree(&store), before);
    assert_eq!(told["recipes"][0]["kept"], 110);
    assert_eq!(told["pairs"][0]["only_second"], 0);
    assert_eq!(told["pairs"][0]["both"], told["recipes"][1]["kept"]);
    assert_eq!(told["sweep"]["keep_rates"].as_array().unwrap().len(), 3);
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.len() < 2_000_000 && html.contains("Jaccard"));

    // Another signal is not in the store.
    let other = path(&folder, "other.yaml");
    fs::write(
        &other,
        "{recipe: 1, name: other, text: [{extract: html}, {keep: {long: text_word_count > 3}}]}",
    )
    .unwrap();
    let refused = kit::run(&["compare", &a, &other, "--read", &read, "--signals", &store]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert!(
        text(&refused.stderr).contains("text_word_count"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn a_recipe_that_cannot_share_is_run_and_compared_all_the_same() {
    let folder = crawl();
    let read = path(&folder, "crawl/*.warc.gz");
    let body = "text: [{extract: html}, {keep: {english: text_language = 'en'}}, {dedup: {lines: {}}}, {keep: {left: text_char_count > 200}}]";
    let (alone, counts) = run_alone(&folder, "parts", body, &read);
    let file = path(&folder, "parts.yaml");
    let told = succeed(&[
        "compare",
        &file,
        "recipes/web-text.yaml",
        "--read",
        &read,
        "--json",
    ]);
    let told: Value = serde_json::from_str(told.trim()).unwrap();
    assert_eq!(told["recipes"][0]["kept"], alone.len());
    assert_eq!(told["recipes"][1]["kept"], 110);
    let rules = told["recipes"][0]["rules"].as_array().unwrap();
    let left = rules.iter().find(|rule| rule["rule"] == "left").unwrap();
    assert_eq!(
        left["dropped"],
        counts[&format!("{} left", left["step"].as_str().unwrap())]
    );
    assert!(left["alone"].is_null());

    // Parts have ids of their own, so there is nothing to compare.
    let other = path(&folder, "rows.yaml");
    fs::write(
        &other,
        "{recipe: 1, name: rows, text: [{extract: html}], image: [{keep: {big: image_width_px > 9}}]}",
    )
    .unwrap();
    let refused = kit::run(&["compare", &other, "--read", &read]);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    assert!(
        text(&refused.stderr).contains("several chains"),
        "{}",
        text(&refused.stderr)
    );
}

/// A store of one recipe gives the runs of others the signals that they have in common, and changes nothing of what they write.
#[test]
fn a_run_over_stored_signals_writes_the_bytes_of_a_run_that_measures() {
    let folder = crawl();
    let read = path(&folder, "crawl/*.warc.gz");
    let recipe = |name: &str, body: &str| {
        let file = path(&folder, &format!("{name}.yaml"));
        fs::write(
            &file,
            format!("{{recipe: 1, name: {name}, {body}, write: {{rejects: all}}}}"),
        )
        .unwrap();
        file
    };
    let store = path(&folder, "store");
    let files = RECIPES.map(|(name, body)| recipe(name, body));
    let mut stored: Vec<&str> = vec!["signals"];
    stored.extend(files.iter().map(String::as_str));
    stored.extend(["--read", &read, "--to", &store]);
    succeed(&stored);

    // Other thresholds, and a signal that was not stored.
    let others = [
        recipe(
            "stricter",
            &RECIPES[0].1.replace("language = 'en'", "language_score > 0.95"),
        ),
        recipe(
            "other",
            &RECIPES[4].1.replace(
                "text_char_count > 300",
                "text_word_count > 40 AND text_char_count > 200",
            ),
        ),
    ];
    for file in files.iter().chain(&others) {
        let (measured, recalled) = (format!("{file}.measured"), format!("{file}.recalled"));
        succeed(&["run", file, "--read", &read, "--to", &measured]);
        succeed(&[
            "run",
            file,
            "--read",
            &read,
            "--to",
            &recalled,
            "--signals",
            &store,
        ]);
        kit::assert_same_tree(&measured, &recalled);
        let steps = |output: &str| {
            let logs = fs::read_dir(format!("{output}/_gristmill/runs")).unwrap();
            logs.map(|log| fs::read_to_string(log.unwrap().path()).unwrap())
                .collect::<String>()
        };
        // What stands behind a comparison is measured.
        let is_first = file != &files[3];
        assert_eq!(steps(&recalled).contains(": Recall "), is_first, "{file}");
        assert!(!steps(&measured).contains(": Recall "), "{file}");
    }

    // Signals of other documents.
    let first = fs::read_dir(path(&folder, "crawl"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    fs::copy(first.path(), path(&folder, "crawl/another.warc.gz")).unwrap();
    let to = path(&folder, "refused");
    let refused = kit::run(&[
        "run",
        &files[0],
        "--read",
        &read,
        "--to",
        &to,
        "--signals",
        &store,
    ]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused.stderr));
    assert!(
        text(&refused.stderr).contains("other input"),
        "{}",
        text(&refused.stderr)
    );
}
