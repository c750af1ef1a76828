//! From the hash of an n-gram to its number: a small filter of bits in front of a hash table.
//!
//! Nearly every n-gram of a text is in no evaluation set, so the filter answers nearly every question. It takes 16 bits
//! per n-gram, three of them set within one word of 64 bits, and lets about one stranger in a hundred pass. The table
//! behind it takes 11 bytes per n-gram: 32 bits of the hash beside the number, found by 32 other bits, so that two
//! different n-grams are confused with odds far below one in a billion.

/// Says no for sure or yes perhaps.
#[derive(Debug, Default)]
pub(super) struct Filter {
    blocks: Vec<u64>,
}

impl Filter {
    pub(super) fn new(hashes: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut blocks = vec![0; hashes.len().div_ceil(4)];
        for hash in hashes {
            let block = scale(hash, blocks.len());
            blocks[block] |= bits(hash);
        }
        Self { blocks }
    }

    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let bits = bits(hash);
        self.blocks
            .get(scale(hash, self.blocks.len()))
            .is_some_and(|block| block & bits == bits)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        8 * self.blocks.capacity()
    }
}

/// Numbers of hashes; open addressing, at most three quarters full.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The lower half of the hash above the number.
    slots: Vec<u64>,
}

/// A slot without a number.
const FREE: u64 = u64::MAX;

impl Table {
    /// Numbers different `hashes` from 0. There are fewer than 2^32 - 1 of them.
    pub(super) fn new(hashes: &[u64]) -> Self {
        let mut slots = vec![FREE; hashes.len() + hashes.len() / 3 + 1];
        for (number, &hash) in hashes.iter().enumerate() {
            let mut slot = scale(hash, slots.len());
            while slots[slot] != FREE {
                slot = if slot + 1 == slots.len() { 0 } else { slot + 1 };
            }
            slots[slot] = hash << 32 | number as u64;
        }
        Self { slots }
    }

    pub(super) fn get(&self, hash: u64) -> Option<u32> {
        let mut slot = scale(hash, self.slots.len());
        loop {
            let entry = *self.slots.get(slot)?;
            if entry == FREE {
                return None;
            }
            if entry >> 32 == hash & 0xffff_ffff {
                return Some(entry as u32);
            }
            slot = if slot + 1 == self.slots.len() { 0 } else { slot + 1 };
        }
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        8 * self.slots.capacity()
    }
}

/// Where `hash` lies among all hashes, on a scale of `length`.
#[inline]
fn scale(hash: u64, length: usize) -> usize {
    ((u128::from(hash) * length as u128) >> 64) as usize
}

/// Three bits chosen by the low end of the hash; its high end chooses the block.
#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63) | 1 << (hash >> 12 & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(count: u64) -> Vec<u64> {
        (1..=count)
            .map(|number| xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes()))
            .collect()
    }

    #[test]
    fn what_is_in_is_found() {
        let hashes = hashes(10_000);
        let (filter, table) = (Filter::new(hashes.iter().copied()), Table::new(&hashes));
        for (number, &hash) in hashes.iter().enumerate() {
            assert!(filter.may_hold(hash));
            assert_eq!(table.get(hash), Some(number as u32));
        }
    }

    #[test]
    fn few_strangers_pass_the_filter_and_none_the_table() {
        let hashes = hashes(110_000);
        let (known, strangers) = hashes.split_at(10_000);
        let (filter, table) = (Filter::new(known.iter().copied()), Table::new(known));
        let passed = strangers.iter().filter(|&&hash| filter.may_hold(hash)).count();
        assert!(passed < 2_500, "{passed} of 100,000");
        assert!(strangers.iter().all(|&hash| table.get(hash).is_none()));
    }

    #[test]
    fn nothing_is_in_an_empty_table() {
        assert!(!Filter::default().may_hold(1));
        assert_eq!(Table::default().get(1), None);
        assert_eq!(Table::new(&[]).get(1), None);
    }
}
