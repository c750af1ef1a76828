//! Which of many keys may occur more than once.
//!
//! Nearly all n-grams of a text occur once. Two bits for each of 16 places a key tell so without a table: they fit the
//! first-level cache, and a key that alone hits its place needs no further look. About one in 16 of the others is let
//! through by chance.

/// Two bits a place: hit once, hit again. Reused; [`clear`](Self::clear) first.
#[derive(Debug, Default)]
pub(crate) struct RepeatFilter {
    /// A power of two of them.
    once: Vec<u64>,
    again: Vec<u64>,
}

impl RepeatFilter {
    /// Forgets all keys and makes room for `keys`.
    pub(crate) fn clear(&mut self, keys: usize) {
        let blocks = (keys / 4 + 1).next_power_of_two();
        for bits in [&mut self.once, &mut self.again] {
            bits.clear();
            bits.resize(blocks, 0);
        }
    }

    /// Notes one occurrence of `key`.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64) {
        let (block, bit) = self.place(key);
        self.again[block] |= self.once[block] & bit;
        self.once[block] |= bit;
    }

    /// Whether `key` may have been inserted twice; surely so if it was.
    #[inline]
    pub(crate) fn may_repeat(&self, key: u64) -> bool {
        let (block, bit) = self.place(key);
        self.again[block] & bit != 0
    }

    #[inline]
    fn place(&self, key: u64) -> (usize, u64) {
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 26;
        ((mixed >> 6) as usize & (self.once.len() - 1), 1 << (mixed & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_pass_and_few_others() {
        let mut filter = RepeatFilter::default();
        filter.clear(1000);
        for key in (0..1000).chain(0..100) {
            filter.insert(key << 20);
        }
        assert!((0..100).all(|key| filter.may_repeat(key << 20)));
        assert!((100..1000).filter(|key| filter.may_repeat(key << 20)).count() < 150);
    }
}
