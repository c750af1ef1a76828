//! PDQ: 256 bits of a picture, and how far they can be trusted.
//!
//! The luma `0.299 R + 0.587 G + 0.114 B` is blurred by two box filters along each axis (of `ceil(n / 128)` pixels, cut
//! off at the borders), sampled at the centres of 64x64 cells, and transformed by a cosine transform of which the
//! frequencies 1 to 16 along each axis are kept. A bit says whether its frequency is above the median. Quality is the
//! sum of steps between neighbouring samples, each truncated to percent of the range, divided by 90, at most 100: below
//! 50 a picture has too few features to be compared. Two pictures match up to 31 different bits.
//!
//! Box filters along one axis commute with those along the other, so each output is a weighted sum of at most
//! `(2 * ceil(n / 128) - 1)²` pixels, and the blurred picture is never made. Values differ from those of the reference
//! in the last bits of a float, hashes where a frequency lies that close to the median.
//!
//! The reference program first stretches a picture that is longer than 512 pixels to 512x512. [`Spectrum::of`] takes a
//! picture as it is; [`Spectrum::stretched`] looks at it as if it had been stretched, each of the 512 pixels along an axis the
//! mean of the part that it covers. A picture with a side below 5 pixels has the hash of zeros and quality 0.
//!
//! Of a picture without change along an axis, such as stripes, most frequencies are 0 but for rounding, and so are bits.
//!
//! Turning or mirroring a picture changes the signs of frequencies and exchanges the axes; [`Spectrum::dihedral`] gives the
//! hashes of all eight positions. They are those of the turned or mirrored picture but for bits near the median, since box
//! filters of an even number of pixels reach further to one side. Inverting the colours negates every frequency, so the hash of the negative is the
//! complement but for the bit or two at the median, and quality stays.
//!
//! Source: Facebook, PDQ, 2019 (ThreatExchange, `pdq/cpp`).

use std::{f64::consts::PI, fmt, ops::Range, sync::LazyLock};

use pulp::{Arch, Simd, WithSimd};

/// Samples along a side.
const SAMPLES: usize = 64;
/// Frequencies along a side.
const FREQUENCIES: usize = 16;
/// The side to which the reference stretches a larger picture.
const STRETCHED: usize = 512;
/// A picture with a shorter side has no hash.
const LEAST_SIDE: usize = 5;

/// The 256 bits, the last one first: as hexadecimal digits they read like the text form of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PdqHash(pub [u8; 32]);

impl PdqHash {
    /// In how many bits two hashes differ, 0 to 256.
    pub fn distance(&self, other: &PdqHash) -> u32 {
        let (one, two) = (self.0.as_chunks().0, other.0.as_chunks().0);
        let pairs = one.iter().zip(two);
        pairs
            .map(|(one, two)| (u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*two)).count_ones())
            .sum()
    }

    /// The hash of the picture mirrored left to right; see [`PdqHash::dihedral`].
    pub fn mirrored(self) -> PdqHash {
        let (_, mask) = SIGNS[MIRRORED];
        self.xor(mask)
    }

    /// The hashes of the picture in all eight positions, as those of [`Spectrum::dihedral`] would be if the median of the
    /// frequencies were 0: some bits away from them. Applied to one of the eight it gives the same eight.
    pub fn dihedral(self) -> [PdqHash; 8] {
        let transposed = self.transposed();
        SIGNS.map(|(transposes, mask)| if transposes { transposed } else { self }.xor(mask))
    }

    fn xor(self, mask: PdqHash) -> PdqHash {
        PdqHash(std::array::from_fn(|at| self.0[at] ^ mask.0[at]))
    }

    fn transposed(self) -> PdqHash {
        let mut transposed = PdqHash::default();
        for bit in 0..FREQUENCIES * FREQUENCIES {
            let from = bit % FREQUENCIES * FREQUENCIES + bit / FREQUENCIES;
            transposed.set(bit, self.0[31 - from / 8] >> (from % 8) & 1 == 1);
        }
        transposed
    }

    fn set(&mut self, bit: usize, value: bool) {
        self.0[31 - bit / 8] |= u8::from(value) << (bit % 8);
    }
}

