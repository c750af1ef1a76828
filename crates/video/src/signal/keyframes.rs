//! What key frames tell: light, blur, bars, stillness, hashes.
//!
//! Key frames at least a second apart are decoded, each by itself, at most 256 of them, evenly over the video. This costs a
//! twentieth to a fiftieth of decoding all frames. A video without a key frame that can be decoded has a fault. The definitions
//! stand in `crates/video/src/still/measures.rs`.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Cost, Documents, Result, Signal, columns};

use super::measure;
use crate::{
    job::Task,
    still::{OUTPUTS, Policy},
};

/// Key frames closer than this are passed over.
const APART_MS: u64 = 1000;
/// Most frames of a video.
const MOST: u32 = 256;

/// Describes [`Keyframes`].
pub(super) static CARD: Card = Card {
    name: "keyframes",
    about: "light, blur, black bars, stillness and hashes of key frames",
    inputs: &[columns::VIDEO],
    outputs: &OUTPUTS,
    source: "image signals of these names; FFmpeg blackdetect; vPDQ (ThreatExchange)",
    cost: Cost::Expensive,
    version: 1,
};

/// Measures key frames; see the module.
#[derive(Debug)]
pub(super) struct Keyframes;

impl Signal for Keyframes {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let names: Vec<&str> = OUTPUTS.iter().map(|output| output.name).collect();
        Ok(self.measure(inputs, &names)?.columns)
    }

    /// `[n] media` -> as on the card; null where the video is null or has a fault.
    fn measure(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Documents> {
        let policy = Policy::Keyframes {
            apart_ms: APART_MS,
            most: MOST,
        };
        Ok(measure(&OUTPUTS, inputs, wanted, Task::Stills(policy)))
    }
}
