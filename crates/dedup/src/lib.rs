//! Deduplication: fingerprints in, clusters out.
//!
//! A *method* ([`Method`]) with its settings becomes a [`Fingerprint`]: it turns content into a few 64-bit keys, which
//! travel with their document into the staged rows, and into *evidence*, if candidates are to be verified. A
//! [`Comparison`] then reads nothing but keys, evidence and document numbers: documents whose keys of a band are equal
//! are candidates, verified ones make a *cluster*, and the one that the recipe prefers has rank 0. Nothing is dropped
//! here: a rule over `cluster_rank` decides.

mod compare;
mod evidence;
mod mapped;
mod marked;
mod method;
mod neighbours;
mod numbering;
mod parts;
mod rank;
mod runs;
mod sorter;
mod stats;
mod union_find;
mod verify;

use gristmill_core::Column;

pub use compare::{Comparison, Members};
/// A text without ranges of its bytes; see [`repeat`](gristmill_text::repeat).
pub use gristmill_text::repeat::without;
pub use method::{Dedup, Fingerprint, Hamming, Keys, METHODS, Measure, Method, Positions, Verdict};
pub use numbering::Numbering;
pub use parts::{Cuts, Parts, Place, RANGES, RangeStream, cuts_schema, ranges_schema};
pub use rank::members_schema;
pub use sorter::Room;
pub use stats::Stats;

/// The number of a document within a phase: slice and row.
pub const DOCUMENT_COLUMN: &str = "__document";
/// What candidates are judged by, `Binary`.
pub const EVIDENCE_COLUMN: &str = "__evidence";
/// Of documents of earlier runs, the hash of the cluster that they were in; null without one.
pub const CLUSTER_KEY_COLUMN: &str = "__cluster_key";
/// Of documents of earlier runs, `UInt64`: the first in this order stands for its cluster.
pub const EARLIER_COLUMN: &str = "__earlier";

/// The cluster of a document.
pub const CLUSTER_ID: Column = Column::text(
    "cluster_id",
    "dedup cluster, by the id of the document that is kept of it; null without a copy",
);
/// The rank of a document in its cluster.
pub const CLUSTER_RANK: Column = Column::u32(
    "cluster_rank",
    "rank in the dedup cluster, 0 for the one to keep; 0 without a copy",
);
/// The size of a document's cluster.
pub const CLUSTER_SIZE: Column =
    Column::u32("cluster_size", "documents in the dedup cluster; 1 without a copy").if_named();
/// How similar a document is to the one that is kept.
pub const CLUSTER_SIMILARITY: Column = Column::f64(
    "cluster_similarity",
    "measured similarity to the document that is kept of the cluster, 0 to 1; null without a copy, or where nothing was measured",
)
.if_named();

/// What a dedup step of whole documents adds.
pub static CLUSTER_COLUMNS: [Column; 4] = [CLUSTER_ID, CLUSTER_RANK, CLUSTER_SIZE, CLUSTER_SIMILARITY];

/// How much of a text stood elsewhere as well.
pub const TEXT_REPEAT_SHARE: Column = Column::f64(
    "text_repeat_share",
    "share of the bytes of the text that a dedup step of parts took out, with the line breaks that went along, 0 to 1",
);
/// What a dedup step of parts adds; the text is without its repeated parts from then on.
pub static REPEAT_COLUMNS: [Column; 1] = [TEXT_REPEAT_SHARE];

/// The name of a key column; its values are `UInt64`.
pub fn key_column(number: usize) -> String {
    format!("__key_{number:02}")
}