/// Whether rows become columns, and which frequencies change their sign, by the place of a frequency down and across.
type Position = (bool, fn(usize, usize) -> bool);

/// The positions of a picture.
const POSITIONS: [Position; 8] = [
    (false, |_, _| false),
    (true, |_, j| is_odd(j)),
    (false, |i, j| is_odd(i) != is_odd(j)),
    (true, |i, _| is_odd(i)),
    (false, |i, _| is_odd(i)),
    (false, |_, j| is_odd(j)),
    (true, |_, _| false),
    (true, |i, j| is_odd(i) != is_odd(j)),
];

/// Where the picture that is mirrored left to right is among them.
const MIRRORED: usize = 5;

/// Of each position whether rows become columns, and then the bits of the frequencies that change their sign.
static SIGNS: LazyLock<[(bool, PdqHash); 8]> = LazyLock::new(|| {
    POSITIONS.map(|(transposes, flips)| {
        let mut mask = PdqHash::default();
        for bit in 0..FREQUENCIES * FREQUENCIES {
            let (row, column) = (bit / FREQUENCIES, bit % FREQUENCIES);
            let flips = if transposes {
                flips(column, row)
            } else {
                flips(row, column)
            };
            mask.set(bit, flips);
        }
        (transposes, mask)
    })
});

/// Whether the frequency at a place is odd, since the first one is 1: mirroring changes the sign of those.
const fn is_odd(place: usize) -> bool {
    place.is_multiple_of(2)
}

impl fmt::Display for PdqHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What hashes of a picture are made of.
#[derive(Debug, Clone)]
pub struct Spectrum {
    /// By the frequency down, then the frequency across; none for a picture that is too small.
    frequencies: Option<[[f32; FREQUENCIES]; FREQUENCIES]>,
    quality: u8,
}

impl Spectrum {
    /// The spectrum of a picture of `width * height * 3` bytes: red, green, blue, row by row from the top.
    ///
    /// # Panics
    ///
    /// If there are not that many bytes.
    pub fn of(width: u32, height: u32, rgb: &[u8]) -> Spectrum {
        Spectrum::sampled(width, height, rgb, |side| side)
    }

    /// The same as if the picture were stretched to 512x512: for pictures that were longer than 512 pixels and were made
    /// smaller in another way.
    ///
    /// # Panics
    ///
    /// If there are not `width * height * 3` bytes.
    pub fn stretched(width: u32, height: u32, rgb: &[u8]) -> Spectrum {
        Spectrum::sampled(width, height, rgb, |_| STRETCHED)
    }

    /// `grid` tells how many pixels the reference sees along a side.
    fn sampled(width: u32, height: u32, rgb: &[u8], grid: fn(usize) -> usize) -> Spectrum {
        let (width, height) = (width as usize, height as usize);
        assert_eq!(rgb.len(), width * height * 3, "bytes of a picture");
        if width.min(height) < LEAST_SIDE {
            return Spectrum {
                frequencies: None,
                quality: 0,
            };
        }
        Arch::new().dispatch(Transform {
            width,
            rgb,
            down: &taps(height, grid(height)),
            across: &taps(width, grid(width)),
        })
    }

    /// How far the hash can be trusted, 0 to 100; see the module.
    pub fn quality(&self) -> u8 {
        self.quality
    }

    /// The hash of the picture.
    pub fn hash(&self) -> PdqHash {
        self.hash_of(|frequencies| *frequencies)
    }

    /// The hashes of the picture in all eight positions, in the order of the reference: as it is, turned by 90, 180
    /// and 270 degrees counter-clockwise, mirrored top to bottom, mirrored left to right, mirrored at the main diagonal
    /// (rows become columns), mirrored at the other one.
    pub fn dihedral(&self) -> [PdqHash; 8] {
        POSITIONS.map(|(transposes, flips)| {
            self.hash_of(|from| {
                let mut to = [[0.0; FREQUENCIES]; FREQUENCIES];
                for (i, row) in from.iter().enumerate() {
                    for (j, &frequency) in row.iter().enumerate() {
                        let (row, column) = if transposes { (j, i) } else { (i, j) };
                        to[row][column] = if flips(i, j) { -frequency } else { frequency };
                    }
                }
                to
            })
        })
    }

