//! Objects that are files, written so that they outlast a loss of power.
//!
//! A file is written beside its place under a name that ends in `#` and digits, kept by the disk (fsync), given its name in one
//! step, and then its folder is kept as well: what has a name is whole, whatever happens, and stays in the order in which it was
//! written. The local store of `object_store` asks the disk for none of this. Folders are kept on Unix alone; elsewhere the
//! system cannot be asked.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use tempfile::TempPath;

/// What the names of drafts begin with.
pub(crate) const DRAFT: &str = "gristmill";

/// A file on its way to its name. If it does not get there it is removed; one that a killed process leaves is a leftover.
pub(crate) struct Draft {
    pub(crate) file: File,
    path: TempPath,
}

impl Draft {
    /// A new file in a folder, which is made if it is not there.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        make(folder)?;
        let mut tries = 10;
        loop {
            let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{DRAFT}#{}{number:06}", std::process::id()));
            let file = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path);
            match file {
                Ok(file) => {
                    let path = TempPath::try_from_path(path)?;
                    return Ok(Draft { file, path });
                }
                // A process of this number on another machine.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // Another process has tidied up since.
                Err(error) if error.kind() == ErrorKind::NotFound && tries > 0 => {
                    tries -= 1;
                    make(folder)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn of(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut draft = Draft::new(folder_of(path))?;
        draft.file.write_all(bytes)?;
        Ok(draft)
    }

    /// Gives it a name, replacing what was there.
    pub(crate) fn put(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        self.path.persist(path).map_err(|error| error.error)?;
        keep(folder_of(path))
    }

    /// Gives it a name that nothing has; false if something has it. Of several that try at once one succeeds.
    fn create(self, path: &Path) -> io::Result<bool> {
        self.file.sync_all()?;
        match fs::hard_link(&self.path, path) {
            Ok(()) => keep(folder_of(path)).map(|()| true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Writes a file, replacing what was there.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Draft::of(path, bytes)?.put(path)
}

/// Creates a file; false if there is one.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    Draft::of(path, bytes)?.create(path)
}

/// Deletes a file below a folder, if it is there, and the folders between the two that are empty then.
pub(crate) fn delete(root: &Path, name: &str) -> io::Result<()> {
    let path = root.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // One that is not empty stays; so does one that another process wants to be there or gone.
    let between = path.ancestors().skip(1).take_while(|folder| *folder != root);
    for folder in between {
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}

/// Whether a name is that of a draft.
pub(crate) fn is_draft(name: &str) -> bool {
    let digits = name.strip_prefix(DRAFT).and_then(|rest| rest.strip_prefix('#'));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Makes a folder and those that it is in, and keeps their names.
fn make(folder: &Path) -> io::Result<()> {
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let missing: Vec<PathBuf> = folder
        .ancestors()
        .take_while(is_missing)
        .map(Path::to_owned)
        .collect();
    fs::create_dir_all(folder)?;
    missing
        .iter()
        .try_for_each(|folder| match keep(folder_of(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            kept => kept,
        })
}

/// Asks the disk to keep the names in a folder.
#[cfg(unix)]
fn keep(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems of networks and of user space cannot.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        kept => kept,
    }
}

#[cfg(not(unix))]
fn keep(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_that_create_a_file_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/record.json");
        let created: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8_u8)
                .map(|number| {
                    let path = &path;
                    scope.spawn(move || create(path, &[number; 1000]).unwrap())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(created.iter().filter(|created| **created).count(), 1);
        let winner = created.iter().position(|created| *created).unwrap() as u8;
        assert_eq!(fs::read(&path).unwrap(), [winner; 1000]);
        put(&path, b"other").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"other");
        let left: Vec<_> = fs::read_dir(folder_of(&path)).unwrap().collect();
        assert_eq!(left.len(), 1, "drafts are removed");
        delete(folder.path(), "a/b/record.json").unwrap();
        delete(folder.path(), "a/b/record.json").unwrap();
        assert!(folder.path().is_dir() && !folder.path().join("a").exists());
    }
}
