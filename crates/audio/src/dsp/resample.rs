//! Another sample rate, by a windowed sinc.
//!
//! The rates' ratio in lowest terms is `up` to `down`. An output sample is the sum of the input samples around its place, each
//! by the low-pass filter's value at its distance: a sinc under a Kaiser window. Where the new rate is lower, the filter is as
//! much wider as the ratio says, so that what the new rate cannot hold is taken away first. The filter's values stand in a
//! table, a row for each of the `up` places that an output can have between two inputs; from 1,024 rows on the table has 1,024
//! and values in between are on a line.
//!
//! The sound before and after is silence. Output sample 0 lies at input sample 0, and `n` input samples give
//! `ceil(n · up / down)`.

use std::f64::consts::PI;

use pulp::Arch;

/// Rows of the table, where not every place has its own.
const ROWS: usize = 1024;
/// Input samples that are worked on at once.
const CHUNK: usize = 8192;

/// How good a filter is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quality {
    /// Zeros of the sinc on each side.
    pub(crate) zeros: usize,
    /// Where the pass band ends, as a share of half the lower rate.
    pub(crate) cutoff: f64,
    /// The window's beta.
    pub(crate) beta: f64,
}

/// A low-pass filter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Design {
    /// Input samples that an output is made of.
    pub(crate) taps: usize,
    /// Where the pass band ends, as a share of half the input rate.
    pub(crate) cutoff: f64,
    /// The window's beta.
    pub(crate) beta: f64,
}

/// For listening: 100 dB down from half the lower rate on, flat to 91 % of it.
pub(crate) const HIGH: Quality = Quality {
    zeros: 64,
    cutoff: 0.955,
    beta: 10.0,
};
/// For measures at a higher rate: what is just above half the lower rate is as much as what is just below loses.
pub(crate) const WHOLE: Quality = Quality {
    zeros: 16,
    cutoff: 1.0,
    beta: 6.0,
};
/// For detectors: 60 dB.
pub(crate) const FAST: Quality = Quality {
    zeros: 12,
    cutoff: 0.9,
    beta: 6.0,
};

/// Turns one rate into another, in pieces.
#[derive(Debug, Clone)]
pub(crate) struct Resampler {
    up: usize,
    down: usize,
    taps: usize,
    /// Values of the filter, a row of `taps` for each place, and one more row.
    table: Vec<f32>,
    rows: usize,
    /// Input that is still needed, from the first sample that the next output is made of.
    held: Vec<f32>,
    /// The place of the next output: in `held`, and the rest in parts of `up`.
    at: usize,
    part: usize,
    taken: u64,
    given: u64,
}

impl Resampler {
    pub(crate) fn new(from: u32, to: u32, quality: Quality) -> Resampler {
        let cutoff = (f64::from(to) / f64::from(from)).min(1.0) * quality.cutoff;
        let half = (quality.zeros as f64 / cutoff).ceil() as usize;
        let design = Design {
            taps: 2 * half,
            cutoff,
            beta: quality.beta,
        };
        Resampler::designed(from, to, &design)
    }

    /// With a filter of one's own.
    pub(crate) fn designed(from: u32, to: u32, design: &Design) -> Resampler {
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        let rows = up.min(ROWS);
        Resampler {
            up,
            down,
            taps: design.taps.next_multiple_of(8),
            table: table(rows, design),
            rows,
            held: vec![0.0; (design.taps - 1) / 2],
            at: 0,
            part: 0,
            taken: 0,
            given: 0,
        }
    }

    /// Takes input and appends what output it gives.
    pub(crate) fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        for chunk in input.chunks(CHUNK) {
            self.held.extend_from_slice(chunk);
            self.taken += chunk.len() as u64;
            self.run(out, u64::MAX);
        }
    }

    /// Appends what is left of the output.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        let total = (self.taken * self.up as u64).div_ceil(self.down as u64);
        self.held.resize(self.held.len() + self.taps + 1, 0.0);
        self.run(out, total);
        self.held.clear();
    }

    fn run(&mut self, out: &mut Vec<f32>, total: u64) {
        let (whole, rest) = (self.down / self.up, self.down % self.up);
        let is_exact = self.rows == self.up;
        Arch::new().dispatch(
            #[inline(always)]
            || {
                while self.at + self.taps <= self.held.len() && self.given < total {
                    let samples = &self.held[self.at..self.at + self.taps];
                    let value = if is_exact {
                        dot(samples, &self.table[self.part * self.taps..][..self.taps])
                    } else {
                        let place = self.part as f32 * self.rows as f32 / self.up as f32;
                        let row = (place as usize).min(self.rows - 1);
                        let share = place - row as f32;
                        let rows = &self.table[row * self.taps..][..2 * self.taps];
                        let (first, second) = rows.split_at(self.taps);
                        dot(samples, first) * (1.0 - share) + dot(samples, second) * share
                    };
                    out.push(value);
                    self.given += 1;
                    self.at += whole;
                    self.part += rest;
                    if self.part >= self.up {
                        self.part -= self.up;
                        self.at += 1;
                    }
                }
            },
        );
        let done = self.at.min(self.held.len());
        self.held.drain(..done);
        self.at -= done;
    }
}

