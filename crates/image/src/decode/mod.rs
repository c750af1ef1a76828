//! From bytes to pixels, under limits.
//!
//! The *header* of every format is read by own code that allocates nothing but the profile and the EXIF block. The
//! pixels come from a codec: libjpeg-turbo-rs for JPEG, libwebp or image-webp for WebP, jxl for JPEG XL, heic-decoder for
//! HEIC, rusty_av1d for AVIF, own code for QOI, TGA, PFM and the samples of TIFF, the `image` crate for the others. A codec runs with bounds on pixels and memory and behind a
//! panic barrier. Then the picture is scaled down (if asked), brought to sRGB and turned upright, in this order.
//!
//! High dynamic range and wide gamuts without a profile become sRGB as [`wide`] says.
//!
//! Samples of more than 8 bits are cut to their high byte. Samples of floating point are linear light: they are clamped
//! to 0..1 and stored with the curve of sRGB.
//!
//! Where the bytes end early, or are damaged in a way that the codec can pass, the part that came out is kept and the
//! picture is marked: at least one row, or one block of a JPEG. Missing pixels are as the codec leaves them: black,
//! transparent or grey.

mod av1;
mod avif;
mod by_image;
mod color;
mod exif;
mod headers;
mod heic;
mod ico;
mod isobmff;
mod jpeg;
mod jxl;
mod orient;
mod pfm;
mod png;
mod qoi;
mod raw;
#[cfg(test)]
mod real_files;
#[cfg(test)]
mod tests;
mod tga;
mod tiff;
mod webp;
mod wide;
mod yuv;

use std::panic::{AssertUnwindSafe, catch_unwind};

use gristmill_core::{Fault, Limits};

use crate::{
    Header, ImageFormat, Picture,
    format::name_of_other,
    resize::{Grid, fitting, scaled},
};
pub(crate) use color::is_profile_of_srgb;
use raw::{Layout, Raw};
pub(crate) use webp::LIBWEBP;

/// The size that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// As stored.
    Full,
    /// Codecs that can decode at a smaller scale may, as long as the longer side keeps this many pixels.
    LongestAtLeast(u32),
    /// Codecs that can decode at a smaller scale may, as long as the shorter side keeps this many pixels.
    ShortestAtLeast(u32),
    /// A larger picture is scaled down so that its longer side has this many pixels.
    LongestAtMost(u32),
}

impl Scale {
    /// Whether a picture of this size is large enough to be scaled, or to be used, instead of the full one.
    pub(crate) fn allows(self, width: u32, height: u32) -> bool {
        match self {
            Scale::Full => false,
            Scale::LongestAtLeast(side) | Scale::LongestAtMost(side) => width.max(height) >= side,
            Scale::ShortestAtLeast(side) => width.min(height) >= side,
        }
    }
}

/// A decoded image.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// What the image says of itself.
    pub header: Header,
    /// Its first frame in sRGB, upright.
    pub picture: Picture,
    /// Whether a part of the picture is missing, because bytes are missing or damaged.
    pub is_truncated: bool,
    /// Whether a pixel of the frame is not opaque.
    pub has_alpha: bool,
    /// Whether there is a colour profile that could not be applied, so that the colours are as stored.
    pub is_profile_broken: bool,
}

/// Reads what an image says of itself.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let format = format_of(bytes)?;
    guarded(format, || header(format, bytes, limits))
}

/// Decodes the first frame of an image: in sRGB, upright.
///
/// # Errors
/// `malformed` and `truncated` where no picture comes out, `limit` where it has more pixels than
/// [`Limits::image_pixels`] or its codec would need more than [`Limits::image_bytes`], `unsupported` for formats and
/// variants that no codec reads.
pub fn decode(bytes: &[u8], scale: Scale, limits: &Limits) -> Result<Decoded, Fault> {
    let frame = Frame::read(bytes, scale, limits)?;
    guarded(frame.header.format, || Ok(frame.into_decoded(scale, limits)))
}

/// Decodes the first frame of an image as it is stored: at full size, not turned, its colour profile not applied.
///
/// # Errors
/// As [`decode`].
pub fn decode_as_stored(bytes: &[u8], limits: &Limits) -> Result<Decoded, Fault> {
    let frame = Frame::read(bytes, Scale::Full, limits)?;
    Ok(Decoded {
        header: frame.header,
        is_truncated: frame.raw.is_truncated,
        has_alpha: frame.has_alpha,
        picture: color::plain(frame.raw),
        is_profile_broken: false,
    })
}

/// The first frame of an image as its codec gave it.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) header: Header,
    /// Whether a pixel is not opaque.
    pub(crate) has_alpha: bool,
    raw: Raw,
}

impl Frame {
    /// Decodes a frame; [`Scale::LongestAtMost`] is left to [`into_decoded`](Self::into_decoded).
    pub(crate) fn read(bytes: &[u8], scale: Scale, limits: &Limits) -> Result<Frame, Fault> {
        let format = format_of(bytes)?;
        guarded(format, || {
            let (header, raw) = codec(format, bytes, scale, limits)?;
            Ok(Frame {
                header,
                has_alpha: raw.has_alpha(),
                raw,
            })
        })
    }

    /// Whether a part of the picture is missing.
    pub(crate) fn is_truncated(&self) -> bool {
        self.raw.is_truncated
    }

