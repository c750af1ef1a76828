//! From addresses to objects to slices.
//!
//! An address with wildcards matches objects; they are sorted by name, so the same objects give the same slices
//! on every machine. The `uri` of an object is its path below the deepest folder that the addresses have in
//! common (the part before any wildcard), so that a copy of the input elsewhere gives the same output; objects
//! of several stores keep their full address. An object that two addresses match is read once.

mod listing;
mod object;
mod slices;

use std::{ops::Range, path::PathBuf, sync::Arc};

use gristmill_core::{FieldMap, ReadOptions};
use object_store::{ObjectStore, path::Path};
use serde::{Deserialize, Serialize};

pub(crate) use listing::{keep_apart, list};
pub(crate) use object::InputObject;
pub(crate) use slices::cut;

/// The objects that a recipe reads.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// The folder that names are relative to, as the user wrote it.
    pub(crate) base: String,
    pub(crate) objects: Vec<Found>,
}

/// An object that was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) snapshot: Snapshot,
    pub(crate) location: Location,
    pub(crate) reading: Arc<Reading>,
}

/// What an object was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) uri: String,
    pub(crate) bytes: u64,
    /// The store's etag, or the time of last change of a file.
    pub(crate) version: String,
}

/// Where an object is.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    File(PathBuf),
    Store(Arc<dyn ObjectStore>, Path),
}

/// How the objects of an address are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) format: Option<String>,
    pub(crate) fields: FieldMap,
    pub(crate) slice_bytes: u64,
    pub(crate) record_bytes: usize,
}

impl Reading {
    /// How objects are read this way.
    pub(crate) fn options(&self, options: &ReadOptions) -> ReadOptions {
        let mut options = ReadOptions {
            fields: self.fields.clone(),
            ..options.clone()
        };
        options.limits.record_bytes = self.record_bytes;
        options
    }
}

/// A slice: ranges of objects, read in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) ranges: Vec<(usize, Range<u64>)>,
}

impl Slice {
    /// Stored bytes that it covers.
    pub(crate) fn bytes(&self) -> u64 {
        self.ranges.iter().map(|(_, range)| range.end - range.start).sum()
    }
}
