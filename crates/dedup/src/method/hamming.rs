//! Fingerprints that are compared bit by bit: SimHash of texts, and perceptual hashes.

use gristmill_image::hash::pdq::PdqHash;
use xxhash_rust::xxh3::xxh3_64;

use super::{Measure, Positions};

/// Fingerprints of `bits` bits, of which copies differ in `distance` at most.
#[derive(Debug, Clone, Copy)]
pub struct Hamming {
    /// Bits of a fingerprint.
    pub bits: u32,
    /// Bits in which copies may differ.
    pub distance: u32,
    /// In which positions a fingerprint is looked for.
    pub positions: Positions,
}

impl Measure for Hamming {
    fn threshold(&self) -> f64 {
        self.of(self.distance)
    }

    fn similarity(&self, a: &[u8], b: &[u8]) -> f64 {
        let differing = |a: &[u8]| a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum();
        let turned = match (self.positions, a.try_into()) {
            (Positions::Upright, _) | (_, Err(_)) => return self.of(differing(a)),
            (positions, Ok(hash)) => positions.of(PdqHash(hash)),
        };
        let nearest = turned.iter().map(|hash| differing(&hash.0)).min();
        self.of(nearest.unwrap_or(self.bits))
    }
}

impl Hamming {
    fn of(&self, differing: u32) -> f64 {
        1.0 - f64::from(differing) / f64::from(self.bits)
    }
}

/// The bits in which two fingerprints differ.
pub(crate) fn differing(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Cuts a fingerprint into stretches of nearly the same number of bits, from the lowest bit of the first byte; each is
/// given as a key. Two fingerprints that differ in fewer bits than there are stretches agree in one of them.
pub(super) fn stretches(hash: &[u8], count: u32) -> impl Iterator<Item = u64> + '_ {
    let bits = hash.len() as u32 * 8;
    let edge = move |stretch: u32| stretch * bits / count;
    (0..count).map(move |stretch| {
        let mut bytes = Vec::with_capacity(hash.len());
        let range = edge(stretch)..edge(stretch + 1);
        for (index, bit) in range.enumerate() {
            if index % 8 == 0 {
                bytes.push(0);
            }
            let value = hash[bit as usize / 8] >> (bit % 8) & 1;
            *bytes.last_mut().expect("a byte was pushed") |= value << (index % 8);
        }
        xxh3_64(&bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_differing_bits_leave_a_stretch_equal() {
        let hash = 0x0123_4567_89ab_cdef_u64;
        for [a, b, c] in [[0, 1, 2], [5, 20, 60], [15, 16, 47], [63, 31, 30]] {
            let other = hash ^ (1 << a) ^ (1 << b) ^ (1 << c);
            let keys = |hash: u64| stretches(&hash.to_le_bytes(), 4).collect::<Vec<_>>();
            assert!(keys(hash).iter().zip(keys(other)).any(|(a, b)| *a == b));
        }
    }

    #[test]
    fn similarity_counts_bits() {
        let hamming = Hamming {
            bits: 64,
            distance: 3,
            positions: Positions::Upright,
        };
        let similarity = |differing: u64| hamming.similarity(&[0; 8], &differing.to_le_bytes());
        assert_eq!(similarity(0), 1.0);
        assert_eq!(similarity(0b111), hamming.threshold());
        assert!(similarity(0b1111) < hamming.threshold());
    }
}
