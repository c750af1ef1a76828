//! From luma and chroma to red, green and blue of 8 bits.
//!
//! Matrices and ranges are those of ITU-T H.273. Chroma that is stored at half size is taken to lie in the middle of
//! its pixels and is interpolated linearly: 3/4 of the nearest sample and 1/4 of the next, in each direction that is
//! halved, the outermost sample repeated at the edges. Samples of more than 8 bits are rounded after the matrix. The
//! arithmetic is that of integers with 16 binary digits, so that every machine gives the same bytes.
//!
//! Transfer function and primaries stay as they are here, and what falls outside 0 to 255 is clamped.

use gristmill_core::Fault;

/// Which directions of the chroma planes have half the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subsampling {
    /// There is no chroma.
    Gray,
    /// None: 4:4:4.
    None,
    /// 4:2:2.
    Columns,
    /// 4:2:0.
    Both,
}

/// How samples mean colours: code points of H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coding {
    /// Colour primaries.
    pub(crate) primaries: u16,
    /// Transfer characteristics.
    pub(crate) transfer: u16,
    /// Matrix coefficients.
    pub(crate) matrix: u16,
    /// Whether all values of a sample are used.
    pub(crate) is_full_range: bool,
}

/// Samples of one component, row by row without padding.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) samples: Vec<u16>,
}

impl Plane {
    fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        Plane {
            width,
            samples: vec![0; width * height],
        }
    }

    fn row(&self, row: usize) -> &[u16] {
        &self.samples[row * self.width..][..self.width]
    }
}

/// A picture in components.
#[derive(Debug, Clone)]
pub(crate) struct Planes {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Bits of a sample, 8 to 12.
    pub(crate) bits: u8,
    pub(crate) subsampling: Subsampling,
    /// Luma and two of chroma, which are empty where there is none.
    pub(crate) planes: [Plane; 3],
}

impl Planes {
    /// A picture of zeros.
    pub(crate) fn new(width: u32, height: u32, bits: u8, subsampling: Subsampling) -> Self {
        let chroma = match subsampling {
            Subsampling::Gray => (0, 0),
            Subsampling::None => (width, height),
            Subsampling::Columns => (width.div_ceil(2), height),
            Subsampling::Both => (width.div_ceil(2), height.div_ceil(2)),
        };
        Planes {
            width,
            height,
            bits,
            subsampling,
            planes: [
                Plane::new(width, height),
                Plane::new(chroma.0, chroma.1),
                Plane::new(chroma.0, chroma.1),
            ],
        }
    }

    /// Copies a tile to a place, as much of it as fits.
    pub(crate) fn put(&mut self, tile: &Planes, left: u32, top: u32) -> Result<(), Fault> {
        if (tile.bits, tile.subsampling) != (self.bits, self.subsampling) {
            return Err(Fault::unsupported("grid with tiles of different kinds"));
        }
        let (halves_columns, halves_rows) = match self.subsampling {
            Subsampling::Both => (1, 1),
            Subsampling::Columns => (1, 0),
            Subsampling::None | Subsampling::Gray => (0, 0),
        };
        if left & halves_columns != 0 || top & halves_rows != 0 {
            return Err(Fault::malformed("grid with tiles of odd size"));
        }
        for (index, (to, from)) in self.planes.iter_mut().zip(&tile.planes).enumerate() {
            if from.samples.is_empty() {
                continue;
            }
            let is_chroma = u32::from(index > 0);
            let left = (left >> (halves_columns * is_chroma)) as usize;
            let top = (top >> (halves_rows * is_chroma)) as usize;
            let count = from.width.min(to.width.saturating_sub(left));
            if count == 0 {
                continue;
            }
            let rows = to.samples.chunks_exact_mut(to.width).skip(top);
            for (to, from) in rows.zip(from.samples.chunks_exact(from.width)) {
                to[left..left + count].copy_from_slice(&from[..count]);
            }
        }
        Ok(())
    }

