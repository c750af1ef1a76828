//! A page of a TIFF: its fields, and its strips and tiles put together.
//!
//! A strip or tile that is damaged or missing stays 0, and the picture counts as truncated, if at least one is there.

use gristmill_core::{Fault, FaultKind, Limits};

use super::{
    Structure, chunk,
    fax::Fax,
    old_jpeg,
    samples::{Colours, Samples},
};
use crate::{
    ColorMode, Header,
    decode::raw::{Layout, Raw},
};

/// Most strips and tiles of a page.
const CHUNKS: usize = 1 << 18;

/// Bytes that a strip may take beyond twice of what it holds.
const PACKED: usize = 1 << 16;

/// Pixels that the picture of a strip or tile may have beyond those of the strip or tile.
const BEYOND: u64 = 1 << 16;

/// What a page says of its pixels.
#[derive(Debug)]
pub(super) struct Page<'a> {
    structure: Structure<'a>,
    /// Where the directory of the page is.
    directory: usize,
    header: &'a Header,
    compression: u32,
    fax: Option<Fax>,
    /// Whether the first bit of a byte is its lowest. Like libtiff, bytes are turned around before they are unpacked.
    is_reversed: bool,
    /// 2 where neighbours are subtracted, 3 where floats are also split into bytes.
    predictor: u32,
    /// Whether each sample has strips of its own.
    is_planar: bool,
    /// Width and height of strips or tiles, in pixels.
    chunk: (usize, usize),
    offsets: Vec<u64>,
    lengths: Vec<u64>,
    tables: &'a [u8],
    samples: Samples,
    photometric: u32,
}

impl<'a> Page<'a> {
    pub(super) fn read(structure: Structure<'a>, at: usize, header: &'a Header) -> Result<Self, Fault> {
        let number = |tag| structure.number(at, tag);
        let is_tiled = structure.find(at, 324).is_some();
        let (offsets, lengths) = if is_tiled { (324, 325) } else { (273, 279) };
        let (width, height) = (header.width as usize, header.height as usize);
        let chunk = if is_tiled {
            (
                number(322).unwrap_or(0) as usize,
                number(323).unwrap_or(0) as usize,
            )
        } else {
            let rows = number(278).map_or(height, |rows| rows as usize);
            (width, rows.clamp(1, height))
        };
        if chunk.0 == 0 || chunk.1 == 0 {
            return Err(Fault::malformed("tiles without a size"));
        }
        let photometric = number(262).unwrap_or(1);
        let count = number(277).unwrap_or(1) as usize;
        let map = structure.numbers(at, 320, 3 << 16);
        let compression = number(259).unwrap_or(chunk::NONE);
        let fax = Fax::of(compression, number(292).unwrap_or(0));
        Ok(Page {
            structure,
            directory: at,
            header,
            compression,
            fax,
            is_reversed: number(266) == Some(2),
            predictor: number(317).unwrap_or(1),
            is_planar: number(284) == Some(2) && count > 1,
            chunk,
            offsets: structure.numbers(at, offsets, CHUNKS),
            lengths: structure.numbers(at, lengths, CHUNKS),
            tables: structure.bytes_of(at, 347).unwrap_or_default(),
            samples: Samples {
                count,
                bits: number(258).unwrap_or(1) as usize,
                format: number(339).unwrap_or(1),
                is_big_endian: structure.is_big_endian,
                colours: Colours::of(photometric, count, number(338), &map),
            },
            photometric,
        })
    }

