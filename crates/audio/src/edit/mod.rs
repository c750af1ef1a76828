//! Edits of sound: other channels, another rate, another loudness, without silence at its ends, in another format.
//!
//! An edit takes the bytes of a file and gives the bytes of another one, or none where the file is already what was asked for:
//! its bytes then stay. Tags and covers are not taken over into files that are written anew.

pub(crate) mod prepare;
mod rewrite;
mod transcode;

use gristmill_core::Edit;

/// All edits of sound.
pub static EDITS: &[&dyn Edit] = &[&rewrite::TRANSCODE];

pub use crate::encode::Format;
pub(crate) use rewrite::{BITRATE as SETTING_BITRATE, CHANNELS as SETTING_CHANNELS};
pub use transcode::Transcode;

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    #[test]
    fn cards_conform() {
        conformance::check_cards(EDITS.iter().map(|edit| edit.card()));
    }
}
