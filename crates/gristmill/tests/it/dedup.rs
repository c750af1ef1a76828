//! Dedup steps from outside: clusters, indexes of earlier runs, crashes between the phases, repeated parts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::kit::{assert_same_tree, gristmill, path, run, succeed, text};

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn word(&mut self) -> String {
        let letter = |number: u64| (b'a' + number as u8) as char;
        let mut word = "qz".to_owned();
        (0..4).for_each(|_| word.push(letter(self.below(16))));
        word
    }
}

/// `count` documents as JSON lines, ids from `first`: some alone, some edited copies of others, near and far.
fn documents(count: usize) -> Vec<(String, String)> {
    let mut numbers = Numbers(7);
    let mut texts: Vec<Vec<String>> = Vec::new();
    for _ in 0..count {
        let words = if texts.is_empty() || numbers.below(10) < 4 {
            let length = 40 + numbers.below(200);
            (0..length).map(|_| numbers.word()).collect()
        } else {
            let from = numbers.below(texts.len() as u64) as usize;
            let mut words = texts[from].clone();
            for _ in 0..numbers.below(6) {
                let place = numbers.below(words.len() as u64) as usize;
                words[place] = numbers.word();
            }
            words
        };
        texts.push(words);
    }
    let ids = (0..).map(|number| format!("{number:05}"));
    let lines = texts.iter().map(|words| {
        let lines = words.chunks(12).map(|line| line.join(" "));
        lines.collect::<Vec<_>>().join("\n")
    });
    ids.zip(lines).collect()
}

fn write(documents: &[(String, String)], file: &str) {
    let mut lines = String::new();
    for (id, text) in documents {
        let line = serde_json::json!({ "id": id, "text": text, "url": format!("http://example.org/{id}") });
        writeln!(lines, "{line}").unwrap();
    }
    fs::create_dir_all(Path::new(file).parent().unwrap()).unwrap();
    fs::write(file, lines).unwrap();
}

/// A folder with three files of documents in `in/` and a recipe with these steps.
fn corpus(steps: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let documents = documents(600);
    for (number, part) in documents.chunks(200).enumerate() {
        write(part, &path(&folder, &format!("in/{number}.jsonl")));
    }
    recipe(&folder, steps);
    folder
}

fn recipe(folder: &tempfile::TempDir, steps: &str) {
    let recipe = format!(
        "recipe: 1\nname: x\nread: [{{uri: x, id: id, url: url, slice_bytes: 60KiB}}]\ntext:\n{steps}\nwrite: {{columns: [id, text, cluster_id], rejects: all}}\n"
    );
    fs::write(path(folder, "recipe.yaml"), recipe).unwrap();
}

fn arguments(folder: &tempfile::TempDir, read: &str, to: &str) -> Vec<String> {
    let (recipe, read) = (path(folder, "recipe.yaml"), path(folder, read));
    ["run", &recipe, "--read", &read, "--to", to]
        .map(str::to_owned)
        .to_vec()
}