    pub(super) fn decode(&self, limits: &Limits) -> Result<Raw, Fault> {
        match self.compression {
            chunk::JPEG if matches!(self.photometric, 1 | 6) && !self.is_planar => {
                return self.pictures(limits);
            }
            chunk::OLD_JPEG if matches!(self.photometric, 1 | 2 | 6) && !self.is_planar => {
                return self.old_pictures(limits);
            }
            chunk::WEBP if !self.is_planar => return self.pictures(limits),
            _ => {}
        }
        self.samples.check()?;
        let is_fax = self.fax.is_some() && self.samples.bits == 1;
        if !chunk::is_known(self.compression) && !is_fax {
            return Err(Fault::unsupported(format!("compression {}", self.compression)));
        }
        let (width, height) = (self.header.width as usize, self.header.height as usize);
        let (planes, samples) = if self.is_planar {
            (self.samples.count, 1)
        } else {
            (1, self.samples.count)
        };
        let row_bytes = |pixels: usize| (pixels * self.samples.bits * samples).div_ceil(8);
        let (across, down) = (width.div_ceil(self.chunk.0), height.div_ceil(self.chunk.1));
        if across > 1 && !(self.chunk.0 * self.samples.bits * samples).is_multiple_of(8) {
            return Err(Fault::unsupported("tiles whose rows do not end with a byte"));
        }
        let plane_bytes = row_bytes(width) * height;
        let chunk_bytes = (row_bytes(self.chunk.0) as u64).saturating_mul(self.chunk.1 as u64);
        let all = (plane_bytes as u64 * planes as u64).saturating_add(chunk_bytes);
        if all > limits.image_bytes {
            return Err(Fault::limit(format!(
                "page of {all} bytes exceeds {}",
                limits.image_bytes
            )));
        }
        let mut canvas = vec![0; plane_bytes * planes];
        let (mut is_truncated, mut is_empty, mut last) = (false, true, None);
        for (plane, canvas) in canvas.chunks_mut(plane_bytes.max(1)).enumerate() {
            for index in 0..across * down {
                if plane * across * down + index >= self.offsets.len() {
                    is_truncated = true;
                    break;
                }
                let (left, top) = (index % across * self.chunk.0, index / across * self.chunk.1);
                // The last strip may be shorter, a tile never is.
                let is_strip = self.chunk.0 == width;
                let rows = if is_strip {
                    self.chunk.1.min(height - top)
                } else {
                    self.chunk.1
                };
                let step = row_bytes(self.chunk.0);
                let unpacked = self
                    .packed(plane * across * down + index, step * rows)
                    .and_then(|packed| self.unpacked(packed, step, rows, limits));
                let (mut unpacked, is_damaged) = match unpacked {
                    Ok(unpacked) => unpacked,
                    Err(fault) if matches!(fault.kind, FaultKind::Malformed | FaultKind::Truncated) => {
                        is_truncated = true;
                        last = Some(fault);
                        continue;
                    }
                    Err(fault) => return Err(fault),
                };
                is_truncated |= is_damaged || unpacked.len() < step * rows.min(height - top);
                is_empty &= unpacked.len() < step;
                for row in unpacked.chunks_mut(step) {
                    self.samples.unpredict(row, self.predictor, samples);
                }
                let (from, length) = (row_bytes(left), step.min(row_bytes(width) - row_bytes(left)));
                let places = canvas.chunks_mut(row_bytes(width)).skip(top);
                for (row, place) in unpacked.chunks(step).zip(places) {
                    let length = length.min(row.len());
                    place[from..from + length].copy_from_slice(&row[..length]);
                }
            }
        }
        if is_empty {
            return Err(last.unwrap_or_else(|| Fault::truncated("no strip or tile is there")));
        }
        let (layout, pixels) = self.samples.pixels(canvas, width, height, self.is_planar);
        Ok(self.raw(layout, pixels, is_truncated))
    }

    /// The bytes of a strip or tile of `rows` rows of `step` bytes, and whether some are known to be damaged.
    fn unpacked(
        &self,
        packed: &[u8],
        step: usize,
        rows: usize,
        limits: &Limits,
    ) -> Result<(Vec<u8>, bool), Fault> {
        let turned: Vec<u8>;
        let packed = if self.is_reversed {
            turned = packed.iter().map(|byte| byte.reverse_bits()).collect();
            &turned
        } else {
            packed
        };
        let Some(fax) = self.fax else {
            let bytes = chunk::unpacked(packed, self.compression, step, rows, limits)?;
            return Ok((bytes, false));
        };
        let pixels = self.chunk.0 * if self.is_planar { 1 } else { self.samples.count };
        let unpacked = fax.unpacked(packed, pixels, rows);
        if unpacked.is_empty {
            return Err(Fault::malformed("strip of fax without a whole row"));
        }
        Ok((unpacked.bytes, unpacked.is_damaged))
    }

