//! MinHash with the hash functions of datatrove 0.10.0.
//!
//! The `i`-th number of a signature is the least of `(shingle · aᵢ + bᵢ mod 2^64) mod p` over all shingles, with
//! `p = 2^61 - 1`. The product wraps before the modulus is taken, so this is no true permutation; it is kept since
//! signatures are to agree with datatrove's. `a` and `b` are NumPy's `RandomState(seed)`: all `a` from `1..p`, then all
//! `b` from `0..p`.
//!
//! A document of 400 words takes 45,000 products for 112 hashes. Sixteen hash functions stay in registers while all
//! shingles pass; the loop is compiled for AVX2 and AVX-512 too, and the CPU decides.

use pulp::{Arch, Simd, WithSimd};

use super::mersenne_twister::MersenneTwister;

/// The modulus.
const PRIME: u64 = (1 << 61) - 1;
/// Hash functions that are computed at once.
const LANES: usize = 16;

/// Hash functions for signatures; see the module for which.
#[derive(Debug, Clone)]
pub struct MinHash {
    hashes: usize,
    /// Factors and summands, filled up to whole blocks.
    blocks: Vec<Block>,
    arch: Arch,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    factors: [u64; LANES],
    summands: [u64; LANES],
}

impl MinHash {
    /// As many hash functions as a signature has numbers. FineWeb takes 112 from seed 1.
    pub fn new(hashes: usize, seed: u32) -> Self {
        let mut random = MersenneTwister::new(seed);
        let mut blocks = vec![
            Block {
                factors: [0; LANES],
                summands: [0; LANES],
            };
            hashes.div_ceil(LANES)
        ];
        let factors = blocks.iter_mut().flat_map(|block| &mut block.factors);
        factors
            .take(hashes)
            .for_each(|factor| *factor = random.between(1, PRIME - 1));
        let summands = blocks.iter_mut().flat_map(|block| &mut block.summands);
        summands
            .take(hashes)
            .for_each(|summand| *summand = random.between(0, PRIME - 1));
        MinHash {
            hashes,
            blocks,
            arch: Arch::new(),
        }
    }

    /// How many numbers a signature has.
    pub fn hashes(&self) -> usize {
        self.hashes
    }

    /// Writes the signature, numbers below 2^61 - 1, to `out`. Order and repeats of shingles do not matter. False if
    /// there are no shingles; then `out` is as before.
    ///
    /// # Panics
    ///
    /// If `out` is not as long as a signature.
    pub fn signature(&self, shingles: &[u64], out: &mut [u64]) -> bool {
        assert_eq!(out.len(), self.hashes, "length of a signature");
        if shingles.is_empty() {
            return false;
        }
        self.arch.dispatch(Signature {
            blocks: &self.blocks,
            shingles,
            out,
        });
        true
    }
}

/// The loop over all blocks. A type, since the compiler does not inline a closure into the code for each CPU.
struct Signature<'a> {
    blocks: &'a [Block],
    shingles: &'a [u64],
    out: &'a mut [u64],
}

impl WithSimd for Signature<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (block, out) in self.blocks.iter().zip(self.out.chunks_mut(LANES)) {
            let least = block.least(self.shingles);
            out.copy_from_slice(&least[..out.len()]);
        }
    }
}

impl Block {
    #[inline(always)]
    fn least(&self, shingles: &[u64]) -> [u64; LANES] {
        let mut least = [u64::MAX; LANES];
        for &shingle in shingles {
            let functions = self.factors.iter().zip(&self.summands);
            for (least, (factor, summand)) in least.iter_mut().zip(functions) {
                *least = modulo_prime(shingle.wrapping_mul(*factor).wrapping_add(*summand)).min(*least);
            }
        }
        least
    }
}

/// `number mod PRIME`: 2^61 is 1, so the upper three bits are added to the others, which gives at most `PRIME + 7`.
#[inline(always)]
fn modulo_prime(number: u64) -> u64 {
    let sum = (number & PRIME) + (number >> 61);
    // Below the prime the difference wraps to a huge number.
    sum.min(sum.wrapping_sub(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_and_summands_are_those_of_numpy() {
        let min_hash = MinHash::new(112, 1);
        assert_eq!(
            min_hash.blocks[0].factors[..3],
            [
                775_169_054_918_279_404,
                1_758_426_461_858_698_313,
                2_109_959_069_025_162
            ]
        );
        assert_eq!(
            min_hash.blocks[0].summands[..3],
            [
                1_062_448_801_025_099_917,
                1_324_811_268_927_594_100,
                1_217_488_311_597_731_462
            ]
        );
    }

    #[test]
    fn the_modulus_is_exact_at_its_borders() {
        let multiples = (0..8).map(|times| times * PRIME);
        for number in multiples.flat_map(|multiple| multiple.wrapping_sub(9)..=multiple.saturating_add(9)) {
            assert_eq!(modulo_prime(number), number % PRIME, "{number}");
        }
        assert_eq!(modulo_prime(u64::MAX), u64::MAX % PRIME);
    }

    #[test]
    fn any_number_of_hashes_gives_the_least_of_each() {
        let shingles: Vec<u64> = (1..50u64)
            .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
            .collect();
        for hashes in [0, 1, 15, 16, 17, 40] {
            let min_hash = MinHash::new(hashes, 42);
            let mut signature = vec![0; hashes];
            assert!(min_hash.signature(&shingles, &mut signature));
            for (number, &found) in signature.iter().enumerate() {
                let block = &min_hash.blocks[number / LANES];
                let (factor, summand) = (block.factors[number % LANES], block.summands[number % LANES]);
                let all = shingles
                    .iter()
                    .map(|shingle| shingle.wrapping_mul(factor).wrapping_add(summand) % PRIME);
                assert_eq!(Some(found), all.min());
            }
        }
    }

    #[test]
    fn without_shingles_there_is_no_signature() {
        let mut signature = [7; 4];
        assert!(!MinHash::new(4, 1).signature(&[], &mut signature));
        assert_eq!(signature, [7; 4]);
    }
}
