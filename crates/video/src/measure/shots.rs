//! Shots: where one ends and the next begins.
//!
//! Two detectors of PySceneDetect 0.7 with its defaults, on the small picture:
//!
//! - *content*: the score of a frame is the mean absolute difference to the frame before of hue, saturation and value (OpenCV's
//!   8-bit HSV, hue 0 to 179), the mean of the three. A score of 27 or more is a cut; cuts closer than 15 frames are merged into the
//!   last of them (`FlashFilter`, `MERGE`).
//! - *adaptive*: a frame is a cut where its score is at least 15 and at least 3 times the mean score of two frames before and two after,
//!   and the cut before is 15 frames away or more.
//!
//! A cut is at the presentation time of the first frame of the new shot, so times hold at a variable frame rate. The first shot begins
//! with the first frame, the last one ends with the video.
//!
//! Source: PySceneDetect 0.7.2, `detectors/content_detector.py`, `adaptive_detector.py`, `detector.py`.

use std::collections::VecDeque;

use gristmill_core::Column;
use pulp::{Arch, NullaryFnOnce};

use super::{
    Measure, Values, View,
    small::{Sampler, Small},
    spans_json,
};
use crate::{decode::Frame, probe::rounded};

/// What the content detector gives.
pub(crate) const CONTENT_OUTPUTS: [Column; 5] = [
    Column::u32("video_shot_count", "shots, by PySceneDetect's ContentDetector"),
    Column::f64("video_shot_mean_s", "mean length of shots, in seconds"),
    Column::f64("video_shot_longest_s", "length of the longest shot, in seconds"),
    Column::f64("video_shot_shortest_s", "length of the shortest shot, in seconds"),
    Column::text(
        "video_shots",
        "shots as a JSON list of pairs: first and last moment, in seconds",
    )
    .if_named(),
];

/// What the adaptive detector gives.
pub(crate) const ADAPTIVE_OUTPUTS: [Column; 2] = [
    Column::u32(
        "video_adaptive_shot_count",
        "shots, by PySceneDetect's AdaptiveDetector",
    ),
    Column::text(
        "video_adaptive_shots",
        "shots of the adaptive detector as a JSON list of pairs: first and last moment, in seconds",
    )
    .if_named(),
];

/// A score that is a cut.
const THRESHOLD: f64 = 27.0;
/// Fewest frames between cuts.
const SHOT_FRAMES: usize = 15;
/// By how much a score has to exceed those around it.
const ADAPTIVE_RATIO: f64 = 3.0;
/// Frames before and after that are looked at.
const WINDOW: usize = 2;
/// The least score of a cut of the adaptive detector.
const ADAPTIVE_LEAST: f64 = 15.0;

/// A cut: the first frame of a shot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cut {
    /// Its place among the frames that were looked at.
    pub number: usize,
    /// When it is shown, in seconds.
    pub time_s: f64,
}

/// How cuts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detector {
    /// By the score alone.
    Content,
    /// By the score and those around it.
    Adaptive,
}

/// Finds cuts in scores.
#[derive(Debug)]
pub struct Cuts {
    detector: Detector,
    found: Vec<Cut>,
    flash: Flash,
    /// The last scores of the adaptive detector.
    window: VecDeque<(Cut, f64)>,
    last: Option<usize>,
    next: usize,
}

impl Cuts {
    /// No cut yet.
    pub fn new(detector: Detector) -> Self {
        Cuts {
            detector,
            found: Vec::new(),
            flash: Flash::default(),
            window: VecDeque::new(),
            last: None,
            next: 0,
        }
    }

    /// Takes the score of the next frame: 0 of the first.
    pub fn take(&mut self, time_s: f64, score: f64) {
        let now = Cut {
            number: self.next,
            time_s,
        };
        self.next += 1;
        let cut = match self.detector {
            Detector::Content => self.flash.take(now, score >= THRESHOLD),
            Detector::Adaptive => self.adaptive(now, score),
        };
        self.found.extend(cut);
    }

