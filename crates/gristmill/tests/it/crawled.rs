//! Recipes over the demo's crawl.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::kit::{assert_same_tree, crawl, gristmill, path, succeed};

/// Runs a recipe over the crawl in small slices; gives the output.
pub(crate) fn run_over_crawl(folder: &tempfile::TempDir, recipe: &str, name: &str, more: &[&str]) -> String {
    let to = path(folder, name);
    let arguments = arguments(folder, recipe, &to);
    let arguments = arguments.iter().map(String::as_str).chain(more.iter().copied());
    succeed(&arguments.collect::<Vec<_>>());
    to
}

pub(crate) fn arguments(folder: &tempfile::TempDir, recipe: &str, to: &str) -> Vec<String> {
    let read = path(folder, "crawl/*.warc.gz");
    let set = ["--set", "read.0.slice_bytes=120KiB", "--set", "write.rejects=all"];
    let arguments = ["run", recipe, "--read", &read, "--to", to];
    arguments.into_iter().chain(set).map(str::to_owned).collect()
}

pub(crate) fn rows(to: &str, sql: &str) -> Vec<Value> {
    let lines = succeed(&["query", to, sql, "--json"]);
    let rows = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    rows.collect()
}

pub(crate) fn manifest(to: &str) -> Value {
    serde_json::from_slice(&fs::read(format!("{to}/_gristmill/manifest.json")).unwrap()).unwrap()
}

/// A recipe in the folder.
pub(crate) fn written(folder: &tempfile::TempDir, name: &str, steps: &str) -> String {
    let file = path(folder, name);
    fs::write(
        &file,
        format!("recipe: 1\nname: test\nread: [{{uri: unset}}]\n{steps}"),
    )
    .unwrap();
    file
}

pub(crate) fn adds_up(manifest: &Value) {
    let account = &manifest["account"];
    let sum = |rows: &Value| -> u64 {
        match rows {
            Value::Array(verdicts) => verdicts
                .iter()
                .map(|verdict| verdict["rows"].as_u64().unwrap())
                .sum(),
            Value::Object(faults) => faults.values().map(|rows| rows.as_u64().unwrap()).sum(),
            _ => panic!("an account holds lists"),
        }
    };
    let number = |name: &str| account[name].as_u64().unwrap();
    let left = sum(&account["verdicts"]) + sum(&account["faults"]);
    assert_eq!(
        number("read") + number("born"),
        number("kept") + left,
        "{account}"
    );
}

/// Other threads and kills at eight moments give the same bytes as one run on one thread.
pub(crate) fn no_trace_is_left(steps: &str) {
    let folder = crawl();
    let recipe = written(&folder, "all.yaml", steps);
    let started = Instant::now();
    let whole = run_over_crawl(&folder, &recipe, "whole", &["--threads", "1"]);
    let seconds = started.elapsed();
    let threads = run_over_crawl(&folder, &recipe, "threads", &["--threads", "4"]);
    assert_same_tree(&whole, &threads);
    for moment in 0..8_u32 {
        let to = path(&folder, &format!("killed-{moment}"));
        let mut child = gristmill()
            .args(arguments(&folder, &recipe, &to))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let share = f64::from(moment * 5 % 8) / 8.0;
        std::thread::sleep(seconds.mul_f64(share).max(Duration::from_millis(1)));
        child.kill().unwrap();
        child.wait().unwrap();
        run_over_crawl(&folder, &recipe, &format!("killed-{moment}"), &[]);
        assert_same_tree(&whole, &to);
    }
}
