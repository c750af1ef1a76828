//! Loudness and its range.
//!
//! Samples are weighed by the two filters of BS.1770, computed for the rate of the sound (below 32 kHz, where such filters
//! are not what they are at 48 kHz, for a multiple of it that is not, to which it is resampled); their mean square over 400 ms,
//! every 100 ms, summed over channels, is a block's power. Channels at the back count 1.41 times, that of low frequencies not; which
//! is which follows from the number of channels (see [`Samples`](crate::Samples)).
//!
//! - `audio_loudness_lufs`: integrated loudness: the mean power of blocks above -70 LUFS and not 10 LU below the mean of those.
//!   Null where no block is, as in silence and in sounds below 400 ms.
//! - `audio_loudness_range_lu`: from the 10th to the 95th hundredth of loudness over 3 s, every 100 ms, above -70 LUFS and not
//!   20 LU below the mean of those. Null for sounds below 3 s.
//!
//! Source: ITU-R BS.1770-4; EBU Tech 3342 (2016).

use std::f64::consts::PI;

use gristmill_core::Column;

use super::{Block, Kind, Meter, Shape, Value};
use crate::dsp::resample::{Resampler, WHOLE};

pub(super) const COLUMNS: [Column; 2] = [
    Column::f64(
        "audio_loudness_lufs",
        "integrated loudness (ITU-R BS.1770-4), in LUFS; null below 400 ms and for silence",
    ),
    Column::f64(
        "audio_loudness_range_lu",
        "loudness range (EBU Tech 3342), in LU; null below 3 s and for silence",
    ),
];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(Loudness::new(shape)),
};

/// Below it nothing counts, in LUFS.
const ABSOLUTE: f64 = -70.0;

/// A filter of second order: three factors of the input, two of the output.
type Biquad = [f64; 5];

/// The filters of BS.1770 for a rate, from their analogue prototypes.
fn filters(rate: f64) -> [Biquad; 2] {
    let (frequency, gain, quality) = (
        1_681.974_450_955_533,
        3.999_843_853_973_347,
        0.707_175_236_955_419_6,
    );
    let k = (PI * frequency / rate).tan();
    let high = 10f64.powf(gain / 20.0);
    let band = high.powf(0.499_666_774_154_541_6);
    let norm = 1.0 + k / quality + k * k;
    let shelf = [
        (high + band * k / quality + k * k) / norm,
        2.0 * (k * k - high) / norm,
        (high - band * k / quality + k * k) / norm,
        2.0 * (k * k - 1.0) / norm,
        (1.0 - k / quality + k * k) / norm,
    ];
    let (frequency, quality) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
    let k = (PI * frequency / rate).tan();
    let norm = 1.0 + k / quality + k * k;
    let pass = [
        1.0,
        -2.0,
        1.0,
        2.0 * (k * k - 1.0) / norm,
        (1.0 - k / quality + k * k) / norm,
    ];
    [shelf, pass]
}

/// How much a channel counts.
fn weight(channel: usize, channels: usize) -> f64 {
    match (channels, channel) {
        (4, 2 | 3) | (5, 3 | 4) | (6, 4 | 5) | (7, 5 | 6) | (8, 4..=7) => 1.41,
        (6..=8, 3) => 0.0,
        _ => 1.0,
    }
}

/// Below it sound is resampled to a multiple of its rate.
const LEAST_RATE: u32 = 32_000;

/// Measures loudness; also for edits.
pub(crate) struct Loudness {
    /// For each channel, where the rate is low.
    resamplers: Vec<Resampler>,
    resampled: Vec<Vec<f32>>,
    filters: [Biquad; 2],
    weights: Vec<f64>,
    /// States of both filters, for two channels side by side.
    states: Vec<[[f64; 2]; 4]>,
    /// Frames of 100 ms, and how many are in the sum that is open.
    step: usize,
    open: usize,
    sum: f64,
    /// Weighed sums of squares of each 100 ms.
    steps: Vec<f64>,
}