    /// Makes the picture small, sRGB and upright.
    pub(crate) fn into_decoded(self, scale: Scale, limits: &Limits) -> Decoded {
        let Frame {
            header,
            has_alpha,
            raw,
        } = self;
        let raw = match scale {
            Scale::LongestAtMost(side) => shrunk(raw, has_alpha, side),
            _ => raw,
        };
        let (orientation, is_truncated) = (raw.orientation, raw.is_truncated);
        let (picture, is_profile_broken) = color::to_srgb(raw, header.icc.as_deref(), limits);
        Decoded {
            header,
            picture: orient::upright(picture, orientation),
            is_truncated,
            has_alpha,
            is_profile_broken,
        }
    }
}

fn format_of(bytes: &[u8]) -> Result<ImageFormat, Fault> {
    if bytes.is_empty() {
        return Err(Fault::truncated("no bytes"));
    }
    ImageFormat::of(bytes).ok_or_else(|| match name_of_other(bytes) {
        Some(name) => Fault::unsupported(format!("{name} is not a format that is read")),
        None => Fault::unsupported("bytes begin like no image"),
    })
}

/// Runs a codec; a panic becomes a fault that names the format.
fn guarded<T>(format: ImageFormat, run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Fault::internal(format!("codec of {} panicked", format.name()))))
}

fn header(format: ImageFormat, bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let header = match format {
        ImageFormat::Jpeg => jpeg::probe(bytes, limits),
        ImageFormat::Png => png::probe(bytes, limits),
        ImageFormat::Gif => headers::gif(bytes, limits),
        ImageFormat::Tiff => tiff::probe(bytes, limits),
        ImageFormat::Bmp => headers::bmp(bytes),
        ImageFormat::Ico => ico::probe(bytes, limits),
        ImageFormat::Pnm => headers::pnm(bytes),
        ImageFormat::Qoi => headers::qoi(bytes),
        ImageFormat::Tga => headers::tga(bytes),
        ImageFormat::Hdr => headers::hdr(bytes),
        ImageFormat::Exr => headers::exr(bytes),
        ImageFormat::Webp => webp::probe(bytes, limits),
        ImageFormat::Avif => avif::probe(bytes, limits),
        ImageFormat::Heic => heic::probe(bytes, limits),
        ImageFormat::JpegXl => jxl::probe(bytes, limits),
    }?;
    if header.width == 0 || header.height == 0 {
        return Err(Fault::malformed(format!(
            "size of {} x {} pixels",
            header.width, header.height
        )));
    }
    Ok(header)
}

fn codec(format: ImageFormat, bytes: &[u8], scale: Scale, limits: &Limits) -> Result<(Header, Raw), Fault> {
    let header = header(format, bytes, limits)?;
    check_pixels(header.width, header.height, limits)?;
    let mut raw = match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, &header, scale, limits),
        ImageFormat::Ico => ico::decode(bytes, limits),
        ImageFormat::Tiff => tiff::decode(bytes, &header, limits),
        ImageFormat::Tga => tga::decode(bytes, &header, limits),
        ImageFormat::Qoi => qoi::decode(bytes, &header),
        ImageFormat::Pnm if matches!(bytes[1], b'F' | b'f') => pfm::decode(bytes, &header),
        ImageFormat::Webp => webp::decode(bytes, limits),
        ImageFormat::Avif => avif::decode(bytes, limits),
        ImageFormat::Heic => heic::decode(bytes, limits),
        ImageFormat::JpegXl => jxl::decode(bytes, limits),
        _ => by_image::decode(bytes, &header, limits),
    }?;
    if format == ImageFormat::Png {
        raw.wide = png::wide(bytes);
    }
    let bytes_of_size = u64::from(raw.width) * u64::from(raw.height) * raw.layout.count() as u64;
    if bytes_of_size == 0 || bytes_of_size != raw.pixels.len() as u64 {
        return Err(Fault::internal(format!(
            "codec of {} gave {} bytes for {} x {} pixels",
            format.name(),
            raw.pixels.len(),
            raw.width,
            raw.height
        )));
    }
    let part = match format {
        ImageFormat::Jpeg => jpeg::part(&header, scale),
        _ => 1,
    };
    let is_scaled = |part: u32| {
        let expected = (header.width.div_ceil(part), header.height.div_ceil(part));
        (raw.width, raw.height) == expected
    };
    if !is_scaled(1) && !is_scaled(part) {
        return Err(Fault::malformed(format!(
            "a picture of {} x {} pixels where the header says {} x {}",
            raw.width, raw.height, header.width, header.height
        )));
    }
    Ok((header, raw))
}

/// Whether a picture of this size may be decoded.
pub(crate) fn check_pixels(width: u32, height: u32, limits: &Limits) -> Result<(), Fault> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.image_pixels {
        return Err(Fault::limit(format!(
            "{width} x {height} pixels exceed {}",
            limits.image_pixels
        )));
    }
    Ok(())
}

fn shrunk(raw: Raw, has_alpha: bool, side: u32) -> Raw {
    let (width, height) = fitting(raw.width, raw.height, side);
    if (width, height) == (raw.width, raw.height) {
        return raw;
    }
    let grid = Grid {
        width: raw.width,
        height: raw.height,
        channels: raw.layout.count(),
        has_alpha: has_alpha && raw.layout != Layout::Cmyk,
        pixels: &raw.pixels,
    };
    Raw {
        pixels: scaled(grid, width, height),
        width,
        height,
        ..raw
    }
}
