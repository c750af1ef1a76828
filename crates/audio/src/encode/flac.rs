//! FLAC, by fixed predictors and linear prediction.
//!
//! Samples are rounded to 16 or 24 bits; what is beyond full scale is clipped. Blocks of 4,096 samples are stored as left and
//! right, left and side, side and right, or mid and side, whichever seems smallest; a channel as a constant, as it is, by one of
//! the five fixed predictors, or by linear prediction of order 8 (Levinson and Durbin over a Welch window, coefficients of 14
//! bits), its residual in partitions with Rice parameters of their own.
//!
//! Source: RFC 9639.

use super::bits::Bits;
use crate::{
    Samples,
    container::flac::{crc8, crc16},
};

const BLOCK: usize = 4096;
/// Order of linear prediction, and bits of its coefficients.
const ORDER: usize = 8;
const PRECISION: u32 = 14;
/// Most partitions of a residual, as a power of 2.
const PARTITIONS: u32 = 6;

/// A file of these samples, of 16 or 24 bits; one to eight channels.
pub(crate) fn of(samples: &Samples, rate: u32, bits: u32) -> Vec<u8> {
    let scale = f64::from(1u32 << (bits - 1)) as f32;
    let whole = |sample: &f32| (sample * scale).round_ties_even().clamp(-scale, scale - 1.0) as i32;
    let frames = samples.frames();
    let mut file = b"fLaC".to_vec();
    file.extend((0x8000_0000u32 | 34).to_be_bytes());
    let info = file.len();
    file.extend([0; 34]);
    let mut bits_of = Bits::default();
    let (mut shortest, mut longest) = (usize::MAX, 0);
    let mut planes: Vec<Vec<i32>> = vec![Vec::new(); samples.channels()];
    for (number, from) in (0..frames).step_by(BLOCK).enumerate() {
        let to = frames.min(from + BLOCK);
        for (plane, samples) in planes.iter_mut().zip(samples.planes()) {
            plane.clear();
            plane.extend(samples[from..to].iter().map(whole));
        }
        bits_of.clear();
        frame(&planes, number as u32, bits, &mut bits_of);
        shortest = shortest.min(bits_of.bytes().len());
        longest = longest.max(bits_of.bytes().len());
        file.extend_from_slice(bits_of.bytes());
    }
    let mut head = Bits::default();
    head.put(BLOCK as u32, 16);
    head.put(BLOCK as u32, 16);
    head.put(if frames > 0 { shortest as u32 } else { 0 }, 24);
    head.put(longest as u32, 24);
    head.put(rate, 20);
    head.put(samples.channels() as u32 - 1, 3);
    head.put(bits - 1, 5);
    head.put((frames as u64 >> 32) as u32, 4);
    head.put(frames as u32, 32);
    file[info..info + 18].copy_from_slice(head.bytes());
    file
}

/// Writes a frame.
fn frame(planes: &[Vec<i32>], number: u32, bits: u32, out: &mut Bits) {
    let length = planes[0].len();
    let (assignment, channels) = match planes {
        [left, right] => stereo(left, right),
        _ => (planes.len() as u32 - 1, planes.to_vec()),
    };
    out.put(0xfff8, 16);
    out.put(if length == BLOCK { 12 } else { 7 }, 4);
    out.put(0, 4);
    out.put(assignment, 4);
    out.put(if bits == 16 { 4 } else { 6 }, 3);
    out.put(0, 1);
    put_number(number, out);
    if length != BLOCK {
        out.put(length as u32 - 1, 16);
    }
    let crc = crc8(out.bytes());
    out.put(u32::from(crc), 8);
    for (at, channel) in channels.iter().enumerate() {
        let is_side = matches!((assignment, at), (8 | 10, 1) | (9, 0));
        subframe(channel, bits + u32::from(is_side), out);
    }
    out.align();
    let crc = crc16(0, out.bytes());
    out.put(u32::from(crc), 16);
}

/// A number in the manner of UTF-8.
fn put_number(number: u32, out: &mut Bits) {
    if number < 0x80 {
        out.put(number, 8);
        return;
    }
    let bytes = (2..7).find(|bytes| number >> (5 * bytes + 1) == 0).unwrap_or(6);
    let head = 0xff00 >> bytes & 0xff;
    out.put(head | number >> (6 * (bytes - 1)), 8);
    for byte in (0..bytes - 1).rev() {
        out.put(0x80 | number >> (6 * byte) & 0x3f, 8);
    }
}

/// How two channels are stored, and what is stored.
fn stereo(left: &[i32], right: &[i32]) -> (u32, Vec<Vec<i32>>) {
    let side: Vec<i32> = left.iter().zip(right).map(|(left, right)| left - right).collect();
    let mid: Vec<i32> = left
        .iter()
        .zip(right)
        .map(|(left, right)| (left + right) >> 1)
        .collect();
    let [l, r, m, s] = [left, right, &mid, &side].map(roughness);
    let cases = [(l + r, 1), (l + s, 8), (s + r, 9), (m + s, 10)];
    let (_, assignment) = cases.into_iter().min().unwrap_or((0, 1));
    let stored = match assignment {
        8 => vec![left.to_vec(), side],
        9 => vec![side, right.to_vec()],
        10 => vec![mid, side],
        _ => vec![left.to_vec(), right.to_vec()],
    };
    (assignment, stored)
}

