//! Frozen segments: FFmpeg's `freezedetect` with its defaults, and how still the rest is.
//!
//! A frame is frozen where the mean absolute difference of all its samples, luma and chroma, to the last frame that was not frozen is at most
//! 0.1 % of the range. A segment lasts from that frame to the first one that differs, or to the end of the video, and counts from 2
//! seconds on. `video_static_share` is the share of frames after the first that are frozen, however short the segment.
//!
//! Source: FFmpeg, `libavfilter/vf_freezedetect.c`.

use gristmill_core::Column;

use super::{Measure, Values, View, spans_json};
use crate::{decode::Frame, probe::rounded};

/// What is given.
pub(crate) const OUTPUTS: [Column; 3] = [
    Column::f64(
        "video_frozen_s",
        "seconds in frozen segments of at least 2 seconds",
    ),
    Column::text(
        "video_frozen_segments",
        "frozen segments as a JSON list of pairs: first and last moment, in seconds",
    )
    .if_named(),
    Column::f64(
        "video_static_share",
        "share of frames that hardly differ from one before, 0 to 1; 0 of a single frame",
    ),
];

/// The mean difference, as a share of the range, up to which a frame is frozen.
const NOISE: f64 = 0.001;
/// The shortest segment.
const SECONDS: f64 = 2.0;

/// Finds frozen segments; see the module.
#[derive(Default)]
pub(super) struct Frozen {
    reference: Option<(f64, Frame)>,
    is_open: bool,
    segments: Vec<(f64, f64)>,
    frames: u32,
    frozen: u32,
}

impl Measure for Frozen {
    fn take(&mut self, view: &View<'_>) {
        if let Some((start, reference)) = &self.reference {
            self.frames += 1;
            if is_frozen(reference, view.frame) {
                self.frozen += 1;
                self.is_open = true;
                return;
            }
            if self.is_open && view.time_s - start >= SECONDS {
                self.segments.push((*start, view.time_s));
            }
        }
        self.is_open = false;
        // Into the buffers that are there.
        match &mut self.reference {
            Some((start, reference)) => {
                *start = view.time_s;
                for (to, from) in reference.planes.iter_mut().zip(&view.frame.planes) {
                    (to.width, to.height) = (from.width, from.height);
                    to.samples.clone_from(&from.samples);
                }
            }
            None => self.reference = Some((view.time_s, view.frame.clone())),
        }
    }

    fn finish(mut self: Box<Self>, end_s: f64, values: &mut Values) {
        if let Some((start, _)) = &self.reference
            && self.is_open
            && end_s - start >= SECONDS
        {
            self.segments.push((*start, end_s));
        }
        let seconds: f64 = self.segments.iter().map(|(from, to)| to - from).sum();
        values.insert("video_frozen_s".into(), rounded(seconds).into());
        values.insert("video_frozen_segments".into(), spans_json(&self.segments));
        let share = f64::from(self.frozen) / f64::from(self.frames.max(1));
        values.insert("video_static_share".into(), rounded(share).into());
    }
}

fn is_frozen(one: &Frame, two: &Frame) -> bool {
    let count: usize = one.planes.iter().map(|plane| plane.samples.len()).sum();
    let most = NOISE * 256.0 * count as f64;
    let mut sum = 0u64;
    for (one, two) in one.planes.iter().zip(&two.planes) {
        if one.samples.len() != two.samples.len() {
            return false;
        }
        // A frame that differs is known after a few rows.
        for (one, two) in one.samples.chunks(1 << 14).zip(two.samples.chunks(1 << 14)) {
            let differences = one
                .iter()
                .zip(two)
                .map(|(one, two)| u32::from(one.abs_diff(*two)));
            sum += u64::from(differences.sum::<u32>());
            if sum as f64 > most {
                return false;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Plane;

    #[test]
    fn a_still_picture_is_one_segment() {
        let small = super::super::Small::default();
        let mut frozen = Frozen::default();
        for second in 0..8 {
            let frame = Frame {
                planes: [
                    Plane {
                        width: 2,
                        height: 1,
                        samples: vec![if second < 3 { second as u8 * 9 } else { 100 }; 2],
                    },
                    Plane::default(),
                    Plane::default(),
                ],
                ..Frame::default()
            };
            frozen.take(&View {
                time_s: f64::from(second),
                frame: &frame,
                small: &small,
                score: 0.0,
                rotation: 0,
            });
        }
        let mut values = Values::new();
        Box::new(frozen).finish(8.0, &mut values);
        assert_eq!(values["video_frozen_segments"], "[[3.0,8.0]]");
        assert_eq!(values["video_static_share"], 0.571_429);
    }
}
