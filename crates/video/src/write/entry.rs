//! Sample descriptions of MP4 for pictures of other containers.
//!
//! Sources: ISO/IEC 14496-14 and 14496-15; VP codec ISO media file format binding 1.0; AV1 codec ISO media file format binding.

use gristmill_core::Fault;

use super::sound::descriptor;
use crate::{
    film::{Kind, Track},
    header::{
        av1,
        bits::{start_code, unescaped},
        config,
        frames::{self, Facts, Subsampling},
        h264, hevc,
    },
};

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// As they are.
    Same,
    /// Units between start codes get their lengths before them.
    Prefixed,
}

/// A box.
pub(super) fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = 8 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&(length as u32).to_be_bytes());
    out.extend_from_slice(kind);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// The sample description of a track, and how its samples are written. `first` is the first sample.
///
/// # Errors
/// `unsupported` for codecs that have no place in MP4, or whose header cannot be made from the stream.
pub(super) fn of(track: &Track, first: &[u8]) -> Result<(Vec<u8>, Body), Fault> {
    if !track.entry.is_empty() {
        return Ok((track.entry.clone(), Body::Same));
    }
    match track.kind {
        Kind::Video => video(track, first),
        Kind::Audio | Kind::Subtitle | Kind::Data => {
            Err(Fault::unsupported(format!("{} in mp4", track.codec)))
        }
    }
}

fn video(track: &Track, first: &[u8]) -> Result<(Vec<u8>, Body), Fault> {
    let refused = || Fault::unsupported(format!("{} cannot be written as mp4", track.codec));
    let (kind, config, body) = match track.codec.as_ref() {
        "h264" if config::h264_length(&track.config) != config::Framing::StartCodes => {
            (b"avc1", boxed(b"avcC", &[&track.config]), Body::Same)
        }
        "h264" => (
            b"avc1",
            boxed(b"avcC", &[&avc_config(track, first).ok_or_else(refused)?]),
            Body::Prefixed,
        ),
        "hevc" if config::hevc_length(&track.config) != config::Framing::StartCodes => {
            (b"hvc1", boxed(b"hvcC", &[&track.config]), Body::Same)
        }
        "hevc" => (
            b"hvc1",
            boxed(b"hvcC", &[&hevc_config(track, first).ok_or_else(refused)?]),
            Body::Prefixed,
        ),
        "av1" if track.config.len() > 4 => (b"av01", boxed(b"av1C", &[&track.config]), Body::Same),
        "av1" => (
            b"av01",
            boxed(b"av1C", &[&av1::configuration(first).ok_or_else(refused)?]),
            Body::Same,
        ),
        "vp8" => {
            let facts = frames::vp8(first).ok_or_else(refused)?;
            (b"vp08", boxed(b"vpcC", &[&vp_config(&facts, track)]), Body::Same)
        }
        "vp9" => {
            let facts = frames::vp9(first).ok_or_else(refused)?;
            (b"vp09", boxed(b"vpcC", &[&vp_config(&facts, track)]), Body::Same)
        }
        "mpeg4" => {
            let config = mpeg4_config(track, first).ok_or_else(refused)?;
            (b"mp4v", descriptor(0x20, 0x11, &config), Body::Same)
        }
        "mpeg2video" => (b"mp4v", descriptor(0x61, 0x11, &[]), Body::Same),
        "mpeg1video" => (b"mp4v", descriptor(0x6a, 0x11, &[]), Body::Same),
        "mjpeg" => (b"jpeg", Vec::new(), Body::Same),
        _ => return Err(refused()),
    };
    let side = |side: u32| (side.min(u32::from(u16::MAX)) as u16).to_be_bytes();
    let aspect = track.video.pixel_aspect.map_or(Vec::new(), |(across, down)| {
        boxed(b"pasp", &[&across.to_be_bytes(), &down.to_be_bytes()])
    });
    let entry = boxed(
        kind,
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0; 16],
            &side(track.video.width),
            &side(track.video.height),
            // 72 dots an inch, one frame a sample, no name, 24 bits.
            &[0, 0x48, 0, 0, 0, 0x48, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0; 32],
            &[0, 0x18, 0xff, 0xff],
            &config,
            &aspect,
        ],
    );
    Ok((entry, body))
}

/// Sequence and picture parameter sets of a configuration or sample.
fn sets<'a>(track: &'a Track, first: &'a [u8], kinds: &[u8], kind_of: fn(&[u8]) -> u8) -> Vec<&'a [u8]> {
    let units = |bytes: &'a [u8]| config::sample_units(bytes, config::Framing::StartCodes);
    let mut found: Vec<&[u8]> = Vec::new();
    for unit in units(&track.config).chain(units(first)) {
        if kinds.contains(&kind_of(unit)) && !found.contains(&unit) && unit.len() <= usize::from(u16::MAX) {
            found.push(unit);
        }
    }
    found
}

fn avc_config(track: &Track, first: &[u8]) -> Option<Vec<u8>> {
    let sets = sets(track, first, &[h264::SEQUENCE, h264::PICTURE], h264::kind);
    let of = |kind: u8| -> Vec<&[u8]> {
        sets.iter()
            .copied()
            .filter(|unit| h264::kind(unit) == kind)
            .take(31)
            .collect()
    };
    let (sequences, pictures) = (of(h264::SEQUENCE), of(h264::PICTURE));
    let sequence = *sequences.first()?;
    let facts = h264::Sequence::read(sequence)?;
    let mut config = vec![1, *sequence.get(1)?, *sequence.get(2)?, *sequence.get(3)?, 0xff];
    config.push(0xe0 | sequences.len() as u8);
    push_sized(&mut config, &sequences);
    config.push(pictures.len() as u8);
    push_sized(&mut config, &pictures);
    if !matches!(facts.profile, 66 | 77 | 88) {
        let depth = facts.bit_depth.saturating_sub(8);
        config.extend_from_slice(&[0xfc | facts.chroma_format as u8, 0xf8 | depth, 0xf8 | depth, 0]);
    }
    Some(config)
}

