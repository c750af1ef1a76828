//! Matroska and WebM.
//!
//! The default sound track is read, else the first. Clusters and blocks are read in the order of the file; elements of
//! unknown size, files that end early and bytes that are no element are got over at the next cluster.
//!
//! Source: RFC 9559 (Matroska), RFC 8794 (EBML), the codec mappings of matroska.org.

use std::borrow::Cow;

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track, config, flac, ogg};
use crate::{
    Codec, Container,
    cursor::Cursor,
    format::Sample,
    tag::{Cover, Tags, utf8_or_latin1, vorbis},
};

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_a966;
const TRACKS: u32 = 0x1654_ae6b;
const CLUSTER: u32 = 0x1f43_b675;
const TAGS: u32 = 0x1254_c367;
const CHAPTERS: u32 = 0x1043_a770;
const ATTACHMENTS: u32 = 0x1941_a469;
const BLOCK_GROUP: u32 = 0xa0;
const BLOCK: u32 = 0xa1;
const SIMPLE_BLOCK: u32 = 0xa3;

/// An element, without its header.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    id: u32,
    body: &'a [u8],
    is_unknown: bool,
    is_cut: bool,
}

/// The elements that follow each other in some bytes.
#[derive(Debug, Clone)]
struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Elements<'a> {
    fn new(bytes: &'a [u8]) -> Elements<'a> {
        Elements { bytes, at: 0 }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let mut cursor = Cursor::at(self.bytes, self.at);
        let id = number(&mut cursor, true)?;
        let id = u32::try_from(id.0).ok()?;
        let (size, is_unknown) = number(&mut cursor, false)?;
        let there = cursor.rest();
        let length = if is_unknown { there.len() as u64 } else { size };
        let body = usize::try_from(length)
            .ok()
            .and_then(|length| there.get(..length));
        let is_cut = body.is_none();
        let body = body.unwrap_or(there);
        self.at = cursor.position() + body.len();
        Some(Element {
            id,
            body,
            is_unknown,
            is_cut,
        })
    }
}

/// A number whose first byte tells its length, and whether all its bits are set. Ids keep the bit that tells it.
fn number(cursor: &mut Cursor<'_>, is_id: bool) -> Option<(u64, bool)> {
    let first = cursor.u8()?;
    let length = first.leading_zeros() as usize + 1;
    if length > if is_id { 4 } else { 8 } {
        return None;
    }
    let mut value = u64::from(first);
    if !is_id {
        value &= (1 << (8 - length)) - 1;
    }
    for &byte in cursor.take(length - 1)? {
        value = value << 8 | u64::from(byte);
    }
    Some((value, !is_id && value == (1 << (7 * length)) - 1))
}

fn unsigned(body: &[u8]) -> u64 {
    body.iter()
        .take(8)
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn signed(body: &[u8]) -> i64 {
    let bits = 64 - 8 * body.len().min(8) as u32;
    if bits == 64 {
        0
    } else {
        (unsigned(body) << bits) as i64 >> bits
    }
}

fn float(body: &[u8]) -> f64 {
    match body.len() {
        4 => f64::from(f32::from_bits(unsigned(body) as u32)),
        8 => f64::from_bits(unsigned(body)),
        _ => 0.0,
    }
}

fn find(bytes: &[u8], id: u32) -> Option<&[u8]> {
    Elements::new(bytes)
        .find(|element| element.id == id)
        .map(|element| element.body)
}

fn text(body: &[u8]) -> Cow<'_, str> {
    let end = body.iter().position(|&byte| byte == 0).unwrap_or(body.len());
    utf8_or_latin1(&body[..end])
}

/// What is read of a track.
struct SoundTrack {
    number: u64,
    is_default: bool,
    track: Track,
    /// Bytes that were taken from the start of every frame.
    prefix: Vec<u8>,
}

