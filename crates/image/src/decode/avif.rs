//! AVIF: still pictures, and the first frame of sequences.
//!
//! Read are the primary item (a picture or a grid of tiles) with its opacity, or, where the file says first of all to
//! be a sequence (`avis`), the first sample of its first video track. `irot` and `imir` are handed over as an
//! orientation, and the orientation of EXIF is not looked at, as the format asks; `clap` is applied, unless it does
//! not fall on whole pixels of the picture. Overlays and other derived items are unsupported; gain maps are ignored.
//!
//! Colours are those of [`yuv`](super::yuv): by `colr` of type nclx, else by the AV1 sequence header, else BT.601. An
//! ICC profile is handed over. Colours that are multiplied with the opacity (`prem`) are divided by it.
//!
//! Source: AV1 Image File Format 1.1.0.

use std::{borrow::Cow, collections::BTreeMap};

use gristmill_core::{Fault, Limits};

use super::{
    av1::{self, Choice},
    isobmff::{self, Colours, Crop, Cursor, Meta, Track, boxes, find},
    raw::{Layout, Raw},
    wide::Wide,
    yuv::{Coding, Planes},
};
use crate::{ColorMode, Header, ImageFormat, Orientation};

/// Reads what an AVIF file says of itself.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let source = Source::read(bytes, limits)?;
    let mode = match (source.colour.is_gray, source.alpha.is_some()) {
        (true, false) => ColorMode::Gray,
        (true, true) => ColorMode::GrayAlpha,
        (false, false) => ColorMode::Rgb,
        (false, true) => ColorMode::Rgba,
    };
    let (width, height) = source.crop.map_or(source.size, |crop| (crop.width, crop.height));
    Ok(Header {
        format: ImageFormat::Avif,
        width,
        height,
        mode,
        bit_depth: source.colour.bits,
        frames: source.frames,
        orientation: source.orientation,
        icc: source.colours.icc,
        exif: source.exif,
    })
}

/// Decodes the picture at full size.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raw, Fault> {
    let source = Source::read(bytes, limits)?;
    let (planes, stored) = source.colour.decode(limits)?;
    let coding = match source.colours.coding {
        Some(([primaries, transfer, matrix], is_full_range)) => Coding {
            primaries,
            transfer,
            matrix,
            is_full_range,
        },
        None => stored,
    };
    let (width, height) = (planes.width, planes.height);
    let mut raw = Raw {
        width,
        height,
        layout: Layout::Rgb,
        pixels: Vec::new(),
        is_srgb: false,
        wide: Wide::of(coding.primaries, coding.transfer),
        orientation: source.orientation,
        is_truncated: false,
    };
    (raw.layout, raw.pixels) = if source.colour.is_gray {
        (Layout::Gray, planes.luma(coding.is_full_range))
    } else {
        (Layout::Rgb, planes.rgb(coding)?)
    };
    drop(planes);
    if let Some(alpha) = &source.alpha {
        let (planes, coding) = alpha.decode(limits)?;
        if (planes.width, planes.height) != (width, height) {
            return Err(Fault::unsupported("opacity of another size than its picture"));
        }
        add_alpha(
            &mut raw,
            &planes.luma(coding.is_full_range),
            source.is_premultiplied,
        );
    }
    if let Some(part) = source.crop
        && (width, height) == source.size
    {
        crop(&mut raw, part);
    }
    Ok(raw)
}

/// What is to be decoded, and what is said of it.
struct Source<'a> {
    colour: Coded<'a>,
    alpha: Option<Coded<'a>>,
    is_premultiplied: bool,
    size: (u32, u32),
    crop: Option<Crop>,
    orientation: Orientation,
    colours: Colours,
    exif: Option<Vec<u8>>,
    frames: u32,
}

