//! Words that say something of the block they stand in, and how much.
//!
//! Two lists with weights, made by `crates/text/training` with logistic regression: words of classes and ids of the
//! elements around a block, and words of its text ("subscribe", "cookies", "copyright"). A weight is log-odds of
//! being content. Words are runs of ASCII letters of at most 16; those of other scripts weigh nothing.

use super::lexicon_weights::{PATH_WORDS, TEXT_WORDS};

/// How many words of a block are looked at.
const WORDS: usize = 32;
/// Weights are log-odds times this.
const SCALE: f32 = 1024.0;

static PATHS: Table<i16, 4096> = Table::of(&PATH_WORDS);
static TEXTS: Table<i16, 4096> = Table::of(&TEXT_WORDS);

/// The most that one class or id weighs, so that no depth of elements makes a sum overflow.
pub(super) const HEAVIEST: i32 = 1 << 20;

/// The sum of weights of the words in a class or id.
pub(super) fn weigh_path(value: &str) -> i32 {
    let mut sum = 0i32;
    each_word(value, Cut::AtCapitals, |key| {
        sum = sum.saturating_add(PATHS.get(key).unwrap_or(0).into());
        true
    });
    sum.clamp(-HEAVIEST, HEAVIEST)
}

/// Sum, mean, least and greatest of the weights of a block's first words.
pub(super) fn weigh_text(text: &str) -> [f32; 4] {
    let (mut count, mut sum, mut least, mut greatest) = (0, 0, 0, 0);
    each_word(text, Cut::AtOthers, |key| {
        let weight = TEXTS.get(key).unwrap_or(0);
        count += 1;
        sum += i32::from(weight);
        least = least.min(weight);
        greatest = greatest.max(weight);
        count < WORDS
    });
    let sum = scaled(sum);
    [
        sum,
        sum / (count.max(1) as f32),
        scaled(least.into()),
        scaled(greatest.into()),
    ]
}

/// A sum of weights as log-odds.
pub(super) fn scaled(sum: i32) -> f32 {
    sum as f32 / SCALE
}

/// Where words end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// At anything but ASCII letters.
    AtOthers,
    /// There, and before a capital letter after a small one: `siteHeader`.
    AtCapitals,
}

/// Calls `see` with the [`key`] of each word of at most 16 letters, until it gives `false`.
pub(super) fn each_word(value: &str, cut: Cut, mut see: impl FnMut(u128) -> bool) {
    let bytes = value.as_bytes();
    let mut key = 0u128;
    let mut length = 0;
    let mut was_lower = false;
    // One more turn than there are bytes ends the last word.
    for at in 0..=bytes.len() {
        let byte = bytes.get(at).copied().unwrap_or(b' ');
        let is_letter = byte.is_ascii_alphabetic();
        let ends = !is_letter || (cut == Cut::AtCapitals && was_lower && byte.is_ascii_uppercase());
        if length > 0 && ends {
            if length <= LONGEST && !see(key) {
                return;
            }
            (key, length) = (0, 0);
        }
        if is_letter {
            key = key << 8 | u128::from(byte.to_ascii_lowercase());
            length += 1;
        }
        was_lower = byte.is_ascii_lowercase();
    }
}

/// The longest word that fits a key.
const LONGEST: usize = 16;

/// A hash table from words to values that is made by the compiler; at most half of its slots are taken.
pub(super) struct Table<V, const SLOTS: usize> {
    slots: [Option<(u128, V)>; SLOTS],
}

impl<V: Copy, const SLOTS: usize> Table<V, SLOTS> {
    /// A table of lists of words with spaces between them.
    pub(super) const fn of(lists: &[(&str, V)]) -> Self {
        let mut table = Table { slots: [None; SLOTS] };
        let mut list = 0;
        while list < lists.len() {
            let words = lists[list].0.as_bytes();
            let (mut at, mut key) = (0, 0u128);
            while at <= words.len() {
                if at < words.len() && words[at] != b' ' {
                    key = key << 8 | words[at] as u128;
                } else if key != 0 {
                    let mut slot = Self::slot(key);
                    while table.slots[slot].is_some() {
                        slot = (slot + 1) % SLOTS;
                    }
                    table.slots[slot] = Some((key, lists[list].1));
                    key = 0;
                }
                at += 1;
            }
            list += 1;
        }
        table
    }

    /// The value of a word by its key.
    pub(super) fn get(&self, key: u128) -> Option<V> {
        let mut slot = Self::slot(key);
        loop {
            match self.slots[slot] {
                Some((known, value)) if known == key => return Some(value),
                Some(_) => slot = (slot + 1) % SLOTS,
                None => return None,
            }
        }
    }

    const fn slot(key: u128) -> usize {
        let folded = (key >> 64) as u64 ^ key as u64;
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % SLOTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, cut: Cut, expected: &[&str]) {
        let mut words = Vec::new();
        each_word(value, cut, |key| {
            let bytes = key.to_be_bytes();
            let start = bytes.iter().position(|&byte| byte != 0).unwrap();
            words.push(String::from_utf8(bytes[start..].to_vec()).unwrap());
            true
        });
        assert_eq!(words, expected, "{value}");
    }

    #[test]
    fn words_are_runs_of_letters() {
        check(
            "Don't stop, caf\u{e9}s 4ever",
            Cut::AtOthers,
            &["don", "t", "stop", "caf", "s", "ever"],
        );
        check(
            "siteHeader my-id2x",
            Cut::AtCapitals,
            &["site", "header", "my", "id", "x"],
        );
        check(
            "aVeryLongWordThatGoesOnAndOn averylongwordthatgoesonandon",
            Cut::AtOthers,
            &[],
        );
    }

    #[test]
    fn weights_are_found() {
        for (word, weight) in PATH_WORDS {
            assert_eq!(weigh_path(word), i32::from(weight), "{word}");
        }
        for (word, weight) in TEXT_WORDS {
            assert_eq!(weigh_text(word)[0], scaled(weight.into()), "{word}");
        }
    }
}