fn push_sized(config: &mut Vec<u8>, units: &[&[u8]]) {
    for unit in units {
        config.extend_from_slice(&(unit.len() as u16).to_be_bytes());
        config.extend_from_slice(unit);
    }
}

fn hevc_config(track: &Track, first: &[u8]) -> Option<Vec<u8>> {
    let kinds = [hevc::VIDEO, hevc::SEQUENCE, hevc::PICTURE];
    let sets = sets(track, first, &kinds, hevc::kind);
    let sequence = *sets.iter().find(|unit| hevc::kind(unit) == hevc::SEQUENCE)?;
    let facts = hevc::Sequence::read(sequence)?;
    // Profile, compatibility, constraints and level stand in the same order after the first byte.
    let head = unescaped(sequence.get(2..)?, 16);
    let general = head.get(1..13)?;
    let depth = facts.bit_depth.saturating_sub(8);
    let mut config = vec![1];
    config.extend_from_slice(general);
    config.extend_from_slice(&[
        0xf0,
        0,
        0xfc,
        0xfc | facts.chroma_format as u8,
        0xf8 | depth,
        0xf8 | depth,
        0,
        0,
    ]);
    // One temporal layer, nested; lengths of four bytes.
    config.extend_from_slice(&[0x0f, 3]);
    for kind in kinds {
        let units: Vec<&[u8]> = sets
            .iter()
            .copied()
            .filter(|unit| hevc::kind(unit) == kind)
            .collect();
        config.push(0x80 | kind);
        config.extend_from_slice(&(units.len() as u16).to_be_bytes());
        push_sized(&mut config, &units);
    }
    Some(config)
}

/// `vpcC` of VP8 and VP9, version 1: profile, level, depth, subsampling, range and colours; of those the matrix alone is known.
fn vp_config(facts: &Facts, track: &Track) -> [u8; 12] {
    let profile = facts.profile.as_ref().and_then(|profile| profile.bytes().last());
    let profile = profile.map_or(0, |digit| digit.wrapping_sub(b'0'));
    // VP8 has profiles of decoders, which this is not, and no levels.
    let is_vp8 = track.codec == "vp8";
    let (profile, level) = if is_vp8 {
        (0, 0)
    } else {
        (profile, vp_level(facts, track))
    };
    let chroma = match facts.subsampling {
        Subsampling(true, true) if is_vp8 => 0,
        Subsampling(true, true) => 1,
        Subsampling(true, false) => 2,
        Subsampling(false, false) => 3,
        // 4:4:0 has no number of its own in VP9's binding but this.
        Subsampling(false, true) => 4,
    };
    let is_full_range = u8::from(facts.coding.is_full_range && !is_vp8);
    let matrix = facts.coding.matrix;
    [
        1,
        0,
        0,
        0,
        profile,
        level,
        facts.bit_depth << 4 | chroma << 1 | is_full_range,
        2,
        2,
        matrix,
        0,
        0,
    ]
}

/// The least level of VP9 that has room for the pictures, and as many a second.
fn vp_level(facts: &Facts, track: &Track) -> u8 {
    /// Level, most samples of luma in a second, and in a picture.
    const LEVELS: [(u8, u64, u64); 14] = [
        (10, 829_440, 36_864),
        (11, 2_764_800, 73_728),
        (20, 4_608_000, 122_880),
        (21, 9_216_000, 245_760),
        (30, 20_736_000, 552_960),
        (31, 36_864_000, 983_040),
        (40, 83_558_400, 2_228_224),
        (41, 160_432_128, 2_228_224),
        (50, 311_951_360, 8_912_896),
        (51, 588_251_136, 8_912_896),
        (52, 1_176_502_272, 8_912_896),
        (60, 1_176_502_272, 35_651_584),
        (61, 2_353_004_544, 35_651_584),
        (62, 4_706_009_088, 35_651_584),
    ];
    let picture = u64::from(facts.width) * u64::from(facts.height);
    let seconds = track
        .span()
        .map_or(0.0, |(from, to)| track.tick.seconds(to - from));
    let rate = if seconds > 0.0 {
        track.samples.len() as f64 / seconds
    } else {
        0.0
    };
    let fits = |level: &&(u8, u64, u64)| picture <= level.2 && picture as f64 * rate <= level.1 as f64;
    LEVELS.iter().find(fits).map_or(62, |level| level.0)
}

/// The headers of MPEG-4 part 2: of the container, or what precedes the first picture.
fn mpeg4_config(track: &Track, first: &[u8]) -> Option<Vec<u8>> {
    if frames::mpeg4(&track.config).is_some() {
        return Some(track.config.clone());
    }
    frames::mpeg4(first)?;
    let mut at = 0;
    while let Some(found) = start_code(first, at) {
        // A group of pictures or a picture.
        if matches!(first.get(found + 3), Some(0xb3 | 0xb6)) {
            return Some(first[..found].to_vec());
        }
        at = found + 3;
    }
    None
}
