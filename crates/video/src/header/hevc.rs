//! Headers of HEVC: parameter sets, and the order of pictures.
//!
//! Source: ITU-T H.265, sections 7.3.2, 7.3.6, 8.3.1 and annex E.

use super::{
    bits::{Bits, unescaped},
    color::Coding,
    h264::read_aspect,
};

/// Longest header of a slice that is looked at.
const SLICE_BYTES: usize = 64;

/// The type of a unit.
pub(crate) fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |byte| byte >> 1 & 63)
}

/// The layer of a unit; 0 is the one that is shown.
pub(crate) fn layer(unit: &[u8]) -> u8 {
    match unit {
        [first, second, ..] => (first & 1) << 5 | second >> 3,
        _ => 0,
    }
}

pub(crate) const VIDEO: u8 = 32;
pub(crate) const SEQUENCE: u8 = 33;
pub(crate) const PICTURE: u8 = 34;
pub(crate) const DELIMITER: u8 = 35;
pub(crate) const PREFIX_SEI: u8 = 39;

/// Whether pictures may be decoded from a unit of this type on.
pub(crate) fn is_random_access(kind: u8) -> bool {
    (16..=23).contains(&kind)
}

/// Whether it is a slice.
pub(crate) fn is_slice(kind: u8) -> bool {
    kind <= 9 || (16..=21).contains(&kind)
}

/// What a sequence parameter set says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sequence {
    pub(crate) id: u32,
    pub(crate) profile: u8,
    pub(crate) chroma_format: u32,
    pub(crate) bit_depth: u8,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixel_aspect: Option<(u32, u32)>,
    pub(crate) rate: Option<f64>,
    pub(crate) coding: Coding,
    has_separate_planes: bool,
    order_bits: u32,
}

impl Sequence {
    /// Reads a unit of type 33 of layer 0.
    pub(crate) fn read(unit: &[u8]) -> Option<Sequence> {
        let payload = unescaped(unit.get(2..)?, 8192);
        let mut bits = Bits::new(&payload);
        bits.skip(4)?;
        let sub_layers = bits.number(3)?;
        bits.skip(1)?;
        let profile = read_profile(&mut bits, sub_layers)?;
        let id = bits.unsigned()?;
        let chroma_format = bits.unsigned()?;
        let has_separate_planes = chroma_format == 3 && bits.bit()?;
        let (coded_width, coded_height) = (bits.unsigned()?, bits.unsigned()?);
        let mut crop = [0; 4];
        if bits.bit()? {
            for side in &mut crop {
                *side = bits.unsigned()?;
            }
        }
        let (unit_x, unit_y) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let cropped = |size: u32, unit: u32, from: u32, to: u32| {
            let cut = from.checked_add(to)?.checked_mul(unit)?;
            size.checked_sub(cut).filter(|size| *size > 0)
        };
        let bit_depth = bits.unsigned().filter(|more| *more <= 8)? + 8;
        bits.unsigned()?;
        // More than 16 bits are no order count; see clause 7.4.3.2.1.
        let order_bits = bits.unsigned().filter(|more| *more <= 12)? + 4;
        let mut sequence = Sequence {
            id,
            profile,
            chroma_format,
            bit_depth: u8::try_from(bit_depth).ok()?,
            width: cropped(coded_width, unit_x, crop[0], crop[1])?,
            height: cropped(coded_height, unit_y, crop[2], crop[3])?,
            pixel_aspect: None,
            rate: None,
            coding: Coding::default(),
            has_separate_planes,
            order_bits,
        };
        // What stands in it is optional, and so is the rest of a damaged one.
        let _ = sequence.read_rest(&mut bits, sub_layers);
        Some(sequence)
    }

    fn read_rest(&mut self, bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
        let layers = if bits.bit()? { sub_layers + 1 } else { 1 };
        for _ in 0..layers * 3 {
            bits.unsigned()?;
        }
        for _ in 0..6 {
            bits.unsigned()?;
        }
        if bits.bit()? && bits.bit()? {
            skip_scaling_lists(bits)?;
        }
        bits.skip(2)?;
        if bits.bit()? {
            bits.skip(8)?;
            bits.unsigned()?;
            bits.unsigned()?;
            bits.skip(1)?;
        }
        skip_reference_sets(bits)?;
        if bits.bit()? {
            for _ in 0..bits.unsigned()?.min(32) {
                bits.skip(self.order_bits as usize + 1)?;
            }
        }
        bits.skip(2)?;
        if bits.bit()? {
            self.read_usability(bits)?;
        }
        Some(())
    }

    fn read_usability(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        if bits.bit()? {
            self.pixel_aspect = read_aspect(bits)?;
        }
        if bits.bit()? {
            bits.bit()?;
        }
        if bits.bit()? {
            self.coding = Coding::read_signal(bits)?;
        }
        if bits.bit()? {
            bits.unsigned()?;
            bits.unsigned()?;
        }
        bits.skip(3)?;
        if bits.bit()? {
            for _ in 0..4 {
                bits.unsigned()?;
            }
        }
        if bits.bit()? {
            let (units, scale) = (bits.number(32)?, bits.number(32)?);
            self.rate = (units > 0 && scale > 0).then(|| f64::from(scale) / f64::from(units));
        }
        Some(())
    }

    /// The name that FFmpeg has for the profile.
    pub(crate) fn profile_name(&self) -> String {
        let name = match self.profile {
            1 => "Main",
            2 => "Main 10",
            3 => "Main Still Picture",
            4 => "Rext",
            6 => "Multiview Main",
            9 => "Scc",
            other => return other.to_string(),
        };
        name.to_owned()
    }
}

