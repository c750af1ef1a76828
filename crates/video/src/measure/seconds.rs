//! PDQ hashes of a frame each second: vPDQ as the reference has it.
//!
//! Hashed is the first frame, and then each first one that is shown a whole number of seconds or more after it that was not reached
//! before. So copies of another codec, size or rate have hashes of the same moments, which key frames do not promise. Lines are those of
//! [`vpdq`](crate::still::vpdq). At most 7200 frames are hashed.

use gristmill_core::Column;
use gristmill_image::{THUMBNAIL_SIDE, hash::pdq::Spectrum};
use serde_json::json;

use super::{Measure, Values, View};
use crate::still::vpdq::VpdqFrame;

/// What is given.
pub(crate) const OUTPUTS: [Column; 1] = [Column::texts(
    "video_second_pdq",
    "PDQ hashes of a frame each second, as lines of number, quality, hash and seconds (vPDQ)",
)];

/// Most frames that are hashed.
const MOST: usize = 7200;

/// Hashes frames; see the module.
#[derive(Default)]
pub(super) struct Seconds {
    frames: u32,
    start_s: f64,
    next: u32,
    hashes: Vec<VpdqFrame>,
}

impl Measure for Seconds {
    fn take(&mut self, view: &View<'_>) {
        let number = self.frames;
        self.frames += 1;
        if number == 0 {
            self.start_s = view.time_s;
        }
        // Times of containers are rounded to milliseconds.
        let passed = view.time_s - self.start_s + 0.001;
        if passed < f64::from(self.next) || self.hashes.len() >= MOST {
            return;
        }
        self.next = passed as u32 + 1;
        let Some(picture) = view.frame.picture(THUMBNAIL_SIDE, view.rotation) else {
            return;
        };
        let is_large = view.frame.width().max(view.frame.height()) > THUMBNAIL_SIDE as usize;
        let of = if is_large {
            Spectrum::stretched
        } else {
            Spectrum::of
        };
        let spectrum = of(picture.width, picture.height, &picture.pixels);
        self.hashes.push(VpdqFrame {
            number,
            quality: spectrum.quality(),
            hash: spectrum.hash(),
            time_s: view.time_s,
        });
    }

    fn finish(self: Box<Self>, _: f64, values: &mut Values) {
        let lines: Vec<String> = self.hashes.iter().map(ToString::to_string).collect();
        values.insert("video_second_pdq".into(), json!(lines));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{Frame, Plane},
        measure::Small,
    };

    #[test]
    fn each_second_has_one_frame() {
        let frame = Frame {
            planes: [
                Plane {
                    width: 64,
                    height: 64,
                    samples: (0..4096u32).map(|at| ((at * at) >> 7) as u8).collect(),
                },
                Plane::default(),
                Plane::default(),
            ],
            ..Frame::default()
        };
        let small = Small::default();
        let mut seconds = Seconds::default();
        // The second that begins at 3 has no frame.
        for time_s in [0.5, 0.9, 1.4997, 2.0, 2.6, 4.7, 5.4, 5.5] {
            seconds.take(&View {
                time_s,
                frame: &frame,
                small: &small,
                score: 0.0,
                rotation: 0,
            });
        }
        let times: Vec<f64> = seconds.hashes.iter().map(|frame| frame.time_s).collect();
        assert_eq!(times, [0.5, 1.4997, 2.6, 4.7, 5.5]);
    }
}
