//! The manifest and the slice records that it gathers, as JSON.
//!
//! Both are functions of recipe, input and versions alone: no clock, no host, no number of threads. Their field
//! order is fixed by these types, their lists are sorted by slice, so equal runs give equal bytes.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Account, Error, Result, Sketch, Sketches, Store, layout};

/// Slice records that are asked for at the same time: a crawl has hundreds of thousands.
const RECORDS_AT_ONCE: usize = 64;

/// A shard: one Parquet file that exists because a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// Its name below the output address.
    pub path: String,
    /// The slice that gave it.
    pub slice: u32,
    /// Rows.
    pub rows: u64,
    /// Row groups.
    pub row_groups: u32,
    /// Size of the file.
    pub bytes: u64,
    /// BLAKE3 of the file, 64 hexadecimal digits.
    pub blake3: String,
}

/// What one slice gave: its shards and the account of its rows. Created once, when the slice is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SliceRecord {
    /// The slice.
    pub slice: u32,
    /// The phase it belongs to, from 0.
    pub phase: u32,
    /// Stored bytes of input that it covers.
    pub input_bytes: u64,
    /// Where its rows went.
    pub account: Account,
    /// Its shards, or its staged files between phases.
    pub shards: Vec<ShardEntry>,
    /// The files of its rejected rows.
    pub rejects: Vec<ShardEntry>,
    /// What the columns of its shards look like, by modality; none between phases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sketches: BTreeMap<String, Sketches>,
}

/// The input of a run in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputTotals {
    /// Objects read.
    pub objects: u64,
    /// Their stored bytes.
    pub bytes: u64,
}

/// A dataset: what it was made from, where every row went, and the shards that it consists of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's layout.
    pub manifest: u32,
    /// The version of gristmill that wrote it.
    pub gristmill: String,
    /// The recipe's name.
    pub name: String,
    /// BLAKE3 of the canonical recipe in `_gristmill/plan.json`.
    pub recipe_blake3: String,
    /// Version of every format, extractor, edit, signal and method that took part.
    pub versions: BTreeMap<String, u32>,
    /// What was read.
    pub input: InputTotals,
    /// Where every row went.
    pub account: Account,
    /// The written columns of each modality, as name and Arrow type.
    pub columns: BTreeMap<String, Vec<(String, String)>>,
    /// The shards of each modality, by slice and sequence.
    pub shards: BTreeMap<String, Vec<ShardEntry>>,
    /// The files of rejected rows.
    pub rejects: Vec<ShardEntry>,
    /// What the dedup steps found, in the order of the recipe.
    #[serde(default)]
    pub dedup: Vec<DedupEntry>,
    /// What the columns of the shards look like, by modality.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sketches: BTreeMap<String, Sketches>,
}

/// What a dedup step found: its numbers, and the table of its clusters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DedupEntry {
    /// The step of the recipe.
    pub step: String,
    /// Documents that had something to compare; those of an index count as well.
    pub documents: u64,
    /// Documents that met another one, by an equal key.
    pub candidates: u64,
    /// Pairs of candidates that were verified; one that fails counts each time that its documents meet.
    pub compared: u64,
    /// Of these, pairs that were not similar enough.
    pub failed: u64,
    /// Documents that were not compared with all that they met, because these were too many.
    pub unchecked: u64,
    /// Clusters with a document of this run.
    pub clusters: u64,
    /// Of these, clusters whose first document is known from an index.
    pub known: u64,
    /// Documents of this run behind the first of their cluster, or with parts that were taken out.
    pub duplicates: u64,
    /// Clusters by size: the key is the largest power of two that is not above it.
    pub sizes: BTreeMap<u32, u64>,
    /// Parts of texts that were taken out, by methods that do.
    #[serde(default)]
    pub parts: u64,
    /// Their bytes.
    #[serde(default)]
    pub part_bytes: u64,
    /// The members of the clusters, in the order of clusters and ranks.
    pub files: Vec<ShardEntry>,
}

impl Manifest {
    /// The modality of a shard: the folder that it is in.
    pub fn modality_of(shard: &ShardEntry) -> Option<&str> {
        shard.path.strip_prefix("data/")?.split('/').next()
    }

    /// Every file that it names.
    pub fn files(&self) -> impl Iterator<Item = &ShardEntry> {
        let of_steps = self.dedup.iter().flat_map(|step| &step.files);
        let shards = self.shards.values().flatten();
        shards.chain(&self.rejects).chain(of_steps)
    }

    /// Rows in all shards.
    pub fn rows(&self) -> u64 {
        self.shards.values().flatten().map(|shard| shard.rows).sum()
    }

    /// Bytes of all shards.
    pub fn bytes(&self) -> u64 {
        self.shards.values().flatten().map(|shard| shard.bytes).sum()
    }

    /// The sketch of a column, in whichever modality has one.
    pub fn sketch(&self, column: &str) -> Option<&Sketch> {
        self.sketches.values().find_map(|sketches| sketches.get(column))
    }

    /// Its JSON.
    pub fn to_json(&self) -> Bytes {
        to_json(self)
    }

    /// Reads it from JSON.
    ///
    /// # Errors
    /// When the JSON is not a manifest that this version reads.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        from_json(bytes, "manifest")
    }
}

impl SliceRecord {
    /// Its JSON.
    pub fn to_json(&self) -> Bytes {
        to_json(self)
    }

    /// Reads it from JSON.
    ///
    /// # Errors
    /// When the JSON is not a slice record.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        from_json(bytes, "slice record")
    }

    /// Those of an output so far, in any order.
    ///
    /// # Errors
    /// When the store fails, or holds something else under a record's name.
    pub async fn all(store: &Store) -> Result<Vec<Self>> {
        stream::iter(store.list(layout::SLICES).await?)
            .map(|(name, _)| async move { store.get(&name).await })
            .buffer_unordered(RECORDS_AT_ONCE)
            // Records are removed once an output is complete.
            .try_filter_map(|bytes| async move { bytes.map(|bytes| Self::from_json(&bytes)).transpose() })
            .try_collect()
            .await
    }
}

fn to_json(value: &impl Serialize) -> Bytes {
    let mut bytes = serde_json::to_vec_pretty(value).expect("a plain struct with string keys is JSON");
    bytes.push(b'\n');
    bytes.into()
}

fn from_json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| Error::Failed(format!("not a {what}: {error}")))
}
