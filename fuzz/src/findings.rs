//! Inputs that a target does not cope with.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It panicked.
    Panic,
    /// The process died: out of memory, a stack that overflowed, a crash in C.
    Crash,
    /// It took too long.
    Slow,
}

impl Kind {
    /// The word in names of files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Panic => "panic",
            Kind::Crash => "crash",
            Kind::Slow => "slow",
        }
    }
}

/// Writes an input to `folder/target/`, named by what went wrong and its hash; nothing where it is there already.
///
/// # Errors
///
/// Those of writing.
pub fn keep(folder: &Path, target: &str, kind: Kind, input: &[u8]) -> io::Result<PathBuf> {
    let folder = folder.join(target);
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}-{:016x}", kind.name(), xxh3_64(input)));
    if !path.exists() {
        fs::write(&path, input)?;
    }
    Ok(path)
}

/// A smaller input for which `is_bad` still holds: pieces are left out, then bytes become 0, as long as that goes and
/// `tries` last.
pub fn reduced(input: &[u8], mut tries: u32, mut is_bad: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut size = best.len() / 2;
    while size > 0 && tries > 0 {
        let mut at = 0;
        while at < best.len() && tries > 0 {
            let mut shorter = best.clone();
            shorter.drain(at..(at + size).min(best.len()));
            tries -= 1;
            if is_bad(&shorter) {
                best = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    for at in 0..best.len() {
        if tries == 0 {
            break;
        }
        let before = std::mem::replace(&mut best[at], 0);
        if before != 0 {
            tries -= 1;
            if !is_bad(&best) {
                best[at] = before;
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let is_bad = |input: &[u8]| input.windows(2).any(|pair| pair == b"xy");
        assert_eq!(reduced(b"abcdefxyghij", 1000, is_bad), b"xy");
    }
}
