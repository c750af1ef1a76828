//! Outputs in the hands of others: pyarrow, DuckDB, polars, `datasets`, object stores, independent WARC readers.

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

/// Runs on a crawl in a store and to it; nothing but the plan, which names where the input was and its etags, may
/// differ from a run over local files.
fn check_store(store: &str, local_reads: &[&str]) {
    let Some(mut python) = python(&format!("a run on {store}")) else {
        return;
    };
    let folder = crawl();
    let (local, copy) = (path(&folder, "local"), path(&folder, "copy"));
    let arguments = ["--set", "read.0.slice_bytes=40KiB", "--set", "write.rejects=all"];
    let reads: Vec<String> = local_reads.iter().map(|name| path(&folder, name)).collect();
    let mut run = vec!["run", "recipes/web-text.yaml", "--to", &local];
    reads.iter().for_each(|read| run.extend(["--read", read]));
    run.extend(arguments);
    succeed(&run);
    let output = python
        .args([
            "tests/stores.py",
            store,
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
    for tree in [&local, &copy] {
        std::fs::remove_file(format!("{tree}/_gristmill/plan.json")).unwrap();
    }
    assert_same_tree(&local, &copy);
}

#[test]
fn an_s3_server_holds_the_bytes_of_a_local_run() {
    check_store("s3", &["crawl/*.warc.gz"]);
}

#[test]
fn google_cloud_storage_holds_the_bytes_of_a_local_run() {
    check_store("gs", &["crawl/*.warc.gz"]);
}

#[test]
fn azurite_holds_the_bytes_of_a_local_run() {
    if std::env::var_os("AZURITE").is_none() {
        eprintln!(
            "skipped a run on Azurite: AZURITE does not name its program; tests/run installs it where npm is"
        );
        return;
    }
    check_store("az", &["crawl/*.warc.gz"]);
}

#[test]
fn objects_of_a_web_server_are_read_like_files() {
    check_store("http", &["crawl/demo-00000.warc.gz", "crawl/demo-00001.warc.gz"]);
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
