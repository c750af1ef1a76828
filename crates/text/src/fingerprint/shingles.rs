//! Hashes of the n-grams of a simplified text.

use xxhash_rust::xxh64::xxh64;

use super::{sha1, simplify};
use crate::words::Tokenizer;

/// What an n-gram counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Words of the simplified text by spaCy's English rules, as in datatrove; joined by one blank.
    Words,
    /// Unicode scalar values of the simplified text, blanks included.
    Characters,
}

/// How an n-gram, as UTF-8, becomes 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShingleHash {
    /// XXH64 with seed 0; datatrove's `xxhash`.
    Xxh64,
    /// The first eight bytes of SHA-1 as a little-endian number; datatrove's `sha1`, as FineWeb takes it.
    Sha1,
}

/// Hashes n-grams of texts; keeps its buffers from one text to the next.
pub struct Shingler {
    unit: Unit,
    n: usize,
    hash: ShingleHash,
    simplified: String,
    tokenizer: Tokenizer,
    words: Words,
}

/// Words that are one blank apart.
#[derive(Default)]
struct Words {
    /// The words with their blanks. Empty if the text has them in this form already, which is so unless two words
    /// touch (*can* and *not*) or are two blanks apart.
    joined: String,
    /// First byte and end of each word, in `joined` or the text.
    spans: Vec<(usize, usize)>,
}

impl Shingler {
    /// N-grams of `n` units.
    ///
    /// # Panics
    ///
    /// If `n` is 0.
    pub fn new(unit: Unit, n: usize, hash: ShingleHash) -> Self {
        assert!(n > 0, "an n-gram of nothing");
        Shingler {
            unit,
            n,
            hash,
            simplified: String::new(),
            tokenizer: Tokenizer::new(),
            words: Words::default(),
        }
    }

    /// Replaces `out` by one hash per n-gram in order of the text, repeats included: as many as the simplified text
    /// has units, less `n - 1`. Nothing if it has fewer than `n`.
    pub fn shingles(&mut self, text: &str, out: &mut Vec<u64>) {
        match self.hash {
            ShingleHash::Xxh64 => self.hash_all(text, out, |bytes| xxh64(bytes, 0)),
            ShingleHash::Sha1 => self.hash_all(text, out, sha1::first_u64),
        }
    }

    fn hash_all(&mut self, text: &str, out: &mut Vec<u64>, hash: impl Fn(&[u8]) -> u64) {
        out.clear();
        simplify(text, &mut self.simplified);
        match self.unit {
            Unit::Words => {
                self.words.collect(&self.simplified, &mut self.tokenizer);
                let Words { joined, spans } = &self.words;
                let joined = if joined.is_empty() {
                    &self.simplified
                } else {
                    joined
                }
                .as_bytes();
                let ends = spans.iter().skip(self.n - 1);
                out.extend(
                    spans
                        .iter()
                        .zip(ends)
                        .map(|(first, last)| hash(&joined[first.0..last.1])),
                );
            }
            Unit::Characters => {
                let text = &self.simplified;
                let starts = text.char_indices().map(|(start, _)| start);
                let ends = text
                    .char_indices()
                    .map(|(start, c)| start + c.len_utf8())
                    .skip(self.n - 1);
                out.extend(
                    starts
                        .zip(ends)
                        .map(|(start, end)| hash(&text.as_bytes()[start..end])),
                );
            }
        }
    }
}

impl Words {
    /// Finds the words of a simplified text.
    fn collect(&mut self, text: &str, tokenizer: &mut Tokenizer) {
        self.joined.clear();
        self.spans.clear();
        let mut copied = 0;
        let mut shift = 0;
        let mut last_end = 0;
        for (start, end) in tokenizer.spans(text) {
            if start != last_end + 1 && !self.spans.is_empty() {
                self.joined.push_str(&text[copied..last_end]);
                self.joined.push(' ');
                copied = start;
                shift = self.joined.len().wrapping_sub(start);
            }
            self.spans
                .push((start.wrapping_add(shift), end.wrapping_add(shift)));
            last_end = end;
        }
        if copied > 0 {
            self.joined.push_str(&text[copied..last_end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unit: Unit, n: usize, text: &str, grams: &[&str]) {
        let mut shingles = vec![1, 2, 3];
        Shingler::new(unit, n, ShingleHash::Xxh64).shingles(text, &mut shingles);
        let expected: Vec<u64> = grams.iter().map(|gram| xxh64(gram.as_bytes(), 0)).collect();
        assert_eq!(shingles, expected, "{text:?}");
    }

    #[test]
    fn words_are_joined_by_one_blank_wherever_they_stood() {
        check(
            Unit::Words,
            2,
            "You cannot, 7km!",
            &["you can", "can not", "not 0", "0 km"],
        );
        check(Unit::Words, 2, "one \u{301} two three", &["one two", "two three"]);
        check(Unit::Words, 1, "Gonna stay", &["gon", "na", "stay"]);
    }

    #[test]
    fn characters_are_scalar_values_of_the_simplified_text() {
        check(Unit::Characters, 3, "Ab, ‘é", &["ab ", "b ‘", " ‘e"]);
    }

    #[test]
    fn too_few_units_give_no_shingles() {
        check(Unit::Words, 5, "one two three four", &[]);
        check(Unit::Words, 1, " ... ", &[]);
        check(Unit::Characters, 4, "abc", &[]);
    }

    #[test]
    fn huge_runs_of_anything_take_linear_time() {
        for piece in [
            "a", "!", "\u{301}", "\u{302e}", "7", "7 ", "‘", "gonna ", "0km ", " \u{301}",
        ] {
            let text = piece.repeat(1_000_000 / piece.len());
            let mut shingles = Vec::new();
            for unit in [Unit::Words, Unit::Characters] {
                Shingler::new(unit, 5, ShingleHash::Sha1).shingles(&text, &mut shingles);
                assert!(shingles.len() <= text.len());
            }
        }
    }
}
