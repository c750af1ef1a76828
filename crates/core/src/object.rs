//! One blob in an object store, as formats see it.

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;

/// One blob in an object store. Reads block; formats run on threads that may.
///
/// An `Err` means that the environment failed (store, network, disk), after the implementation's own retries.
/// It stops the slice, unlike bad bytes, which become faults.
pub trait Object: Send + Sync {
    /// The name that goes into the `uri` column.
    fn uri(&self) -> &str;

    /// Length in bytes.
    fn len(&self) -> u64;

    /// Whether there are no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of `range`, which lies within the object.
    fn read_at(&self, range: Range<u64>) -> io::Result<Bytes>;

    /// A sequential reader from `start` to the end of the object. It fetches ahead in large pieces and stops
    /// fetching when dropped.
    fn reader(&self, start: u64) -> io::Result<Box<dyn io::Read + Send>>;

    /// The object at `path` relative to the folder of this one, or `None` if there is none. `path` has components
    /// between slashes, none of which is empty, `.` or `..`. Objects that have no folder have no siblings.
    fn sibling(&self, path: &str) -> io::Result<Option<Arc<dyn Object>>> {
        let _ = path;
        Ok(None)
    }
}

/// An object in memory, for tests and for members of containers.
#[derive(Debug, Clone)]
pub struct MemoryObject {
    uri: String,
    bytes: Bytes,
}

impl MemoryObject {
    /// An object with this name and content.
    pub fn new(uri: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        MemoryObject {
            uri: uri.into(),
            bytes: bytes.into(),
        }
    }
}

impl Object for MemoryObject {
    fn uri(&self) -> &str {
        &self.uri
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, range: Range<u64>) -> io::Result<Bytes> {
        if range.start > range.end || range.end > self.len() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("range {range:?} of {} bytes", self.len()),
            ));
        }
        Ok(self.bytes.slice(range.start as usize..range.end as usize))
    }

    fn reader(&self, start: u64) -> io::Result<Box<dyn io::Read + Send>> {
        let rest = self.read_at(start..self.len())?;
        Ok(Box::new(io::Cursor::new(rest)))
    }
}