    /// The cuts so far.
    pub fn found(&self) -> &[Cut] {
        &self.found
    }

    fn adaptive(&mut self, now: Cut, score: f64) -> Option<Cut> {
        let last = *self.last.get_or_insert(now.number);
        self.window.push_back((now, score));
        if self.window.len() < 1 + 2 * WINDOW {
            return None;
        }
        let (target, target_score) = self.window[WINDOW];
        let around: f64 = (0..self.window.len())
            .filter(|&at| at != WINDOW)
            .map(|at| self.window[at].1)
            .sum();
        self.window.pop_front();
        let mean = around / (2.0 * WINDOW as f64);
        let ratio = if mean.abs() >= 0.000_01 {
            (target_score / mean).min(255.0)
        } else if target_score >= ADAPTIVE_LEAST {
            255.0
        } else {
            0.0
        };
        let is_cut = ratio >= ADAPTIVE_RATIO && target_score >= ADAPTIVE_LEAST;
        // The first frames of a video are no cut: the difference may not be below 0.
        let is_far = target.number >= last + SHOT_FRAMES;
        (is_cut && is_far).then(|| {
            self.last = Some(target.number);
            target
        })
    }
}

/// Merges cuts that follow each other too closely: PySceneDetect's `FlashFilter` in mode `MERGE`.
#[derive(Debug, Default)]
struct Flash {
    last_above: Option<Cut>,
    is_enabled: bool,
    merge_start: Option<usize>,
}

impl Flash {
    fn take(&mut self, now: Cut, is_above: bool) -> Option<Cut> {
        let before = *self.last_above.get_or_insert(now);
        let is_far = now.number - before.number >= SHOT_FRAMES;
        let last = if is_above { now } else { before };
        self.last_above = Some(last);
        if let Some(start) = self.merge_start {
            if is_far && !is_above && last.number - start >= SHOT_FRAMES {
                self.merge_start = None;
                return Some(last);
            }
            return None;
        }
        if !is_above {
            return None;
        }
        if is_far {
            self.is_enabled = true;
            return Some(now);
        }
        if self.is_enabled {
            self.merge_start = Some(now.number);
        }
        None
    }
}

/// Hue, saturation and value, in planes.
type Hsv = [Vec<u8>; 3];

/// Scores frames, once for both detectors.
#[derive(Debug, Default)]
pub(crate) struct Scorer {
    before: Hsv,
    now: Hsv,
}

impl Scorer {
    /// The score of the next frame; 0 of the first one, and of one of another size.
    pub(crate) fn score(&mut self, small: &Small) -> f64 {
        to_hsv(small, &mut self.now);
        let score = if self.before[0].len() == self.now[0].len() {
            difference(&self.before, &self.now)
        } else {
            0.0
        };
        std::mem::swap(&mut self.before, &mut self.now);
        score
    }
}

/// Scores frames for [`Cuts`].
#[derive(Debug, Default)]
pub struct Scores {
    sampler: Sampler,
    small: Small,
    scorer: Scorer,
}

impl Scores {
    /// The score of the next frame: how much it differs from the one before, 0 to 255; 0 of the first one.
    pub fn score(&mut self, frame: &Frame) -> f64 {
        self.sampler.sample(frame, &mut self.small);
        self.scorer.score(&self.small)
    }
}

/// Measures shots; see the module.
pub(super) struct Shots {
    cuts: Cuts,
    first_s: Option<f64>,
}

impl Shots {
    pub(super) fn new(detector: Detector) -> Self {
        Shots {
            cuts: Cuts::new(detector),
            first_s: None,
        }
    }
}

impl Measure for Shots {
    fn take(&mut self, view: &View<'_>) {
        self.first_s.get_or_insert(view.time_s);
        self.cuts.take(view.time_s, view.score);
    }

