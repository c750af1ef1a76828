//! Sound: demuxers and decoders, and what is measured of sounds.

use gristmill_audio::{EXTRACTORS, SIGNALS, Sound, probe};
use gristmill_core::{FaultKind, Limits};

use super::{extracted, measured, record};

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
    if let Err(fault) = probe(bytes, &limits) {
        assert!(fault.kind != FaultKind::Internal, "{fault}");
    }
    let mut sound = match Sound::open(bytes, &limits) {
        Ok(sound) => sound,
        Err(fault) => return assert!(fault.kind != FaultKind::Internal, "{fault}"),
    };
    loop {
        match sound.next_block() {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(fault) => {
                assert!(fault.kind != FaultKind::Internal, "{fault}");
                break;
            }
        }
    }
    if sound.frames() > SHORT {
        return;
    }
    for extractor in EXTRACTORS {
        if let Some(batch) = extracted(*extractor, &record(bytes, None)) {
            measured(SIGNALS, batch);
        }
    }
}
