//! The names of everything under the output address.
//!
//! ```text
//! README.md                                             dataset card
//! croissant.json                                        Croissant description
//! data/<modality>/part-<slice:06>-<seq:04>-<hash:16>.parquet
//! rejects/part-<slice:06>-<seq:04>-<hash:16>.parquet
//! clusters/part-<step:06>-<seq:04>-<hash:16>.parquet    members of dedup clusters
//! _gristmill/plan.json                                  what was asked          (created once)
//! _gristmill/slices/<slice:06>.json                     slice records           (created once)
//! _gristmill/manifest.json                              the dataset             (created once, last)
//! _gristmill/stage/<phase>/…                            work between phases; removed after the manifest
//! _gristmill/runs/…                                     all that may differ between two runs
//! ```
//!
//! Readers of folders (pyarrow, Spark, `datasets`) skip names that begin with `_`.

/// What was asked.
pub const PLAN: &str = "_gristmill/plan.json";
/// The dataset.
pub const MANIFEST: &str = "_gristmill/manifest.json";
/// The slice records.
pub const SLICES: &str = "_gristmill/slices";
/// Work between phases.
pub const STAGE: &str = "_gristmill/stage";
/// Times, hosts, metrics.
pub const RUNS: &str = "_gristmill/runs";
/// The shards of all modalities.
pub const DATA: &str = "data";
/// The rejected rows.
pub const REJECTS: &str = "rejects";
/// The members of dedup clusters.
pub const CLUSTERS: &str = "clusters";
/// The dataset card.
pub const CARD: &str = "README.md";
/// The Croissant description.
pub const CROISSANT: &str = "croissant.json";

/// The folders at the top.
pub(crate) const FOLDERS: [&str; 4] = ["_gristmill", CLUSTERS, DATA, REJECTS];

/// The folder of a modality's shards.
pub fn data(modality: &str) -> String {
    format!("{DATA}/{modality}")
}

/// The folder of a phase's staged rows.
pub fn stage(phase: usize) -> String {
    format!("{STAGE}/{phase}")
}

/// The record of a slice.
pub fn slice_record(slice: u32) -> String {
    format!("{SLICES}/{slice:06}.json")
}

/// The name of a shard: its slice, its number in the slice, and the start of the hash of its bytes.
pub fn part(slice: u32, sequence: u32, hash: &str) -> String {
    format!("part-{slice:06}-{sequence:04}-{}.parquet", &hash[..16])
}