    fn finish(self: Box<Self>, end_s: f64, values: &mut Values) {
        let Some(first) = self.first_s else {
            return;
        };
        let starts: Vec<f64> = std::iter::once(first)
            .chain(self.cuts.found().iter().map(|cut| cut.time_s))
            .collect();
        let ends = starts.iter().skip(1).copied().chain([end_s]);
        let shots: Vec<(f64, f64)> = starts.iter().copied().zip(ends).collect();
        let lengths = || shots.iter().map(|(from, to)| to - from);
        let count = shots.len();
        let list = spans_json(&shots);
        match self.cuts.detector {
            Detector::Adaptive => {
                values.insert("video_adaptive_shot_count".into(), count.into());
                values.insert("video_adaptive_shots".into(), list);
            }
            Detector::Content => {
                values.insert("video_shot_count".into(), count.into());
                values.insert("video_shots".into(), list);
                let mean = (end_s - first) / count as f64;
                values.insert("video_shot_mean_s".into(), rounded(mean).into());
                for (name, length) in [
                    ("video_shot_longest_s", lengths().max_by(f64::total_cmp)),
                    ("video_shot_shortest_s", lengths().min_by(f64::total_cmp)),
                ] {
                    values.insert(name.into(), length.map(rounded).into());
                }
            }
        }
    }
}

/// `255 * 2^12`, which OpenCV divides by values, and `180 * 2^12 / 6`, which it divides by ranges. It looks the rounded quotients up in
/// tables; numbers of 32 bits give the same, as a test tells, and vector units divide faster than they look up.
const BY_VALUE: f32 = (255 << 12) as f32;
const BY_RANGE: f32 = (180 * (1 << 12) / 6) as f32;

#[inline(always)]
fn divided(of: f32, by: i32) -> i32 {
    // What is added leaves the number, rounded to even, in the lowest bits: conversions that check their bounds are no vectors.
    let shifted = of / by.max(1) as f32 + 12_582_912.0;
    shifted.to_bits() as i32 - 0x4b40_0000
}

/// Hue, saturation and value as OpenCV's `COLOR_BGR2HSV` has them in 8 bits.
fn to_hsv(small: &Small, into: &mut Hsv) {
    for plane in &mut *into {
        plane.resize(small.planes[0].len(), 0);
    }
    Arch::new().dispatch(ToHsv {
        from: &small.planes,
        into,
    });
}

/// Turns planes on the widest vectors that the processor has.
struct ToHsv<'a> {
    from: &'a [Vec<u8>; 3],
    into: &'a mut Hsv,
}

impl NullaryFnOnce for ToHsv<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let [hues, saturations, values] = self.into;
        let [reds, greens, blues] = self.from;
        let count = hues.len();
        let (hues, saturations, values) = (
            &mut hues[..count],
            &mut saturations[..count],
            &mut values[..count],
        );
        let (reds, greens, blues) = (&reds[..count], &greens[..count], &blues[..count]);
        for at in 0..count {
            let [hue, saturation, value] = hsv([reds[at], greens[at], blues[at]]);
            hues[at] = hue;
            saturations[at] = saturation;
            values[at] = value;
        }
    }
}

#[inline(always)]
fn hsv(pixel: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = pixel.map(i32::from);
    let value = red.max(green).max(blue);
    let range = value - red.min(green).min(blue);
    let saturation = (range * divided(BY_VALUE, value) + (1 << 11)) >> 12;
    let of_green = blue - red + 2 * range;
    let of_blue = red - green + 4 * range;
    let other = if value == green { of_green } else { of_blue };
    let sector = if value == red { green - blue } else { other };
    let hue = (sector * divided(BY_RANGE, range) + (1 << 11)) >> 12;
    let hue = if hue < 0 { hue + 180 } else { hue };
    [hue as u8, saturation as u8, value as u8]
}

