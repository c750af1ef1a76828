//! Silence.
//!
//! Silent is a stretch of at least 100 ms in which every sample of every channel is below -60 dB of full scale.
//!
//! - `audio_silence_share`: what is silent, of the whole sound.
//! - `audio_silence_longest_s`: the longest silent stretch; 0 where there is none.
//!
//! Source: FFmpeg's silencedetect (level of its default; its shortest stretch is 2 s).

use gristmill_core::Column;

use super::{Block, Kind, Meter, Shape, Value};

pub(super) const COLUMNS: [Column; 2] = [
    Column::f64(
        "audio_silence_share",
        "share of the sound in stretches of 100 ms or more below -60 dB of full scale, 0 to 1",
    ),
    Column::f64(
        "audio_silence_longest_s",
        "longest of those stretches in seconds; 0 where there is none",
    ),
];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(Silence::new(shape)),
};

/// Below it a sample is silent.
pub(crate) const LEVEL: f32 = 0.001;
/// Samples that are looked at at once.
const RUN: usize = 64;

struct Silence {
    rate: u32,
    least: u64,
    frames: u64,
    /// Frames of the stretch that is open.
    open: u64,
    silent: u64,
    longest: u64,
}

impl Silence {
    fn new(shape: Shape) -> Silence {
        Silence {
            rate: shape.rate,
            least: u64::from(shape.rate.div_ceil(10)),
            frames: 0,
            open: 0,
            silent: 0,
            longest: 0,
        }
    }

    fn close(&mut self) {
        if self.open >= self.least {
            self.silent += self.open;
            self.longest = self.longest.max(self.open);
        }
        self.open = 0;
    }
}

/// Frames at the start, and at the end, that are silent in all of these samples.
pub(crate) fn silent_ends(planes: &[&[f32]]) -> (usize, usize) {
    let is_loud = |sample: &f32| sample.abs() >= LEVEL;
    let frames = planes.first().map_or(0, |plane| plane.len());
    let start = |plane: &&[f32]| plane.iter().position(is_loud).unwrap_or(frames);
    let end = |plane: &&[f32]| plane.iter().rev().position(is_loud).unwrap_or(frames);
    (
        planes.iter().map(start).min().unwrap_or(0),
        planes.iter().map(end).min().unwrap_or(0),
    )
}

impl Meter for Silence {
    fn feed(&mut self, block: &Block<'_>) {
        let frames = block.samples.frames();
        self.frames += frames as u64;
        let planes = block.samples.planes();
        for from in (0..frames).step_by(RUN) {
            let to = frames.min(from + RUN);
            let loud = |plane: &Vec<f32>| {
                plane[from..to]
                    .iter()
                    .fold(0.0f32, |most, sample| most.max(sample.abs()))
            };
            let loudest = planes.iter().map(loud).fold(0.0, f32::max);
            if loudest < LEVEL {
                self.open += (to - from) as u64;
                continue;
            }
            if self.open == 0 && planes.iter().any(|plane| plane[to - 1].abs() >= LEVEL) {
                // No stretch is open and none opens here that is still open at the end: a run is far below 100 ms.
                continue;
            }
            for at in from..to {
                if planes.iter().all(|plane| plane[at].abs() < LEVEL) {
                    self.open += 1;
                } else {
                    self.close();
                }
            }
        }
    }

    fn finish(&mut self) -> Vec<Value> {
        self.close();
        vec![
            Value::rounded(self.silent as f64 / self.frames as f64, 6),
            Value::rounded(self.longest as f64 / f64::from(self.rate), 3),
        ]
    }
}
