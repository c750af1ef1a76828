//! Sample descriptions: the codec of a track and what its decoder needs.

use std::borrow::Cow;

use super::boxes::{Box, FourCc};
use crate::{
    film::{Kind, Track},
    read::fields::{array, u16_be, u32_be},
};

/// The track that the first sample description of a `mdia` box tells of.
pub(super) fn read(media: &Box<'_>, kind: Kind, number: u32) -> Track {
    let descriptions = media.descendant(&[b"minf", b"stbl", b"stsd"]);
    let Some(entry) = descriptions.and_then(|list| list.children(8).next()) else {
        return Track::new(number, kind, "unknown");
    };
    let head = match kind {
        Kind::Video => 78,
        Kind::Audio => sound_head(entry.body),
        Kind::Subtitle | Kind::Data => 8,
    };
    let child = |wanted: &FourCc| find(&entry, head, wanted);
    let mut format = entry.kind;
    let mut is_encrypted = false;
    if matches!(&entry.kind, b"encv" | b"enca" | b"enct" | b"encs") {
        is_encrypted = true;
        if let Some(original) = child(b"sinf").and_then(|info| info.child(b"frma"))
            && let Some(original) = array(original.body, 0)
        {
            format = original;
        }
    }
    let config = CONFIGS
        .iter()
        .find_map(|kind| child(kind))
        .map_or(&[][..], |found| found.body);
    let descriptor = child(b"esds").and_then(|found| Descriptor::read(found.body));
    let codec = match &descriptor {
        Some(descriptor) if matches!(&format, b"mp4v" | b"mp4a" | b"mp4s") => {
            descriptor.codec().map_or_else(|| name(format), Cow::Borrowed)
        }
        _ => name(format),
    };
    let mut track = Track::new(number, kind, codec);
    track.is_encrypted = is_encrypted;
    track.config = descriptor.map_or_else(|| config.to_vec(), |found| found.config.to_vec());
    // The head of the box is made anew.
    track.entry = [
        &u32::try_from(entry.body.len() + 8)
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
        entry.kind.as_slice(),
        entry.body,
    ]
    .concat();
    match kind {
        Kind::Video => {
            let side = |at| u16_be(entry.body, at).map_or(0, u32::from);
            (track.video.width, track.video.height) = (side(24), side(26));
            track.video.pixel_aspect = child(b"pasp").and_then(|found| {
                let aspect = (u32_be(found.body, 0)?, u32_be(found.body, 4)?);
                (aspect.0 > 0 && aspect.1 > 0).then_some(aspect)
            });
        }
        Kind::Audio => {
            let is_second = u16_be(entry.body, 8) == Some(2);
            if is_second {
                let rate = array(entry.body, 32).map_or(0.0, f64::from_be_bytes);
                track.audio.rate_hz = rate as u32;
                track.audio.channels = u32_be(entry.body, 40).unwrap_or(0).min(255) as u16;
            } else {
                track.audio.rate_hz = u32_be(entry.body, 24).map_or(0, |rate| rate >> 16);
                track.audio.channels = u16_be(entry.body, 16).unwrap_or(0);
            }
        }
        Kind::Subtitle | Kind::Data => {}
    }
    track
}

/// Boxes with the header of a decoder.
const CONFIGS: [&FourCc; 9] = [
    b"avcC", b"hvcC", b"lhvC", b"av1C", b"vpcC", b"dOps", b"dfLa", b"alac", b"d263",
];

/// A box within a sample description; in QuickTime's sound descriptions also within `wave`.
fn find<'a>(entry: &Box<'a>, head: usize, wanted: &FourCc) -> Option<Box<'a>> {
    entry
        .children(head)
        .find(|found| found.kind == *wanted)
        .or_else(|| {
            let wave = entry.children(head).find(|found| &found.kind == b"wave")?;
            wave.child(wanted)
        })
}

/// Where boxes begin in a description of sound: QuickTime has longer ones.
fn sound_head(body: &[u8]) -> usize {
    match u16_be(body, 8) {
        Some(1) => 44,
        Some(2) => 64,
        _ => 28,
    }
}

/// An elementary stream descriptor (ISO/IEC 14496-1).
struct Descriptor<'a> {
    object_type: u8,
    config: &'a [u8],
}