/// Opens a file.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let Some(segment) = Elements::new(bytes).find(|element| element.id == SEGMENT) else {
        return Err(Fault::truncated("no segment"));
    };
    let mut tags = Tags::default();
    let mut info = (1_000_000.0, None);
    let mut sound: Option<SoundTrack> = None;
    let mut problem = None;
    for element in Elements::new(segment.body) {
        match element.id {
            INFO => info = read_info(element.body, &mut tags),
            TRACKS => {
                for entry in Elements::new(element.body).filter(|entry| entry.id == 0xae) {
                    match read_track(entry.body) {
                        Some(Ok(found)) => {
                            let is_better = sound
                                .as_ref()
                                .is_none_or(|before| !before.is_default && found.is_default);
                            if is_better {
                                sound = Some(found);
                            }
                        }
                        Some(Err(fault)) => problem = problem.or(Some(fault)),
                        None => {}
                    }
                }
            }
            TAGS => read_tags(element.body, &mut tags),
            CHAPTERS => read_chapters(element.body, &mut tags),
            ATTACHMENTS => read_attachments(element.body, &mut tags),
            // Clusters of unknown size hold what follows them.
            CLUSTER if element.is_unknown => break,
            _ => {}
        }
    }
    let Some(mut sound) = sound else {
        return Err(problem.unwrap_or_else(|| {
            let is_cut = segment.is_cut || segment.body.len() < 64;
            if is_cut {
                Fault::truncated("no track of sound before the end")
            } else {
                Fault::malformed("no track of sound")
            }
        }));
    };
    let (scale, duration) = info;
    sound.track.seconds = duration.map(|duration: f64| duration * scale / 1e9);
    Ok(Opened {
        container: Container::Matroska,
        packets: Box::new(Blocks {
            bytes: segment.body,
            at: 0,
            cluster: None,
            number: sound.number,
            rate: sound.track.rate,
            prefix: sound.prefix,
            frames: Vec::new(),
            discard: 0,
            is_broken: segment.is_cut,
        }),
        track: sound.track,
        tags,
    })
}

fn read_info(body: &[u8], tags: &mut Tags<'_>) -> (f64, Option<f64>) {
    let (mut scale, mut duration) = (1_000_000.0, None);
    for element in Elements::new(body) {
        match element.id {
            0x2a_d7b1 => scale = (unsigned(element.body) as f64).max(1.0),
            0x4489 => duration = Some(float(element.body)).filter(|duration| *duration > 0.0),
            0x7ba9 => tags.add("title", &text(element.body)),
            0x5741 => tags.add("encoder", &text(element.body)),
            _ => {}
        }
    }
    (scale, duration)
}

fn read_track(body: &[u8]) -> Option<Result<SoundTrack, Fault>> {
    let (mut number, mut kind, mut is_default, mut is_enabled) = (0, 0, true, true);
    let (mut codec, mut setup, mut delay) = (Cow::Borrowed(""), &[][..], 0);
    let (mut rate, mut output_rate, mut channels, mut bits) = (8000.0, None, 1, None);
    let mut prefix = Vec::new();
    let mut is_encoded = None;
    for element in Elements::new(body) {
        let value = element.body;
        match element.id {
            0xd7 => number = unsigned(value),
            0x83 => kind = unsigned(value),
            0x88 => is_default = unsigned(value) != 0,
            0xb9 => is_enabled = unsigned(value) != 0,
            0x86 => codec = text(value),
            0x63a2 => setup = value,
            0x56aa => delay = unsigned(value),
            0xe1 => {
                for element in Elements::new(value) {
                    match element.id {
                        0xb5 => rate = float(element.body),
                        0x78b5 => output_rate = Some(float(element.body)),
                        0x9f => channels = unsigned(element.body),
                        0x6264 => bits = Some(unsigned(element.body) as u16),
                        _ => {}
                    }
                }
            }
            0x6d80 => is_encoded = encodings(value, &mut prefix),
            _ => {}
        }
    }
    if kind != 2 {
        return None;
    }
    if let Some(problem) = is_encoded {
        return Some(Err(Fault::unsupported(problem)));
    }
    let rate = output_rate.filter(|rate: &f64| *rate > 0.0).unwrap_or(rate);
    let rate = if (1.0..=4e9).contains(&rate) {
        rate as u32
    } else {
        0
    };
    let channels = u16::try_from(channels).unwrap_or(u16::MAX);
    let track = match track_of(&codec, setup, rate, channels, bits) {
        Ok(track) => track,
        Err(fault) => return Some(Err(fault)),
    };
    let skip = (delay as f64 / 1e9 * f64::from(track.rate)).round() as u64;
    Some(Ok(SoundTrack {
        number,
        is_default: is_default && is_enabled,
        track: Track {
            skip: if delay > 0 || track.codec != Codec::Opus {
                skip
            } else {
                track.skip
            },
            ..track
        },
        prefix,
    }))
}

