//! Extractors: records to documents of sound.

mod sound;

use gristmill_core::Extractor;

/// All extractors of sound.
pub static EXTRACTORS: &[&dyn Extractor] = &[&sound::Audio];

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    #[test]
    fn cards_conform() {
        conformance::check_cards(EXTRACTORS.iter().map(|extractor| extractor.card()));
    }
}
