//! N-grams in a trie from the last word to the first, packed into bits: the structure that KenLM calls `trie`.

use bytes::Bytes;
use gristmill_core::{Error, Result};

use super::{Cursor, Entry, Search, UNKNOWN, Word, hash_word};

const SIGN: u32 = 0x8000_0000;
/// Bytes of a unigram: score, backoff, and where its bigrams begin.
const UNIGRAM_BYTES: usize = 16;
/// Bits of a score, whose sign is known, and of a backoff.
const PROB_BITS: u32 = 31;
const BACKOFF_BITS: u32 = 32;
/// Most bits of a number that is read at once.
const BITS_MAX: u32 = 57;

#[derive(Debug)]
pub(super) struct Trie {
    /// `[words]` of hashes, rising; the number of a word is one more than its place.
    vocabulary: Bytes,
    unigrams: Bytes,
    middles: Vec<Level>,
    longest: Level,
}

/// N-grams of one length, sorted by their words.
#[derive(Debug)]
struct Level {
    bytes: Bytes,
    count: u64,
    word_bits: u32,
    /// Bits of where the longer n-grams begin; 0 for the longest.
    next_bits: u32,
    entry_bits: u32,
}

/// Children of a node: their range in the next level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Children {
    begin: u64,
    end: u64,
}

pub(super) fn read(file: &mut Cursor, counts: &[u64]) -> Result<Trie> {
    let words = file.count64("the number of words")?;
    if words > counts[0] {
        return Err(Error::new(format!("{words} words, but {} unigrams", counts[0])));
    }
    // Room for the hash of each unigram but the unknown word, which has none.
    let vocabulary = file.take(counts[0].saturating_mul(8), "the vocabulary")?;
    let vocabulary = vocabulary.slice(..words as usize * 8);
    let unigrams = (counts[0] + 2).saturating_mul(UNIGRAM_BYTES as u64);
    let unigrams = file.take(unigrams, "the unigrams")?;
    let mut middles = Vec::with_capacity(counts.len() - 2);
    for pair in counts[1..].windows(2) {
        middles.push(Level::read(file, pair[0], counts[0], Some(pair[1]))?);
    }
    let longest = Level::read(file, counts[counts.len() - 1], counts[0], None)?;
    Ok(Trie {
        vocabulary,
        unigrams,
        middles,
        longest,
    })
}

impl Level {
    /// `next` is the number of n-grams of the next level.
    fn read(file: &mut Cursor, count: u64, words: u64, next: Option<u64>) -> Result<Self> {
        let bits = |max: u64| u64::BITS - max.leading_zeros();
        let word_bits = bits(words);
        let next_bits = next.map_or(0, bits);
        if next_bits > BITS_MAX {
            return Err(Error::new(format!("{} n-grams of one length", next.unwrap_or(0))));
        }
        let value_bits = PROB_BITS + next.map_or(0, |_| BACKOFF_BITS);
        let entry_bits = word_bits + value_bits + next_bits;
        // One more for the end of the last children, and eight bytes to read beyond it.
        let length = count.saturating_add(1).saturating_mul(u64::from(entry_bits));
        let length = length.div_ceil(8).saturating_add(8);
        Ok(Level {
            bytes: file.take(length, "the n-grams")?,
            count,
            word_bits,
            next_bits,
            entry_bits,
        })
    }

    /// Which of the children has this word.
    fn find(&self, children: Children, word: Word) -> Option<u64> {
        // A damaged file can say anything.
        let (mut begin, mut end) = (children.begin, children.end.min(self.count));
        while begin < end {
            let middle = begin + (end - begin) / 2;
            let found = self.bits(middle, 0, self.word_bits);
            if found == u64::from(word) {
                return Some(middle);
            }
            if found < u64::from(word) {
                begin = middle + 1;
            } else {
                end = middle;
            }
        }
        None
    }

    fn prob(&self, index: u64) -> f32 {
        f32::from_bits(self.bits(index, self.word_bits, PROB_BITS) as u32 | SIGN)
    }

    fn backoff(&self, index: u64) -> f32 {
        f32::from_bits(self.bits(index, self.word_bits + PROB_BITS, BACKOFF_BITS) as u32)
    }

    fn children(&self, index: u64) -> Children {
        let at = self.word_bits + PROB_BITS + BACKOFF_BITS;
        Children {
            begin: self.bits(index, at, self.next_bits),
            end: self.bits(index + 1, at, self.next_bits),
        }
    }

    /// `count` bits of an entry, from bit `from` of it.
    #[inline]
    fn bits(&self, index: u64, from: u32, count: u32) -> u64 {
        let at = index * u64::from(self.entry_bits) + u64::from(from);
        let bytes = self
            .bytes
            .get((at / 8) as usize..)
            .and_then(|bytes| bytes.first_chunk());
        let number = bytes.map_or(0, |&bytes| u64::from_le_bytes(bytes));
        (number >> (at % 8)) & ((1 << count) - 1)
    }
}

impl Search for Trie {
    type Node = Children;

    fn order(&self) -> usize {
        self.middles.len() + 2
    }

    fn word(&self, word: &[u8]) -> Word {
        let hash = hash_word(word);
        let (hashes, _) = self.vocabulary.as_chunks::<8>();
        let place = hashes.binary_search_by_key(&hash, |&bytes| u64::from_le_bytes(bytes));
        place.map_or(UNKNOWN, |place| place as Word + 1)
    }

    fn unigram(&self, word: Word) -> (Entry, Children) {
        let (unigrams, _) = self.unigrams.as_chunks::<UNIGRAM_BYTES>();
        let unigram = |word: usize| unigrams.get(word).unwrap_or(&[0; UNIGRAM_BYTES]);
        let [a, b, c, d, e, f, g, h, begin @ ..] = *unigram(word as usize);
        let [.., i, j, k, l, m, n, o, p] = *unigram(word as usize + 1);
        let children = Children {
            begin: u64::from_le_bytes(begin),
            end: u64::from_le_bytes([i, j, k, l, m, n, o, p]),
        };
        let entry = Entry {
            prob: f32::from_le_bytes([a, b, c, d]),
            backoff: f32::from_le_bytes([e, f, g, h]),
            is_extended: children.begin != children.end,
        };
        (entry, children)
    }

    fn middle(&self, node: Children, length: usize, word: Word) -> Option<(Entry, Children)> {
        let level = &self.middles[length - 2];
        let index = level.find(node, word)?;
        let children = level.children(index);
        let entry = Entry {
            prob: level.prob(index),
            backoff: level.backoff(index),
            is_extended: children.begin != children.end,
        };
        Some((entry, children))
    }

    fn longest(&self, node: Children, word: Word) -> Option<f32> {
        let index = self.longest.find(node, word)?;
        Some(self.longest.prob(index))
    }
}
