//! Finished outputs: why, verify, query, sample.

use std::fs;

use serde_json::Value;

use crate::kit::{crawl, path, run, succeed, text};

fn finished() -> (tempfile::TempDir, String) {
    let folder = crawl();
    let to = path(&folder, "out");
    let read = path(&folder, "crawl/*.warc.gz");
    succeed(&[
        "run",
        "recipes/web-text.yaml",
        "--read",
        &read,
        "--to",
        &to,
        "--set",
        "write.rejects=all",
    ]);
    (folder, to)
}

#[test]
fn why_answers_for_every_id() {
    let (_folder, to) = finished();
    let rows = succeed(&[
        "query",
        &to,
        "--json",
        "SELECT id, 'kept' AS verdict FROM text UNION ALL SELECT id, verdict FROM rejects",
    ]);
    let rows: Vec<Value> = rows
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 818);
    let mut verdicts: Vec<&str> = rows.iter().map(|row| row["verdict"].as_str().unwrap()).collect();
    verdicts.sort_unstable();
    verdicts.dedup();
    assert!(
        verdicts.len() >= 7,
        "a run with few kinds of verdicts: {verdicts:?}"
    );
    // One of each kind through the command, every one through the library that the command calls.
    for verdict in verdicts {
        let row = rows.iter().find(|row| row["verdict"] == verdict).unwrap();
        let answer = succeed(&["why", &to, row["id"].as_str().unwrap(), "--json"]);
        let answer: Value = serde_json::from_str(answer.lines().next().unwrap()).unwrap();
        assert_eq!(answer["verdict"], verdict);
    }
    let runtime = gristmill::engine::Runtime::new(2).unwrap();
    let output =
        gristmill::engine::Output::open(&to, &gristmill::engine::StoreOptions::default(), &runtime).unwrap();
    for row in &rows {
        let found = output.why(row["id"].as_str().unwrap(), &runtime).unwrap();
        assert_eq!(found.len(), 1, "{row}");
        assert_eq!(found[0].verdict, row["verdict"].as_str().unwrap());
    }
}

#[test]
fn a_record_that_is_read_again_gets_the_answers_of_the_run() {
    let (folder, to) = finished();
    let read = path(&folder, "crawl/*.warc.gz");
    let rows = succeed(&[
        "query",
        &to,
        "--json",
        "SELECT verdict, min(id) AS id FROM (SELECT id, 'kept' AS verdict FROM text UNION ALL SELECT id, verdict FROM rejects) GROUP BY 1",
    ]);
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let verdict = row["verdict"].as_str().unwrap();
        let again = [
            "--recipe",
            "recipes/web-text.yaml",
            "--read",
            &read,
            "--with",
            "gopher_quality@dclm",
            "--json",
        ];
        let answer = succeed(&[&["why", &to, row["id"].as_str().unwrap()], again.as_slice()].concat());
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let rules = answer["rules"].as_array().unwrap();
        let first = rules
            .iter()
            .find(|rule| rule["holds"] == false && !rule["step"].as_str().unwrap().starts_with("with "));
        let expected = match (&answer["stopped"], first) {
            (Value::Object(stopped), _) => stopped["rule"].as_str().unwrap(),
            (_, Some(rule)) => rule["rule"].as_str().unwrap(),
            // Dedup needs all documents.
            _ if verdict == "unique_text" => verdict,
            _ => "kept",
        };
        assert_eq!(verdict, expected, "{answer}");
        assert!(
            answer["stopped"].is_object() || rules.len() > 30,
            "every rule is asked: {answer}"
        );
    }
    let shown = succeed(&[
        "why",
        &to,
        "https://river-survey.example/all-pages",
        "--recipe",
        "recipes/web-text.yaml",
        "--read",
        &read,
        "--with",
        "gopher_quality@curator",
    ]);
    assert!(shown.contains("NO  gopher_too_many_bullets"), "{shown}");
    assert!(shown.contains("profiles of gopher_quality disagree"), "{shown}");
    assert!(shown.contains("gopher_quality@curator keeps it"), "{shown}");
}

