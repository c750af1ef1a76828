//! HEIC: still pictures and grids coded as HEVC, by `heic-decoder`.
//!
//! The primary picture is decoded with its opacity. `irot` and `imir` are handed over as an orientation where the file
//! allows it (else the codec has turned the picture), `clap` is applied, and the orientation of EXIF is not looked at,
//! as the format asks. A file that holds only a sequence gives a picture of it. An ICC profile is handed over; without
//! one, what the file says of primaries and transfer. Chroma is interpolated linearly from
//! where the file says that it lies; a matrix that is not said is that of BT.601.
//!
//! The codec shares its work with the threads of the `rayon` pool that it is called from; its output does not depend on
//! them. Its own bound on pixels is fixed, so sizes, also those of all tiles together, are checked before.

use std::collections::BTreeSet;

use gristmill_core::{Fault, Limits};
use heic_decoder::{ColorInfo, DecodeOptions, DecodedImage, HeifError, ImageInfo, RgbOptions};

use super::{
    isobmff::{self, Colours, Cursor, Meta, boxes},
    raw::{Layout, Raw},
    wide::Wide,
};
use crate::{ColorMode, Header, ImageFormat, Orientation};

/// Reads what a HEIC file says of itself.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let file = File::read(bytes, limits)?;
    let info = file.info;
    let has_alpha = info.alpha_bit_depth.is_some();
    let (width, height) = file.size();
    Ok(Header {
        format: ImageFormat::Heic,
        width,
        height,
        mode: match (info.chroma_format_idc, has_alpha) {
            (0, false) => ColorMode::Gray,
            (0, true) => ColorMode::GrayAlpha,
            (_, false) => ColorMode::Rgb,
            (_, true) => ColorMode::Rgba,
        },
        bit_depth: info.bit_depth_luma.min(16) as u8,
        frames: file.frames,
        orientation: file.orientation,
        icc: file.icc,
        exif: file.exif,
    })
}

/// Decodes the picture at full size.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raw, Fault> {
    let file = File::read(bytes, limits)?;
    let options = DecodeOptions {
        apply_transforms: file.is_turned_by_codec,
    };
    let image = heic_decoder::decode_with(bytes, &options).map_err(|error| fault_of(&error))?;
    let (width, height) = (image.width as u32, image.height as u32);
    let (layout, pixels) = pixels_of(&image).map_err(|error| fault_of(&error))?;
    Ok(Raw {
        width,
        height,
        layout,
        pixels,
        is_srgb: false,
        wide: image
            .color_info
            .and_then(|said| Wide::of(said.color_primaries, said.transfer_characteristics)),
        orientation: file.orientation,
        is_truncated: false,
    })
}

fn pixels_of(image: &DecodedImage) -> Result<(Layout, Vec<u8>), HeifError> {
    let is_gray = image.chroma_format_idc == 0;
    let said = image.color_info.unwrap_or_default();
    let is_said = image.color_info.is_some_and(|said| said.matrix_coefficients != 2);
    let options = RgbOptions {
        color: Some(ColorInfo {
            matrix_coefficients: if is_said { said.matrix_coefficients } else { 6 },
            ..said
        }),
        ..RgbOptions::default()
    };
    if image.alpha.is_none() {
        let pixels = image.to_rgb8_with_options(&options)?.data;
        return Ok(if is_gray {
            (
                Layout::Gray,
                pixels.chunks_exact(3).map(|pixel| pixel[0]).collect(),
            )
        } else {
            (Layout::Rgb, pixels)
        });
    }
    let rgba = image.to_rgba8_with_options(&options)?;
    let mut pixels = rgba.data;
    if rgba.premultiplied {
        for [colours @ .., opacity] in pixels.as_chunks_mut::<4>().0 {
            let opacity = u32::from(*opacity);
            for value in colours {
                let straight = (u32::from(*value) * 255 + opacity / 2).checked_div(opacity);
                *value = straight.map_or(*value, |straight| straight.min(255) as u8);
            }
        }
    }
    Ok(if is_gray {
        let gray = pixels
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|pixel| [pixel[0], pixel[3]]);
        (Layout::GrayAlpha, gray.collect())
    } else {
        (Layout::Rgba, pixels)
    })
}

