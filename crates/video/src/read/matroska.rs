//! Matroska and WebM.
//!
//! Timestamps of blocks are presentation times, kept in nanoseconds. Laced frames follow each other by the default duration of
//! their track. Where a cluster is damaged, reading goes on at the next one.
//!
//! Source: RFC 8794 (EBML), RFC 9559 (Matroska).

use std::borrow::Cow;

use gristmill_core::{Fault, Limits};

use super::{
    avi, check_samples,
    fields::{array, u16_be},
};
use crate::film::{Container, Film, Kind, Sample, TickLength, Track};

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const CLUSTER: u32 = 0x1f43_b675;
const TAGS: u32 = 0x1254_c367;

/// Most tracks, tags and nested elements that are looked at.
const TRACKS_MAX: usize = 256;
const TAGS_MAX: usize = 64;
const VALUE_MAX: usize = 4096;

/// An element.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    id: u32,
    body: &'a [u8],
    /// Where the body starts in the file.
    at: usize,
    /// Whether it says that it is longer than what holds it.
    is_cut: bool,
    /// Whether its length is not known.
    is_open: bool,
}

/// The elements in `bytes`, which start at `base` in the file.
fn elements(bytes: &[u8], base: usize) -> impl Iterator<Item = Element<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (id, id_length) = identifier(bytes.get(at..)?)?;
        let (length, length_length) = number(bytes.get(at + id_length..)?)?;
        let from = at + id_length + length_length;
        let rest = bytes.get(from..)?;
        let is_open = length.is_none();
        let length = length.unwrap_or(u64::MAX);
        let is_cut = !is_open && length > rest.len() as u64;
        let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
        at = from + length;
        Some(Element {
            id,
            body: &rest[..length],
            at: base + from,
            is_cut,
            is_open,
        })
    })
}

fn identifier(bytes: &[u8]) -> Option<(u32, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > 4 {
        return None;
    }
    let id = bytes
        .get(..length)?
        .iter()
        .fold(0, |id, &byte| id << 8 | u32::from(byte));
    Some((id, length))
}

/// A number of variable length; none in it where all its bits are set.
fn number(bytes: &[u8]) -> Option<(Option<u64>, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    if length > 8 {
        return None;
    }
    let mask = (1u64 << (7 * length)) - 1;
    let value = bytes
        .get(..length)?
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
        & mask;
    Some(((value != mask).then_some(value), length))
}

impl<'a> Element<'a> {
    fn children(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        elements(self.body, self.at)
    }

    fn child(&self, id: u32) -> Option<Element<'a>> {
        self.children().find(|child| child.id == id)
    }

    fn unsigned(&self) -> u64 {
        let bytes = &self.body[..self.body.len().min(8)];
        bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
    }

    fn float(&self) -> f64 {
        match self.body.len() {
            4 => array(self.body, 0).map_or(0.0, |bytes| f64::from(f32::from_be_bytes(bytes))),
            8 => array(self.body, 0).map_or(0.0, f64::from_be_bytes),
            _ => 0.0,
        }
    }

    fn text(&self) -> String {
        let bytes = &self.body[..self.body.len().min(VALUE_MAX)];
        String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
    }
}

/// What reading needs to know of a track, beside it.
struct Extra {
    number: u64,
    /// Nanoseconds of a frame.
    default_duration: u64,
}

