//! Splitters of videos.

mod clips;
mod cut;
mod spans;

use gristmill_core::Splitter;

pub use cut::cut;

/// All splitters of videos.
pub static SPLITTERS: &[&dyn Splitter] = &[&clips::BY_SHOTS];
