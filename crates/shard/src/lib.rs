//! Shards and the manifest that makes them exist.
//!
//! A *shard* is one Parquet file under a name made from its slice and its content. A *slice record* says which
//! shards a slice gave and where each of its rows went; it is created once. The *manifest* gathers the slice
//! records; it is created once and last. A reader that follows the manifest never sees a partial, doubled or
//! missing row, whatever crashed while it was written. [`layout`] holds the names, [`Store`] the few operations
//! that the protocol needs of an object store, [`ShardExec`] is the plan node that writes.

mod account;
mod card;
mod error;
mod exec;
mod features;
mod folder;
pub mod layout;
mod manifest;
mod reader;
mod rejects;
mod sketch;
mod store;
mod table;
mod verify;
mod writer;

pub use account::{Account, RuleCount};
pub use card::{croissant, dataset_card};
pub use error::{Error, Result};
pub use exec::{ShardExec, ShardOutput, ShardTarget, slice_record};
pub use features::stored_schema;
pub use manifest::{DedupEntry, InputTotals, Manifest, ShardEntry, SliceRecord};
pub use rejects::{
    BORN_COLUMN, CHAIN_COLUMN, PREVIEW_COLUMN, RejectMode, Rule, VALUES_COLUMN, VERDICT_COLUMN,
};
pub use sketch::{Bin, Bins, Numbers, Sketch, Sketcher, Sketches};
pub use store::{Created, Found, Store, list};
pub use table::{ShardTable, register_store};
pub use verify::{Finding, verify};
pub use writer::{ShardOptions, ShardWriter, blake3_hex};
