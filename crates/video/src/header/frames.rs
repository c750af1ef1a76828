//! Headers of frames of VP8, VP9, MPEG-4 part 2, H.263 and JPEG: sizes, profiles, and whether a frame is a key frame.
//!
//! Sources: RFC 6386, section 9.1; VP9 bitstream specification, sections 6.2 and 7.2; ISO/IEC
//! 14496-2, section 6.2; ITU-T H.263, section 5.1; ITU-T T.81, annex B.

use super::bits::{Bits, start_code, unescaped};
use super::color::Coding;

/// What a header says of pictures.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bit_depth: u8,
    pub(crate) profile: Option<String>,
    pub(crate) pixel_aspect: Option<(u32, u32)>,
    pub(crate) coding: Coding,
    /// How many samples colours have beside luma.
    pub(crate) subsampling: Subsampling,
}

/// Whether colours have half the samples across, and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subsampling(pub(crate) bool, pub(crate) bool);

impl Default for Subsampling {
    fn default() -> Self {
        Subsampling(true, true)
    }
}

/// The header of a VP8 frame: none of what is not a key frame.
pub(crate) fn vp8(frame: &[u8]) -> Option<Facts> {
    let (head, rest) = frame.split_first_chunk::<3>()?;
    if head[0] & 1 != 0 || rest.get(..3)? != [0x9d, 0x01, 0x2a] {
        return None;
    }
    let side = |at: usize| {
        Some(u32::from(
            u16::from_le_bytes([*rest.get(at)?, *rest.get(at + 1)?]) & 0x3fff,
        ))
    };
    Some(Facts {
        width: side(3)?,
        height: side(5)?,
        bit_depth: 8,
        profile: Some((head[0] >> 1 & 7).to_string()),
        ..Facts::default()
    })
}

/// Whether a VP8 frame is a key frame.
pub(crate) fn vp8_is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 1 == 0)
}

/// The parts of a VP9 frame that is a superframe, else the frame (annex B).
pub(crate) fn vp9_parts(frame: &[u8]) -> Vec<&[u8]> {
    let whole = vec![frame];
    let Some(&last) = frame.last() else {
        return whole;
    };
    if last & 0xe0 != 0xc0 {
        return whole;
    }
    let (count, bytes) = (usize::from(last & 7) + 1, usize::from(last >> 3 & 3) + 1);
    let index = 2 + count * bytes;
    if frame.len() < index || frame[frame.len() - index] != last {
        return whole;
    }
    let sizes = &frame[frame.len() - index + 1..frame.len() - 1];
    let mut rest = &frame[..frame.len() - index];
    let mut parts = Vec::with_capacity(count);
    for size in sizes.chunks_exact(bytes) {
        let size = size
            .iter()
            .rev()
            .fold(0, |size, &byte| size << 8 | usize::from(byte));
        let (part, after) = rest.split_at(size.min(rest.len()));
        if !part.is_empty() {
            parts.push(part);
        }
        rest = after;
    }
    parts
}

/// The header of a VP9 frame: none of what is not a key frame.
pub(crate) fn vp9(frame: &[u8]) -> Option<Facts> {
    let mut bits = Bits::new(vp9_parts(frame).first().copied()?);
    let profile = vp9_start(&mut bits)?;
    if bits.bit()? || bits.bit()? {
        return None;
    }
    bits.skip(2)?;
    if bits.number(24)? != 0x49_8342 {
        return None;
    }
    let bit_depth = if profile >= 2 {
        if bits.bit()? { 12 } else { 10 }
    } else {
        8
    };
    let space = bits.number(3)?;
    let mut is_full_range = true;
    let mut subsampling = Subsampling::default();
    if space == 7 {
        subsampling = Subsampling(false, false);
        if profile & 1 == 1 {
            bits.skip(1)?;
        }
    } else {
        is_full_range = bits.bit()?;
        if profile & 1 == 1 {
            subsampling = Subsampling(bits.bit()?, bits.bit()?);
            bits.skip(1)?;
        }
    }
    let (width, height) = (bits.number(16)? + 1, bits.number(16)? + 1);
    Some(Facts {
        width,
        height,
        bit_depth,
        profile: Some(format!("Profile {profile}")),
        pixel_aspect: None,
        coding: Coding {
            matrix: match space {
                1 => 5,
                2 => 1,
                3 => 6,
                4 => 7,
                5 => 9,
                7 => 0,
                _ => 2,
            },
            is_full_range,
        },
        subsampling,
    })
}