    fn hash_of(&self, place: impl Fn(&Frequencies) -> Frequencies) -> PdqHash {
        let mut hash = PdqHash::default();
        let Some(frequencies) = self.frequencies.as_ref().map(place) else {
            return hash;
        };
        let frequencies = frequencies.as_flattened();
        let mut sorted = [0.0; FREQUENCIES * FREQUENCIES];
        sorted.copy_from_slice(frequencies);
        // The lower of the two in the middle.
        let middle = sorted.len() / 2 - 1;
        let (_, &mut median, _) = sorted.select_nth_unstable_by(middle, f32::total_cmp);
        for (bit, &frequency) in frequencies.iter().enumerate() {
            hash.set(bit, frequency > median);
        }
        hash
    }
}

type Frequencies = [[f32; FREQUENCIES]; FREQUENCIES];
type Samples = [[f32; SAMPLES]; SAMPLES];

/// The way from pixels to frequencies. A type, since the compiler does not inline a closure into the code for each CPU.
struct Transform<'a> {
    width: usize,
    rgb: &'a [u8],
    /// Of rows and of columns, one for each sample.
    down: &'a [Tap],
    across: &'a [Tap],
}

impl WithSimd for Transform<'_> {
    type Output = Spectrum;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Spectrum {
        let samples = self.samples();
        Spectrum {
            frequencies: Some(transform(&samples)),
            quality: quality(&samples),
        }
    }
}

impl Transform<'_> {
    /// The blurred luma at the centres of 64x64 cells.
    #[inline(always)]
    fn samples(&self) -> Samples {
        let mut samples = [[0.0; SAMPLES]; SAMPLES];
        let mut blurred = vec![0f32; self.width * 3];
        let mut luma = vec![0f32; self.width];
        for (samples, tap) in samples.iter_mut().zip(self.down) {
            blurred.fill(0.0);
            let rows = self.rgb.chunks_exact(self.width * 3).skip(tap.first);
            for (row, weight) in rows.zip(&tap.weights) {
                for (sum, &sample) in blurred.iter_mut().zip(row) {
                    *sum += weight * f32::from(sample);
                }
            }
            let (pixels, _) = blurred.as_chunks::<3>();
            for (luma, [red, green, blue]) in luma.iter_mut().zip(pixels) {
                *luma = 0.299 * red + 0.587 * green + 0.114 * blue;
            }
            for (sample, tap) in samples.iter_mut().zip(self.across) {
                let pixels = luma[tap.first..].iter().zip(&tap.weights);
                *sample = pixels.map(|(luma, weight)| luma * weight).sum();
            }
        }
        samples
    }
}

/// Where a sample looks along one axis: `weights[k]` at pixel `first + k`.
struct Tap {
    first: usize,
    weights: Vec<f32>,
}

/// Two box filters over a grid, at the centres of the cells, where the grid is laid over `length` pixels.
fn taps(length: usize, grid: usize) -> Vec<Tap> {
    let window = grid.div_ceil(2 * SAMPLES);
    let ahead = window / 2 + 1;
    // The points that a box around a point covers.
    let covered = |centre: usize| -> Range<usize> {
        (centre + ahead).saturating_sub(window)..(centre + ahead).min(grid)
    };
    let tap = |cell: usize| {
        let outer = covered((2 * cell + 1) * grid / (2 * SAMPLES));
        let (first, end) = (covered(outer.start).start, covered(outer.end - 1).end);
        let mut points = vec![0f64; end - first];
        for centre in outer.clone() {
            let inner = covered(centre);
            let weight = 1.0 / (inner.len() * outer.len()) as f64;
            for point in inner {
                points[point - first] += weight;
            }
        }
        laid_over(first, &points, length, grid)
    };
    (0..SAMPLES).map(tap).collect()
}