    /// The packed bytes of a strip or tile.
    fn packed(&self, index: usize, unpacked: usize) -> Result<&'a [u8], Fault> {
        let offset = self
            .offsets
            .get(index)
            .and_then(|offset| usize::try_from(*offset).ok());
        let rest = offset
            .and_then(|offset| self.structure.bytes.get(offset..))
            .filter(|rest| !rest.is_empty())
            .ok_or_else(|| Fault::truncated("tiff ends before its strips do"))?;
        // Without a length, bytes that are not packed have that of what they hold, others go to the end.
        let length = match self.lengths.get(index) {
            Some(length) if *length > 0 => usize::try_from(*length).unwrap_or(usize::MAX),
            _ if self.compression == chunk::NONE => unpacked,
            _ => rest.len(),
        };
        // Fax makes five times as many bytes of the worst picture, no other packing twice as many. More would be unpacked
        // again and again for many strips.
        let longer = if self.fax.is_some() { 5 } else { 2 };
        let most = unpacked.saturating_mul(longer).saturating_add(PACKED);
        Ok(&rest[..length.min(rest.len()).min(most)])
    }

    /// The page that one JPEG file holds, else what is put together of its strips or tiles.
    fn old_pictures(&self, limits: &Limits) -> Result<Raw, Fault> {
        let whole = old_jpeg::whole(self.structure, self.directory)
            .and_then(|whole| chunk::picture(whole, &[], chunk::JPEG, limits).ok())
            .filter(|raw| {
                !raw.is_truncated && (raw.width, raw.height) == (self.header.width, self.header.height)
            });
        match whole {
            Some(raw) => Ok(self.raw(raw.layout, raw.pixels, false)),
            None => self.pictures(limits),
        }
    }

    /// A strip or tile that is a picture, of `rows` rows.
    fn picture(&self, packed: &[u8], rows: usize, limits: &Limits) -> Result<Raw, Fault> {
        // Each may be as large as it is said to be, and not as large as a page.
        let pixels = (self.chunk.0 as u64).saturating_mul(self.chunk.1 as u64);
        let limits = &Limits {
            image_pixels: limits.image_pixels.min(pixels.saturating_add(BEYOND)),
            ..limits.clone()
        };
        if self.compression != chunk::OLD_JPEG {
            return chunk::picture(packed, self.tables, self.compression, limits);
        }
        if packed.starts_with(b"\xff\xd8") {
            return chunk::picture(packed, &[], chunk::JPEG, limits);
        }
        let head = old_jpeg::head(self.structure, self.directory, self.chunk.0, rows)
            .ok_or_else(|| Fault::unsupported("jpeg without tables"))?;
        chunk::picture(packed, &head, chunk::JPEG, limits)
    }

    /// Puts together strips or tiles that are pictures.
    fn pictures(&self, limits: &Limits) -> Result<Raw, Fault> {
        let (width, height) = (self.header.width as usize, self.header.height as usize);
        let (across, down) = (width.div_ceil(self.chunk.0), height.div_ceil(self.chunk.1));
        let layout = match self.header.mode {
            ColorMode::Gray if self.compression != chunk::WEBP => Layout::Gray,
            ColorMode::Rgba if self.compression == chunk::WEBP => Layout::Rgba,
            _ => Layout::Rgb,
        };
        let count = layout.count();
        let all = width as u64 * height as u64 * count as u64;
        if all > limits.image_bytes {
            return Err(Fault::limit(format!(
                "page of {all} bytes exceeds {}",
                limits.image_bytes
            )));
        }
        let mut pixels = vec![0; width * height * count];
        let (mut is_truncated, mut is_empty, mut last) = (false, true, None);
        is_truncated |= self.offsets.len() < across * down;
        for index in 0..(across * down).min(self.offsets.len()) {
            let (left, top) = (index % across * self.chunk.0, index / across * self.chunk.1);
            let is_strip = self.chunk.0 == width;
            let rows = if is_strip {
                self.chunk.1.min(height - top)
            } else {
                self.chunk.1
            };
            let picture = self
                .packed(index, self.chunk.0.saturating_mul(self.chunk.1).saturating_mul(3))
                .and_then(|packed| self.picture(packed, rows, limits));
            let picture = match picture {
                Ok(picture) if picture.layout == layout => picture,
                Ok(_) => return Err(Fault::unsupported("picture of other colours than its page")),
                Err(fault) if matches!(fault.kind, FaultKind::Malformed | FaultKind::Truncated) => {
                    is_truncated = true;
                    last = Some(fault);
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            is_truncated |= picture.is_truncated;
            is_empty = false;
            let length = (picture.width as usize).min(self.chunk.0).min(width - left) * count;
            let rows = picture
                .pixels
                .chunks(picture.width as usize * count)
                .take(self.chunk.1);
            for (row, place) in rows.zip(pixels.chunks_mut(width * count).skip(top)) {
                place[left * count..left * count + length].copy_from_slice(&row[..length]);
            }
        }
        if is_empty {
            return Err(last.unwrap_or_else(|| Fault::truncated("no strip or tile is there")));
        }
        Ok(self.raw(layout, pixels, is_truncated))
    }

    fn raw(&self, layout: Layout, pixels: Vec<u8>, is_truncated: bool) -> Raw {
        Raw {
            width: self.header.width,
            height: self.header.height,
            layout,
            pixels,
            is_srgb: self.samples.is_srgb(),
            wide: None,
            orientation: self.header.orientation,
            is_truncated,
        }
    }
}
