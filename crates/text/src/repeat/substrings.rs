//! Runs of bytes that stand elsewhere in the same texts, by a suffix array.
//!
//! [`repeated_substrings`] covers every substring of at least `min_bytes` bytes that occurs twice or more in one
//! partition, a list of texts that the caller chose to compare; Lee et al. take 50 tokens, text-dedup 100 bytes, OLMo 3
//! 500. The answer is exact, no hash takes part in it.
//!
//! * An occurrence lies within one text. Two may lie in the same text and may overlap: `aaaa` has `aaa` twice.
//! * With `keep_first` the first occurrence of a substring, by number of the text and then by position, is no repeat:
//!   covered is what a substring of at least `min_bytes` bytes covers that also starts further ahead. Without,
//!   all occurrences are covered.
//! * Ranges of a text are sorted, merged where they overlap or touch, and then shrunk to character boundaries, so that
//!   up to 3 bytes at either end stay. One that vanishes is left out.
//!
//! # How
//!
//! The texts are joined by the byte `0xff`, which UTF-8 never has, and libsais sorts the suffixes. Any repeat of at
//! least `min_bytes` is made of windows of exactly that length, and equal windows are neighbours in the suffix array:
//! they form runs in which the longest common prefix (PLCP by Kärkkäinen's Φ algorithm) never falls below
//! `min_bytes`. A window that reaches over `0xff` reaches over it in its whole run. Every window of a run, or every one
//! but the one at the lowest position, is marked with a bit, and one pass over the bits gives the ranges.
//!
//! # Cost
//!
//! Time is linear in the bytes, whatever they are. Beside the texts, at the peak, each byte of them takes 9.2 bytes
//! of memory: 1 for the joined texts, 4 for the suffix array, 4 for the prefix lengths, ⅛ for the marks. A partition is
//! at most [`MAX_BYTES`] long, just below 2 GiB, as positions have 31 bits; a longer one is an error.
//!
//! libsais (C, Apache-2.0, without OpenMP) sorts 67 MB of web text with near-duplicates in 3.3 s on one thread. Its
//! translation to Rust (`libsais-rs`) took 3.1 s, but calls itself experimental and has `unsafe` code of its own;
//! `divsufsort` took 6.6 s, `psacak` 7.4 s of wall time on two threads. One run each; all gave the same array with
//! about 5 bytes of memory a byte.
//!
//! Sources: Lee et al. 2021, arXiv:2107.06499, section 4.2; Kärkkäinen, Manzini and Puglisi 2009, *Permuted
//! Longest-Common-Prefix Array*.

use gristmill_core::{Error, Result};
use libsais::SuffixArrayConstruction;

/// Bytes of a partition at most, with one between any two texts.
pub const MAX_BYTES: usize = i32::MAX as usize - 1;

/// Stands between two texts; no byte of UTF-8.
const BORDER: u8 = 0xff;

/// The byte ranges of every text that are covered by repeated substrings; see the [module](self). A `min_bytes` of 0
/// counts as 1.
///
/// # Errors
///
/// If the texts with one byte between them are longer than [`MAX_BYTES`], or memory does not suffice.
pub fn repeated_substrings(
    texts: &[&str],
    min_bytes: usize,
    keep_first: bool,
) -> Result<Vec<Vec<(u32, u32)>>> {
    let bytes = joined_bytes(texts.iter().map(|text| text.len()))?;
    let min_bytes = min_bytes.max(1);
    if texts.iter().all(|text| text.len() < min_bytes) {
        return Ok(vec![Vec::new(); texts.len()]);
    }
    let joined = join(texts, bytes)?;
    let marks = repeated_windows(&joined, min_bytes, keep_first)?;
    drop(joined);
    let mut start = 0;
    let ranges = texts.iter().map(|text| {
        let ranges = covered(text, &marks, start, min_bytes);
        start += text.len() + 1;
        ranges
    });
    Ok(ranges.collect())
}

/// The bytes of all texts with one between any two.
fn joined_bytes(lengths: impl Iterator<Item = usize>) -> Result<usize> {
    let mut bytes = 0usize;
    for length in lengths {
        bytes = bytes.saturating_add(length).saturating_add(1);
    }
    let bytes = bytes.saturating_sub(1);
    if bytes > MAX_BYTES {
        return Err(Error::new(format!(
            "partition of {bytes} bytes exceeds {MAX_BYTES} bytes, the most that a suffix array holds"
        )));
    }
    Ok(bytes)
}

fn join(texts: &[&str], bytes: usize) -> Result<Vec<u8>> {
    let mut joined = reserved(bytes)?;
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            joined.push(BORDER);
        }
        joined.extend_from_slice(text.as_bytes());
    }
    Ok(joined)
}

