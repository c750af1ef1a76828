//! Boxes of ISO base media files, as HEIF and AVIF use them: items of a `meta` box and the first sample of tracks.
//!
//! Sources: ISO/IEC 14496-12, 23008-12. Counts are bounded before they are believed, and an item is never longer than
//! the file, so that a small file cannot ask for much memory by naming the same bytes again and again.

use std::{borrow::Cow, collections::BTreeMap};

use gristmill_core::{Fault, Limits};

use crate::Orientation;

/// The type of a box, item, property or reference.
pub(crate) type FourCc = [u8; 4];

/// Most items, and most properties, extents, associations and references of all items together.
const ENTRIES_MAX: usize = 1 << 17;

/// Reads numbers, most significant byte first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| Fault::truncated("box ends inside a field"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A number of 0 to 8 bytes; no bytes read as 0.
    pub(crate) fn uint(&mut self, bytes: usize) -> Result<u64, Fault> {
        Ok(self
            .take(bytes)?
            .iter()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Fault> {
        Ok(self.uint(1)? as u8)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Fault> {
        Ok(self.uint(2)? as u16)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(self.uint(4)? as u32)
    }

    pub(crate) fn four_cc(&mut self) -> Result<FourCc, Fault> {
        Ok(self.u32()?.to_be_bytes())
    }

    /// Version and flags of a full box.
    pub(crate) fn full(&mut self) -> Result<(u8, u32), Fault> {
        let word = self.u32()?;
        Ok(((word >> 24) as u8, word & 0x00ff_ffff))
    }

    fn id(&mut self, is_long: bool) -> Result<u32, Fault> {
        Ok(self.uint(if is_long { 4 } else { 2 })? as u32)
    }
}

/// The boxes that follow each other in `bytes`.
///
/// A box that says to be longer than what is left ends there: files are cut, and the box that is cut is mostly `mdat`.
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = (FourCc, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let mut cursor = Cursor::new(rest);
        let size = cursor.u32().ok()?;
        let kind = cursor.four_cc().ok()?;
        let size = match size {
            0 => rest.len() as u64,
            1 => cursor.uint(8).ok()?,
            size => u64::from(size),
        };
        let head = rest.len() - cursor.rest.len();
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        let body = rest.get(head..end)?;
        rest = &rest[end..];
        Some((kind, body))
    })
}

/// The body of the first box of a kind.
pub(crate) fn find(bytes: &[u8], wanted: FourCc) -> Option<&[u8]> {
    boxes(bytes)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, body)| body)
}

/// An item: a picture, a tile of one, its opacity, its EXIF block.
#[derive(Debug, Default)]
pub(crate) struct Item<'a> {
    /// What it is, such as `av01`, `hvc1`, `grid`, `Exif`.
    pub(crate) kind: FourCc,
    /// Its properties in the order of association.
    pub(crate) properties: Vec<(FourCc, &'a [u8])>,
    is_in_idat: bool,
    is_readable: bool,
    extents: Vec<(u64, u64)>,
}

