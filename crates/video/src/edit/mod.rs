//! Edits of videos.

mod frames;
mod subtitles;

use gristmill_core::Edit;

/// All edits of videos, and that of the texts beside them.
pub static EDITS: &[&dyn Edit] = &[&frames::KEYFRAMES, &subtitles::Subtitles];
