//! The methods, one file each, and their list.

mod exact;

use datafusion::arrow::array::ArrayRef;
use gristmill_core::{Card, Result};

/// Turns content into dedup keys.
pub trait Method: Send + Sync {
    /// Its card; outputs are [`KEY_COLUMNS`](crate::KEY_COLUMNS).
    fn card(&self) -> &'static Card;

    /// `[n]` content to two columns `[n] UInt64`: the high and the low half of the key; null where the content
    /// is null. Documents with equal keys are copies.
    fn keys(&self, content: &ArrayRef) -> Result<Vec<ArrayRef>>;
}

/// Every method.
pub static METHODS: &[&dyn Method] = &[&exact::Exact];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_complete() {
        gristmill_core::conformance::check_cards(METHODS.iter().map(|method| method.card()));
    }
}
