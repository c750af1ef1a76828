//! A page of a TIFF: its fields, and its strips and tiles put together.
//!
//! A strip or tile that is damaged or missing stays 0, and the picture counts as truncated, if at least one is there.

use gristmill_core::{Fault, FaultKind, Limits};

use super::{
    Structure, chunk,
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

/// What a page says of its pixels.
#[derive(Debug)]
pub(super) struct Page<'a> {
    structure: Structure<'a>,
    header: &'a Header,
    compression: u32,
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
        Ok(Page {
            structure,
            header,
            compression: number(259).unwrap_or(chunk::NONE),
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
                is_reversed: number(266) == Some(2),
                colours: Colours::of(photometric, count, number(338), &map),
            },
            photometric,
        })
    }

    pub(super) fn decode(&self, limits: &Limits) -> Result<Raw, Fault> {
        if self.compression == chunk::JPEG && matches!(self.photometric, 1 | 6) && !self.is_planar {
            return self.pictures(limits);
        }
        self.samples.check()?;
        if !chunk::is_known(self.compression) {
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
                    .and_then(|packed| chunk::unpacked(packed, self.compression, step, rows, limits));
                let mut unpacked = match unpacked {
                    Ok(bytes) => bytes,
                    Err(fault) if matches!(fault.kind, FaultKind::Malformed | FaultKind::Truncated) => {
                        is_truncated = true;
                        last = Some(fault);
                        continue;
                    }
                    Err(fault) => return Err(fault),
                };
                is_truncated |= unpacked.len() < step * rows.min(height - top);
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
        // No packing makes bytes twice as long. More would be unpacked again and again for many strips.
        let most = unpacked.saturating_mul(2).saturating_add(PACKED);
        Ok(&rest[..length.min(rest.len()).min(most)])
    }

    /// Puts together strips or tiles that are JPEGs.
    fn pictures(&self, limits: &Limits) -> Result<Raw, Fault> {
        let (width, height) = (self.header.width as usize, self.header.height as usize);
        let (across, down) = (width.div_ceil(self.chunk.0), height.div_ceil(self.chunk.1));
        let layout = match self.header.mode {
            ColorMode::Gray => Layout::Gray,
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
            let picture = self
                .packed(index, self.chunk.0.saturating_mul(self.chunk.1).saturating_mul(3))
                .and_then(|packed| chunk::picture(packed, self.tables, limits));
            let picture = match picture {
                Ok(picture) if picture.layout == layout => picture,
                Ok(_) => return Err(Fault::unsupported("jpeg of other colours than the page")),
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
            orientation: self.header.orientation,
            is_truncated,
        }
    }
}
