//! Blur: the variance of the Laplacian of the thumbnail.
//!
//! The Laplacian of a pixel is the sum of the luma of its four neighbours less four times its own, with the picture
//! mirrored at the outermost rows and columns (`BORDER_REFLECT_101`). `image_blur` is its variance (of the population) over
//! all pixels: 0 for a flat picture, below 100 for what NeMo Curator calls blurred, up to a million for pixel noise. The
//! lower the value, the more blurred the picture; the name is that of fastdup's column.
//!
//! It is OpenCV's `Laplacian(grey, CV_64F).var()` but for the scale: it is taken on the thumbnail, so a threshold holds for
//! pictures of any size above 512 pixels. A picture that was enlarged before it was published is blurred here too.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array};
use gristmill_core::{Card, Column, Cost, Result, Signal};
use pulp::{Arch, Simd, WithSimd};

use super::{
    luma::{IMAGE_LUMA, LumaRef, lumas},
    moments::moments,
};

/// Describes [`Blur`].
pub(super) static CARD: Card = Card {
    name: "blur",
    about: "variance of the Laplacian: the lower, the more blurred",
    inputs: &[IMAGE_LUMA],
    outputs: &[Column::f64(
        "image_blur",
        "variance of the Laplacian of the luma of the thumbnail, 0 (flat) upwards; blurred below about 100",
    )],
    source: "Pech-Pacheco et al. 2000, doi:10.1109/ICPR.2000.903548; NeMo Curator blur_filter.py",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures blur; see the module.
#[derive(Debug)]
pub(super) struct Blur;

impl Signal for Blur {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Float64`; null where the luma is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let variances = lumas(&inputs[0]).map(|luma| luma.map(|luma| variance(&luma)));
        Ok(vec![Arc::new(variances.collect::<Float64Array>())])
    }
}

fn variance(luma: &LumaRef<'_>) -> f64 {
    let sums = Arch::new().dispatch(Laplacian { luma });
    let (_, variance) = moments(sums.sum, sums.squares, luma.pixels.len());
    variance
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    sum: i64,
    squares: u64,
}

struct Laplacian<'a> {
    luma: &'a LumaRef<'a>,
}

impl WithSimd for Laplacian<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sums {
        let mut sums = Sums::default();
        for [above, row, below] in self.luma.neighbouring_rows() {
            let last = row.len() - 1;
            let (second, last_but_one) = (1.min(last), last.saturating_sub(1));
            let edge = |at: usize, left: usize, right: usize| {
                laplacian(above[at], below[at], row[left], row[right], row[at])
            };
            let mut ends = [edge(0, second, second), edge(last, last_but_one, last_but_one)];
            if last == 0 {
                ends[1] = 0;
            }
            // A row has at most 512 pixels and a square is below 2^21, so sums of a row are below 2^30.
            let (mut sum, mut squares) = (0i32, 0i32);
            for value in ends {
                sum += value;
                squares += value * value;
            }
            let inner = above.iter().zip(below).skip(1).zip(row.windows(3));
            for ((&above, &below), window) in inner {
                let value = laplacian(above, below, window[0], window[2], window[1]);
                sum += value;
                squares += value * value;
            }
            sums.sum += i64::from(sum);
            sums.squares += squares as u64;
        }
        sums
    }
}

#[inline(always)]
fn laplacian(above: u8, below: u8, left: u8, right: u8, centre: u8) -> i32 {
    i32::from(above) + i32::from(below) + i32::from(left) + i32::from(right) - 4 * i32::from(centre)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: usize, pixels: &[u8], expected: f64) {
        let luma = LumaRef {
            width,
            height: pixels.len() / width,
            pixels,
        };
        assert_eq!(variance(&luma), expected, "{pixels:?}");
    }

    #[test]
    fn a_flat_picture_has_none() {
        check(3, &[200; 12], 0.0);
        check(1, &[200], 0.0);
    }

    #[test]
    fn the_border_is_mirrored() {
        // Laplacians 20, 0, -20.
        check(3, &[0, 10, 20], 800.0 / 3.0);
        check(1, &[0, 10, 20], 800.0 / 3.0);
        // Laplacians 510, -510.
        check(2, &[0, 255], 510.0 * 510.0);
    }

    #[test]
    fn stripes_have_the_most() {
        let stripes: Vec<u8> = (0..512 * 512)
            .map(|at| if at % 2 == 0 { 0 } else { 255 })
            .collect();
        check(512, &stripes, 510.0 * 510.0);
        let board: Vec<u8> = (0..512 * 512)
            .map(|at| if (at + at / 512) % 2 == 0 { 0 } else { 255 })
            .collect();
        check(512, &board, 1020.0 * 1020.0);
    }
}
