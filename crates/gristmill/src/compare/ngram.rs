//! A small language model of bytes, to ask how well one set of texts predicts another.
//!
//! The probability of a byte behind its context of n bytes is interpolated, from n = 0 to 5, by the method of Witten and Bell
//! (Bell, Cleary and Witten, Text Compression, 1990; method C): `(count(context, byte) + kinds(context) × p(byte | shorter
//! context)) / (count(context) + kinds(context))`, over a uniform distribution of 256 bytes. Counts are in two tables of
//! hashes; a context of another hash of the same 32 bits in the same place would share them, which is rarer than one in 10⁶.

use xxhash_rust::xxh3::xxh3_64;

/// The longest context.
const ORDER: usize = 5;

/// Counts by hash, in a table that is never full.
struct Table<const N: usize> {
    keys: Vec<u32>,
    counts: Vec<[u32; N]>,
    mask: usize,
}

impl<const N: usize> Table<N> {
    /// A table for that many keys.
    fn new(keys: usize) -> Self {
        let size = (keys * 2).next_power_of_two().max(1 << 12);
        Table {
            keys: vec![0; size],
            counts: vec![[0; N]; size],
            mask: size - 1,
        }
    }

    /// The place of a hash, where it is or would be.
    fn place(&self, hash: u64) -> usize {
        let key = key(hash);
        let mut place = hash as usize & self.mask;
        while self.keys[place] != 0 && self.keys[place] != key {
            place = (place + 1) & self.mask;
        }
        place
    }

    fn get(&self, hash: u64) -> [u32; N] {
        self.counts[self.place(hash)]
    }

    fn entry(&mut self, hash: u64) -> &mut [u32; N] {
        let place = self.place(hash);
        self.keys[place] = key(hash);
        &mut self.counts[place]
    }
}

/// What is compared of a hash; 0 stands for an empty place.
fn key(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

/// A model that was trained on texts.
pub(crate) struct Model {
    /// Of a context and a byte: how often.
    bytes: Table<1>,
    /// Of a context: how many bytes, and how many kinds of bytes, follow it.
    contexts: Table<2>,
}

impl Model {
    /// Trains on texts of that many bytes together.
    pub(crate) fn train(texts: &[&str]) -> Self {
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let mut model = Model {
            bytes: Table::new(bytes * (ORDER + 1)),
            contexts: Table::new(bytes * (ORDER + 1) / 2),
        };
        for text in texts {
            let text = text.as_bytes();
            for at in 0..text.len() {
                for order in 0..=ORDER.min(at) {
                    let (context, byte) = hashes(text, at, order);
                    let count = &mut model.bytes.entry(byte)[0];
                    *count += 1;
                    let is_new = *count == 1;
                    let of_context = model.contexts.entry(context);
                    of_context[0] += 1;
                    of_context[1] += u32::from(is_new);
                }
            }
        }
        model
    }

    /// Bits that the model needs for a text.
    pub(crate) fn bits(&self, text: &str) -> f64 {
        let text = text.as_bytes();
        let mut bits = 0.0;
        for at in 0..text.len() {
            let mut probability = 1.0 / 256.0;
            for order in 0..=ORDER.min(at) {
                let (context, byte) = hashes(text, at, order);
                let [all, kinds] = self.contexts.get(context);
                if all == 0 {
                    break;
                }
                let count = f64::from(self.bytes.get(byte)[0]);
                let kinds = f64::from(kinds);
                probability = (count + kinds * probability) / (f64::from(all) + kinds);
            }
            bits -= probability.log2();
        }
        bits
    }
}

/// The hashes of the context of a byte, and of the context with it.
fn hashes(text: &[u8], at: usize, order: usize) -> (u64, u64) {
    let hash = |from: usize, to: usize, kind: u64| {
        let mut packed = [0; 8];
        packed[..to - from].copy_from_slice(&text[from..to]);
        xxh3_64(&(u64::from_le_bytes(packed) | (order as u64 | kind) << 56).to_le_bytes())
    };
    (hash(at - order, at, 0), hash(at - order, at + 1, 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_all_bytes_add_up_to_one() {
        let model = Model::train(&["the cat sat on the mat. the end."]);
        for context in ["", "t", "the ", "on th", "zzzzz"] {
            let bits = model.bits(context);
            let sum: f64 = (0..128_u8)
                .map(|byte| (bits - model.bits(&format!("{context}{}", char::from(byte)))).exp2())
                .sum();
            // Bytes above 127 are no characters of one byte; each has at most 1/256.
            assert!(sum <= 1.0 + 1e-9 && sum > 0.5, "{context:?}: {sum}");
        }
    }

    #[test]
    fn text_like_the_training_needs_fewer_bits() {
        let prose = "It was a quiet evening, and the river went slowly past the old mill. ".repeat(40);
        let model = Model::train(&[&prose]);
        let near = "The old mill was quiet, and the evening went slowly past the river.";
        let far = "xQ9#kz!!1w@@ 77--__ZZpl0 vvq%%% 8812 ]]][[[ jjkkq ~~ wqwq 0x3f";
        assert!(model.bits(near) / (near.len() as f64) + 2.0 < model.bits(far) / far.len() as f64);
        assert!(Model::train(&[]).bits("abcd") - 32.0 < 1e-9);
    }
}
