//! Parts of a text that occurred before in it.

use std::collections::HashSet;

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

#[cfg(test)]
mod tests {
    use super::*;

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