/// Reads a file.
pub(super) fn read<'a>(file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let mut film = Film::new(Container::Matroska, file);
    let mut extras: Vec<Extra> = Vec::new();
    let mut scale = 1_000_000;
    let mut count = 0;
    let mut has_segment = false;
    for top in elements(file, 0) {
        if top.id == 0x1a45_dfa3 {
            let kind = top.child(0x4282).map(|kind| kind.text());
            if kind.as_deref() == Some("webm") {
                film.container = Container::Webm;
            }
        }
        if top.id != SEGMENT {
            continue;
        }
        has_segment = true;
        film.is_truncated |= top.is_cut;
        // Headers first: clusters may precede them, and need them.
        let mut ticks = None;
        for found in headers(&top) {
            match found.id {
                INFO => {
                    for child in found.children() {
                        match child.id {
                            0x2a_d7b1 => scale = child.unsigned().clamp(1, 1_000_000_000_000),
                            0x4489 => ticks = Some(child.float()),
                            0x7ba9 => film.tags.push(("title".to_owned(), child.text())),
                            _ => {}
                        }
                    }
                }
                TRACKS => {
                    for entry in found.children().filter(|entry| entry.id == 0xae).take(TRACKS_MAX) {
                        let (track, extra) = track(&entry);
                        film.tracks.push(track);
                        extras.push(extra);
                    }
                }
                TAGS => read_tags(&found, &mut film.tags),
                _ => {}
            }
        }
        let ticks = ticks.filter(|ticks| ticks.is_finite() && *ticks > 0.0);
        film.stated_duration = ticks
            .map(|ticks| ticks * scale as f64 / 1e9)
            .or(film.stated_duration);
        let mut reading = Clusters {
            film: &mut film,
            extras: &extras,
            scale,
            limits,
            count: &mut count,
        };
        reading.read(&top)?;
    }
    if !has_segment {
        return Err(Fault::malformed("no segment"));
    }
    if film.tracks.is_empty() {
        return Err(if film.is_truncated {
            Fault::truncated("file ends before its tracks")
        } else {
            Fault::malformed("segment without a track")
        });
    }
    Ok(film)
}

/// The elements of a segment but for clusters; one of unknown length ends where another cluster or header begins.
fn headers<'a>(segment: &Element<'a>) -> Vec<Element<'a>> {
    let mut found = Vec::new();
    for child in segment.children() {
        if child.id == CLUSTER && child.is_open {
            // What follows is told apart within the cluster.
            found.extend(
                child
                    .children()
                    .filter(|child| matches!(child.id, INFO | TRACKS | TAGS)),
            );
        } else if matches!(child.id, INFO | TRACKS | TAGS) {
            found.push(child);
        }
    }
    found
}

struct Clusters<'f, 'a> {
    film: &'f mut Film<'a>,
    extras: &'f [Extra],
    scale: u64,
    limits: &'f Limits,
    count: &'f mut u64,
}

impl Clusters<'_, '_> {
    fn read(&mut self, segment: &Element<'_>) -> Result<(), Fault> {
        let mut at = 0;
        while at < segment.body.len() {
            let mut end = at;
            for child in elements(&segment.body[at..], segment.at + at) {
                end = child.at + child.body.len() - segment.at;
                if child.id == CLUSTER {
                    self.film.is_truncated |= child.is_cut;
                    self.cluster(&child)?;
                }
            }
            if end >= segment.body.len() {
                break;
            }
            // Something that is no element: go on at the next cluster.
            match next_cluster(segment.body, end + 1) {
                Some(next) => at = next,
                None => break,
            }
        }
        Ok(())
    }

    /// Reads a cluster. One of unknown length holds all that follow it, one within the other, as far as elements tell.
    fn cluster(&mut self, first: &Element<'_>) -> Result<(), Fault> {
        let mut cluster = *first;
        loop {
            let mut next = None;
            let mut time = 0;
            for child in cluster.children() {
                match child.id {
                    0xe7 => time = child.unsigned(),
                    0xa3 => self.block(&child, time, None, None)?,
                    0xa0 => {
                        let duration = child.child(0x9b).map(|duration| duration.unsigned());
                        let is_key = child.child(0xfb).is_none();
                        if let Some(block) = child.child(0xa1) {
                            self.block(&block, time, Some(is_key), duration)?;
                        }
                    }
                    CLUSTER if cluster.is_open && child.is_open => next = Some(child),
                    // One of known length goes no deeper.
                    CLUSTER if cluster.is_open => self.cluster(&child)?,
                    _ => {}
                }
                self.film.is_truncated |= child.is_cut;
            }
            match next {
                Some(next) => cluster = next,
                None => return Ok(()),
            }
        }
    }

