//! Mistakes in recipes: each is reported with its place and a hint, and nothing is written.

use std::fs;

use serde_json::Value;

use crate::kit::{crawl, path, run, text};

/// Checks that a recipe is refused at `line:column` with a message and hint that hold these words.
fn check(recipe: &str, at: (u64, u64), words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "recipe.yaml");
    fs::write(&file, recipe).unwrap();
    let to = path(&folder, "out");
    let mut arguments = vec!["run", &file, "--json"];
    // Addresses of the command line would hide those of the recipe.
    if !recipe.contains("read:") {
        arguments.extend(["--read", "crawl/*.gz"]);
    }
    if !recipe.contains("write:") {
        arguments.extend(["--to", &to]);
    }
    let output = run(&arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{recipe}\n{stderr}");
    assert!(!fs::exists(&to).unwrap(), "something was written for\n{recipe}");
    let error: Value = serde_json::from_str(stderr.lines().last().unwrap()).unwrap();
    let problems = error["problems"].as_array().unwrap();
    let found = problems.iter().any(|problem| {
        let said = format!("{} {}", problem["message"], problem["hint"]);
        (problem["line"].as_u64(), problem["column"].as_u64()) == (Some(at.0), Some(at.1))
            && words.iter().all(|word| said.contains(word))
    });
    assert!(
        found,
        "no problem at {at:?} with {words:?} for\n{recipe}\n{error:#}"
    );
    for problem in problems {
        assert!(
            problem["hint"].as_str().is_some_and(|hint| hint.len() > 5),
            "{problem}"
        );
    }
}

/// A recipe with these steps, which start on line 4.
fn steps(steps: &str) -> String {
    format!("recipe: 1\nname: x\ntext:\n{steps}\n")
}

/// A recipe that extracts and then has this rule on line 5; its predicate starts in column 14.
fn rule(predicate: &str) -> String {
    steps(&format!("- extract: html\n- keep: {{ a: {predicate} }}"))
}

#[test]
fn yaml_that_does_not_parse() {
    check("recipe: 1\nname: [x\n", (3, 1), &["not YAML"]);
    check(
        "recipe: 1\nname: x\ntext:\n- keep: {a: text_word_count > 5: }\n",
        (4, 32),
        &["not YAML"],
    );
}

#[test]
fn keys_of_the_recipe() {
    check(
        "recipe: 1\nnmae: x\ntext: [extract: html]\n",
        (2, 1),
        &["nmae", "did you mean `name`"],
    );
    check("recipe: 1\ntext: [extract: html]\n", (1, 1), &["no \\\"name\\\""]);
    check("name: x\ntext: [extract: html]\n", (1, 1), &["no \\\"recipe\\\""]);
    check(
        "recipe: 2\nname: x\ntext: [extract: html]\n",
        (1, 9),
        &["version 2", "version 1"],
    );
    check(
        "recipe: one\nname: x\ntext: [extract: html]\n",
        (1, 9),
        &["whole number"],
    );
    check(
        "recipe: 1\nname: [x]\ntext: [extract: html]\n",
        (2, 7),
        &["single value", "a list"],
    );
    check(
        "recipe: 1\nname: x\nname: y\ntext: [extract: html]\n",
        (3, 1),
        &["twice"],
    );
    check("- recipe: 1\n", (1, 1), &["a mapping", "a list"]);
    check("recipe: 1\nname: x\n", (1, 1), &["no \\\"text\\\"", "steps"]);
    check(
        "recipe: 1\nname: x\ntext: {extract: html}\n",
        (3, 7),
        &["is a list"],
    );
    check("recipe: 1\nname: x\ntext: []\n", (3, 7), &["no steps", "extract"]);
}

