//! A part of a film as a file of its own, without decoding.

use gristmill_core::Fault;

use crate::{
    film::{Film, Track},
    write::{Piece, write},
};

/// Copies what is shown from `from_s` to `to_s`, in seconds of the film, into a new MP4.
///
/// Samples are copied from the key frame at or before the start on; an edit list hides what precedes the start, so that the clip
/// shows exactly the frames that are shown in the span. Sound goes with it where MP4 has a place for its codec.
///
/// # Errors
/// `unsupported` for codecs that MP4 has no place for and encrypted ones; `malformed` where no key frame precedes the span or
/// nothing is shown in it.
pub fn cut(film: &Film<'_>, from_s: f64, to_s: f64) -> Result<Vec<u8>, Fault> {
    let track = film
        .video()
        .ok_or_else(|| Fault::unsupported("no pictures to cut"))?;
    if track.is_encrypted {
        return Err(Fault::unsupported(format!("{} is encrypted", track.codec)));
    }
    let places = picture_places(track, from_s, to_s)?;
    let mut pieces = vec![Piece {
        track,
        places,
        from_s,
        to_s,
    }];
    if let Some(sound) = film.audio().filter(|sound| !sound.is_encrypted) {
        let lead_s = lead(&sound.codec);
        let places: Vec<usize> = (0..sound.samples.len())
            .filter(|&at| {
                let sample = &sound.samples[at];
                let start = sound.seconds(sample);
                let end = sound
                    .tick
                    .seconds(sample.time.saturating_add(i64::from(sample.duration)));
                end > from_s - lead_s && start < to_s
            })
            .collect();
        if let Some(&first) = places.first() {
            // Sound that begins later than the clip begins its piece later too.
            let start = sound.seconds(&sound.samples[first]).max(from_s);
            if start - from_s < 0.05 {
                pieces.push(Piece {
                    track: sound,
                    places,
                    from_s: start,
                    to_s,
                });
            }
        }
    }
    write(film, &pieces)
}

/// How long before a span decoding of sound has to begin for the span to sound as it does in the whole, in seconds.
fn lead(codec: &str) -> f64 {
    match codec {
        // RFC 7845, section 4.6.
        "opus" => 0.08,
        // Frames take bits from up to nine before them.
        "mp3" => 0.25,
        // Windows reach over two frames.
        "aac" | "vorbis" | "ac3" | "eac3" | "mp2" => 0.1,
        _ => 0.0,
    }
}

/// The samples that a span needs, in the order of decoding.
fn picture_places(track: &Track, from_s: f64, to_s: f64) -> Result<Vec<usize>, Fault> {
    let seconds = |at: usize| track.seconds(&track.samples[at]);
    // Times are rounded where they are written as text.
    let (from, to) = (from_s - 1e-6, to_s - 1e-6);
    let within = |at: &usize| {
        let sample = &track.samples[*at];
        sample.is_shown && seconds(*at) >= from && seconds(*at) < to
    };
    let all = || 0..track.samples.len();
    let (Some(first), Some(last)) = (all().find(|at| within(at)), all().rev().find(|at| within(at))) else {
        return Err(Fault::malformed(format!(
            "nothing is shown from {from_s} to {to_s} s"
        )));
    };
    // Frames that are shown first may be decoded later: start where the first frame of the span can be decoded from.
    let earliest = all().filter(within).map(seconds).fold(f64::INFINITY, f64::min);
    let key = (0..=first)
        .rev()
        .find(|&at| track.samples[at].is_key && seconds(at) <= earliest + 1e-9)
        .or_else(|| (0..=first).rev().find(|&at| track.samples[at].is_key))
        .ok_or_else(|| Fault::malformed("no key frame before the span"))?;
    // Pictures that are shown before the key frame but decoded after it need what is not there.
    let is_leading = |at: &usize| *at > key && seconds(*at) < seconds(key);
    Ok((key..=last).filter(|at| !is_leading(at)).collect())
}