    fn block(
        &mut self,
        block: &Element<'_>,
        cluster_time: u64,
        is_key: Option<bool>,
        duration: Option<u64>,
    ) -> Result<(), Fault> {
        let Some((Some(number), head)) = number(block.body) else {
            return Ok(());
        };
        let Some(index) = self.extras.iter().position(|extra| extra.number == number) else {
            return Ok(());
        };
        let (Some(step), Some(&flags)) = (u16_be(block.body, head), block.body.get(head + 2)) else {
            return Ok(());
        };
        let frames = &block.body[head + 3..];
        let base = (block.at + head + 3) as u64;
        let lengths = laced(frames, flags >> 1 & 3);
        *self.count += lengths.1.len() as u64;
        check_samples(*self.count, self.limits)?;
        let scale = i64::try_from(self.scale).unwrap_or(i64::MAX);
        let cluster_time = i64::try_from(cluster_time).unwrap_or(i64::MAX);
        let time = cluster_time
            .saturating_add(i64::from(step as i16))
            .saturating_mul(scale);
        let default = self.extras[index].default_duration;
        let stated = duration.map(|ticks| ticks.saturating_mul(self.scale));
        let duration = stated.unwrap_or(default);
        let track = &mut self.film.tracks[index];
        let (mut at, lengths) = lengths;
        for (place, length) in lengths.into_iter().enumerate() {
            let is_last_cut = block.is_cut && at + length >= frames.len();
            if is_last_cut && track.kind != Kind::Subtitle {
                break;
            }
            let time = time.saturating_add((place as i64).saturating_mul(default.min(1 << 40) as i64));
            track.samples.push(Sample {
                at: base + at as u64,
                length: u32::try_from(length).unwrap_or(u32::MAX),
                time,
                decode_time: time,
                duration: u32::try_from(duration).unwrap_or(u32::MAX),
                is_key: is_key.unwrap_or(flags & 0x80 != 0),
                is_shown: true,
            });
            at += length;
        }
        Ok(())
    }
}

/// Where the frames of a block start, and their lengths; those that do not fit are left out.
fn laced(block: &[u8], lacing: u8) -> (usize, Vec<usize>) {
    if lacing == 0 {
        return (0, vec![block.len()]);
    }
    let Some(&last) = block.first() else {
        return (0, Vec::new());
    };
    let last = usize::from(last);
    let mut at = 1;
    let mut lengths = Vec::with_capacity(last + 1);
    match lacing {
        1 => {
            for _ in 0..last {
                let mut length = 0;
                loop {
                    let Some(&byte) = block.get(at) else {
                        return (0, Vec::new());
                    };
                    at += 1;
                    length += usize::from(byte);
                    if byte < 255 {
                        break;
                    }
                }
                lengths.push(length);
            }
        }
        3 => {
            let mut length = 0i64;
            for place in 0..last {
                let Some((Some(value), size)) = block.get(at..).and_then(number) else {
                    return (0, Vec::new());
                };
                at += size;
                let value = value as i64;
                // Later ones are differences, with the middle of their range for 0.
                length = if place == 0 {
                    value
                } else {
                    length + value - ((1 << (7 * size - 1)) - 1)
                };
                let Ok(length) = usize::try_from(length) else {
                    return (0, Vec::new());
                };
                lengths.push(length);
            }
        }
        _ => {
            let each = block.len().saturating_sub(1) / (last + 1);
            return (1, vec![each; last + 1]);
        }
    }
    let used: usize = lengths.iter().fold(at, |sum, length| sum.saturating_add(*length));
    match block.len().checked_sub(used) {
        Some(rest) => lengths.push(rest),
        None => return (0, Vec::new()),
    }
    (at, lengths)
}

fn next_cluster(segment: &[u8], from: usize) -> Option<usize> {
    let id = CLUSTER.to_be_bytes();
    let rest = segment.get(from..)?;
    rest.windows(4)
        .position(|window| window == id)
        .map(|at| from + at)
}