impl<'a> Item<'a> {
    /// The body of its first property of a kind.
    pub(crate) fn property(&self, wanted: FourCc) -> Option<&'a [u8]> {
        self.properties
            .iter()
            .find(|(kind, _)| *kind == wanted)
            .map(|(_, body)| *body)
    }

    /// Width and height by `ispe`.
    pub(crate) fn size(&self) -> Option<(u32, u32)> {
        let mut cursor = Cursor::new(self.property(*b"ispe")?);
        cursor.full().ok()?;
        Some((cursor.u32().ok()?, cursor.u32().ok()?))
    }

    /// Its ICC profile, and how its samples mean colours: code points of H.273 and whether the range is full.
    pub(crate) fn colours(&self, limits: &Limits) -> Colours {
        let mut colours = Colours::default();
        for (kind, body) in &self.properties {
            if kind == b"colr" {
                colours.add(body, limits);
            }
        }
        colours
    }

    /// How it is to be turned: its `irot` and `imir` properties in their order.
    ///
    /// Any row of them is a turn of some quarters to the left and then perhaps a mirroring of left and right.
    pub(crate) fn orientation(&self) -> Orientation {
        let (mut quarters, mut is_mirrored) = (0, false);
        for (kind, body) in &self.properties {
            let value = body.first().copied().unwrap_or(0);
            match kind {
                b"irot" if is_mirrored => quarters += 4 - (value & 3),
                b"irot" => quarters += value & 3,
                b"imir" => {
                    is_mirrored = !is_mirrored;
                    // Top and bottom change places: a half turn and a mirroring of left and right.
                    quarters += if value & 1 == 0 { 2 } else { 0 };
                }
                _ => {}
            }
        }
        let exif = match (quarters & 3, is_mirrored) {
            (0, false) => 1,
            (1, false) => 8,
            (2, false) => 3,
            (_, false) => 6,
            (0, true) => 2,
            (1, true) => 7,
            (2, true) => 4,
            (_, true) => 5,
        };
        Orientation::of_exif(exif)
    }

    /// What its `clap` property leaves of a picture of that size; none where it has no such property, or one that
    /// reaches outside or does not fall on whole pixels.
    pub(crate) fn clean_aperture(&self, width: u32, height: u32) -> Option<Crop> {
        let mut cursor = Cursor::new(self.property(*b"clap")?);
        let mut numbers = [0; 8];
        for number in &mut numbers {
            *number = cursor.u32().ok()?;
        }
        let [width_of, height_of, left_of, top_of] =
            [0, 2, 4, 6].map(|index| (numbers[index], numbers[index + 1]));
        let (left, width) = crop_axis(width, width_of, left_of)?;
        let (top, height) = crop_axis(height, height_of, top_of)?;
        Some(Crop {
            left,
            top,
            width,
            height,
        })
    }

    /// Bytes of all its extents together.
    pub(crate) fn data_bytes(&self) -> u64 {
        self.extents.iter().map(|(_, length)| length).sum()
    }
}

/// A part of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crop {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Start and length of what is left of an axis, from fractions for the length and for how far the middle moves.
fn crop_axis(full: u32, length: (u32, u32), shift: (u32, u32)) -> Option<(u32, u32)> {
    let (shift_by, shift_of) = (i64::from(shift.0 as i32), i64::from(shift.1));
    if length.1 == 0 || shift_of == 0 || !length.0.is_multiple_of(length.1) {
        return None;
    }
    let length = length.0 / length.1;
    let room = i64::from(full) - i64::from(length);
    let twice_start = room.checked_mul(shift_of)?.checked_add(2 * shift_by)?;
    if length == 0 || room < 0 || twice_start < 0 || twice_start % (2 * shift_of) != 0 {
        return None;
    }
    let start = twice_start / (2 * shift_of);
    (start <= room).then_some((start as u32, length))
}

/// What `colr` boxes say.
#[derive(Debug, Default)]
pub(crate) struct Colours {
    /// The ICC profile.
    pub(crate) icc: Option<Vec<u8>>,
    /// Primaries, transfer and matrix of H.273, and whether the range is full.
    pub(crate) coding: Option<([u16; 3], bool)>,
}

impl Colours {
    /// Adds what a `colr` box says; the first of each kind holds. A profile that is too long is left out.
    pub(crate) fn add(&mut self, body: &[u8], limits: &Limits) {
        let Some((kind, rest)) = body.split_first_chunk::<4>() else {
            return;
        };
        match kind {
            b"prof" | b"rICC" if self.icc.is_none() && (1..=limits.icc_bytes).contains(&rest.len()) => {
                self.icc = Some(rest.to_vec());
            }
            b"nclx" if self.coding.is_none() => {
                if let &[a, b, c, d, e, f, range, ..] = rest {
                    let points = [[a, b], [c, d], [e, f]].map(u16::from_be_bytes);
                    self.coding = Some((points, range & 0x80 != 0));
                }
            }
            _ => {}
        }
    }
}

/// A reference from an item to others.
#[derive(Debug)]
struct Reference {
    kind: FourCc,
    from: u32,
    to: Vec<u32>,
}

/// A `meta` box.
#[derive(Debug)]
pub(crate) struct Meta<'a> {
    /// The item to show.
    pub(crate) primary: u32,
    /// Items by their number.
    pub(crate) items: BTreeMap<u32, Item<'a>>,
    file: &'a [u8],
    idat: &'a [u8],
    references: Vec<Reference>,
}