#[test]
fn steps_and_their_names() {
    check(
        &steps("- extrct: html"),
        (4, 3),
        &["extrct", "did you mean `extract`"],
    );
    check(
        &steps("- extract: []"),
        (4, 12),
        &["\\\"extract\\\" names nothing", "html"],
    );
    check(
        &steps("- extract: [html, htlm]"),
        (4, 19),
        &["unknown extractor", "did you mean `html`"],
    );
    check(&steps("- extract: [html, html]"), (4, 19), &["stands here twice"]);
    check(
        &steps("- extract: htlm"),
        (4, 12),
        &["unknown extractor", "did you mean `html`"],
    );
    check(
        &steps("- extract: html\n- use: gopher_qualty"),
        (5, 8),
        &["unknown preset", "gopher_quality"],
    );
    check(
        &steps("- extract: html\n- edit: c4_line"),
        (5, 9),
        &["unknown edit", "c4_lines"],
    );
    check(
        &steps("- extract: html\n- redact: [email, ipp]"),
        (5, 19),
        &["unknown redaction", "did you mean `ip`"],
    );
    check(
        &steps("- extract: html\n- dedup: exact"),
        (5, 10),
        &["dedup", "{exact: text}"],
    );
    check(
        &steps("- extract: html\n- dedup: {exacct: text}"),
        (5, 11),
        &["unknown dedup method", "exact"],
    );
    check(
        &steps("- extract: html\n- dedup: {exact: url}"),
        (5, 18),
        &["does not look at"],
    );
    for (settings, column, words) in [
        ("rows: 0", 27, ["rows", "from 1 to 1000"]),
        ("verify: 2", 29, ["verify", "or off"]),
        ("hash: md5", 27, ["hash", "xxhash, sha1"]),
        ("row: 8", 21, ["unknown key", "did you mean `rows`"]),
        (
            "prefer: text_words_count DESC",
            29,
            ["unknown column", "text_word_count"],
        ),
        ("prefer: text_word_count DES", 45, ["not an ordering", "ORDER BY"]),
        ("prefer: random()", 29, ["random()", "another value"]),
        ("prefer: sum(text_word_count)", 29, ["other rows", "one document"]),
        ("keep: cluster_rnk = 0", 27, ["unknown column", "cluster_rank"]),
        ("index: http://host/index", 28, ["written as well", "s3://"]),
        ("index: {uri: i, entry: a/b}", 44, ["not a name", "letters"]),
        ("column: url", 29, ["does not look at", "{minhash: text}"]),
    ] {
        let step = format!("- extract: html\n- dedup: {{minhash: {{{settings}}}}}");
        check(&steps(&step), (5, column), &words);
    }
    for (settings, column, words) in [
        ("ngram: 8", 18, ["benchmarks", "evaluation sets"]),
        ("benchmarks: x", 31, ["list of evaluation sets", "gsm8k"]),
        (
            "benchmarks: [{name: x, uri: no/x.jsonl}]",
            47,
            ["cannot read", "JSON lines"],
        ),
        (
            "benchmarks: [{name: x, uri: no-*.jsonl}]",
            47,
            ["no file matches", "last part"],
        ),
        (
            "benchmarks: [{name: x, uri: Cargo.toml}]",
            47,
            ["have no field", "question: …"],
        ),
        ("benchmarks: []", 18, ["is empty", "does nothing"]),
    ] {
        let step = format!("- extract: html\n- decontaminate: {{{settings}}}");
        check(&steps(&step), (5, column), &words);
    }
    check(
        &steps("- extract: html\n- dedup: {lines: {prefer: id}}"),
        (5, 27),
        &["whole documents", "leave it out"],
    );
    check(
        &steps("- extract: html\n  keep: {a: text_word_count > 1}"),
        (4, 3),
        &["extract and keep", "two steps"],
    );
    check(
        &steps("- extract: html\n- extract: html"),
        (5, 12),
        &["extracted already"],
    );
    check(&steps("- html"), (4, 3), &["a step is a mapping"]);
    check(&steps("- extract: html\n- edit: [c4_lines]"), (5, 9), &["a list"]);
}

#[test]
fn rules_and_their_predicates() {
    check(
        &rule("text_word_cuont >= 50"),
        (5, 14),
        &["unknown column", "text_word_count"],
    );
    check(
        &rule("uri = 'x' AND text_wrod_count > 1"),
        (5, 28),
        &["unknown column", "text_word_count"],
    );
    check(&rule("text_word_count >"), (5, 14), &["not a condition"]);
    check(&rule("text_word_count"), (5, 14), &["not true or false", ">= 50"]);
    check(&rule("text_word_count > 'many' + 1"), (5, 14), &["a"]);
    check(&rule("lenght(text) > 5"), (5, 14), &["lenght", "length"]);
    check(&rule("count(text) > 5"), (5, 14), &["other rows"]);
    check(&rule("random() < 0.1"), (5, 14), &["another value each time"]);
    check(&rule("timestamp > now()"), (5, 14), &["another value each time"]);
    check(&rule("1 = 1"), (5, 14), &["names no column"]);
    check(
        &rule("text_word_count > 1 text_char_count > 2"),
        (5, 34),
        &["after the condition"],
    );
    check(&rule("text_words IS NOT NULL"), (5, 14), &["unknown column"]);
    check(
        &steps("- extract: html\n- keep: text_word_count > 5"),
        (5, 9),
        &["name each rule"],
    );
    check(
        &steps("- extract: html\n- keep: {a: text_word_count > 5, a: text_word_count > 6}"),
        (5, 34),
        &["twice"],
    );
    check(
        &steps("- extract: html\n- keep: {a: [1]}"),
        (5, 13),
        &["no predicate"],
    );
    check(
        &steps("- extract: html\n- keep: {fault: text_word_count > 5}"),
        (5, 10),
        &["a verdict already"],
    );
    check(
        &steps("- extract: html\n- keep: {'a b': text_word_count > 5}"),
        (5, 10),
        &["not a rule's name"],
    );
    check(&steps("- extract: html\n- keep: {}"), (5, 9), &["no rules"]);
}

