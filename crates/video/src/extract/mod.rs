//! Extractors of videos.

mod container;

use gristmill_core::Extractor;

pub use container::{CARD as VIDEO_CARD, Container as VideoExtractor};
pub(crate) use container::{FACTS, facts};

/// All extractors of videos.
pub static EXTRACTORS: &[&dyn Extractor] = &[&container::Container];
