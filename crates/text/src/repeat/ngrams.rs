//! Word n-grams that stand in an earlier text, by a table of fixed size.
//!
//! The question is BFF's, DCLM's Bloom filter: how much of a paragraph, or of a text, is made of n-grams that were
//! seen before? BFF answers in the order in which its threads happen to read, so no two runs agree. Here every
//! text has a number, its order, and *before* means a lower number; the answer depends on texts and numbers only.
//!
//! # Words and n-grams
//!
//! A word is a maximal run of alphanumeric characters (Unicode's `Alphabetic` and `N*`) in lower case, compared letter by
//! letter. Scripts that are written without blanks would have a clause as their word, so each character of Han,
//! Hiragana, Katakana, Thai, Lao, Burmese and Khmer is a word of its own. An n-gram is *n* words in a row of the same
//! part, a part being a line or the whole text ([`NgramUnit`]); BFF's paragraphs are lines. Its key is 64 bits wide, a
//! polynomial modulo 2⁶¹ − 1 over the words' XXH3, so 61 bits tell n-grams apart. A part of fewer than *n* words has
//! no n-gram and is never a repeat; so does BFF with `--min-ngram-size` equal to `--max-ngram-size`, as DCLM ran it with
//! *n* = 13.
//!
//! # The table
//!
//! [`FirstOwner`] has *s* slots of 32 bits. An n-gram hashes to [`HASHES`] = *h* = 4 of them, and each keeps the lowest
//! order of all texts that have an n-gram there. Lowering to a minimum commutes, so threads may fill the table
//! together. After all texts were [added](FirstOwner::add), an n-gram [is a repeat](FirstOwner::is_repeat) for a text if
//! all of its slots hold a lower order: an earlier text has it, or earlier texts happen to have others in all of its
//! slots. A repeat is never missed.
//!
//! For a text before which *d* distinct n-grams stand, a slot is not lowered by any of them with probability
//! (1 − 1/*s*)^*hd* ≈ e^(−*hd*/*s*), so a new n-gram is wrongly called a repeat with probability
//!
//! > *p* = (1 − e^(−*hd*/*s*))^*h*
//!
//! like a Bloom filter of *s* bits. It grows from 0 at the first text to its highest at the last:
//!
//! | slots per n-gram | bytes per n-gram | *p* at the last text | mean over texts |
//! |---|---|---|---|
//! | 4 | 16 | 16.0 % | 4.4 % |
//! | 6 | 24 | 5.6 % | 1.4 % |
//! | 8 | 32 | 2.4 % | 0.6 % |
//! | 10 | 40 | 1.2 % | 0.3 % |
//! | 16 | 64 | 0.24 % | 0.05 % |
//! | 32 | 128 | 0.02 % | 0.004 % |
//!
//! At a threshold of 0.8 a wrong n-gram here and there matters only to parts of a few n-grams: a part of one n-gram
//! goes with probability *p*. [`false_positive_rate`](FirstOwner::false_positive_rate) computes *p*,
//! [`filled`](FirstOwner::filled) measures what a table came to.
//!
//! Sources: DCLM, Li et al. 2024, arXiv:2406.11794, appendix on deduplication (13-grams, threshold 0.8,
//! paragraphs and documents); allenai/bff.

use std::sync::atomic::{AtomicU32, Ordering};

use gristmill_core::{Error, Result};
use xxhash_rust::xxh3::xxh3_64;

/// Slots of an n-gram in a [`FirstOwner`].
pub const HASHES: usize = 4;

/// Words of an n-gram in DCLM.
pub const DEFAULT_WORDS: usize = 13;

/// Keys whose slots are read together, so that their cache misses overlap.
const BATCH: usize = 16;

/// The modulus of the rolling key, a Mersenne prime.
const PRIME: u64 = (1 << 61) - 1;
/// A number without meaning below [`PRIME`].
const BASE: u64 = 0x0b7e_1516_28ae_d2a7;

