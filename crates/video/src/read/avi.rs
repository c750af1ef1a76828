//! AVI, with the extensions of OpenDML.
//!
//! Chunks of `movi` lists are walked in turn; the index tells key frames where the codec does not. The container has no
//! presentation times: a frame has that of its place, H.264 and HEVC that of the order of their pictures.
//!
//! Sources: Microsoft, AVI RIFF File Reference; OpenDML AVI File Format Extensions 1.02.

use std::borrow::Cow;

use gristmill_core::{Fault, Limits};

use super::{
    check_samples,
    fields::{array, u16_le, u32_le},
    stream,
};
use crate::{
    film::{Container, Film, Kind, Sample, TickLength, Track},
    header::frames,
};

/// A chunk: its name, its body, where that starts, and whether it is cut.
struct Chunk<'a> {
    name: [u8; 4],
    body: &'a [u8],
    at: usize,
    is_cut: bool,
}

fn chunks(bytes: &[u8], base: usize) -> impl Iterator<Item = Chunk<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let name: [u8; 4] = array(bytes, at)?;
        let length = u32_le(bytes, at + 4)? as usize;
        let rest = &bytes[at + 8..];
        let chunk = Chunk {
            name,
            body: &rest[..length.min(rest.len())],
            at: base + at + 8,
            is_cut: length > rest.len(),
        };
        // Chunks begin at even places.
        at = at
            .saturating_add(8)
            .saturating_add(length)
            .saturating_add(length % 2);
        Some(chunk)
    })
}

/// What of a stream's header counts its times.
#[derive(Default, Clone, Copy)]
struct Clock {
    /// Bytes of a tick; 0 where each chunk is one.
    tick_bytes: u32,
    ticks: i64,
}

/// Reads a file.
pub(super) fn read<'a>(file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let mut film = Film::new(Container::Avi, file);
    let mut clocks = Vec::new();
    let mut count = 0;
    let mut keys: Vec<(u8, bool)> = Vec::new();
    for riff in chunks(file, 0).filter(|chunk| &chunk.name == b"RIFF") {
        let body = riff.body.get(4..).unwrap_or_default();
        for chunk in chunks(body, riff.at + 4) {
            match (&chunk.name, chunk.body.get(..4)) {
                (b"LIST", Some(b"hdrl")) if film.tracks.is_empty() => {
                    read_headers(&chunk.body[4..], &mut film, &mut clocks);
                }
                (b"LIST", Some(b"movi")) => {
                    film.is_truncated |= chunk.is_cut;
                    read_data(
                        &chunk.body[4..],
                        chunk.at + 4,
                        &mut film,
                        &mut clocks,
                        &mut count,
                        limits,
                    )?;
                }
                (b"idx1", _) => {
                    let entries = chunk.body.chunks_exact(16).take(limits.video_samples as usize);
                    keys = entries
                        .filter_map(|entry| Some((index(&entry[..4])?, u32_le(entry, 4)? & 0x10 != 0)))
                        .collect();
                }
                _ => {}
            }
        }
    }
    if film.tracks.is_empty() {
        return Err(Fault::malformed("no stream header"));
    }
    for (number, track) in film.tracks.iter_mut().enumerate() {
        let mut flags = keys.iter().filter(|(stream, _)| usize::from(*stream) == number);
        for sample in &mut track.samples {
            if let Some((_, is_key)) = flags.next() {
                sample.is_key = *is_key;
            }
        }
    }
    for index in 0..film.tracks.len() {
        complete(&mut film, index);
    }
    // Headers of sound are often wrong: one counts where its chunks agree with it.
    let of_sound = |track: &Track| {
        let stated = track.stated_duration?;
        let (_, end) = track.span()?;
        let is_so = (track.tick.seconds(end) - stated).abs() <= stated * 0.05;
        is_so.then_some(stated)
    };
    let stated = film.tracks.iter().filter_map(|track| match track.kind {
        Kind::Video => track.stated_duration,
        Kind::Audio => of_sound(track),
        _ => None,
    });
    film.stated_duration = stated.max_by(f64::total_cmp);
    Ok(film)
}

/// The stream of a chunk such as `00dc`.
fn index(name: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(name[0])? * 16 + digit(name[1])?) as u8)
}

