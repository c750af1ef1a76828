//! Flash video.
//!
//! Codecs of the extended header (HEVC, AV1, VP9) are read too. Source: Adobe Flash Video File Format Specification 10.1; Enhanced
//! RTMP 2.

use std::borrow::Cow;

use gristmill_core::{Fault, Limits};

use super::{
    check_samples,
    fields::{array, u16_be, u24_be, u32_be},
};
use crate::film::{Container, Film, Kind, Sample, TickLength, Track};

/// Reads a file.
pub(super) fn read<'a>(file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let mut film = Film::new(Container::Flv, file);
    let mut video: Option<Track> = None;
    let mut audio: Option<Track> = None;
    let mut count = 0;
    let mut at = u32_be(file, 5)
        .map_or(9, |head| (head as usize).max(9))
        .saturating_add(4);
    while let Some(&kind) = file.get(at) {
        let (Some(length), Some(low), Some(&high)) =
            (u24_be(file, at + 1), u24_be(file, at + 4), file.get(at + 7))
        else {
            film.is_truncated = true;
            break;
        };
        let body_at = at + 11;
        let end = body_at.saturating_add(length as usize);
        let Some(body) = file.get(body_at..end) else {
            film.is_truncated = true;
            break;
        };
        at = end + 4;
        let time = i64::from((u32::from(high) << 24 | low) as i32);
        count += 1;
        check_samples(count, limits)?;
        match kind & 31 {
            9 => read_picture(body, body_at, time, &mut video),
            8 => read_sound(body, body_at, time, &mut audio),
            18 => read_facts(body, &mut film),
            _ => {}
        }
    }
    film.tracks.extend(video);
    film.tracks.extend(audio);
    if film.tracks.is_empty() {
        return Err(Fault::malformed("no sound and no pictures"));
    }
    Ok(film)
}

fn read_picture(body: &[u8], body_at: usize, time: i64, track: &mut Option<Track>) {
    let Some(&head) = body.first() else {
        return;
    };
    let is_extended = head & 0x80 != 0;
    let is_key = head >> 4 & 7 == 1;
    let (codec, packet, skip, offset): (Cow<'static, str>, u8, usize, i32) = if is_extended {
        let format: [u8; 4] = array(body, 1).unwrap_or_default();
        let codec = match &format {
            b"hvc1" => "hevc",
            b"avc1" => "h264",
            b"av01" => "av1",
            b"vp09" => "vp9",
            b"vp08" => "vp8",
            _ => return,
        };
        let packet = head & 15;
        let has_offset = packet == 1 && matches!(codec, "hevc" | "h264");
        let offset = if has_offset { signed_24(body, 5) } else { 0 };
        // Type 3 is coded frames without an offset.
        (
            codec.into(),
            if packet == 3 { 1 } else { packet },
            if has_offset { 8 } else { 5 },
            offset,
        )
    } else {
        match head & 15 {
            7 => (
                "h264".into(),
                body.get(1).copied().unwrap_or(2),
                5,
                signed_24(body, 2),
            ),
            12 => (
                "hevc".into(),
                body.get(1).copied().unwrap_or(2),
                5,
                signed_24(body, 2),
            ),
            2 => ("flv1".into(), 1, 1, 0),
            3 | 6 => ("flashsv".into(), 1, 1, 0),
            4 => ("vp6f".into(), 1, 2, 0),
            5 => ("vp6a".into(), 1, 5, 0),
            other => (format!("flv_{other}").into(), 1, 1, 0),
        }
    };
    let track = track.get_or_insert_with(|| {
        let mut track = Track::new(1, Kind::Video, codec);
        track.tick = TickLength::MILLISECONDS;
        track
    });
    let Some(data) = body.get(skip..) else {
        return;
    };
    match packet {
        0 if track.config.is_empty() => track.config = data.to_vec(),
        // Type 5 is a message to the player.
        1 if head >> 4 & 7 != 5 && !data.is_empty() => track.samples.push(Sample {
            at: (body_at + skip) as u64,
            length: data.len() as u32,
            time: time.saturating_add(i64::from(offset)),
            decode_time: time,
            duration: 0,
            is_key,
            is_shown: true,
        }),
        _ => {}
    }
}

fn signed_24(body: &[u8], at: usize) -> i32 {
    u24_be(body, at).map_or(0, |value| (value << 8) as i32 >> 8)
}

fn read_sound(body: &[u8], body_at: usize, time: i64, track: &mut Option<Track>) {
    let Some(&head) = body.first() else {
        return;
    };
    let format = head >> 4;
    let codec = match format {
        0 | 3 => "pcm_s16le",
        1 => "adpcm_swf",
        2 | 14 => "mp3",
        4..=6 => "nellymoser",
        7 => "pcm_alaw",
        8 => "pcm_mulaw",
        10 => "aac",
        11 => "speex",
        _ => return,
    };
    let track = track.get_or_insert_with(|| {
        let mut track = Track::new(2, Kind::Audio, codec);
        track.tick = TickLength::MILLISECONDS;
        track.audio.rate_hz = [5500, 11_025, 22_050, 44_100][usize::from(head >> 2 & 3)];
        track.audio.channels = u16::from(head & 1) + 1;
        track
    });
    let skip = if format == 10 { 2 } else { 1 };
    let Some(data) = body.get(skip..).filter(|data| !data.is_empty()) else {
        return;
    };
    if format == 10 && body[1] == 0 {
        if track.config.is_empty() {
            track.config = data.to_vec();
        }
        return;
    }
    track.samples.push(Sample {
        at: (body_at + skip) as u64,
        length: data.len() as u32,
        time,
        decode_time: time,
        duration: 0,
        is_key: true,
        is_shown: true,
    });
}

/// The numbers of `onMetaData`: an array of names and values.
fn read_facts(body: &[u8], film: &mut Film<'_>) {
    // A text of 10 bytes, then an array with its count, or an object.
    if body.get(..13) != Some(b"\x02\x00\x0aonMetaData") {
        return;
    }
    let mut at = match body.get(13) {
        Some(8) => 18,
        Some(3) => 14,
        _ => return,
    };
    while let Some(length) = u16_be(body, at) {
        let name = body
            .get(at + 2..)
            .and_then(|rest| rest.get(..usize::from(length)));
        at += 2 + usize::from(length);
        let (Some(name), Some(&kind)) = (name, body.get(at)) else {
            return;
        };
        at += 1;
        match kind {
            0 => {
                let value = array(body, at).map_or(0.0, f64::from_be_bytes);
                at += 8;
                if name == b"duration" && value.is_finite() && value > 0.0 {
                    film.stated_duration = Some(value);
                }
            }
            1 => at += 1,
            2 => {
                let Some(length) = u16_be(body, at) else {
                    return;
                };
                let text = body
                    .get(at + 2..)
                    .and_then(|rest| rest.get(..usize::from(length)));
                if let (b"encoder" | b"title", Some(text)) = (name, text) {
                    let text = String::from_utf8_lossy(&text[..text.len().min(4096)]).into_owned();
                    film.tags.push((String::from_utf8_lossy(name).into_owned(), text));
                }
                at += 2 + usize::from(length);
            }
            5 | 6 => {}
            // Arrays and objects stand at the end, if at all.
            _ => return,
        }
    }
}