/// Within what an n-gram must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NgramUnit {
    /// What stands between two line feeds: a paragraph to BFF.
    Line,
    /// The whole text.
    Text,
}

/// The n-grams of a text, part by part; reused from text to text.
#[derive(Debug, Default)]
pub struct NgramKeys {
    keys: Vec<u64>,
    parts: Vec<Part>,
    /// Keys of the words of the current part.
    words: Vec<u64>,
    word: String,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    start: u32,
    end: u32,
    /// Where its keys end.
    keys_end: usize,
}

impl NgramKeys {
    /// Keys of all n-grams in order, equal ones as often as they stand.
    pub fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// First byte, end and keys of every part, in order; a part too short for an n-gram has no keys. A line is
    /// without its line feed, an empty line is no part.
    pub fn parts(&self) -> impl Iterator<Item = (u32, u32, &[u64])> {
        let mut first = 0;
        self.parts.iter().map(move |part| {
            let keys = &self.keys[first..part.keys_end];
            first = part.keys_end;
            (part.start, part.end, keys)
        })
    }
}

/// Finds the n-grams of `text` with `n` words each (0 counts as 1), in place of what `found` held. Time is linear in
/// the text, whatever `n` is.
pub fn ngram_keys(text: &str, unit: NgramUnit, n: usize, found: &mut NgramKeys) {
    found.keys.clear();
    found.parts.clear();
    if u32::try_from(text.len()).is_err() {
        return;
    }
    let n = n.max(1);
    // What a word is worth once it leaves the n-gram.
    let weight = power(n);
    let mut push = |start: usize, part: &str| {
        if part.is_empty() {
            return;
        }
        push_words(part, &mut found.word, &mut found.words);
        push_ngrams(&found.words, n, weight, &mut found.keys);
        found.words.clear();
        found.parts.push(Part {
            start: start as u32,
            end: (start + part.len()) as u32,
            keys_end: found.keys.len(),
        });
    };
    match unit {
        NgramUnit::Text => push(0, text),
        NgramUnit::Line => {
            let mut start = 0;
            for line in text.split('\n') {
                push(start, line);
                start += line.len() + 1;
            }
        }
    }
}

/// Appends a key below [`PRIME`] for every word of a part.
fn push_words(part: &str, word: &mut String, words: &mut Vec<u64>) {
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            words.push(xxh3_64(word.as_bytes()) % PRIME);
            word.clear();
        }
    };
    for c in part.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
        } else if c.is_ascii() || !c.is_alphanumeric() {
            end(word);
        } else if stands_alone(c) {
            end(word);
            word.push(c);
            end(word);
        } else {
            word.extend(c.to_lowercase());
        }
    }
    end(word);
}

/// Whether the character is of a script without blanks between words.
fn stands_alone(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3005}'..='\u{3007}' // Han
        | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Han
        | '\u{20000}'..='\u{3ffff}')
}

fn push_ngrams(words: &[u64], n: usize, weight: u64, keys: &mut Vec<u64>) {
    if words.len() < n {
        return;
    }
    let mut sum = 0;
    for (at, word) in words.iter().enumerate() {
        sum = add(multiply(sum, BASE), *word);
        if at >= n {
            let gone = multiply(words[at - n], weight);
            sum = add(sum, PRIME - gone);
        }
        if at + 1 >= n {
            keys.push(mix(sum));
        }
    }
}

/// `BASE` to the power of `n`.
fn power(mut n: usize) -> u64 {
    let (mut product, mut square) = (1, BASE);
    while n > 0 {
        if n & 1 == 1 {
            product = multiply(product, square);
        }
        square = multiply(square, square);
        n >>= 1;
    }
    product
}

/// The product modulo [`PRIME`] of two numbers of at most that.
#[inline]
fn multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    add(product as u64 & PRIME, (product >> 61) as u64)
}

