//! The few operations that the commit protocol needs of an object store.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tempfile::TempPath;

use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, WriteMultipart, path::Path};

use crate::{Error, Result, layout};

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

    /// Writes an object, replacing what was there.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<()> {
        match self.store.put(&self.path(name), bytes.into()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(&error, "write", name)),
        }
    }

    /// Writes an object from a file of `length` bytes.
    pub async fn put_file(&self, name: &str, file: &mut File, length: u64) -> Result<()> {
        file.rewind()?;
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

    /// A file to write an object below `folder` into, if objects are files: it is then moved to its name instead of
    /// copied. Until then it is one of the [leftovers](Self::remove_leftovers) of a process that is killed.
    pub(crate) fn draft(&self, folder: &str) -> Result<Option<(File, TempPath)>> {
        let Some(root) = &self.folder else {
            return Ok(None);
        };
        let folder = root.join(folder);
        std::fs::create_dir_all(&folder)?;
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("part#{}{number:06}", std::process::id()));
            match File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(file) => return Ok(Some((file, TempPath::try_from_path(path)?))),
                // A process of this number on another machine.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives a draft its name, replacing what was there.
    pub(crate) fn put_draft(&self, name: &str, draft: TempPath) -> Result<()> {
        let root = self.folder.as_ref().expect("only folders have drafts");
        draft
            .persist(root.join(name))
            .map_err(|error| Error::from(error.error).context(format!("cannot write {}/{name}", self.uri)))
    }

    /// Creates an object unless it exists. Of several that try, exactly one succeeds.
    pub async fn create(&self, name: &str, bytes: Bytes) -> Result<Created> {
        let options = PutOptions::from(PutMode::Create);
        let attempt = self
            .store
            .put_opts(&self.path(name), bytes.clone().into(), options)
            .await;
        let Err(error) = attempt else {
            return Ok(Created::Now);
        };
        // A lost answer looks like a failure although the object was created, so whatever went wrong, what
        // is there decides.
        match self.get(name).await {
            Ok(Some(found)) if found == bytes => Ok(Created::Now),
            Ok(Some(found)) => Ok(Created::Before(found)),
            _ => Err(self.failed(&error, "create", name)),
        }
    }

    /// The bytes of an object, or `None` if it does not exist.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>> {
        let failed = |error: object_store::Error| self.failed(&error, "read", name);
        match self.store.get(&self.path(name)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// The names below a folder, sorted, each with its size.
    pub async fn list(&self, folder: &str) -> Result<Vec<(String, u64)>> {
        let prefix = self.path(folder);
        let listed: Vec<_> = self
            .store
            .list(Some(&prefix))
            .try_collect()
            .await
            .map_err(|error| self.failed(&error, "list", folder))?;
        let skip = self.prefix.parts().count();
        let mut names: Vec<_> = listed
            .into_iter()
            .map(|meta| {
                (
                    meta.location.parts().skip(skip).collect::<Path>().to_string(),
                    meta.size,
                )
            })
            .collect();
        names.sort();
        Ok(names)
    }

    /// Removes half-written files that a killed process left in one folder of a local output.
    pub fn remove_leftovers_in(&self, folder: &str) -> Result<()> {
        let folder = self.folder.as_ref().map(|root| root.join(folder));
        let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
            return Ok(());
        };
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if is_leftover(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes half-written files that a killed process left in a local folder; other stores keep theirs
    /// invisible. Only for outputs that are complete: a process that still writes would lose its work.
    pub fn remove_leftovers(&self) -> Result<()> {
        let Some(root) = &self.folder else { return Ok(()) };
        // The folder may be somebody's home: only what has our names is ours.
        let is_ours = |name: &str| match name.rsplit_once('#') {
            None => layout::FOLDERS.contains(&name),
            Some((stem, _)) => [layout::CARD, layout::CROISSANT].contains(&stem),
        };
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if folder == *root && !is_ours(&name) {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if is_leftover(&name) {
                    std::fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(())
    }

    /// Deletes an object, if it is there.
    pub async fn delete(&self, name: &str) -> Result<()> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(&error, "delete", name)),
        }
    }

    /// Deletes everything below a folder.
    pub async fn delete_folder(&self, folder: &str) -> Result<()> {
        let paths: Vec<_> = self
            .list(folder)
            .await?
            .into_iter()
            .map(|(name, _)| Ok(self.path(&name)))
            .collect();
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

/// The local store writes `name#<digits>` and renames it.
fn is_leftover(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(stem, digits)| {
        !stem.is_empty() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
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
        store
            .put_file("big", &mut file, content.len() as u64)
            .await
            .unwrap();
        assert_eq!(store.get("big").await.unwrap().unwrap(), content);
    }
}
