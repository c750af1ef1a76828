//! Images, images with what pages say of them, and interleaved documents, over the demo's crawl.

use std::{
    collections::BTreeMap,
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::kit::{assert_same_tree, crawl, gristmill, path, python, succeed, text};

/// Runs a recipe over the crawl in small slices; gives the output.
fn run_over_crawl(folder: &tempfile::TempDir, recipe: &str, name: &str, more: &[&str]) -> String {
    let to = path(folder, name);
    let arguments = arguments(folder, recipe, &to);
    let arguments = arguments.iter().map(String::as_str).chain(more.iter().copied());
    succeed(&arguments.collect::<Vec<_>>());
    to
}

fn arguments(folder: &tempfile::TempDir, recipe: &str, to: &str) -> Vec<String> {
    let read = path(folder, "crawl/*.warc.gz");
    let set = ["--set", "read.0.slice_bytes=120KiB", "--set", "write.rejects=all"];
    let arguments = ["run", recipe, "--read", &read, "--to", to];
    arguments.into_iter().chain(set).map(str::to_owned).collect()
}

fn rows(to: &str, sql: &str) -> Vec<Value> {
    let lines = succeed(&["query", to, sql, "--json"]);
    let rows = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    rows.collect()
}

fn manifest(to: &str) -> Value {
    serde_json::from_slice(&fs::read(format!("{to}/_gristmill/manifest.json")).unwrap()).unwrap()
}

/// A recipe in the folder.
fn written(folder: &tempfile::TempDir, name: &str, steps: &str) -> String {
    let file = path(folder, name);
    fs::write(
        &file,
        format!("recipe: 1\nname: test\nread: [{{uri: unset}}]\n{steps}"),
    )
    .unwrap();
    file
}

fn adds_up(manifest: &Value) {
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

#[test]
fn images_get_what_pages_of_the_same_crawl_say_of_them() {
    let folder = crawl();
    let to = run_over_crawl(&folder, "recipes/web-images.yaml", "out", &[]);
    adds_up(&manifest(&to));
    let found = rows(
        &to,
        "SELECT url, text, image_caption, image_page_url, image_reference_count AS times FROM image",
    );
    assert!(found.len() >= 8, "{} images", found.len());
    for row in &found {
        assert!(!row["text"].as_str().unwrap().is_empty(), "{row}");
        assert!(row["times"].as_u64().unwrap() >= 1, "{row}");
        let site = |url: &Value| url.as_str().unwrap().split('/').nth(2).unwrap().to_owned();
        assert_eq!(site(&row["url"]), site(&row["image_page_url"]), "{row}");
        assert!(row["image_caption"].as_str().unwrap().ends_with('.'), "{row}");
    }
    let verdicts: BTreeMap<String, u64> =
        rows(&to, "SELECT verdict, count(*) AS n FROM rejects GROUP BY verdict")
            .iter()
            .map(|row| {
                (
                    row["verdict"].as_str().unwrap().to_owned(),
                    row["n"].as_u64().unwrap(),
                )
            })
            .collect();
    // Icons are too small, one picture was cut short, one file is on every site, and so is a scene in several sizes.
    assert_eq!(verdicts["min_side"], 16, "{verdicts:?}");
    assert_eq!(verdicts["is_whole"], 1, "{verdicts:?}");
    assert_eq!(verdicts["unique_image"], 7, "{verdicts:?}");
    assert_eq!(verdicts["unique_pdq"], 7, "{verdicts:?}");
}

#[test]
fn interleaved_documents_are_aligned_and_hold_the_bytes_of_the_crawl() {
    let folder = crawl();
    let recipe = written(
        &folder,
        "interleaved.yaml",
        "interleaved:\n  - resolve: crawl\n  - nodes:\n      image:\n        - use: obelics_images\nimage:\n  - keep: {any: image_width_px > 0}\n",
    );
    let to = run_over_crawl(&folder, &recipe, "out", &[]);
    adds_up(&manifest(&to));
    let images: BTreeMap<String, Value> = rows(&to, "SELECT url, image['bytes'] AS bytes FROM image")
        .into_iter()
        .map(|row| (row["url"].as_str().unwrap().to_owned(), row["bytes"].clone()))
        .collect();
    let documents = rows(
        &to,
        "SELECT url, texts, images, metadata, rejected_nodes FROM interleaved",
    );
    let (mut held, mut left) = (0, 0);
    for document in &documents {
        let (texts, pictures) = (
            document["texts"].as_array().unwrap(),
            document["images"].as_array().unwrap(),
        );
        let metadata: Vec<Value> = serde_json::from_str(document["metadata"].as_str().unwrap()).unwrap();
        assert_eq!((texts.len(), metadata.len()), (pictures.len(), pictures.len()));
        for ((text, picture), told) in texts.iter().zip(pictures).zip(&metadata) {
            assert!(text.is_null() != picture.is_null(), "{document}");
            assert_eq!(picture.is_null(), told.is_null());
            if !picture.is_null() {
                let src = told["src"].as_str().unwrap();
                assert_eq!(picture["bytes"], images[src], "{src}");
                held += 1;
            }
        }
        let rejected: Vec<Value> =
            serde_json::from_str(document["rejected_nodes"].as_str().unwrap()).unwrap();
        for node in &rejected {
            assert!(
                ["min_side", "aspect_ratio"].contains(&node["verdict"].as_str().unwrap()),
                "{node}"
            );
            left += 1;
        }
    }
    assert!(held >= 30, "{held} images in documents");
    assert!(left >= 8, "{left} nodes left");
}

#[test]
fn a_chain_gives_the_same_shards_alone_and_beside_others() {
    let folder = crawl();
    let text =
        "text:\n  - extract: html\n  - keep: {long: text_word_count >= 50}\n  - dedup: {exact: text}\n";
    let image = "image:\n  - keep: {min_side: image_width_px >= 100}\n  - dedup: {pdq: {}}\n";
    let alone = ["text", "image"].map(|modality| {
        let steps = if modality == "text" { text } else { image };
        run_over_crawl(
            &folder,
            &written(&folder, &format!("{modality}.yaml"), steps),
            modality,
            &[],
        )
    });
    let both = run_over_crawl(
        &folder,
        &written(&folder, "both.yaml", &format!("{text}{image}")),
        "both",
        &[],
    );
    adds_up(&manifest(&both));
    for (modality, alone) in ["text", "image"].iter().zip(&alone) {
        assert_same_tree(
            &format!("{alone}/data/{modality}"),
            &format!("{both}/data/{modality}"),
        );
    }
}

#[test]
fn threads_slices_and_kills_leave_no_trace_in_images_and_documents() {
    let folder = crawl();
    let steps = "image:\n  - keep: {min_side: image_width_px >= 20}\n  - dedup: {pdq: {}}\n  - context: pages\n\
                 interleaved:\n  - dedup: {exact: text}\n  - resolve: crawl\n  - nodes: {image: [{use: obelics_images}]}\n";
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

#[test]
fn other_readers_decode_images_and_documents() {
    let Some(mut python) = python("readers of images") else {
        return;
    };
    let folder = crawl();
    let steps = "image:\n  - keep: {min_side: image_width_px >= 20}\n  - context: pages\n\
                 interleaved:\n  - resolve: crawl\n  - nodes: {image: [{use: obelics_images}]}\n";
    let to = run_over_crawl(&folder, &written(&folder, "all.yaml", steps), "out", &[]);
    let output = python
        .args(["tests/media.py", &to, &path(&folder, "crawl")])
        .env("HF_HOME", path(&folder, "hf"))
        .output()
        .unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
}
