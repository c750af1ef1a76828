//! The words of a text as hashes, and hashes of runs of words.
//!
//! The module doc of [`contamination`](super) says what a word is. ASCII takes a short way, eight bytes at a time; all
//! else is decomposed character by character. Both give the same hash for the same normalised word.

use unicode_normalization::char::{canonical_combining_class, decompose_canonical, is_combining_mark};

/// An odd factor for multiplications whose halves are folded; the golden ratio's digits.
const FOLD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The base of the rolling hash, odd and without pattern (digits of the square root of 2).
const BASE: u64 = 0x6a09_e667_f3bc_c909;

/// A word: its hash and the bytes of the text that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) hash: u64,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// What a byte is to the search for words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Separator,
    Ascii,
    Wide,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Separator; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte >= 128 {
            classes[byte] = Class::Wide;
        } else if (byte as u8).is_ascii_alphanumeric() {
            classes[byte] = Class::Ascii;
        }
        byte += 1;
    }
    classes
};

/// Finds the words of `text` in place of what `words` held. Looks at the first 4 GiB - 1 only. `buffer` is room for
/// one word.
pub(super) fn find_words(text: &str, words: &mut Vec<Word>, buffer: &mut String) {
    words.clear();
    let text = &text[..text.floor_char_boundary(u32::MAX as usize)];
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if CLASSES[bytes[at] as usize] == Class::Separator {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && CLASSES[bytes[at] as usize] == Class::Ascii {
            at += 1;
        }
        if at < bytes.len() && CLASSES[bytes[at] as usize] == Class::Wide {
            at = find_wide_words(text, start, words, buffer);
        } else {
            let hash = hash_ascii(bytes, start, at);
            words.push(Word {
                hash,
                start: start as u32,
                end: at as u32,
            });
        }
    }
}

/// Finds words from `start` until the first ASCII separator and gives its place. Words may begin at `start`.
fn find_wide_words(text: &str, start: usize, words: &mut Vec<Word>, buffer: &mut String) -> usize {
    let mut first = start;
    let mut last = start;
    buffer.clear();
    let mut finish = |buffer: &mut String, first: usize, last: usize| {
        if !buffer.is_empty() {
            words.push(Word {
                hash: hash_normalized(buffer.as_bytes()),
                start: first as u32,
                end: last as u32,
            });
            buffer.clear();
        }
    };
    for (offset, character) in text[start..].char_indices() {
        let at = start + offset;
        let end = at + character.len_utf8();
        if character.is_ascii() {
            if !character.is_ascii_alphanumeric() {
                finish(buffer, first, last);
                return at;
            }
            if buffer.is_empty() {
                first = at;
            }
            buffer.push(character.to_ascii_lowercase());
            last = end;
            continue;
        }
        let (is_separator, is_whole) = (is_separator(character), is_word_by_itself(character));
        if is_separator || is_whole {
            finish(buffer, first, last);
        }
        if is_separator {
            continue;
        }
        if buffer.is_empty() {
            first = at;
        }
        decompose_canonical(character, |part| {
            if !is_accent(part) {
                buffer.extend(
                    part.to_lowercase()
                        .map(|lower| if lower == 'ς' { 'σ' } else { lower }),
                );
            }
        });
        last = end;
        if is_whole {
            finish(buffer, first, last);
        }
    }
    finish(buffer, first, last);
    text.len()
}

/// Neither part of a word nor a mark to pass over.
fn is_separator(character: char) -> bool {
    !character.is_alphanumeric() && !is_accent(character)
}

/// A mark that is dropped.
fn is_accent(character: char) -> bool {
    canonical_combining_class(character) != 0 || (is_combining_mark(character) && !character.is_alphabetic())
}

/// A letter of a script that is written without spaces.
fn is_word_by_itself(character: char) -> bool {
    !is_accent(character)
        && matches!(character,
            '\u{0e00}'..='\u{0eff}' // Thai, Lao
            | '\u{1000}'..='\u{109f}' // Myanmar
            | '\u{1780}'..='\u{17ff}' // Khmer
            | '\u{3005}'..='\u{3007}' // ideographic iteration mark, closing mark, zero
            | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
            | '\u{31f0}'..='\u{31ff}' // Katakana extensions
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}') // ideographs
}

/// The hash of ASCII letters and digits at `start..end`, as if in lower case.
#[inline]
fn hash_ascii(bytes: &[u8], start: usize, end: usize) -> u64 {
    // Setting this bit gives lower case for letters and leaves digits as they are.
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let mut hash = FOLD ^ (end - start) as u64;
    let mut at = start;
    while at < end {
        let rest = end - at;
        let chunk = if let Some(chunk) = bytes.get(at..at + 8) {
            let chunk = u64::from_le_bytes(chunk.try_into().unwrap_or_default()) | LOWER;
            if rest >= 8 {
                chunk
            } else {
                chunk & ((1 << (8 * rest)) - 1)
            }
        } else {
            (bytes[at..end].iter().rev()).fold(0, |chunk, byte| chunk << 8 | u64::from(byte | 0x20))
        };
        hash = fold(hash ^ chunk);
        at += 8;
    }
    hash
}