impl<'a> Meta<'a> {
    /// Reads the body of a `meta` box of a file.
    pub(crate) fn read(file: &'a [u8], body: &'a [u8]) -> Result<Self, Fault> {
        let mut cursor = Cursor::new(body);
        cursor.full()?;
        let mut meta = Meta {
            primary: 0,
            items: BTreeMap::new(),
            file,
            idat: &[],
            references: Vec::new(),
        };
        let mut properties = Vec::new();
        let mut associations = Vec::new();
        for (kind, body) in boxes(cursor.rest()) {
            match &kind {
                b"pitm" => meta.primary = read_pitm(body)?,
                b"iinf" => meta.read_iinf(body)?,
                b"iloc" => meta.read_iloc(body)?,
                b"iref" => meta.read_iref(body)?,
                b"idat" => meta.idat = body,
                b"iprp" => {
                    for (kind, body) in boxes(body) {
                        match &kind {
                            b"ipco" => properties.extend(boxes(body).take(ENTRIES_MAX)),
                            b"ipma" => read_ipma(body, &mut associations)?,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        for (item, index) in associations {
            let Some(item) = meta.items.get_mut(&item) else {
                continue;
            };
            // Index 0 means no property.
            if let Some(&property) = usize::from(index)
                .checked_sub(1)
                .and_then(|index| properties.get(index))
            {
                item.properties.push(property);
            }
        }
        Ok(meta)
    }

    /// Bytes of the whole file.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file.len() as u64
    }

    /// An item by its number.
    pub(crate) fn item(&self, id: u32) -> Result<&Item<'a>, Fault> {
        self.items
            .get(&id)
            .filter(|item| item.kind != FourCc::default())
            .ok_or_else(|| Fault::malformed(format!("no item {id}")))
    }

    /// The bytes of an item.
    pub(crate) fn data(&self, id: u32) -> Result<Cow<'a, [u8]>, Fault> {
        let item = self.item(id)?;
        if !item.is_readable {
            return Err(Fault::unsupported(
                "item is placed by another item or another file",
            ));
        }
        let source = if item.is_in_idat { self.idat } else { self.file };
        if item.data_bytes() > source.len() as u64 {
            return Err(Fault::truncated(format!(
                "item of {} bytes exceeds {}",
                item.data_bytes(),
                source.len()
            )));
        }
        let extent = |&(offset, length): &(u64, u64)| {
            // Length 0 means to the end.
            let end = if length == 0 {
                source.len() as u64
            } else {
                offset.saturating_add(length)
            };
            let range = usize::try_from(offset).ok()?..usize::try_from(end).ok()?;
            source.get(range)
        };
        let cut = || Fault::truncated(format!("item ends after byte {}", source.len()));
        match item.extents.as_slice() {
            [] => Err(Fault::malformed("item has no data")),
            [one] => extent(one).map(Cow::Borrowed).ok_or_else(cut),
            many => {
                let mut data = Vec::new();
                for one in many {
                    let part = extent(one).ok_or_else(cut)?;
                    if data.len() + part.len() > source.len() {
                        return Err(Fault::malformed("item is longer than its file"));
                    }
                    data.extend_from_slice(part);
                }
                Ok(Cow::Owned(data))
            }
        }
    }

    /// What an item refers to, in the order of the file: the tiles of a grid by `dimg`.
    pub(crate) fn targets(&self, kind: FourCc, from: u32) -> &[u32] {
        self.references
            .iter()
            .find(|reference| reference.kind == kind && reference.from == from)
            .map_or(&[], |reference| &reference.to)
    }

    /// What refers to an item: its opacity by `auxl`, its EXIF block by `cdsc`.
    pub(crate) fn sources(&self, kind: FourCc, to: u32) -> impl Iterator<Item = u32> {
        self.references
            .iter()
            .filter(move |reference| reference.kind == kind && reference.to.contains(&to))
            .map(|reference| reference.from)
    }

    /// The opacity of an item: an auxiliary item of that kind.
    pub(crate) fn alpha(&self, of: u32) -> Option<u32> {
        self.sources(*b"auxl", of).find(|id| {
            let auxiliary = self.items.get(id).and_then(|item| item.property(*b"auxC"));
            auxiliary.is_some_and(|body| is_alpha_urn(body.get(4..).unwrap_or_default()))
        })
    }

    /// The EXIF block of an item, without what comes before its TIFF header.
    pub(crate) fn exif(&self, of: u32) -> Option<Vec<u8>> {
        let id = self
            .sources(*b"cdsc", of)
            .find(|id| self.items.get(id).is_some_and(|item| item.kind == *b"Exif"))?;
        exif_of_item(&self.data(id).ok()?)
    }

    fn entry(&mut self, id: u32) -> Result<&mut Item<'a>, Fault> {
        if self.items.len() >= ENTRIES_MAX {
            return Err(too_many("items"));
        }
        Ok(self.items.entry(id).or_default())
    }

    fn read_iinf(&mut self, body: &'a [u8]) -> Result<(), Fault> {
        let mut cursor = Cursor::new(body);
        let (version, _) = cursor.full()?;
        cursor.id(version != 0)?;
        for (kind, body) in boxes(cursor.rest()) {
            let mut cursor = Cursor::new(body);
            let (version, _) = cursor.full()?;
            if kind != *b"infe" || version < 2 {
                continue;
            }
            let id = cursor.id(version > 2)?;
            cursor.u16()?;
            self.entry(id)?.kind = cursor.four_cc()?;
        }
        Ok(())
    }

    fn read_iloc(&mut self, body: &'a [u8]) -> Result<(), Fault> {
        let mut cursor = Cursor::new(body);
        let (version, _) = cursor.full()?;
        let sizes = cursor.u16()?;
        let [offset_bytes, length_bytes, base_bytes, index_bytes] =
            [12, 8, 4, 0].map(|shift| usize::from(sizes >> shift & 15));
        if [offset_bytes, length_bytes, base_bytes, index_bytes]
            .iter()
            .any(|bytes| *bytes > 8)
        {
            return Err(Fault::malformed("iloc with fields of more than 8 bytes"));
        }
        let count = cursor.id(version > 1)?;
        let mut extents = 0;
        for _ in 0..count {
            let id = cursor.id(version > 1)?;
            let method = if version > 0 { cursor.u16()? & 15 } else { 0 };
            let is_here = cursor.u16()? == 0;
            let base = cursor.uint(base_bytes)?;
            let item = self.entry(id)?;
            item.is_in_idat = method == 1;
            item.is_readable = method < 2 && is_here;
            item.extents.clear();
            for _ in 0..cursor.u16()? {
                if version > 0 {
                    cursor.uint(index_bytes)?;
                }
                let offset = base.saturating_add(cursor.uint(offset_bytes)?);
                let length = cursor.uint(length_bytes)?.min(u64::from(u32::MAX) << 8);
                item.extents.push((offset, length));
                extents += 1;
                if extents > ENTRIES_MAX {
                    return Err(too_many("extents"));
                }
            }
        }
        Ok(())
    }

    fn read_iref(&mut self, body: &'a [u8]) -> Result<(), Fault> {
        let mut cursor = Cursor::new(body);
        let (version, _) = cursor.full()?;
        let mut entries = 0;
        for (kind, body) in boxes(cursor.rest()) {
            let mut cursor = Cursor::new(body);
            let from = cursor.id(version > 0)?;
            let count = cursor.u16()?;
            entries += usize::from(count) + 1;
            if entries > ENTRIES_MAX {
                return Err(too_many("references"));
            }
            let to = (0..count)
                .map(|_| cursor.id(version > 0))
                .collect::<Result<_, _>>()?;
            self.references.push(Reference { kind, from, to });
        }
        Ok(())
    }
}

fn too_many(what: &str) -> Fault {
    Fault::limit(format!("more than {ENTRIES_MAX} {what}"))
}

fn read_pitm(body: &[u8]) -> Result<u32, Fault> {
    let mut cursor = Cursor::new(body);
    let (version, _) = cursor.full()?;
    cursor.id(version != 0)
}

/// Appends pairs of item and number of property, counted from 1.
fn read_ipma(body: &[u8], associations: &mut Vec<(u32, u16)>) -> Result<(), Fault> {
    let mut cursor = Cursor::new(body);
    let (version, flags) = cursor.full()?;
    for _ in 0..cursor.u32()? {
        let item = cursor.id(version != 0)?;
        for _ in 0..cursor.u8()? {
            // The highest bit says that the property is essential.
            let index = if flags & 1 == 1 {
                cursor.u16()? & 0x7fff
            } else {
                u16::from(cursor.u8()? & 0x7f)
            };
            associations.push((item, index));
            if associations.len() > ENTRIES_MAX {
                return Err(too_many("properties of items"));
            }
        }
    }
    Ok(())
}

/// Whether the zero-ended name of an auxiliary picture means opacity.
pub(crate) fn is_alpha_urn(name: &[u8]) -> bool {
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    name == b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" || name == b"urn:mpeg:hevc:2015:auxid:1"
}

/// An `Exif` item says where its TIFF header begins; some writers leave that out.
pub(crate) fn exif_of_item(data: &[u8]) -> Option<Vec<u8>> {
    let is_tiff = |bytes: &[u8]| bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
    if is_tiff(data) {
        return Some(data.to_vec());
    }
    let (offset, rest) = data.split_first_chunk::<4>()?;
    let tiff = rest.get(u32::from_be_bytes(*offset) as usize..)?;
    is_tiff(tiff).then(|| tiff.to_vec())
}

/// A track, as far as its first sample needs.
#[derive(Debug)]
pub(crate) struct Track<'a> {
    /// Its number.
    pub(crate) id: u32,
    /// What it is: `pict`, `vide`, `auxv`.
    pub(crate) handler: FourCc,
    /// The track that it is auxiliary to.
    pub(crate) auxiliary_to: Option<u32>,
    /// Whether the colours are multiplied with the opacity of this track.
    pub(crate) premultiplies: Option<u32>,
    /// The kind of its samples, such as `av01`.
    pub(crate) coding: FourCc,
    /// Boxes of its sample description.
    pub(crate) description: &'a [u8],
    /// Width and height of its samples.
    pub(crate) size: (u32, u32),
    /// How many samples it has.
    pub(crate) sample_count: u32,
    /// Its first sample.
    pub(crate) first_sample: &'a [u8],
    /// Body of its own `meta` box.
    pub(crate) meta: Option<&'a [u8]>,
}

