//! Fingerprints of a text, for finding near-duplicates.
//!
//! A text becomes a set of shingles, and the set a signature of fixed size that can be compared or looked up:
//!
//! 1. [`simplify`] takes away what copies of a text differ in: case, punctuation, numbers, white space, accents.
//! 2. [`Shingler`] hashes every run of `n` words or characters of the simplified text to 64 bits.
//! 3. [`MinHash`] keeps the least value of many hash functions over all shingles. Two texts agree in a place with
//!    the probability of their Jaccard similarity `|A ∩ B| / |A ∪ B|`.
//! 4. [`digests`] and [`common`] give that similarity itself, for pairs that are worth the look.
//! 5. [`simhash`] is 64 bits that differ in few places for texts with many shingles in common.
//!
//! With words, `n` = 5 and 112 hashes from seed 1 every number is that of datatrove 0.10.0 (`MinhashConfig`, its
//! hashes `xxhash` and `sha1`, precision 64), so signatures can be mixed with datatrove's. NeMo Curator's shingles are
//! of 24 characters.
//!
//! Everything here is a pure function of its input. A text with fewer than `n` units has no shingles, no signature
//! and no near-duplicates. Time is linear in the length of the text; memory is at most a few times its length and is
//! kept for the next text.
//!
//! ```
//! use gristmill_text::fingerprint::{MinHash, ShingleHash, Shingler, Unit};
//!
//! let mut shingler = Shingler::new(Unit::Words, 5, ShingleHash::Xxh64);
//! let min_hash = MinHash::new(112, 1);
//! let mut shingles = Vec::new();
//! shingler.shingles("The quick brown fox jumps over the lazy dog, and then it sleeps.", &mut shingles);
//! assert_eq!(shingles.len(), 9);
//!
//! let mut signature = [0; 112];
//! assert!(min_hash.signature(&shingles, &mut signature));
//! assert_eq!(signature[0], 85_330_943_174_081_874);
//! ```

mod digests;
mod mersenne_twister;
mod min_hash;
mod sha1;
mod shingles;
mod sim_hash;
mod simplify;

pub use digests::{common, digests};
pub use min_hash::MinHash;
pub use shingles::{ShingleHash, Shingler, Unit};
pub use sim_hash::simhash;
pub use simplify::simplify;
