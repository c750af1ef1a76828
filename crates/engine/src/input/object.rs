//! An input object as formats read it: from a file or a store, checked against what was listed.

use std::{
    collections::VecDeque,
    fs::{File, Metadata},
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use gristmill_core::Object;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use tokio::{runtime::Handle, task::JoinHandle};

use super::{
    Found, Location, Snapshot,
    listing::{MODIFIED, file_version, store_version},
};
use crate::Error;

/// Bytes asked of a store at a time.
const PIECE: u64 = 8 << 20;
/// Pieces asked for ahead of the reader.
const AHEAD: usize = 2;

/// An object of the input.
pub(crate) struct InputObject {
    found: Found,
    io: Handle,
    /// Counts the bytes that were read, for the progress display.
    read: Arc<AtomicU64>,
}

impl InputObject {
    pub(crate) fn new(found: Found, io: Handle, read: Arc<AtomicU64>) -> Self {
        InputObject { found, io, read }
    }

    fn open_file(&self, path: &std::path::Path) -> io::Result<File> {
        let missing =
            |error: io::Error| other(Error::Input(format!("cannot read {}: {error}", path.display())));
        let file = File::open(path).map_err(missing)?;
        self.compare(&file.metadata().map_err(missing)?).map_err(other)?;
        Ok(file)
    }

    fn compare(&self, metadata: &Metadata) -> Result<(), Error> {
        let snapshot = &self.found.snapshot;
        if metadata.len() != snapshot.bytes || file_version(metadata) != snapshot.version {
            return Err(changed(snapshot));
        }
        Ok(())
    }

    /// Whether the object is still what was listed, after it was read: a file that was cut or written to in the
    /// meantime looks like damage. Stores answer for a version with each piece.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.found.location {
            Location::File(path) => {
                let metadata = std::fs::metadata(path).map_err(|_| changed(&self.found.snapshot))?;
                self.compare(&metadata)
            }
            Location::Store(..) => Ok(()),
        }
    }
}

impl Object for InputObject {
    fn uri(&self) -> &str {
        &self.found.snapshot.uri
    }

    fn len(&self) -> u64 {
        self.found.snapshot.bytes
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let bytes = match &self.found.location {
            Location::File(path) => {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                self.open_file(path)?.read_exact_at(&mut bytes, range.start)?;
                bytes.into()
            }
            Location::Store(store, path) => self
                .io
                .block_on(get(
                    store.clone(),
                    path.clone(),
                    self.found.snapshot.clone(),
                    range,
                ))
                .map_err(other)?,
        };
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes)
    }

    /// Siblings are not listed when a run begins, so they are read as they are when their row is.
    fn sibling(&self, path: &str) -> io::Result<Option<Arc<dyn Object>>> {
        let own = &self.found.snapshot.uri;
        let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
        let uri = if folder.is_empty() {
            path.to_owned()
        } else {
            format!("{folder}/{path}")
        };
        let (location, bytes, version) = match &self.found.location {
            Location::File(file) => {
                let file = file
                    .parent()
                    .map_or_else(|| path.into(), |folder| folder.join(path));
                let Ok(metadata) = std::fs::metadata(&file) else {
                    return Ok(None);
                };
                if !metadata.is_file() {
                    return Ok(None);
                }
                let version = file_version(&metadata);
                (Location::File(file), metadata.len(), version)
            }
            Location::Store(store, file) => {
                let folder = file.as_ref().rsplit_once('/').map_or("", |(folder, _)| folder);
                let file = object_store::path::Path::from(format!("{folder}/{path}"));
                let found = self.io.block_on({
                    let (store, file) = (store.clone(), file.clone());
                    async move { store.head(&file).await }
                });
                let meta = match found {
                    Ok(meta) => meta,
                    Err(object_store::Error::NotFound { .. }) => return Ok(None),
                    Err(error) => {
                        return Err(other(
                            gristmill_shard::Error::of_store(&error, format!("cannot read {uri}")).into(),
                        ));
                    }
                };
                let version = store_version(&meta);
                (Location::Store(store.clone(), file), meta.size, version)
            }
        };
        let found = Found {
            snapshot: Snapshot { uri, bytes, version },
            location,
            reading: self.found.reading.clone(),
        };
        Ok(Some(Arc::new(InputObject::new(
            found,
            self.io.clone(),
            self.read.clone(),
        ))))
    }

    fn reader(&self, start: u64) -> io::Result<Box<dyn Read + Send>> {
        match &self.found.location {
            Location::File(path) => {
                let mut file = self.open_file(path)?;
                file.seek(SeekFrom::Start(start))?;
                Ok(Box::new(Counted {
                    inner: file,
                    read: self.read.clone(),
                }))
            }
            Location::Store(store, path) => {
                let pieces = Pieces {
                    store: store.clone(),
                    path: path.clone(),
                    snapshot: self.found.snapshot.clone(),
                    io: self.io.clone(),
                    next: start,
                    waiting: VecDeque::new(),
                    current: Bytes::new(),
                };
                Ok(Box::new(Counted {
                    inner: pieces,
                    read: self.read.clone(),
                }))
            }
        }
    }
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Reads an object of a store in order, a few pieces ahead. Pieces that nobody read are given up when dropped.
struct Pieces {
    store: Arc<dyn ObjectStore>,
    path: object_store::path::Path,
    snapshot: Snapshot,
    io: Handle,
    next: u64,
    waiting: VecDeque<JoinHandle<Result<Bytes, Error>>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.current.is_empty() {
            while self.waiting.len() < AHEAD && self.next < self.snapshot.bytes {
                let range = self.next..(self.next + PIECE).min(self.snapshot.bytes);
                self.next = range.end;
                self.waiting.push_back(self.io.spawn(get(
                    self.store.clone(),
                    self.path.clone(),
                    self.snapshot.clone(),
                    range,
                )));
            }
            let Some(piece) = self.waiting.pop_front() else {
                return Ok(0);
            };
            self.current = self
                .io
                .block_on(piece)
                .map_err(io::Error::other)?
                .map_err(other)?;
        }
        let taken = self.current.split_to(buffer.len().min(self.current.len()));
        buffer[..taken.len()].copy_from_slice(&taken);
        Ok(taken.len())
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        for piece in &self.waiting {
            piece.abort();
        }
    }
}

