//! Outputs in the hands of others: pyarrow, DuckDB, polars, `datasets`, an S3 server, independent WARC readers.

use crate::kit::{assert_same_tree, crawl, fixtures, path, python, succeed, text};

#[test]
fn other_readers_open_the_output_unchanged() {
    let Some(mut python) = python("readers of the output") else {
        return;
    };
    let folder = crawl();
    let to = path(&folder, "out");
    succeed(&[
        "run",
        "recipes/web-text.yaml",
        "--read",
        &path(&folder, "crawl/*.warc.gz"),
        "--to",
        &to,
        "--set",
        "write.rejects=all",
    ]);
    let output = python
        .args(["tests/readers.py", &to])
        .env("HF_HOME", path(&folder, "hf"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn an_s3_server_holds_the_bytes_of_a_local_run() {
    let Some(mut python) = python("the S3 server") else {
        return;
    };
    let folder = crawl();
    let local = path(&folder, "local");
    let arguments = ["--set", "read.0.slice_bytes=40KiB", "--set", "write.rejects=all"];
    let read = path(&folder, "crawl/*.warc.gz");
    succeed(
        &[
            &["run", "recipes/web-text.yaml", "--read", &read, "--to", &local],
            &arguments[..],
        ]
        .concat(),
    );
    let copy = path(&folder, "copy");
    let output = python
        .args([
            "tests/s3.py",
            env!("CARGO_BIN_EXE_gristmill"),
            &path(&folder, "crawl"),
            &copy,
        ])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    // The plan names where the input was and its etags; everything else is the same.
    for tree in [&local, &copy] {
        std::fs::remove_file(format!("{tree}/_gristmill/plan.json")).unwrap();
    }
    assert_same_tree(&local, &copy);
}

#[test]
fn every_response_of_real_archives_is_read() {
    let (Some(fixtures), Some(mut python)) = (fixtures("real archives"), python("independent WARC readers"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let to = path(&folder, "out");
    let read = fixtures.join("warc/*.gz").display().to_string();
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
    succeed(&["verify", &to]);
    let output = python
        .args(["tests/count_responses.py", &to])
        .arg(fixtures.join("warc"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}
