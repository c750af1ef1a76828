//! Splitters: sounds to parts.

mod cues;
mod utterances;

use gristmill_core::Splitter;

/// All splitters of sound.
pub static SPLITTERS: &[&dyn Splitter] = &[&utterances::SPEECH];

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    #[test]
    fn cards_conform() {
        conformance::check_cards(SPLITTERS.iter().map(|splitter| splitter.card()));
    }
}