    /// Luma alone as 8 bits: grey, or opacity.
    pub(crate) fn luma(&self, is_full_range: bool) -> Vec<u8> {
        let max = (1 << self.bits) - 1;
        let (offset, range) = luma_range(self.bits, is_full_range);
        let table: Vec<u8> = (0..=max)
            .map(|value: i32| (((value - offset) * 255 + range / 2) / range).clamp(0, 255) as u8)
            .collect();
        let samples = &self.planes[0].samples;
        samples
            .iter()
            .map(|&sample| table[usize::from(sample).min(table.len() - 1)])
            .collect()
    }

    /// Pixels of red, green and blue.
    pub(crate) fn rgb(&self, coding: Coding) -> Result<Vec<u8>, Fault> {
        let matrix = Matrix::new(coding, self.bits)?;
        if coding.matrix == 0 && self.subsampling != Subsampling::None {
            return Err(Fault::malformed("colours without luma at half size"));
        }
        let mut pixels = vec![0; self.width as usize * self.height as usize * 3];
        pulp::Arch::new().dispatch(|| self.convert(&matrix, &mut pixels));
        Ok(pixels)
    }

    #[inline(always)]
    fn convert(&self, matrix: &Matrix, pixels: &mut [u8]) {
        let width = self.width as usize;
        let [luma, blue, red] = &self.planes;
        let mut scratch = vec![0; blue.width];
        let mut chroma = [vec![0; width], vec![0; width]];
        for (row, pixels) in pixels.chunks_exact_mut(width * 3).enumerate() {
            for (plane, wide) in [blue, red].into_iter().zip(&mut chroma) {
                match self.subsampling {
                    Subsampling::Gray => {}
                    Subsampling::None => blend(plane.row(row), plane.row(row), wide),
                    Subsampling::Columns => {
                        blend(plane.row(row), plane.row(row), &mut scratch);
                        widen(&scratch, wide);
                    }
                    Subsampling::Both => {
                        let near = row / 2;
                        let last = (self.height as usize - 1) / 2;
                        let far = if row % 2 == 0 {
                            near.saturating_sub(1)
                        } else {
                            (near + 1).min(last)
                        };
                        blend(plane.row(near), plane.row(far), &mut scratch);
                        widen(&scratch, wide);
                    }
                }
            }
            // Chroma carries a factor of 4 for each direction that could be halved.
            let factor_bits = match self.subsampling {
                Subsampling::None | Subsampling::Gray => 2,
                Subsampling::Columns | Subsampling::Both => 4,
            };
            matrix.row(luma.row(row), &chroma[0], &chroma[1], factor_bits, pixels);
        }
    }
}

/// 3 times the near row and once the far one.
#[inline(always)]
fn blend(near: &[u16], far: &[u16], out: &mut [i32]) {
    for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *out = 3 * i32::from(near) + i32::from(far);
    }
}

/// Each sample becomes two: 3 times the near one and once the neighbour.
#[inline(always)]
fn widen(narrow: &[i32], wide: &mut [i32]) {
    let (Some(&first), Some(&last)) = (narrow.first(), narrow.last()) else {
        return;
    };
    let end = wide.len() - 1;
    wide[0] = 4 * first;
    // Pairs of pixels lie between two samples each; the first pixel, and the last of an even width, at the edges.
    let (pairs, _) = wide[1..].as_chunks_mut::<2>();
    for (pair, two) in pairs.iter_mut().zip(narrow.windows(2)) {
        pair[0] = 3 * two[0] + two[1];
        pair[1] = two[0] + 3 * two[1];
    }
    if end % 2 == 1 {
        wide[end] = 4 * last;
    }
}

/// Offset and range of luma.
fn luma_range(bits: u8, is_full_range: bool) -> (i32, i32) {
    if is_full_range {
        (0, (1 << bits) - 1)
    } else {
        (16 << (bits - 8), 219 << (bits - 8))
    }
}

