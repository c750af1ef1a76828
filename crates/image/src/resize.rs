//! Scaling down.
//!
//! A triangle filter whose support grows with the ratio (anti-aliased bilinear), in 8 bits of the stored colours. Colours
//! are weighted with their opacity.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};

/// The size with the longer side at most `longest`: the shorter side rounded to the nearest pixel, at least 1.
pub(crate) fn fitting(width: u32, height: u32, longest: u32) -> (u32, u32) {
    let side = u64::from(width.max(height));
    if side <= u64::from(longest) {
        return (width, height);
    }
    let scale = |of: u32| (((u64::from(of) * u64::from(longest) * 2 + side) / (side * 2)) as u32).max(1);
    (scale(width), scale(height))
}

/// Pixels that are scaled: their size, and bytes of a pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid<'a> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 1 to 4.
    pub(crate) channels: usize,
    /// Whether the last byte of two or four is opacity.
    pub(crate) has_alpha: bool,
    pub(crate) pixels: &'a [u8],
}

/// The pixels of `grid` at this size.
pub(crate) fn scaled(grid: Grid<'_>, width: u32, height: u32) -> Vec<u8> {
    let kind = match grid.channels {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let source = ImageRef::new(grid.width, grid.height, grid.pixels, kind)
        .expect("a picture has the bytes that its size says");
    let mut small = Image::new(width, height, kind);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(grid.has_alpha);
    Resizer::new()
        .resize(&source, &mut small, &options)
        .expect("both pictures are of the same pixels");
    small.into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: u32, height: u32, expected: (u32, u32)) {
        assert_eq!(fitting(width, height, 512), expected, "{width} x {height}");
    }

    #[test]
    fn the_longer_side_fits_and_nothing_is_enlarged() {
        check(1, 1, (1, 1));
        check(512, 300, (512, 300));
        check(513, 513, (512, 512));
        check(1024, 3, (512, 2));
        check(300, 1000, (154, 512));
        check(u32::MAX, 1, (512, 1));
    }

    #[test]
    fn transparent_colours_do_not_bleed() {
        let pixels = [[255, 0, 0, 255], [0, 255, 0, 0]].concat();
        let grid = Grid {
            width: 2,
            height: 1,
            channels: 4,
            has_alpha: true,
            pixels: &pixels,
        };
        assert_eq!(scaled(grid, 1, 1), [255, 0, 0, 128]);
    }
}
