//! Fingerprints within some bits of each other, by multi-index hashing.
//!
//! A fingerprint is cut into slots of 16 bits. Two that differ in at most `distance` bits differ in one of their
//! `bits / 16` slots by no more than `distance / (bits / 16)` bits (pigeonhole). So for each slot in turn the
//! fingerprints are put into buckets by its value, and each is compared with those in the buckets whose values are
//! that near its own. Nothing within the distance is missed, nothing beyond it is joined.
//!
//! Equal fingerprints are joined first and then stand as one. Memory: the fingerprint and 16 bytes more for each document,
//! and for each document of a chunk the components that it met. Time grows with the square of the
//! number of documents, divided by 65,536 and multiplied by the buckets that are looked at: 17 in each of 16 slots for
//! 31 of 256 bits, so that a million documents take some 4,000 comparisons each; as many again for each other position.
//!
//! Source: Norouzi, Punjani and Fleet, Fast search in Hamming space with multi-index hashing, CVPR 2012.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::{
    method::{Positions, differing},
    union_find::UnionFind,
};

/// Bits of a slot.
const SLOT: u32 = 16;
/// Documents that are looked up before what they found is joined: few at first, so that a cluster of very many is one
/// before the rest of its members look for it.
const FIRST_CHUNK: usize = 256;
const LAST_CHUNK: usize = 1 << 13;

/// Finds pairs of fingerprints of `words` × 64 bits within `distance`: of each component a spanning forest.
///
/// `hashes` holds the fingerprints one behind the other. The components of the pairs are those of all pairs within the
/// distance in one of the positions; which pairs stand for them depends on the order of the fingerprints alone.
pub(crate) fn near(
    hashes: &[u64],
    words: usize,
    distance: u32,
    positions: Positions,
    pool: &rayon::ThreadPool,
) -> Vec<(u32, u32)> {
    let count = hashes.len() / words;
    let mut components = UnionFind::new(count as u32);
    let mut pairs = equal(hashes, words);
    for (a, b) in &pairs {
        components.union(*a, *b);
    }
    let mut is_copy = vec![false; count];
    for (_, copy) in &pairs {
        is_copy[*copy as usize] = true;
    }
    let distinct: Vec<u32> = (0..count as u32)
        .filter(|document| !is_copy[*document as usize])
        .collect();
    let slots = words as u32 * u64::BITS / SLOT;
    let masks = masks(distance / slots);
    for slot in 0..slots as usize {
        let value = |hash: &[u64]| (hash[slot / 4] >> (slot % 4 * 16)) as u16;
        let buckets = Buckets::new(&distinct, |document| value(&hashes[document * words..]));
        let (mut start, mut chunk) = (0, FIRST_CHUNK);
        while start < distinct.len() {
            let end = distinct.len().min(start + chunk);
            let found: Vec<Vec<(u32, u32)>> = pool.install(|| {
                let documents = distinct[start..end].par_iter();
                let search = |document: &u32| {
                    let document = *document as usize;
                    let own = positions.of_words(&hashes[document * words..][..words]);
                    let root = components.root(document as u32);
                    let mut found: Vec<(u32, u32)> = Vec::new();
                    let mut roots: HashSet<u32> = HashSet::from([root]);
                    let places = own
                        .chunks_exact(words)
                        .flat_map(|own| masks.iter().map(move |mask| (own, mask)));
                    for (own, mask) in places {
                        for &other in buckets.of(value(own) ^ mask) {
                            if other as usize >= document {
                                // Members of a bucket ascend; the later of two finds the earlier one.
                                break;
                            }
                            let theirs = &hashes[other as usize * words..][..words];
                            if differing(own, theirs) <= distance && roots.insert(components.root(other)) {
                                found.push((other, document as u32));
                            }
                        }
                    }
                    found
                };
                documents.map(search).collect()
            });
            for (a, b) in found.into_iter().flatten() {
                if components.root(a) != components.root(b) {
                    components.union(a, b);
                    pairs.push((a, b));
                }
            }
            start = end;
            chunk = (chunk * 2).min(LAST_CHUNK);
        }
    }
    pairs
}

