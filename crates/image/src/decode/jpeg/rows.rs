//! From samples to rows of pixels.
//!
//! Colours that are stored at half the size are brought to full size as libjpeg does ("fancy upsampling"): a sample takes
//! three quarters of the nearest one and a quarter of the next, across and down. So the last row of a unit waits for the
//! next one.

use libjpeg_turbo_rs::simd::{SimdRoutines, detect};
use pulp::{Arch, Simd, WithSimd};

/// Samples of one component: the last row of the units above, and those of a row of units.
pub(super) struct Samples {
    /// Blocks of a unit, across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Samples of a row.
    stride: usize,
    rows: Vec<u8>,
}

impl Samples {
    pub(super) fn new(units: usize, across: usize, down: usize) -> Samples {
        let stride = units * across * 8;
        Samples {
            across,
            down,
            stride,
            rows: vec![0; stride * (down * 8 + 1)],
        }
    }

    /// Stores the block in row `y` and column `x` of blocks.
    #[inline(always)]
    pub(super) fn put(&mut self, x: usize, y: usize, block: &[u8; 64]) {
        let start = self.stride * (1 + y * 8) + x * 8;
        let area = &mut self.rows[start..start + self.stride * 7 + 8];
        for (row, samples) in area.chunks_mut(self.stride).zip(block.as_chunks::<8>().0) {
            row[..8].copy_from_slice(samples);
        }
    }

    /// Goes to the next row of units.
    pub(super) fn advance(&mut self) {
        let last = self.stride * self.down * 8;
        self.rows.copy_within(last..last + self.stride, 0);
    }

    /// Row 0 is the last one of the units above.
    fn row(&self, at: usize) -> &[u8] {
        &self.rows[at * self.stride..][..self.stride]
    }
}

/// A picture that is made row by row.
pub(super) struct Rows {
    pub(super) kernels: SimdRoutines,
    width: usize,
    height: usize,
    arch: Arch,
    blue: Vec<u8>,
    red: Vec<u8>,
    sums: Vec<u16>,
    line: Vec<u8>,
    pixels: Vec<u8>,
}

impl Rows {
    /// For rows of `stride` samples, `width` of which are seen.
    pub(super) fn new(width: usize, height: usize, stride: usize) -> Rows {
        Rows {
            kernels: detect(),
            width,
            height,
            arch: Arch::new(),
            blue: vec![0; stride],
            red: vec![0; stride],
            sums: vec![0; stride / 2],
            line: vec![0; width * 3],
            pixels: Vec::with_capacity(width * height * 3),
        }
    }

    /// Adds the rows that row `units` of units completes.
    pub(super) fn add(&mut self, units: usize, samples: &[Samples; 3]) {
        if samples[0].down == 1 {
            for row in 1..=8.min(self.height - units * 8) {
                self.add_row(samples, row, row, row);
            }
            return;
        }
        if units > 0 {
            self.add_row(samples, 0, 0, 1);
        }
        let rows = self.height.div_ceil(2);
        for row in 1..=8.min(rows - units * 8) {
            let place = units * 8 + row;
            self.add_row(samples, row * 2 - 1, row, if place == 1 { 1 } else { row - 1 });
            if place == rows {
                if self.height.is_multiple_of(2) {
                    self.add_row(samples, row * 2, row, row);
                }
            } else if row < 8 {
                self.add_row(samples, row * 2, row, row + 1);
            }
        }
    }

    /// Adds a row of luma with the colours of the row that is nearest to it and the next one.
    fn add_row(&mut self, [luma, blue, red]: &[Samples; 3], at: usize, near: usize, next: usize) {
        let (mut blues, mut reds) = (blue.row(near), red.row(near));
        if luma.across == 2 {
            let half = self.width.div_ceil(2);
            for (samples, wide) in [(blue, &mut self.blue), (red, &mut self.red)] {
                let (near, next) = (&samples.row(near)[..half], &samples.row(next)[..half]);
                if luma.down == 1 {
                    self.kernels.fancy_upsample_h2v1(near, half, wide);
                } else {
                    let sums = &mut self.sums[..half];
                    self.arch.dispatch(Widen {
                        near,
                        next,
                        sums,
                        wide,
                    });
                }
            }
            (blues, reds) = (&self.blue, &self.red);
        }
        self.kernels
            .ycbcr_to_rgb_row(luma.row(at), blues, reds, &mut self.line, self.width);
        self.pixels.extend_from_slice(&self.line);
    }

    /// The pixels, if all are there.
    pub(super) fn into_pixels(self) -> Option<Vec<u8>> {
        (self.pixels.len() == self.width * self.height * 3).then_some(self.pixels)
    }
}

/// Brings a row of colours, 3 samples at least, to full size.
struct Widen<'a> {
    near: &'a [u8],
    next: &'a [u8],
    sums: &'a mut [u16],
    wide: &'a mut [u8],
}

impl WithSimd for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Widen {
            near,
            next,
            sums,
            wide,
        } = self;
        for ((sum, near), next) in sums.iter_mut().zip(near).zip(next) {
            *sum = 3 * u16::from(*near) + u16::from(*next);
        }
        let end = sums.len() - 1;
        let (pairs, _) = wide.as_chunks_mut::<2>();
        let pair = |left: u16, at: u16, right: u16| {
            let (first, second) = ((3 * at + left + 8) >> 4, (3 * at + right + 7) >> 4);
            (first | second << 8).to_le_bytes()
        };
        pairs[0] = pair(sums[0], sums[0], sums[1]);
        pairs[end] = pair(sums[end - 1], sums[end], sums[end]);
        for (triple, wide) in sums.windows(3).zip(&mut pairs[1..end]) {
            *wide = pair(triple[0], triple[1], triple[2]);
        }
    }
}