fn read_profile(bits: &mut Bits<'_>, sub_layers: u32) -> Option<u8> {
    bits.skip(3)?;
    let profile = bits.number(5)? as u8;
    let compatible = bits.number(32)?;
    bits.skip(48 + 8)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.bit()?, bits.bit()?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers as usize))?;
    }
    for (has_profile, has_level) in present {
        bits.skip(if has_profile { 88 } else { 0 } + if has_level { 8 } else { 0 })?;
    }
    // Some writers leave it at 0 and set the flags of what the stream is compatible with.
    Some(match profile {
        0 if compatible >> 30 & 1 == 1 => 1,
        0 if compatible >> 29 & 1 == 1 => 2,
        profile => profile,
    })
}

fn skip_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4 {
        let step = if size == 3 { 3 } else { 1 };
        for _ in (0..6).step_by(step) {
            if !bits.bit()? {
                bits.unsigned()?;
                continue;
            }
            if size > 1 {
                bits.signed()?;
            }
            for _ in 0..(1u32 << (4 + 2 * size)).min(64) {
                bits.signed()?;
            }
        }
    }
    Some(())
}

fn skip_reference_sets(bits: &mut Bits<'_>) -> Option<()> {
    let sets = bits.unsigned()?;
    if sets > 64 {
        return None;
    }
    let mut counts: Vec<u32> = Vec::new();
    for index in 0..sets {
        if index > 0 && bits.bit()? {
            bits.bit()?;
            bits.unsigned()?;
            let mut count = 0;
            for _ in 0..=*counts.last()? {
                let is_used = bits.bit()?;
                if is_used || bits.bit()? {
                    count += 1;
                }
            }
            counts.push(count);
        } else {
            let count = bits.unsigned()?.checked_add(bits.unsigned()?)?;
            if count > 64 {
                return None;
            }
            for _ in 0..count {
                bits.unsigned()?;
                bits.bit()?;
            }
            counts.push(count);
        }
    }
    Some(())
}

/// What a picture parameter set says of the headers of slices.
#[derive(Debug, Clone, Copy)]
struct PictureSet {
    id: u32,
    sequence: u32,
    has_output_flag: bool,
    extra_bits: u32,
}

/// What a slice says of its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Whether it is the first of its picture.
    pub(crate) is_first: bool,
    /// Whether pictures may be decoded from here on.
    pub(crate) is_random_access: bool,
    /// Whether order starts anew.
    pub(crate) is_idr: bool,
    /// Whether it cannot be decoded where decoding starts at the random access picture before it.
    pub(crate) is_skipped_leading: bool,
    /// When it is shown among others: less is earlier, from the last IDR picture on.
    pub(crate) order: i64,
}

/// Reads units in turn and tells the order of pictures.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    sequences: Vec<Sequence>,
    pictures: Vec<PictureSet>,
    order_before: i64,
}

impl Orders {
    /// Takes a unit; tells of it if it is a slice of the layer that is shown.
    pub(crate) fn take(&mut self, unit: &[u8]) -> Option<Slice> {
        if layer(unit) > 0 || unit.len() < 3 {
            return None;
        }
        match kind(unit) {
            SEQUENCE => {
                let sequence = Sequence::read(unit)?;
                self.sequences.retain(|known| known.id != sequence.id);
                self.sequences.truncate(15);
                self.sequences.push(sequence);
                None
            }
            PICTURE => {
                let payload = unescaped(&unit[2..], SLICE_BYTES);
                let mut bits = Bits::new(&payload);
                let (id, sequence) = (bits.unsigned()?, bits.unsigned()?);
                bits.bit()?;
                let set = PictureSet {
                    id,
                    sequence,
                    has_output_flag: bits.bit()?,
                    extra_bits: bits.number(3)?,
                };
                self.pictures.retain(|known| known.id != id);
                self.pictures.truncate(63);
                self.pictures.push(set);
                None
            }
            kind if is_slice(kind) => self.slice(unit, kind),
            _ => None,
        }
    }

    fn slice(&mut self, unit: &[u8], kind: u8) -> Option<Slice> {
        let payload = unescaped(&unit[2..], SLICE_BYTES);
        let mut bits = Bits::new(&payload);
        let is_first = bits.bit()?;
        let is_random_access = is_random_access(kind);
        let is_idr = matches!(kind, 19 | 20);
        let mut order = 0;
        // Other slices of a picture have an address before; they are of its order.
        if is_first {
            if is_random_access {
                bits.bit()?;
            }
            let picture = bits.unsigned()?;
            let picture = *self.pictures.iter().find(|set| set.id == picture)?;
            let sequence = self.sequences.iter().find(|set| set.id == picture.sequence)?;
            bits.skip(picture.extra_bits as usize)?;
            bits.unsigned()?;
            if picture.has_output_flag {
                bits.bit()?;
            }
            if sequence.has_separate_planes {
                bits.skip(2)?;
            }
            if !is_idr {
                let low = i64::from(bits.number(sequence.order_bits)?);
                let range = 1i64 << sequence.order_bits;
                let before = self.order_before;
                let before_low = before.rem_euclid(range);
                let mut high = before - before_low;
                if low < before_low && before_low - low >= range / 2 {
                    high += range;
                } else if low > before_low && low - before_low > range / 2 {
                    high -= range;
                }
                if (16..=18).contains(&kind) {
                    high = 0;
                }
                order = high + low;
            }
            // Pictures of the lowest sub-layer that others may refer to.
            let is_anchor =
                unit[1] & 7 == 1 && !(6..=9).contains(&kind) && !(kind <= 14 && kind.is_multiple_of(2));
            if is_anchor {
                self.order_before = order;
            }
        }
        Some(Slice {
            is_first,
            is_random_access,
            is_idr: is_idr || (16..=18).contains(&kind),
            is_skipped_leading: matches!(kind, 8 | 9),
            order,
        })
    }
}
