//! Deduplication: fingerprints in, clusters out.
//!
//! A *method* ([`Method`]) turns content into a 128-bit key, a pair of `UInt64` columns that travels with its
//! document into the staged rows. [`clusters`] then reads nothing but keys and document numbers, sorts them with
//! spilling, and walks the sorted run once: equal keys are a *cluster*, its first document has rank 0. Payload
//! is never sorted, joined or shuffled. Nothing is dropped here: a rule over `cluster_rank` decides.

mod cluster;
mod method;

pub use cluster::{CLUSTER_ID, CLUSTER_RANK, Clusters, DOCUMENT_COLUMN, KEY_COLUMNS, Member, clusters};
pub use method::{METHODS, Method};
