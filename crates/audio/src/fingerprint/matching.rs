//! Whether two fingerprints have a stretch of sound in common.
//!
//! Words that begin with the same 16 bits vote for the distance between their places. At each of the distances with the most
//! votes, and at the two beside it, the bits that differ are counted over all words that lie above each other; the distance
//! with the fewest is taken. Words of silence, and those that repeat the one before them in both sounds, tell nothing and do
//! not count.
//!
//! Unrelated sounds differ in about 16 of 32 bits, with a deviation that falls with the length of the overlap. Chromaprint takes
//! a stretch as common below 10 (`kDefaultMatchThreshold` of its `fingerprint_matcher.h`); for whole files [`Overlap::is_match`]
//! asks for less the shorter the overlap is.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

/// Bits that words have in common when they vote.
const ALIGN_BITS: u32 = 16;
/// Distances that are looked at.
const CANDIDATES: usize = 6;
/// A word votes together with at most so many of the other sound.
const SAME: usize = 32;

/// Where two sounds lie above each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// How many words later the second sound begins than the first; negative where it begins earlier.
    pub offset: i64,
    /// Words that lie above each other and tell something.
    pub words: usize,
    /// Bits of 32 that differ, on average: 0 for the same sound, 16 by chance.
    pub bit_error: f64,
}

impl Overlap {
    /// Whether the sounds are so much alike where they overlap that one is a copy of a part of the other: at most 10 bits of 32
    /// differ over 10 s or more, fewer over less, and nothing below 2 s counts.
    pub fn is_match(&self) -> bool {
        let seconds = self.words as f64 * super::STEP_S;
        let most = if seconds >= 10.0 {
            10.0
        } else {
            6.0 + 4.0 * (seconds - 2.0) / 8.0
        };
        seconds >= 2.0 && self.bit_error <= most
    }
}

/// The best overlap of two fingerprints; none where no words agree.
pub fn overlap(first: &[u32], second: &[u32]) -> Option<Overlap> {
    let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, word) in telling(first) {
        let places = places.entry(word >> (32 - ALIGN_BITS)).or_default();
        if places.len() < SAME {
            places.push(at);
        }
    }
    let mut votes: HashMap<i64, u32> = HashMap::new();
    for (at, word) in telling(second) {
        for place in places.get(&(word >> (32 - ALIGN_BITS))).into_iter().flatten() {
            *votes.entry(*place as i64 - at as i64).or_default() += 1;
        }
    }
    let mut ranked: Vec<(i64, u32)> = votes.into_iter().collect();
    ranked.sort_by_key(|(offset, count)| (std::cmp::Reverse(*count), offset.abs(), *offset));
    let candidates = ranked
        .iter()
        .take(CANDIDATES)
        .flat_map(|(offset, _)| [*offset, offset - 1, offset + 1]);
    let found = candidates.filter_map(|offset| compare(first, second, offset));
    // The ratio to what chance gives counts, and length: two words that agree are no overlap.
    found.min_by(|a, b| score(a).total_cmp(&score(b)).then(a.offset.cmp(&b.offset)))
}

/// How surprising an overlap is, the less the more.
fn score(overlap: &Overlap) -> f64 {
    (overlap.bit_error - 16.0) * (overlap.words as f64).sqrt()
}

/// Words with their places, without those of silence and repeated ones.
fn telling(words: &[u32]) -> impl Iterator<Item = (usize, u32)> + '_ {
    let is_new = |at: usize| at == 0 || words[at] != words[at - 1];
    let told = words.iter().copied().enumerate();
    told.filter(move |(at, word)| *word != SILENCE && is_new(*at))
}

/// What silence gives.
const SILENCE: u32 = 0x256d_f977;

/// Counts the bits that differ at a distance.
fn compare(first: &[u32], second: &[u32], offset: i64) -> Option<Overlap> {
    let from = usize::try_from(offset.max(0)).ok()?;
    let from_second = usize::try_from((-offset).max(0)).ok()?;
    let pairs = first.get(from..)?.iter().zip(second.get(from_second..)?);
    let (mut words, mut bits) = (0, 0u64);
    let mut before = None;
    for pair in pairs {
        let is_repeated = before == Some(pair);
        before = Some(pair);
        if !is_repeated {
            words += 1;
            bits += u64::from((pair.0 ^ pair.1).count_ones());
        }
    }
    (words > 0).then(|| Overlap {
        offset,
        words,
        bit_error: bits as f64 / words as f64,
    })
}

/// Keys by which copies meet: of the words that tell something, without their last 8 bits, the `count` with the least hashes.
/// Copies have most of their words in common but for a few bits, and so some of these; unrelated sounds hardly one.
pub fn keys(words: &[u32], count: usize) -> Vec<u32> {
    let mut hashed: Vec<(u64, u32)> = telling(words)
        .map(|(_, word)| word >> 8)
        .map(|key| (xxh3_64(&key.to_le_bytes()), key))
        .collect();
    hashed.sort_unstable();
    hashed.dedup();
    hashed.truncate(count);
    hashed.into_iter().map(|(_, key)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(seed: u64, count: usize) -> Vec<u32> {
        (0..count as u64)
            .map(|at| xxh3_64(&(seed << 32 | at).to_le_bytes()) as u32)
            .collect()
    }

    #[test]
    fn a_part_is_found_where_it_lies() {
        let whole = words(1, 400);
        // Every third word differs in its last bits.
        let part: Vec<u32> = whole[100..300]
            .iter()
            .enumerate()
            .map(|(at, word)| if at % 3 == 0 { word ^ 0x15 } else { *word })
            .collect();
        let found = overlap(&whole, &part).unwrap();
        assert_eq!((found.offset, found.words), (100, 200));
        assert!(found.bit_error < 1.1 && found.is_match());
        assert_eq!(overlap(&part, &whole).unwrap().offset, -100);
    }

    #[test]
    fn other_sounds_do_not_match() {
        let found = overlap(&words(1, 900), &words(2, 900));
        assert!(found.is_none_or(|overlap| !overlap.is_match()), "{found:?}");
        assert_eq!(overlap(&[], &words(1, 5)), None);
        // Silence is like silence, but tells nothing.
        let silence = vec![SILENCE; 500];
        assert!(overlap(&silence, &silence).is_none_or(|overlap| !overlap.is_match()));
    }

    #[test]
    fn copies_share_keys() {
        let whole = words(1, 900);
        let (a, b) = (keys(&whole, 32), keys(&whole[50..], 32));
        assert!(a.iter().filter(|key| b.contains(key)).count() > 20);
        assert!(!keys(&words(2, 900), 32).iter().any(|key| a.contains(key)));
    }
}
