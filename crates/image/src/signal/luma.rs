//! The luma of the thumbnail, computed once and shared by the signals that see no colour.
//!
//! Luma is `0.299 R + 0.587 G + 0.114 B` of ITU-R BT.601 in steps of 2^-16, rounded to 8 bits, as Pillow's mode `L`.

use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryViewArray, builder::BinaryViewBuilder, cast::AsArray};
use arrow_buffer::Buffer;
use gristmill_core::{Card, Column, Cost, Result, Signal};
use pulp::{Arch, Simd, WithSimd};

use super::{IMAGE_THUMBNAIL, lanczos::scaled, thumbnails};
use crate::thumbnail::ThumbnailRef;

/// Width and height as little-endian numbers of 4 bytes, then a byte for each pixel, row by row from the top.
pub(super) const IMAGE_LUMA: Column = Column::work(
    "image_luma",
    "the luma of the thumbnail: width, height, a byte for each pixel",
);

/// Bytes before the pixels.
const HEAD: usize = 8;

/// Describes [`Luma`].
pub(super) static CARD: Card = Card {
    name: "luma",
    about: "the luma of the thumbnail",
    inputs: &[IMAGE_THUMBNAIL],
    outputs: &[IMAGE_LUMA],
    source: "ITU-R BT.601; Pillow, mode L",
    cost: Cost::Moderate,
    version: 1,
};

/// Computes luma; see the module.
#[derive(Debug)]
pub(super) struct Luma;

impl Signal for Luma {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] BinaryView -> [n] BinaryView`; null where the thumbnail is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let mut lumas = BinaryViewBuilder::new();
        for thumbnail in thumbnails(&inputs[0]) {
            let Some(thumbnail) = thumbnail else {
                lumas.append_null();
                continue;
            };
            // A block of its own: what was computed in place is not copied.
            let bytes = luma(&thumbnail);
            let length = bytes.len() as u32;
            let block = lumas.append_block(Buffer::from(bytes));
            lumas
                .try_append_view(block, 0, length)
                .expect("a view of a whole block is within it");
        }
        Ok(vec![Arc::new(lumas.finish())])
    }
}

fn luma(thumbnail: &ThumbnailRef<'_>) -> Vec<u8> {
    let mut bytes = vec![0; HEAD + thumbnail.pixels.len() / 3];
    bytes[..4].copy_from_slice(&thumbnail.width.to_le_bytes());
    bytes[4..HEAD].copy_from_slice(&thumbnail.height.to_le_bytes());
    Arch::new().dispatch(Weigh {
        rgb: thumbnail.pixels,
        luma: &mut bytes[HEAD..],
    });
    bytes
}

struct Weigh<'a> {
    rgb: &'a [u8],
    luma: &'a mut [u8],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (pixels, _) = self.rgb.as_chunks::<3>();
        for (luma, &[red, green, blue]) in self.luma.iter_mut().zip(pixels) {
            let sum = u32::from(red) * 19_595 + u32::from(green) * 38_470 + u32::from(blue) * 7_471;
            *luma = ((sum + (1 << 15)) >> 16) as u8;
        }
    }
}

/// The luma of a thumbnail.
#[derive(Debug, Clone, Copy)]
pub(super) struct LumaRef<'a> {
    /// Columns of pixels, at least 1.
    pub(super) width: usize,
    /// Rows of pixels, at least 1.
    pub(super) height: usize,
    /// `width * height` bytes.
    pub(super) pixels: &'a [u8],
}

impl<'a> LumaRef<'a> {
    fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        let (&[w0, w1, w2, w3, h0, h1, h2, h3], pixels) = bytes.split_first_chunk::<HEAD>()?;
        let width = u32::from_le_bytes([w0, w1, w2, w3]) as usize;
        let height = u32::from_le_bytes([h0, h1, h2, h3]) as usize;
        let is_whole = !pixels.is_empty() && Some(pixels.len()) == width.checked_mul(height);
        is_whole.then_some(LumaRef {
            width,
            height,
            pixels,
        })
    }

    /// The luma at another size of `N` pixels; see [`lanczos`](super::lanczos).
    pub(super) fn scaled<const N: usize>(&self, width: usize, height: usize) -> [u8; N] {
        scaled(self.pixels, self.width, width, height)
            .try_into()
            .expect("as many samples come out as were asked for")
    }

    /// The rows above, at and below each row. Beyond the border the picture is mirrored at the outermost row.
    pub(super) fn neighbouring_rows(&self) -> impl Iterator<Item = [&'a [u8]; 3]> {
        let Self {
            width,
            height,
            pixels,
        } = *self;
        let row = move |at: usize| &pixels[at * width..][..width];
        let last = height - 1;
        (0..height).map(move |at| {
            let above = if at == 0 { 1.min(last) } else { at - 1 };
            let below = if at == last {
                last.saturating_sub(1)
            } else {
                at + 1
            };
            [row(above), row(at), row(below)]
        })
    }
}

/// The lumas of a column, none where it is null.
pub(super) fn lumas(column: &ArrayRef) -> impl Iterator<Item = Option<LumaRef<'_>>> {
    let lumas: &BinaryViewArray = column.as_binary_view();
    lumas.iter().map(|luma| luma.and_then(LumaRef::from_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luma_weighs_green_most() {
        let pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0];
        let thumbnail = ThumbnailRef {
            width: 5,
            height: 1,
            pixels: &pixels,
        };
        assert_eq!(luma(&thumbnail)[HEAD..], [76, 150, 29, 255, 0]);
    }

    #[test]
    fn beyond_the_border_the_picture_is_mirrored() {
        let rows = |pixels: &[u8]| -> Vec<[u8; 3]> {
            let luma = LumaRef {
                width: 1,
                height: pixels.len(),
                pixels,
            };
            luma.neighbouring_rows()
                .map(|rows| rows.map(|row| row[0]))
                .collect()
        };
        assert_eq!(rows(&[1, 2, 3]), [[2, 1, 2], [1, 2, 3], [2, 3, 2]]);
        assert_eq!(rows(&[1]), [[1, 1, 1]]);
        assert_eq!(rows(&[1, 2]), [[2, 1, 2], [1, 2, 1]]);
    }

    #[test]
    fn other_bytes_are_no_luma() {
        assert!(LumaRef::from_bytes(&[1, 0, 0, 0, 1, 0, 0, 0, 7]).is_some());
        assert!(LumaRef::from_bytes(&[1, 0, 0, 0, 1, 0, 0, 0]).is_none());
        assert!(LumaRef::from_bytes(&[0; 8]).is_none());
        assert!(LumaRef::from_bytes(&[]).is_none());
    }
}
