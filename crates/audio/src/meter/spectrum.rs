//! Spectrum: bandwidth and flatness.
//!
//! The sound is cut into windows of 1,024 samples (512 below 16 kHz), one after the other; the last is left out where it is not
//! full and not the only one. The power spectrum is the sum of the channels' (of the first 8), so that channels of opposite
//! signs do not cancel.
//!
//! - `audio_bandwidth_hz`: the highest frequency at which the mean power, by a Blackman-Harris window, is less than 50 dB below
//!   its peak. Null for digital silence.
//! - `audio_spectral_flatness`: the geometric mean of a window's power by the arithmetic one, over all frequencies but 0,
//!   averaged over windows that are not digital silence: 0 for a tone, towards 0.5 for white noise (whose power varies by chance),
//!   1 for a click. Null for digital silence.
//!
//! Source: NVIDIA NeMo SDP, EstimateBandwidth (-50 dB below the peak of the mean power); Johnston 1988 (flatness).

use std::f64::consts::PI;

use gristmill_core::Column;
use pulp::Arch;

use super::{Block, Kind, Meter, Shape, Value};
use crate::{Samples, dsp::fft::Fft};

pub(super) const COLUMNS: [Column; 2] = [
    Column::f64(
        "audio_bandwidth_hz",
        "highest frequency whose mean power is less than 50 dB below the peak; null for digital silence",
    ),
    Column::f64(
        "audio_spectral_flatness",
        "geometric by arithmetic mean of the power spectrum, mean over windows, 0 (tone) to 1; null for digital silence",
    ),
];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(Spectrum::new(shape)),
};

/// Channels that are looked at.
const CHANNELS: usize = 8;
/// Added to every power, so that zeros have logarithms: 150 dB below full scale.
const FLOOR: f32 = 1e-15;

struct Spectrum {
    rate: u32,
    window: Vec<f32>,
    fft: Fft,
    held: Samples,
    real: Vec<f32>,
    imaginary: Vec<f32>,
    power: Vec<f32>,
    sums: Vec<f64>,
    flatness: f64,
    windows: u64,
}

impl Spectrum {
    fn new(shape: Shape) -> Spectrum {
        let length = if shape.rate < 16_000 { 512 } else { 1024 };
        let weight = |at: usize| {
            let x = 2.0 * PI * at as f64 / length as f64;
            0.35875 - 0.48829 * x.cos() + 0.14128 * (2.0 * x).cos() - 0.01168 * (3.0 * x).cos()
        };
        let window: Vec<f64> = (0..length).map(weight).collect();
        let scale = window.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
        Spectrum {
            rate: shape.rate,
            window: window.iter().map(|weight| (weight / scale) as f32).collect(),
            fft: Fft::new(length),
            held: Samples::new(shape.channels.min(CHANNELS)),
            real: Vec::new(),
            imaginary: Vec::new(),
            power: vec![0.0; length / 2 + 1],
            sums: vec![0.0; length / 2 + 1],
            flatness: 0.0,
            windows: 0,
        }
    }

    /// Adds the window that starts at `from` of what is held.
    fn add(&mut self, from: usize) {
        let length = self.window.len();
        let half = length / 2;
        self.power.fill(0.0);
        // Two channels are one of complex numbers: the powers at a frequency and its mirror image are those of both.
        for pair in self.held.planes().chunks(2) {
            let weighed = |plane: &[f32], into: &mut Vec<f32>| {
                into.clear();
                into.extend(
                    plane[from..from + length]
                        .iter()
                        .zip(&self.window)
                        .map(|(a, b)| a * b),
                );
            };
            weighed(&pair[0], &mut self.real);
            match pair.get(1) {
                Some(second) => weighed(second, &mut self.imaginary),
                None => {
                    self.imaginary.clear();
                    self.imaginary.resize(length, 0.0);
                }
            }
            self.fft.run(&mut self.real, &mut self.imaginary);
            let square = |at: usize| self.real[at] * self.real[at] + self.imaginary[at] * self.imaginary[at];
            self.power[0] += square(0);
            self.power[half] += square(half);
            let (real, imaginary, power) = (&self.real, &self.imaginary, &mut self.power[1..half]);
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    let near = real[1..half].iter().zip(&imaginary[1..half]);
                    let far = real[half + 1..]
                        .iter()
                        .rev()
                        .zip(imaginary[half + 1..].iter().rev());
                    for ((sum, (a, b)), (c, d)) in power.iter_mut().zip(near).zip(far) {
                        *sum += 0.5 * (a * a + b * b + c * c + d * d);
                    }
                },
            );
        }
        let total: f32 = self.power[1..].iter().sum();
        for (sum, power) in self.sums.iter_mut().zip(&self.power) {
            *sum += f64::from(*power);
        }
        if total > 1e-12 {
            let power = &self.power[1..];
            let logarithms = Arch::new().dispatch(
                #[inline(always)]
                || log2_sum(power),
            );
            let geometric = (logarithms / half as f64).exp2();
            self.flatness += (geometric / (f64::from(total) / half as f64)).min(1.0);
            self.windows += 1;
        }
    }
}

/// The sum of logarithms to base 2: mantissas are multiplied, so that few have to be taken.
#[inline(always)]
fn log2_sum(power: &[f32]) -> f64 {
    let (mut sum, mut exponents) = (0.0, 0i64);
    for run in power.chunks(16) {
        let mut product = 1.0f64;
        for &value in run {
            let bits = (value + FLOOR).to_bits();
            exponents += i64::from(bits >> 23) - 127;
            product *= f64::from(f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000));
        }
        sum += product.log2();
    }
    sum + exponents as f64
}

impl Meter for Spectrum {
    fn feed(&mut self, block: &Block<'_>) {
        let length = self.window.len();
        for (own, plane) in self.held.planes_mut().iter_mut().zip(block.samples.planes()) {
            own.extend_from_slice(plane);
        }
        let mut from = 0;
        while from + length <= self.held.frames() {
            self.add(from);
            from += length;
        }
        for plane in self.held.planes_mut() {
            plane.drain(..from);
        }
    }

    fn finish(&mut self) -> Vec<Value> {
        if self.windows == 0 && self.sums.iter().all(|sum| *sum == 0.0) && self.held.frames() > 0 {
            let missing = self.window.len() - self.held.frames();
            self.held.extend_silence(missing);
            self.add(0);
        }
        let peak = self.sums.iter().copied().fold(0.0, f64::max);
        let last = self.sums.iter().rposition(|sum| *sum > peak * 1e-5);
        let bandwidth = last
            .filter(|_| peak > 0.0)
            .map(|bin| bin as f64 * f64::from(self.rate) / self.window.len() as f64);
        let flatness = self.flatness / self.windows as f64;
        vec![
            bandwidth.map_or(Value::Null, |bandwidth| Value::rounded(bandwidth, 1)),
            Value::rounded(flatness, 4),
        ]
    }
}