struct File {
    info: ImageInfo,
    orientation: Orientation,
    is_turned_by_codec: bool,
    icc: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
    frames: u32,
}

impl File {
    fn read(bytes: &[u8], limits: &Limits) -> Result<Self, Fault> {
        let (mut meta, mut moov) = (None, None);
        for (kind, body) in boxes(bytes) {
            match &kind {
                b"meta" => meta = Some(body),
                b"moov" => moov = Some(body),
                _ => {}
            }
        }
        let tracks = moov.map(|moov| isobmff::tracks(bytes, moov)).unwrap_or_default();
        let track = tracks.iter().find(|track| track.auxiliary_to.is_none());
        let frames = track.map_or(1, |track| track.sample_count.clamp(1, limits.image_frames));
        let meta = meta.map(|meta| Meta::read(bytes, meta)).transpose()?;
        if let Some(meta) = &meta {
            check_items(meta, limits)?;
        } else if track.is_none() {
            return Err(Fault::truncated("HEIC file ends before its picture is described"));
        }
        let info = heic_decoder::probe(bytes).map_err(|error| fault_of(&error))?;
        check_size(&info, limits)?;

        let mut file = File {
            info,
            orientation: Orientation::UPRIGHT,
            is_turned_by_codec: true,
            icc: None,
            exif: None,
            frames,
        };
        let Some(meta) = meta else {
            return Ok(file);
        };
        let item = meta.item(meta.primary)?;
        let mut colours = item.colours(limits);
        if let (b"grid", None, Some(tile)) = (
            &item.kind,
            &colours.icc,
            meta.targets(*b"dimg", meta.primary).first(),
        ) {
            colours = meta
                .items
                .get(tile)
                .map_or_else(Colours::default, |tile| tile.colours(limits));
        }
        file.icc = colours.icc;
        file.exif = meta
            .exif(meta.primary)
            .filter(|exif| exif.len() <= limits.header_bytes);
        // A turn of the pixels that are 32 bits in the codec costs more than one in the end.
        if matches!(&item.kind, b"hvc1" | b"grid") && item.property(*b"clap").is_none() {
            file.orientation = item.orientation();
            file.is_turned_by_codec = false;
        }
        Ok(file)
    }

    /// The size of the picture that [`decode`] gives.
    fn size(&self) -> (u32, u32) {
        let info = &self.info;
        let (width, height) = if self.is_turned_by_codec {
            (info.width, info.height)
        } else {
            (info.coded_width, info.coded_height)
        };
        (width as u32, height as u32)
    }
}

/// Samples are 32 bits, and there are two copies of them: tiles and grid, or before and after a turn.
fn check_size(info: &ImageInfo, limits: &Limits) -> Result<(), Fault> {
    let pixels = info.coded_width as u64 * info.coded_height as u64;
    let samples_of_two_pixels = match info.chroma_format_idc {
        0 => 2,
        1 => 3,
        2 => 4,
        _ => 6,
    } + if info.alpha_bit_depth.is_some() { 2 } else { 0 };
    let bytes = pixels.saturating_mul(4 * samples_of_two_pixels + 4);
    if pixels > limits.image_pixels || bytes > limits.image_bytes {
        return Err(Fault::limit(format!(
            "picture of {} x {} pixels and {bytes} bytes exceeds {} pixels or {} bytes",
            info.coded_width, info.coded_height, limits.image_pixels, limits.image_bytes
        )));
    }
    Ok(())
}

