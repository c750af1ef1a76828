//! Pictures that are turned or mirrored copies of others.
//!
//! The PDQ hash of a picture in another position is nearly told by its own bits ([`PdqHash::dihedral`]), so that nothing more
//! has to be measured or kept: a fingerprint is looked for in each position, which takes two or eight times as long. What is told
//! from the bits is some bits off, a dozen at most in the pictures of the tests, and is taken from the distance that copies may have.

use std::borrow::Cow;

use gristmill_core::{Setting, Settings, Sort};
use gristmill_image::hash::pdq::PdqHash;

/// What a recipe says of positions.
pub(super) const SETTING: Setting = Setting {
    name: "positions",
    sort: Sort::Word(&["upright", "mirrored", "any"]),
    about: "upright: copies lie as the picture does; mirrored: also mirrored left to right; any: also turned by quarters, eight times the work",
};

/// The positions in which a picture is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// As it is.
    Upright,
    /// Also mirrored left to right.
    Mirrored,
    /// Turned by quarters and mirrored: all eight.
    Any,
}

impl Positions {
    /// As a recipe says.
    pub(super) fn read(settings: &Settings) -> Self {
        match settings.word(SETTING.name) {
            "mirrored" => Positions::Mirrored,
            "any" => Positions::Any,
            _ => Positions::Upright,
        }
    }

    /// A PDQ hash in each of the positions, itself first.
    pub(super) fn of(self, hash: PdqHash) -> Vec<PdqHash> {
        match self {
            Positions::Upright => vec![hash],
            Positions::Mirrored => vec![hash, hash.mirrored()],
            Positions::Any => hash.dihedral().to_vec(),
        }
    }

    /// A fingerprint in words of 64 bits in each of the positions, one behind the other.
    ///
    /// # Panics
    ///
    /// Where it is to be turned and is none of PDQ's 256 bits.
    pub(crate) fn of_words(self, words: &[u64]) -> Cow<'_, [u64]> {
        if self == Positions::Upright {
            return words.into();
        }
        assert_eq!(words.len(), 4, "words of a PDQ hash");
        let mut hash = PdqHash::default();
        for (to, word) in hash.0.as_chunks_mut().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        let turned = self.of(hash);
        let words = turned.iter().flat_map(|hash| hash.0.as_chunks().0);
        words.copied().map(u64::from_le_bytes).collect()
    }
}
