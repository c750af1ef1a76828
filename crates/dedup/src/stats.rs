//! What a dedup step found, in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The numbers of one comparison. They are the same for any number of threads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Documents with a key; those of earlier runs count as well.
    pub documents: u64,
    /// Documents that met another one in some band.
    pub candidates: u64,
    /// Pairs of candidates that were compared; a pair that fails in several bands counts in each.
    pub compared: u64,
    /// Of these, pairs that were not similar enough.
    pub failed: u64,
    /// Documents that were not compared with all that they met in a run, but with 256 of them.
    pub unchecked: u64,
    /// Clusters with a document of this run.
    pub clusters: u64,
    /// Clusters whose first document is of an earlier run.
    pub known: u64,
    /// Documents of this run behind the first of their cluster.
    pub duplicates: u64,
    /// Clusters by size: the key is the largest power of two that is not above it.
    pub sizes: BTreeMap<u32, u64>,
}
