//! MPEG-2 transport streams, of packets of 188, 192 (Blu-ray) or 204 bytes.
//!
//! Streams are those of the first programme that has any. Times count 90,000 a second and go on where they wrap at 2^33; a
//! stream that starts within the last minute before that starts below 0, as FFmpeg has it. Bytes of pictures are put together
//! from their packets and cut where the codec begins a picture, whatever the packets say.
//!
//! Source: ISO/IEC 13818-1.

use gristmill_core::{Fault, Limits};

use super::{
    check_samples,
    fields::{array, u16_be},
    stream,
};
use crate::{
    film::{Container, Film, Kind, Sample, TickLength, Track},
    header::{
        bits::{start_code, units},
        frames, h264, hevc,
    },
};

const SYNC: u8 = 0x47;
const WRAP: i64 = 1 << 33;
/// A stream that starts this close to the wrap starts below 0.
const BEFORE_WRAP: i64 = 60 * 90_000;
/// Packets that have to begin with a sync byte.
const CHECKED: usize = 5;

/// The length of packets, and where the first one begins; none of other files.
pub(super) fn packet_length(file: &[u8]) -> Option<(usize, usize)> {
    [(188, 0), (192, 4), (204, 0)]
        .into_iter()
        .find(|&(length, lead)| {
            let packets = (file.len().saturating_sub(lead) / length).min(CHECKED);
            packets > 0
                && file.len() >= length
                && (0..packets).all(|packet| file[lead + packet * length] == SYNC)
        })
}

/// A stream that a programme names.
struct Elementary {
    pid: u16,
    track: Track,
    /// Its bytes, without the heads of packets.
    payload: Vec<u8>,
    /// Where packets of it begin, and their presentation and decoding times.
    packets: Vec<(usize, Option<i64>, Option<i64>)>,
    /// Bytes that the packet which is open still has to come; none where it does not say.
    left: Option<usize>,
    is_open: bool,
}

/// Reads a file.
pub(super) fn read<'a>(file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let (length, lead) =
        packet_length(file).ok_or_else(|| Fault::malformed("packets do not begin with 0x47"))?;
    let mut film = Film::new(Container::Ts, file);
    let mut map_pids: Vec<u16> = Vec::new();
    let mut streams: Vec<Elementary> = Vec::new();
    let mut sections: Vec<(u16, Vec<u8>)> = Vec::new();
    let mut at = lead;
    while let Some(packet) = file.get(at..at + 188) {
        if packet[0] != SYNC {
            // Go on at the next place that looks like a packet.
            let rest = &file[at + 1..];
            let next = (0..rest.len())
                .find(|&skip| rest[skip] == SYNC && rest.get(skip + length).is_none_or(|byte| *byte == SYNC));
            match next {
                Some(skip) => at += 1 + skip,
                None => break,
            }
            continue;
        }
        at += length;
        let head = u16_be(packet, 1).unwrap_or(0);
        let (is_start, pid) = (head & 0x4000 != 0, head & 0x1fff);
        let is_damaged = head & 0x8000 != 0;
        let mut payload = &packet[4..];
        if packet[3] & 0x20 != 0 {
            let skip = 1 + usize::from(payload[0]);
            payload = payload.get(skip..).unwrap_or_default();
        }
        if packet[3] & 0x10 == 0 || payload.is_empty() || is_damaged {
            continue;
        }
        if pid == 0 && map_pids.is_empty() {
            if let Some(section) = section(&mut sections, pid, is_start, payload) {
                map_pids = programmes(&section);
            }
        } else if streams.is_empty() && map_pids.contains(&pid) {
            if let Some(section) = section(&mut sections, pid, is_start, payload) {
                streams = elementary(&section);
            }
        } else if let Some(stream) = streams.iter_mut().find(|stream| stream.pid == pid) {
            stream.track.is_encrypted |= packet[3] & 0xc0 != 0;
            stream.take(is_start, payload);
            check_samples(stream.packets.len() as u64, limits)?;
        }
    }
    if streams.is_empty() {
        return Err(Fault::malformed("no programme map"));
    }
    for stream in streams {
        film.tracks.push(stream.into_track(limits)?);
    }
    align(&mut film);
    Ok(film)
}

