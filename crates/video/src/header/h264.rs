//! Headers of H.264: parameter sets, and the order of pictures.
//!
//! Source: ITU-T H.264, sections 7.3.2, 7.3.3, 8.2.1 and annexes D and E.

use super::{
    bits::{Bits, unescaped},
    color::Coding,
};

/// Longest header of a slice that is looked at.
const SLICE_BYTES: usize = 64;

/// What a sequence parameter set says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sequence {
    pub(crate) id: u32,
    pub(crate) profile: u8,
    pub(crate) constraints: u8,
    pub(crate) chroma_format: u32,
    pub(crate) bit_depth: u8,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_frames_only: bool,
    pub(crate) pixel_aspect: Option<(u32, u32)>,
    pub(crate) rate: Option<f64>,
    pub(crate) coding: Coding,
    frame_num_bits: u32,
    order_type: u32,
    order_bits: u32,
    has_separate_planes: bool,
}

/// What a picture parameter set says of the headers of slices.
#[derive(Debug, Clone, Copy)]
struct PictureSet {
    id: u32,
    sequence: u32,
    has_bottom_order: bool,
}

/// The type of a unit.
pub(crate) fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |byte| byte & 31)
}

/// Slice of an IDR picture, slice of another one, sequence and picture parameter sets, delimiter.
pub(crate) const IDR: u8 = 5;
pub(crate) const SLICE: u8 = 1;
pub(crate) const SEI: u8 = 6;
pub(crate) const SEQUENCE: u8 = 7;
pub(crate) const PICTURE: u8 = 8;
pub(crate) const DELIMITER: u8 = 9;

impl Sequence {
    /// Reads a unit of type 7.
    pub(crate) fn read(unit: &[u8]) -> Option<Sequence> {
        let payload = unescaped(unit.get(1..)?, 4096);
        let mut bits = Bits::new(&payload);
        let profile = bits.number(8)? as u8;
        let constraints = bits.number(8)? as u8;
        bits.skip(8)?;
        let id = bits.unsigned()?;
        let (mut chroma_format, mut bit_depth, mut has_separate_planes) = (1, 8, false);
        if matches!(
            profile,
            100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
        ) {
            chroma_format = bits.unsigned()?;
            if chroma_format == 3 {
                has_separate_planes = bits.bit()?;
            }
            bit_depth = bits.unsigned().filter(|more| *more <= 6)? + 8;
            bits.unsigned()?;
            bits.bit()?;
            if bits.bit()? {
                let lists = if chroma_format == 3 { 12 } else { 8 };
                for list in 0..lists {
                    if bits.bit()? {
                        skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                    }
                }
            }
        }
        // Neither a frame's number nor an order count has more than 16 bits; see clause 7.4.2.1.1.
        let frame_num_bits = bits.unsigned().filter(|bits| *bits <= 12)? + 4;
        let order_type = bits.unsigned()?;
        let mut order_bits = 0;
        match order_type {
            0 => order_bits = bits.unsigned().filter(|bits| *bits <= 12)? + 4,
            1 => {
                bits.bit()?;
                bits.signed()?;
                bits.signed()?;
                for _ in 0..bits.unsigned()?.min(255) {
                    bits.signed()?;
                }
            }
            _ => {}
        }
        bits.unsigned()?;
        bits.bit()?;
        let width_blocks = bits.unsigned()?.checked_add(1)?;
        let height_units = bits.unsigned()?.checked_add(1)?;
        let is_frames_only = bits.bit()?;
        if !is_frames_only {
            bits.bit()?;
        }
        bits.bit()?;
        let mut crop = [0; 4];
        if bits.bit()? {
            for side in &mut crop {
                *side = bits.unsigned()?;
            }
        }
        let fields = if is_frames_only { 1 } else { 2 };
        let (unit_x, unit_y) = match chroma_format {
            1 if !has_separate_planes => (2, 2),
            2 if !has_separate_planes => (2, 1),
            _ => (1, 1),
        };
        let cropped = |blocks: u32, fields: u32, unit: u32, from: u32, to: u32| {
            let size = blocks.checked_mul(16)?.checked_mul(fields)?;
            let cut = from.checked_add(to)?.checked_mul(unit)?.checked_mul(fields)?;
            size.checked_sub(cut).filter(|size| *size > 0)
        };
        let width = cropped(width_blocks, 1, unit_x, crop[0], crop[1])?;
        let height = cropped(height_units, fields, unit_y, crop[2], crop[3])?;
        let mut sequence = Sequence {
            id,
            profile,
            constraints,
            chroma_format,
            bit_depth: u8::try_from(bit_depth).ok()?,
            width,
            height,
            is_frames_only,
            pixel_aspect: None,
            rate: None,
            coding: Coding::default(),
            frame_num_bits,
            order_type,
            order_bits,
            has_separate_planes,
        };
        // What stands in it is optional, and so is the rest of a damaged one.
        if bits.bit() == Some(true) {
            let _ = sequence.read_usability(&mut bits);
        }
        Some(sequence)
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
        if bits.bit()? {
            let (units, scale) = (bits.number(32)?, bits.number(32)?);
            // A tick is that of a field.
            self.rate = (units > 0 && scale > 0).then(|| f64::from(scale) / f64::from(units) / 2.0);
        }
        Some(())
    }