/// The codec copies every item that it uses, and decodes every tile before it looks at the size of the grid.
fn check_items(meta: &Meta<'_>, limits: &Limits) -> Result<(), Fault> {
    let alpha = meta.alpha(meta.primary);
    let (mut coded, mut pixels) = (0, 0_u64);
    let mut seen = BTreeSet::new();
    let mut waiting = vec![meta.primary];
    waiting.extend(alpha);
    while let Some(id) = waiting.pop() {
        let Some(item) = meta.items.get(&id) else {
            continue;
        };
        coded += item.data_bytes();
        if let Some(area) = item.property(*b"hvcC").and_then(coded_pixels) {
            pixels = pixels.saturating_add(area);
        }
        // Tiles are counted as often as they are named; what they refer to only once, so that there is no circle.
        if seen.insert(id) {
            waiting.extend_from_slice(meta.targets(*b"dimg", id));
            waiting.extend_from_slice(meta.targets(*b"pred", id));
        }
    }
    if coded > meta.file_bytes() {
        return Err(Fault::malformed("items are longer than their file"));
    }
    // Tiles may reach over the edges of their grid.
    let allowed = limits.image_pixels.min(limits.image_bytes / 8);
    if pixels > allowed {
        return Err(Fault::limit(format!(
            "tiles of {pixels} pixels exceed {allowed} pixels"
        )));
    }
    // The codec looks through all references for each block of metadata.
    let blocks = meta
        .items
        .values()
        .filter(|item| matches!(&item.kind, b"Exif" | b"mime"))
        .count();
    if blocks > 64 {
        return Err(Fault::limit(format!("{blocks} blocks of metadata exceed 64")));
    }
    Ok(())
}

/// Pixels of a picture by the first sequence parameter set of its `hvcC` (ISO/IEC 14496-15, ITU-T H.265 7.3.2.2).
fn coded_pixels(hvcc: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(hvcc.get(22..)?);
    for _ in 0..cursor.u8().ok()? {
        let kind = cursor.u8().ok()? & 0x3f;
        for _ in 0..cursor.u16().ok()? {
            let length = cursor.u16().ok()?;
            let unit = cursor.take(usize::from(length)).ok()?;
            if kind == 33 {
                return pixels_of_parameters(unit.get(2..)?);
            }
        }
    }
    None
}

fn pixels_of_parameters(unit: &[u8]) -> Option<u64> {
    // A 3 after two zeros is not part of the data.
    let (mut data, mut zeros) = (Vec::with_capacity(unit.len()), 0);
    for &byte in unit {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        data.push(byte);
    }
    let mut bits = Bits { data: &data, at: 0 };
    bits.take(4)?;
    let layers = bits.take(3)?;
    bits.take(1)?;
    bits.skip(96);
    let mut skip = 0;
    for _ in 0..layers {
        skip += 88 * bits.take(1)? + 8 * bits.take(1)?;
    }
    if layers > 0 {
        bits.skip(2 * (8 - layers as usize));
    }
    bits.skip(skip as usize);
    bits.exp_golomb()?;
    if bits.exp_golomb()? == 3 {
        bits.take(1)?;
    }
    Some(bits.exp_golomb()? * bits.exp_golomb()?)
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn skip(&mut self, count: usize) {
        self.at += count;
    }

    fn take(&mut self, count: usize) -> Option<u64> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.data.get(self.at / 8)?;
            value = value << 1 | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// A number of at most 32 bits.
    fn exp_golomb(&mut self) -> Option<u64> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }
}

fn fault_of(error: &HeifError) -> Fault {
    let detail = error.to_string().to_lowercase();
    match error {
        HeifError::Truncated { .. } => Fault::truncated(detail),
        HeifError::Unsupported(_) => Fault::unsupported(detail),
        HeifError::LimitExceeded(_) => Fault::limit(detail),
        HeifError::NotHeif(_)
        | HeifError::MalformedBox(_)
        | HeifError::MalformedHevc(_)
        | HeifError::CabacDesync(_) => Fault::malformed(detail),
    }
}
