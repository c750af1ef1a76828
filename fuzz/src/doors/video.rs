//! Videos: containers, probing, decoders; subtitles.

use gristmill_core::Limits;
use gristmill_video::{EXTRACTORS, Film, Probe, cut, play, read, subtitle};

use super::{extracted, record, settled};

/// Tighter than in a run, so that no time goes by with pixels that are all the same.
fn limits() -> Limits {
    Limits {
        video_samples: 100_000,
        video_pixels: 1 << 20,
        video_bytes: 256 << 20,
        video_decoded_pixels: 8 << 20,
        ..Limits::default()
    }
}

/// Any container and codec: the bytes say which. Frames are decoded up to the limit.
pub(crate) fn any(bytes: &[u8]) {
    let limits = limits();
    let Some(film) = settled(read(bytes, &limits)) else {
        return;
    };
    probed(&film);
    if let Some(track) = film.video() {
        settled(play(&film, track, &limits, drop));
    }
}

/// What is told without decoding, and the clip of a part.
pub(crate) fn probe(bytes: &[u8]) {
    if let Some(film) = settled(read(bytes, &limits())) {
        probed(&film);
        settled(cut(&film, 0.2, 1.1));
    }
    for extractor in EXTRACTORS {
        extracted(*extractor, &record(bytes, None));
    }
}

fn probed(film: &Film<'_>) {
    settled(Probe::of(film));
}

pub(crate) fn subtitles(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for cues in [subtitle::parse_srt(&text), subtitle::parse_vtt(&text)] {
        for cue in cues {
            assert!(cue.start_s <= cue.end_s, "a cue ends before it begins");
        }
    }
}