/// Takes the part of a section in a packet; gives the section when it is whole.
fn section(open: &mut Vec<(u16, Vec<u8>)>, pid: u16, is_start: bool, payload: &[u8]) -> Option<Vec<u8>> {
    let entry = match open.iter().position(|(known, _)| *known == pid) {
        Some(entry) => entry,
        None => {
            if open.len() >= 64 {
                return None;
            }
            open.push((pid, Vec::new()));
            open.len() - 1
        }
    };
    let bytes = &mut open[entry].1;
    if is_start {
        bytes.clear();
        let skip = 1 + usize::from(payload[0]);
        bytes.extend_from_slice(payload.get(skip..).unwrap_or_default());
    } else if !bytes.is_empty() && bytes.len() < 8192 {
        bytes.extend_from_slice(payload);
    }
    let length = 3 + usize::from(u16_be(bytes, 1)? & 0xfff);
    (bytes.len() >= length).then(|| {
        let mut whole = std::mem::take(bytes);
        // The last four bytes are a checksum.
        whole.truncate(length.saturating_sub(4));
        whole
    })
}

/// The programme maps that an association table names.
fn programmes(section: &[u8]) -> Vec<u16> {
    let entries = section.get(8..).unwrap_or_default().chunks_exact(4);
    let named = entries.filter(|entry| u16_be(entry, 0) != Some(0));
    named
        .filter_map(|entry| Some(u16_be(entry, 2)? & 0x1fff))
        .collect()
}

/// The streams that a programme map names.
fn elementary(section: &[u8]) -> Vec<Elementary> {
    if section.first() != Some(&2) {
        return Vec::new();
    }
    let mut at = 12 + usize::from(u16_be(section, 10).unwrap_or(0) & 0xfff);
    let mut streams: Vec<Elementary> = Vec::new();
    while let (Some(&kind), Some(pid), Some(info)) =
        (section.get(at), u16_be(section, at + 1), u16_be(section, at + 3))
    {
        let info = usize::from(info & 0xfff);
        let descriptors = section
            .get(at + 5..)
            .and_then(|rest| rest.get(..info))
            .unwrap_or_default();
        at += 5 + info;
        let pid = pid & 0x1fff;
        let (media, codec) = codec(kind, descriptors);
        let mut track = Track::new(u32::from(pid), media, codec);
        track.language = descriptor(descriptors, 0x0a)
            .and_then(|body| body.get(..3))
            .filter(|letters| letters.iter().all(u8::is_ascii_lowercase) && *letters != b"und")
            .map(|letters| String::from_utf8_lossy(letters).into_owned());
        track.tick = TickLength {
            numerator: 1,
            denominator: 90_000,
        };
        streams.push(Elementary {
            pid,
            track,
            payload: Vec::new(),
            packets: Vec::new(),
            left: None,
            is_open: false,
        });
    }
    streams
}

fn descriptor(descriptors: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut rest = descriptors;
    while let [tag, length, after @ ..] = rest {
        let (body, after) = after.split_at(usize::from(*length).min(after.len()));
        if *tag == wanted {
            return Some(body);
        }
        rest = after;
    }
    None
}

fn codec(kind: u8, descriptors: &[u8]) -> (Kind, &'static str) {
    let registered: [u8; 4] = descriptor(descriptors, 5)
        .and_then(|body| array(body, 0))
        .unwrap_or_default();
    match kind {
        0x01 => (Kind::Video, "mpeg1video"),
        0x02 => (Kind::Video, "mpeg2video"),
        0x10 => (Kind::Video, "mpeg4"),
        0x1b => (Kind::Video, "h264"),
        0x24 => (Kind::Video, "hevc"),
        0x33 => (Kind::Video, "vvc"),
        0xea => (Kind::Video, "vc1"),
        0x03 | 0x04 => (Kind::Audio, "mp2"),
        0x0f => (Kind::Audio, "aac"),
        0x11 => (Kind::Audio, "aac_latm"),
        0x2d | 0x2e => (Kind::Audio, "mpegh_3d_audio"),
        0x81 | 0xc1 => (Kind::Audio, "ac3"),
        0x87 | 0x84 | 0xc2 => (Kind::Audio, "eac3"),
        0x82 | 0x85 | 0x86 | 0x8a => (Kind::Audio, "dts"),
        0x15 => (Kind::Data, "timed_id3"),
        0x06 => match &registered {
            b"AC-3" => (Kind::Audio, "ac3"),
            b"EAC3" => (Kind::Audio, "eac3"),
            b"Opus" => (Kind::Audio, "opus"),
            b"HEVC" => (Kind::Video, "hevc"),
            b"DTS1" | b"DTS2" | b"DTS3" => (Kind::Audio, "dts"),
            b"AV01" => (Kind::Video, "av1"),
            _ if descriptor(descriptors, 0x6a).is_some() => (Kind::Audio, "ac3"),
            _ if descriptor(descriptors, 0x7a).is_some() => (Kind::Audio, "eac3"),
            _ if descriptor(descriptors, 0x7b).is_some() => (Kind::Audio, "dts"),
            _ if descriptor(descriptors, 0x59).is_some() => (Kind::Subtitle, "dvb_subtitle"),
            _ if descriptor(descriptors, 0x56).is_some() => (Kind::Subtitle, "dvb_teletext"),
            _ => (Kind::Data, "unknown"),
        },
        _ => (Kind::Data, "unknown"),
    }
}

