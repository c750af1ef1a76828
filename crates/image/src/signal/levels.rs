//! Levels of light: brightness, contrast, entropy and range of the luma of the thumbnail.
//!
//! All come from the histogram of the 8-bit luma `y` (see [`luma`](super::luma)) over the pixels of the thumbnail:
//!
//! - `image_brightness`: mean of `y / 255`, 0 (black) to 1 (white). fastdup's `mean` is 255 times that.
//! - `image_contrast`: root mean square contrast, the standard deviation (of the population) of `y / 255`, 0 (flat) to 0.5
//!   (half black, half white).
//! - `image_entropy`: Shannon entropy of the 256 levels in bits, 0 (one level) to 8 (all alike).
//! - `image_luma_min`, `image_luma_max`: the darkest and the lightest level, 0 to 255.

use std::sync::Arc;

use arrow_array::{ArrayRef, UInt16Array};
use gristmill_core::{Card, Column, Cost, Result, Signal};

use super::{
    float_columns,
    luma::{IMAGE_LUMA, lumas},
    moments::moments,
};

/// Describes [`Levels`].
pub(super) static CARD: Card = Card {
    name: "levels",
    about: "brightness, contrast, entropy and range of the luma",
    inputs: &[IMAGE_LUMA],
    outputs: &[
        Column::f64(
            "image_brightness",
            "mean luma of the thumbnail, 0 (black) to 1 (white)",
        ),
        Column::f64(
            "image_contrast",
            "standard deviation of the luma of the thumbnail, 0 (flat) to 0.5",
        ),
        Column::f64(
            "image_entropy",
            "entropy of the 256 levels of luma of the thumbnail, 0 to 8 bits",
        ),
        Column::u16("image_luma_min", "lowest luma of the thumbnail, 0 to 255"),
        Column::u16("image_luma_max", "highest luma of the thumbnail, 0 to 255"),
    ],
    source: "Shannon 1948; Peli 1990, doi:10.1364/JOSAA.7.002032 (root mean square contrast)",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures levels; see the module.
#[derive(Debug)]
pub(super) struct Levels;

impl Signal for Levels {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Float64` three times, `[n] UInt16` twice; null where the luma is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let histograms: Vec<_> = lumas(&inputs[0])
            .map(|luma| luma.map(|luma| Histogram::of(luma.pixels)))
            .collect();
        let rows = histograms.iter().map(|histogram| {
            let histogram = histogram.as_ref()?;
            let (mean, deviation) = histogram.mean_and_deviation();
            Some([mean / 255.0, deviation / 255.0, histogram.entropy()])
        });
        let mut columns = float_columns(rows);
        let levels = |end: fn(&Histogram) -> u16| -> UInt16Array {
            let ends = histograms.iter().map(|histogram| histogram.as_ref().map(end));
            ends.collect()
        };
        columns.push(Arc::new(levels(Histogram::lowest)));
        columns.push(Arc::new(levels(Histogram::highest)));
        Ok(columns)
    }
}

/// How many pixels have each level.
struct Histogram([u32; 256]);

impl Histogram {
    fn of(luma: &[u8]) -> Histogram {
        // Neighbours often have the same level; four tables let their counts not wait for each other.
        let mut tables = [[0u32; 256]; 4];
        let (fours, rest) = luma.as_chunks::<4>();
        for four in fours {
            for (table, &level) in tables.iter_mut().zip(four) {
                table[usize::from(level)] += 1;
            }
        }
        for &level in rest {
            tables[0][usize::from(level)] += 1;
        }
        let sum = |level: usize| tables.iter().map(|table| table[level]).sum();
        Histogram(std::array::from_fn(sum))
    }

    fn pixels(&self) -> usize {
        self.0.iter().map(|&count| count as usize).sum()
    }

    fn mean_and_deviation(&self) -> (f64, f64) {
        let levels = || self.0.iter().map(|&count| u64::from(count)).zip(0u64..);
        let sum: u64 = levels().map(|(count, level)| count * level).sum();
        let squares: u64 = levels().map(|(count, level)| count * level * level).sum();
        let (mean, variance) = moments(sum as i64, squares, self.pixels());
        (mean, variance.sqrt())
    }

    /// The logarithm of the count is taken, not of the share: a level that all pixels have gives exactly 0.
    fn entropy(&self) -> f64 {
        let pixels = self.pixels() as f64;
        let counts = self
            .0
            .iter()
            .filter(|&&count| count > 0)
            .map(|&count| f64::from(count));
        let bits: f64 = counts.map(|count| count * (pixels / count).log2()).sum();
        bits / pixels
    }

    fn lowest(&self) -> u16 {
        self.0.iter().position(|&count| count > 0).unwrap_or_default() as u16
    }

    fn highest(&self) -> u16 {
        self.0.iter().rposition(|&count| count > 0).unwrap_or_default() as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_has_no_contrast_and_no_entropy() {
        let histogram = Histogram::of(&[90; 7]);
        assert_eq!(histogram.mean_and_deviation(), (90.0, 0.0));
        assert_eq!(histogram.entropy(), 0.0);
        assert_eq!((histogram.lowest(), histogram.highest()), (90, 90));
    }

    #[test]
    fn half_black_half_white_has_the_most_contrast() {
        let histogram = Histogram::of(&[0, 255, 255, 0, 0, 255]);
        assert_eq!(histogram.mean_and_deviation(), (127.5, 127.5));
        assert_eq!(histogram.entropy(), 1.0);
        assert_eq!((histogram.lowest(), histogram.highest()), (0, 255));
    }

    #[test]
    fn all_levels_have_eight_bits() {
        let levels: Vec<u8> = (0..=255).collect();
        assert_eq!(Histogram::of(&levels).entropy(), 8.0);
    }
}
