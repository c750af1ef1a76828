//! Seeds: files that inputs are made from.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use crate::Target;

/// Larger files say little more and cost much more time.
const BYTES: u64 = 160 << 10;
/// Of larger ones, where there are no others, it is the beginning that is taken.
const FEW: usize = 4;
/// Most seeds of a target.
const MOST: usize = 400;

/// The folder of the fixtures: `GRISTMILL_FIXTURES`, or that beside the repository.
pub fn fixtures() -> PathBuf {
    std::env::var_os("GRISTMILL_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    )
}

/// A folder of this program: `seeds`, small files for what the fixtures lack, or `found`, inputs that were not coped with once. Each
/// has a folder for a target.
pub fn own(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// The seeds of a target: those of its own, its fixtures below `root`, and the files of `more`, each in the
/// order of their paths. At least one, if it is empty.
///
/// # Errors
///
/// Those of reading folders and files.
pub fn of(target: &Target, root: &Path, more: Option<&Path>) -> io::Result<Vec<Vec<u8>>> {
    let mut paths = Vec::new();
    for folder in target.folders {
        below(&root.join(folder), &mut paths)?;
    }
    let is_named = |path: &PathBuf| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        target.names.is_empty() || target.names.iter().any(|part| name.contains(part))
    };
    paths.retain(is_named);
    if let Some(more) = more {
        below(more, &mut paths)?;
    }
    paths.sort();
    let mut sized = Vec::new();
    for path in paths {
        let length = fs::metadata(&path)?.len();
        sized.push((length, path));
    }
    let small = sized.iter().filter(|(length, _)| *length <= BYTES).count();
    if small < FEW {
        sized.sort();
        sized.truncate(FEW);
    } else {
        sized.retain(|(length, _)| *length <= BYTES);
    }
    // Of many, some from everywhere.
    let step = sized.len().div_ceil(MOST).max(1);
    let others = sized.into_iter().step_by(step).map(|(_, path)| path);
    let mut paths = Vec::new();
    below(&own("seeds").join(target.name), &mut paths)?;
    paths.sort();
    paths.extend(others);
    let is_text = target.name.starts_with("text_");
    let mut seeds = Vec::new();
    for path in paths {
        let mut bytes = Vec::new();
        let file = fs::File::open(&path)?;
        if is_text && path.extension().is_some_and(|ending| ending == "gz") {
            // A damaged file gives what it gives.
            let _ = MultiGzDecoder::new(file).take(BYTES).read_to_end(&mut bytes);
        } else {
            file.take(BYTES).read_to_end(&mut bytes)?;
        }
        seeds.push(bytes);
    }
    if seeds.is_empty() {
        seeds.push(Vec::new());
    }
    Ok(seeds)
}

/// All files in a folder and below; none if it is not there.
///
/// # Errors
///
/// Those of reading folders.
pub fn below(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            below(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}
