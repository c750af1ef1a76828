//! N-grams in hash tables with linear probing, the structure that KenLM calls `probing`.

use bytes::Bytes;

use super::{Entry, Search, UNKNOWN, Word, hash_word};

const SIGN: u32 = 0x8000_0000;
/// Bytes of a unigram: score and backoff.
pub(super) const UNIGRAM_BYTES: usize = 8;
/// Bytes of entries: a key and a word, a score and a backoff, a score.
pub(super) const VOCABULARY_BYTES: usize = 12;
pub(super) const MIDDLE_BYTES: usize = 16;
pub(super) const LONGEST_BYTES: usize = 12;

/// All tables of a model.
#[derive(Debug)]
pub(super) struct Probing {
    /// Words by hash.
    pub(super) vocabulary: Table<VOCABULARY_BYTES>,
    /// `[words, 2]` of `f32`: score and backoff. A score without its sign bit says that longer n-grams end so.
    pub(super) unigrams: Bytes,
    /// N-grams of 2 and more words, by hash.
    pub(super) middles: Vec<Table<MIDDLE_BYTES>>,
    pub(super) longest: Table<LONGEST_BYTES>,
}

/// Entries of `N` bytes that begin with their key; key 0 is a free place.
#[derive(Debug)]
pub(super) struct Table<const N: usize> {
    pub(super) entries: Bytes,
}

impl<const N: usize> Table<N> {
    /// What follows the key. In a table of a damaged file that has no free place, every place is looked at once.
    #[inline]
    fn find(&self, key: u64) -> Option<&[u8]> {
        let (entries, _) = self.entries.as_chunks::<N>();
        if entries.is_empty() {
            return None;
        }
        let start = (key % entries.len() as u64) as usize;
        for entry in entries[start..].iter().chain(&entries[..start]) {
            let (found, value) = entry.split_first_chunk::<8>()?;
            let found = u64::from_le_bytes(*found);
            if found == key {
                return Some(value);
            }
            if found == 0 {
                break;
            }
        }
        None
    }
}

impl Search for Probing {
    type Node = u64;

    fn order(&self) -> usize {
        self.middles.len() + 2
    }

    fn word(&self, word: &[u8]) -> Word {
        let found = self
            .vocabulary
            .find(hash_word(word))
            .and_then(|value| value.first_chunk());
        found.map_or(UNKNOWN, |&bytes| Word::from_le_bytes(bytes))
    }

    fn unigram(&self, word: Word) -> (Entry, u64) {
        let (unigrams, _) = self.unigrams.as_chunks::<UNIGRAM_BYTES>();
        // A damaged vocabulary can name words that are not there.
        let unigram = unigrams.get(word as usize).unwrap_or(&[0; UNIGRAM_BYTES]);
        (entry(unigram), u64::from(word))
    }

    fn middle(&self, node: u64, length: usize, word: Word) -> Option<(Entry, u64)> {
        let node = extend(node, word);
        self.middles[length - 2]
            .find(node)
            .map(|value| (entry(value), node))
    }

    fn longest(&self, node: u64, word: Word) -> Option<f32> {
        self.longest
            .find(extend(node, word))
            .map(|value| entry(value).prob)
    }
}

/// Key of an n-gram with `word` before it. The key of one word is its number.
pub(super) fn extend(node: u64, word: Word) -> u64 {
    let word = (u64::from(word) + 1) & u64::from(u32::MAX);
    node.wrapping_mul(8_978_948_897_894_561_157) ^ word.wrapping_mul(17_894_857_484_156_487_943)
}

fn entry(value: &[u8]) -> Entry {
    let bits = |at: usize| {
        value[at..]
            .first_chunk()
            .map_or(0, |&bytes| u32::from_le_bytes(bytes))
    };
    let prob = bits(0);
    Entry {
        prob: f32::from_bits(prob | SIGN),
        backoff: if value.len() < 8 {
            -0.0
        } else {
            f32::from_bits(bits(4))
        },
        is_extended: prob & SIGN == 0,
    }
}