/// Notes what was taken from the start of frames; tells what else was done to them.
fn encodings(body: &[u8], prefix: &mut Vec<u8>) -> Option<&'static str> {
    for encoding in Elements::new(body).filter(|element| element.id == 0x6240) {
        if find(encoding.body, 0x5033).is_some_and(|kind| unsigned(kind) != 0) {
            return Some("sound is encrypted");
        }
        let compression = find(encoding.body, 0x5034).unwrap_or_default();
        if find(compression, 0x4254).map_or(0, unsigned) != 3 {
            return Some("frames are compressed");
        }
        prefix.extend_from_slice(find(compression, 0x4255).unwrap_or_default());
    }
    None
}

fn track_of(codec: &str, setup: &[u8], rate: u32, channels: u16, bits: Option<u16>) -> Result<Track, Fault> {
    let plain = |codec: Codec| Track {
        setup: setup.to_vec(),
        ..Track::new(codec, rate, channels)
    };
    let short = || Fault::truncated("setup of the codec ends early");
    let bits = bits.unwrap_or(16);
    let whole = |is_big: bool| {
        let sample = Sample::integer(usize::from(bits.div_ceil(8)), true);
        let track = sample.map(|sample| config::pcm(sample, is_big, rate, channels, Some(bits)));
        track.ok_or_else(|| Fault::unsupported(format!("PCM of {bits} bits")))
    };
    Ok(match codec {
        "A_AAC" => plain(Codec::Aac),
        "A_MPEG/L3" => plain(Codec::Mp3),
        "A_MPEG/L2" => plain(Codec::Mp2),
        "A_MPEG/L1" => plain(Codec::Mp1),
        "A_VORBIS" => plain(Codec::Vorbis),
        "A_OPUS" => ogg::opus_track(setup).ok_or_else(short)?,
        "A_FLAC" => {
            let body = setup.get(8..).ok_or_else(short)?;
            let mut track = flac::StreamInfo::read(body).ok_or_else(short)?.track(body);
            track.frames = None;
            track
        }
        "A_ALAC" => super::mp4::alac(setup, &plain(Codec::Alac)),
        "A_PCM/INT/LIT" => whole(false)?,
        "A_PCM/INT/BIG" => whole(true)?,
        "A_PCM/FLOAT/IEEE" if bits == 64 => config::pcm(Sample::F64, false, rate, channels, None),
        "A_PCM/FLOAT/IEEE" => config::pcm(Sample::F32, false, rate, channels, None),
        "A_MS/ACM" => config::wave_format(setup, false)?,
        "A_AC3" => plain(Codec::Other("ac3")),
        "A_EAC3" => plain(Codec::Other("eac3")),
        "A_TRUEHD" => plain(Codec::Other("truehd")),
        "A_TTA1" => plain(Codec::Other("tta")),
        "A_WAVPACK4" => plain(Codec::Other("wavpack")),
        other if other.starts_with("A_DTS") => plain(Codec::Other("dts")),
        // AAC as Matroska had it before it carried a setup: the profile stands in the name.
        other if other.starts_with("A_AAC/") => {
            let has_sbr = other.ends_with("SBR");
            let core = if has_sbr { rate / 2 } else { rate };
            Track {
                setup: old_aac(core, channels),
                ..Track::new(Codec::Aac, rate, channels)
            }
        }
        other => {
            return Err(Fault::unsupported(format!(
                "codec {} in Matroska",
                other.escape_debug()
            )));
        }
    })
}

