//! A fixed set of short strings, made to say *no* quickly.
//!
//! Nearly every word of a text is looked up in the tokeniser's tables and nearly none is there. A lookup mixes at
//! most 16 bytes into a slot number; the slots are at most a quarter full, so the string itself is rarely compared.

/// A set of short strings; each has a number in the order of insertion.
pub(super) struct Strings {
    /// Number of the string plus one, or 0; a power of two of them.
    slots: Vec<u16>,
    strings: Vec<&'static str>,
    longest: usize,
}

impl Strings {
    /// Collects strings; of equal ones the first counts.
    pub(super) fn new(strings: impl IntoIterator<Item = &'static str>) -> Self {
        let strings: Vec<_> = strings.into_iter().collect();
        let mut set = Strings {
            slots: vec![0; (strings.len() * 4).next_power_of_two()],
            longest: strings.iter().map(|string| string.len()).max().unwrap_or(0),
            strings: Vec::new(),
        };
        for string in strings {
            let slot = set.slot(string);
            if set.slots[slot] == 0 {
                set.strings.push(string);
                set.slots[slot] = set.strings.len() as u16;
            }
        }
        set
    }

    /// Bytes of the longest string.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The number of `string`, if it is in the set.
    #[inline]
    pub(super) fn find(&self, string: &str) -> Option<usize> {
        if string.len() > self.longest {
            return None;
        }
        match self.slots[self.slot(string)] {
            0 => None,
            number => Some(usize::from(number) - 1),
        }
    }

    /// The slot that holds `string`, or the free one where it belongs.
    #[inline]
    fn slot(&self, string: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = mix(string.as_bytes()) as usize & mask;
        while self.slots[slot] != 0 && self.strings[usize::from(self.slots[slot]) - 1] != string {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

/// A hash of the length and the first and last 8 bytes.
#[inline]
fn mix(bytes: &[u8]) -> u64 {
    let key = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
    } else {
        bytes.iter().fold(0, |key, &byte| key << 8 | u64::from(byte))
    };
    (key ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_in_it_and_nothing_else() {
        let strings = Strings::new(["", "a", "ab", "abcd", "abcdefgh", "abcdefghi", "a"]);
        assert_eq!(strings.find("abcdefghi"), Some(5));
        assert_eq!(strings.find(""), Some(0));
        assert_eq!(strings.find("a"), Some(1));
        assert_eq!(strings.find("b"), None);
        assert_eq!(strings.find("abcdefghij"), None);
    }
}
