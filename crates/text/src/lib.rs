//! Text: extraction from HTML, PDF, Markdown, EPUB and plain text, language, quality and repetition signals, edits, redaction; models;
//! fingerprints for near-duplicates.

mod address;
mod charset;
pub mod contamination;
mod edit;
pub mod extract;
pub mod fingerprint;
mod html;
pub mod model;
mod redact;
pub mod repeat;
mod signal;
mod split;
mod words;

pub use address::resource_key;
pub use edit::EDITS;
pub use extract::EXTRACTORS;
pub use model::MODELS;
pub use redact::REDACTIONS;
pub use signal::SIGNALS;
pub use split::SPLITTERS;
