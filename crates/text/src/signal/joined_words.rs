//! Keys for any run of words, as if the words were joined to one string.
//!
//! The reference tells n-grams apart by the string of their words joined by a blank, or by nothing: `ab c` and
//! `a bc` are then the same. A polynomial hash of the joined bytes modulo the prime 2^61 - 1 gives the same equality
//! without building strings. With the hash `V` of the whole string up to each word, in ascending powers of the base,
//! the key of a run is the difference of two `V` times an inverse power: one multiplication, whatever its length.

use super::{char_count::char_count, document::Document};

const PRIME: u64 = (1 << 61) - 1;
const BASE: u64 = 0x0b4e_5eed_9a1f_37c5;
/// Bytes that are hashed in one go with powers from a table.
const PIECE: usize = 64;
static POWERS: [u64; PIECE + 1] = powers(BASE);
static INVERSES: [u64; PIECE + 1] = powers(inverse(BASE));

/// The words of a document joined to one string. Reused from document to document.
#[derive(Debug, Default)]
pub(crate) struct JoinedWords {
    /// Before each word, and once behind the last.
    starts: Vec<Position>,
    /// Behind each word, before the separator.
    ends: Vec<Position>,
}

/// A place in the joined string.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// Hash of what is before it.
    hash: u64,
    /// `BASE` to the power of minus the bytes before it.
    inverse: u64,
    /// `BASE` to the power of the bytes before it.
    power: u64,
    /// Code points before it.
    chars: usize,
}

impl JoinedWords {
    /// Joins the words of `document` with `separator`.
    pub(crate) fn join(&mut self, document: &Document<'_>, separator: &str) {
        self.starts.clear();
        self.ends.clear();
        let mut position = Position {
            hash: 0,
            inverse: 1,
            power: 1,
            chars: 0,
        };
        for word in document.words() {
            self.starts.push(position);
            position.append(word);
            self.ends.push(position);
            position.append(separator);
        }
    }

    /// The number of runs of `n` words.
    pub(crate) fn runs(&self, n: usize) -> usize {
        (self.starts.len() + 1).saturating_sub(n)
    }

    /// Equal for equal strings of the `n` words from `first` on, and only for them but for a chance of 2^-61 for
    /// each byte.
    pub(crate) fn key(&self, first: usize, n: usize) -> u64 {
        let (start, end) = (&self.starts[first], &self.ends[first + n - 1]);
        multiply(add(end.hash, PRIME - start.hash), start.inverse)
    }

    /// Code points of the string of the `n` words from `first` on.
    pub(crate) fn chars(&self, first: usize, n: usize) -> usize {
        self.ends[first + n - 1].chars - self.starts[first].chars
    }
}

impl Position {
    fn append(&mut self, text: &str) {
        self.chars += char_count(text) as usize;
        for piece in text.as_bytes().chunks(PIECE) {
            let terms = piece.iter().zip(&POWERS);
            // 64 terms of 61 and 9 bits. One is added to each byte so that NUL bytes count.
            let sum: u128 = terms
                .map(|(&byte, &power)| u128::from(power) * (u128::from(byte) + 1))
                .sum();
            self.hash = add(self.hash, multiply(reduce(sum), self.power));
            self.power = multiply(self.power, POWERS[piece.len()]);
            self.inverse = multiply(self.inverse, INVERSES[piece.len()]);
        }
    }
}

const fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

const fn multiply(a: u64, b: u64) -> u64 {
    reduce(a as u128 * b as u128)
}

/// `x` modulo the prime, for `x` below 2^122.
const fn reduce(x: u128) -> u64 {
    add((x >> 61) as u64, (x as u64) & PRIME)
}

const fn powers(base: u64) -> [u64; PIECE + 1] {
    let mut powers = [1; PIECE + 1];
    let mut exponent = 1;
    while exponent <= PIECE {
        powers[exponent] = multiply(powers[exponent - 1], base);
        exponent += 1;
    }
    powers
}

/// The inverse of `a` by Fermat: `a` to the power of the prime minus 2.
const fn inverse(a: u64) -> u64 {
    let (mut result, mut square, mut exponent) = (1, a, PRIME - 2);
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        exponent /= 2;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(words: &[&str], separator: &str) -> JoinedWords {
        let text = words.concat();
        let mut end = 0;
        let offsets: Vec<u32> = words
            .iter()
            .flat_map(|word| {
                let start = end;
                end += word.len() as u32;
                [start, end]
            })
            .collect();
        let mut joined = JoinedWords::default();
        joined.join(&Document::new(&text, &offsets), separator);
        joined
    }

    #[test]
    fn keys_are_equal_where_the_joined_strings_are() {
        let words = ["ab", "c", "x", "a", "bc", "ab", "c"];
        let tight = joined(&words, "");
        assert_eq!(tight.key(0, 2), tight.key(3, 2));
        assert_ne!(tight.key(0, 2), tight.key(1, 2));
        let spaced = joined(&words, " ");
        assert_ne!(spaced.key(0, 2), spaced.key(3, 2));
        assert_eq!(spaced.key(0, 2), spaced.key(5, 2));
        assert_eq!((tight.chars(3, 2), spaced.chars(3, 2)), (3, 4));
    }

    #[test]
    fn long_words_and_nul_bytes_count() {
        let long = "long".repeat(100);
        let words = [&*long, "é", &long, "é", "\0", "\0\0"];
        let joined = joined(&words, "");
        assert_eq!(joined.key(0, 2), joined.key(2, 2));
        assert_ne!(joined.key(4, 1), joined.key(5, 1));
        assert_eq!(joined.runs(6), 1);
        assert_eq!(joined.runs(7), 0);
    }
}