impl Loudness {
    pub(crate) fn new(shape: Shape) -> Loudness {
        let channels = shape.channels;
        let rate = shape.rate * LEAST_RATE.div_ceil(shape.rate);
        let resampler = || Resampler::new(shape.rate, rate, WHOLE);
        Loudness {
            resamplers: (0..channels)
                .filter(|_| rate != shape.rate)
                .map(|_| resampler())
                .collect(),
            resampled: vec![Vec::new(); channels],
            filters: filters(f64::from(rate)),
            weights: (0..channels).map(|channel| weight(channel, channels)).collect(),
            states: vec![[[0.0; 2]; 4]; channels.div_ceil(2)],
            step: (rate as usize).div_ceil(10),
            open: 0,
            sum: 0.0,
            steps: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, planes: &[Vec<f32>]) {
        if self.resamplers.is_empty() {
            self.weigh(planes);
            return;
        }
        let mut resampled = std::mem::take(&mut self.resampled);
        for ((resampler, into), plane) in self.resamplers.iter_mut().zip(&mut resampled).zip(planes) {
            into.clear();
            resampler.push(plane, into);
        }
        self.weigh(&resampled);
        self.resampled = resampled;
    }

    /// Takes the last samples that are still on their way.
    pub(crate) fn end(&mut self) {
        let mut resampled = std::mem::take(&mut self.resampled);
        for (resampler, into) in self.resamplers.iter_mut().zip(&mut resampled) {
            into.clear();
            resampler.finish(into);
        }
        if !self.resamplers.is_empty() {
            self.weigh(&resampled);
        }
    }

    fn weigh(&mut self, planes: &[Vec<f32>]) {
        let frames = planes.first().map_or(0, Vec::len);
        let mut from = 0;
        while from < frames {
            let to = frames.min(from + self.step - self.open);
            for (pair, state) in self.states.iter_mut().enumerate() {
                let first = &planes[2 * pair][from..to];
                let weights = [
                    self.weights[2 * pair],
                    self.weights.get(2 * pair + 1).copied().unwrap_or(0.0),
                ];
                if weights == [0.0; 2] {
                    continue;
                }
                let squares = match planes.get(2 * pair + 1) {
                    Some(second) => filter_pair(first, &second[from..to], &self.filters, state),
                    None => filter_pair(first, first, &self.filters, state),
                };
                self.sum += squares[0] * weights[0] + squares[1] * weights[1];
            }
            self.open += to - from;
            from = to;
            if self.open == self.step {
                self.steps.push(self.sum);
                (self.open, self.sum) = (0, 0.0);
            }
        }
    }

    /// Integrated loudness in LUFS.
    pub(crate) fn integrated(&self) -> Option<f64> {
        let powers = self.powers(4);
        let gated = mean_above(&powers, power(ABSOLUTE))?;
        mean_above(&powers, gated * 0.1).map(loudness)
    }

    fn range(&self) -> Option<f64> {
        let mut powers = self.powers(30);
        let floor = power(ABSOLUTE);
        powers.retain(|power| *power >= floor);
        let floor = mean_above(&powers, 0.0)? * 0.01;
        powers.retain(|power| *power >= floor);
        powers.sort_by(f64::total_cmp);
        let at = |share: f64| powers[((powers.len() - 1) as f64 * share + 0.5) as usize];
        Some(loudness(at(0.95)) - loudness(at(0.1)))
    }

    /// Mean powers over so many steps, every step.
    fn powers(&self, steps: usize) -> Vec<f64> {
        let frames = (steps * self.step) as f64;
        self.steps
            .windows(steps)
            .map(|window| window.iter().sum::<f64>() / frames)
            .collect()
    }
}

/// Filters two channels, and gives the sums of their squares.
fn filter_pair(first: &[f32], second: &[f32], filters: &[Biquad; 2], state: &mut [[f64; 2]; 4]) -> [f64; 2] {
    let [shelf, pass] = *filters;
    let [mut a, mut b, mut c, mut d] = *state;
    let mut sums = [0.0; 2];
    for (&x, &y) in first.iter().zip(second) {
        let input = [f64::from(x), f64::from(y)];
        let mut middle = [0.0; 2];
        for lane in 0..2 {
            middle[lane] = shelf[0] * input[lane] + a[lane];
            a[lane] = shelf[1] * input[lane] - shelf[3] * middle[lane] + b[lane];
            b[lane] = shelf[2] * input[lane] - shelf[4] * middle[lane];
        }
        for lane in 0..2 {
            let output = middle[lane] + c[lane];
            c[lane] = -2.0 * middle[lane] - pass[3] * output + d[lane];
            d[lane] = middle[lane] - pass[4] * output;
            sums[lane] += output * output;
        }
    }
    // Numbers near 0 that never get there are slow.
    let settled = |state: [f64; 2]| state.map(|value| if value.abs() < 1e-30 { 0.0 } else { value });
    *state = [settled(a), settled(b), settled(c), settled(d)];
    sums
}

fn power(loudness: f64) -> f64 {
    10f64.powf((loudness + 0.691) / 10.0)
}

fn loudness(power: f64) -> f64 {
    10.0 * power.log10() - 0.691
}

fn mean_above(powers: &[f64], floor: f64) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0u64);
    for power in powers.iter().filter(|power| **power >= floor) {
        sum += power;
        count += 1;
    }
    (count > 0 && sum > 0.0).then(|| sum / count as f64)
}

impl Meter for Loudness {
    fn feed(&mut self, block: &Block<'_>) {
        self.push(block.samples.planes());
    }

    fn finish(&mut self) -> Vec<Value> {
        self.end();
        let of = |value: Option<f64>| value.map_or(Value::Null, |value| Value::rounded(value, 2));
        vec![of(self.integrated()), of(self.range())]
    }
}