impl<'a> Source<'a> {
    fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        let (mut is_sequence, mut meta, mut moov) = (false, None, None);
        for (kind, body) in boxes(bytes) {
            match &kind {
                b"ftyp" => is_sequence = body.starts_with(b"avis"),
                b"meta" => meta = meta.or(Some(body)),
                b"moov" => moov = moov.or(Some(body)),
                _ => {}
            }
        }
        let tracks = moov.map(|moov| isobmff::tracks(bytes, moov)).unwrap_or_default();
        let track = tracks.iter().find(|track| {
            track.coding == *b"av01" && track.auxiliary_to.is_none() && track.handler != *b"auxv"
        });
        let mut source = match (track, meta) {
            (Some(track), _) if is_sequence => Source::of_track(track, &tracks, bytes, limits)?,
            (_, Some(meta)) => Source::of_meta(&Meta::read(bytes, meta)?, limits)?,
            (Some(track), None) => Source::of_track(track, &tracks, bytes, limits)?,
            (None, None) => return Err(Fault::truncated("AVIF file ends before its picture is described")),
        };
        if let Some(track) = track {
            source.frames = track.sample_count.clamp(1, limits.image_frames);
        }
        source.check(limits)?;
        Ok(source)
    }

    fn of_meta(meta: &Meta<'a>, limits: &Limits) -> Result<Self, Fault> {
        let item = meta.item(meta.primary)?;
        let colour = Coded::of_item(meta, meta.primary)?;
        let size = match (&colour.grid, item.size()) {
            (Some(grid), _) => (grid.width, grid.height),
            (None, Some(size)) => size,
            (None, None) => return Err(Fault::malformed("picture without a size")),
        };
        let mut colours = item.colours(limits);
        if let (Some(tile), None, None) = (colour.first_tile, &colours.icc, colours.coding) {
            colours = meta.item(tile)?.colours(limits);
        }
        // The opacity of a grid may be one of each tile.
        let tiles = meta.targets(*b"dimg", meta.primary);
        let of_tiles = || {
            tiles
                .iter()
                .map(|&tile| meta.alpha(tile))
                .collect::<Option<Vec<_>>>()
        };
        let (alpha, is_premultiplied) = match (meta.alpha(meta.primary), colour.grid) {
            (Some(id), _) => {
                let is_premultiplied = meta.targets(*b"prem", meta.primary).contains(&id);
                (Some(Coded::of_item(meta, id)?), is_premultiplied)
            }
            (None, Some(grid)) => match of_tiles() {
                Some(parts) => {
                    let is_premultiplied = meta.targets(*b"prem", tiles[0]).contains(&parts[0]);
                    (Some(Coded::of_parts(meta, Some(grid), &parts)?), is_premultiplied)
                }
                None => (None, false),
            },
            (None, None) => (None, false),
        };
        Ok(Source {
            alpha,
            is_premultiplied,
            size,
            crop: item.clean_aperture(size.0, size.1),
            orientation: item.orientation(),
            colours,
            exif: meta.exif(meta.primary),
            frames: 1,
            colour,
        })
    }

    fn of_track(
        track: &Track<'a>,
        tracks: &[Track<'a>],
        file: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let mut colours = Colours::default();
        for (kind, body) in boxes(track.description) {
            if kind == *b"colr" {
                colours.add(body, limits);
            }
        }
        let is_alpha = |other: &&Track<'_>| {
            let kind = find(other.description, *b"auxi").and_then(|body| body.get(4..));
            other.coding == *b"av01"
                && other.auxiliary_to == Some(track.id)
                && kind.is_none_or(isobmff::is_alpha_urn)
        };
        let alpha = tracks.iter().find(is_alpha);
        // The EXIF block of a sequence has no reference to a picture, for there is none.
        let exif = track.meta.and_then(|meta| {
            let meta = Meta::read(file, meta).ok()?;
            let (&id, _) = meta.items.iter().find(|(_, item)| item.kind == *b"Exif")?;
            isobmff::exif_of_item(&meta.data(id).ok()?)
        });
        Ok(Source {
            colour: Coded::of_track(track)?,
            alpha: alpha.map(Coded::of_track).transpose()?,
            is_premultiplied: alpha.is_some_and(|alpha| track.premultiplies == Some(alpha.id)),
            size: track.size,
            crop: None,
            orientation: Orientation::UPRIGHT,
            colours,
            exif,
            frames: 1,
        })
    }

    fn check(&self, limits: &Limits) -> Result<(), Fault> {
        let (width, height) = self.size;
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(Fault::malformed("picture without pixels"));
        }
        let allowed = pixels_max(limits);
        if pixels > allowed {
            return Err(Fault::limit(format!(
                "picture of {width} x {height} pixels exceeds {allowed} pixels"
            )));
        }
        Ok(())
    }
}

