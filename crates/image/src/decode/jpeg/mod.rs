//! JPEG.
//!
//! The ordinary file is decoded by own code around the kernels of libjpeg-turbo-rs, in less time and memory (see
//! [`baseline`]); every other one by that crate.
//!
//! Decoded strictly first. Where that fails because bytes are missing or damaged, it is decoded again leniently, and
//! the picture counts as truncated if at least one block came out. What libjpeg-turbo-rs does not read goes to the
//! `image` crate.
//!
//! Where a smaller scale suffices it is decoded at 1/4 or 1/8 of the size. 1/2 takes as long as the full size.

mod baseline;
mod entropy;
mod rows;

use gristmill_core::{Fault, FaultKind, Limits};
use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder, JpegError, PixelFormat, ScalingFactor};

use super::{
    Scale, by_image, exif,
    raw::{Layout, Raw},
};
use crate::{ColorMode, Header, ImageFormat, Orientation, fields::u16_be};

/// Most scans of a picture: a progressive one of an ordinary encoder has about 10.
const SCANS: usize = 200;

const ICC: &[u8] = b"ICC_PROFILE\0";

/// Reads the segments before the first scan.
pub(super) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let mut exif = None;
    let mut icc = Profile::default();
    let (mut frame, mut frames) = (None, 0);
    for segment in segments(bytes) {
        let (marker, body) = segment?;
        match marker {
            // Every frame header but DHT (c4), JPG (c8) and DAC (cc).
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                frame = Some(body);
                frames += 1;
            }
            0xe1 if exif.is_none() && body.starts_with(b"Exif\0") => exif = exif::block(body),
            0xe2 => {
                if let Some(part) = body.strip_prefix(ICC) {
                    icc.add(part);
                }
            }
            0xda => break,
            _ => {}
        }
    }
    let frame = frame.ok_or_else(|| Fault::truncated("jpeg ends before its frame header"))?;
    if frames > 1 {
        // Decoders do not agree which one is meant.
        return Err(Fault::malformed("jpeg has several frame headers"));
    }
    let (Some(height), Some(width), [depth, ..]) = (u16_be(frame, 1), u16_be(frame, 3), frame) else {
        return Err(Fault::malformed("frame header is too short"));
    };
    let mode = match frame.get(5) {
        Some(1) => ColorMode::Gray,
        Some(2) => ColorMode::GrayAlpha,
        Some(3) => ColorMode::Rgb,
        Some(4) => ColorMode::Cmyk,
        count => {
            return Err(Fault::malformed(format!(
                "frame of {} components",
                count.unwrap_or(&0)
            )));
        }
    };
    Ok(Header {
        format: ImageFormat::Jpeg,
        width: u32::from(width),
        height: u32::from(height),
        mode,
        bit_depth: *depth,
        frames: 1,
        orientation: exif.map_or(Orientation::UPRIGHT, exif::orientation),
        icc: icc.whole(limits),
        exif: exif.map(<[u8]>::to_vec),
    })
}

/// The segments of a JPEG: marker and body. It ends after the start of the first scan.
fn segments(bytes: &[u8]) -> impl Iterator<Item = Result<(u8, &[u8]), Fault>> {
    let mut at = 2;
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        // Bytes between segments are skipped, as every decoder does.
        while at < bytes.len() && !matches!(bytes[at..], [0xff, 1..=0xfe, ..]) {
            at += 1;
        }
        let marker = *bytes.get(at + 1)?;
        at += 2;
        match marker {
            0xd0..=0xd8 | 0x01 => return Some(Ok((marker, &bytes[..0]))),
            0xd9 => return None,
            _ => {}
        }
        let Some(length) = u16_be(bytes, at).map(usize::from) else {
            return Some(Err(Fault::truncated(
                "jpeg ends in a segment before its first scan",
            )));
        };
        let Some(body) = bytes.get(at + 2..at + length.max(2)) else {
            is_over = true;
            return Some(Err(Fault::truncated(
                "jpeg ends in a segment before its first scan",
            )));
        };
        at += length.max(2);
        is_over = marker == 0xda;
        Some(Ok((marker, body)))
    })
}

/// A colour profile in parts.
#[derive(Default)]
struct Profile<'a> {
    /// Number, count and bytes of each.
    parts: Vec<(u8, u8, &'a [u8])>,
}

impl<'a> Profile<'a> {
    fn add(&mut self, part: &'a [u8]) {
        if let [number, count, bytes @ ..] = part
            && self.parts.len() < 255
        {
            self.parts.push((*number, *count, bytes));
        }
    }

    /// The profile, if every part is there once.
    fn whole(mut self, limits: &Limits) -> Option<Vec<u8>> {
        self.parts.sort_by_key(|(number, ..)| *number);
        let count = self.parts.len();
        let is_whole = count > 0
            && (1..).zip(&self.parts).all(|(expected, (number, of, _))| {
                usize::from(*number) == expected && usize::from(*of) == count
            });
        let length: usize = self.parts.iter().map(|(.., bytes)| bytes.len()).sum();
        (is_whole && length <= limits.icc_bytes).then(|| {
            self.parts
                .iter()
                .flat_map(|(.., bytes)| *bytes)
                .copied()
                .collect()
        })
    }
}