async fn get(
    store: Arc<dyn ObjectStore>,
    path: object_store::path::Path,
    snapshot: Snapshot,
    range: Range<u64>,
) -> Result<Bytes, Error> {
    let options = GetOptions {
        range: Some(GetRange::Bounded(range.clone())),
        if_match: Some(snapshot.version.clone()).filter(|version| version.starts_with('"')),
        ..GetOptions::default()
    };
    let failed = |error: object_store::Error| match error {
        object_store::Error::Precondition { .. } => changed(&snapshot),
        object_store::Error::NotFound { .. } => {
            Error::Input(format!("input {} is gone since the run began", snapshot.uri))
        }
        error => gristmill_shard::Error::of_store(&error, format!("cannot read {}", snapshot.uri)).into(),
    };
    let found = store.get_opts(&path, options).await.map_err(failed)?;
    // Listings give entity tags bare or quoted, weak ones among them, none of which a condition may hold.
    let bare = |tag: &str| tag.trim_start_matches("W/").trim_matches('"').to_owned();
    let is_tag = !snapshot.version.starts_with(MODIFIED);
    let differs = |tag: &String| bare(tag) != bare(&snapshot.version);
    if is_tag && found.meta.e_tag.as_ref().is_some_and(differs) {
        return Err(changed(&snapshot));
    }
    let bytes = found.bytes().await.map_err(failed)?;
    if bytes.len() as u64 != range.end - range.start {
        return Err(changed(&snapshot));
    }
    Ok(bytes)
}

fn changed(snapshot: &Snapshot) -> Error {
    Error::Input(format!(
        "input {} changed since the run began; write to a new output address",
        snapshot.uri
    ))
}

fn other(error: Error) -> io::Error {
    io::Error::other(error)
}

#[cfg(test)]
mod tests {
    use object_store::{ObjectStoreExt, memory::InMemory, path::Path};

    use super::*;

    #[tokio::test]
    async fn an_object_of_a_store_that_changed_is_not_read() {
        let store = Arc::new(InMemory::new());
        let path = Path::from("a");
        store.put(&path, "first".into()).await.unwrap();
        let meta = store.head(&path).await.unwrap();
        let snapshot = Snapshot {
            uri: "a".into(),
            bytes: meta.size,
            version: meta.e_tag.unwrap(),
        };
        let read = || get(store.clone(), path.clone(), snapshot.clone(), 0..5);
        assert_eq!(read().await.unwrap(), "first");
        store.put(&path, "later".into()).await.unwrap();
        assert!(matches!(read().await, Err(Error::Input(_))));
    }
}