    /// The name that FFmpeg has for the profile.
    pub(crate) fn profile_name(&self) -> String {
        let is_constrained = self.constraints & 0x40 != 0;
        let is_intra = self.constraints & 0x10 != 0;
        let name = match self.profile {
            66 if is_constrained => "Constrained Baseline",
            66 => "Baseline",
            77 => "Main",
            88 => "Extended",
            100 => "High",
            110 if is_intra => "High 10 Intra",
            110 => "High 10",
            122 if is_intra => "High 4:2:2 Intra",
            122 => "High 4:2:2",
            244 if is_intra => "High 4:4:4 Intra",
            244 => "High 4:4:4 Predictive",
            44 => "CAVLC 4:4:4",
            118 => "Multiview High",
            128 => "Stereo High",
            other => return other.to_string(),
        };
        name.to_owned()
    }
}

/// Width and height of a pixel (table E-1 and HEVC's, which is the same).
pub(crate) fn read_aspect(bits: &mut Bits<'_>) -> Option<Option<(u32, u32)>> {
    const ASPECTS: [(u32, u32); 17] = [
        (0, 0),
        (1, 1),
        (12, 11),
        (10, 11),
        (16, 11),
        (40, 33),
        (24, 11),
        (20, 11),
        (32, 11),
        (80, 33),
        (18, 11),
        (15, 11),
        (64, 33),
        (160, 99),
        (4, 3),
        (3, 2),
        (2, 1),
    ];
    let aspect = match bits.number(8)? {
        255 => (bits.number(16)?, bits.number(16)?),
        index => ASPECTS.get(index as usize).copied().unwrap_or_default(),
    };
    Some((aspect.0 > 0 && aspect.1 > 0).then_some(aspect))
}

