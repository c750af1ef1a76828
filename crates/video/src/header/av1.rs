//! Headers of AV1: units, sequence headers, the configuration of decoders.
//!
//! Sources: AV1 bitstream specification, sections 5.3 to 5.9; AV1 codec ISO media file format binding, section 2.3.

use super::{
    bits::Bits,
    color::Coding,
    frames::{Facts, Subsampling},
};

/// The type of a unit that is a sequence header.
const SEQUENCE: u8 = 1;

/// The units of AV1 data with their types; what does not fit is left out.
pub(crate) fn units(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (&head, after) = rest.split_first()?;
        let (kind, has_extension, has_size) = (head >> 3 & 15, head & 4 != 0, head & 2 != 0);
        let mut after = after.get(usize::from(has_extension)..)?;
        let mut size = after.len();
        if has_size {
            let length = after.iter().take(8).position(|byte| byte & 0x80 == 0)? + 1;
            let value = after[..length]
                .iter()
                .rev()
                .fold(0u64, |value, &byte| value << 7 | u64::from(byte & 0x7f));
            size = usize::try_from(value).ok()?;
            after = &after[length..];
        }
        let unit = after.get(..size)?;
        rest = &after[size..];
        Some((kind, unit))
    })
}

/// A sequence header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sequence {
    pub(crate) facts: Facts,
    profile: u8,
    level: u8,
    is_high_tier: bool,
    is_gray: bool,
    chroma_position: u8,
}

impl Sequence {
    /// The sequence header of data; none where it has none.
    pub(crate) fn find(data: &[u8]) -> Option<Sequence> {
        units(data)
            .find(|(kind, _)| *kind == SEQUENCE)
            .and_then(|(_, unit)| Sequence::read(unit))
    }

    fn read(unit: &[u8]) -> Option<Sequence> {
        let mut bits = Bits::new(unit);
        let profile = bits.number(3)? as u8;
        bits.skip(1)?;
        let is_reduced = bits.bit()?;
        let (level, is_high_tier) = if is_reduced {
            (bits.number(5)? as u8, false)
        } else {
            first_level(&mut bits)?
        };
        let (width_bits, height_bits) = (bits.number(4)? + 1, bits.number(4)? + 1);
        let width = bits.number(width_bits)?.checked_add(1)?;
        let height = bits.number(height_bits)?.checked_add(1)?;
        let color = read_color(&mut bits, profile, is_reduced).unwrap_or_default();
        Some(Sequence {
            facts: Facts {
                width,
                height,
                bit_depth: color.bit_depth,
                profile: Some(
                    match profile {
                        0 => "Main",
                        1 => "High",
                        _ => "Professional",
                    }
                    .to_owned(),
                ),
                pixel_aspect: None,
                coding: color.coding,
                subsampling: color.subsampling,
            },
            profile,
            level,
            is_high_tier,
            is_gray: color.is_gray,
            chroma_position: color.position,
        })
    }
}

/// The configuration of a decoder (`av1C`) from data with a sequence header, which becomes part of it.
pub(crate) fn configuration(data: &[u8]) -> Option<Vec<u8>> {
    let (_, unit) = units(data).find(|(kind, _)| *kind == SEQUENCE)?;
    let sequence = Sequence::read(unit)?;
    let Subsampling(across, down) = sequence.facts.subsampling;
    let mut config = vec![
        0x81,
        sequence.profile << 5 | sequence.level,
        u8::from(sequence.is_high_tier) << 7
            | u8::from(sequence.facts.bit_depth > 8) << 6
            | u8::from(sequence.facts.bit_depth > 10) << 5
            | u8::from(sequence.is_gray) << 4
            | u8::from(across) << 3
            | u8::from(down) << 2
            | sequence.chroma_position,
        0,
        // A unit with its size.
        SEQUENCE << 3 | 2,
    ];
    let mut length = unit.len();
    while length > 0x7f {
        config.push(length as u8 | 0x80);
        length >>= 7;
    }
    config.push(length as u8);
    config.extend_from_slice(unit);
    Some(config)
}