#[test]
fn the_order_of_steps() {
    check(
        &steps("- keep: {a: text_word_count > 5}\n- extract: html"),
        (4, 13),
        &["extract", "not there yet"],
    );
    check(
        &rule("text_c4_sentence_count > 4"),
        (5, 14),
        &["edit `c4_lines`", "before this one"],
    );
    check(&rule("cluster_rank = 0"), (5, 14), &["dedup", "before this one"]);
    check(
        &steps("- keep: {a: text_title <> ''}\n- extract: html"),
        (4, 13),
        &["extract: html", "before this one"],
    );
    check(
        &steps("- extract: html\n- use: c4_quality"),
        (5, 8),
        &["edit `c4_lines`"],
    );
}

#[test]
fn reading_writing_expecting() {
    let with = |lines: &str| format!("recipe: 1\nname: x\ntext: [extract: html]\n{lines}\n");
    check(
        &steps("- extract: html\n- redact: email\n- edit: markdown"),
        (6, 9),
        &["brings back what was redacted", "before the first `redact`"],
    );
    check(
        "recipe: 1\nname: x\ntext: [extract: html, redact: email]\nwrite: {columns: [id, text_markdown]}\n",
        (4, 23),
        &["still holds what was redacted", "edit: markdown"],
    );
    check(&with("write: {shard_bytes: big}"), (4, 22), &["size", "512MiB"]);
    check(&with("write: {shard_bytes: 0}"), (4, 22), &["above 0"]);
    check(&with("write: {rejects: some}"), (4, 18), &["some", "sample"]);
    check(
        &with("write: {columns: [id, txt]}"),
        (4, 23),
        &["unknown column", "text"],
    );
    check(&with("write: {columns: [id, id]}"), (4, 23), &["twice"]);
    check(&with("write: {url: x}"), (4, 9), &["did you mean `uri`"]);
    let secret = text(&run(&["check", "recipes/web-text.yaml", "--to", "s3://key:hush@bucket/x"]).stderr);
    assert!(secret.contains("credentials in the environment"), "{secret}");
    check(
        &with("read: [{uri: 'x', format: wrac}]"),
        (4, 27),
        &["unknown format", "warc"],
    );
    check(&with("read: [{uri: 'ftp://x/y'}]"), (4, 14), &["scheme"]);
    check(
        &with("read: [{uri: x, columns: {score: float}}]"),
        (4, 34),
        &["unknown type", "f64"],
    );
    check(&with("read: [{format: warc}]"), (4, 8), &["no \\\"uri\\\""]);
    check(
        &with("expect: [{metric: keep, error_if: '< 1'}]"),
        (4, 10),
        &["unknown metric", "keep_rate"],
    );
    check(
        &with("expect: [{metric: rows, error_if: 'few'}]"),
        (4, 10),
        &["does not start with"],
    );
    check(
        &with("expect: [{metric: rows}]"),
        (4, 10),
        &["without a condition"],
    );
    check(
        &with("expect: [{metric: 'reject_rate[is_htlm]', error_if: '> 1'}]"),
        (4, 19),
        &["no rule is called", "is_html"],
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let folder = crawl();
    let file = path(&folder, "recipe.yaml");
    fs::write(&file, "recipe: 1\nname: x\ntext:\n- extract: htlm\n- keep: {a: text_word_cuont > 5}\n- use: gofer\nwrite: {rejects: no}\n").unwrap();
    let output = run(&["check", &file]);
    let stderr = text(&output.stderr);
    for place in [":4:12:", ":6:8:", ":7:18:"] {
        assert!(stderr.contains(place), "{place} is missing in\n{stderr}");
    }
    fs::write(&file, "recipe: 1\nname: x\ntext:\n- extract: html\n- keep: {a: text_word_cuont > 5, b: nonsense = 1, c: text_word_count}\n").unwrap();
    let stderr = text(&run(&["check", &file]).stderr);
    for place in [":5:13:", ":5:37:", ":5:54:"] {
        assert!(stderr.contains(place), "{place} is missing in\n{stderr}");
    }
}

#[test]
fn options_of_the_command_line_are_named() {
    let stderr = text(&run(&["check", "recipes/web-text.yaml", "--set", "write.rejects=never"]).stderr);
    assert!(stderr.contains("--set write.rejects=never"), "{stderr}");
    let stderr = text(&run(&["check", "recipes/web-text.yaml", "--set", "text.9.keep=1"]).stderr);
    assert!(stderr.contains("--set text.9.keep=1"), "{stderr}");
    assert_eq!(run(&["check", "no-such-recipe.yaml"]).status.code(), Some(2));
}

#[test]
fn carried_columns() {
    let carried = |columns: &str| {
        format!(
            "recipe: 1\nname: x\nread:\n- uri: a.jsonl\n  columns: {{ {columns} }}\ntext:\n- keep: {{ a: text_word_count > 5 }}\n"
        )
    };
    for (column, word) in [
        ("__verdict", "engine"),
        ("text_words", "signal"),
        ("text_word_count", "signal"),
        ("text", "extractor"),
        ("part", "extractor"),
        ("cluster_id", "dedup"),
        ("offset", "every record"),
    ] {
        check(&carried(&format!("{column}: i64")), (5, 14), &[word, "rename"]);
    }
    check(&carried("a: text, a: i64"), (5, 23), &["twice"]);
}

#[test]
fn addresses() {
    let read = |entry: &str| format!("recipe: 1\nname: x\nread:\n- {entry}\ntext:\n- extract: html\n");
    check(&read("ftp://host/x.warc.gz"), (4, 3), &["unknown address scheme"]);
    check(&read("'s3://key:secret@bucket/x'"), (4, 3), &["holds a secret"]);
    let write = "recipe: 1\nname: x\ntext:\n- extract: html\nwrite:\n  uri: https://host/out\n";
    check(write, (6, 8), &["for reading"]);
}

#[test]
fn sql_that_looks_right() {
    check(
        &rule("text_language = \"en\""),
        (5, 30),
        &["unknown column", "single quotes"],
    );
    let source = "recipe: 1\nname: x\nread:\n- uri: a.jsonl\n  columns: { Score: f64 }\ntext:\n- keep: { a: Score > 1 }\n";
    check(source, (7, 14), &["double quotes"]);
    check(
        &steps("- keep: { a: text IS NOT NULL }\n- extract: html"),
        (4, 14),
        &["`extract: html` gives it"],
    );
}

#[test]
fn models() {
    let model = |model: &str| {
        format!("recipe: 1\nname: x\nmodels:\n  {model}\ntext:\n- keep: {{ a: text_m_score > 0.5 }}\n")
    };
    check(
        &model("m: {fasttext: nowhere.bin}"),
        (4, 17),
        &["cannot read the model", "nowhere.bin"],
    );
    check(
        &model("m: {fasttext: Cargo.toml}"),
        (4, 17),
        &["no fasttext model"],
    );
    check(
        &model("M-1: {fasttext: Cargo.toml}"),
        (4, 3),
        &["not a model's name"],
    );
    check(&model("m: {kenlm: x}"), (4, 7), &["unknown key"]);
    check(&model("m: {label: x}"), (4, 6), &["one kind", "ngram_lm"]);
    check(&model("m: {ngram_lm: Cargo.toml}"), (4, 17), &["kinds of models"]);
    let file = "crates/text/tests/models/softmax.bin";
    check(
        &model(&format!("m: {{fasttext: {file}, label: nothing}}")),
        (4, 17),
        &["no label", "the model has"],
    );
    check(
        &model(&format!("language: {{fasttext: {file}, label: nothing}}")),
        (4, 24),
        &["no label"],
    );
    check(
        &model(&format!("n: {{fasttext: {file}}}")),
        (6, 14),
        &["unknown column", "text_n_score"],
    );
}