/// The hash of a word that is normalised already.
fn hash_normalized(word: &[u8]) -> u64 {
    let chunks = word.chunks(8).map(|chunk| {
        let mut padded = [0; 8];
        padded[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(padded)
    });
    chunks.fold(FOLD ^ word.len() as u64, |hash, chunk| fold(hash ^ chunk))
}

/// Both halves of a product with [`FOLD`], laid over each other.
#[inline]
fn fold(value: u64) -> u64 {
    let product = u128::from(value) * u128::from(FOLD);
    product as u64 ^ (product >> 64) as u64
}

/// The hashes of all runs of `length` words, in order; none where the text has fewer. `length` is at least 1.
#[inline]
pub(super) fn runs(words: &[Word], length: usize) -> impl Iterator<Item = u64> + '_ {
    roll(words, length, |word| word.hash)
}

/// [`runs`] of anything that has a hash.
#[inline]
pub(super) fn roll<'a, T>(
    parts: &'a [T],
    length: usize,
    hash_of: impl Fn(&T) -> u64 + 'a,
) -> impl Iterator<Item = u64> + 'a {
    let oldest = (1..length).fold(1_u64, |power, _| power.wrapping_mul(BASE));
    let head = parts.len().min(length - 1);
    let mut sum = parts[..head].iter().fold(0, |sum, part| push(sum, hash_of(part)));
    parts[head..].iter().zip(parts).map(move |(entering, leaving)| {
        sum = push(sum, hash_of(entering));
        let hash = finish_run(sum, length);
        sum = sum.wrapping_sub(hash_of(leaving).wrapping_mul(oldest));
        hash
    })
}

/// The hash of one run of all `words`, equal to that of [`runs`].
pub(super) fn hash_run(words: &[Word]) -> u64 {
    let sum = words.iter().fold(0, |sum, word| push(sum, word.hash));
    finish_run(sum, words.len())
}

#[inline]
fn push(sum: u64, hash: u64) -> u64 {
    sum.wrapping_mul(BASE).wrapping_add(hash)
}

#[inline]
fn finish_run(sum: u64, length: usize) -> u64 {
    fold(sum ^ (length as u64).wrapping_mul(BASE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let mut words = Vec::new();
        find_words(text, &mut words, &mut String::new());
        words
    }

    /// The words of `text` have the hashes of `expected` and these slices.
    fn check(text: &str, slices: &[&str], expected: &[&str]) {
        let found = words(text);
        let found_slices: Vec<&str> = found
            .iter()
            .map(|word| &text[word.start as usize..word.end as usize])
            .collect();
        assert_eq!(found_slices, slices, "{text:?}");
        let hashes: Vec<u64> = found.iter().map(|word| word.hash).collect();
        let expected: Vec<u64> = expected
            .iter()
            .map(|word| hash_normalized(word.as_bytes()))
            .collect();
        assert_eq!(hashes, expected, "{text:?}");
    }

    #[test]
    fn ascii_words_are_runs_of_letters_and_digits_in_lower_case() {
        check("", &[], &[]);
        check(" -- ", &[], &[]);
        check(
            "Hello, World! 3.14 A_b",
            &["Hello", "World", "3", "14", "A", "b"],
            &["hello", "world", "3", "14", "a", "b"],
        );
        check("x", &["x"], &["x"]);
        check(
            "Internationalization ABCDEFGH 123456789",
            &["Internationalization", "ABCDEFGH", "123456789"],
            &["internationalization", "abcdefgh", "123456789"],
        );
    }

    #[test]
    fn accents_and_case_do_not_matter() {
        check("Café", &["Café"], &["cafe"]);
        check("Cafe\u{301}s!", &["Cafe\u{301}s"], &["cafes"]);
        check("ÉTÉ, naïve", &["ÉTÉ", "naïve"], &["ete", "naive"]);
        check("İstanbul", &["İstanbul"], &["istanbul"]);
        check("ΟΔΟΣ οδός", &["ΟΔΟΣ", "οδός"], &["οδοσ", "οδοσ"]);
        check("ПРИВЕТ мир", &["ПРИВЕТ", "мир"], &["привет", "мир"]);
    }

    #[test]
    fn unicode_punctuation_and_space_separate() {
        check(
            "“one”—two\u{a0}three…",
            &["one", "two", "three"],
            &["one", "two", "three"],
        );
        check("\u{301} a", &["a"], &["a"]);
    }

    #[test]
    fn letters_of_scripts_without_spaces_are_words() {
        check(
            "日本 GDP是5",
            &["日", "本", "GDP", "是", "5"],
            &["日", "本", "gdp", "是", "5"],
        );
        check("ガ", &["ガ"], &["カ"]);
    }

    #[test]
    fn rolled_runs_equal_runs_hashed_alone() {
        let words = words("a b c d e f g Ab c d é");
        for length in 1..=12 {
            let rolled: Vec<u64> = runs(&words, length).collect();
            let alone: Vec<u64> = words.windows(length).map(hash_run).collect();
            assert_eq!(rolled, alone, "{length}");
        }
    }

    #[test]
    fn runs_of_different_lengths_differ() {
        let words = words("a a a");
        assert_ne!(hash_run(&words[..1]), hash_run(&words[..2]));
    }
}