/// Decodes a JPEG; see the module for damage.
pub(super) fn decode(bytes: &[u8], header: &Header, scale: Scale, limits: &Limits) -> Result<Raw, Fault> {
    if let Some(raw) = quickly(bytes, header, scale, limits) {
        return Ok(raw);
    }
    let error = match run(bytes, header, scale, limits, false) {
        Ok((raw, _)) => return Ok(raw),
        Err(error) => error,
    };
    let fault = fault_of(&error);
    match fault.kind {
        FaultKind::Limit => Err(fault),
        FaultKind::Unsupported => by_image::decode(bytes, header, limits).map_err(|_| fault),
        _ => damaged(bytes, header, scale, limits).unwrap_or(Err(fault)),
    }
}

/// An ordinary JPEG at full size; none where it is another one, or damaged.
fn quickly(bytes: &[u8], header: &Header, scale: Scale, limits: &Limits) -> Option<Raw> {
    // Bounded as libjpeg-turbo-rs bounds itself, so that the same pictures are refused: pixels and planes.
    let memory = u64::from(header.width) * u64::from(header.height) * 6;
    if header.mode != ColorMode::Rgb || part(header, scale) > 1 || memory > limits.image_bytes {
        return None;
    }
    Some(Raw {
        width: header.width,
        height: header.height,
        layout: Layout::Rgb,
        pixels: baseline::decode(bytes, header.width as usize, header.height as usize)?,
        is_srgb: false,
        wide: None,
        orientation: header.orientation,
        is_truncated: false,
    })
}

/// What can be had of a damaged JPEG; none where every way fails.
fn damaged(bytes: &[u8], header: &Header, scale: Scale, limits: &Limits) -> Option<Result<Raw, Fault>> {
    let marked = |raw: Raw| {
        Ok(Raw {
            is_truncated: true,
            ..raw
        })
    };
    match run(bytes, header, scale, limits, true) {
        Ok((_, true)) => return None,
        Ok((raw, false)) => return Some(marked(raw)),
        Err(_) => {}
    }
    // The damage may be in a segment that does not matter.
    if let Some(bare) = bare(bytes)
        && let Ok((raw, _)) = run(&bare, header, scale, limits, false)
    {
        return Some(Ok(raw));
    }
    // A progressive picture that ends early.
    by_image::decode(bytes, header, limits).ok().map(marked)
}

/// The JPEG without comments and what applications add, but for the colour transform of Adobe; none where its segments
/// cannot be walked.
fn bare(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = b"\xff\xd8".to_vec();
    let mut end = 0;
    for segment in segments(bytes) {
        let (marker, body) = segment.ok()?;
        // Where the body is in `bytes`.
        end = body.as_ptr() as usize - bytes.as_ptr() as usize + body.len();
        if !matches!(marker, 0xd0..=0xd9 | 0xe1..=0xed | 0xef | 0xfe) {
            kept.extend_from_slice(&[0xff, marker]);
            kept.extend_from_slice(&((body.len() + 2) as u16).to_be_bytes());
            kept.extend_from_slice(body);
        }
    }
    kept.extend_from_slice(&bytes[end..]);
    Some(kept)
}

/// The picture, and whether not a block of it came out.
fn run(
    bytes: &[u8],
    header: &Header,
    scale: Scale,
    limits: &Limits,
    is_lenient: bool,
) -> Result<(Raw, bool), JpegError> {
    let bounds = DecodeLimits {
        max_pixels: limits.image_pixels,
        max_scans: SCANS,
        max_memory: Some(limits.image_bytes),
        ..DecodeLimits::default()
    };
    let mut decoder = Decoder::new_with_limits(bytes, bounds)?;
    let (format, layout) = match header.mode {
        ColorMode::Gray => (PixelFormat::Grayscale, Layout::Gray),
        ColorMode::Cmyk => (PixelFormat::Cmyk, Layout::Cmyk),
        _ => (PixelFormat::Rgb, Layout::Rgb),
    };
    decoder.set_output_format(format);
    decoder.set_lenient(is_lenient);
    // Of a progressive picture without its later scans, as libjpeg does.
    decoder.set_block_smoothing(true);
    let part = part(header, scale);
    if part > 1
        && let Ok(factor) = ScalingFactor::try_new(1, part)
    {
        decoder.set_scale(factor);
    }
    let image = decoder.decode_image()?;
    let is_empty = image.warnings.iter().any(|warning| {
        matches!(
            warning,
            DecodeWarning::TruncatedData {
                decoded_mcus: 0,
                total_mcus: 2..
            }
        )
    });
    let mut pixels = image.data;
    if layout == Layout::Cmyk {
        // Stored as light, not as ink: so Adobe does, and everybody after it.
        pixels.iter_mut().for_each(|sample| *sample = 255 - *sample);
    }
    let raw = Raw {
        width: image.width as u32,
        height: image.height as u32,
        layout,
        pixels,
        is_srgb: false,
        wide: None,
        orientation: header.orientation,
        is_truncated: false,
    };
    Ok((raw, is_empty))
}

/// The smallest part of the size that is faster to decode to and gives enough pixels: one eighth, one quarter, or all. What is damaged
/// may come out whole instead.
pub(super) fn part(header: &Header, scale: Scale) -> u32 {
    let is_enough = |part: &u32| scale.allows(header.width.div_ceil(*part), header.height.div_ceil(*part));
    [8, 4].into_iter().find(is_enough).unwrap_or(1)
}

fn fault_of(error: &JpegError) -> Fault {
    match error {
        JpegError::UnexpectedEof => Fault::truncated("jpeg ends before its picture does"),
        JpegError::Unsupported(_) => Fault::unsupported(error.to_string()),
        JpegError::LimitExceeded { .. } | JpegError::AllocationFailed { .. } => {
            Fault::limit(error.to_string())
        }
        _ => Fault::malformed(error.to_string()),
    }
}