/// The sum of second differences: about what a residual costs.
fn roughness(samples: &[i32]) -> u64 {
    let differences = samples
        .windows(3)
        .map(|w| (w[2] - 2 * w[1] + w[0]).unsigned_abs());
    differences.map(u64::from).sum()
}

/// A way to store a channel.
enum Coded {
    Fixed(usize, Vec<i32>),
    Linear(Vec<i32>, u32, Vec<i32>),
}

/// Writes a channel of a frame.
fn subframe(samples: &[i32], bits: u32, out: &mut Bits) {
    if samples.iter().all(|sample| *sample == samples[0]) {
        out.put(0, 8);
        out.put(samples[0] as u32, bits);
        return;
    }
    let fixed = fixed(samples);
    let linear = linear(samples);
    let cost = |residual: &[i32], extra: u64| residual_bits(residual) + extra;
    let fixed_cost = cost(&fixed.1, fixed.0 as u64 * u64::from(bits));
    let head = ORDER as u64 * (u64::from(bits) + u64::from(PRECISION)) + 9;
    let coded = match linear {
        Some((factors, shift, residual)) if cost(&residual, head) < fixed_cost => {
            Coded::Linear(factors, shift, residual)
        }
        _ => Coded::Fixed(fixed.0, fixed.1),
    };
    let (order, residual) = match &coded {
        Coded::Fixed(order, residual) => (*order, residual),
        Coded::Linear(_, _, residual) => (ORDER, residual),
    };
    if residual_bits(residual) + order as u64 * u64::from(bits) >= samples.len() as u64 * u64::from(bits) {
        out.put(1 << 1, 8);
        samples.iter().for_each(|sample| out.put(*sample as u32, bits));
        return;
    }
    let kind = match coded {
        Coded::Fixed(order, _) => 8 | order as u32,
        Coded::Linear(..) => 32 | (ORDER as u32 - 1),
    };
    out.put(kind << 1, 8);
    samples[..order]
        .iter()
        .for_each(|sample| out.put(*sample as u32, bits));
    if let Coded::Linear(factors, shift, _) = &coded {
        out.put(PRECISION - 1, 4);
        out.put(*shift, 5);
        factors
            .iter()
            .for_each(|factor| out.put(*factor as u32, PRECISION));
    }
    put_residual(residual, order, samples.len(), out);
}

/// The order of the fixed predictor with the smallest residual, and that.
fn fixed(samples: &[i32]) -> (usize, Vec<i32>) {
    let mut residual = samples.to_vec();
    let mut best = (sum(&residual), 0, residual.clone());
    for order in 1..=4.min(samples.len() - 1) {
        residual = residual
            .windows(2)
            .map(|pair| pair[1].wrapping_sub(pair[0]))
            .collect();
        let sum = sum(&residual);
        if sum < best.0 {
            best = (sum, order, residual.clone());
        }
    }
    (best.1, best.2)
}

fn sum(residual: &[i32]) -> u64 {
    residual.iter().map(|value| u64::from(value.unsigned_abs())).sum()
}

/// Coefficients, their shift and the residual of linear prediction; none where it cannot be.
fn linear(samples: &[i32]) -> Option<(Vec<i32>, u32, Vec<i32>)> {
    if samples.len() <= 4 * ORDER {
        return None;
    }
    let half = (samples.len() - 1) as f64 / 2.0;
    let windowed: Vec<f64> = samples
        .iter()
        .enumerate()
        .map(|(at, sample)| f64::from(*sample) * (1.0 - ((at as f64 - half) / half).powi(2)))
        .collect();
    let mut correlation = [0.0; ORDER + 1];
    for (lag, sum) in correlation.iter_mut().enumerate() {
        *sum = product(&windowed[lag..], &windowed[..windowed.len() - lag]);
    }
    let factors = levinson(&correlation)?;
    let largest = factors.iter().fold(0.0f64, |most, factor| most.max(factor.abs()));
    let shift = (f64::from(PRECISION) - 1.0 - largest.log2().floor() - 1.0).clamp(0.0, 15.0) as u32;
    let bound = (1 << (PRECISION - 1)) - 1;
    // What is lost by rounding one coefficient is given to the next.
    let mut lost = 0.0;
    let quantised: Vec<i32> = factors
        .iter()
        .map(|factor| {
            let exact = factor * f64::from(1u32 << shift) + lost;
            let rounded = (exact.round() as i32).clamp(-bound - 1, bound);
            lost = exact - f64::from(rounded);
            rounded
        })
        .collect();
    let residual = samples.windows(ORDER + 1).map(|window| {
        let predicted: i64 = quantised
            .iter()
            .enumerate()
            .map(|(at, factor)| i64::from(*factor) * i64::from(window[ORDER - 1 - at]))
            .sum();
        i64::from(window[ORDER]) - (predicted >> shift)
    });
    let residual: Option<Vec<i32>> = residual.map(|value| i32::try_from(value).ok()).collect();
    Some((quantised, shift, residual?))
}