fn track(entry: &Element<'_>) -> (Track, Extra) {
    let mut extra = Extra {
        number: 0,
        default_duration: 0,
    };
    let mut depth = 16;
    let mut track = Track::new(0, Kind::Data, "unknown");
    let mut codec = String::new();
    track.tick = TickLength::NANOSECONDS;
    let (mut display, mut encodings) = ((0, 0, 0), None);
    for child in entry.children() {
        match child.id {
            0xd7 => extra.number = child.unsigned(),
            0x83 => {
                track.kind = match child.unsigned() {
                    1 => Kind::Video,
                    2 => Kind::Audio,
                    0x11 => Kind::Subtitle,
                    _ => Kind::Data,
                }
            }
            0x86 => codec = child.text(),
            0x63a2 => track.config = child.body.to_vec(),
            0x23_e383 => extra.default_duration = child.unsigned().min(1 << 40),
            0x22_b59c => track.language = Some(child.text()).filter(|language| language != "und"),
            0xe0 => {
                for child in child.children() {
                    let value = child.unsigned().min(u64::from(u32::MAX)) as u32;
                    match child.id {
                        0xb0 => track.video.width = value,
                        0xba => track.video.height = value,
                        0x54b0 => display.0 = value,
                        0x54ba => display.1 = value,
                        0x54b2 => display.2 = value,
                        0x7670 => {
                            if let Some(roll) = child.child(0x7675) {
                                // Counter-clockwise, in degrees.
                                let quarters = (-roll.float() / 90.0).round() as i64;
                                track.video.rotation = (quarters.rem_euclid(4) * 90) as u16;
                            }
                        }
                        _ => {}
                    }
                }
            }
            0xe1 => {
                track.audio.channels = 1;
                track.audio.rate_hz = 8000;
                for child in child.children() {
                    match child.id {
                        0xb5 => track.audio.rate_hz = child.float().clamp(0.0, 4e9) as u32,
                        0x9f => track.audio.channels = child.unsigned().min(255) as u16,
                        0x6264 => depth = child.unsigned(),
                        _ => {}
                    }
                }
            }
            0x6d80 => encodings = Some(child),
            _ => {}
        }
    }
    if let Some(encodings) = encodings {
        read_encodings(&encodings, &mut track);
    }
    // What is shown, in pixels or as a ratio, tells the shape of a pixel.
    let (width, height) = (track.video.width, track.video.height);
    if display.0 > 0 && display.1 > 0 && width > 0 && height > 0 && matches!(display.2, 0 | 3) {
        let aspect = (
            u64::from(display.0) * u64::from(height),
            u64::from(display.1) * u64::from(width),
        );
        let divisor = gcd(aspect.0, aspect.1);
        let aspect = (aspect.0 / divisor, aspect.1 / divisor);
        if let (Ok(across), Ok(down)) = (u32::try_from(aspect.0), u32::try_from(aspect.1))
            && across != down
        {
            track.video.pixel_aspect = Some((across, down));
        }
    }
    track.number = u32::try_from(extra.number).unwrap_or(u32::MAX);
    if extra.default_duration > 0 && track.kind == Kind::Video {
        track.video.stated_rate = Some(1e9 / extra.default_duration as f64);
    }
    track.codec = if codec == "V_MS/VFW/FOURCC" {
        let format = array(&track.config, 16).unwrap_or_default();
        track.config = track.config.get(40..).unwrap_or_default().to_vec();
        avi::video_codec(format)
    } else {
        pcm(&codec, depth).map_or_else(|| name(&codec), Cow::Borrowed)
    };
    (track, extra)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn read_encodings(encodings: &Element<'_>, track: &mut Track) {
    for encoding in encodings.children().filter(|child| child.id == 0x6240) {
        if encoding.child(0x5035).is_some() {
            track.is_encrypted = true;
        }
        if let Some(compression) = encoding.child(0x5034) {
            let algorithm = compression
                .child(0x4254)
                .map_or(0, |algorithm| algorithm.unsigned());
            match algorithm {
                // Subtitles are all that is ever deflated.
                0 if track.kind == Kind::Subtitle => track.is_deflated = true,
                3 => {
                    track.prefix = compression
                        .child(0x4255)
                        .map(|stripped| stripped.body[..stripped.body.len().min(VALUE_MAX)].to_vec())
                        .unwrap_or_default();
                }
                // As good as encrypted: nothing reads it here.
                _ => track.is_encrypted = true,
            }
        }
    }
}

fn read_tags(found: &Element<'_>, tags: &mut Vec<(String, String)>) {
    for tag in found.children().filter(|child| child.id == 0x7373).take(TAGS_MAX) {
        // Tags of tracks are facts of their encoders.
        let is_of_track = tag
            .child(0x63c0)
            .is_some_and(|targets| targets.child(0x63c5).is_some());
        if is_of_track {
            continue;
        }
        for simple in tag.children().filter(|child| child.id == 0x67c8) {
            let (Some(name), Some(value)) = (simple.child(0x45a3), simple.child(0x4487)) else {
                continue;
            };
            let name = name.text().to_lowercase();
            let is_place = name.contains("location") || name.contains("gps");
            if tags.len() < TAGS_MAX && !is_place && !tags.iter().any(|(known, _)| *known == name) {
                tags.push((name, value.text()));
            }
        }
    }
}

/// The name of a kind of PCM of this many bits.
fn pcm(codec: &str, bits: u64) -> Option<&'static str> {
    Some(match (codec, bits) {
        ("A_PCM/INT/LIT", 8) => "pcm_u8",
        ("A_PCM/INT/LIT", 24) => "pcm_s24le",
        ("A_PCM/INT/LIT", 32) => "pcm_s32le",
        ("A_PCM/INT/LIT", _) => "pcm_s16le",
        ("A_PCM/INT/BIG", 24) => "pcm_s24be",
        ("A_PCM/INT/BIG", 32) => "pcm_s32be",
        ("A_PCM/INT/BIG", _) => "pcm_s16be",
        ("A_PCM/FLOAT/IEEE", 64) => "pcm_f64le",
        ("A_PCM/FLOAT/IEEE", _) => "pcm_f32le",
        _ => return None,
    })
}