/// Most pixels of a frame: a pixel takes up to 6 bytes in the decoder, 6 as components and 4 in the end.
fn pixels_max(limits: &Limits) -> u64 {
    limits.image_pixels.min(limits.image_bytes / 16)
}

/// AV1 data of a picture: one part, or the tiles of a grid.
struct Coded<'a> {
    data: Vec<Cow<'a, [u8]>>,
    /// Which data each part is; tiles may share some.
    parts: Vec<usize>,
    choice: Choice,
    grid: Option<Grid>,
    first_tile: Option<u32>,
    bits: u8,
    is_gray: bool,
}

#[derive(Debug, Clone, Copy)]
struct Grid {
    rows: u32,
    columns: u32,
    width: u32,
    height: u32,
}

impl<'a> Coded<'a> {
    fn of_item(meta: &Meta<'a>, id: u32) -> Result<Self, Fault> {
        let item = meta.item(id)?;
        match &item.kind {
            b"av01" => Coded::of_parts(meta, None, &[id]),
            b"grid" => {
                let grid = read_grid(&meta.data(id)?)?;
                Coded::of_parts(meta, Some(grid), meta.targets(*b"dimg", id))
            }
            kind => Err(Fault::unsupported(format!("AVIF item {}", kind.escape_ascii()))),
        }
    }

    fn of_parts(meta: &Meta<'a>, grid: Option<Grid>, ids: &[u32]) -> Result<Self, Fault> {
        let count = grid.map_or(1, |grid| grid.rows as usize * grid.columns as usize);
        let Some(&first_id) = ids.first().filter(|_| ids.len() == count) else {
            return Err(Fault::malformed(format!(
                "grid of {count} tiles has {}",
                ids.len()
            )));
        };
        let first = meta.item(first_id)?;
        let (bits, is_gray) = read_av1c(first.property(*b"av1C"))?;
        let choice = Choice {
            operating_point: first
                .property(*b"a1op")
                .and_then(|body| body.first())
                .map_or(0, |&point| point),
            // 0xffff asks for all layers, of which the last is the best.
            layer: first
                .property(*b"lsel")
                .and_then(|body| Cursor::new(body).u16().ok())
                .filter(|&layer| layer != 0xffff),
        };
        let mut places = BTreeMap::new();
        let (mut data, mut parts, mut bytes) = (Vec::new(), Vec::new(), 0);
        for &id in ids {
            let place = match places.get(&id) {
                Some(&place) => place,
                None => {
                    let item = meta.item(id)?;
                    if item.kind != *b"av01" {
                        return Err(Fault::unsupported("grid of items that are not AV1"));
                    }
                    data.push(meta.data(id)?);
                    // Tiles may share bytes, but copies of them are no longer than the file.
                    if let Some(Cow::Owned(copy)) = data.last() {
                        bytes += copy.len() as u64;
                    }
                    if bytes > meta.file_bytes() {
                        return Err(Fault::malformed("tiles are longer than their file"));
                    }
                    places.insert(id, data.len() - 1);
                    data.len() - 1
                }
            };
            parts.push(place);
        }
        Ok(Coded {
            first_tile: grid.is_some().then_some(first_id),
            data,
            parts,
            choice,
            grid,
            bits,
            is_gray,
        })
    }

    fn of_track(track: &Track<'a>) -> Result<Self, Fault> {
        let (bits, is_gray) = read_av1c(find(track.description, *b"av1C"))?;
        Ok(Coded {
            data: vec![Cow::Borrowed(track.first_sample)],
            parts: vec![0],
            choice: Choice::default(),
            grid: None,
            first_tile: None,
            bits,
            is_gray,
        })
    }

