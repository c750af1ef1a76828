//! Keys for any run of words, as if the words were joined to one string.
//!
//! The reference tells n-grams apart by the string of their words joined by a blank, or by nothing: `ab c` and
//! `a bc` are then the same. The words are joined once, and the key of a run is a hash of its bytes.
//!
//! Runs that are equal begin with the same bytes. [`prefix`](JoinedWords::prefix) is a key of the first bytes of all
//! runs from a word on, however long, so one look at it spares most words the look at each length.

use xxhash_rust::xxh3::xxh3_64;

use super::{char_count::char_count, document::Document};

/// The longest prefix that there are keys of.
const LONGEST: usize = 16;

/// The words of a document joined to one string. Reused from document to document.
#[derive(Debug, Default)]
pub(crate) struct JoinedWords {
    /// The string, and then [`LONGEST`] NUL bytes.
    bytes: Vec<u8>,
    words: Vec<Joined>,
}

/// Where a word is in the joined string.
#[derive(Debug, Clone, Copy)]
struct Joined {
    start: u32,
    end: u32,
    /// Code points before its start and before its end.
    chars: (u32, u32),
}

impl JoinedWords {
    /// Joins the words of `document` with `separator`.
    pub(crate) fn join(&mut self, document: &Document<'_>, separator: &str) {
        let separator_chars = char_count(separator);
        self.bytes.clear();
        self.words.clear();
        self.words.reserve(document.word_count());
        let mut chars = 0;
        for word in document.words() {
            // A text has fewer than 2^32 bytes; joined, it may have a blank for each.
            let start = self.bytes.len();
            let Ok(end) = u32::try_from(start + word.len()) else {
                break;
            };
            let before = chars;
            chars += char_count(word);
            self.words.push(Joined {
                start: start as u32,
                end,
                chars: (before, chars),
            });
            self.bytes.extend_from_slice(word.as_bytes());
            self.bytes.extend_from_slice(separator.as_bytes());
            chars += separator_chars;
        }
        self.bytes.extend_from_slice(&[0; LONGEST]);
    }

    /// The number of runs of `n` words.
    pub(crate) fn runs(&self, n: usize) -> usize {
        (self.words.len() + 1).saturating_sub(n)
    }

    /// Equal for equal strings of the `n` words from `first` on, and only for them but for a chance of about 2^-60.
    pub(crate) fn key(&self, first: usize, n: usize) -> u64 {
        let start = self.words[first].start as usize;
        let length = self.length(first, n);
        if length > LONGEST {
            return xxh3_64(&self.bytes[start..start + length]);
        }
        // Most n-grams of few words are short, and no branch on their length would be foreseen. A word has a byte.
        let unused = 8 * (LONGEST - length.max(1)) as u32;
        let bytes =
            (u128::from(self.word(start + 8)) << 64 | u128::from(self.word(start))) << unused >> unused;
        // Only NUL bytes could make strings of two lengths alike here.
        mix(bytes as u64, (bytes >> 64) as u64) ^ length as u64
    }

    /// Eight bytes of the string.
    fn word(&self, at: usize) -> u64 {
        let bytes = self.bytes[at..at + 8].first_chunk().expect("eight bytes");
        u64::from_le_bytes(*bytes)
    }

    /// Bytes of the string of the `n` words from `first` on.
    pub(crate) fn length(&self, first: usize, n: usize) -> usize {
        (self.words[first + n - 1].end - self.words[first].start) as usize
    }

    /// A key of the first `bytes` bytes, 8 or 16, from the word `first` on: equal where they are.
    pub(crate) fn prefix(&self, first: usize, bytes: usize) -> u64 {
        let start = self.words[first].start as usize;
        let high = if bytes < LONGEST { 0 } else { self.word(start + 8) };
        mix(self.word(start), high)
    }

    /// Code points of the string of the `n` words from `first` on.
    pub(crate) fn chars(&self, first: usize, n: usize) -> usize {
        (self.words[first + n - 1].chars.1 - self.words[first].chars.0) as usize
    }
}

/// A hash of 16 bytes: the product with two constants, folded.
fn mix(low: u64, high: u64) -> u64 {
    let product = u128::from(low ^ 0x9e37_79b9_7f4a_7c15) * u128::from(high ^ 0xc2b2_ae3d_27d4_eb4f);
    product as u64 ^ (product >> 64) as u64
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
        assert_eq!((tight.length(3, 2), spaced.length(3, 2)), (3, 4));
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

    #[test]
    fn prefixes_are_equal_where_the_first_bytes_are() {
        let words = [
            "abcd", "efgh", "ijkl", "mnop", "abc", "defgh", "ijkl", "mnoq", "x",
        ];
        let joined = joined(&words, "");
        assert_eq!(joined.prefix(0, 8), joined.prefix(4, 8));
        assert_ne!(joined.prefix(0, 16), joined.prefix(4, 16));
        assert_ne!(joined.prefix(8, 8), joined.prefix(0, 8));
    }
}