/// The sum of products, in lanes.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

/// The predictor's coefficients for these correlations.
fn levinson(correlation: &[f64; ORDER + 1]) -> Option<[f64; ORDER]> {
    let mut factors = [0.0; ORDER];
    let mut error = correlation[0] * (1.0 + 1e-9);
    if error <= 0.0 {
        return None;
    }
    for order in 0..ORDER {
        let sum: f64 = (0..order).map(|at| factors[at] * correlation[order - at]).sum();
        let reflection = (correlation[order + 1] - sum) / error;
        let before = factors;
        factors[order] = reflection;
        for at in 0..order {
            factors[at] = before[at] - reflection * before[order - 1 - at];
        }
        error *= 1.0 - reflection * reflection;
        if error <= 0.0 {
            return None;
        }
    }
    Some(factors)
}

/// The Rice parameter for a sum of magnitudes, doubled as they are stored, and about the bits of it.
fn rice(sum: u64, count: u64) -> (u32, u64) {
    let cost = |parameter: u32| count * (1 + u64::from(parameter)) + (sum >> parameter);
    let guess = if sum > count { (sum / count).ilog2() } else { 0 };
    let range = guess.saturating_sub(1)..=(guess + 1).min(30);
    range
        .map(|parameter| (parameter, cost(parameter)))
        .min_by_key(|(_, cost)| *cost)
        .unwrap_or((0, cost(0)))
}

fn residual_bits(residual: &[i32]) -> u64 {
    let pieces = residual
        .chunks(256)
        .map(|piece| rice(2 * sum(piece), piece.len() as u64).1 + 5);
    pieces.sum()
}

/// Writes a residual in as many partitions as make it smallest.
fn put_residual(residual: &[i32], order: usize, length: usize, out: &mut Bits) {
    let most = length.trailing_zeros().min(PARTITIONS);
    let fits = |power: &u32| length >> power > order;
    let bounds = |power: u32, at: usize| {
        let size = length >> power;
        (at * size).saturating_sub(order)..(at + 1) * size - order
    };
    let parts = |power: u32| {
        let part = move |at: usize| {
            let piece = &residual[bounds(power, at)];
            rice(2 * sum(piece), piece.len() as u64)
        };
        (0..1usize << power).map(part).collect::<Vec<_>>()
    };
    let cases = (0..=most).filter(fits).map(|power| (power, parts(power)));
    let total = |parts: &[(u32, u64)]| parts.iter().map(|(_, bits)| bits + 5).sum::<u64>();
    let Some((power, parts)) = cases.min_by_key(|(_, parts)| total(parts)) else {
        unreachable!("a single partition holds every residual");
    };
    let is_wide = parts.iter().any(|(parameter, _)| *parameter > 14);
    out.put(u32::from(is_wide), 2);
    out.put(power, 4);
    for (at, (parameter, _)) in parts.iter().enumerate() {
        out.put(*parameter, if is_wide { 5 } else { 4 });
        for &value in &residual[bounds(power, at)] {
            let folded = (value << 1 ^ value >> 31) as u32;
            out.put_unary(folded >> parameter);
            out.put(folded, *parameter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sound;
    use gristmill_core::Limits;

    fn check(planes: Vec<Vec<f32>>, bits: u32) {
        let samples = Samples::from_planes(planes);
        let file = of(&samples, 44_100, bits);
        let mut sound = Sound::open(&file, &Limits::default()).unwrap();
        let mut back = Samples::new(samples.channels());
        while let Some(block) = sound.next_block().unwrap() {
            back.extend(block);
        }
        assert!(!sound.is_truncated());
        let scale = f64::from(1u32 << (bits - 1)) as f32;
        for (before, after) in samples.planes().iter().zip(back.planes()) {
            assert_eq!(before.len(), after.len());
            for (before, after) in before.iter().zip(after) {
                let expected = (before * scale).round_ties_even().clamp(-scale, scale - 1.0) / scale;
                assert_eq!(expected, *after);
            }
        }
    }

    fn noise(seed: u32, count: usize) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    fn sine(count: usize) -> Vec<f32> {
        (0..count).map(|at| (at as f32 * 0.05).sin() * 0.8).collect()
    }

    #[test]
    fn samples_are_those_that_were_encoded() {
        for bits in [16, 24] {
            check(vec![sine(10_000)], bits);
            check(vec![sine(10_000), noise(1, 10_000)], bits);
            check(vec![noise(2, 4096), noise(2, 4096)], bits);
            check(vec![vec![0.5; 5000], vec![-1.0; 5000]], bits);
            check(vec![vec![1.5, -1.5, 0.0]], bits);
            check((0..6).map(|at| noise(at, 4100)).collect(), bits);
            check(vec![noise(3, 1), noise(4, 1)], bits);
        }
    }

    #[test]
    fn what_can_be_predicted_becomes_small() {
        let samples = Samples::from_planes(vec![sine(44_100)]);
        assert!(of(&samples, 44_100, 16).len() < 20_000);
    }
}
