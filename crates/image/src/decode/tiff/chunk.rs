//! Strips and tiles of a TIFF: unpacking one of them.
//!
//! The `image` crate undoes most packings: a strip is handed to it as a file of its own, whose pixels are the bytes.

use std::io::Read;

use gristmill_core::{Fault, Limits};
use image::codecs::tiff::TiffDecoder;

use super::super::{
    Scale,
    by_image::{self, Source},
    jpeg,
    raw::Raw,
    webp,
};
use crate::Orientation;

/// Not packed.
pub(super) const NONE: u32 = 1;
/// JPEG as it was first.
pub(super) const OLD_JPEG: u32 = 6;
/// JPEG, as of Technical Note 2.
pub(super) const JPEG: u32 = 7;
/// WebP, as libtiff writes it.
pub(super) const WEBP: u32 = 50001;
/// Zstandard, as libtiff writes it.
const ZSTD: u32 = 50000;

/// Largest window of Zstandard, as a power of two: what its own command takes.
const WINDOW_LOG_MAX: u32 = 27;

/// Whether bytes that are packed in this way can be unpacked: LZW, Deflate (both numbers), PackBits, Zstandard.
pub(super) fn is_known(compression: u32) -> bool {
    matches!(compression, NONE | 5 | 8 | 32946 | 32773 | ZSTD)
}

/// The `rows` rows of `row_bytes` bytes that `packed` holds. Fewer bytes come out where bytes that are not packed, or
/// packed by Zstandard, end early.
pub(super) fn unpacked(
    packed: &[u8],
    compression: u32,
    row_bytes: usize,
    rows: usize,
    limits: &Limits,
) -> Result<Vec<u8>, Fault> {
    if compression == NONE {
        return Ok(packed[..packed.len().min(row_bytes * rows)].to_vec());
    }
    if compression == ZSTD {
        return unpacked_by_zstd(packed, row_bytes * rows);
    }
    let file = alone(packed, compression, row_bytes, rows)
        .ok_or_else(|| Fault::limit("strip has more bytes than a file may have"))?;
    // The number of pixels was checked for the page, and here it is the number of bytes.
    let bounds = Limits {
        image_pixels: u64::MAX,
        ..limits.clone()
    };
    let raw = by_image::run(
        || TiffDecoder::new(Source::new(&file)),
        Orientation::UPRIGHT,
        &bounds,
    )?;
    Ok(raw.pixels)
}

/// What came out before damage, if anything.
fn unpacked_by_zstd(packed: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
    let failed = |error: std::io::Error| Fault::malformed(format!("strip of Zstandard: {error}"));
    let mut decoder = zstd::Decoder::with_buffer(packed).map_err(failed)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(failed)?;
    let mut bytes = Vec::new();
    match decoder.take(length as u64).read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() => Err(failed(error)),
        _ => Ok(bytes),
    }
}

/// A file of one strip of grey pixels of 8 bits.
fn alone(packed: &[u8], compression: u32, row_bytes: usize, rows: usize) -> Option<Vec<u8>> {
    let (width, height) = (u32::try_from(row_bytes).ok()?, u32::try_from(rows).ok()?);
    let length = u32::try_from(packed.len()).ok()?;
    let entries: [(u16, u32); 9] = [
        (256, width),
        (257, height),
        (258, 8),
        (259, compression),
        (262, 1),
        (273, 8),
        (277, 1),
        (278, height),
        (279, length),
    ];
    let mut file = Vec::with_capacity(packed.len() + 130);
    file.extend_from_slice(b"II*\0");
    file.extend_from_slice(&length.checked_add(8)?.to_le_bytes());
    file.extend_from_slice(packed);
    file.extend_from_slice(&(entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        file.extend_from_slice(&tag.to_le_bytes());
        file.extend_from_slice(&[4, 0, 1, 0, 0, 0]);
        file.extend_from_slice(&value.to_le_bytes());
    }
    file.extend_from_slice(&[0; 4]);
    Some(file)
}

/// The picture of a strip or tile that is a WebP, or a JPEG of which `tables` may hold the tables.
pub(super) fn picture(packed: &[u8], tables: &[u8], compression: u32, limits: &Limits) -> Result<Raw, Fault> {
    if compression == WEBP {
        return webp::decode(packed, limits);
    }
    let mut file = Vec::with_capacity(packed.len() + tables.len());
    match tables.strip_suffix(b"\xff\xd9") {
        Some(tables) if tables.starts_with(b"\xff\xd8") => {
            file.extend_from_slice(tables);
            file.extend_from_slice(packed.strip_prefix(b"\xff\xd8").unwrap_or(packed));
        }
        _ => file.extend_from_slice(packed),
    }
    let header = jpeg::probe(&file, limits)?;
    jpeg::decode(&file, &header, Scale::Full, limits)
}
