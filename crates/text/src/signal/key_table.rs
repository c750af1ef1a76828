//! Counts of 64-bit keys that are hashes already.
//!
//! Equal keys are taken for equal things. Among a million different things of one document the odds of any two sharing
//! a key of 61 bits are below one in two million. The table is sized for each use, so that a long document does not
//! slow the short ones behind it, and is never more than half full.

/// Keys with how often and where first each occurred. Reused; [`clear`](Self::clear) first.
#[derive(Debug, Default)]
pub(crate) struct KeyTable {
    /// A power of two of them; an entry with count 0 is free.
    entries: Vec<Entry>,
}

/// A key that occurred.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Entry {
    key: u64,
    /// How often it was inserted.
    pub(crate) count: u32,
    /// The place given at its first insertion.
    pub(crate) first: u32,
}

impl KeyTable {
    /// Empties the table and makes room for `keys` different keys.
    pub(crate) fn clear(&mut self, keys: usize) {
        self.entries.clear();
        self.entries
            .resize((2 * keys + 1).next_power_of_two(), Entry::default());
    }

    /// Counts `key`, met at `place`, and gives its entry.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, place: usize) -> Entry {
        let mask = self.entries.len() - 1;
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            let entry = &mut self.entries[slot];
            if entry.count == 0 {
                // Places are words or lines of one text, which has fewer than 2^32 bytes.
                (entry.key, entry.first) = (key, place as u32);
            }
            if entry.key == key {
                entry.count += 1;
                return *entry;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// How often `key` was inserted.
    #[inline]
    pub(crate) fn count(&self, key: u64) -> u32 {
        let mask = self.entries.len() - 1;
        let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            let entry = &self.entries[slot];
            if entry.count == 0 || entry.key == key {
                return entry.count;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// All keys that occurred, in no order to rely on.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_first_places_survive_collisions() {
        let mut table = KeyTable::default();
        table.clear(3);
        for (place, key) in [0, 1 << 40, 0, 1 << 41, 1 << 40, 0].into_iter().enumerate() {
            table.insert(key, place);
        }
        let mut found: Vec<_> = table.entries().map(|entry| (entry.count, entry.first)).collect();
        found.sort_unstable();
        assert_eq!(found, [(1, 3), (2, 1), (3, 0)]);
        assert_eq!([0, 1 << 40, 1 << 42].map(|key| table.count(key)), [3, 2, 0]);
    }
}
