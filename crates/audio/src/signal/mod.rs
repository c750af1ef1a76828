//! Signals over sound: they measure and never decide.
//!
//! There is one, because a sound is decoded once: it runs the meters whose columns somebody reads.

mod waveform;

use gristmill_core::Signal;

pub(crate) use waveform::mix;

/// All signals over sound.
pub static SIGNALS: &[&dyn Signal] = &[&waveform::Waveform];

#[cfg(test)]
mod tests {
    use gristmill_core::conformance;

    use super::*;

    #[test]
    fn cards_conform() {
        conformance::check_cards(SIGNALS.iter().map(|signal| signal.card()));
    }
}