/// Pairs of equal fingerprints: each but the first with the first.
fn equal(hashes: &[u64], words: usize) -> Vec<(u32, u32)> {
    let hash = |document: u32| &hashes[document as usize * words..][..words];
    let mut order: Vec<u32> = (0..(hashes.len() / words) as u32).collect();
    order.sort_unstable_by(|a, b| hash(*a).cmp(hash(*b)).then(a.cmp(b)));
    let runs = order.chunk_by(|a, b| hash(*a) == hash(*b));
    runs.flat_map(|run| run[1..].iter().map(|copy| (run[0], *copy)))
        .collect()
}

/// All values of a slot with at most this many bits.
fn masks(bits: u32) -> Vec<u16> {
    (0..=u16::MAX).filter(|mask| mask.count_ones() <= bits).collect()
}

/// Documents by a value of 16 bits.
struct Buckets {
    /// Where each bucket begins, and where the last ends.
    starts: Vec<u32>,
    documents: Vec<u32>,
}

impl Buckets {
    fn new(all: &[u32], value: impl Fn(usize) -> u16) -> Self {
        let mut starts = vec![0_u32; (1 << SLOT) + 1];
        for &document in all {
            starts[value(document as usize) as usize + 1] += 1;
        }
        for bucket in 1..starts.len() {
            starts[bucket] += starts[bucket - 1];
        }
        let mut next = starts.clone();
        let mut documents = vec![0; all.len()];
        for &document in all {
            let place = &mut next[value(document as usize) as usize];
            documents[*place as usize] = document;
            *place += 1;
        }
        Buckets { starts, documents }
    }

    fn of(&self, value: u16) -> &[u32] {
        let bucket = value as usize;
        &self.documents[self.starts[bucket] as usize..self.starts[bucket + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fingerprints of which every fourth has a near copy, by a fixed generator.
    fn fingerprints(count: usize, words: usize, flips: u32) -> Vec<u64> {
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state ^ state >> 29
        };
        let mut hashes: Vec<u64> = Vec::new();
        for document in 0..count {
            let mut hash: Vec<u64> = (0..words).map(|_| next()).collect();
            if document % 4 == 3 {
                hash = hashes[(document - 3) * words..][..words].to_vec();
                for _ in 0..next() % u64::from(flips) {
                    let bit = next() as usize % (words * 64);
                    hash[bit / 64] ^= 1 << (bit % 64);
                }
            }
            hashes.extend(hash);
        }
        hashes
    }

    fn check(words: usize, distance: u32, positions: Positions) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let mut hashes = fingerprints(3000, words, distance * 2);
        // Some of the copies are turned.
        for (document, hash) in hashes.chunks_exact_mut(words).enumerate().skip(3).step_by(8) {
            let turned = positions.of_words(hash).into_owned();
            let place = document % (turned.len() / words);
            hash.copy_from_slice(&turned[place * words..][..words]);
        }
        let mut all = UnionFind::new(3000);
        for a in 0..3000 {
            for b in 0..a {
                let turned = positions.of_words(&hashes[a * words..][..words]);
                let other = &hashes[b * words..][..words];
                let bits = turned
                    .chunks_exact(words)
                    .map(|hash| differing(hash, other))
                    .min()
                    .unwrap();
                if bits <= distance {
                    all.union(a as u32, b as u32);
                }
            }
        }
        let mut found = UnionFind::new(3000);
        let pairs = near(&hashes, words, distance, positions, &pool);
        for (a, b) in &pairs {
            found.union(*a, *b);
        }
        assert!(pairs.len() > 100, "{} pairs", pairs.len());
        for document in 0..3000 {
            for other in 0..document {
                let is_one = all.root(document) == all.root(other);
                assert_eq!(
                    found.root(document) == found.root(other),
                    is_one,
                    "{document} {other}"
                );
            }
        }
    }

    #[test]
    fn every_pair_within_the_distance_is_connected_and_no_other() {
        check(4, 31, Positions::Upright);
        check(4, 40, Positions::Upright);
        check(1, 10, Positions::Upright);
        check(1, 3, Positions::Upright);
        check(1, 1, Positions::Upright);
    }

    #[test]
    fn so_is_every_pair_of_turned_ones() {
        check(4, 31, Positions::Mirrored);
        check(4, 31, Positions::Any);
    }
}