impl Elementary {
    fn take(&mut self, is_start: bool, payload: &[u8]) {
        let mut payload = payload;
        if is_start {
            let Some((presentation, decoding, head)) = packet_times(payload) else {
                self.is_open = false;
                return;
            };
            let said = u16_be(payload, 4).map_or(0, usize::from);
            self.left = (said > 0).then(|| (said + 6).saturating_sub(head));
            self.is_open = true;
            self.packets.push((self.payload.len(), presentation, decoding));
            payload = payload.get(head..).unwrap_or_default();
        }
        if !self.is_open || self.track.kind == Kind::Data {
            return;
        }
        if let Some(left) = &mut self.left {
            payload = &payload[..payload.len().min(*left)];
            *left -= payload.len();
        }
        self.payload.extend_from_slice(payload);
    }

    fn into_track(self, limits: &Limits) -> Result<Track, Fault> {
        let Elementary {
            mut track,
            payload,
            mut packets,
            ..
        } = self;
        unwrap(&mut packets);
        if track.codec == "mp2" && sound_layer(&payload) == Some(3) {
            track.codec = "mp3".into();
        }
        let samples = if track.is_encrypted {
            by_packets(&packets, payload.len())
        } else {
            match track.codec.as_ref() {
                "h264" => by_pictures(stream::Codec::H264, &payload, &packets, &mut track, limits)?,
                "hevc" => by_pictures(stream::Codec::Hevc, &payload, &packets, &mut track, limits)?,
                "mpeg2video" | "mpeg1video" => {
                    let mut samples = by_packets(&packets, payload.len());
                    for sample in &mut samples {
                        let from = sample.at as usize;
                        sample.is_key = frames::mpeg2_is_key(&payload[from..from + sample.length as usize]);
                    }
                    samples
                }
                "aac" => {
                    let mut samples = by_packets(&packets, payload.len());
                    if let Some((rate, channels)) = adts(&payload) {
                        (track.audio.rate_hz, track.audio.channels) = (rate, channels);
                        for sample in &mut samples {
                            let from = sample.at as usize;
                            let frames = adts_frames(&payload[from..from + sample.length as usize]);
                            sample.duration = frames.saturating_mul(1024 * 90_000 / rate);
                        }
                    }
                    samples
                }
                _ => by_packets(&packets, payload.len()),
            }
        };
        track.samples = samples;
        track.payload = Some(payload);
        Ok(track)
    }
}

/// Presentation time, decoding time and length of the head of a packet of a stream.
fn packet_times(payload: &[u8]) -> Option<(Option<i64>, Option<i64>, usize)> {
    if payload.get(..3)? != [0, 0, 1] {
        return None;
    }
    let flags = *payload.get(7)?;
    let head = 9 + usize::from(*payload.get(8)?);
    let time = |at: usize| {
        let bytes: [u8; 5] = array(payload, at)?;
        let part = |index: usize| i64::from(bytes[index]);
        Some((part(0) >> 1 & 7) << 30 | part(1) << 22 | (part(2) >> 1) << 15 | part(3) << 7 | part(4) >> 1)
    };
    let presentation = if flags & 0x80 != 0 { time(9) } else { None };
    let decoding = if flags & 0xc0 == 0xc0 { time(14) } else { None };
    Some((presentation, decoding, head))
}

/// Times that go on where they wrap.
fn unwrap(packets: &mut [(usize, Option<i64>, Option<i64>)]) {
    let mut before: Option<i64> = None;
    for (_, presentation, decoding) in packets {
        for time in [decoding, presentation].into_iter().flatten() {
            if let Some(before) = before {
                let turns = (before - *time + WRAP / 2).div_euclid(WRAP);
                *time += turns * WRAP;
            }
            before = Some(*time);
        }
    }
}

/// Brings streams that wrap at different places together, and a start just before the wrap below 0.
fn align(film: &mut Film<'_>) {
    let starts = film
        .tracks
        .iter()
        .filter_map(|track| track.span().map(|span| span.0));
    let Some(first) = starts.min() else {
        return;
    };
    let last = film
        .tracks
        .iter()
        .filter_map(|track| track.span().map(|span| span.0))
        .max();
    let is_before_wrap = first >= WRAP - BEFORE_WRAP || last.is_some_and(|last| last - first > WRAP / 2);
    if !is_before_wrap {
        return;
    }
    for track in &mut film.tracks {
        let Some((start, _)) = track.span() else {
            continue;
        };
        if start >= WRAP - BEFORE_WRAP {
            for sample in &mut track.samples {
                sample.time -= WRAP;
                sample.decode_time -= WRAP;
            }
        }
    }
}

