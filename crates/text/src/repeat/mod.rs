//! Parts of texts that repeat parts of other texts, and texts without them.
//!
//! Three ways to say what a part is; each is a pure function of texts, made to be called between two passes over a
//! corpus:
//!
//! * [`lines`]: lines, paragraphs or spans of sentences, told apart by a 64-bit key. Exact, cheap, and the keys of a
//!   whole corpus can be sorted on disk.
//! * [`ngrams`]: paragraphs or texts of which most word n-grams stand in an earlier text. One table of fixed size
//!   for the corpus, with a known share of false positives.
//! * [`substrings`]: runs of bytes that stand elsewhere, wherever they start. Exact, for as many texts as fit into a
//!   suffix array.
//!
//! All of them give byte ranges; [`without`] removes those from a text and tidies up behind them. Texts of more
//! than 4 GiB have no parts.

pub mod lines;
pub mod ngrams;
mod removal;
pub mod substrings;

pub use removal::without;

#[cfg(test)]
mod tests {
    /// Numbers for tests that are the same in every run (splitmix64).
    pub(crate) struct Random(pub(crate) u64);

    impl Random {
        pub(crate) fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ mixed >> 31
        }

        /// A number below `bound`.
        pub(crate) fn below(&mut self, bound: usize) -> usize {
            (self.next() % bound as u64) as usize
        }

        /// So many pieces of an alphabet.
        pub(crate) fn text(&mut self, alphabet: &[&str], pieces: usize) -> String {
            (0..pieces)
                .map(|_| alphabet[self.below(alphabet.len())])
                .collect()
        }
    }
}
