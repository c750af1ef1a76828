//! The first 64 bits of SHA-1, quick for short strings.

use sha1::block_api::compress;

/// FIPS 180-4, 5.3.1.
const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
const BLOCK: usize = 64;

/// The first eight bytes of the digest, read as a little-endian number.
pub(super) fn first_u64(bytes: &[u8]) -> u64 {
    let mut state = START;
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    if !blocks.is_empty() {
        compress(&mut state, blocks);
    }
    // The last one or two blocks: what is left, a one, zeros and the length in bits.
    let mut tail = [[0; BLOCK]; 2];
    let count = if rest.len() < BLOCK - 8 { 1 } else { 2 };
    tail[0][..rest.len()].copy_from_slice(rest);
    tail[0][rest.len()] = 0x80;
    let bits = bytes.len() as u64 * 8;
    tail[count - 1][BLOCK - 8..].copy_from_slice(&bits.to_be_bytes());
    compress(&mut state, &tail[..count]);
    // The digest is big-endian.
    u64::from(state[0].swap_bytes()) | u64::from(state[1].swap_bytes()) << 32
}

#[cfg(test)]
mod tests {
    use sha1::{Digest, Sha1};

    use super::*;

    #[test]
    fn every_length_agrees_with_the_whole_digest() {
        let bytes: Vec<u8> = (0..300u32).map(|n| (n * 7 + 3) as u8).collect();
        for length in 0..bytes.len() {
            let digest = Sha1::digest(&bytes[..length]);
            let expected = u64::from_le_bytes(*digest.first_chunk().unwrap());
            assert_eq!(first_u64(&bytes[..length]), expected, "{length}");
        }
    }
}