/// A sample for each packet of a stream.
fn by_packets(packets: &[(usize, Option<i64>, Option<i64>)], end: usize) -> Vec<Sample> {
    let ends = packets.iter().skip(1).map(|packet| packet.0).chain([end]);
    let mut time = 0;
    let mut samples: Vec<Sample> = Vec::with_capacity(packets.len());
    for (&(at, presentation, decoding), end) in packets.iter().zip(ends) {
        time = presentation.unwrap_or(time);
        if end <= at {
            continue;
        }
        samples.push(Sample {
            at: at as u64,
            length: (end - at) as u32,
            time,
            decode_time: decoding.unwrap_or(time),
            duration: 0,
            is_key: true,
            is_shown: true,
        });
    }
    samples
}

/// A sample for each picture: with the times of the packet that it begins in, if it is the first to do so, else by its rank and
/// the rate of the stream.
fn by_pictures(
    codec: stream::Codec,
    payload: &[u8],
    packets: &[(usize, Option<i64>, Option<i64>)],
    track: &mut Track,
    limits: &Limits,
) -> Result<Vec<Sample>, Fault> {
    let rate = units(payload).take(64).find_map(|(_, unit)| match codec {
        stream::Codec::H264 if h264::kind(unit) == h264::SEQUENCE => h264::Sequence::read(unit)?.rate,
        stream::Codec::Hevc if hevc::kind(unit) == hevc::SEQUENCE => hevc::Sequence::read(unit)?.rate,
        _ => None,
    });
    track.video.stated_rate = rate.filter(|rate| (1e-3..1e4).contains(rate));
    let step = track
        .video
        .stated_rate
        .map_or(3600, |rate| (90_000.0 / rate).round() as i64);
    let mut next = 0;
    let mut anchor: Option<(i64, i64)> = None;
    let mut samples: Vec<Sample> = Vec::new();
    for picture in stream::pictures(codec, payload, limits)? {
        // The last packet that begins at or before the picture, and at or after the one before.
        let mut times = None;
        while let Some(&(at, presentation, decoding)) = packets.get(next) {
            let begins = start_code(payload, at).unwrap_or(at);
            if begins > picture.range.start + 4 {
                break;
            }
            times = presentation
                .map(|time| (time, decoding.unwrap_or(time)))
                .or(times);
            next += 1;
        }
        let (time, decode_time) = match (times, anchor) {
            (Some(times), _) => times,
            (None, Some((rank, time))) => {
                let time = time + (picture.rank - rank) * step;
                (time, time)
            }
            (None, None) => (picture.rank * step, picture.rank * step),
        };
        anchor = Some((picture.rank, time));
        samples.push(Sample {
            at: picture.range.start as u64,
            length: picture.range.len() as u32,
            time,
            decode_time,
            duration: 0,
            is_key: picture.is_key,
            is_shown: true,
        });
    }
    Ok(samples)
}

/// The layer of the first frame of MPEG sound.
fn sound_layer(payload: &[u8]) -> Option<u8> {
    let at = payload
        .windows(2)
        .position(|pair| pair[0] == 0xff && pair[1] & 0xe0 == 0xe0)?;
    match payload[at + 1] >> 1 & 3 {
        1 => Some(3),
        2 => Some(2),
        3 => Some(1),
        _ => None,
    }
}

/// How many ADTS frames begin in these bytes.
fn adts_frames(bytes: &[u8]) -> u32 {
    let mut frames = 0;
    let mut at = 0;
    while let Some([0xff, second, _, fourth, fifth, sixth]) = array(bytes, at) {
        let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
        if second & 0xf6 != 0xf0 || length < 7 {
            break;
        }
        frames += 1;
        at += length;
    }
    frames
}

/// Rate and channels of the first ADTS frame.
fn adts(payload: &[u8]) -> Option<(u32, u16)> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350,
    ];
    let at = payload
        .windows(2)
        .position(|pair| pair[0] == 0xff && pair[1] & 0xf6 == 0xf0)?;
    let (second, third) = (*payload.get(at + 2)?, *payload.get(at + 3)?);
    let rate = *RATES.get(usize::from(second >> 2 & 15))?;
    Some((rate, u16::from((second & 1) << 2 | third >> 6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_over_the_wrap() {
        let mut packets = [
            (0, Some(WRAP - 10), None),
            (1, Some(20), Some(10)),
            (2, Some(50), None),
        ];
        unwrap(&mut packets);
        let times: Vec<_> = packets.iter().map(|packet| packet.1.unwrap()).collect();
        assert_eq!(times, [WRAP - 10, WRAP + 20, WRAP + 50]);
        assert_eq!(packets[1].2, Some(WRAP + 10));
    }
}
