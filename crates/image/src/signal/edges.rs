//! Edges: the share of pixels of the thumbnail where luma changes sharply.
//!
//! The gradient of a pixel is that of the 3x3 Sobel operator on the luma, with the picture mirrored at the outermost rows
//! and columns (`BORDER_REFLECT_101`). `image_edge_density` is the share of pixels where `sqrt(gx² + gy²)` is at least 100
//! of the 1,140 that are possible: a step of 25 levels. It is 0 for a flat picture, small for skies and logos, large
//! for text and foliage.
//!
//! fastdup's `edge_density` is the share of pixels on the thin lines that Canny's detector keeps; edges here are as wide
//! as the operator, so values are larger.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array};
use gristmill_core::{Card, Column, Cost, Result, Signal};
use pulp::{Arch, Simd, WithSimd};

use super::luma::{IMAGE_LUMA, LumaRef, lumas};

/// The least gradient of an edge.
const LEAST: i32 = 100;

/// Describes [`Edges`].
pub(super) static CARD: Card = Card {
    name: "edges",
    about: "share of pixels at edges",
    inputs: &[IMAGE_LUMA],
    outputs: &[Column::f64(
        "image_edge_density",
        "share of pixels of the thumbnail whose Sobel gradient is at least 100, 0 to 1",
    )],
    source: "Sobel and Feldman 1968; OpenCV Sobel with ksize 3",
    cost: Cost::Moderate,
    version: 1,
};

/// Counts edges; see the module.
#[derive(Debug)]
pub(super) struct Edges;

impl Signal for Edges {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Float64`; null where the luma is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let densities = lumas(&inputs[0]).map(|luma| luma.map(|luma| density(&luma)));
        Ok(vec![Arc::new(densities.collect::<Float64Array>())])
    }
}

fn density(luma: &LumaRef<'_>) -> f64 {
    let edges = Arch::new().dispatch(Sobel { luma });
    f64::from(edges) / luma.pixels.len() as f64
}

struct Sobel<'a> {
    luma: &'a LumaRef<'a>,
}

impl WithSimd for Sobel<'_> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> u32 {
        let mut edges = 0;
        // Of each column of three pixels: the weighted sum, and the difference.
        let (mut sums, mut steps) = (vec![0i16; self.luma.width], vec![0i16; self.luma.width]);
        for [above, row, below] in self.luma.neighbouring_rows() {
            let columns = above.iter().zip(row).zip(below);
            for ((sum, step), ((&above, &at), &below)) in sums.iter_mut().zip(&mut steps).zip(columns) {
                let (above, at, below) = (i16::from(above), i16::from(at), i16::from(below));
                *sum = above + 2 * at + below;
                *step = below - above;
            }
            // At the outermost columns left and right are the same, and so the picture does not change across.
            let last = steps.len() - 1;
            let ends = [(0, 1.min(last)), (last, last.saturating_sub(1))];
            for (end, inner) in ends.into_iter().take(steps.len()) {
                edges += is_edge(0, 2 * (steps[end] + steps[inner]));
            }
            let inner = sums.windows(3).zip(steps.windows(3));
            edges += inner
                .map(|(sums, steps)| is_edge(sums[2] - sums[0], steps[0] + 2 * steps[1] + steps[2]))
                .sum::<u32>();
        }
        edges
    }
}

#[inline(always)]
fn is_edge(across: i16, down: i16) -> u32 {
    let (across, down) = (i32::from(across), i32::from(down));
    u32::from(across * across + down * down >= LEAST * LEAST)
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
        assert_eq!(density(&luma), expected, "{pixels:?}");
    }

    #[test]
    fn a_step_of_25_levels_is_an_edge() {
        check(4, &[0, 0, 25, 25, 0, 0, 25, 25], 0.5);
        check(4, &[0, 0, 24, 24, 0, 0, 24, 24], 0.0);
        check(2, &[0, 0, 0, 0, 25, 25, 25, 25], 0.5);
    }

    #[test]
    fn a_tiny_picture_has_none() {
        check(1, &[255], 0.0);
        check(2, &[0, 255], 0.0);
        check(1, &[0, 255], 0.0);
        check(1, &[0, 0, 255], 1.0 / 3.0);
    }
}
