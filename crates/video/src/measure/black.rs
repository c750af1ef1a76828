//! Black segments: FFmpeg's `blackdetect` with its defaults.
//!
//! A pixel is black where its luma is at most 10 % of the range, rounded down: 37 of 16 to 235, 25 of 0 to 255. A frame is black where
//! 98 % of its pixels are. A segment lasts from the first black frame to the first one that is not, or to the end of the video, and
//! counts from 2 seconds on. Letterboxes are part of the frame.
//!
//! Source: FFmpeg, `libavfilter/vf_blackdetect.c`.

use gristmill_core::Column;

use super::{Measure, Values, View, spans_json};
use crate::{decode::Frame, probe::rounded};

/// What is given.
pub(crate) const OUTPUTS: [Column; 2] = [
    Column::f64("video_black_s", "seconds in black segments of at least 2 seconds"),
    Column::text(
        "video_black_segments",
        "black segments as a JSON list of pairs: first and last moment, in seconds",
    )
    .if_named(),
];

/// The share of pixels that makes a frame black.
const PICTURE: f64 = 0.98;
/// The shortest segment.
const SECONDS: f64 = 2.0;

/// Whether a frame is black.
pub(crate) fn is_black(frame: &Frame) -> bool {
    let threshold = if frame.is_full_range() { 25 } else { 37 };
    let samples = &frame.planes[0].samples;
    let black: usize = samples
        .chunks(1 << 14)
        .map(|chunk| {
            let is_dark = chunk.iter().map(|sample| u16::from(*sample <= threshold));
            usize::from(is_dark.sum::<u16>())
        })
        .sum();
    black as f64 >= PICTURE * samples.len() as f64
}

/// Finds black segments; see the module.
#[derive(Default)]
pub(super) struct Black {
    start: Option<f64>,
    segments: Vec<(f64, f64)>,
}

impl Black {
    fn close(&mut self, at: f64) {
        if let Some(start) = self.start.take()
            && at - start >= SECONDS
        {
            self.segments.push((start, at));
        }
    }
}

impl Measure for Black {
    fn take(&mut self, view: &View<'_>) {
        if is_black(view.frame) {
            self.start.get_or_insert(view.time_s);
        } else {
            self.close(view.time_s);
        }
    }

    fn finish(mut self: Box<Self>, end_s: f64, values: &mut Values) {
        self.close(end_s);
        let seconds: f64 = self.segments.iter().map(|(from, to)| to - from).sum();
        values.insert("video_black_s".into(), rounded(seconds).into());
        values.insert("video_black_segments".into(), spans_json(&self.segments));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Plane;

    fn frame(dark: usize) -> Frame {
        let mut samples = vec![38; 100];
        samples[..dark].fill(37);
        Frame {
            planes: [
                Plane {
                    width: 10,
                    height: 10,
                    samples,
                },
                Plane::default(),
                Plane::default(),
            ],
            ..Frame::default()
        }
    }

    #[test]
    fn ninety_eight_percent_make_a_frame_black() {
        assert!(is_black(&frame(98)));
        assert!(!is_black(&frame(97)));
    }

    #[test]
    fn segments_count_from_two_seconds_on() {
        let mut black = Black::default();
        let small = super::super::Small::default();
        for second in 0..10 {
            let is_dark = matches!(second, 0..=1 | 3 | 6..);
            let frame = frame(if is_dark { 100 } else { 0 });
            black.take(&View {
                time_s: f64::from(second),
                frame: &frame,
                small: &small,
                score: 0.0,
                rotation: 0,
            });
        }
        let mut values = Values::new();
        Box::new(black).finish(10.0, &mut values);
        assert_eq!(values["video_black_s"], 6.0);
        assert_eq!(values["video_black_segments"], "[[0.0,2.0],[6.0,10.0]]");
    }
}
