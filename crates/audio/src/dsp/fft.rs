//! The discrete Fourier transform of complex numbers, for lengths that are powers of 4, or of 4 times 2.
//!
//! Stockham's form with steps of radix 4: every step reads one buffer from end to end and writes the other, in order, so that
//! no step for turning bits is needed and loops are as the vector units like them.

use std::f64::consts::PI;

use pulp::Arch;

/// A transform of one length.
#[derive(Debug, Clone)]
pub(crate) struct Fft {
    length: usize,
    /// Factors of each step, cosines and sines apart: for each group the first, second and third power.
    steps: Vec<Vec<[f32; 6]>>,
    /// Whether the last step is of radix 2.
    has_two: bool,
    scratch: (Vec<f32>, Vec<f32>),
}

impl Fft {
    /// A transform of `length` numbers, a power of 2 from 4.
    pub(crate) fn new(length: usize) -> Fft {
        assert!(
            length.is_power_of_two() && length >= 4,
            "lengths are powers of two"
        );
        let mut steps = Vec::new();
        let mut left = length;
        while left >= 4 {
            let angle = |power: usize, group: usize| -2.0 * PI * (power * group) as f64 / left as f64;
            let factors = (0..left / 4).map(|group| {
                let [a, b, c] = [1, 2, 3].map(|power| angle(power, group).sin_cos());
                [
                    a.1 as f32, a.0 as f32, b.1 as f32, b.0 as f32, c.1 as f32, c.0 as f32,
                ]
            });
            steps.push(factors.collect());
            left /= 4;
        }
        Fft {
            length,
            steps,
            has_two: left == 2,
            scratch: (vec![0.0; length], vec![0.0; length]),
        }
    }

    /// Transforms in place.
    pub(crate) fn run(&mut self, real: &mut Vec<f32>, imaginary: &mut Vec<f32>) {
        assert!(
            real.len() == self.length && imaginary.len() == self.length,
            "buffers are as long as the transform"
        );
        Arch::new().dispatch(|| {
            let mut stride = 1;
            for factors in &self.steps {
                let (other_real, other_imaginary) = (&mut self.scratch.0, &mut self.scratch.1);
                step(factors, stride, (real, imaginary), other_real, other_imaginary);
                std::mem::swap(real, other_real);
                std::mem::swap(imaginary, other_imaginary);
                stride *= 4;
            }
            if self.has_two {
                two(real);
                two(imaginary);
            }
        });
    }
}

/// A step of radix 4: for each group, `stride` numbers of four parts become four parts in a row.
#[inline(always)]
fn step(
    factors: &[[f32; 6]],
    stride: usize,
    from: (&[f32], &[f32]),
    to_real: &mut [f32],
    to_imaginary: &mut [f32],
) {
    let quarter = factors.len() * stride;
    let (re, im) = from;
    let part = |number: usize| number * quarter..(number + 1) * quarter;
    let [ar, br, cr, dr] = [0, 1, 2, 3].map(|number| &re[part(number)]);
    let [ai, bi, ci, di] = [0, 1, 2, 3].map(|number| &im[part(number)]);
    if stride == 1 {
        for group in 0..quarter {
            let outputs = butterfly(
                [ar[group], br[group], cr[group], dr[group]],
                [ai[group], bi[group], ci[group], di[group]],
                factors[group],
            );
            to_real[4 * group..4 * group + 4].copy_from_slice(&outputs.0);
            to_imaginary[4 * group..4 * group + 4].copy_from_slice(&outputs.1);
        }
        return;
    }
    for (group, &factor) in factors.iter().enumerate() {
        let range = group * stride..(group + 1) * stride;
        let (ar, br, cr, dr) = (
            &ar[range.clone()],
            &br[range.clone()],
            &cr[range.clone()],
            &dr[range.clone()],
        );
        let (ai, bi, ci, di) = (
            &ai[range.clone()],
            &bi[range.clone()],
            &ci[range.clone()],
            &di[range],
        );
        let out = 4 * group * stride..4 * (group + 1) * stride;
        let (first, rest) = to_real[out.clone()].split_at_mut(stride);
        let (second, rest) = rest.split_at_mut(stride);
        let (third, fourth) = rest.split_at_mut(stride);
        let (first_i, rest) = to_imaginary[out].split_at_mut(stride);
        let (second_i, rest) = rest.split_at_mut(stride);
        let (third_i, fourth_i) = rest.split_at_mut(stride);
        for at in 0..stride {
            let (real, imaginary) = butterfly(
                [ar[at], br[at], cr[at], dr[at]],
                [ai[at], bi[at], ci[at], di[at]],
                factor,
            );
            (first[at], second[at], third[at], fourth[at]) = (real[0], real[1], real[2], real[3]);
            (first_i[at], second_i[at], third_i[at], fourth_i[at]) =
                (imaginary[0], imaginary[1], imaginary[2], imaginary[3]);
        }
    }
}

#[inline(always)]
fn butterfly(re: [f32; 4], im: [f32; 4], factor: [f32; 6]) -> ([f32; 4], [f32; 4]) {
    let (apc_r, apc_i) = (re[0] + re[2], im[0] + im[2]);
    let (amc_r, amc_i) = (re[0] - re[2], im[0] - im[2]);
    let (bpd_r, bpd_i) = (re[1] + re[3], im[1] + im[3]);
    let (bmd_r, bmd_i) = (re[1] - re[3], im[1] - im[3]);
    let [c1, s1, c2, s2, c3, s3] = factor;
    let turn = |r: f32, i: f32, c: f32, s: f32| (r * c - i * s, r * s + i * c);
    // The second output is a - ib - c + id: minus i turns (r, i) into (i, -r).
    let second = turn(amc_r + bmd_i, amc_i - bmd_r, c1, s1);
    let third = turn(apc_r - bpd_r, apc_i - bpd_i, c2, s2);
    let fourth = turn(amc_r - bmd_i, amc_i + bmd_r, c3, s3);
    (
        [apc_r + bpd_r, second.0, third.0, fourth.0],
        [apc_i + bpd_i, second.1, third.1, fourth.1],
    )
}

/// The last step of radix 2.
#[inline(always)]
fn two(values: &mut [f32]) {
    let half = values.len() / 2;
    let (first, second) = values.split_at_mut(half);
    for (a, b) in first.iter_mut().zip(second) {
        (*a, *b) = (*a + *b, *a - *b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transforms_are_those_of_the_definition() {
        for length in [4, 8, 16, 32, 128, 256] {
            let value = |at: usize, seed: f64| ((at as f64 + 1.0) * seed).sin() as f32;
            let mut real: Vec<f32> = (0..length).map(|at| value(at, 1.7)).collect();
            let mut imaginary: Vec<f32> = (0..length).map(|at| value(at, 0.9)).collect();
            let (re, im) = (real.clone(), imaginary.clone());
            Fft::new(length).run(&mut real, &mut imaginary);
            for bin in 0..length {
                let (mut sum_re, mut sum_im) = (0.0, 0.0);
                for at in 0..length {
                    let (sin, cos) = (-2.0 * PI * (bin * at % length) as f64 / length as f64).sin_cos();
                    let (r, i) = (f64::from(re[at]), f64::from(im[at]));
                    sum_re += r * cos - i * sin;
                    sum_im += r * sin + i * cos;
                }
                assert!(
                    (f64::from(real[bin]) - sum_re).abs() < 1e-4,
                    "bin {bin} of {length}"
                );
                assert!(
                    (f64::from(imaginary[bin]) - sum_im).abs() < 1e-4,
                    "bin {bin} of {length}"
                );
            }
        }
    }
}
