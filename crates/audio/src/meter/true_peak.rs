//! True peak: the largest value of the curve that the samples stand for.
//!
//! Samples are interpolated 4 times (2 times from 96 kHz on, not from 192 kHz on) by a sinc of 24 zeros under a Hann window, and
//! the largest value of all channels is told in dB of full scale. A stretch that cannot hold a larger value than was found
//! already, by the filter's largest gain, is not interpolated.
//!
//! - `audio_true_peak_dbtp`: null for digital silence.
//!
//! Source: ITU-R BS.1770-4, annex 2; the filter is longer than the one there and so nearer to the curve.

use std::f64::consts::PI;

use gristmill_core::Column;
use pulp::Arch;

use super::{Block, Kind, Meter, Shape, Value, decibels};
use crate::Samples;

pub(super) const COLUMNS: [Column; 1] = [Column::f64(
    "audio_true_peak_dbtp",
    "largest value of the curve through the samples, in dB of full scale (ITU-R BS.1770); null for digital silence",
)];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(TruePeak::new(shape)),
};

/// Samples that an interpolated value is made of.
const TAPS: usize = 24;
/// Samples that are looked at at once.
const RUN: usize = 64;
/// Samples that are taken at once.
const STRETCH: usize = 1 << 16;

/// Measures the true peak; also for edits.
pub(crate) struct TruePeak {
    phases: Vec<[f32; TAPS]>,
    /// The most that interpolation can make of samples.
    gain: f32,
    /// The last samples of each channel.
    held: Vec<Vec<f32>>,
    peak: f32,
}

impl TruePeak {
    pub(crate) fn new(shape: Shape) -> TruePeak {
        let factor = match shape.rate {
            0..96_000 => 4,
            96_000..192_000 => 2,
            _ => 1,
        };
        let phases: Vec<[f32; TAPS]> = (1..factor)
            .map(|phase| filter(f64::from(phase) / f64::from(factor)))
            .collect();
        let gains = phases
            .iter()
            .map(|taps| taps.iter().map(|tap| tap.abs()).sum::<f32>());
        TruePeak {
            gain: gains.fold(1.0, f32::max),
            phases,
            held: vec![vec![0.0; TAPS - 1]; shape.channels],
            peak: 0.0,
        }
    }
}

/// Weights of the samples around a place between the two in the middle.
fn filter(part: f64) -> [f32; TAPS] {
    let half = (TAPS / 2) as f64;
    std::array::from_fn(|tap| {
        let distance = tap as f64 - (half - 1.0) - part;
        let sinc = (PI * distance).sin() / (PI * distance);
        (sinc * (0.5 + 0.5 * (PI * distance / half).cos())) as f32
    })
}

/// The largest value of a run, between its samples too.
#[inline(always)]
fn peak_of(samples: &[f32], phases: &[[f32; TAPS]], most: f32) -> f32 {
    let mut most = most;
    for taps in phases {
        let mut sums = [0.0f32; RUN];
        for (tap, weight) in taps.iter().enumerate() {
            let shifted = &samples[tap..tap + RUN];
            for (sum, sample) in sums.iter_mut().zip(shifted) {
                *sum += weight * sample;
            }
        }
        for sum in sums {
            most = most.max(sum.abs());
        }
    }
    most
}

#[inline(always)]
fn loudest(samples: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (groups, rest) = samples.as_chunks::<16>();
    for group in groups {
        for lane in 0..16 {
            lanes[lane] = lanes[lane].max(group[lane].abs());
        }
    }
    let most = rest.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
    lanes.into_iter().fold(most, f32::max)
}

impl TruePeak {
    /// Looks at whole runs of what is held of a channel.
    fn run(&mut self, channel: usize) {
        let held = std::mem::take(&mut self.held[channel]);
        let (phases, gain) = (&self.phases, self.gain);
        let mut peak = self.peak;
        let mut at = 0;
        Arch::new().dispatch(
            #[inline(always)]
            || {
                while at + RUN + TAPS - 1 <= held.len() {
                    let window = &held[at..at + RUN + TAPS - 1];
                    let loudest = loudest(window);
                    peak = peak.max(loudest);
                    if loudest * gain > peak {
                        peak = peak_of(window, phases, peak);
                    }
                    at += RUN;
                }
            },
        );
        self.peak = peak;
        self.held[channel] = held;
        self.held[channel].drain(..at);
    }
}

impl TruePeak {
    pub(crate) fn push(&mut self, samples: &Samples) {
        for (channel, plane) in samples.planes().iter().enumerate() {
            for run in plane.chunks(STRETCH) {
                self.held[channel].extend_from_slice(run);
                self.run(channel);
            }
        }
    }

    /// The true peak in dB of full scale, once the sound has ended.
    pub(crate) fn end(&mut self) -> f64 {
        for channel in 0..self.held.len() {
            let length = self.held[channel].len();
            self.held[channel].resize(length + RUN + TAPS, 0.0);
            self.run(channel);
        }
        decibels(f64::from(self.peak))
    }
}

impl Meter for TruePeak {
    fn feed(&mut self, block: &Block<'_>) {
        self.push(block.samples);
    }

    fn finish(&mut self) -> Vec<Value> {
        vec![Value::rounded(self.end(), 2)]
    }
}