/// Level and tier of the first operating point; what stands before and behind it is passed over.
fn first_level(bits: &mut Bits<'_>) -> Option<(u8, bool)> {
    let mut model_bits = None;
    if bits.bit()? {
        bits.skip(64)?;
        if bits.bit()? {
            bits.variable()?;
        }
        if bits.bit()? {
            model_bits = Some(bits.number(5)? as usize + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let has_delay = bits.bit()?;
    let mut first = None;
    for _ in 0..=bits.number(5)? {
        bits.skip(12)?;
        let level = bits.number(5)? as u8;
        let is_high_tier = level > 7 && bits.bit()?;
        first = first.or(Some((level, is_high_tier)));
        if let Some(model_bits) = model_bits
            && bits.bit()?
        {
            bits.skip(2 * model_bits + 1)?;
        }
        if has_delay && bits.bit()? {
            bits.skip(4)?;
        }
    }
    first
}

/// What a header says of samples and colours.
struct Color {
    bit_depth: u8,
    coding: Coding,
    subsampling: Subsampling,
    is_gray: bool,
    position: u8,
}

impl Default for Color {
    fn default() -> Self {
        Color {
            bit_depth: 8,
            coding: Coding::default(),
            subsampling: Subsampling::default(),
            is_gray: false,
            position: 0,
        }
    }
}

fn read_color(bits: &mut Bits<'_>, profile: u8, is_reduced: bool) -> Option<Color> {
    if !is_reduced {
        if bits.bit()? {
            bits.skip(4 + 3)?;
        }
        bits.skip(3)?;
        bits.skip(4)?;
        let has_order = bits.bit()?;
        if has_order {
            bits.skip(2)?;
        }
        let chooses_screen = bits.bit()?;
        let forces_screen = chooses_screen || bits.bit()?;
        if forces_screen && !bits.bit()? {
            bits.skip(1)?;
        }
        if has_order {
            bits.skip(3)?;
        }
    } else {
        bits.skip(3)?;
    }
    bits.skip(3)?;
    let is_high = bits.bit()?;
    let bit_depth = if profile == 2 && is_high {
        if bits.bit()? { 12 } else { 10 }
    } else if is_high {
        10
    } else {
        8
    };
    let is_gray = profile != 1 && bits.bit()?;
    let mut coding = Coding::default();
    let (mut primaries, mut transfer) = (2, 2);
    if bits.bit()? {
        (primaries, transfer, coding.matrix) = (bits.number(8)?, bits.number(8)?, bits.number(8)? as u8);
    }
    let is_rgb = !is_gray && (primaries, transfer, coding.matrix) == (1, 13, 0);
    coding.is_full_range = is_rgb || bits.bit()?;
    let subsampling = match profile {
        _ if is_gray => Subsampling(true, true),
        _ if is_rgb => Subsampling(false, false),
        0 => Subsampling(true, true),
        1 => Subsampling(false, false),
        _ if bit_depth < 12 => Subsampling(true, false),
        _ => {
            let across = bits.bit()?;
            Subsampling(across, across && bits.bit()?)
        }
    };
    let has_position = !is_gray && subsampling == Subsampling(true, true);
    let position = if has_position { bits.number(2)? as u8 } else { 0 };
    Some(Color {
        bit_depth,
        coding,
        subsampling,
        is_gray,
        position,
    })
}

/// Whether a temporal unit of AV1 starts with a key frame that is shown.
pub(crate) fn is_key(data: &[u8]) -> bool {
    let mut has_sequence = false;
    for (kind, unit) in units(data) {
        match kind {
            1 => has_sequence = true,
            // A frame, or its header: not one shown again, of type 0.
            3 | 6 => return unit.first().is_some_and(|byte| byte & 0xe0 == 0) && has_sequence,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_are_cut_are_left_out() {
        let units: Vec<_> = units(&[0x12, 0, 0x32, 2, 1, 2, 0x32, 9, 1]).collect();
        assert_eq!(units, [(2, [].as_slice()), (6, &[1, 2])]);
    }

    #[test]
    fn a_configuration_is_that_of_a_muxer() {
        // 640 x 360 by SVT-AV1, as FFmpeg writes it.
        let config = [
            0x81, 0x01, 0x0c, 0, 0x0a, 0x0b, 0, 0, 0, 0x0c, 0xc4, 0xff, 0x67, 0, 0xbe, 0, 0x10,
        ];
        let sequence = Sequence::find(&config[4..]).unwrap();
        assert_eq!((sequence.facts.width, sequence.facts.height), (640, 360));
        assert_eq!(configuration(&config[4..]).unwrap(), config);
        assert_eq!(configuration(&config[4..9]), None);
    }
}
