//! Uniform borders of the thumbnail: letterboxes, frames, margins of scans.
//!
//! The border at a side is the longest run of whole rows (or columns) from that side in which, channel by channel, the
//! highest and the lowest sample differ by at most 16: more than compression adds to a flat area. It is taken at the top,
//! then at the bottom of the rest, then left and right of what remains, so bars inside of bars are found.
//!
//! - `image_border_top`, `_bottom`, `_left`, `_right`: the border as a share of the height or width of the thumbnail, 0 to 1.
//! - `image_border_share`: the share of its area within borders, 0 to 1.
//!
//! A uniform picture is all border: its top is 1, its other sides are 0 and its share is 1. A clear sky is a border as far as
//! its colour stays within the tolerance.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal};

use super::{IMAGE_THUMBNAIL, float_columns, thumbnails};
use crate::thumbnail::ThumbnailRef;

/// How much samples of a channel may differ within a border.
const TOLERANCE: u8 = 16;

/// Describes [`Border`].
pub(super) static CARD: Card = Card {
    name: "border",
    about: "uniform borders",
    inputs: &[IMAGE_THUMBNAIL],
    outputs: &[
        Column::f64(
            "image_border_share",
            "share of the area in uniform borders, 0 to 1",
        ),
        Column::f64(
            "image_border_top",
            "uniform border at the top, share of the height",
        ),
        Column::f64(
            "image_border_bottom",
            "uniform border at the bottom, share of the height",
        ),
        Column::f64(
            "image_border_left",
            "uniform border at the left, share of the width",
        ),
        Column::f64(
            "image_border_right",
            "uniform border at the right, share of the width",
        ),
    ],
    source: "crates/image/src/signal/border.rs",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures borders; see the module.
#[derive(Debug)]
pub(super) struct Border;

impl Signal for Border {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] Float64` five times; null where the thumbnail is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let rows = thumbnails(&inputs[0]).map(|thumbnail| {
            let thumbnail = thumbnail?;
            let (width, height) = (f64::from(thumbnail.width), f64::from(thumbnail.height));
            let [top, bottom, left, right] = borders(&thumbnail).map(|pixels| pixels as f64);
            let inner = (width - left - right) * (height - top - bottom);
            Some([
                1.0 - inner / (width * height),
                top / height,
                bottom / height,
                left / width,
                right / width,
            ])
        });
        Ok(float_columns(rows))
    }
}

/// Rows of border at the top and bottom, columns at the left and right.
fn borders(thumbnail: &ThumbnailRef<'_>) -> [usize; 4] {
    let (width, height) = (thumbnail.width as usize, thumbnail.height as usize);
    let (pixels, _) = thumbnail.pixels.as_chunks::<3>();
    let row = |y: usize| &pixels[y * width..][..width];
    let top = run(height, |y, range| range.takes(row(y)));
    let bottom = run(height - top, |y, range| range.takes(row(height - 1 - y)));
    let rest = &pixels[top * width..(height - bottom) * width];
    if rest.is_empty() {
        return [top, bottom, 0, 0];
    }
    let column = |x: usize| rest[x..].iter().step_by(width);
    let left = run(width, |x, range| range.takes(column(x)));
    let right = run(width - left, |x, range| range.takes(column(width - 1 - x)));
    [top, bottom, left, right]
}

/// How many of the lines in turn are taken.
fn run(lines: usize, takes: impl Fn(usize, &mut Range) -> bool) -> usize {
    let mut range = Range::default();
    (0..lines).take_while(|&line| takes(line, &mut range)).count()
}

/// The samples met so far: lowest and highest of each channel.
struct Range {
    low: [u8; 3],
    high: [u8; 3],
}

impl Default for Range {
    fn default() -> Self {
        Range {
            low: [255; 3],
            high: [0; 3],
        }
    }
}

impl Range {
    /// Whether all samples are within the tolerance, these pixels too.
    fn takes<'a>(&mut self, pixels: impl IntoIterator<Item = &'a [u8; 3]>) -> bool {
        pixels.into_iter().all(|pixel| {
            for (channel, &sample) in pixel.iter().enumerate() {
                self.low[channel] = self.low[channel].min(sample);
                self.high[channel] = self.high[channel].max(sample);
            }
            let ends = self.low.iter().zip(&self.high);
            ends.into_iter().all(|(low, high)| high - low <= TOLERANCE)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the borders of a picture of grey pixels, given as rows of digits in steps of 25 levels.
    fn check(rows: &[&str], expected: [usize; 4]) {
        let pixels: Vec<u8> = rows
            .iter()
            .flat_map(|row| row.bytes().flat_map(|digit| [(digit - b'0') * 25; 3]))
            .collect();
        let thumbnail = ThumbnailRef {
            width: rows[0].len() as u32,
            height: rows.len() as u32,
            pixels: &pixels,
        };
        assert_eq!(borders(&thumbnail), expected, "{rows:?}");
    }

    #[test]
    fn bars_inside_of_bars_are_found() {
        check(&["0000", "0000", "0930", "0470", "9999"], [2, 1, 1, 1]);
    }

    #[test]
    fn each_side_has_its_own_colour() {
        check(&["00000", "91248", "91348", "77777"], [1, 1, 1, 1]);
        check(&["00000", "99248", "99378", "77777"], [1, 1, 2, 1]);
    }

    #[test]
    fn a_uniform_picture_is_all_border() {
        check(&["555", "555"], [2, 0, 0, 0]);
        check(&["5"], [1, 0, 0, 0]);
    }

    #[test]
    fn a_picture_without_border_has_none() {
        check(&["123", "456", "789"], [0, 0, 0, 0]);
    }

    #[test]
    fn a_border_keeps_within_the_tolerance() {
        let row = |level: u8| [level, 0, 0].repeat(2);
        let pixels: Vec<u8> = [0, 8, 16, 17].into_iter().flat_map(row).collect();
        let thumbnail = ThumbnailRef {
            width: 2,
            height: 4,
            pixels: &pixels,
        };
        assert_eq!(borders(&thumbnail), [3, 1, 0, 0]);
    }
}