impl<'a> Descriptor<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let (tag, stream, _) = descriptor(body.get(4..)?)?;
        if tag != 3 {
            return None;
        }
        let flags = *stream.get(2)?;
        let mut at = 3;
        if flags & 0x80 != 0 {
            at += 2;
        }
        if flags & 0x40 != 0 {
            at += 1 + usize::from(*stream.get(at)?);
        }
        if flags & 0x20 != 0 {
            at += 2;
        }
        let (tag, decoder, _) = descriptor(stream.get(at..)?)?;
        if tag != 4 {
            return None;
        }
        let specific = descriptor(decoder.get(13..).unwrap_or_default());
        Some(Descriptor {
            object_type: *decoder.first()?,
            config: specific.filter(|found| found.0 == 5).map_or(&[], |found| found.1),
        })
    }

    fn codec(&self) -> Option<&'static str> {
        Some(match self.object_type {
            0x20 => "mpeg4",
            0x21 => "h264",
            0x23 => "hevc",
            0x40 | 0x66..=0x68 => "aac",
            0x60..=0x65 => "mpeg2video",
            0x69 | 0x6b => "mp3",
            0x6a => "mpeg1video",
            0x6c => "mjpeg",
            0xa5 => "ac3",
            0xa6 => "eac3",
            0xa9 => "dts",
            0xad => "opus",
            0xb1 => "vp9",
            0xdd => "vorbis",
            0xe0 => "dvd_subtitle",
            _ => return None,
        })
    }
}

/// The tag, body and rest of a descriptor; a body that does not fit is cut.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, mut rest) = bytes.split_first()?;
    let mut length = 0;
    for _ in 0..4 {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let (body, rest) = rest.split_at(length.min(rest.len()));
    Some((tag, body, rest))
}

/// The name of a format.
fn name(format: FourCc) -> Cow<'static, str> {
    let known = match &format {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" | b"dva1" | b"dvav" => "h264",
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "hevc",
        b"av01" | b"dav1" => "av1",
        b"vp09" => "vp9",
        b"vp08" => "vp8",
        b"mp4v" => "mpeg4",
        b"s263" | b"h263" => "h263",
        b"jpeg" | b"mjpa" | b"mjpb" | b"AVDJ" => "mjpeg",
        b"png " => "png",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "prores",
        b"mpg1" => "mpeg1video",
        b"mp2v" | b"mpg2" | b"hdv2" | b"hdv3" | b"mx5p" => "mpeg2video",
        b"SVQ3" => "svq3",
        b"SVQ1" => "svq1",
        b"rle " => "qtrle",
        b"raw " => "rawvideo",
        b"vvc1" | b"vvi1" => "vvc",
        b"mp4a" => "aac",
        b".mp3" => "mp3",
        b"Opus" => "opus",
        b"fLaC" => "flac",
        b"alac" => "alac",
        b"ac-3" => "ac3",
        b"ec-3" => "eac3",
        b"ac-4" => "ac4",
        b"dtsc" | b"dtse" | b"dtsh" | b"dtsl" | b"dtsx" => "dts",
        b"samr" => "amr_nb",
        b"sawb" => "amr_wb",
        b"sowt" => "pcm_s16le",
        b"twos" => "pcm_s16be",
        b"ulaw" => "pcm_mulaw",
        b"alaw" => "pcm_alaw",
        b"lpcm" | b"ipcm" | b"in24" | b"in32" => "pcm",
        b"fpcm" | b"fl32" | b"fl64" => "pcm_float",
        b"ima4" => "adpcm_ima_qt",
        b"mha1" | b"mhm1" | b"mha2" | b"mhm2" => "mpegh_3d_audio",
        b"owma" | b"wma " => "wmav2",
        b"tx3g" | b"text" => "mov_text",
        b"wvtt" => "webvtt",
        b"stpp" | b"sbtt" => "ttml",
        b"c608" => "eia_608",
        _ => {
            let text: String = format
                .iter()
                .filter(|byte| byte.is_ascii_graphic())
                .map(|byte| char::from(*byte))
                .collect();
            return Cow::Owned(if text.is_empty() {
                "unknown".to_owned()
            } else {
                text
            });
        }
    };
    Cow::Borrowed(known)
}
