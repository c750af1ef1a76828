//! dHash: 64 bits that say where a picture grows lighter from left to right.
//!
//! The luma is scaled to 9 columns and 8 rows (Lanczos, 3 lobes, its support growing with the ratio, as Pillow's). A bit
//! says whether the sample to the right is lighter. Bits go row by row from the top left, the first is the highest of
//! the number. Both ImageHash and imagededup compute it so. A flat picture has no bit set.

/// Columns of samples; there is one more than bits.
const COLUMNS: usize = 9;

/// The hash of 9x8 samples of luma, row by row.
pub(crate) fn dhash(luma: &[u8; COLUMNS * 8]) -> u64 {
    let rows = luma.chunks_exact(COLUMNS);
    let bits = rows.flat_map(|row| row.windows(2).map(|pair| u64::from(pair[1] > pair[0])));
    bits.fold(0, |hash, bit| hash << 1 | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_a_step_up() {
        let mut luma = [7; 72];
        assert_eq!(dhash(&luma), 0);
        luma[1] = 8;
        luma[71] = 8;
        assert_eq!(dhash(&luma), 1 << 63 | 1);
    }
}