/// Rows are red, green and blue; columns luma, Cb and Cr. In units of 2^-16 of an 8-bit step.
struct Matrix {
    luma_offset: i32,
    chroma_offset: i32,
    luma: [i32; 3],
    chroma: [[f64; 2]; 3],
}

impl Matrix {
    fn new(coding: Coding, bits: u8) -> Result<Self, Fault> {
        let (luma_offset, luma_range) = luma_range(bits, coding.is_full_range);
        let chroma_range = if coding.is_full_range {
            (1 << bits) - 1
        } else {
            224 << (bits - 8)
        };
        let mid = 1 << (bits - 1);
        let of_luma = 255.0 * 65536.0 / f64::from(luma_range);
        let of_chroma = 255.0 * 65536.0 / f64::from(chroma_range);
        let step = of_luma.round() as i32;
        // Colours stored as they are: green, blue, red.
        if coding.matrix == 0 {
            return Ok(Matrix {
                luma_offset,
                chroma_offset: luma_offset,
                luma: [0, step, 0],
                chroma: [[0.0, of_luma], [0.0, 0.0], [of_luma, 0.0]],
            });
        }
        // YCgCo.
        if coding.matrix == 8 {
            return Ok(Matrix {
                luma_offset,
                chroma_offset: mid,
                luma: [step; 3],
                chroma: [
                    [-of_chroma, of_chroma],
                    [of_chroma, 0.0],
                    [-of_chroma, -of_chroma],
                ],
            });
        }
        let (red, blue) = luma_weights(coding)?;
        let green = 1.0 - red - blue;
        let (from_red, from_blue) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
        Ok(Matrix {
            luma_offset,
            chroma_offset: mid,
            luma: [step; 3],
            chroma: [
                [0.0, of_chroma * from_red],
                [
                    -of_chroma * from_blue * blue / green,
                    -of_chroma * from_red * red / green,
                ],
                [of_chroma * from_blue, 0.0],
            ],
        })
    }

    #[inline(always)]
    fn row(&self, luma: &[u16], blue: &[i32], red: &[i32], factor_bits: u32, pixels: &mut [u8]) {
        let factor = 1 << factor_bits;
        let chroma = self
            .chroma
            .map(|row| row.map(|value| (value / f64::from(factor)).round() as i32));
        let chroma_offset = self.chroma_offset * factor;
        let [[rb, rr], [gb, gr], [bb, br]] = chroma;
        let [ry, gy, by] = self.luma;
        let (pixels, _) = pixels.as_chunks_mut::<3>();
        for (((pixel, &y), &b), &r) in pixels.iter_mut().zip(luma).zip(blue).zip(red) {
            let y = i32::from(y) - self.luma_offset;
            let (b, r) = (b - chroma_offset, r - chroma_offset);
            let round = |value: i32| ((value + 32768) >> 16).clamp(0, 255) as u8;
            *pixel = [
                round(ry * y + rb * b + rr * r),
                round(gy * y + gb * b + gr * r),
                round(by * y + bb * b + br * r),
            ];
        }
    }
}