/// An empty list with room for so many items.
fn reserved<T>(items: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    let refused = |error| Error::new(format!("suffix array of {items} bytes: {error}"));
    list.try_reserve_exact(items).map_err(refused)?;
    Ok(list)
}

/// A bit for every position.
struct Marks(Vec<u64>);

impl Marks {
    fn new(bits: usize) -> Self {
        Marks(vec![0; bits.div_ceil(64)])
    }

    #[inline]
    fn set(&mut self, bit: usize) {
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    /// The first set bit from `from` on, if it is below `end`.
    #[inline]
    fn next(&self, from: usize, end: usize) -> Option<usize> {
        if from >= end {
            return None;
        }
        let mut at = from / 64;
        let mut word = self.0[at] & (u64::MAX << (from % 64));
        while word == 0 {
            at += 1;
            if at * 64 >= end {
                return None;
            }
            word = self.0[at];
        }
        let bit = at * 64 + word.trailing_zeros() as usize;
        (bit < end).then_some(bit)
    }
}

/// Marks where windows of `min_bytes` start that stand elsewhere too; with `keep_first`, at a lower position. Windows
/// that reach over a border are marked or not, as it comes.
fn repeated_windows(joined: &[u8], min_bytes: usize, keep_first: bool) -> Result<Marks> {
    let mut suffixes: Vec<i32> = reserved(joined.len())?;
    let mut prefixes: Vec<i32> = reserved(joined.len())?;
    suffixes.resize(joined.len(), 0);
    prefixes.resize(joined.len(), 0);
    let failed = |error: libsais::LibsaisError| Error::new(format!("suffix array: {error}"));
    SuffixArrayConstruction::for_text(joined)
        .in_borrowed_buffer(&mut suffixes[..])
        .single_threaded()
        .run()
        .map_err(failed)?
        .plcp_construction()
        .in_borrowed_buffer(&mut prefixes[..])
        .single_threaded()
        .run()
        .map_err(failed)?;
    // Whether the window at a position is that of the suffix before it in the array.
    let continues = |position: i32| prefixes[position as usize] as usize >= min_bytes;
    let mut marks = Marks::new(joined.len());
    let mut rest = &suffixes[..];
    while let [first, behind @ ..] = rest {
        let others = behind.iter().take_while(|position| continues(**position)).count();
        let (run, next) = rest.split_at(1 + others);
        rest = next;
        if others == 0 {
            continue;
        }
        let kept = if keep_first {
            run.iter().min().unwrap_or(first)
        } else {
            &-1
        };
        for position in run.iter().filter(|position| *position != kept) {
            marks.set(*position as usize);
        }
    }
    Ok(marks)
}

/// What the marked windows of a text cover, which starts at bit `start`.
fn covered(text: &str, marks: &Marks, start: usize, min_bytes: usize) -> Vec<(u32, u32)> {
    let mut ranges = Vec::new();
    let mut push = |range: (usize, usize)| {
        let range = (
            text.ceil_char_boundary(range.0),
            text.floor_char_boundary(range.1),
        );
        if range.0 < range.1 {
            ranges.push((range.0 as u32, range.1 as u32));
        }
    };
    // Windows that start here or later reach over the end of the text.
    let Some(windows) = (text.len() + 1).checked_sub(min_bytes) else {
        return ranges;
    };
    let mut open: Option<(usize, usize)> = None;
    let mut from = start;
    while let Some(bit) = marks.next(from, start + windows) {
        let (first, end) = (bit - start, bit - start + min_bytes);
        open = match open {
            Some((open_first, open_end)) if first <= open_end => Some((open_first, end)),
            _ => {
                open.into_iter().for_each(&mut push);
                Some((first, end))
            }
        };
        from = bit + 1;
    }
    open.into_iter().for_each(push);
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repeat::tests::Random;

    fn check(texts: &[&str], min_bytes: usize, keep_first: bool, expected: &[&[(u32, u32)]]) {
        let found = repeated_substrings(texts, min_bytes, keep_first).unwrap();
        assert_eq!(found, expected, "{texts:?}");
    }

    #[test]
    fn later_occurrences_are_repeats_and_first_ones_if_asked() {
        let texts = ["xx common part yy", "a common part b", "none"];
        check(&texts, 8, true, &[&[], &[(1, 14)], &[]]);
        check(&texts, 8, false, &[&[(2, 15)], &[(1, 14)], &[]]);
        check(&texts, 14, false, &[&[], &[], &[]]);
    }

    #[test]
    fn substrings_do_not_span_texts() {
        check(&["abc", "def", "abc", "def"], 4, false, &[&[], &[], &[], &[]]);
        check(
            &["abc", "def", "abc", "def"],
            3,
            true,
            &[&[], &[], &[(0, 3)], &[(0, 3)]],
        );
        check(&["", "", "a", ""], 0, true, &[&[], &[], &[], &[]]);
        check(&[], 5, true, &[]);
    }

    #[test]
    fn occurrences_may_overlap() {
        check(&["aaaa"], 3, true, &[&[(1, 4)]]);
        check(&["aaaa"], 3, false, &[&[(0, 4)]]);
        check(&["aaaa"], 4, false, &[&[]]);
    }

    #[test]
    fn a_piece_of_a_character_is_no_repeat() {
        // The three start with the same two bytes.
        check(&["一", "丁", "丂"], 2, false, &[&[], &[], &[]]);
        check(&["x一y", "y一z"], 3, true, &[&[], &[(1, 4)]]);
        check(&["x一y", "x丁y"], 3, true, &[&[], &[(0, 1)]]);
        check(&["xx一", "xx丁"], 4, true, &[&[], &[(0, 2)]]);
    }

    #[test]
    fn ranges_are_those_of_the_definition() {
        let mut random = Random(1);
        let alphabets: [&[&str]; 5] = [
            &["a"],
            &["a", "b"],
            &["a", "b", "\0"],
            &["a", "é", "è"],
            &["一", "丁", "𝄞", "𝄢", "a"],
        ];
        for round in 0..6000 {
            let alphabet = alphabets[round % alphabets.len()];
            let texts: Vec<String> = (0..random.below(5))
                .map(|_| {
                    let length = random.below(if round % 7 == 0 { 40 } else { 12 });
                    random.text(alphabet, length)
                })
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let min_bytes = random.below(7);
            for keep_first in [true, false] {
                let found = repeated_substrings(&texts, min_bytes, keep_first).unwrap();
                assert_eq!(
                    found,
                    naive(&texts, min_bytes, keep_first),
                    "{texts:?} {min_bytes} {keep_first}"
                );
            }
        }
    }

    /// The definition, substring by substring.
    fn naive(texts: &[&str], min_bytes: usize, keep_first: bool) -> Vec<Vec<(u32, u32)>> {
        let min_bytes = min_bytes.max(1);
        let mut covered: Vec<Vec<bool>> = texts.iter().map(|text| vec![false; text.len()]).collect();
        for (number, text) in texts.iter().enumerate() {
            let text = text.as_bytes();
            for start in 0..text.len() {
                for end in start + min_bytes..=text.len() {
                    let is_repeated = texts.iter().enumerate().any(|(other_number, other)| {
                        let starts = other.as_bytes().windows(end - start).enumerate();
                        starts
                            .filter(|(_, window)| **window == text[start..end])
                            .any(|(other_start, _)| {
                                let (here, there) = ((number, start), (other_number, other_start));
                                if keep_first { there < here } else { there != here }
                            })
                    });
                    if is_repeated {
                        covered[number][start..end].fill(true);
                    }
                }
            }
        }
        let ranges = texts.iter().zip(covered).map(|(text, covered)| {
            let mut ranges = Vec::new();
            let mut at = 0;
            while at < text.len() {
                let length = covered[at..].iter().take_while(|is| **is == covered[at]).count();
                let (start, end) = (text.ceil_char_boundary(at), text.floor_char_boundary(at + length));
                if covered[at] && start < end {
                    ranges.push((start as u32, end as u32));
                }
                at += length;
            }
            ranges
        });
        ranges.collect()
    }

    #[test]
    fn one_byte_a_million_times_is_one_range() {
        let text = "a".repeat(1 << 20);
        check(&[&text], 100, true, &[&[(1, 1 << 20)]]);
        check(&[&text], 1 << 19, true, &[&[(1, 1 << 20)]]);
    }

    #[test]
    fn one_text_a_thousand_times_is_kept_once() {
        let text: String = (0..200).map(|number| format!("{number}, ")).collect();
        let found = repeated_substrings(&vec![text.as_str(); 1000], 50, true).unwrap();
        assert_eq!(found[0], []);
        assert!(
            found[1..]
                .iter()
                .all(|ranges| *ranges == [(0, text.len() as u32)])
        );
    }

    #[test]
    fn a_partition_of_two_gibibytes_is_refused() {
        assert_eq!(joined_bytes([MAX_BYTES].into_iter()).unwrap(), MAX_BYTES);
        assert_eq!(joined_bytes([MAX_BYTES - 2, 1].into_iter()).unwrap(), MAX_BYTES);
        let error = joined_bytes([MAX_BYTES - 1, 1].into_iter()).unwrap_err();
        assert!(error.to_string().contains("exceeds 2147483646 bytes"), "{error}");
        assert!(joined_bytes([usize::MAX, usize::MAX].into_iter()).is_err());
    }
}