/// The sum of products, in eight sums that are added at the end, whatever the vector unit.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        sums[lane] += a * b;
    }
    for width in [8, 4, 2, 1] {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
    }
    sums[0]
}

/// The rows of the filter, with zeros up to a multiple of 8. Each sums to 1, so that a constant stays what it is.
fn table(rows: usize, design: &Design) -> Vec<f32> {
    let Design { taps, cutoff, beta } = *design;
    let (half, middle) = (taps as f64 / 2.0, ((taps - 1) / 2) as f64);
    let full = bessel(beta);
    let width = taps.next_multiple_of(8);
    let mut table = Vec::with_capacity((rows + 1) * width);
    for row in 0..=rows {
        let part = row as f64 / rows as f64;
        let values: Vec<f64> = (0..taps)
            .map(|tap| {
                let distance = tap as f64 - middle - part;
                let window = 1.0 - (distance / half).powi(2);
                sinc(distance * cutoff) * bessel(beta * window.max(0.0).sqrt()) / full
            })
            .collect();
        let sum: f64 = values.iter().sum();
        table.extend(values.iter().map(|value| (value / sum) as f32));
        table.resize((row + 1) * width, 0.0);
    }
    table
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The modified Bessel function of the first kind and order 0.
fn bessel(x: f64) -> f64 {
    let square = x * x / 4.0;
    let (mut sum, mut term, mut count) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= square / (count * count);
        sum += term;
        count += 1.0;
    }
    sum
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: u32, hertz: f64, count: usize) -> Vec<f32> {
        (0..count)
            .map(|at| (2.0 * PI * hertz * at as f64 / f64::from(rate)).sin() as f32)
            .collect()
    }

    /// How far the resampled sine is from the sine at the new rate, in the middle, in dB.
    fn error(from: u32, to: u32, hertz: f64, quality: Quality) -> f64 {
        let mut resampler = Resampler::new(from, to, quality);
        let mut out = Vec::new();
        for piece in sine(from, hertz, from as usize).chunks(1000) {
            resampler.push(piece, &mut out);
        }
        resampler.finish(&mut out);
        assert_eq!(out.len(), to as usize);
        let expected = sine(to, hertz, to as usize);
        let middle = to as usize / 4..to as usize * 3 / 4;
        let square = |value: f32| f64::from(value).powi(2);
        let wrong: f64 = out[middle.clone()]
            .iter()
            .zip(&expected[middle.clone()])
            .map(|(a, b)| square(a - b))
            .sum();
        10.0 * (wrong / middle.len() as f64 / 0.5).log10()
    }

    #[test]
    fn tones_stay_what_they_are() {
        for (from, to) in [
            (44_100, 16_000),
            (48_000, 44_100),
            (16_000, 48_000),
            (44_100, 11_025),
            (8298, 16_000),
        ] {
            let hertz = 0.35 * f64::from(from.min(to));
            assert!(
                error(from, to, hertz, HIGH) < -95.0,
                "{from} to {to}: {}",
                error(from, to, hertz, HIGH)
            );
            assert!(error(from, to, hertz, FAST) < -50.0, "{from} to {to}");
        }
    }

    #[test]
    fn every_sample_has_its_share_of_the_new_ones() {
        for (from, to) in [(1000, 11_025), (11_025, 1000), (44_101, 16_000), (8000, 8001)] {
            let mut resampler = Resampler::new(from, to, FAST);
            let mut out = Vec::new();
            for piece in vec![1.0; 3675].chunks(100) {
                resampler.push(piece, &mut out);
            }
            resampler.finish(&mut out);
            assert_eq!(
                out.len() as u64,
                (3675 * u64::from(to)).div_ceil(u64::from(from)),
                "{from} to {to}"
            );
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_gone() {
        let mut resampler = Resampler::new(48_000, 16_000, HIGH);
        let mut out = Vec::new();
        resampler.push(&sine(48_000, 8_050.0, 48_000), &mut out);
        resampler.finish(&mut out);
        let loudest = out[4000..12_000]
            .iter()
            .fold(0.0f32, |most, value| most.max(value.abs()));
        assert!(loudest < 1e-4, "{loudest}");
    }
}
