//! Runs: the account, the same bytes whatever the threads, crashes, changed recipes and inputs.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::kit::{assert_same_tree, crawl, gristmill, path, run, succeed, text, tree};

const RECIPE: &str = "recipes/web-text.yaml";

/// Arguments of a run of the web recipe over the demo's crawl, cut into small slices.
fn web(folder: &tempfile::TempDir, to: &str) -> Vec<String> {
    let read = path(folder, "crawl/*.warc.gz");
    [
        "run",
        RECIPE,
        "--read",
        &read,
        "--to",
        to,
        "--set",
        "write.rejects=all",
        "--set",
        "read.0.slice_bytes=40KiB",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn manifest(to: &str) -> Value {
    serde_json::from_slice(&fs::read(format!("{to}/_gristmill/manifest.json")).unwrap()).unwrap()
}

#[test]
fn shares_of_the_slices_together_give_the_bytes_of_one_run() {
    let folder = crawl();
    let (whole, shared) = (path(&folder, "whole"), path(&folder, "shared"));
    succeed(&strs(&web(&folder, &whole)));
    let share = |number: u32| {
        let mut arguments = web(&folder, &shared);
        arguments.extend(["--slices".to_owned(), format!("{number}/3")]);
        succeed(&strs(&arguments))
    };
    // The recipe has a segment before dedup and one behind it, so shares are done twice, in any order.
    assert!(share(3).contains("misses"));
    assert!(share(1).contains("segment 0 misses"));
    assert!(share(1).contains("segment 0 misses"));
    share(2);
    let end = succeed(&strs(&web(&folder, &shared)));
    assert!(end.contains("kept"), "{end}");
    assert_same_tree(&whole, &shared);
    for wrong in ["0/3", "4/3", "3", "a/b"] {
        let mut arguments = web(&folder, &shared);
        arguments.extend(["--slices".to_owned(), wrong.to_owned()]);
        assert_eq!(run(&strs(&arguments)).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn every_record_is_accounted_for() {
    let folder = crawl();
    let to = path(&folder, "out");
    let summary = succeed(&strs(&web(&folder, &to)));
    let manifest = manifest(&to);
    // Two files of 4 sites with 24 pages, 8 pictures, a sound and a film of 3 records each, and a warcinfo record each.
    let account = &manifest["account"];
    assert_eq!(account["read"], 2 * (1 + 4 * (24 + 8 + 2) * 3), "{summary}");
    let sum = |key: &str| -> u64 {
        account[key]
            .as_object()
            .unwrap()
            .values()
            .map(|rows| rows.as_u64().unwrap())
            .sum()
    };
    let left: u64 = account["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verdict| verdict["rows"].as_u64().unwrap())
        .sum();
    assert_eq!(sum("faults"), 1, "one record is damaged");
    assert_eq!(
        account["read"].as_u64().unwrap(),
        account["kept"].as_u64().unwrap() + left + sum("faults")
    );
    assert!(account["kept"].as_u64().unwrap() > 80, "{summary}");
    let rows = |rule: &str| -> u64 {
        let verdicts = account["verdicts"].as_array().unwrap().iter();
        verdicts
            .filter(|verdict| verdict["rule"] == rule)
            .map(|verdict| verdict["rows"].as_u64().unwrap())
            .sum()
    };
    assert_eq!(
        rows("is_html"),
        8 * (4 + 8 + 2),
        "images, sounds, films, PDFs, JSON and style sheets"
    );
    assert_eq!(rows("unique_text"), 8, "the copies of one article");
    assert!(rows("english") >= 8, "the German pages");
    assert!(rows("lorem_ipsum") >= 1, "{summary}");
    succeed(&["verify", &to]);
}

#[test]
fn threads_batches_and_runs_leave_no_trace() {
    let folder = crawl();
    let first = path(&folder, "first");
    succeed(&strs(&web(&folder, &first)));
    for threads in ["1", "2", "7"] {
        let to = path(&folder, threads);
        let mut arguments = web(&folder, &to);
        arguments.extend(["--threads".to_owned(), threads.to_owned()]);
        succeed(&strs(&arguments));
        assert_same_tree(&first, &to);
    }
    let before = tree(&first);
    let again = succeed(&strs(&web(&folder, &first)));
    assert!(again.contains("complete already"), "{again}");
    assert!(
        tree(&first) == before,
        "a second run of a finished output changed it"
    );
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    let folder = crawl();
    let whole = path(&folder, "whole");
    let started = Instant::now();
    succeed(&strs(&web(&folder, &whole)));
    let seconds = started.elapsed();
    for moment in 0..30_u32 {
        let to = path(&folder, &format!("killed-{moment}"));
        let arguments = web(&folder, &to);
        let mut child = gristmill()
            .args(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Moments from the very start to just before the end, at uneven steps.
        std::thread::sleep(
            seconds
                .mul_f64(f64::from(moment * 37 % 30) / 30.0)
                .max(Duration::from_millis(1)),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        succeed(&strs(&arguments));
        assert_same_tree(&whole, &to);
        fs::remove_dir_all(&to).unwrap();
    }
}

#[test]
fn two_runs_at_once_end_in_one_dataset() {
    let folder = crawl();
    let (whole, shared) = (path(&folder, "whole"), path(&folder, "shared"));
    succeed(&strs(&web(&folder, &whole)));
    let arguments = web(&folder, &shared);
    let start = || {
        gristmill()
            .args(&arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [start(), start()];
    let mut succeeded = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        // The slower one may find its staged rows tidied away by the faster one; then it says so and stops.
        succeeded += u32::from(output.status.success());
    }
    assert!(succeeded >= 1);
    succeed(&strs(&arguments));
    assert_same_tree(&whole, &shared);
}

#[test]
fn another_recipe_does_not_go_on_in_the_same_place() {
    let folder = crawl();
    let to = path(&folder, "out");
    succeed(&strs(&web(&folder, &to)));
    let mut changed = web(&folder, &to);
    changed.extend([
        "--set".to_owned(),
        "text.1.keep.english=text_language = 'de'".to_owned(),
    ]);
    let output = run(&strs(&changed));
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("text_language = 'de'"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn changed_input_does_not_go_on_in_the_same_place() {
    let folder = crawl();
    let to = path(&folder, "out");
    succeed(&strs(&web(&folder, &to)));
    fs::write(path(&folder, "crawl/more.warc.gz"), b"").unwrap();
    let output = run(&strs(&web(&folder, &to)));
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stderr).contains("more.warc.gz is new"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn missing_input_is_exit_code_4() {
    let folder = crawl();
    let output = run(&[
        "run",
        RECIPE,
        "--read",
        &path(&folder, "none/*.gz"),
        "--to",
        &path(&folder, "out"),
    ]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("nothing matches"));
}

#[test]
fn an_expectation_that_does_not_hold_stops_the_manifest() {
    let folder = crawl();
    let to = path(&folder, "out");
    let mut arguments = web(&folder, &to);
    arguments.extend([
        "--set".to_owned(),
        "expect=[{metric: keep_rate, error_if: '> 0.01'}]".to_owned(),
    ]);
    let output = run(&strs(&arguments));
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(!fs::exists(format!("{to}/_gristmill/manifest.json")).unwrap());
}

#[test]
fn a_run_that_keeps_nothing_says_so() {
    let folder = crawl();
    let mut arguments = web(&folder, &path(&folder, "out"));
    arguments.extend([
        "--set".to_owned(),
        "text.1.keep.english=text_language = 'xx'".to_owned(),
    ]);
    let output = run(&strs(&arguments));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("nothing was kept"));
}

#[test]
fn an_unwritable_output_is_explained() {
    let folder = crawl();
    let file = path(&folder, "file");
    fs::write(&file, "in the way").unwrap();
    let output = run(&strs(&web(&folder, &format!("{file}/out"))));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let refused = run(&[
        "run",
        RECIPE,
        "--read",
        &path(&folder, "crawl/*"),
        "--to",
        "http://localhost:1/out",
    ]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn an_unreachable_store_is_worth_another_try() {
    let folder = crawl();
    let output = gristmill()
        .args([
            "run",
            RECIPE,
            "--read",
            &path(&folder, "crawl/*"),
            "--to",
            "s3://bucket/out",
            "--retries",
            "1",
        ])
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret")
        .env("AWS_REGION", "us-east-1")
        .output()
        .unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{stderr}");
    assert!(stderr.contains("again"), "{stderr}");
    assert!(!stderr.contains("canary-secret"), "{stderr}");
}

#[test]
fn events_are_json_lines() {
    let folder = crawl();
    let mut arguments = web(&folder, &path(&folder, "out"));
    arguments.push("--json".to_owned());
    let output = run(&strs(&arguments));
    let lines = text(&output.stdout) + &text(&output.stderr);
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(events.iter().any(|event| event["event"] == "listed"));
    assert!(
        events
            .iter()
            .any(|event| event["event"] == "done" && event["account"]["read"].is_u64())
    );
}

#[test]
fn a_run_whose_expectation_was_wrong_is_published_once_it_is_corrected() {
    let folder = crawl();
    let (to, read) = (path(&folder, "out"), path(&folder, "crawl/*.warc.gz"));
    let recipe = path(&folder, "recipe.yaml");
    let write = |condition: &str| {
        let source = format!(
            "recipe: 1\nname: x\ntext: [{{extract: html}}]\nexpect: [{{metric: keep_rate, error_if: \"{condition}\"}}]\n"
        );
        fs::write(&recipe, source).unwrap();
    };
    write("< 0.9");
    let refused = run(&["run", &recipe, "--read", &read, "--to", &to]);
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    assert!(
        text(&refused.stdout).contains("is_html"),
        "no account: {}",
        text(&refused.stdout)
    );
    assert_eq!(run(&["verify", &to]).status.code(), Some(4));
    write("< 0.01");
    succeed(&["run", &recipe, "--read", &read, "--to", &to]);
    succeed(&["verify", &to]);
}

#[test]
fn documents_of_many_mebibytes_do_not_stop_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{{\"text\": \"{}\"}}\n", "many words ".repeat(3 << 20));
    let mut file = flate2::write::GzEncoder::new(
        fs::File::create(path(&folder, "a.jsonl.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    // 70 lines of 33 MiB: more than 2 GiB within what would be one block of 64 rows.
    for _ in 0..70 {
        std::io::Write::write_all(&mut file, line.as_bytes()).unwrap();
    }
    file.finish().unwrap();
    let to = path(&folder, "out");
    let recipe = path(&folder, "recipe.yaml");
    fs::write(
        &recipe,
        "{recipe: 1, name: x, text: [{keep: {all: text IS NOT NULL}}], write: {columns: [text]}}",
    )
    .unwrap();
    succeed(&[
        "run",
        &recipe,
        "--read",
        &path(&folder, "a.jsonl.gz"),
        "--to",
        &to,
    ]);
    assert_eq!(manifest(&to)["account"]["kept"], 70);
}

#[test]
fn an_output_among_the_input_is_refused() {
    let folder = crawl();
    let (read, to) = (path(&folder, "crawl"), path(&folder, "crawl/out"));
    let output = run(&["run", "recipes/html-extract.yaml", "--read", &read, "--to", &to]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stderr).contains("lies among"),
        "{}",
        text(&output.stderr)
    );
    assert!(!fs::exists(&to).unwrap());
    // A pattern that cannot match what is written is no obstacle.
    let read = path(&folder, "crawl/*.warc.gz");
    succeed(&["run", "recipes/html-extract.yaml", "--read", &read, "--to", &to]);
}

#[test]
fn a_working_folder_may_have_brackets_in_its_name() {
    let folder = crawl();
    let here = folder.path().join("[old] {x}");
    fs::create_dir(&here).unwrap();
    fs::rename(folder.path().join("crawl"), here.join("crawl")).unwrap();
    let recipe = crate::kit::root().join("recipes/html-extract.yaml");
    let output = gristmill()
        .current_dir(&here)
        .args([
            "run",
            recipe.to_str().unwrap(),
            "--read",
            "crawl/*.gz",
            "--to",
            "out",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let rows = succeed(&[
        "query",
        here.join("out").to_str().unwrap(),
        "--json",
        "SELECT DISTINCT uri FROM text ORDER BY uri",
    ]);
    assert!(rows.starts_with("{\"uri\":\"demo-00000.warc.gz\"}"), "{rows}");
}

#[test]
fn a_model_is_a_signal_and_part_of_the_plan() {
    let folder = crawl();
    let (to, read) = (path(&folder, "out"), path(&folder, "crawl/*.warc.gz"));
    let model = path(&folder, "model.bin");
    let trained = crate::kit::root().join("crates/text/tests/models");
    fs::copy(trained.join("softmax.bin"), &model).unwrap();
    let recipe = path(&folder, "recipe.yaml");
    let source = format!(
        "recipe: 1\nname: x\nmodels: {{ topic: {{fasttext: {model}}}, news: {{ngram_lm: {}}} }}\n\
         text: [{{extract: html}}, {{keep: {{sure: text_topic_score > 0.2, known: text_topic_label IS NOT NULL, \
         like_news: text_news_perplexity > 1}}}}]\n",
        trained.join("order4.arpa").display()
    );
    fs::write(&recipe, source).unwrap();
    succeed(&["run", &recipe, "--read", &read, "--to", &to]);
    let sql = "SELECT count(DISTINCT text_topic_label) > 0 AND min(text_topic_score) > 0.2 AS ok FROM text";
    assert_eq!(succeed(&["query", &to, "--json", sql]).trim(), "{\"ok\":true}");
    // Another model under the same name is another plan.
    fs::copy(trained.join("ova.bin"), &model).unwrap();
    let output = run(&["run", &recipe, "--read", &read, "--to", &to]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
}
