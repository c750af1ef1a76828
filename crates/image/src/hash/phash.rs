//! pHash: 64 bits of the low frequencies of a picture.
//!
//! The luma is scaled to 32x32 (Lanczos, 3 lobes, its support growing with the ratio, as Pillow's) and transformed by the
//! unnormalised cosine transform of type II. Of the 8x8 lowest frequencies, the constant one included, a bit says
//! whether it is at least the median of the 63 others. Bits go row by row from the lowest vertical frequency, the first
//! is the highest of the number.
//!
//! This is the variant of imagededup. That of ImageHash asks for more than the median of all 64, which differs in the
//! one bit at the median.
//!
//! Cosines are rounded to multiples of 2^-20 and sums are exact, so a flat picture has all bits set on every machine.

use std::{f64::consts::PI, sync::LazyLock};

/// Samples along a side.
const SAMPLES: usize = 32;
/// Frequencies along a side.
const FREQUENCIES: usize = 8;

/// Frequency `u` at sample `x`, by `[u][x]`, in units of 2^-20.
static COSINES: LazyLock<[[i64; SAMPLES]; FREQUENCIES]> = LazyLock::new(|| {
    std::array::from_fn(|u| {
        std::array::from_fn(|x| {
            let angle = PI / 2.0 / SAMPLES as f64 * (u * (2 * x + 1)) as f64;
            (angle.cos() * f64::from(1 << 20)).round() as i64
        })
    })
});

/// The hash of 32x32 samples of luma, row by row.
pub(crate) fn phash(luma: &[u8; SAMPLES * SAMPLES]) -> u64 {
    let cosines = &*COSINES;
    let mut frequencies = [0i64; FREQUENCIES * FREQUENCIES];
    for (row, down) in frequencies.chunks_exact_mut(FREQUENCIES).zip(cosines) {
        let mut columns = [0i64; SAMPLES];
        for (samples, cosine) in luma.chunks_exact(SAMPLES).zip(down) {
            for (sum, &sample) in columns.iter_mut().zip(samples) {
                *sum += cosine * i64::from(sample);
            }
        }
        for (frequency, across) in row.iter_mut().zip(cosines) {
            // At most 255 * 32 * 2^20 * 32 * 2^20 < 2^63.
            *frequency = columns.iter().zip(across).map(|(sum, cosine)| sum * cosine).sum();
        }
    }
    let mut others = [0i64; FREQUENCIES * FREQUENCIES - 1];
    others.copy_from_slice(&frequencies[1..]);
    let middle = others.len() / 2;
    let (_, &mut median, _) = others.select_nth_unstable(middle);
    let bits = frequencies
        .iter()
        .map(|&frequency| u64::from(frequency >= median));
    bits.fold(0, |hash, bit| hash << 1 | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_picture_has_all_bits() {
        assert_eq!(phash(&[0; 1024]), u64::MAX);
        assert_eq!(phash(&[255; 1024]), u64::MAX);
        assert_eq!(phash(&[101; 1024]), u64::MAX);
    }

    #[test]
    fn half_of_the_frequencies_are_above_the_median() {
        let luma = std::array::from_fn(|at| ((at * at) % 251) as u8);
        assert_eq!(phash(&luma).count_ones(), 33);
    }
}