    fn decode(&self, limits: &Limits) -> Result<(Planes, Coding), Fault> {
        let allowed = pixels_max(limits);
        let (first, coding) = av1::decode(&self.data[self.parts[0]], self.choice, allowed)?;
        let Some(grid) = &self.grid else {
            return Ok((first, coding));
        };
        let (width, height) = (first.width, first.height);
        let tile_pixels = u64::from(width) * u64::from(height);
        let all_pixels = tile_pixels.saturating_mul(self.parts.len() as u64);
        let covers = |tile: u32, count: u32, full: u32| u64::from(tile) * u64::from(count) >= u64::from(full);
        if !covers(width, grid.columns, grid.width) || !covers(height, grid.rows, grid.height) {
            return Err(Fault::malformed("grid is larger than its tiles"));
        }
        if all_pixels > allowed.saturating_mul(2) {
            return Err(Fault::limit(format!(
                "tiles of {all_pixels} pixels exceed {}",
                2 * allowed
            )));
        }
        let mut canvas = Planes::new(grid.width, grid.height, first.bits, first.subsampling);
        canvas.put(&first, 0, 0)?;
        drop(first);
        for (index, &part) in self.parts.iter().enumerate().skip(1) {
            let (row, column) = (index as u32 / grid.columns, index as u32 % grid.columns);
            let (tile, _) = av1::decode(&self.data[part], self.choice, tile_pixels)?;
            if (tile.width, tile.height) != (width, height) {
                return Err(Fault::malformed("grid with tiles of different sizes"));
            }
            canvas.put(&tile, column * width, row * height)?;
        }
        Ok((canvas, coding))
    }
}

/// Bits of a sample, and whether there is no chroma.
fn read_av1c(body: Option<&[u8]>) -> Result<(u8, bool), Fault> {
    let flags = body
        .and_then(|body| body.get(2))
        .ok_or_else(|| Fault::malformed("AV1 picture without its configuration"))?;
    let bits = match (flags & 0x40 != 0, flags & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Ok((bits, flags & 0x10 != 0))
}

/// The body of a `grid` item.
fn read_grid(data: &[u8]) -> Result<Grid, Fault> {
    let mut cursor = Cursor::new(data);
    cursor.u8()?;
    let field = if cursor.u8()? & 1 == 1 { 4 } else { 2 };
    Ok(Grid {
        rows: u32::from(cursor.u8()?) + 1,
        columns: u32::from(cursor.u8()?) + 1,
        width: cursor.uint(field)? as u32,
        height: cursor.uint(field)? as u32,
    })
}

/// Adds an opacity of a byte a pixel.
fn add_alpha(raw: &mut Raw, alpha: &[u8], is_premultiplied: bool) {
    let count = raw.layout.count();
    let mut pixels = Vec::with_capacity(alpha.len() * (count + 1));
    for (pixel, &alpha) in raw.pixels.chunks_exact(count).zip(alpha) {
        for &value in pixel {
            let (value, opacity) = (u32::from(value), u32::from(alpha));
            pixels.push(match opacity {
                1..255 if is_premultiplied => ((value * 255 + opacity / 2) / opacity).min(255) as u8,
                _ => value as u8,
            });
        }
        pixels.push(alpha);
    }
    raw.pixels = pixels;
    raw.layout = if count == 1 {
        Layout::GrayAlpha
    } else {
        Layout::Rgba
    };
}

/// Keeps a part that lies inside.
fn crop(raw: &mut Raw, part: Crop) {
    let pixel = raw.layout.count();
    let row = raw.width as usize * pixel;
    let (left, length) = (part.left as usize * pixel, part.width as usize * pixel);
    raw.pixels = raw
        .pixels
        .chunks_exact(row)
        .skip(part.top as usize)
        .take(part.height as usize)
        .flat_map(|row| &row[left..left + length])
        .copied()
        .collect();
    (raw.width, raw.height) = (part.width, part.height);
}