/// The weights of pixels, from those of the points of the grid from `first` on: each point is the mean of the pixels under
/// it.
fn laid_over(first: usize, points: &[f64], length: usize, grid: usize) -> Tap {
    // In units of the product, a pixel is `grid` and a point `length` long.
    let from = first * length / grid;
    let to = ((first + points.len()) * length).div_ceil(grid);
    let mut weights = vec![0f64; to - from];
    for (weight, point) in points.iter().zip(first..) {
        let (start, end) = (point * length, (point + 1) * length);
        for pixel in start / grid..end.div_ceil(grid) {
            let under = end.min((pixel + 1) * grid) - start.max(pixel * grid);
            weights[pixel - from] += weight * under as f64 / length as f64;
        }
    }
    Tap {
        first: from,
        weights: weights.iter().map(|&weight| weight as f32).collect(),
    }
}

/// The steps between neighbours, each truncated to percent of the range.
#[inline(always)]
fn quality(samples: &Samples) -> u8 {
    let step = |one: f32, two: f32| (((one - two) * 100.0) / 255.0) as i32;
    let mut steps = 0;
    for pair in samples.windows(2) {
        let neighbours = pair[0].iter().zip(&pair[1]);
        steps += neighbours.map(|(&one, &two)| step(one, two).abs()).sum::<i32>();
    }
    for row in samples {
        let neighbours = row.iter().zip(&row[1..]);
        steps += neighbours.map(|(&one, &two)| step(one, two).abs()).sum::<i32>();
    }
    (steps / 90).min(100) as u8
}

/// Frequency `i + 1` at sample `j`, by `[i][j]`.
static COSINES: LazyLock<[[f32; SAMPLES]; FREQUENCIES]> = LazyLock::new(|| {
    let scale = f64::from((2.0 / SAMPLES as f64).sqrt() as f32);
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let angle = PI / 2.0 / SAMPLES as f64 * ((i + 1) * (2 * j + 1)) as f64;
            (scale * angle.cos()) as f32
        })
    })
});