fn skip_scaling_list(bits: &mut Bits<'_>, length: usize) -> Option<()> {
    let (mut last, mut next) = (8_i32, 8);
    for _ in 0..length {
        if next != 0 {
            next = last.wrapping_add(bits.signed()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// What a unit says of the picture that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Whether it is the first of its picture.
    pub(crate) is_first: bool,
    pub(crate) is_idr: bool,
    /// Whether it is a second field of a picture that is coded as two.
    pub(crate) is_bottom_field: bool,
    pub(crate) is_field: bool,
    frame_num: u32,
    is_reference: bool,
    /// Whether all of it is coded within itself.
    pub(crate) is_intra: bool,
    /// When it is shown among others: less is earlier, from the last IDR picture on.
    pub(crate) order: i64,
}

/// Reads units in turn and tells the order of pictures.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    sequences: Vec<Sequence>,
    pictures: Vec<PictureSet>,
    before: Before,
}

/// What the order of a picture is derived from.
#[derive(Debug, Default, Clone, Copy)]
struct Before {
    order_high: i64,
    order_low: i64,
    frame_num: u32,
    frame_num_offset: i64,
}

impl Orders {
    /// Takes a unit; tells of it if it is a slice.
    pub(crate) fn take(&mut self, unit: &[u8]) -> Option<Slice> {
        match kind(unit) {
            SEQUENCE => {
                let sequence = Sequence::read(unit)?;
                self.sequences.retain(|known| known.id != sequence.id);
                self.sequences.truncate(31);
                self.sequences.push(sequence);
                None
            }
            PICTURE => {
                let payload = unescaped(&unit[1..], SLICE_BYTES);
                let mut bits = Bits::new(&payload);
                let (id, sequence) = (bits.unsigned()?, bits.unsigned()?);
                bits.bit()?;
                let set = PictureSet {
                    id,
                    sequence,
                    has_bottom_order: bits.bit()?,
                };
                self.pictures.retain(|known| known.id != id);
                self.pictures.truncate(255);
                self.pictures.push(set);
                None
            }
            IDR | SLICE => self.slice(unit),
            _ => None,
        }
    }

    fn slice(&mut self, unit: &[u8]) -> Option<Slice> {
        let payload = unescaped(&unit[1..], SLICE_BYTES);
        let mut bits = Bits::new(&payload);
        let is_idr = kind(unit) == IDR;
        let is_reference = unit[0] & 0x60 != 0;
        let is_first = bits.unsigned()? == 0;
        let is_intra = matches!(bits.unsigned()? % 5, 2 | 4);
        let picture = bits.unsigned()?;
        let picture = *self.pictures.iter().find(|set| set.id == picture)?;
        let sequence = self.sequences.iter().find(|set| set.id == picture.sequence)?;
        if sequence.has_separate_planes {
            bits.skip(2)?;
        }
        let frame_num = bits.number(sequence.frame_num_bits)?;
        let (mut is_field, mut is_bottom_field) = (false, false);
        if !sequence.is_frames_only {
            is_field = bits.bit()?;
            if is_field {
                is_bottom_field = bits.bit()?;
            }
        }
        if is_idr {
            bits.unsigned()?;
        }
        let mut before = if is_idr { Before::default() } else { self.before };
        let order = if sequence.order_type == 0 {
            let low = i64::from(bits.number(sequence.order_bits)?);
            let range = 1i64 << sequence.order_bits;
            let high = if low < before.order_low && before.order_low - low >= range / 2 {
                before.order_high + range
            } else if low > before.order_low && low - before.order_low > range / 2 {
                before.order_high - range
            } else {
                before.order_high
            };
            let bottom = if picture.has_bottom_order && !is_field {
                i64::from(bits.signed()?)
            } else {
                0
            };
            if is_reference {
                (before.order_high, before.order_low) = (high, low);
            }
            (high + low) + bottom.min(0)
        } else {
            // Type 2 is the order of decoding, and so is type 1 but for rare cycles of offsets.
            if frame_num < before.frame_num {
                before.frame_num_offset += 1 << sequence.frame_num_bits;
            }
            2 * (before.frame_num_offset + i64::from(frame_num)) - i64::from(!is_reference)
        };
        before.frame_num = frame_num;
        self.before = before;
        Some(Slice {
            is_first,
            is_idr,
            is_bottom_field,
            is_field,
            frame_num,
            is_reference,
            is_intra,
            order,
        })
    }
}

impl Slice {
    /// Whether this slice is the first of a picture that `before` is not of (section 7.4.1.2.4). The second field of a
    /// picture belongs to it.
    pub(crate) fn begins_after(&self, before: &Slice) -> bool {
        let is_second_field = self.is_field
            && before.is_field
            && self.is_bottom_field != before.is_bottom_field
            && self.frame_num == before.frame_num
            && (self.is_idr == before.is_idr || before.is_idr);
        if is_second_field {
            return false;
        }
        self.frame_num != before.frame_num
            || self.is_idr != before.is_idr
            || self.is_reference != before.is_reference
            || self.order != before.order
            || self.is_first
    }
}