fn read_headers(body: &[u8], film: &mut Film<'_>, clocks: &mut Vec<Clock>) {
    let lists = chunks(body, 0).filter(|chunk| &chunk.name == b"LIST" && chunk.body.starts_with(b"strl"));
    for (number, list) in lists.take(256).enumerate() {
        let (mut header, mut format) = (&[][..], &[][..]);
        for chunk in chunks(&list.body[4..], 0) {
            match &chunk.name {
                b"strh" => header = chunk.body,
                b"strf" => format = chunk.body,
                _ => {}
            }
        }
        let kind = match header.get(..4) {
            Some(b"vids") => Kind::Video,
            Some(b"auds") => Kind::Audio,
            Some(b"txts") => Kind::Subtitle,
            _ => Kind::Data,
        };
        let mut track = Track::new(number as u32, kind, "unknown");
        let field = |at| u32_le(header, at).unwrap_or(0);
        let (scale, rate, start, length) = (field(20), field(24), field(28), field(32));
        track.tick = TickLength::new(scale, rate).unwrap_or(TickLength::MILLISECONDS);
        let mut clock = Clock {
            tick_bytes: 0,
            ticks: i64::from(start),
        };
        match kind {
            Kind::Video => {
                let side = |at| u32_le(format, at).map_or(0, |side| (side as i32).unsigned_abs());
                (track.video.width, track.video.height) = (side(4), side(8));
                track.codec = video_codec(array(format, 16).unwrap_or_default());
                track.config = format.get(40..).unwrap_or_default().to_vec();
                if scale > 0 && rate > 0 {
                    track.video.stated_rate = Some(f64::from(rate) / f64::from(scale));
                }
            }
            Kind::Audio => {
                track.codec =
                    sound_codec(u16_le(format, 0).unwrap_or(0), u16_le(format, 14).unwrap_or(16)).into();
                track.audio.channels = u16_le(format, 2).unwrap_or(0);
                track.audio.rate_hz = u32_le(format, 4).unwrap_or(0);
                track.config = format.get(18..).unwrap_or_default().to_vec();
                clock.tick_bytes = field(44);
            }
            Kind::Subtitle | Kind::Data => {}
        }
        if length > 0 && scale > 0 && rate > 0 {
            track.stated_duration = Some(f64::from(length) * f64::from(scale) / f64::from(rate));
        }
        film.tracks.push(track);
        clocks.push(clock);
    }
}

fn read_data(
    body: &[u8],
    base: usize,
    film: &mut Film<'_>,
    clocks: &mut [Clock],
    count: &mut u64,
    limits: &Limits,
) -> Result<(), Fault> {
    for chunk in chunks(body, base) {
        if &chunk.name == b"LIST" && chunk.body.starts_with(b"rec ") {
            // These lists have no lists within.
            for inner in chunks(&chunk.body[4..], chunk.at + 4) {
                push(&inner, film, clocks, count, limits)?;
            }
        } else {
            push(&chunk, film, clocks, count, limits)?;
        }
    }
    Ok(())
}

fn push(
    chunk: &Chunk<'_>,
    film: &mut Film<'_>,
    clocks: &mut [Clock],
    count: &mut u64,
    limits: &Limits,
) -> Result<(), Fault> {
    let is_data = matches!(&chunk.name[2..], b"dc" | b"db" | b"wb" | b"tx" | b"iv");
    let Some(number) = index(&chunk.name).map(usize::from).filter(|_| is_data) else {
        return Ok(());
    };
    let (Some(track), Some(clock)) = (film.tracks.get_mut(number), clocks.get_mut(number)) else {
        return Ok(());
    };
    // A frame that is cut still has its beginning; sound does too.
    film.is_truncated |= chunk.is_cut;
    *count += 1;
    check_samples(*count, limits)?;
    let ticks = (chunk.body.len() as u32).checked_div(clock.tick_bytes);
    let ticks = ticks.unwrap_or(1).max(1);
    track.samples.push(Sample {
        at: chunk.at as u64,
        length: chunk.body.len() as u32,
        time: clock.ticks,
        decode_time: clock.ticks,
        duration: ticks,
        is_key: track.kind == Kind::Audio,
        is_shown: true,
    });
    clock.ticks = clock.ticks.saturating_add(i64::from(ticks));
    Ok(())
}

