//! Random numbers of NumPy's `RandomState`.
//!
//! MT19937 of Matsumoto and Nishimura (1998) with the seeding of 2002, as `numpy.random.RandomState(seed)` uses it
//! for a seed of 32 bits. NumPy has frozen this stream (NEP 19).

const SIZE: usize = 624;
const SHIFT: usize = 397;

/// The generator.
pub(super) struct MersenneTwister {
    state: [u32; SIZE],
    next: usize,
}

impl MersenneTwister {
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed; SIZE];
        for place in 1..SIZE {
            let before = state[place - 1];
            state[place] = (before ^ before >> 30)
                .wrapping_mul(1_812_433_253)
                .wrapping_add(place as u32);
        }
        MersenneTwister { state, next: SIZE }
    }

    /// `RandomState.randint(low, high, dtype=uint64)`, both ends included; drawn again until it is in the range.
    /// `high - low` must not fit into 32 bits: NumPy draws such numbers from half as many bits.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        let range = high - low;
        let mask = u64::MAX >> range.leading_zeros();
        loop {
            let upper = u64::from(self.next_u32());
            let drawn = (upper << 32 | u64::from(self.next_u32())) & mask;
            if drawn <= range {
                return low + drawn;
            }
        }
    }

    fn next_u32(&mut self) -> u32 {
        if self.next == SIZE {
            self.twist();
        }
        let mut number = self.state[self.next];
        self.next += 1;
        number ^= number >> 11;
        number ^= number << 7 & 0x9d2c_5680;
        number ^= number << 15 & 0xefc6_0000;
        number ^ number >> 18
    }

    fn twist(&mut self) {
        for place in 0..SIZE {
            let joined = self.state[place] & 0x8000_0000 | self.state[(place + 1) % SIZE] & 0x7fff_ffff;
            let odd = if joined & 1 == 0 { 0 } else { 0x9908_b0df };
            self.state[place] = self.state[(place + SHIFT) % SIZE] ^ joined >> 1 ^ odd;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_authors_program() {
        let mut twister = MersenneTwister::new(5489);
        assert_eq!(twister.next_u32(), 3_499_211_612);
        let last = (1..10_000).map(|_| twister.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995)); // std::mt19937 of the C++ standard, [rand.predef]
    }
}