/// The mean of the mean differences of hue, saturation and value.
fn difference(one: &Hsv, two: &Hsv) -> f64 {
    let planes = one.iter().zip(two);
    let sum: u64 = planes.map(|(one, two)| differences(one, two)).sum();
    sum as f64 / (3 * one[0].len()).max(1) as f64
}

/// The sum of absolute differences.
pub(super) fn differences(one: &[u8], two: &[u8]) -> u64 {
    Arch::new().dispatch(Differences(one, two))
}

struct Differences<'a>(&'a [u8], &'a [u8]);

impl NullaryFnOnce for Differences<'_> {
    type Output = u64;

    #[inline(always)]
    fn call(self) -> u64 {
        let Differences(one, two) = self;
        let mut sum = 0;
        for (one, two) in one.chunks(1 << 12).zip(two.chunks(1 << 12)) {
            let differences = one
                .iter()
                .zip(two)
                .map(|(one, two)| u32::from(one.abs_diff(*two)));
            sum += u64::from(differences.sum::<u32>());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(detector: Detector, scores: impl IntoIterator<Item = f64>) -> Vec<usize> {
        let mut cuts = Cuts::new(detector);
        for (number, score) in scores.into_iter().enumerate() {
            cuts.take(number as f64 / 25.0, score);
        }
        cuts.found().iter().map(|cut| cut.number).collect()
    }

    fn scores(length: usize, peaks: &[(usize, f64)]) -> Vec<f64> {
        let mut scores = vec![1.0; length];
        for &(at, score) in peaks {
            scores[at] = score;
        }
        scores
    }

    #[test]
    fn a_score_above_the_threshold_is_a_cut() {
        let scores = scores(90, &[(30, 27.0), (60, 26.9)]);
        assert_eq!(cuts(Detector::Content, scores), [30]);
    }

    #[test]
    fn a_cut_within_the_first_frames_is_none() {
        assert_eq!(
            cuts(Detector::Content, scores(60, &[(5, 90.0), (30, 90.0)])),
            [30]
        );
        assert_eq!(
            cuts(Detector::Adaptive, scores(60, &[(5, 90.0), (30, 90.0)])),
            [30]
        );
    }

    #[test]
    fn cuts_close_together_are_merged_into_the_last() {
        let scores = scores(120, &[(30, 50.0), (35, 50.0), (45, 50.0), (55, 50.0)]);
        assert_eq!(cuts(Detector::Content, scores), [30, 55]);
    }

    #[test]
    fn fast_motion_is_no_cut_to_the_adaptive_detector() {
        let mut pan = vec![40.0; 80];
        pan[40] = 60.0;
        assert!(cuts(Detector::Adaptive, pan.clone()).is_empty());
        pan[40] = 130.0;
        assert_eq!(cuts(Detector::Adaptive, pan), [40]);
    }

    #[test]
    fn colours_are_those_of_opencv() {
        let check = |rgb: [u8; 3], expected: [u8; 3]| {
            let small = Small {
                width: 1,
                height: 1,
                planes: rgb.map(|value| vec![value]),
            };
            let mut found = Hsv::default();
            to_hsv(&small, &mut found);
            assert_eq!(found, expected.map(|value| vec![value]), "{rgb:?}");
        };
        check([0, 0, 0], [0, 0, 0]);
        check([255, 0, 0], [0, 255, 255]);
        check([0, 255, 0], [60, 255, 255]);
        check([0, 0, 255], [120, 255, 255]);
        check([255, 0, 255], [150, 255, 255]);
        check([200, 100, 50], [10, 191, 200]);
        check([10, 20, 30], [105, 170, 30]);
    }

    #[test]
    fn quotients_are_those_of_the_tables() {
        for by in 1..256 {
            for of in [BY_VALUE, BY_RANGE] {
                let table = (f64::from(of) / f64::from(by)).round_ties_even() as i32;
                assert_eq!(divided(of, by), table, "{of} / {by}");
            }
        }
    }
}
