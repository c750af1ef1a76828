//! Parts of a text that occurred before in it, or that occur again.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use xxhash_rust::xxh3::xxh3_64;

use super::char_count::char_count;

/// How many parts there are, and how much of them are copies. The first occurrence of a part is no copy.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Duplicates {
    pub(crate) parts: usize,
    pub(crate) copies: usize,
    /// Code points of the copies.
    pub(crate) copied_chars: usize,
}

/// Counts the copies among the parts. Parts are told apart by their 64-bit XXH3.
pub(crate) fn duplicates<'a>(parts: impl Iterator<Item = &'a str>) -> Duplicates {
    let mut seen = HashSet::new();
    let mut found = Duplicates::default();
    for part in parts {
        found.parts += 1;
        if !seen.insert(xxh3_64(part.as_bytes())) {
            found.copies += 1;
            found.copied_chars += char_count(part) as usize;
        }
    }
    found
}

/// How many parts there are, and how much of them occurs more than once: all occurrences of a part, also the first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeats {
    pub(crate) parts: usize,
    /// Code points of the parts.
    pub(crate) chars: usize,
    pub(crate) repeated: usize,
    /// Code points of the repeated parts.
    pub(crate) repeated_chars: usize,
}

/// Counts the parts that occur more than once. Parts are told apart by their 64-bit XXH3.
pub(crate) fn repeats<'a>(parts: impl Iterator<Item = &'a str>) -> Repeats {
    let mut is_repeated = HashMap::new();
    let mut found = Repeats::default();
    for part in parts {
        let chars = char_count(part) as usize;
        found.parts += 1;
        found.chars += chars;
        let more = match is_repeated.entry(xxh3_64(part.as_bytes())) {
            Entry::Vacant(entry) => {
                entry.insert(false);
                0
            }
            // The second occurrence brings the first with it.
            Entry::Occupied(mut entry) => 2 - usize::from(entry.insert(true)),
        };
        found.repeated += more;
        found.repeated_chars += more * chars;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_of_a_repeated_part_counts() {
        let found = repeats(["é", "bb", "é", "é", "ccc", "ccc"].into_iter());
        let expected = Repeats {
            parts: 6,
            chars: 11,
            repeated: 5,
            repeated_chars: 9,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_first_occurrence_is_no_copy() {
        let found = duplicates(["é", "b", "é", "é"].into_iter());
        let expected = Duplicates {
            parts: 4,
            copies: 2,
            copied_chars: 2,
        };
        assert_eq!(found, expected);
    }
}
