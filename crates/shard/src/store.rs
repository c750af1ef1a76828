//! The few operations that the commit protocol needs of an object store.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, WriteMultipart, path::Path,
};

use crate::{
    Error, Result,
    folder::{self, Draft},
    layout,
};

/// How long to wait for another writer of the same object, at first and at last; each wait is twice the one before.
const WAITS: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(5)];

/// Files above this size go up in parts of this size.
const PART_BYTES: usize = 16 << 20;

/// An output address: a store and a prefix in it.
#[derive(Debug, Clone)]
pub struct Store {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    uri: String,
    folder: Option<PathBuf>,
}

/// What became of an attempt to create an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It did not exist; now it does.
    Now,
    /// It existed already, with these bytes.
    Before(Bytes),
}

/// An object that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name in the output.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written last.
    pub modified: SystemTime,
}

impl Store {
    /// The objects of `store` below `prefix`; `uri` is how messages call the place.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path, uri: impl Into<String>) -> Self {
        Store {
            store,
            prefix,
            uri: uri.into().trim_end_matches('/').to_owned(),
            folder: None,
        }
    }

    /// Says that the objects are files in this folder.
    #[must_use]
    pub fn in_folder(self, folder: PathBuf) -> Self {
        Store {
            folder: Some(folder),
            ..self
        }
    }

    /// The address, without a slash at its end.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The store beneath.
    pub fn object_store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The full path of a name.
    pub fn path(&self, name: &str) -> Path {
        self.prefix.parts().chain(Path::from(name).parts()).collect()
    }

    fn failed(&self, error: &object_store::Error, verb: &str, name: &str) -> Error {
        Error::of_store(error, format!("cannot {verb} {}/{name}", self.uri))
    }

    /// What work on a file of this name gave, done where waiting for the disk holds up nothing else.
    async fn on_disk<T: Send + 'static>(
        &self,
        verb: &str,
        name: &str,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.map_err(|error| Error::Failed(format!("writing ended early: {error}")))?;
        done.map_err(|error| Error::of_disk(&error, format!("cannot {verb} {}/{name}", self.uri)))
    }

    /// The file of a name, if objects are files.
    fn file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name))
    }

    /// Writes an object, replacing what was there.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<()> {
        if let Some(file) = self.file(name) {
            return self
                .on_disk("write", name, move || folder::put(&file, &bytes))
                .await;
        }
        match self.store.put(&self.path(name), bytes.into()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error, "write", name)),
        }
    }

    /// Writes an object from a file of `length` bytes.
    pub async fn put_file(&self, name: &str, mut file: File, length: u64) -> Result<()> {
        file.rewind()?;
        if let Some(path) = self.file(name) {
            let copy = move || {
                let mut draft = Draft::new(path.parent().expect("names are in folders"))?;
                io::copy(&mut file, &mut draft.file)?;
                draft.put(&path)
            };
            return self.on_disk("write", name, copy).await;
        }
        if length <= PART_BYTES as u64 {
            let mut bytes = Vec::with_capacity(length as usize);
            file.read_to_end(&mut bytes)?;
            return self.put(name, bytes.into()).await;
        }
        let failed = |error: object_store::Error| self.failed(&error, "write", name);
        let upload = self.store.put_multipart(&self.path(name)).await.map_err(failed)?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut left = length;
        while left > 0 {
            let mut part = vec![0; left.min(PART_BYTES as u64) as usize];
            file.read_exact(&mut part)?;
            left -= part.len() as u64;
            parts.wait_for_capacity(2).await.map_err(failed)?;
            parts.put(part.into());
        }
        parts.finish().await.map_err(failed)?;
        Ok(())
    }

    /// A file to write an object below `folder` into, if objects are files: it is then given its name instead of
    /// copied. Until then it is one of the [leftovers](Self::remove_leftovers) of a process that is killed.
    pub(crate) fn draft(&self, folder: &str) -> Result<Option<Draft>> {
        let draft = self.file(folder).map(|folder| Draft::new(&folder)).transpose();
        draft.map_err(|error| Error::of_disk(&error, format!("cannot write to {}/{folder}", self.uri)))
    }

    /// Gives a draft its name, replacing what was there.
    pub(crate) async fn put_draft(&self, name: &str, draft: Draft) -> Result<()> {
        let path = self.file(name).expect("only folders have drafts");
        self.on_disk("write", name, move || draft.put(&path)).await
    }

    /// Creates an object unless it exists. Of several that try with different bytes, exactly one succeeds.
    ///
    /// Whatever the store answers but a plain success, what is there decides: a lost answer looks like a failure although the
    /// object was created, and a retry behind it like an object of somebody else. Where the store can be read and nothing is
    /// there, either the attempt was lost, or another writer is about to succeed or to fail: it is tried again in a while.
    pub async fn create(&self, name: &str, bytes: Bytes) -> Result<Created> {
        let [mut wait, last] = WAITS;
        loop {
            let refused = match self.try_create(name, &bytes).await {
                Ok(true) => return Ok(Created::Now),
                Ok(false) => None,
                Err(error) => Some(error),
            };
            match (self.get(name).await, refused) {
                (Ok(Some(found)), _) if found == bytes => return Ok(Created::Now),
                (Ok(Some(found)), _) => return Ok(Created::Before(found)),
                (Ok(None), None | Some(Error::Unavailable(_))) if wait < last => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                (_, Some(error)) | (Err(error), None) => return Err(error),
                (Ok(None), None) => {
                    return Err(Error::Unavailable(format!(
                        "cannot create {}/{name}: the store says that it exists, and that it does not; run the same command \
                         again to continue, and `gristmill doctor` if it happens again",
                        self.uri
                    )));
                }
            }
        }
    }

    /// Creates an object; false where the store speaks of another one.
    async fn try_create(&self, name: &str, bytes: &Bytes) -> Result<bool> {
        if let Some(file) = self.file(name) {
            let bytes = bytes.clone();
            return self
                .on_disk("create", name, move || folder::create(&file, &bytes))
                .await;
        }
        let options = PutOptions::from(PutMode::Create);
        let attempt = self
            .store
            .put_opts(&self.path(name), bytes.clone().into(), options)
            .await;
        match attempt {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(false)
            }
            Err(error) => Err(self.failed(&error, "create", name)),
        }
    }

    /// The bytes of an object, or `None` if it does not exist.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>> {
        let failed = |error: object_store::Error| self.failed(&error, "read", name);
        match self.store.get(&self.path(name)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            // A bucket that is not there is not found either.
            Err(object_store::Error::NotFound { source, .. }) if !Error::is_of_bucket(source.as_ref()) => {
                Ok(None)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// The names below a folder, sorted, each with its size.
    pub async fn list(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let found = self.look(folder).await?.into_iter();
        Ok(found.map(|found| (found.name, found.bytes)).collect())
    }

    /// The objects below a folder, by name.
    pub async fn look(&self, folder: &str) -> Result<Vec<Found>> {
        let prefix = self.path(folder);
        let listed = list(self.store.as_ref(), &prefix)
            .await
            .map_err(|error| self.failed(&error, "list", folder))?;
        let skip = self.prefix.parts().count();
        let mut found: Vec<Found> = listed
            .into_iter()
            .map(|meta| Found {
                name: meta.location.parts().skip(skip).collect::<Path>().to_string(),
                bytes: meta.size,
                modified: meta.last_modified.into(),
            })
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// What is known of an object, if it is there.
    pub async fn find(&self, name: &str) -> Result<Option<Found>> {
        match self.store.head(&self.path(name)).await {
            Ok(meta) => Ok(Some(Found {
                name: name.to_owned(),
                bytes: meta.size,
                modified: meta.last_modified.into(),
            })),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(&error, "look for", name)),
        }
    }

    /// Whether objects are files.
    pub fn is_local(&self) -> bool {
        self.folder.is_some()
    }

    /// Removes half-written files that a killed process left in one folder of a local output.
    pub fn remove_leftovers_in(&self, folder: &str) -> Result<()> {
        let folder = self.folder.as_ref().map(|root| root.join(folder));
        let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
            return Ok(());
        };
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if folder::is_draft(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Half-written files that a killed process left in a local folder, or a process that is at work has there; other stores keep
    /// theirs invisible.
    pub fn drafts(&self) -> Result<Vec<Found>> {
        let Some(root) = &self.folder else {
            return Ok(Vec::new());
        };
        // The folder may be somebody's home: only what has our names is ours.
        let is_ours = |name: &str| layout::FOLDERS.contains(&name) || folder::is_draft(name);
        let mut drafts = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if folder == *root && !is_ours(&name) {
                    continue;
                }
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if folder::is_draft(&name) {
                    let metadata = entry.metadata()?;
                    let below = path.strip_prefix(root).unwrap_or(&path);
                    drafts.push(Found {
                        name: below.to_string_lossy().into_owned(),
                        bytes: metadata.len(),
                        modified: metadata.modified()?,
                    });
                }
            }
        }
        Ok(drafts)
    }

    /// Removes such files.
    pub fn remove_drafts(&self, drafts: &[Found]) -> Result<()> {
        for draft in drafts {
            if let Some(path) = self.file(&draft.name).filter(|path| path.exists()) {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Removes all half-written files of a local folder. Only for outputs that are complete: a process that still writes would
    /// lose its work.
    pub fn remove_leftovers(&self) -> Result<()> {
        self.remove_drafts(&self.drafts()?)
    }

    /// Deletes an object, if it is there.
    pub async fn delete(&self, name: &str) -> Result<()> {
        if let Some(root) = self.folder.clone() {
            let below = name.to_owned();
            return self
                .on_disk("delete", name, move || folder::delete(&root, &below))
                .await;
        }
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(&error, "delete", name)),
        }
    }

    /// Deletes everything below a folder.
    pub async fn delete_folder(&self, folder: &str) -> Result<()> {
        let found = self.list(folder).await?;
        if let Some(root) = self.folder.clone() {
            let delete = move || found.iter().try_for_each(|(name, _)| folder::delete(&root, name));
            return self.on_disk("delete", folder, delete).await;
        }
        let paths: Vec<_> = found.into_iter().map(|(name, _)| Ok(self.path(&name))).collect();
        let mut deleted = self.store.delete_stream(futures::stream::iter(paths).boxed());
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(self.failed(&error, "delete", folder)),
            }
        }
        Ok(())
    }
}

