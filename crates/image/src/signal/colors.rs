//! Colours of the thumbnail: colourfulness and saturation.
//!
//! - `image_colorfulness` is the measure M3 of Hasler and Süsstrunk: with `rg = R - G` and `yb = (R + G) / 2 - B` over all
//!   pixels, `sqrt(var(rg) + var(yb)) + 0.3 * sqrt(mean(rg)² + mean(yb)²)`, variances of the population. Grey has 0; the
//!   authors call 15 slightly, 33 moderately, 59 quite and 109 extremely colourful.
//! - `image_saturation` is the mean of the saturation of HSV, `(max - min) / max` of the three channels, 0 where all are 0:
//!   0 (grey) to 1.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal};
use pulp::{Arch, Simd, WithSimd};

use super::{IMAGE_THUMBNAIL, float_columns, moments::moments, thumbnails};
use crate::thumbnail::ThumbnailRef;

/// Parts of a saturation of 1, so that sums are of integers.
const PARTS: f32 = 65_536.0;
/// Added to a positive float below it, which then has its whole part, rounded, in its lowest bits.
const WHOLE: f32 = 8_388_608.0;
/// Pixels that are summed in 32 bits.
const BLOCK: usize = 512;

/// Describes [`Colors`].
pub(super) static CARD: Card = Card {
    name: "colors",
    about: "colourfulness and saturation",
    inputs: &[IMAGE_THUMBNAIL],
    outputs: &[
        Column::f64(
            "image_colorfulness",
            "colourfulness of the thumbnail, 0 (grey) to about 190; 33 is moderate",
        ),
        Column::f64(
            "image_saturation",
            "mean HSV saturation of the thumbnail, 0 (grey) to 1",
        ),
    ],
    source: "Hasler and Süsstrunk 2003, doi:10.1117/12.477378; Smith 1978, doi:10.1145/800248.807361 (HSV)",
    cost: Cost::Moderate,
    version: 1,
};

/// Measures colours; see the module.
#[derive(Debug)]
pub(super) struct Colors;

impl Signal for Colors {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Float64, [n] Float64`; null where the thumbnail is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let rows = thumbnails(&inputs[0]).map(|thumbnail| thumbnail.map(|thumbnail| measure(&thumbnail)));
        Ok(float_columns(rows))
    }
}

/// Colourfulness and saturation.
fn measure(thumbnail: &ThumbnailRef<'_>) -> [f64; 2] {
    let sums = Arch::new().dispatch(Sum {
        rgb: thumbnail.pixels,
    });
    let pixels = thumbnail.pixels.len() / 3;
    let (red_green, red_green_variance) = moments(sums.red_green, sums.red_green_squares, pixels);
    // The sums are of twice the yellow-blue difference.
    let (yellow_blue, yellow_blue_variance) = moments(sums.yellow_blue, sums.yellow_blue_squares, pixels);
    let spread = (red_green_variance + yellow_blue_variance / 4.0).sqrt();
    let offset = (red_green * red_green + yellow_blue * yellow_blue / 4.0).sqrt();
    [
        spread + 0.3 * offset,
        sums.saturation as f64 / f64::from(PARTS) / pixels as f64,
    ]
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    red_green: i64,
    red_green_squares: u64,
    yellow_blue: i64,
    yellow_blue_squares: u64,
    saturation: u64,
}

struct Sum<'a> {
    rgb: &'a [u8],
}

impl WithSimd for Sum<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sums {
        let mut sums = Sums::default();
        let (pixels, _) = self.rgb.as_chunks::<3>();
        for block in pixels.chunks(BLOCK) {
            // A square is below 2^18, so the sum of a block is below 2^27.
            let (mut red_green, mut red_green_squares) = (0i32, 0u32);
            let (mut yellow_blue, mut yellow_blue_squares) = (0i32, 0u32);
            let mut saturation = 0u32;
            for &[red, green, blue] in block {
                let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
                // Whole parts, rounded: at most 2^16, so the sum of a block is at most 2^25.
                let share = f32::from(most - least) / f32::from(most.max(1));
                // A conversion by `as` minds what does not fit, and takes three times as long for the whole loop.
                saturation += (share * PARTS + WHOLE).to_bits() - WHOLE.to_bits();
                let (red, green, blue) = (i32::from(red), i32::from(green), i32::from(blue));
                let (rg, yb) = (red - green, red + green - 2 * blue);
                red_green += rg;
                red_green_squares += (rg * rg) as u32;
                yellow_blue += yb;
                yellow_blue_squares += (yb * yb) as u32;
            }
            sums.red_green += i64::from(red_green);
            sums.red_green_squares += u64::from(red_green_squares);
            sums.yellow_blue += i64::from(yellow_blue);
            sums.yellow_blue_squares += u64::from(yellow_blue_squares);
            sums.saturation += u64::from(saturation);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pixels: &[u8], colorfulness: f64, saturation: f64) {
        let thumbnail = ThumbnailRef {
            width: pixels.len() as u32 / 3,
            height: 1,
            pixels,
        };
        let [found, share] = measure(&thumbnail);
        assert!((found - colorfulness).abs() < 1e-9, "{pixels:?}: {found}");
        assert!((share - saturation).abs() < 1e-5, "{pixels:?}: {share}");
    }

    #[test]
    fn grey_has_no_colour() {
        check(&[0, 0, 0, 9, 9, 9, 255, 255, 255], 0.0, 0.0);
    }

    #[test]
    fn a_single_colour_has_only_its_distance_from_grey() {
        check(&[255, 0, 0], 0.3 * 255f64.hypot(127.5), 1.0);
        check(&[100, 50, 75, 100, 50, 75], 0.3 * 50.0, 0.5);
    }

    #[test]
    fn opposite_colours_have_the_spread() {
        // rg is 255 and -255, yb 127.5 twice.
        check(&[255, 0, 0, 0, 255, 0], 255.0 + 0.3 * 127.5, 1.0);
    }
}