/// The name of a codec.
fn name(codec: &str) -> Cow<'static, str> {
    let known = match codec {
        "V_MPEG4/ISO/AVC" => "h264",
        "V_MPEGH/ISO/HEVC" => "hevc",
        "V_AV1" => "av1",
        "V_VP8" => "vp8",
        "V_VP9" => "vp9",
        "V_MJPEG" => "mjpeg",
        "V_MPEG1" => "mpeg1video",
        "V_MPEG2" => "mpeg2video",
        "V_THEORA" => "theora",
        "V_PRORES" => "prores",
        "A_OPUS" => "opus",
        "A_VORBIS" => "vorbis",
        "A_FLAC" => "flac",
        "A_AC3" => "ac3",
        "A_EAC3" => "eac3",
        "A_TRUEHD" => "truehd",
        "A_ALAC" => "alac",
        "A_MPEG/L3" => "mp3",
        "A_MPEG/L2" => "mp2",
        "S_TEXT/UTF8" | "S_TEXT/ASCII" => "subrip",
        "S_TEXT/ASS" | "S_TEXT/SSA" | "S_ASS" | "S_SSA" => "ass",
        "S_TEXT/WEBVTT" | "D_WEBVTT/SUBTITLES" | "D_WEBVTT/CAPTIONS" => "webvtt",
        "S_VOBSUB" => "dvd_subtitle",
        "S_HDMV/PGS" => "hdmv_pgs_subtitle",
        _ if codec.starts_with("V_MPEG4/ISO/") || codec.starts_with("V_MPEG4/MS/") => "mpeg4",
        _ if codec.starts_with("A_AAC") => "aac",
        _ if codec.starts_with("A_DTS") => "dts",
        "" => "unknown",
        other => return Cow::Owned(other.to_owned()),
    };
    Cow::Borrowed(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laces_are_cut() {
        assert_eq!(laced(&[1, 2, 3], 0), (0, vec![3]));
        // Two frames by Xiph: 1 byte and the rest.
        assert_eq!(laced(&[1, 1, 9, 8, 7], 1), (2, vec![1, 2]));
        // Three of equal length.
        assert_eq!(laced(&[2, 1, 2, 3, 4, 5, 6], 2), (1, vec![2, 2, 2]));
        // By EBML: 2, then 1 more, then the rest.
        assert_eq!(laced(&[2, 0x82, 0xc0, 1, 1, 2, 2, 2, 3], 3), (3, vec![2, 3, 1]));
        assert_eq!(laced(&[1, 200], 1), (0, vec![]));
    }

    #[test]
    fn lengths_that_are_not_known_are_none() {
        assert_eq!(number(&[0xff]), Some((None, 1)));
        assert_eq!(number(&[0x40, 2]), Some((Some(2), 2)));
        assert_eq!(
            number(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Some((None, 8))
        );
        assert_eq!(number(&[0x00, 1]), None);
    }
}