/// The sum modulo [`PRIME`] of two numbers of at most that.
#[inline]
fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// Spreads a number over 64 bits, one to one (the end of `MurmurHash3`).
#[inline]
fn mix(mut key: u64) -> u64 {
    key = (key ^ key >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    key = (key ^ key >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ key >> 33
}

/// For every slot the lowest order of the texts that have an n-gram there; see the [module](self).
#[derive(Debug)]
pub struct FirstOwner {
    slots: Vec<AtomicU32>,
}

impl FirstOwner {
    /// An empty table of at most so many bytes, 4 a slot, but at least one slot. All of it is written at once.
    ///
    /// # Errors
    /// When there is not so much memory.
    pub fn with_bytes(memory: usize) -> Result<Self> {
        let count = (memory / size_of::<AtomicU32>()).max(1);
        let mut slots = Vec::new();
        slots.try_reserve_exact(count).map_err(|_| {
            Error::new(format!(
                "no memory for a filter of {memory} bytes: ask for a smaller one"
            ))
        })?;
        slots.resize_with(count, || AtomicU32::new(u32::MAX));
        Ok(FirstOwner { slots })
    }

    /// Slots of the table.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Says that the text of this order has these n-grams. Any number of threads may do so at once, in any sequence;
    /// the texts must have different orders below [`u32::MAX`].
    pub fn add(&self, order: u32, keys: &[u64]) {
        for keys in keys.chunks(BATCH) {
            // Reading first lets the misses overlap, and saves most writes of a text that is not the first.
            let mut lowers = [[false; HASHES]; BATCH];
            for (key, lowers) in keys.iter().zip(&mut lowers) {
                *lowers = self
                    .slots_of(*key)
                    .map(|slot| slot.load(Ordering::Relaxed) > order);
            }
            for (key, lowers) in keys.iter().zip(lowers) {
                for (slot, _) in self
                    .slots_of(*key)
                    .iter()
                    .zip(lowers)
                    .filter(|(_, lowers)| *lowers)
                {
                    slot.fetch_min(order, Ordering::Relaxed);
                }
            }
        }
    }

    /// Whether a text before `order` has the n-gram, or a false positive. To be asked once all texts were added.
    pub fn is_repeat(&self, order: u32, key: u64) -> bool {
        self.slots_of(key)
            .iter()
            .all(|slot| slot.load(Ordering::Relaxed) < order)
    }

    /// How many of these n-grams are repeats.
    pub fn repeats(&self, order: u32, keys: &[u64]) -> usize {
        let mut repeats = 0;
        for keys in keys.chunks(BATCH) {
            // All slots are read, without a branch between them, so that the misses overlap.
            let mut are_repeats = [false; BATCH];
            for (key, is_repeat) in keys.iter().zip(&mut are_repeats) {
                let lower = self
                    .slots_of(*key)
                    .map(|slot| slot.load(Ordering::Relaxed) < order);
                *is_repeat = lower.iter().fold(true, |all, lower| all & lower);
            }
            repeats += are_repeats.iter().filter(|is_repeat| **is_repeat).count();
        }
        repeats
    }

    /// Appends the parts of which at least the share `threshold` (0 to 1) of n-grams are repeats to `repeated`, as
    /// first byte and end, and gives that share of the whole text; 0 if it has no n-gram. Parts without n-grams are
    /// never repeated.
    ///
    /// BFF keeps what is at the threshold exactly and removes what is above; it does not count n-grams of
    /// paragraphs that it removes as seen, which makes no difference but for their rest of at most 1 − `threshold`.
    pub fn repeated_parts(
        &self,
        order: u32,
        found: &NgramKeys,
        threshold: f64,
        repeated: &mut Vec<(u32, u32)>,
    ) -> f64 {
        let mut repeats = 0;
        for (start, end, keys) in found.parts().filter(|(_, _, keys)| !keys.is_empty()) {
            let of_part = self.repeats(order, keys);
            repeats += of_part;
            if of_part as f64 >= threshold * keys.len() as f64 {
                repeated.push((start, end));
            }
        }
        repeats as f64 / found.keys.len().max(1) as f64
    }

    /// The probability that a new n-gram is called a repeat once so many distinct ones stand before it.
    pub fn false_positive_rate(&self, distinct: u64) -> f64 {
        let lowered = -(-(HASHES as f64) * distinct as f64 / self.slots.len() as f64).exp_m1();
        lowered.powi(HASHES as i32)
    }

    /// The share of slots that any n-gram has, 0 to 1. To the power of [`HASHES`] it is the rate of false positives
    /// at the last text, measured. Reads the whole table.
    pub fn filled(&self) -> f64 {
        let slots = self.slots.iter();
        let filled = slots
            .filter(|slot| slot.load(Ordering::Relaxed) != u32::MAX)
            .count();
        filled as f64 / self.slots.len() as f64
    }

    /// The slots of an n-gram; some may be the same.
    #[inline]
    fn slots_of(&self, key: u64) -> [&AtomicU32; HASHES] {
        let step = mix(key ^ 0x9e37_79b9_7f4a_7c15) | 1;
        let mut hash = key;
        [(); HASHES].map(|()| {
            let slot = (u128::from(hash) * self.slots.len() as u128) >> 64;
            hash = hash.wrapping_add(step);
            &self.slots[slot as usize]
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, thread};

    use super::*;
    use crate::repeat::tests::Random;

    fn keys(text: &str, unit: NgramUnit, n: usize) -> NgramKeys {
        let mut found = NgramKeys::default();
        ngram_keys(text, unit, n, &mut found);
        found
    }

    /// Number of n-grams of the text.
    fn check(text: &str, n: usize, expected: usize) {
        assert_eq!(keys(text, NgramUnit::Text, n).keys().len(), expected, "{text:?}");
    }

    #[test]
    fn words_are_runs_of_alphanumerics() {
        check("Don't stop, 12.5!", 1, 5);
        check("", 1, 0);
        check("... --", 1, 0);
        check("one two", 3, 0);
        check("a b c d", 0, 4);
        check("a b c d", usize::MAX, 0);
        check("漢字かなカナ word ไทย", 1, 10);
    }

    #[test]
    fn keys_ignore_case_and_punctuation_but_not_order() {
        let of = |text| keys(text, NgramUnit::Text, 3).keys().to_vec();
        assert_eq!(of("ÄB, c (D)"), of("äb c. D"));
        assert_ne!(of("a b c"), of("a c b"));
        assert_ne!(of("ab c d"), of("a bc d"));
        assert_eq!(of("x a a a"), [of("x a a"), of("a a a")].concat());
    }

    #[test]
    fn keys_are_equal_where_the_words_are() {
        let mut random = Random(3);
        for _ in 0..500 {
            let length = random.below(40);
            let text = random.text(&["a ", "b ", "B", "é ", "\n"], length);
            let n = 1 + random.below(5);
            let words: Vec<String> = text
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty())
                .map(str::to_lowercase)
                .collect();
            let found = keys(&text, NgramUnit::Text, n);
            let ngrams: Vec<_> = words.windows(n).collect();
            assert_eq!(found.keys().len(), ngrams.len(), "{text:?}");
            for (one, key) in ngrams.iter().zip(found.keys()) {
                for (other, other_key) in ngrams.iter().zip(found.keys()) {
                    assert_eq!(one == other, key == other_key, "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn lines_are_parts_and_ngrams_stay_within() {
        let found = keys("a b c\n\nd e\nf g h i\n", NgramUnit::Line, 3);
        let parts: Vec<_> = found
            .parts()
            .map(|(start, end, keys)| (start, end, keys.len()))
            .collect();
        assert_eq!(parts, [(0, 5, 1), (7, 10, 0), (11, 18, 2)]);
    }

    #[test]
    fn the_first_text_owns_and_later_ones_repeat() {
        let table = FirstOwner::with_bytes(1 << 16).unwrap();
        let texts = [
            "new words here\nand more of it",
            "something else entirely\nNew words, here!",
        ];
        let found = texts.map(|text| keys(text, NgramUnit::Line, 3));
        // Later texts may come first.
        for order in [1, 0] {
            table.add(order, found[order as usize].keys());
        }
        let judge = |order: u32| {
            let mut repeated = Vec::new();
            let share = table.repeated_parts(order, &found[order as usize], 0.8, &mut repeated);
            (share, repeated)
        };
        assert_eq!(judge(0), (0.0, vec![]));
        assert_eq!(judge(1), (0.5, vec![(24, 40)]));
    }

    #[test]
    fn a_text_does_not_repeat_itself() {
        let table = FirstOwner::with_bytes(1 << 12).unwrap();
        let found = keys("a b a b a b", NgramUnit::Text, 2);
        table.add(5, found.keys());
        assert_eq!(table.repeats(5, found.keys()), 0);
        assert_eq!(table.repeats(6, found.keys()), 5);
    }

    #[test]
    fn threads_and_sequence_make_no_difference() {
        let mut random = Random(11);
        let texts: Vec<Vec<u64>> = (0..400)
            .map(|_| (0..50).map(|_| mix(random.below(9000) as u64)).collect())
            .collect();
        let forwards = FirstOwner::with_bytes(1 << 15).unwrap();
        for (order, keys) in texts.iter().enumerate() {
            forwards.add(order as u32, keys);
        }
        let together = FirstOwner::with_bytes(1 << 15).unwrap();
        thread::scope(|scope| {
            for part in 0..4 {
                let (texts, together) = (&texts, &together);
                scope.spawn(move || {
                    for (order, keys) in texts
                        .iter()
                        .enumerate()
                        .rev()
                        .filter(|(order, _)| order % 4 == part)
                    {
                        together.add(order as u32, keys);
                    }
                });
            }
        });
        let slots = |table: &FirstOwner| -> Vec<u32> {
            table
                .slots
                .iter()
                .map(|slot| slot.load(Ordering::Relaxed))
                .collect()
        };
        assert_eq!(slots(&forwards), slots(&together));
    }

    #[test]
    fn no_repeat_is_missed_and_false_ones_are_as_many_as_derived() {
        for slots_per_key in [4, 8, 16] {
            let (texts, keys_per_text) = (1000u32, 100u32);
            let distinct = u64::from(texts * keys_per_text);
            let table = FirstOwner::with_bytes(distinct as usize * slots_per_key * 4).unwrap();
            let mut first = HashMap::new();
            let mut random = Random(slots_per_key as u64);
            let keys: Vec<Vec<u64>> = (0..texts)
                .map(|_| (0..keys_per_text).map(|_| random.next()).collect())
                .collect();
            for (order, keys) in keys.iter().enumerate() {
                table.add(order as u32, keys);
                keys.iter().for_each(|key| {
                    first.entry(*key).or_insert(order as u32);
                });
            }
            let mut wrong = 0.0;
            let mut expected = 0.0;
            for order in 0..texts {
                let before = u64::from(order * keys_per_text);
                for key in &keys[order as usize] {
                    assert!(table.is_repeat(order + 1, *key));
                    assert_eq!(first[key], order);
                    wrong += f64::from(u8::from(table.is_repeat(order, *key)));
                    expected += table.false_positive_rate(before);
                }
            }
            // Four standard deviations.
            let tolerance = 4.0 * f64::sqrt(expected);
            assert!(
                (wrong - expected).abs() < tolerance,
                "{slots_per_key}: {wrong} for {expected}"
            );
            let measured = table.filled().powi(HASHES as i32);
            let derived = table.false_positive_rate(distinct);
            assert!(
                (measured / derived - 1.0).abs() < 0.05,
                "{measured} for {derived}"
            );
        }
    }

    #[test]
    fn a_table_of_no_bytes_has_one_slot() {
        let table = FirstOwner::with_bytes(0).unwrap();
        table.add(3, &[1, u64::MAX]);
        assert!(table.is_repeat(4, 9) && !table.is_repeat(3, 9));
        assert_eq!(table.slots(), 1);
    }
}