/// The cosine transform, frequencies 1 to 16 along each axis.
#[inline(always)]
fn transform(samples: &Samples) -> Frequencies {
    let cosines = &*COSINES;
    let mut across = [[0f32; FREQUENCIES]; SAMPLES];
    for (across, j) in across.iter_mut().zip(0..) {
        *across = std::array::from_fn(|i| cosines[i][j]);
    }
    let mut frequencies = [[0.0; FREQUENCIES]; FREQUENCIES];
    for (frequencies, cosines) in frequencies.iter_mut().zip(cosines) {
        let mut columns = [0f32; SAMPLES];
        for (row, cosine) in samples.iter().zip(cosines) {
            for (sum, sample) in columns.iter_mut().zip(row) {
                *sum += cosine * sample;
            }
        }
        for (column, across) in columns.iter().zip(&across) {
            for (sum, cosine) in frequencies.iter_mut().zip(across) {
                *sum += column * cosine;
            }
        }
    }
    frequencies
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of slopes and steps without symmetry.
    fn picture(width: u32, height: u32) -> Vec<u8> {
        let pixel = |x: u32, y: u32| {
            let slope = (x * 200 / width + y * y * 55 / (height * height)) as u8;
            let is_inside = x > width / 5 && x < width / 2 && y > height / 3;
            let ripple = if (x * 13 / width + y * 7 / height).is_multiple_of(3) {
                90
            } else {
                0
            };
            [
                slope,
                if is_inside { 250 } else { slope / 2 },
                slope.wrapping_add(ripple),
            ]
        };
        (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| pixel(x, y)))
            .collect()
    }

    /// The picture whose pixel at `(x, y)` is that of `rgb` at `from(x, y)`.
    fn moved(width: u32, height: u32, rgb: &[u8], from: impl Fn(u32, u32) -> (u32, u32)) -> Vec<u8> {
        let of = |x, y| {
            let (x, y) = from(x, y);
            let at = (y * width + x) as usize * 3;
            rgb[at..at + 3].to_vec()
        };
        (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| of(x, y))
            .collect()
    }

    #[test]
    fn dihedral_hashes_are_those_of_the_moved_picture() {
        // Windows of 3 pixels and cells of 5, which have a middle: elsewhere a mirrored picture is not blurred alike.
        const SIDE: u32 = 320;
        let rgb = picture(SIDE, SIDE);
        let hashes = Spectrum::of(SIDE, SIDE, &rgb).dihedral();
        let end = SIDE - 1;
        let positions: [&dyn Fn(u32, u32) -> (u32, u32); 8] = [
            &|x, y| (x, y),
            &|x, y| (end - y, x),
            &|x, y| (end - x, end - y),
            &|x, y| (y, end - x),
            &|x, y| (x, end - y),
            &|x, y| (end - x, y),
            &|x, y| (y, x),
            &|x, y| (end - y, end - x),
        ];
        for (position, (from, hash)) in positions.iter().zip(&hashes).enumerate() {
            let rgb = moved(SIDE, SIDE, &rgb, from);
            let expected = Spectrum::of(SIDE, SIDE, &rgb).hash();
            let distance = hash.distance(&expected);
            assert!(distance <= 2, "position {position}: {distance} bits");
            let others = hashes.iter().filter(|other| other.distance(&expected) <= 31);
            assert_eq!(others.count(), 1, "position {position} is not the only one");
        }
    }

    #[test]
    fn positions_of_a_hash_are_near_those_of_the_frequencies() {
        let rgb = picture(300, 200);
        let spectrum = Spectrum::of(300, 200, &rgb);
        let (exact, near) = (spectrum.dihedral(), spectrum.hash().dihedral());
        for (position, (exact, near)) in exact.iter().zip(&near).enumerate() {
            let distance = exact.distance(near);
            assert!(distance <= 12, "position {position}: {distance} bits");
        }
        assert_eq!(near[5], spectrum.hash().mirrored());
        let mut again = near[3].dihedral();
        let mut all = near;
        again.sort_unstable();
        all.sort_unstable();
        assert_eq!(again, all);
    }

    #[test]
    fn a_negative_has_the_complement() {
        let rgb = picture(300, 200);
        let negative: Vec<u8> = rgb.iter().map(|sample| 255 - sample).collect();
        let (one, two) = (Spectrum::of(300, 200, &rgb), Spectrum::of(300, 200, &negative));
        assert!(one.hash().distance(&two.hash()) >= 250);
        assert!(one.quality().abs_diff(two.quality()) <= 1);
    }

    #[test]
    fn tiny_and_flat_pictures_have_no_quality() {
        let tiny = Spectrum::of(4, 100, &[77; 1200]);
        assert_eq!((tiny.hash(), tiny.quality()), (PdqHash::default(), 0));
        assert_eq!(Spectrum::of(100, 100, &[77; 30_000]).quality(), 0);
    }

    #[test]
    fn weights_of_a_sample_sum_to_one() {
        for length in [5, 63, 64, 127, 128, 129, 341, 512, 5000] {
            for grid in [length, STRETCHED] {
                for (cell, tap) in taps(length, grid).iter().enumerate() {
                    let sum: f32 = tap.weights.iter().sum();
                    assert!((sum - 1.0).abs() < 1e-5, "{length} as {grid}, cell {cell}: {sum}");
                    assert!(tap.first + tap.weights.len() <= length);
                }
            }
        }
    }

    #[test]
    fn a_stretched_picture_is_as_if_it_had_been_stretched() {
        let rgb = picture(512, 256);
        let rows = rgb.chunks_exact(512 * 3).flat_map(|row| [row, row]);
        let stretched: Vec<u8> = rows.flatten().copied().collect();
        let (found, expected) = (
            Spectrum::stretched(512, 256, &rgb),
            Spectrum::of(512, 512, &stretched),
        );
        assert_eq!(found.quality(), expected.quality());
        assert!(found.hash().distance(&expected.hash()) <= 2);
        let as_it_is = Spectrum::of(512, 512, &stretched).hash();
        assert_eq!(Spectrum::stretched(512, 512, &stretched).hash(), as_it_is);
    }

    #[test]
    fn hashes_read_from_the_last_bit() {
        let mut hash = PdqHash::default();
        hash.0[0] = 0x80;
        hash.0[31] = 0x01;
        let text = hash.to_string();
        assert_eq!((text.len(), &text[..2], &text[62..]), (64, "80", "01"));
    }
}