fn vp9_start(bits: &mut Bits<'_>) -> Option<u32> {
    if bits.number(2)? != 2 {
        return None;
    }
    let (low, high) = (bits.number(1)?, bits.number(1)?);
    let profile = high << 1 | low;
    if profile == 3 {
        bits.skip(1)?;
    }
    Some(profile)
}

/// Whether a VP9 frame is shown; one that only others are predicted from is not.
pub(crate) fn vp9_is_shown(frame: &[u8]) -> bool {
    let is_shown = |part: &&[u8]| {
        let mut bits = Bits::new(part);
        let start = vp9_start(&mut bits);
        // Shown again; else: key frame or not, shown or not.
        start.is_none() || bits.bit() != Some(false) || bits.skip(1).is_none() || bits.bit() != Some(false)
    };
    vp9_parts(frame).iter().any(is_shown)
}

/// Whether a VP8 frame is shown.
pub(crate) fn vp8_is_shown(frame: &[u8]) -> bool {
    frame.first().is_none_or(|byte| byte & 0x10 != 0)
}

/// Whether a VP9 frame is a key frame.
pub(crate) fn vp9_is_key(frame: &[u8]) -> bool {
    vp9(frame).is_some()
}

/// The size in a header of MPEG-4 part 2, its profile, and the shape of its pixels.
pub(crate) fn mpeg4(stream: &[u8]) -> Option<Facts> {
    let mut facts = Facts {
        bit_depth: 8,
        ..Facts::default()
    };
    let mut at = 0;
    while let Some(found) = start_code(stream, at) {
        at = found + 4;
        let code = *stream.get(found + 3)?;
        let body = stream.get(at..)?;
        if code == 0xb0 {
            facts.profile = match body.first()? {
                0x01..=0x0f => Some("Simple Profile".to_owned()),
                0xf0..=0xf8 => Some("Advanced Simple Profile".to_owned()),
                _ => None,
            };
        }
        if (0x20..=0x2f).contains(&code) {
            let (width, height, pixel_aspect) = mpeg4_layer(body)?;
            return Some(Facts {
                width,
                height,
                pixel_aspect,
                ..facts
            });
        }
    }
    None
}

/// Width, height and the shape of pixels.
type Shape = (u32, u32, Option<(u32, u32)>);

fn mpeg4_layer(body: &[u8]) -> Option<Shape> {
    const ASPECTS: [(u32, u32); 6] = [(0, 0), (1, 1), (12, 11), (10, 11), (16, 11), (40, 33)];
    let mut bits = Bits::new(body);
    bits.skip(9)?;
    let version = if bits.bit()? {
        let version = bits.number(4)?;
        bits.skip(3)?;
        version
    } else {
        1
    };
    let aspect = match bits.number(4)? {
        15 => (bits.number(8)?, bits.number(8)?),
        index => ASPECTS.get(index as usize).copied().unwrap_or_default(),
    };
    if bits.bit()? {
        bits.skip(3)?;
        if bits.bit()? {
            bits.skip(79)?;
        }
    }
    let shape = bits.number(2)?;
    if shape == 3 && version != 1 {
        bits.skip(4)?;
    }
    bits.skip(1)?;
    let resolution = bits.number(16)?;
    bits.skip(1)?;
    if bits.bit()? {
        let width = u32::BITS - resolution.saturating_sub(1).leading_zeros();
        bits.skip(width.max(1) as usize)?;
    }
    if shape != 0 {
        return None;
    }
    bits.skip(1)?;
    let width = bits.number(13)?;
    bits.skip(1)?;
    let height = bits.number(13)?;
    let aspect = (aspect.0 > 0 && aspect.1 > 0).then_some(aspect);
    Some((width, height, aspect))
}

