//! Pictures that are turned or mirrored copies of others.
//!
//! The PDQ hash of a picture in another position is nearly told by its own bits ([`PdqHash::dihedral`]), so that nothing more
//! has to be measured or kept: a fingerprint is looked for in each position. What is told from the bits is up to a dozen bits off, which is
//! taken from the distance that copies may have.

use gristmill_core::{Setting, Settings, Sort};
use gristmill_image::hash::pdq::PdqHash;

/// What a recipe says of positions.
pub(super) const SETTING: Setting = Setting {
    name: "positions",
    sort: Sort::Word(&["upright", "mirrored", "any"]),
    about: "upright: copies lie as the picture does; mirrored: also mirrored left to right; any: also turned by quarters",
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
            // The sixth of the eight is mirrored left to right.
            Positions::Mirrored => vec![hash, hash.dihedral()[5]],
            Positions::Any => hash.dihedral().to_vec(),
        }
    }

    /// A fingerprint in words of 64 bits in each of the positions, one behind the other. Only those of PDQ can be turned.
    pub(crate) fn of_words(self, words: &[u64]) -> Vec<u64> {
        if self == Positions::Upright {
            return words.to_vec();
        }
        let mut hash = PdqHash::default();
        for (to, word) in hash.0.as_chunks_mut().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        self.of(hash)
            .iter()
            .flat_map(|hash| super::hamming::words(&hash.0))
            .collect()
    }
}
