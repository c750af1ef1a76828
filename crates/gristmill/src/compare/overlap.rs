//! Which documents two recipes both keep.

use gristmill_engine::{Judged, KEPT};

/// Documents by which of two recipes keep them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub(crate) both: u64,
    pub(crate) only_first: u64,
    pub(crate) only_second: u64,
}

impl Overlap {
    pub(crate) fn of(first: &Judged, second: &Judged) -> Self {
        let mut overlap = Overlap::default();
        for (a, b) in first.verdicts.iter().zip(&second.verdicts) {
            match (*a == KEPT, *b == KEPT) {
                (true, true) => overlap.both += 1,
                (true, false) => overlap.only_first += 1,
                (false, true) => overlap.only_second += 1,
                (false, false) => {}
            }
        }
        overlap
    }

    /// Jaccard similarity of the two sets; 1 for two empty ones.
    pub(crate) fn jaccard(self) -> f64 {
        match self.both + self.only_first + self.only_second {
            0 => 1.0,
            all => self.both as f64 / all as f64,
        }
    }
}
