//! What the tests share: the command, folders, trees of files.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The command, to be given arguments. It runs in the root of the repository.
pub(crate) fn gristmill() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gristmill"));
    command.current_dir(root());
    command
}

/// Runs the command with arguments.
pub(crate) fn run(arguments: &[&str]) -> Output {
    gristmill().args(arguments).output().unwrap()
}

/// Runs the command and expects it to succeed; gives stdout.
pub(crate) fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "gristmill {arguments:?} failed:\n{stdout}\n{stderr}"
    );
    stdout
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with the demo's crawl in `crawl/`.
pub(crate) fn crawl() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    gristmill::demo_crawl(&folder.path().join("crawl")).unwrap();
    folder
}

/// The path of a name in a folder, as text.
pub(crate) fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// The files below a folder with their bytes, but for what may differ between two runs.
pub(crate) fn tree(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(folder);
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                if !name.starts_with("_gristmill/runs") {
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
    }
    files
}

/// Asserts that two trees are equal, naming the files that are not.
pub(crate) fn assert_same_tree(left: &str, right: &str) {
    let (left_files, right_files) = (tree(left), tree(right));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&left_files),
        names(&right_files),
        "{left} and {right} hold other files"
    );
    for (name, bytes) in &left_files {
        assert!(
            &right_files[name] == bytes,
            "{name} differs between {left} and {right}"
        );
    }
}

/// The folder of fixtures, or `None` with a line that says what is skipped.
pub(crate) fn fixtures(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("GRISTMILL_FIXTURES")
        .map_or_else(|| root().join("../shared/fixtures"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    skipped(
        what,
        &format!("no fixtures at {} (set GRISTMILL_FIXTURES)", folder.display()),
    );
    None
}

/// The Python with other readers, or `None` with a line that says what is skipped.
pub(crate) fn python(what: &str) -> Option<Command> {
    let Some(python) = std::env::var_os("GRISTMILL_PYTHON") else {
        skipped(
            what,
            "set GRISTMILL_PYTHON to a Python with tests/requirements.txt (tests/run does)",
        );
        return None;
    };
    let mut command = Command::new(python);
    command.current_dir(root());
    Some(command)
}

/// Says on stderr what is skipped, past the test runner, which hides what passing tests print.
fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
}