/// An AudioSpecificConfig of AAC-LC.
fn old_aac(rate: u32, channels: u16) -> Vec<u8> {
    let index = rusty_aac::sf_index_for_rate(rate).unwrap_or(4);
    let packed = 2u16 << 11 | u16::from(index) << 7 | (channels & 15) << 3;
    packed.to_be_bytes().to_vec()
}

fn read_tags(body: &[u8], tags: &mut Tags<'_>) {
    for tag in Elements::new(body).filter(|element| element.id == 0x7373) {
        // Tags of single chapters or tracks are not those of the file, but tracks' often tell of the sound.
        let target = find(tag.body, 0x63c0).unwrap_or_default();
        if find(target, 0x63c4).is_some() {
            continue;
        }
        for simple in Elements::new(tag.body).filter(|element| element.id == 0x67c8) {
            if let (Some(name), Some(value)) = (find(simple.body, 0x45a3), find(simple.body, 0x4487)) {
                vorbis::add(tags, &text(name), &text(value));
            }
        }
    }
}

fn read_chapters(body: &[u8], tags: &mut Tags<'_>) {
    let edition = find(body, 0x45b9).unwrap_or_default();
    for chapter in Elements::new(edition).filter(|element| element.id == 0xb6) {
        let time = |id| find(chapter.body, id).map(|time| unsigned(time) as f64 / 1e9);
        let title = find(chapter.body, 0x80).and_then(|display| find(display, 0x85));
        tags.add_chapter(
            time(0x91).unwrap_or(0.0),
            time(0x92),
            &text(title.unwrap_or_default()),
        );
    }
}

fn read_attachments<'a>(body: &'a [u8], tags: &mut Tags<'a>) {
    for file in Elements::new(body).filter(|element| element.id == 0x61a7) {
        let name = find(file.body, 0x466e).map(text).unwrap_or_default();
        let kind = find(file.body, 0x4660).map(text).unwrap_or_default();
        if let Some(data) = find(file.body, 0x465c).filter(|_| kind.starts_with("image/")) {
            tags.add_cover(Cover {
                bytes: Cow::Borrowed(data),
                is_front: name.starts_with("cover"),
            });
        }
    }
}

/// The frames of a track in all blocks.
struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The cluster that is read, and where it starts.
    cluster: Option<(usize, Elements<'a>)>,
    number: u64,
    rate: u32,
    prefix: Vec<u8>,
    /// The frames of a block that are left, last first.
    frames: Vec<&'a [u8]>,
    /// Frames of sound at the end of the block that are not heard.
    discard: u32,
    is_broken: bool,
}

impl<'a> Blocks<'a> {
    /// Reads on to the next block of the track.
    fn advance(&mut self) -> Option<()> {
        loop {
            let Some((start, cluster)) = &mut self.cluster else {
                self.next_cluster()?;
                continue;
            };
            let before = cluster.at;
            let element = cluster.next();
            match element {
                None if cluster.at >= cluster.bytes.len() => self.cluster = None,
                None => {
                    self.is_broken = true;
                    self.cluster = None;
                }
                Some(Element {
                    id: SIMPLE_BLOCK,
                    body,
                    is_cut,
                    ..
                }) => {
                    self.is_broken |= is_cut;
                    if !is_cut && self.block(body).is_some() {
                        return Some(());
                    }
                }
                Some(Element {
                    id: BLOCK_GROUP,
                    body,
                    ..
                }) => {
                    let padding = find(body, 0x75a2).map_or(0, signed).max(0) as f64;
                    if find(body, BLOCK).is_some_and(|block| self.block(block).is_some()) {
                        self.discard = (padding / 1e9 * f64::from(self.rate)).round() as u32;
                        return Some(());
                    }
                }
                // A cluster of unknown size ends where the next begins.
                Some(Element {
                    id: CLUSTER | TAGS | CHAPTERS | INFO | TRACKS | ATTACHMENTS | 0x1c53_bb6b,
                    ..
                }) => {
                    self.at = *start + before;
                    self.cluster = None;
                }
                Some(_) => {}
            }
        }
    }

