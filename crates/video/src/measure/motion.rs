//! Motion: how much frames differ from those before.
//!
//! `video_motion` is the mean over frames of the mean absolute difference of luma (BT.601 of the small picture) to the frame before, as a share
//! of the range: 0 for a still picture. Cuts count too, as one frame each. Decoders give no motion vectors here.

use gristmill_core::Column;

use super::{Measure, Values, View, shots::differences};
use crate::probe::rounded;

/// What is given.
pub(crate) const OUTPUTS: [Column; 2] = [
    Column::f64(
        "video_motion",
        "mean difference of luma from frame to frame, as a share of the range; 0 is still",
    ),
    Column::f64(
        "video_motion_per_s",
        "the same for a second: times frames a second, so that it compares between frame rates",
    ),
];

/// Measures motion; see the module.
#[derive(Default)]
pub(super) struct Motion {
    before: Vec<u8>,
    now: Vec<u8>,
    sum: f64,
    steps: u32,
    first_s: Option<f64>,
    last_s: f64,
}

impl Measure for Motion {
    fn take(&mut self, view: &View<'_>) {
        let [reds, greens, blues] = &view.small.planes;
        self.now.clear();
        let pixels = reds.iter().zip(greens).zip(blues);
        self.now.extend(pixels.map(|((red, green), blue)| {
            let sum = u32::from(*red) * 19_595 + u32::from(*green) * 38_470 + u32::from(*blue) * 7_471;
            ((sum + (1 << 15)) >> 16) as u8
        }));
        if self.before.len() == self.now.len() && !self.now.is_empty() {
            let sum = differences(&self.before, &self.now);
            self.sum += sum as f64 / self.now.len() as f64 / 255.0;
            self.steps += 1;
        }
        self.first_s.get_or_insert(view.time_s);
        self.last_s = view.time_s;
        std::mem::swap(&mut self.before, &mut self.now);
    }

    fn finish(self: Box<Self>, _: f64, values: &mut Values) {
        let mean = self.sum / f64::from(self.steps.max(1));
        values.insert("video_motion".into(), rounded(mean).into());
        let seconds = self.last_s - self.first_s.unwrap_or(self.last_s);
        let rate = if seconds > 0.0 { self.sum / seconds } else { 0.0 };
        values.insert("video_motion_per_s".into(), rounded(rate).into());
    }
}