/// Whether a picture of MPEG-4 part 2 is coded within itself.
pub(crate) fn mpeg4_is_key(stream: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = start_code(stream, at) {
        at = found + 4;
        if stream.get(found + 3) == Some(&0xb6) {
            return stream.get(at).is_some_and(|byte| byte >> 6 == 0);
        }
    }
    false
}

/// The header of MPEG-1 or MPEG-2 video: size, pixels and rate; and whether it is MPEG-2.
pub(crate) fn mpeg2(stream: &[u8]) -> Option<(Facts, f64, bool)> {
    const RATES: [f64; 9] = [
        0.0,
        24_000.0 / 1001.0,
        24.0,
        25.0,
        30_000.0 / 1001.0,
        30.0,
        50.0,
        60_000.0 / 1001.0,
        60.0,
    ];
    let mut at = 0;
    let mut found: Option<(Facts, f64)> = None;
    while let Some(code_at) = start_code(stream, at) {
        at = code_at + 4;
        let code = *stream.get(code_at + 3)?;
        let payload = unescaped(stream.get(at..)?, 16);
        let mut bits = Bits::new(&payload);
        match code {
            0xb3 => {
                let facts = Facts {
                    width: bits.number(12)?,
                    height: bits.number(12)?,
                    bit_depth: 8,
                    profile: None,
                    ..Facts::default()
                };
                bits.skip(4)?;
                let rate = RATES.get(bits.number(4)? as usize).copied().unwrap_or(0.0);
                found = Some((facts, rate));
            }
            0xb5 if payload.first().is_some_and(|byte| byte >> 4 == 1) => {
                let (mut facts, rate) = found?;
                bits.skip(5)?;
                facts.profile = Some(
                    match bits.number(3)? {
                        1 => "High",
                        2 => "Spatially Scalable",
                        3 => "SNR Scalable",
                        4 => "Main",
                        5 => "Simple",
                        _ => "4:2:2",
                    }
                    .to_owned(),
                );
                return Some((facts, rate, true));
            }
            0x01..=0xaf => break,
            _ => {}
        }
    }
    found.map(|(facts, rate)| (facts, rate, false))
}

/// Whether a picture of MPEG-1 or MPEG-2 is coded within itself.
pub(crate) fn mpeg2_is_key(stream: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = start_code(stream, at) {
        at = found + 4;
        if stream.get(found + 3) == Some(&0) {
            return stream.get(at + 1).is_some_and(|byte| byte >> 3 & 7 == 1);
        }
    }
    false
}

/// The size of a picture of H.263, also as Sorenson has it in Flash videos.
pub(crate) fn h263(picture: &[u8], is_sorenson: bool) -> Option<(u32, u32)> {
    const SIZES: [(u32, u32); 6] = [
        (0, 0),
        (128, 96),
        (176, 144),
        (352, 288),
        (704, 576),
        (1408, 1152),
    ];
    let mut bits = Bits::new(picture);
    if is_sorenson {
        bits.skip(17 + 5 + 8)?;
        return match bits.number(3)? {
            0 => Some((bits.number(8)?, bits.number(8)?)),
            1 => Some((bits.number(16)?, bits.number(16)?)),
            2 => Some((352, 288)),
            3 => Some((176, 144)),
            4 => Some((128, 96)),
            5 => Some((320, 240)),
            6 => Some((160, 120)),
            _ => None,
        };
    }
    if bits.number(22)? != 0x20 {
        return None;
    }
    bits.skip(8 + 5)?;
    SIZES
        .get(bits.number(3)? as usize)
        .copied()
        .filter(|size| size.0 > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn superframes_are_split() {
        // Two parts of 1 and 2 bytes, sizes of one byte.
        let frame = [7, 8, 9, 0xc1, 1, 2, 0xc1];
        assert_eq!(vp9_parts(&frame), [[7].as_slice(), &[8, 9]]);
        assert_eq!(vp9_parts(&[0xc1]), [[0xc1].as_slice()]);
    }
}
