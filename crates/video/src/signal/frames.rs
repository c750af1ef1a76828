//! What all frames tell: shots, motion, black and frozen segments, a hash each second.
//!
//! Every frame is decoded, which takes a second of one core for 60 to 170 frames of 720p. Damaged frames are passed over and
//! counted; a video of which no frame can be decoded has a fault. The definitions stand in `crates/video/src/measure`.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Documents, Result, Signal, columns};

use super::measure;
use crate::{
    job::Task,
    measure::{ADAPTIVE, BLACK, CONTENT, FROZEN, MOTION, SECONDS},
};

/// What is given.
static OUTPUTS: [Column; 18] = [
    CONTENT[0],
    CONTENT[1],
    CONTENT[2],
    CONTENT[3],
    CONTENT[4],
    ADAPTIVE[0],
    ADAPTIVE[1],
    MOTION[0],
    MOTION[1],
    BLACK[0],
    BLACK[1],
    FROZEN[0],
    FROZEN[1],
    FROZEN[2],
    SECONDS[0],
    Column::u32(
        "video_decoded_frame_count",
        "frames that were decoded and are shown",
    ),
    Column::u32("video_damaged_frame_count", "samples that could not be decoded"),
    Column::bool(
        "video_is_partly_decoded",
        "whether decoding ended early, at the limit of pixels for one video",
    ),
];

/// Describes [`Frames`].
pub(super) static CARD: Card = Card {
    name: "all_frames",
    about: "shots, motion, black and frozen segments, hashes, from all frames",
    inputs: &[columns::VIDEO],
    outputs: &OUTPUTS,
    source: "PySceneDetect 0.7.2 (detectors/content_detector.py, adaptive_detector.py); FFmpeg blackdetect, freezedetect",
    cost: Cost::Expensive,
    version: 1,
};

/// Measures all frames; see the module.
#[derive(Debug)]
pub(super) struct Frames;

impl Signal for Frames {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let names: Vec<&str> = OUTPUTS.iter().map(|output| output.name).collect();
        Ok(self.measure(inputs, &names)?.columns)
    }

    /// `[n] media` -> as on the card; null where the video is null or has a fault.
    fn measure(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Documents> {
        Ok(measure(&OUTPUTS, inputs, wanted, Task::Frames))
    }
}