/// The tracks of a `moov` box that can be read; others are left out.
pub(crate) fn tracks<'a>(file: &'a [u8], moov: &'a [u8]) -> Vec<Track<'a>> {
    boxes(moov)
        .filter(|(kind, _)| kind == b"trak")
        .take(64)
        .filter_map(|(_, body)| read_track(file, body).ok())
        .collect()
}

fn read_track<'a>(file: &'a [u8], trak: &'a [u8]) -> Result<Track<'a>, Fault> {
    let need = |bytes: &'a [u8], kind: FourCc| {
        find(bytes, kind).ok_or_else(|| Fault::malformed(format!("track without {}", kind.escape_ascii())))
    };
    let mut tkhd = Cursor::new(need(trak, *b"tkhd")?);
    let (version, _) = tkhd.full()?;
    tkhd.take(if version == 1 { 16 } else { 8 })?;
    let id = tkhd.u32()?;

    let mdia = need(trak, *b"mdia")?;
    let mut hdlr = Cursor::new(need(mdia, *b"hdlr")?);
    hdlr.take(8)?;
    let handler = hdlr.four_cc()?;
    let stbl = need(need(mdia, *b"minf")?, *b"stbl")?;

    let stsd = need(stbl, *b"stsd")?;
    let (coding, entry) = boxes(stsd.get(8..).unwrap_or_default())
        .next()
        .ok_or_else(|| Fault::malformed("track without sample description"))?;
    let mut visual = Cursor::new(entry);
    visual.take(24)?;
    let size = (u32::from(visual.u16()?), u32::from(visual.u16()?));
    let description = entry.get(78..).unwrap_or_default();

    let mut stsz = Cursor::new(need(stbl, *b"stsz")?);
    stsz.full()?;
    let same_size = stsz.u32()?;
    let sample_count = stsz.u32()?;
    let length = if same_size == 0 { stsz.u32()? } else { same_size };
    let offset = match find(stbl, *b"stco") {
        Some(stco) => Cursor::new(stco.get(8..).unwrap_or_default()).uint(4)?,
        None => Cursor::new(need(stbl, *b"co64")?.get(8..).unwrap_or_default()).uint(8)?,
    };
    let first_sample = usize::try_from(offset)
        .ok()
        .and_then(|start| file.get(start..start.checked_add(length as usize)?))
        .ok_or_else(|| Fault::truncated("first sample lies behind the end"))?;

    let tref = find(trak, *b"tref").unwrap_or_default();
    let target = |kind| find(tref, kind).and_then(|body| Cursor::new(body).u32().ok());
    Ok(Track {
        id,
        handler,
        auxiliary_to: target(*b"auxl"),
        premultiplies: target(*b"prem"),
        coding,
        description,
        size,
        sample_count,
        first_sample,
        meta: find(trak, *b"meta"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_mirrorings_add_up_to_an_orientation() {
        let check = |properties: &[(&FourCc, u8)], exif| {
            let bodies: Vec<[u8; 1]> = properties.iter().map(|(_, value)| [*value]).collect();
            let kinds = properties.iter().map(|(kind, _)| **kind);
            let item = Item {
                properties: kinds.zip(bodies.iter().map(|body| &body[..])).collect(),
                ..Item::default()
            };
            assert_eq!(item.orientation().exif(), exif, "{properties:?}");
        };
        check(&[], 1);
        check(&[(b"irot", 1)], 8);
        check(&[(b"irot", 2)], 3);
        check(&[(b"irot", 3)], 6);
        check(&[(b"imir", 0)], 4);
        check(&[(b"imir", 1)], 2);
        check(&[(b"irot", 1), (b"imir", 1)], 7);
        check(&[(b"imir", 1), (b"irot", 1)], 5);
        check(&[(b"irot", 2), (b"imir", 0)], 2);
    }

    #[test]
    fn a_clean_aperture_is_cut_around_the_middle() {
        assert_eq!(crop_axis(10, (4, 1), (0, 1)), Some((3, 4)));
        assert_eq!(crop_axis(10, (4, 1), (-3_i32 as u32, 1)), Some((0, 4)));
        assert_eq!(crop_axis(9, (4, 1), (1, 2)), Some((3, 4)));
    }

    #[test]
    fn a_clean_aperture_outside_or_between_pixels_is_none() {
        assert_eq!(crop_axis(10, (4, 1), (-4_i32 as u32, 1)), None);
        assert_eq!(crop_axis(10, (11, 1), (0, 1)), None);
        assert_eq!(crop_axis(10, (3, 1), (0, 1)), None);
        assert_eq!(crop_axis(10, (4, 0), (0, 1)), None);
        assert_eq!(crop_axis(10, (4, 1), (0, 0)), None);
    }

    #[test]
    fn a_box_that_is_too_long_ends_with_the_bytes() {
        let bytes = b"\0\0\0\x0cfree\0\0\0\0\0\0\0\xffmdatxy";
        let found: Vec<_> = boxes(bytes).collect();
        assert_eq!(found, [(*b"free", &b"\0\0\0\0"[..]), (*b"mdat", &b"xy"[..])]);
    }

    #[test]
    fn a_box_that_is_shorter_than_its_head_ends_the_row() {
        assert_eq!(boxes(b"\0\0\0\x04freexxxx").count(), 0);
    }

    #[test]
    fn an_item_that_names_the_same_bytes_twice_is_refused() {
        let mut meta = Meta {
            primary: 1,
            items: BTreeMap::new(),
            file: &[7; 100],
            idat: &[],
            references: Vec::new(),
        };
        meta.items.insert(
            1,
            Item {
                kind: *b"av01",
                is_readable: true,
                extents: vec![(0, 90), (0, 90)],
                ..Item::default()
            },
        );
        assert_eq!(
            meta.data(1).unwrap_err().to_string(),
            "truncated: item of 180 bytes exceeds 100"
        );
    }
}
