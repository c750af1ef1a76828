//! What is generated is current, and what the documents say can be run.

use std::fs;

use crate::kit::{crawl, path, root, run, succeed, text};

/// Compares a generated file with what is committed; writes it when `GRISTMILL_UPDATE` is set.
fn compare(name: &str, content: &str) {
    let file = root().join(name);
    if std::env::var_os("GRISTMILL_UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == content,
        "{name} is not current: run the tests with GRISTMILL_UPDATE=1 and read the diff"
    );
}

#[test]
fn schemas_and_reference_pages_are_current() {
    let registry = gristmill::registry();
    compare(
        "schemas/recipe.schema.json",
        &format!("{:#}\n", gristmill::engine::recipe_schema(&registry)),
    );
    compare(
        "schemas/columns.json",
        &format!("{:#}\n", gristmill::columns_schema(&registry)),
    );
    compare(
        "schemas/manifest.schema.json",
        &format!("{:#}\n", gristmill::manifest_schema()),
    );
    for (name, page) in gristmill::reference(&registry) {
        compare(&format!("docs/reference/{name}"), &page);
    }
}

#[test]
fn every_shipped_recipe_checks() {
    for entry in fs::read_dir(root().join("recipes")).unwrap() {
        let recipe = entry.unwrap().path().display().to_string();
        succeed(&["check", &recipe]);
    }
}

/// The commands of a document: lines of its `sh` blocks that call gristmill or make a file, continued lines joined.
fn commands(document: &str) -> Vec<String> {
    let source = fs::read_to_string(root().join(document)).unwrap();
    let mut commands = Vec::new();
    let mut is_shell = false;
    let mut joined = String::new();
    for line in source.lines() {
        if line.starts_with("```") {
            is_shell = line.trim() == "```sh";
            continue;
        }
        if !is_shell {
            continue;
        }
        joined.push_str(line.trim_end_matches('\\').trim());
        if line.ends_with('\\') {
            joined.push(' ');
            continue;
        }
        let command = std::mem::take(&mut joined);
        if command.starts_with("gristmill ") || command.contains(" > demo/") {
            commands.push(command);
        }
    }
    commands
}

#[test]
fn every_command_in_the_documents_runs() {
    let folder = crawl();
    let demo = path(&folder, "demo");
    succeed(&["demo", &demo]);
    let mut count = 0;
    for document in [
        "README.md",
        "docs/first-recipe.md",
        "docs/images.md",
        "docs/audio-video.md",
        "docs/compare.md",
    ] {
        for command in commands(document) {
            let command = command
                .replace("demo/", &format!("{demo}/"))
                .replace("gristmill ", &format!("{} ", env!("CARGO_BIN_EXE_gristmill")));
            let output = std::process::Command::new("bash")
                .arg("-c")
                .arg(&command)
                .current_dir(root())
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{document}: {command}\n{}",
                text(&output.stderr)
            );
            count += 1;
        }
    }
    assert!(count >= 8, "the documents show {count} commands");
}

#[test]
fn help_names_every_verb_and_exit_code() {
    let help = succeed(&["--help"]);
    for word in [
        "run",
        "check",
        "explain",
        "list",
        "sample",
        "why",
        "verify",
        "query",
        "report",
        "compare",
        "signals",
        "drift",
        "demo",
        "75 try again",
    ] {
        assert!(help.contains(word), "--help does not say {word}");
    }
    assert_eq!(run(&["no-such-verb"]).status.code(), Some(2));
}