/// How much of luma is red and blue.
fn luma_weights(coding: Coding) -> Result<(f64, f64), Fault> {
    Ok(match coding.matrix {
        1 => (0.2126, 0.0722),
        4 => (0.30, 0.11),
        // Where nothing is said, as JPEG.
        2 | 5 | 6 => (0.299, 0.114),
        7 => (0.212, 0.087),
        9 => (0.2627, 0.0593),
        12 => match coding.primaries {
            1 | 2 => (0.2126, 0.0722),
            9 => (0.2627, 0.0593),
            12 => (0.228_973, 0.079_287),
            primaries => return Err(Fault::unsupported(format!("luma of primaries {primaries}"))),
        },
        matrix => return Err(Fault::unsupported(format!("matrix coefficients {matrix}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(matrix: u16, is_full_range: bool) -> Coding {
        Coding {
            primaries: 1,
            transfer: 13,
            matrix,
            is_full_range,
        }
    }

    fn picture(bits: u8, subsampling: Subsampling, size: (u32, u32), fill: [u16; 3]) -> Planes {
        let mut planes = Planes::new(size.0, size.1, bits, subsampling);
        for (plane, value) in planes.planes.iter_mut().zip(fill) {
            plane.samples.fill(value);
        }
        planes
    }

    /// One colour everywhere, whatever the size of the chroma planes.
    fn check(bits: u8, coding: Coding, fill: [u16; 3], expected: [u8; 3]) {
        for subsampling in [Subsampling::None, Subsampling::Columns, Subsampling::Both] {
            if coding.matrix == 0 && subsampling != Subsampling::None {
                continue;
            }
            for size in [(1, 1), (2, 1), (5, 3), (16, 4)] {
                let pixels = picture(bits, subsampling, size, fill).rgb(coding).unwrap();
                assert_eq!(pixels.len(), (size.0 * size.1 * 3) as usize);
                for pixel in pixels.chunks(3) {
                    assert_eq!(pixel, expected, "{subsampling:?} {size:?}");
                }
            }
        }
    }

    #[test]
    fn primary_colours_of_h273_come_back() {
        // Y = 0.299 R and so on, Cb and Cr by the definition, in full range.
        check(8, coding(6, true), [76, 85, 255], [254, 0, 0]);
        check(8, coding(6, false), [81, 90, 240], [254, 0, 0]);
        check(8, coding(1, false), [63, 102, 240], [255, 1, 0]);
        check(8, coding(9, false), [74, 97, 240], [255, 0, 1]);
    }

    #[test]
    fn black_white_and_grey_have_no_colour() {
        check(8, coding(1, false), [16, 128, 128], [0, 0, 0]);
        check(8, coding(1, false), [235, 128, 128], [255, 255, 255]);
        check(10, coding(9, false), [940, 512, 512], [255, 255, 255]);
        check(12, coding(6, true), [4095, 2048, 2048], [255, 255, 255]);
        check(12, coding(6, true), [2056, 2048, 2048], [128, 128, 128]);
    }

    #[test]
    fn identity_stores_green_blue_red() {
        check(8, coding(0, true), [20, 30, 10], [10, 20, 30]);
        check(10, coding(0, true), [80, 120, 40], [10, 20, 30]);
    }

    #[test]
    fn values_beyond_white_are_clamped() {
        check(8, coding(1, false), [255, 128, 128], [255, 255, 255]);
        check(8, coding(1, false), [0, 128, 128], [0, 0, 0]);
    }

    #[test]
    fn chroma_is_interpolated_between_its_samples() {
        let mut wide = [0; 6];
        widen(&[0, 16, 32], &mut wide);
        assert_eq!(wide, [0, 16, 48, 80, 112, 128]);
        let mut wide = [0; 5];
        widen(&[0, 16, 32], &mut wide);
        assert_eq!(wide, [0, 16, 48, 80, 112]);
        let mut wide = [0; 1];
        widen(&[7], &mut wide);
        assert_eq!(wide, [28]);
    }

    #[test]
    fn a_tile_is_cut_at_the_edge_of_the_grid() {
        let mut canvas = Planes::new(5, 3, 8, Subsampling::Both);
        canvas
            .put(&picture(8, Subsampling::Both, (4, 4), [9, 8, 7]), 2, 2)
            .unwrap();
        assert_eq!(
            canvas.planes[0].samples,
            [[0; 5], [0; 5], [0, 0, 9, 9, 9]].concat()
        );
        assert_eq!(canvas.planes[2].samples, [[0, 0, 0], [0, 7, 7]].concat());
    }

    #[test]
    fn opacity_of_twelve_bits_reaches_both_ends() {
        let mut alpha = Planes::new(3, 1, 12, Subsampling::Gray);
        alpha.planes[0].samples = vec![0, 2048, 4095];
        assert_eq!(alpha.luma(true), [0, 128, 255]);
    }
}
