//! Charikar's SimHash over shingles.
//!
//! Bit `i` is set if more than half of the shingles have bit `i` set. The share of bits in which two texts differ
//! estimates the angle between the vectors that count their shingles (Charikar 2002, STOC, p. 380).

/// The SimHash of all shingles; repeats count as often as they occur. 0 if there are none.
pub fn simhash(shingles: &[u64]) -> u64 {
    // 64 counters, in planes: bit `i` of `planes[k]` is bit `k` of counter `i`. A shingle is added to all of them at
    // once, with a carry that rarely runs far.
    let mut planes: Vec<u64> = Vec::new();
    for &shingle in shingles {
        let mut carry = shingle;
        for plane in &mut planes {
            let sum = *plane ^ carry;
            carry &= *plane;
            *plane = sum;
            if carry == 0 {
                break;
            }
        }
        if carry != 0 {
            planes.push(carry);
        }
    }
    // Compares every counter with half of the shingles, from the highest bit down.
    let half = shingles.len() / 2;
    if half.checked_shr(planes.len() as u32) != Some(0) {
        return 0;
    }
    let (mut greater, mut equal) = (0, u64::MAX);
    for (bit, plane) in planes.iter().enumerate().rev() {
        if half >> bit & 1 == 1 {
            equal &= plane;
        } else {
            greater |= equal & plane;
            equal &= !plane;
        }
    }
    greater
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_set_if_more_than_half_of_the_shingles_have_it() {
        let shingles: Vec<u64> = (1..300u64)
            .map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 9))
            .collect();
        for count in 0..shingles.len() {
            let shingles = &shingles[..count];
            let is_set =
                |bit: &u32| 2 * shingles.iter().filter(|&shingle| shingle >> bit & 1 == 1).count() > count;
            let expected = (0..64).filter(is_set).map(|bit| 1 << bit).sum::<u64>();
            assert_eq!(simhash(shingles), expected, "{count}");
        }
    }

    #[test]
    fn bits_that_few_shingles_have_are_not_set() {
        assert_eq!(simhash(&[1, 2, 4, 8, 16, 32, 64, 128]), 0);
        assert_eq!(simhash(&[]), 0);
        assert_eq!(simhash(&[u64::MAX]), u64::MAX);
    }
}
