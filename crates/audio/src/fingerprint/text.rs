//! Fingerprints as text.
//!
//! A byte for the algorithm and three for the number of words; then, for each word and the one before, by exclusive or, the
//! distances of its set bits in 3 bits each with a 0 at the end, those of 7 and more continued in 5 bits each after all of
//! them; all in base 64 for addresses, without padding. Source: Chromaprint 1.5, `fingerprint_compressor.cpp`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The number of algorithm 2.
const ALGORITHM: u8 = 1;
/// Most words of a text.
const WORDS: usize = (1 << 24) - 1;

/// Puts numbers of a few bits one after the other, lowest bits first.
fn pack(numbers: &[u8], width: u32, into: &mut Vec<u8>) {
    let (mut held, mut count) = (0u32, 0);
    for &number in numbers {
        held |= u32::from(number) << count;
        count += width;
        while count >= 8 {
            into.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        into.push(held as u8);
    }
}

/// The text of words, exactly as `fpcalc` prints it. The first 16,777,215 words count.
pub fn encode(words: &[u32]) -> String {
    let words = &words[..words.len().min(WORDS)];
    let (mut normal, mut exceptional) = (Vec::new(), Vec::new());
    let mut before = 0;
    for &word in words {
        let (mut changed, mut last) = (word ^ before, 0);
        before = word;
        while changed != 0 {
            let bit = changed.trailing_zeros() as u8 + 1;
            changed &= changed - 1;
            let distance = bit - last;
            last = bit;
            normal.push(distance.min(7));
            if distance >= 7 {
                exceptional.push(distance - 7);
            }
        }
        normal.push(0);
    }
    let count = words.len() as u32;
    let mut bytes = (u32::from(ALGORITHM) << 24 | count).to_be_bytes().to_vec();
    pack(&normal, 3, &mut bytes);
    pack(&exceptional, 5, &mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The words of a text of any algorithm; none where it is no fingerprint.
pub fn decode(text: &str) -> Option<Vec<u32>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let (head, body) = bytes.split_at_checked(4)?;
    let count = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
    // A word has three bits at least.
    if count > body.len() * 8 / 3 {
        return None;
    }
    let bits = |at: usize, width: usize| {
        let pair = u16::from_le_bytes([*body.get(at / 8)?, body.get(at / 8 + 1).copied().unwrap_or(0)]);
        Some((pair >> (at % 8)) as u8 & ((1 << width) - 1))
    };
    let mut distances = Vec::new();
    let (mut at, mut ends, mut exceptional) = (0, 0, 0);
    while ends < count {
        let number = bits(at, 3)?;
        at += 3;
        ends += usize::from(number == 0);
        exceptional += usize::from(number == 7);
        distances.push(number);
    }
    let mut at = at.next_multiple_of(8);
    if at + exceptional * 5 > body.len() * 8 {
        return None;
    }
    let mut words = Vec::with_capacity(count);
    let (mut word, mut bit, mut before) = (0u32, 0u32, 0);
    for distance in distances {
        if distance == 0 {
            before ^= word;
            words.push(before);
            (word, bit) = (0, 0);
            continue;
        }
        bit += u32::from(distance);
        if distance == 7 {
            bit += u32::from(bits(at, 5)?);
            at += 5;
        }
        word |= 1u32.checked_shl(bit.checked_sub(1)?)?;
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_were_encoded() {
        // Chromaprint's own cases.
        for (words, bytes) in [
            (&[1u32][..], &[1, 0, 0, 1, 1][..]),
            (&[7], &[1, 0, 0, 1, 73, 0]),
            (&[1 << 6], &[1, 0, 0, 1, 7, 0]),
            (&[1 << 8], &[1, 0, 0, 1, 7, 2]),
            (&[1, 0], &[1, 0, 0, 2, 65, 0]),
            (&[1, 1], &[1, 0, 0, 2, 1, 0]),
        ] {
            let text = encode(words);
            assert_eq!(URL_SAFE_NO_PAD.decode(&text).unwrap(), bytes, "{words:?}");
            assert_eq!(decode(&text).as_deref(), Some(words));
        }
        let many: Vec<u32> = (0..500u32).map(|at| at.wrapping_mul(0x9e37_79b9)).collect();
        assert_eq!(decode(&encode(&many)), Some(many));
        assert_eq!(encode(&[]), "AQAAAA");
        assert_eq!(decode("AQAAAA"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_fingerprint_is_none() {
        for text in ["", "A", "AQ", "####", "Af___w", "AQAAAQ", "AQAAAf8"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