fn run_over(folder: &tempfile::TempDir, read: &str, to: &str) -> String {
    let arguments = arguments(folder, read, to);
    succeed(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn rows(to: &str, sql: &str) -> Vec<Value> {
    let answer = succeed(&["--json", "query", to, sql]);
    answer
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A text column of a query's answer.
fn values(to: &str, sql: &str) -> BTreeSet<String> {
    let of_row = |row: Value| {
        row.as_object()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .as_str()
            .map(str::to_owned)
    };
    rows(to, sql).into_iter().filter_map(of_row).collect()
}

fn dedup_numbers(to: &str) -> Value {
    let manifest: Value =
        serde_json::from_slice(&fs::read(format!("{to}/_gristmill/manifest.json")).unwrap()).unwrap();
    manifest["dedup"][0].clone()
}

#[test]
fn the_table_of_clusters_and_why_tell_the_same() {
    let folder = corpus("- dedup: {minhash: {verify: 0.7, prefer: 'text_char_count DESC'}}");
    let to = path(&folder, "out");
    let summary = run_over(&folder, "in/*.jsonl", &to);
    let numbers = dedup_numbers(&to);
    assert!(summary.contains("pairs verified of which"), "{summary}");
    assert!(summary.contains("clusters by size: "), "{summary}");
    let members = rows(&to, "SELECT * FROM clusters");
    let kept = values(&to, "SELECT id FROM text");
    assert!(members.len() > 200, "{}", members.len());
    let duplicates: Vec<_> = members
        .iter()
        .filter(|member| member["cluster_rank"] != 0)
        .collect();
    assert_eq!(numbers["duplicates"], duplicates.len());
    assert_eq!(kept.len(), 600 - duplicates.len());
    for member in &duplicates {
        let id = member["id"].as_str().unwrap();
        assert!(!kept.contains(id) && kept.contains(member["cluster_id"].as_str().unwrap()));
    }
    let member = duplicates[0];
    let why = succeed(&["why", &to, member["id"].as_str().unwrap()]);
    let similarity = format!("{:.4}", member["cluster_similarity"].as_f64().unwrap());
    for part in [
        "unique_minhash",
        member["cluster_id"].as_str().unwrap(),
        &similarity,
    ] {
        assert!(why.contains(part), "{part} is not in\n{why}");
    }
    let json: Value =
        serde_json::from_str(&succeed(&["--json", "why", &to, member["id"].as_str().unwrap()])).unwrap();
    assert_eq!(json["clusters"][0]["kept"], member["cluster_id"]);
    succeed(&["verify", &to]);
    // The longest of each cluster is kept; of equally long ones the one of the least id.
    let lengths: BTreeMap<String, usize> = documents(600)
        .into_iter()
        .map(|(id, text)| (id, text.chars().count()))
        .collect();
    for member in &duplicates {
        let (id, kept) = (
            member["id"].as_str().unwrap(),
            member["cluster_id"].as_str().unwrap(),
        );
        assert!(
            (lengths[kept], id) > (lengths[id], kept),
            "{kept} is kept before {id}"
        );
    }
}

#[test]
fn files_in_another_order_and_other_slices_give_the_same_documents() {
    let folder = corpus("- dedup: {minhash: {verify: 0.7}}");
    let first = path(&folder, "first");
    run_over(&folder, "in/*.jsonl", &first);
    let sorted = "SELECT id, cluster_id, cluster_rank, cluster_similarity FROM clusters ORDER BY id";
    let expected = rows(&first, sorted);
    for (number, (from, to)) in [("0.jsonl", "z.jsonl"), ("2.jsonl", "a.jsonl")]
        .into_iter()
        .enumerate()
    {
        fs::rename(
            path(&folder, &format!("in/{from}")),
            path(&folder, &format!("in/{to}")),
        )
        .unwrap();
        let other = path(&folder, &format!("other-{number}"));
        let mut arguments = arguments(&folder, "in/*.jsonl", &other);
        let slices = [
            "--set",
            "read.0.slice_bytes=17KiB",
            "--threads",
            ["1", "5"][number],
        ];
        arguments.extend(slices.map(str::to_owned));
        succeed(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(rows(&other, sorted), expected);
    }
}

#[test]
fn a_second_crawl_against_the_index_of_the_first_is_as_both_in_one() {
    for method in [
        "minhash: {verify: 0.7",
        "minhash: {verify: off",
        "exact: {column: text",
        "simhash: {distance: 5",
    ] {
        let folder = corpus(&format!("- dedup: {{{method}}}}}"));
        let both = path(&folder, "both");
        run_over(&folder, "in/[01].jsonl", &both);
        let index = path(&folder, "index");
        recipe(&folder, &format!("- dedup: {{{method}, index: {index}}}}}"));
        let (first, second) = (path(&folder, "first"), path(&folder, "second"));
        run_over(&folder, "in/0.jsonl", &first);
        let summary = run_over(&folder, "in/1.jsonl", &second);
        // Ids ascend and the first id is preferred, so in one run, too, the first crawl's documents are kept.
        let is_second = |ids: BTreeSet<String>| {
            ids.into_iter()
                .filter(|id| id.as_str() >= "00200")
                .collect::<BTreeSet<_>>()
        };
        let ids = "SELECT id FROM text";
        assert_eq!(values(&second, ids), is_second(values(&both, ids)), "{method}");
        // A document of the second crawl may join two clusters of the first, of which both were kept.
        assert!(values(&first, ids).is_superset(&values(&both, "SELECT id FROM text WHERE id < '00200'")));
        assert!(summary.contains("known from the index"), "{summary}");
        let of_second = "SELECT id, cluster_id FROM clusters WHERE id >= '00200' ORDER BY id";
        assert_eq!(rows(&second, of_second), rows(&both, of_second), "{method}");
        let listed = succeed(&["--json", "index", "list", &index]);
        let entries: Vec<Value> = listed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(entries.len(), 2, "{listed}");
        // The same command again changes neither the output nor the index.
        assert!(run_over(&folder, "in/1.jsonl", &second).contains("complete already"));
        assert_eq!(succeed(&["--json", "index", "list", &index]), listed);
    }
}

#[test]
fn entries_of_an_index_are_selected_and_removed_and_half_written_ones_not_read() {
    let folder = corpus("");
    let index = path(&folder, "index");
    let with = |entry: &str, read: &str| {
        let step = format!("- dedup: {{minhash: {{index: {{uri: {index}, entry: {entry}{read}}}}}}}");
        recipe(&folder, &step);
    };
    with("one", "");
    run_over(&folder, "in/0.jsonl", &path(&folder, "one"));
    // What a run left that was killed while it wrote its entry.
    fs::create_dir_all(path(&folder, "index/keys/half")).unwrap();
    fs::write(
        path(&folder, "index/keys/half/part-000000-0000-00.parquet"),
        "PAR1",
    )
    .unwrap();
    with("two", ", read: []");
    run_over(&folder, "in/0.jsonl", &path(&folder, "two"));
    assert_eq!(dedup_numbers(&path(&folder, "two"))["known"], 0);
    with("three", ", read: [one]");
    run_over(&folder, "in/0.jsonl", &path(&folder, "three"));
    let numbers = dedup_numbers(&path(&folder, "three"));
    assert_eq!(
        numbers["duplicates"], 200,
        "all are in the first entry: {numbers}"
    );
    let refused = |read: &str, to: &str, code: i32, words: &[&str]| {
        let to = path(&folder, to);
        let arguments = arguments(&folder, read, &to);
        let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        words
            .iter()
            .for_each(|word| assert!(stderr.contains(word), "{word} is not in {stderr}"));
    };
    with("one", "");
    refused(
        "in/1.jsonl",
        "four",
        4,
        &["has an entry \"one\" of another run", "index remove"],
    );
    // The advice can be taken without another address.
    with("four", "");
    run_over(&folder, "in/1.jsonl", &path(&folder, "four"));
    with("five", ", read: [zero]");
    refused("in/1.jsonl", "five", 4, &["no entry \"zero\"", "index list"]);
    recipe(
        &folder,
        &format!("- dedup: {{minhash: {{ngram: 4, index: {index}}}}}"),
    );
    refused("in/1.jsonl", "six", 4, &["cannot be compared", "\"ngram\":4"]);
    recipe(
        &folder,
        &format!("- dedup: {{exact: {{index: {index}}}}}\n- dedup: {{minhash: {{index: {index}}}}}"),
    );
    refused("in/1.jsonl", "seven", 2, &["another step has this index"]);
    // A finished run does not need what it read any more; the same run elsewhere does not read its own entry.
    with("three", ", read: [one]");
    succeed(&["index", "remove", &index, "one"]);
    assert!(run_over(&folder, "in/0.jsonl", &path(&folder, "three")).contains("complete already"));
    with("two", ", read: []");
    run_over(&folder, "in/0.jsonl", &path(&folder, "two-again"));
    assert_same_tree(&path(&folder, "two"), &path(&folder, "two-again"));
    succeed(&["index", "remove", &index, "half"]);
    succeed(&["index", "remove", &index, "two"]);
    assert_eq!(run(&["index", "remove", &index, "two"]).status.code(), Some(4));
    assert!(!fs::exists(path(&folder, "index/keys/two")).unwrap());
    assert_eq!(succeed(&["--json", "index", "list", &index]).lines().count(), 2);
}

#[test]
fn the_third_crawl_is_told_what_the_first_one_kept() {
    let folder = corpus("");
    let index = path(&folder, "index");
    // Names of entries are not in the order of the crawls.
    for (number, entry) in ["c", "a", "b"].into_iter().enumerate() {
        recipe(
            &folder,
            &format!("- dedup: {{minhash: {{verify: 0.7, index: {{uri: {index}, entry: {entry}}}}}}}"),
        );
        run_over(&folder, &format!("in/{number}.jsonl"), &path(&folder, entry));
    }
    let ids = |entry: &str| values(&path(&folder, entry), "SELECT id FROM text");
    let kept: BTreeSet<String> = ids("c").into_iter().chain(ids("a")).collect();
    let told = values(
        &path(&folder, "b"),
        "SELECT cluster_id FROM clusters WHERE cluster_rank > 0",
    );
    let of_this_run = |id: &&String| id.as_str() >= "00400";
    assert!(told.len() > 20);
    for id in told.iter().filter(|id| !of_this_run(id)) {
        assert!(kept.contains(id), "{id} was dropped by an earlier run");
    }
    // All three in one run keep the same documents of the third.
    recipe(&folder, "- dedup: {minhash: {verify: 0.7}}");
    run_over(&folder, "in/*.jsonl", &path(&folder, "all"));
    assert_eq!(
        ids("b"),
        values(&path(&folder, "all"), "SELECT id FROM text WHERE id >= '00400'")
    );
}

#[test]
fn killed_in_any_phase_it_goes_on_to_the_same_bytes() {
    let steps = |folder: &tempfile::TempDir, index: &str| {
        let index = path(folder, index);
        let steps = "- dedup: {lines: text}\n- dedup: {exact: text}\n- dedup: {substrings: {min_bytes: 40}}\n- dedup: {minhash: {verify: 0.7, index: ";
        recipe(folder, &format!("{steps}{index}}}}}"));
    };
    let folder = corpus("");
    let whole = path(&folder, "whole");
    steps(&folder, "index-whole");
    let started = Instant::now();
    run_over(&folder, "in/*.jsonl", &whole);
    let seconds = started.elapsed();
    for moment in 0..24_u32 {
        let (to, index) = (
            path(&folder, &format!("killed-{moment}")),
            format!("index-{moment}"),
        );
        steps(&folder, &index);
        let mut child = gristmill()
            .args(arguments(&folder, "in/*.jsonl", &to))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let share = f64::from(moment * 37 % 24) / 24.0;
        std::thread::sleep(seconds.mul_f64(share).max(Duration::from_millis(1)));
        child.kill().unwrap();
        child.wait().unwrap();
        run_over(&folder, "in/*.jsonl", &to);
        assert_same_tree(&whole, &to);
        assert_same_tree(&path(&folder, "index-whole"), &path(&folder, &index));
    }
}

#[test]
fn documents_with_items_of_evaluation_sets_leave_or_are_tagged() {
    let folder = tempfile::tempdir().unwrap();
    let question = "A farmer has seventeen sheep and all but nine of them run away, how many sheep are left";
    let filler = documents(2)[1].1.clone();
    let documents = [
        ("a", format!("{filler}\n{question}? The answer is nine.\n{filler}")),
        ("b", filler.clone()),
        ("c", format!("{filler}\nA FARMER has seventeen sheep, and all but nine of them run away: how many sheep are left?")),
    ]
    .map(|(id, text)| (id.to_owned(), text));
    write(&documents, &path(&folder, "in/0.jsonl"));
    fs::create_dir_all(path(&folder, "evals")).unwrap();
    let items = |question: &str| serde_json::json!({ "q": question, "a": "nine" }).to_string();
    fs::write(
        path(&folder, "evals/sheep-1.jsonl"),
        items(question) + "\n" + &items("too short"),
    )
    .unwrap();
    fs::write(
        path(&folder, "evals/sheep-2.jsonl"),
        items("What is the colour of the sky over the sea at noon in July"),
    )
    .unwrap();
    let evals = path(&folder, "evals/sheep-*.jsonl");
    let step = |keep: &str| {
        format!(
            "- decontaminate: {{benchmarks: [{{name: sheep, uri: '{evals}', question: q, answer: a}}]{keep}}}"
        )
    };
    recipe(&folder, &step(""));
    let asked = fs::read_to_string(path(&folder, "recipe.yaml")).unwrap();
    fs::write(path(&folder, "recipe.yaml"), asked.replace(", cluster_id", "")).unwrap();
    let dropped = path(&folder, "dropped");
    run_over(&folder, "in/*.jsonl", &dropped);
    assert_eq!(
        values(&dropped, "SELECT id FROM text"),
        BTreeSet::from(["b".to_owned()])
    );
    let report = succeed(&["contamination", &dropped]);
    for part in [
        "sheep: 1 item in 2 documents, 0 of them kept",
        "sheep-1.jsonl:1",
        "seventeen sheep",
    ] {
        assert!(report.contains(part), "{part} is not in\n{report}");
    }
    let json: Value = serde_json::from_str(&succeed(&["--json", "contamination", &dropped])).unwrap();
    let first = &json["documents"][0];
    assert_eq!(
        (first["id"].as_str(), first["score"].as_f64()),
        (Some("a"), Some(1.0))
    );
    let (start, end) = first["spans"].as_str().unwrap().split_once('-').unwrap();
    assert_eq!(
        &documents[0].1[start.parse().unwrap()..end.parse().unwrap()],
        question
    );

    for (change, word) in [("answer: a", "answer: b"), ("question: q", "question: a")]
        .into_iter()
        .zip(["has a field", "can be looked for"])
    {
        let (from, to) = change;
        let file = path(&folder, "recipe.yaml");
        let right = fs::read_to_string(&file).unwrap();
        fs::write(&file, right.replace(from, to)).unwrap();
        let output = run(&[
            "check",
            &file,
            "--read",
            &path(&folder, "in/*.jsonl"),
            "--to",
            &path(&folder, "x"),
        ]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(word), "{}", text(&output.stderr));
        fs::write(&file, right).unwrap();
    }

    recipe(&folder, &step(", keep: text_contamination_score <= 1"));
    fs::write(
        path(&folder, "recipe.yaml"),
        fs::read_to_string(path(&folder, "recipe.yaml")).unwrap().replace("[id, text, cluster_id]", "[id, text_contamination_benchmark, text_contamination_score, text_contamination_item, text_contamination_spans, text_contamination_match]"),
    )
    .unwrap();
    let tagged = path(&folder, "tagged");
    run_over(&folder, "in/*.jsonl", &tagged);
    assert!(succeed(&["contamination", &tagged]).contains("2 documents, 2 of them kept"));
    assert_eq!(
        values(&tagged, "SELECT id FROM text WHERE text_contamination_score = 0"),
        BTreeSet::from(["b".to_owned()])
    );
}

#[test]
fn bytes_are_compared_before_they_become_text() {
    let folder = tempfile::tempdir().unwrap();
    for (name, page) in [
        ("a", "<p>One page</p>"),
        ("b", "<p>One page</p>"),
        ("c", "<p>One  page</p>"),
    ] {
        let text = format!("{page}<p>of some words that are long enough for an extractor to take them.</p>");
        fs::create_dir_all(path(&folder, "in")).unwrap();
        fs::write(path(&folder, &format!("in/{name}.html")), text).unwrap();
    }
    let recipe = "recipe: 1\nname: x\nread: [{uri: x}]\ntext: [{dedup: {exact: content}}, {extract: html}]\n";
    fs::write(path(&folder, "recipe.yaml"), recipe).unwrap();
    let to = path(&folder, "out");
    let summary = run_over(&folder, "in/*.html", &to);
    assert!(summary.contains("-1  unique_content"), "{summary}");
    assert_eq!(rows(&to, "SELECT id FROM text").len(), 2);
}

#[test]
fn repeated_parts_go_and_what_is_left_empty_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let documents = [
        (
            "a",
            "Home | About | Contact us today\nA story of a fox that ran from the hounds.\nThe end.",
        ),
        (
            "b",
            "Home | About | Contact us today\nA story of a bear and a bee who lived together.\nThe end.",
        ),
        ("c", "Home | About | Contact us today"),
        (
            "d",
            "All of this text stands twice.\nBoth of its lines are long enough.\n",
        ),
        (
            "e",
            "All of this text stands twice.\nBoth of its lines are long enough.",
        ),
    ]
    .map(|(id, text)| (id.to_owned(), text.to_owned()));
    write(&documents, &path(&folder, "in/0.jsonl"));
    let menu = "Home | About | Contact us today\n";
    for (settings, menus, kept) in [
        ("lines: text", 1, 3),
        ("lines: {copies: none}", 0, 2),
        ("lines: {min_chars: 50}", 3, 5),
        ("substrings: {min_bytes: 20}", 1, 3),
        ("ngrams: {ngram: 4, memory: 1MiB}", 1, 3),
    ] {
        recipe(&folder, &format!("- dedup: {{{settings}}}"));
        let text = fs::read_to_string(path(&folder, "recipe.yaml")).unwrap();
        fs::write(
            path(&folder, "recipe.yaml"),
            text.replace(", cluster_id", ", text_repeat_share"),
        )
        .unwrap();
        let to = path(&folder, settings.split(':').next().unwrap()) + &settings.len().to_string();
        let summary = run_over(&folder, "in/*.jsonl", &to);
        let texts = values(&to, "SELECT text FROM text");
        let with_menu = texts
            .iter()
            .filter(|text| format!("{text}\n").contains(menu))
            .count();
        // The third text is nothing but the menu; which one keeps it is a matter of the ids' hashes.
        let third = texts.iter().filter(|text| format!("{text}\n") == menu).count();
        assert_eq!(
            (with_menu, texts.len()),
            (menus, kept + third.min(5 - kept)),
            "{settings}\n{summary}\n{texts:?}"
        );
    }
}