/// Key frames and times as the codec has them. An empty chunk of video repeats the frame before: it is no sample.
fn complete(film: &mut Film<'_>, index: usize) {
    let track = &film.tracks[index];
    if track.kind != Kind::Video {
        return;
    }
    let mut samples = track.samples.clone();
    samples.retain(|sample| sample.length > 0);
    match track.codec.as_ref() {
        "h264" | "hevc" => {
            let codec = stream::Codec::of(&track.codec);
            let mut orders = stream::Order::new(codec, &track.config);
            let found: Vec<(i64, bool, bool)> = samples
                .iter()
                .map(|sample| orders.of_sample(&film.bytes(track, sample)))
                .collect();
            let by_order: Vec<(i64, bool)> = found.iter().map(|found| (found.0, found.1)).collect();
            let ranks = crate::header::ranks(&by_order);
            let times: Vec<i64> = samples.iter().map(|sample| sample.decode_time).collect();
            for ((sample, rank), found) in samples.iter_mut().zip(ranks).zip(found) {
                sample.time = times[rank as usize];
                sample.is_key = found.2;
            }
        }
        "mpeg4" => {
            for sample in &mut samples {
                sample.is_key = frames::mpeg4_is_key(&film.bytes(track, sample));
            }
        }
        "mpeg1video" | "mpeg2video" => {
            for sample in &mut samples {
                sample.is_key = frames::mpeg2_is_key(&film.bytes(track, sample));
            }
        }
        "mjpeg" | "rawvideo" => samples.iter_mut().for_each(|sample| sample.is_key = true),
        _ => {}
    }
    film.tracks[index].samples = samples;
}

/// The name of a codec of pictures by its four characters.
pub(crate) fn video_codec(format: [u8; 4]) -> Cow<'static, str> {
    let upper = format.map(|byte| byte.to_ascii_uppercase());
    let known = match &upper {
        b"H264" | b"X264" | b"AVC1" | b"DAVC" | b"VSSH" => "h264",
        b"HEVC" | b"H265" | b"HVC1" | b"X265" => "hevc",
        b"XVID" | b"DIVX" | b"DX50" | b"MP4V" | b"FMP4" | b"MP4S" | b"M4S2" | b"3IV2" | b"BLZ0" | b"SEDG"
        | b"RMP4" => "mpeg4",
        b"DIV3" | b"MP43" | b"DIV4" => "msmpeg4v3",
        b"MP42" => "msmpeg4v2",
        b"MJPG" | b"AVRN" | b"DMB1" | b"JPEG" => "mjpeg",
        b"MPG1" | b"MPEG" => "mpeg1video",
        b"MPG2" => "mpeg2video",
        b"VP80" => "vp8",
        b"VP90" => "vp9",
        b"AV01" => "av1",
        b"H263" | b"S263" => "h263",
        b"FLV1" => "flv1",
        b"WMV1" => "wmv1",
        b"WMV2" => "wmv2",
        b"WMV3" => "wmv3",
        b"WVC1" => "vc1",
        b"CVID" => "cinepak",
        b"IV50" => "indeo5",
        b"DVSD" | b"DVHD" => "dvvideo",
        [0, 0, 0, 0] | b"DIB " => "rawvideo",
        _ => {
            let letters = format.iter().filter(|byte| byte.is_ascii_graphic());
            let text: String = letters.map(|byte| char::from(*byte)).collect();
            return Cow::Owned(if text.is_empty() {
                "unknown".to_owned()
            } else {
                text
            });
        }
    };
    Cow::Borrowed(known)
}

fn sound_codec(format: u16, bits: u16) -> &'static str {
    match (format, bits) {
        (1, 8) => "pcm_u8",
        (1, 24) => "pcm_s24le",
        (1, 32) => "pcm_s32le",
        (1, _) => "pcm_s16le",
        (2, _) => "adpcm_ms",
        (3, 64) => "pcm_f64le",
        (3, _) => "pcm_f32le",
        (6, _) => "pcm_alaw",
        (7, _) => "pcm_mulaw",
        (0x11, _) => "adpcm_ima_wav",
        (0x50, _) => "mp2",
        (0x55, _) => "mp3",
        (0xff | 0x1600 | 0x706d, _) => "aac",
        (0x160, _) => "wmav1",
        (0x161, _) => "wmav2",
        (0x2000, _) => "ac3",
        (0x2001, _) => "dts",
        (0x566f | 0x674f..=0x6771, _) => "vorbis",
        _ => "unknown",
    }
}