    fn next_cluster(&mut self) -> Option<()> {
        loop {
            let mut elements = Elements {
                bytes: self.bytes,
                at: self.at,
            };
            match elements.next() {
                Some(element) if element.id == CLUSTER => {
                    let inner = elements.at - element.body.len();
                    self.at = elements.at;
                    self.cluster = Some((inner, Elements::new(&self.bytes[inner..elements.at])));
                    return Some(());
                }
                Some(element) if !element.is_cut && element.body.len() < self.bytes.len() => {
                    self.at = elements.at;
                }
                _ => {
                    // No element, or one that cannot be: the next cluster is looked for.
                    let rest = self.bytes.get(self.at + 1..)?;
                    self.is_broken = true;
                    let found = rest
                        .windows(4)
                        .position(|window| window == CLUSTER.to_be_bytes())?;
                    self.at += 1 + found;
                }
            }
        }
    }

    /// Takes the frames of a block, if it is one of the track.
    fn block(&mut self, body: &'a [u8]) -> Option<()> {
        let mut cursor = Cursor::new(body);
        let (track, _) = number(&mut cursor, false)?;
        if track != self.number {
            return None;
        }
        cursor.skip(2)?;
        let flags = cursor.u8()?;
        self.discard = 0;
        let lacing = flags >> 1 & 3;
        if lacing == 0 {
            self.frames.push(cursor.rest());
            return Some(());
        }
        let count = usize::from(cursor.u8()?) + 1;
        let mut sizes = Vec::with_capacity(count);
        match lacing {
            1 => {
                for _ in 1..count {
                    let mut size = 0;
                    loop {
                        let byte = cursor.u8()?;
                        size += usize::from(byte);
                        if byte < 255 {
                            break;
                        }
                    }
                    sizes.push(size);
                }
            }
            3 => {
                let mut size = number(&mut cursor, false)?.0 as i64;
                sizes.push(usize::try_from(size).ok()?);
                for _ in 2..count {
                    let before = cursor.position();
                    let (value, _) = number(&mut cursor, false)?;
                    let length = cursor.position() - before;
                    let middle = (1i64 << (7 * length - 1)) - 1;
                    size = size.checked_add(value as i64 - middle)?;
                    sizes.push(usize::try_from(size).ok()?);
                }
                sizes.truncate(count - 1);
            }
            _ => sizes.resize(count - 1, cursor.rest().len() / count),
        }
        let mut frames = Vec::with_capacity(count);
        for size in sizes {
            frames.push(cursor.take(size)?);
        }
        frames.push(cursor.rest());
        self.frames.extend(frames.into_iter().rev());
        Some(())
    }
}

impl<'a> Packets<'a> for Blocks<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let Some(frame) = self.frames.pop() else {
                self.advance()?;
                continue;
            };
            if frame.is_empty() && self.prefix.is_empty() {
                continue;
            }
            let data = if self.prefix.is_empty() {
                Cow::Borrowed(frame)
            } else {
                Cow::Owned([&self.prefix, frame].concat())
            };
            return Some(Packet {
                data,
                discard: if self.frames.is_empty() { self.discard } else { 0 },
                ..Packet::default()
            });
        }
    }

    fn is_broken(&self) -> bool {
        self.is_broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_tell_their_length() {
        let read = |bytes: &[u8], is_id| number(&mut Cursor::new(bytes), is_id);
        assert_eq!(read(&[0x81], false), Some((1, false)));
        assert_eq!(read(&[0xff], false), Some((127, true)));
        assert_eq!(read(&[0x40, 0x02], false), Some((2, false)));
        assert_eq!(read(&[0x1a, 0x45, 0xdf, 0xa3], true), Some((0x1a45_dfa3, false)));
        assert_eq!(read(&[0, 1], true), None);
        assert_eq!(signed(&[0xff, 0xfe]), -2);
    }
}
