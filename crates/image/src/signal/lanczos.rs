//! Luma scaled down to a few pixels, with the Lanczos filter of 3 lobes.
//!
//! The samples are those of fast_image_resize, and so, but for ties, of Pillow: down, then across, weights of 16 bits, what is
//! between of 8 bits. That crate computes its weights for every picture, 12,000 sines for two hashes, which takes several times
//! as long as the scaling itself. Thumbnails have a side of 512 pixels and few lengths of the other one, so here weights are kept.

use std::{cell::RefCell, collections::HashMap, f64::consts::PI, rc::Rc};

use pulp::{Arch, Simd, WithSimd};

/// Most pairs of lengths whose weights a thread keeps, of 8 KiB or less each for thumbnails.
const KEPT: usize = 256;

/// How samples of a line make up those of a shorter or longer one.
struct Weights {
    /// First sample of each, and the weights of those that follow.
    windows: Vec<(usize, Vec<i16>)>,
    /// The weights of a sample add up to about `1 << precision`.
    precision: u32,
}

/// Scales luma in rows of `width` samples to `columns` by `rows`.
pub(super) fn scaled(luma: &[u8], width: usize, columns: usize, rows: usize) -> Vec<u8> {
    let height = luma.len() / width;
    let flat = match weights(height, rows) {
        Some(weights) => {
            let mut flat = vec![0; width * rows];
            Arch::new().dispatch(Down {
                luma,
                width,
                weights: &weights,
                flat: &mut flat,
            });
            flat
        }
        None => luma.to_vec(),
    };
    let Some(weights) = weights(width, columns) else {
        return flat;
    };
    let mut small = vec![0; columns * rows];
    Arch::new().dispatch(Across {
        flat: &flat,
        width,
        weights: &weights,
        small: &mut small,
    });
    small
}

/// The weights from a length to another; none where it stays.
fn weights(from: usize, to: usize) -> Option<Rc<Weights>> {
    thread_local! {
        static MADE: RefCell<HashMap<(usize, usize), Rc<Weights>>> = RefCell::default();
    }
    if from == to {
        return None;
    }
    MADE.with_borrow_mut(|made| {
        if made.len() >= KEPT {
            made.clear();
        }
        let weights = made
            .entry((from, to))
            .or_insert_with(|| Rc::new(Weights::of(from, to)));
        Some(Rc::clone(weights))
    })
}

impl Weights {
    fn of(from: usize, to: usize) -> Weights {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let radius = 3.0 * stretch;
        let shrink = 1.0 / stretch;
        let windows: Vec<(usize, Vec<f64>)> = (0..to)
            .map(|at| {
                let center = (at as f64 + 0.5) * scale;
                let first = (center - radius).floor().max(0.0) as usize;
                let end = (center + radius).ceil().min(from as f64) as usize;
                let weigh = |at| lanczos((at as f64 - (center - 0.5)) * shrink);
                let weights: Vec<f64> = (first..end).map(weigh).collect();
                let sum: f64 = weights.iter().sum();
                (first, weights.into_iter().map(|weight| weight / sum).collect())
            })
            .collect();
        let all = windows.iter().flat_map(|(_, weights)| weights);
        let most = all.fold(0.0, |most: f64, weight| most.max(*weight));
        let exceeds =
            |precision: &u32| (most * f64::from(1 << (precision + 1))).round() >= f64::from(1 << 15);
        let precision = (0..22).find(exceeds).unwrap_or(21);
        let whole = |weight: &f64| (weight * f64::from(1 << precision)).round() as i16;
        Weights {
            windows: windows
                .iter()
                .map(|(first, weights)| (*first, weights.iter().map(whole).collect()))
                .collect(),
            precision,
        }
    }

    /// The sample of a sum of weighted ones to which [`half`](Self::half) was added.
    #[inline(always)]
    fn sample(&self, sum: i32) -> u8 {
        (sum >> self.precision).clamp(0, 255) as u8
    }

    #[inline(always)]
    fn half(&self) -> i32 {
        1 << self.precision >> 1
    }
}

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if (-3.0..3.0).contains(&x) {
        sinc(x) * sinc(x / 3.0)
    } else {
        0.0
    }
}

struct Down<'a> {
    luma: &'a [u8],
    width: usize,
    weights: &'a Weights,
    flat: &'a mut [u8],
}

impl WithSimd for Down<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let mut sums = vec![0; self.width];
        let windows = self.flat.chunks_exact_mut(self.width).zip(&self.weights.windows);
        for (row, (first, weights)) in windows {
            sums.fill(self.weights.half());
            let lines = self.luma.chunks_exact(self.width).skip(*first);
            for (line, weight) in lines.zip(weights) {
                for (sum, sample) in sums.iter_mut().zip(line) {
                    *sum += i32::from(*sample) * i32::from(*weight);
                }
            }
            for (sample, sum) in row.iter_mut().zip(&sums) {
                *sample = self.weights.sample(*sum);
            }
        }
    }
}

struct Across<'a> {
    flat: &'a [u8],
    width: usize,
    weights: &'a Weights,
    small: &'a mut [u8],
}

impl WithSimd for Across<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let columns = self.weights.windows.len();
        for (row, line) in self
            .small
            .chunks_exact_mut(columns)
            .zip(self.flat.chunks_exact(self.width))
        {
            for (sample, (first, weights)) in row.iter_mut().zip(&self.weights.windows) {
                let terms = line[*first..].iter().zip(weights);
                let sum: i32 = terms
                    .map(|(sample, weight)| i32::from(*sample) * i32::from(*weight))
                    .sum();
                *sample = self.weights.sample(self.weights.half() + sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fast_image_resize::{
        FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
        images::{Image, ImageRef},
    };

    use super::scaled;

    /// The same by fast_image_resize.
    fn expected(luma: &[u8], width: usize, columns: usize, rows: usize) -> Vec<u8> {
        let height = luma.len() / width;
        let source = ImageRef::new(width as u32, height as u32, luma, PixelType::U8).unwrap();
        let mut target = Image::new(columns as u32, rows as u32, PixelType::U8);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        Resizer::new().resize(&source, &mut target, &options).unwrap();
        target.into_vec()
    }

    #[test]
    fn samples_are_those_of_fast_image_resize() {
        let mut noise = 1u32;
        let sizes = [
            (512, 384),
            (512, 341),
            (512, 1),
            (1, 512),
            (300, 512),
            (512, 512),
            (33, 32),
            (32, 33),
        ];
        for (width, height) in sizes.into_iter().chain((1..60).map(|at| (at, 61 - at))) {
            let luma: Vec<u8> = (0..width * height)
                .map(|at| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    match at / 7 % 3 {
                        0 => (noise >> 24) as u8,
                        1 => (noise >> 31) as u8 * 255,
                        _ => (at % 256) as u8,
                    }
                })
                .collect();
            for (columns, rows) in [(32, 32), (9, 8)] {
                let found = scaled(&luma, width, columns, rows);
                let expected = expected(&luma, width, columns, rows);
                assert!(found == expected, "{width} x {height} to {columns} x {rows}");
            }
        }
    }
}
