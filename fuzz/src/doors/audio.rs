//! Sound: demuxers and decoders, and what is measured of sounds.

use gristmill_audio::{EXTRACTORS, SIGNALS, Sound, probe};
use gristmill_core::Limits;

use super::{extracted, measured, record, settled};

/// Tighter than in a run, so that no time goes by with hours of silence.
fn limits() -> Limits {
    Limits {
        audio_seconds: 60,
        audio_frames: 48_000 * 60,
        ..Limits::default()
    }
}

/// Longest sound that is measured, in sample frames.
const SHORT: u64 = 48_000 * 2;

/// Any container and codec: the bytes say which.
pub(crate) fn any(bytes: &[u8]) {
    let limits = limits();
    settled(probe(bytes, &limits));
    let Some(mut sound) = settled(Sound::open(bytes, &limits)) else {
        return;
    };
    while let Some(Some(_)) = settled(sound.next_block()) {}
    if sound.frames() > SHORT {
        return;
    }
    for extractor in EXTRACTORS {
        if let Some(batch) = extracted(*extractor, &record(bytes, None)) {
            measured(SIGNALS, batch);
        }
    }
}
