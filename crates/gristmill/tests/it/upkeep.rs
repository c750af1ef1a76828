//! What outputs and stores need beside runs: `gc`, `doctor`, and secrets that stay secret.

use std::{
    fs::{self, File},
    time::{Duration, SystemTime},
};

use crate::kit::{self, assert_same_tree, crawl, gristmill, path, succeed, text};

fn run_to(folder: &tempfile::TempDir, to: &str, more: &[&str]) {
    let read = path(folder, "crawl/*.warc.gz");
    let mut arguments = vec!["run", "recipes/web-text.yaml", "--read", &read, "--to", to];
    arguments.extend(["--set", "read.0.slice_bytes=40KiB", "--set", "write.rejects=all"]);
    arguments.extend(more);
    succeed(&arguments);
}

/// A file that looks like one of a run's, of this age.
fn leave(file: &str, age: Duration) {
    fs::create_dir_all(std::path::Path::new(file).parent().unwrap()).unwrap();
    fs::write(file, b"what a killed run left").unwrap();
    File::options()
        .write(true)
        .open(file)
        .unwrap()
        .set_modified(SystemTime::now() - age)
        .unwrap();
}

const DAY: Duration = Duration::from_secs(86400);

#[test]
fn gc_finds_what_nothing_names_and_nothing_else() {
    let folder = crawl();
    let (whole, to) = (path(&folder, "whole"), path(&folder, "out"));
    run_to(&folder, &whole, &[]);
    // An output that is not complete: the shards of committed slices are not to be touched, nor is anything young.
    run_to(&folder, &to, &["--slices", "1/2"]);
    assert!(!fs::exists(format!("{to}/_gristmill/manifest.json")).unwrap());
    let (old, young) = (
        "part-000001-0000-00000000000000ff.parquet",
        "part-000001-0000-00000000000000aa.parquet",
    );
    leave(&format!("{to}/data/text/{old}"), 8 * DAY);
    leave(&format!("{to}/rejects/{young}"), DAY);
    leave(&format!("{to}/data/text/gristmill#77000001"), 8 * DAY);
    let before = kit::tree(&to);
    let shown = succeed(&["gc", &to, "--json"]);
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(shown.contains(old), "{shown}");
    assert!(kit::tree(&to) == before, "without --delete nothing is deleted");
    succeed(&["gc", &to, "--delete"]);
    assert!(!fs::exists(format!("{to}/data/text/{old}")).unwrap());
    assert!(!fs::exists(format!("{to}/data/text/gristmill#77000001")).unwrap());
    assert!(succeed(&["gc", &to, "--older-than", "12h", "--delete", "--json"]).contains(young));
    run_to(&folder, &to, &[]);
    assert_same_tree(&whole, &to);

    // A complete one: also staged rows, and all that the manifest does not name.
    for name in [
        format!("data/text/{old}"),
        format!("clusters/{old}"),
        format!("_gristmill/stage/0/{old}"),
    ] {
        leave(&format!("{to}/{name}"), 8 * DAY);
    }
    leave(&format!("{to}/notes/mine.txt"), 800 * DAY);
    assert_eq!(succeed(&["gc", &to, "--delete", "--json"]).lines().count(), 3);
    fs::remove_dir_all(format!("{to}/notes")).unwrap();
    assert_same_tree(&whole, &to);
    succeed(&["verify", &to]);
    let nothing = kit::run(&["gc", &path(&folder, "crawl")]);
    assert_eq!(nothing.status.code(), Some(4), "{}", text(&nothing.stderr));
}

#[test]
fn doctor_leaves_nothing_behind_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let to = path(&folder, "out");
    let told = succeed(&["doctor", &to]);
    assert_eq!(
        told.lines().filter(|line| line.starts_with("ok")).count(),
        8,
        "{told}"
    );
    assert!(kit::tree(&to).is_empty());
    let file = path(&folder, "file");
    fs::write(&file, b"").unwrap();
    let refused = kit::run(&["doctor", &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stdout).contains("wrong"),
        "{}",
        text(&refused.stdout)
    );
    // Nobody answers there.
    let refused = gristmill()
        .args(["doctor", "s3://bucket/out"])
        .envs([
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            ("AWS_ACCESS_KEY_ID", "a"),
            ("AWS_SECRET_ACCESS_KEY", "b"),
        ])
        .output()
        .unwrap();
    assert!(
        text(&refused.stdout).contains("AWS_ALLOW_HTTP=true"),
        "{}",
        text(&refused.stdout)
    );
}

/// Everything that a command says and writes.
fn said(output: &std::process::Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn secrets_are_nowhere() {
    const CANARY: &str = "CANARY/0123456789+abcdef";
    let folder = crawl();
    let to = path(&folder, "out");
    let with_secrets = |arguments: &[&str]| {
        let secrets = [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
        ];
        gristmill()
            .args(arguments)
            .envs(secrets.map(|name| (name, CANARY)))
            .env("AWS_ACCESS_KEY_ID", "known")
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
            .env("AWS_ALLOW_HTTP", "true")
            .output()
            .unwrap()
    };
    let read = path(&folder, "crawl/*.warc.gz");
    let ok = with_secrets(&["run", "recipes/web-text.yaml", "--read", &read, "--to", &to]);
    assert!(ok.status.success(), "{}", said(&ok));
    let page = path(&folder, "page.html");
    let report = with_secrets(&["report", &to, "--to", &page]);
    assert!(report.status.success(), "{}", said(&report));
    let presigned = format!("https://host/a.warc.gz?X-Amz-Signature={CANARY}");
    let inline = format!("s3://key:{CANARY}@bucket/a");
    let recipe = path(&folder, "inline.yaml");
    let body = fs::read_to_string(kit::root().join("recipes/web-text.yaml")).unwrap();
    fs::write(
        &recipe,
        body.replace("name: web-text", &format!("name: web-text\nread: ['{inline}']")),
    )
    .unwrap();
    let refused = [
        with_secrets(&[
            "run",
            "recipes/web-text.yaml",
            "--read",
            "s3://bucket/*.gz",
            "--to",
            &to,
            "--retries",
            "0",
        ]),
        with_secrets(&["run", "recipes/web-text.yaml", "--read", &presigned, "--to", &to]),
        with_secrets(&["run", "recipes/web-text.yaml", "--read", &read, "--to", &inline]),
        with_secrets(&["run", &recipe, "--to", &to]),
        with_secrets(&["doctor", &inline]),
        with_secrets(&["query", &inline, "SELECT 1"]),
        with_secrets(&["verify", &presigned]),
        with_secrets(&["doctor", "s3://bucket/out"]),
        with_secrets(&["gc", "gs://bucket/out"]),
        with_secrets(&["doctor", "az://container/out"]),
    ];
    for output in [&ok, &report].into_iter().chain(&refused) {
        assert!(!said(output).contains(CANARY), "{}", said(output));
    }
    assert!(refused.iter().all(|output| !output.status.success()));
    fs::remove_file(&recipe).unwrap();
    let mut files = 0;
    let mut folders = vec![folder.path().to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = fs::read(&path).unwrap();
            let has = bytes
                .windows(CANARY.len())
                .any(|window| window == CANARY.as_bytes());
            assert!(!has, "{}", path.display());
        }
    }
    assert!(files > 6);
}
