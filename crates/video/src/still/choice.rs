//! Which frames of a video are looked at.

use crate::film::Track;

/// How frames are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Key frames at least so many milliseconds apart, thinned evenly to at most `most`.
    Keyframes {
        /// The least distance, in milliseconds.
        apart_ms: u64,
        /// The most frames.
        most: u32,
    },
    /// So many frames, in the middle of equal parts of the video.
    Uniform {
        /// How many.
        count: u32,
    },
    /// The frame shown at every multiple of a time after the first frame.
    Every {
        /// The time, in milliseconds.
        step_ms: u64,
        /// The most frames.
        most: u32,
    },
    /// The first, the middle and the last frame.
    FirstMiddleLast,
}

/// The chosen samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Places in the samples of the track, ascending.
    pub places: Vec<usize>,
}

impl Policy {
    /// Chooses samples of a track.
    pub fn choose(self, track: &Track) -> Choice {
        let mut shown: Vec<usize> = (0..track.samples.len())
            .filter(|&at| track.samples[at].is_shown)
            .collect();
        shown.sort_by_key(|&at| track.samples[at].time);
        let seconds = |at: usize| track.tick.seconds(track.samples[at].time);
        let (Some(&first), Some(&last)) = (shown.first(), shown.last()) else {
            return Choice { places: Vec::new() };
        };
        let (start, end) = (seconds(first), seconds(last));
        // What is shown at a time: the last frame that has begun.
        let at_time = |time: f64| {
            let after = shown.partition_point(|&at| seconds(at) <= time + 1e-6);
            shown[after.saturating_sub(1)]
        };
        let mut places = match self {
            Policy::Keyframes { apart_ms, most } => {
                let mut kept: Vec<usize> = Vec::new();
                let apart = apart_ms as f64 / 1e3 - 1e-3;
                for &at in shown.iter().filter(|&&at| track.samples[at].is_key) {
                    if kept
                        .last()
                        .is_none_or(|&before| seconds(at) - seconds(before) >= apart)
                    {
                        kept.push(at);
                    }
                }
                thinned(&kept, most as usize)
            }
            Policy::Uniform { count } => (0..count)
                .map(|part| {
                    let share = (f64::from(part) + 0.5) / f64::from(count);
                    at_time(start + (end - start) * share)
                })
                .collect(),
            Policy::Every { step_ms, most } => {
                let step = step_ms.max(1) as f64 / 1e3;
                (0..most)
                    .map(|turn| start + f64::from(turn) * step)
                    .take_while(|time| *time <= end + 1e-6)
                    .map(at_time)
                    .collect()
            }
            Policy::FirstMiddleLast => vec![first, at_time((start + end) / 2.0), last],
        };
        places.sort_unstable();
        places.dedup();
        Choice { places }
    }
}

/// At most `most` of them, evenly, the first and the last among them.
fn thinned(places: &[usize], most: usize) -> Vec<usize> {
    let count = places.len();
    if count <= most {
        return places.to_vec();
    }
    match most {
        0 => Vec::new(),
        1 => vec![places[count / 2]],
        most => (0..most)
            .map(|at| places[at * (count - 1) / (most - 1)])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::film::{Kind, Sample};

    /// A frame every 100 ms, a key frame each second.
    fn track(frames: i64) -> Track {
        let mut track = Track::new(1, Kind::Video, "h264");
        for at in 0..frames {
            track.samples.push(Sample {
                at: 0,
                length: 1,
                time: at * 100,
                decode_time: at * 100,
                duration: 100,
                is_key: at % 10 == 0,
                is_shown: true,
            });
        }
        track
    }

    fn check(policy: Policy, frames: i64, expected: &[usize]) {
        assert_eq!(policy.choose(&track(frames)).places, expected, "{policy:?}");
    }

    #[test]
    fn key_frames_are_thinned_evenly() {
        let keys = |apart_ms, most| Policy::Keyframes { apart_ms, most };
        check(keys(0, 99), 35, &[0, 10, 20, 30]);
        check(keys(2000, 99), 35, &[0, 20]);
        check(keys(0, 3), 51, &[0, 20, 50]);
        check(keys(0, 1), 51, &[30]);
    }

    #[test]
    fn times_choose_what_is_shown_then() {
        check(
            Policy::Every {
                step_ms: 450,
                most: 9,
            },
            12,
            &[0, 4, 9],
        );
        check(
            Policy::Every {
                step_ms: 450,
                most: 2,
            },
            12,
            &[0, 4],
        );
        check(Policy::Uniform { count: 2 }, 11, &[2, 7]);
        check(Policy::FirstMiddleLast, 11, &[0, 5, 10]);
        check(Policy::FirstMiddleLast, 1, &[0]);
        check(Policy::FirstMiddleLast, 0, &[]);
    }
}