/// The objects below a prefix. A page whose body breaks off is not asked for again by `object_store`, so the listing is.
///
/// # Errors
/// Those of the store; of its last answer, if it failed several times.
pub async fn list(store: &dyn ObjectStore, prefix: &Path) -> object_store::Result<Vec<ObjectMeta>> {
    let [mut wait, last] = WAITS;
    loop {
        match store.list(Some(prefix)).try_collect().await {
            Err(object_store::Error::Generic { source, .. })
                if is_broken_off(source.as_ref()) && wait < last =>
            {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            listed => return listed,
        }
    }
}

fn is_broken_off(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            use io::ErrorKind as E;
            return matches!(
                io.kind(),
                E::ConnectionReset | E::ConnectionAborted | E::BrokenPipe | E::UnexpectedEof | E::TimedOut
            );
        }
        cause = error.source();
    }
    // A body that is shorter than was said has no I/O error in it.
    error.to_string().contains("body")
}

#[cfg(test)]
mod tests {
    use object_store::memory::InMemory;

    use super::*;

    #[tokio::test]
    async fn an_object_is_created_once() {
        let store = Store::new(Arc::new(InMemory::new()), Path::from("out"), "memory:///out");
        assert_eq!(store.create("a/b.json", "1".into()).await.unwrap(), Created::Now);
        assert_eq!(store.create("a/b.json", "1".into()).await.unwrap(), Created::Now);
        assert_eq!(
            store.create("a/b.json", "2".into()).await.unwrap(),
            Created::Before("1".into())
        );
        assert_eq!(store.list("a").await.unwrap(), [("a/b.json".to_owned(), 1)]);
        store.delete_folder("a").await.unwrap();
        assert_eq!(store.get("a/b.json").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_large_file_goes_up_in_parts() {
        use std::io::Write;
        let store = Store::new(Arc::new(InMemory::new()), Path::default(), "memory:///");
        let content: Vec<u8> = (0..PART_BYTES * 2 + 5).map(|i| (i % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        store.put_file("big", file, content.len() as u64).await.unwrap();
        assert_eq!(store.get("big").await.unwrap().unwrap(), content);
    }
}