#[test]
fn why_says_which_value_failed_which_rule() {
    let (_folder, to) = finished();
    let answer = succeed(&["why", &to, "https://river-survey.example/all-pages"]);
    assert!(answer.contains("rejected at step"), "{answer}");
    let kept = succeed(&["why", &to, "https://river-survey.example/articles/20"]);
    assert!(kept.starts_with("kept"), "{kept}");
    let line = kept
        .lines()
        .find(|line| line.trim_start().starts_with("english"))
        .unwrap();
    assert!(
        line.contains("text_language_score > 0.65") && line.contains("text_language_score = "),
        "{line}"
    );
    let unknown = run(&["why", &to, "https://nowhere.example/"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn verify_finds_a_changed_byte_and_a_stray_file() {
    let (_folder, to) = finished();
    let shards = fs::read_dir(format!("{to}/data/text")).unwrap();
    let shard = shards.map(|entry| entry.unwrap().path()).next().unwrap();
    let mut bytes = fs::read(&shard).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&shard, &bytes).unwrap();
    let output = run(&["verify", &to]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("BLAKE3"),
        "{}",
        text(&output.stdout)
    );
    bytes[middle] ^= 1;
    fs::write(&shard, &bytes).unwrap();
    succeed(&["verify", &to]);
    fs::write(format!("{to}/data/text/stray.parquet"), "stray").unwrap();
    assert_eq!(run(&["verify", &to]).status.code(), Some(1));
}

#[test]
fn redaction_leaves_no_address() {
    let (_folder, to) = finished();
    let count = succeed(&[
        "query",
        &to,
        "--json",
        "SELECT count(*) AS n FROM text WHERE text LIKE '%editor@harbour%' OR text LIKE '%8.8.8.8%'",
    ]);
    assert_eq!(count.trim(), "{\"n\":0}");
    let redacted = succeed(&[
        "query",
        &to,
        "--json",
        "SELECT count(*) AS n FROM text WHERE url LIKE '%/contact'",
    ]);
    assert_eq!(redacted.trim(), "{\"n\":8}");
}

#[test]
fn sample_shows_records_with_their_verdicts() {
    let folder = crawl();
    let read = path(&folder, "crawl/*.warc.gz");
    let page = succeed(&["sample", "recipes/web-text.yaml", "--read", &read, "-n", "12"]);
    assert!(page.contains("kept") && page.contains("rejected by"), "{page}");
}

#[test]
fn an_unfinished_output_is_explained() {
    let folder = crawl();
    let output = run(&["verify", &path(&folder, "nothing")]);
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("has no manifest"));
}

#[test]
fn a_shard_that_is_gone_is_an_error_and_not_fewer_rows() {
    let (_folder, to) = finished();
    let rejects = fs::read_dir(format!("{to}/rejects")).unwrap();
    let last = rejects.map(|entry| entry.unwrap().path()).max().unwrap();
    fs::remove_file(&last).unwrap();
    let output = run(&["query", &to, "SELECT count(*) AS n, max(id) FROM rejects"]);
    assert_ne!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert_eq!(run(&["verify", &to]).status.code(), Some(1));
}

#[test]
fn an_address_may_hold_any_character() {
    let folder = crawl();
    let read = path(&folder, "crawl/*.warc.gz");
    for name in ["out#1", "a?b", "x%20y", "für uns"] {
        let to = path(&folder, name);
        succeed(&["run", "recipes/web-text.yaml", "--read", &read, "--to", &to]);
        succeed(&["verify", &to]);
        let count = succeed(&["query", &to, "--json", "SELECT count(*) AS n FROM text"]);
        assert_eq!(count.trim(), "{\"n\":110}", "{name}");
    }
}

#[test]
fn tidying_leaves_the_files_of_others_alone() {
    let folder = crawl();
    let to = path(&folder, "out");
    let theirs = ["notes#2", "mine/draft#7", "README.md.orig#1"].map(|name| format!("{to}/{name}"));
    for file in &theirs {
        fs::create_dir_all(std::path::Path::new(file).parent().unwrap()).unwrap();
        fs::write(file, "mine").unwrap();
    }
    fs::create_dir_all(format!("{to}/data/text")).unwrap();
    fs::write(format!("{to}/data/text/gristmill#31"), "half").unwrap();
    let read = path(&folder, "crawl/*.warc.gz");
    succeed(&["run", "recipes/html-extract.yaml", "--read", &read, "--to", &to]);
    for file in &theirs {
        assert_eq!(fs::read_to_string(file).unwrap(), "mine");
    }
    assert!(!fs::exists(format!("{to}/data/text/gristmill#31")).unwrap());
}

#[test]
fn why_tells_of_every_capture_of_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = format!(
        "{{\"url\": \"https://a.example/\", \"text\": \"{}\"}}\n",
        "the same words again ".repeat(9)
    );
    fs::write(path(&folder, "a.jsonl"), page.repeat(2)).unwrap();
    let recipe = path(&folder, "recipe.yaml");
    let source = format!(
        "recipe: 1\nname: x\nread: [{{uri: {}, url: url}}]\ntext: [{{dedup: {{exact: text}}}}]\nwrite: {{rejects: all}}\n",
        path(&folder, "a.jsonl")
    );
    fs::write(&recipe, source).unwrap();
    let to = path(&folder, "out");
    succeed(&["run", &recipe, "--to", &to]);
    let answer = succeed(&["why", &to, "https://a.example/"]);
    assert!(
        answer.contains("kept") && answer.contains("unique_text"),
        "{answer}"
    );
}

#[test]
fn an_empty_answer_is_an_answer() {
    let folder = crawl();
    let (to, read) = (path(&folder, "out"), path(&folder, "crawl/*.warc.gz"));
    let recipe = path(&folder, "recipe.yaml");
    fs::write(
        &recipe,
        "{recipe: 1, name: x, text: [{extract: html}, {keep: {none: text_word_count > 1000000}}]}",
    )
    .unwrap();
    succeed(&["run", &recipe, "--read", &read, "--to", &to]);
    let count = succeed(&["query", &to, "--json", "SELECT count(text) AS n FROM text"]);
    assert_eq!(count.trim(), "{\"n\":0}");
}

