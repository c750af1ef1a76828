//! Subtitles of tracks: timed text of 3GPP, WebVTT, SubRip, SSA.
//!
//! Captions as pictures, CEA-608 and TTML are not read.

use super::{CUES_MAX, Cue, cue, parse_vtt, srt};
use crate::{
    film::{Film, Kind, Sample, Track},
    read::fields::{u16_be, u32_be},
};

/// The cues of the first track of text that has any.
pub(crate) fn of_film(film: &Film<'_>) -> Vec<Cue> {
    let tracks = film
        .tracks
        .iter()
        .filter(|track| track.kind == Kind::Subtitle && !track.is_encrypted);
    for track in tracks {
        let mut cues = Vec::new();
        for sample in track.samples.iter().take(CUES_MAX) {
            read(film, track, sample, &mut cues);
        }
        cues.sort_by(|one, two| one.start_s.total_cmp(&two.start_s));
        if !cues.is_empty() {
            return cues;
        }
    }
    Vec::new()
}

fn read(film: &Film<'_>, track: &Track, sample: &Sample, cues: &mut Vec<Cue>) {
    let bytes = film.bytes(track, sample);
    let start = track.tick.seconds(sample.time);
    let end = track
        .tick
        .seconds(sample.time.saturating_add(i64::from(sample.duration)));
    let mut push = |text: &[u8]| cues.extend(cue(start, end, &String::from_utf8_lossy(text)));
    match track.codec.as_ref() {
        "mov_text" => {
            let length = u16_be(&bytes, 0).map_or(0, usize::from);
            let text = bytes.get(2..).unwrap_or_default();
            let text = &text[..length.min(text.len())];
            // UTF-16 has a mark.
            if let [0xfe, 0xff, rest @ ..] = text {
                let units: Vec<u16> = rest
                    .chunks_exact(2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                    .collect();
                push(String::from_utf16_lossy(&units).as_bytes());
            } else {
                push(text);
            }
        }
        "webvtt" if bytes.starts_with(b"WEBVTT") => cues.extend(parse_vtt(&String::from_utf8_lossy(&bytes))),
        "webvtt" if u32_be(&bytes, 0).is_some_and(|length| length as usize <= bytes.len() && length >= 8) => {
            for text in payloads(&bytes) {
                push(text);
            }
        }
        // Some writers store a cue of SubRip or WebVTT with its times, which are those of the sample.
        "subrip" | "webvtt" => match srt::blocks(&String::from_utf8_lossy(&bytes)).as_slice() {
            [] => push(&bytes),
            inner => {
                for inner in inner {
                    push(inner.text.as_bytes());
                }
            }
        },
        "ass" => {
            // ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text.
            let text = String::from_utf8_lossy(&bytes);
            if let Some(text) = text.splitn(9, ',').nth(8) {
                push(
                    text.replace("\\N", "\n")
                        .replace("\\n", "\n")
                        .replace("\\h", " ")
                        .as_bytes(),
                );
            }
        }
        _ => {}
    }
}

/// The texts of the cues of a WebVTT sample in MP4 (`vttc` boxes with a `payl` each).
fn payloads(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut stack = vec![bytes];
    while let Some(mut rest) = stack.pop() {
        while let Some(length) = u32_be(rest, 0).map(|length| length as usize) {
            if length < 8 || length > rest.len() {
                break;
            }
            let (now, after) = rest.split_at(length);
            match &now[4..8] {
                b"vttc" => stack.push(&now[8..]),
                b"payl" => found.push(&now[8..]),
                _ => {}
            }
            rest = after;
        }
    }
    found
}
