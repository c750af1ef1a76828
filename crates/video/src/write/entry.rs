//! Sample descriptions of MP4 for tracks of other containers.

use gristmill_core::Fault;

use crate::{
    film::{Kind, Track},
    header::{bits::unescaped, config, frames, h264, hevc},
    read::fields::{array, u16_le, u32_le},
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
        Kind::Audio => sound(track).map(|entry| (entry, Body::Same)),
        Kind::Subtitle | Kind::Data => Err(Fault::unsupported(format!("{} in mp4", track.codec))),
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
            boxed(b"av1C", &[&av1_config(first).ok_or_else(refused)?]),
            Body::Same,
        ),
        "vp9" => {
            let facts = frames::vp9(first).ok_or_else(refused)?;
            let profile = facts
                .profile
                .and_then(|profile| profile.bytes().last())
                .map_or(0, |digit| digit - b'0');
            // Version 1; level unknown; 4:2:0; nothing known of colours.
            let config = [
                1,
                0,
                0,
                0,
                profile,
                0,
                facts.bit_depth << 4 | 1 << 1,
                2,
                2,
                2,
                0,
                0,
            ];
            (b"vp09", boxed(b"vpcC", &[&config]), Body::Same)
        }
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

/// The header of a stream of AV1 from its first sample.
fn av1_config(first: &[u8]) -> Option<Vec<u8>> {
    let facts = frames::av1(first)?;
    let (_, unit) = frames::av1_units(first).find(|(kind, _)| *kind == 1)?;
    let profile = unit.first()? >> 5;
    let is_high = u8::from(facts.bit_depth > 8) << 6 | u8::from(facts.bit_depth > 10) << 5;
    let mut config = vec![0x81, profile << 5 | 8, is_high | 0x0c, 0];
    config.extend_from_slice(&[
        0x0a,
        u8::try_from(unit.len()).ok().filter(|length| *length < 128)?,
    ]);
    config.extend_from_slice(unit);
    Some(config)
}

fn sound(track: &Track) -> Result<Vec<u8>, Fault> {
    let refused = || Fault::unsupported(format!("{} cannot be written as mp4", track.codec));
    let (kind, config) = match track.codec.as_ref() {
        "aac" if !track.config.is_empty() => (b"mp4a", descriptor(0x40, &track.config)),
        "mp3" => (b"mp4a", descriptor(0x6b, &[])),
        "opus" => (
            b"Opus",
            boxed(b"dOps", &[&opus_config(&track.config).ok_or_else(refused)?]),
        ),
        "flac" => {
            let blocks = track.config.strip_prefix(b"fLaC").unwrap_or(&track.config);
            (b"fLaC", boxed(b"dfLa", &[&[0; 4], blocks]))
        }
        _ => return Err(refused()),
    };
    // A rate of 16 bits; what does not fit stands in the header of the codec.
    let rate = u16::try_from(track.audio.rate_hz).unwrap_or(0);
    Ok(boxed(
        kind,
        &[
            &[0, 0, 0, 0, 0, 0, 0, 1],
            &[0; 8],
            &track.audio.channels.max(1).to_be_bytes(),
            &[0, 16, 0, 0, 0, 0],
            &rate.to_be_bytes(),
            &[0, 0],
            &config,
        ],
    ))
}

/// An `esds` box of a codec by its object type.
fn descriptor(object_type: u8, config: &[u8]) -> Vec<u8> {
    let tagged = |tag: u8, body: &[u8]| {
        let length = body.len() as u32;
        let mut out = vec![tag];
        out.extend(
            (0..4)
                .rev()
                .map(|part| (length >> (7 * part) & 0x7f) as u8 | if part > 0 { 0x80 } else { 0 }),
        );
        out.extend_from_slice(body);
        out
    };
    let specific = if config.is_empty() {
        Vec::new()
    } else {
        tagged(5, config)
    };
    let decoder = tagged(
        4,
        &[
            &[object_type, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            specific.as_slice(),
        ]
        .concat(),
    );
    let stream = tagged(3, &[&[0, 0, 0], decoder.as_slice(), &tagged(6, &[2])].concat());
    boxed(b"esds", &[&[0; 4], &stream])
}

/// `dOps` of an Opus header, the numbers of which are turned.
fn opus_config(head: &[u8]) -> Option<Vec<u8>> {
    let head = head.strip_prefix(b"OpusHead")?;
    let mut config = vec![0, *head.get(1)?];
    config.extend_from_slice(&u16_le(head, 2)?.to_be_bytes());
    config.extend_from_slice(&u32_le(head, 4)?.to_be_bytes());
    config.extend_from_slice(&u16_le(head, 8)?.to_be_bytes());
    config.extend_from_slice(head.get(10..)?);
    Some(config)
}

/// The ADTS header of an AAC frame of this many bytes; none for a configuration that has no place in it.
pub(crate) fn adts(config: &[u8], length: usize) -> Option<[u8; 7]> {
    let [first, second] = array(config, 0)?;
    let (object, rate, channels) = (first >> 3, (first & 7) << 1 | second >> 7, second >> 3 & 15);
    let whole = length + 7;
    if !(1..=4).contains(&object) || rate > 12 || channels > 7 || whole > 0x1fff {
        return None;
    }
    Some([
        0xff,
        0xf1,
        (object - 1) << 6 | rate << 2 | channels >> 2,
        (channels & 3) << 6 | (whole >> 11) as u8,
        (whole >> 3) as u8,
        (whole << 5) as u8 | 0x1f,
        0xfc,
    ])
}