#[test]
fn a_folder_of_documents_becomes_texts() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("library");
    fs::create_dir(&library).unwrap();
    let pdf = crate::kit::root().join("crates/text/tests/fixtures/pdf/columns.pdf");
    fs::copy(pdf, library.join("paper.pdf")).unwrap();
    fs::write(library.join("notes.md"), "# Notes\n\n- one *two*\n").unwrap();
    fs::write(library.join("plain.txt"), "Just text.").unwrap();
    fs::write(
        library.join("page.html"),
        "<title>A page</title><article><h1>A page</h1><p>The first paragraph says what the page is about, in words enough to be \
         one.<p>The second goes on where the first ended, because a text of one paragraph is seldom the whole story.</article>",
    )
    .unwrap();
    fs::write(library.join("picture.png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    let (read, to) = (path(&folder, "library/**"), path(&folder, "out"));
    succeed(&["run", "recipes/documents.yaml", "--read", &read, "--to", &to]);
    let rows = succeed(&[
        "query",
        &to,
        "--json",
        "SELECT media_type, text_title, text_page_count, text_token_count > 0 AS counted FROM text ORDER BY 1",
    ]);
    let rows: Vec<Value> = rows
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<_> = rows
        .iter()
        .map(|row| row["media_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["application/pdf", "text/html", "text/markdown", "text/plain"]
    );
    assert!(rows[0]["text_page_count"].as_u64().unwrap() > 0 && rows[1]["text_page_count"].is_null());
    assert_eq!(rows[2]["text_title"], "Notes");
    assert!(rows.iter().all(|row| row["counted"] == true), "{rows:?}");
    let left = succeed(&["query", &to, "--json", "SELECT verdict FROM rejects"]);
    assert_eq!(left.trim(), r#"{"verdict":"is_readable"}"#);
}

#[test]
fn a_report_is_one_page_that_needs_nothing_else_and_tells_the_numbers_of_the_output() {
    let (folder, to) = finished();
    let kept_in_output = succeed(&["report", &to]);
    assert!(fs::metadata(kept_in_output.trim()).unwrap().is_file());
    succeed(&["verify", &to]);
    let file = path(&folder, "report.html");
    succeed(&["report", &to, "--to", &file]);
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
    for fetched in [
        "src=\"http",
        "src=\"//",
        "href=\"http",
        "<link rel=\"stylesheet\"",
        "<iframe",
    ] {
        assert!(!page.contains(fetched), "{fetched}");
    }
    let rows = succeed(&[
        "query",
        &to,
        "--json",
        "SELECT verdict, count(*) AS n FROM rejects WHERE verdict != 'fault' GROUP BY verdict",
    ]);
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let cells = format!(
            "<code>{}</code></td><td class=\"n\">{}</td>",
            row["verdict"].as_str().unwrap(),
            row["n"]
        );
        assert!(page.contains(&cells), "{cells}");
    }
    // A rejected page tells how it began.
    let preview = succeed(&[
        "query",
        &to,
        "--json",
        "SELECT preview FROM rejects WHERE verdict = 'english' LIMIT 1",
    ]);
    let preview: Value = serde_json::from_str(preview.trim()).unwrap();
    assert!(
        preview["preview"].as_str().is_some_and(|text| text.len() > 20),
        "{preview}"
    );
}

#[test]
fn drift_tells_what_moved_and_expectations_can_ask_for_it() {
    let (folder, to) = finished();
    let read = path(&folder, "crawl/*.warc.gz");
    let same = succeed(&["drift", &to, &to, "--json", "--fail"]);
    assert_eq!(same, "");
    let short = path(&folder, "short");
    let rule = "text.1.keep.few_words=text_non_symbol_word_count < 400";
    let run_with = |to: &str, expect: &str| {
        let expect = format!("expect={expect}");
        run(&[
            "run",
            "recipes/web-text.yaml",
            "--read",
            &read,
            "--to",
            to,
            "--set",
            rule,
            "--set",
            &expect,
        ])
    };
    let median = "[{metric: 'p50[text_non_symbol_word_count]', error_if: '> 400'}, {metric: 'share[text_language=en]', error_if: '< 1'}]";
    let output = run_with(&short, median);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let moved = succeed(&["drift", &to, &short, "--json"]);
    let moved: Vec<Value> = moved
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        moved
            .iter()
            .any(|row| row["measure"] == "text_non_symbol_word_count"),
        "{moved:?}"
    );
    assert_eq!(run(&["drift", &to, &short, "--fail"]).status.code(), Some(5));
    let refused = run_with(
        &path(&folder, "refused"),
        &format!("[{{metric: moved, baseline: '{to}', error_if: '> 0'}}]"),
    );
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    assert!(
        text(&refused.stderr).contains("moved is"),
        "{}",
        text(&refused.stderr)
    );
}
