//! The codecs of the `image` crate.
//!
//! They run with its limits on memory, after sizes are checked. A file that ends early is decoded again into a buffer
//! that holds other bytes before: what is the same in both was written by the codec.

use std::{
    error::Error,
    io::{self, BufRead, Cursor, ErrorKind, Read, Seek, SeekFrom},
};

use gristmill_core::{Fault, FaultKind, Limits};
use image::{
    ColorType, ImageDecoder, ImageError, ImageResult,
    codecs::{
        bmp::BmpDecoder, gif::GifDecoder, hdr::HdrDecoder, jpeg::JpegDecoder, openexr::OpenExrDecoder,
        png::PngDecoder, pnm::PnmDecoder, tiff::TiffDecoder, webp::WebPDecoder,
    },
};

use super::{
    check_pixels, headers,
    raw::{Layout, Raw},
};
use crate::{Header, ImageFormat, Orientation};

/// Longest detail of a fault that is taken from a codec, in characters.
const DETAIL: usize = 160;

/// Decodes `bytes`, of which `header` was read.
pub(super) fn decode(bytes: &[u8], header: &Header, limits: &Limits) -> Result<Raw, Fault> {
    let orientation = header.orientation;
    match header.format {
        ImageFormat::Jpeg => run(|| JpegDecoder::new(Source::new(bytes)), orientation, limits),
        ImageFormat::Png => {
            let bounds = bounds(limits);
            run(
                || PngDecoder::with_limits(Source::new(bytes), bounds.clone()),
                orientation,
                limits,
            )
        }
        ImageFormat::Gif => run(|| GifDecoder::new(Source::new(bytes)), orientation, limits),
        ImageFormat::Tiff => run(|| TiffDecoder::new(Source::new(bytes)), orientation, limits),
        ImageFormat::Bmp if bytes.starts_with(b"BM") => {
            let rewritten = headers::bmp_of_windows(bytes);
            let bytes = rewritten.as_deref().unwrap_or(bytes);
            run(|| BmpDecoder::new(Source::new(bytes)), orientation, limits)
        }
        ImageFormat::Bmp => run(
            || BmpDecoder::new_without_file_header(Source::new(bytes)),
            orientation,
            limits,
        ),
        ImageFormat::Pnm => run(|| PnmDecoder::new(Source::new(bytes)), orientation, limits),
        ImageFormat::Hdr => run(|| HdrDecoder::new(Source::new(bytes)), orientation, limits),
        ImageFormat::Exr => run(|| OpenExrDecoder::new(Source::new(bytes)), orientation, limits),
        ImageFormat::Webp => run(|| WebPDecoder::new(Source::new(bytes)), orientation, limits),
        ImageFormat::Ico
        | ImageFormat::Qoi
        | ImageFormat::Tga
        | ImageFormat::Avif
        | ImageFormat::Heic
        | ImageFormat::JpegXl => Err(Fault::unsupported(format!(
            "no codec for {}",
            header.format.name()
        ))),
    }
}

/// Bytes as codecs read them: like a cursor, but at the end it still gives the bytes that are left.
#[derive(Debug)]
pub(super) struct Source<'a>(Cursor<&'a [u8]>);

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Source(Cursor::new(bytes))
    }
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let length = self.0.read(buffer)?;
        if length < buffer.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.0.consume(length);
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// The limits of the `image` crate.
pub(super) fn bounds(limits: &Limits) -> image::Limits {
    let mut bounds = image::Limits::default();
    bounds.max_alloc = Some(limits.image_bytes);
    bounds
}

/// Decodes with the codec that `open` gives.
pub(super) fn run<D: ImageDecoder>(
    open: impl Fn() -> ImageResult<D>,
    orientation: Orientation,
    limits: &Limits,
) -> Result<Raw, Fault> {
    let start = || -> Result<(D, usize), Fault> {
        let mut decoder = open().map_err(|error| fault_of(&error))?;
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 {
            return Err(Fault::malformed(format!("size of {width} x {height} pixels")));
        }
        check_pixels(width, height, limits)?;
        let bytes = decoder.total_bytes();
        if bytes > limits.image_bytes {
            return Err(Fault::limit(format!(
                "picture of {bytes} bytes exceeds {}",
                limits.image_bytes
            )));
        }
        decoder
            .set_limits(bounds(limits))
            .map_err(|error| fault_of(&error))?;
        Ok((decoder, bytes as usize))
    };
    let (decoder, length) = start()?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let mut samples = vec![0; length];
    let is_truncated = match decoder.read_image(&mut samples) {
        Ok(()) => false,
        Err(error) => {
            let fault = fault_of(&error);
            if fault.kind != FaultKind::Truncated {
                return Err(fault);
            }
            let mut others = vec![0xff; length];
            // The result is known: it ends early.
            let _ = start()?.0.read_image(&mut others);
            let written = samples.iter().zip(&others).filter(|(a, b)| a == b).count();
            if written < length / height as usize {
                return Err(fault);
            }
            true
        }
    };
    let (layout, pixels) = eight_bits(color, samples)?;
    Ok(Raw {
        width,
        height,
        layout,
        pixels,
        is_srgb: matches!(color, ColorType::Rgb32F | ColorType::Rgba32F),
        wide: None,
        orientation,
        is_truncated,
    })
}

fn eight_bits(color: ColorType, samples: Vec<u8>) -> Result<(Layout, Vec<u8>), Fault> {
    let high = |samples: &[u8]| {
        let (samples, _) = samples.as_chunks::<2>();
        samples
            .iter()
            .map(|two| (u16::from_ne_bytes(*two) >> 8) as u8)
            .collect()
    };
    Ok(match color {
        ColorType::L8 => (Layout::Gray, samples),
        ColorType::La8 => (Layout::GrayAlpha, samples),
        ColorType::Rgb8 => (Layout::Rgb, samples),
        ColorType::Rgba8 => (Layout::Rgba, samples),
        ColorType::L16 => (Layout::Gray, high(&samples)),
        ColorType::La16 => (Layout::GrayAlpha, high(&samples)),
        ColorType::Rgb16 => (Layout::Rgb, high(&samples)),
        ColorType::Rgba16 => (Layout::Rgba, high(&samples)),
        ColorType::Rgb32F => (Layout::Rgb, floats(&samples).map(curve).collect()),
        ColorType::Rgba32F => {
            let samples: Vec<f32> = floats(&samples).collect();
            (Layout::Rgba, samples.chunks_exact(4).flat_map(straight).collect())
        }
        other => return Err(Fault::unsupported(format!("pixels of kind {other:?}"))),
    })
}

fn floats(samples: &[u8]) -> impl Iterator<Item = f32> {
    samples
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| f32::from_ne_bytes(*four))
}

/// Light as an sRGB sample.
pub(super) fn curve(light: f32) -> u8 {
    // What is no number is dark.
    let light = if light.is_nan() {
        0.0
    } else {
        f64::from(light.clamp(0.0, 1.0))
    };
    let value = if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    };
    (value * 255.0 + 0.5) as u8
}

/// Light that was multiplied with opacity, as sRGB samples that are not.
fn straight(pixel: &[f32]) -> [u8; 4] {
    let opacity = if pixel[3].is_nan() {
        0.0
    } else {
        pixel[3].clamp(0.0, 1.0)
    };
    let colour = |light: f32| if opacity > 0.0 { curve(light / opacity) } else { 0 };
    [
        colour(pixel[0]),
        colour(pixel[1]),
        colour(pixel[2]),
        (opacity * 255.0 + 0.5) as u8,
    ]
}

/// The fault that an error of the `image` crate is.
pub(super) fn fault_of(error: &ImageError) -> Fault {
    let detail = detail(error);
    if is_end_of_file(error) {
        return Fault::truncated("bytes end before the picture does");
    }
    match error {
        ImageError::Limits(_) => Fault::limit(detail),
        ImageError::Unsupported(_) => Fault::unsupported(detail),
        ImageError::Decoding(_) | ImageError::Parameter(_) | ImageError::IoError(_) => {
            Fault::malformed(detail)
        }
        ImageError::Encoding(_) => Fault::internal(detail),
    }
}

fn is_end_of_file(error: &ImageError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.kind() == ErrorKind::UnexpectedEof
        {
            return true;
        }
        cause = inner.source();
    }
    matches!(error, ImageError::IoError(io) if io.kind() == ErrorKind::UnexpectedEof)
}

/// The message of a codec on one line.
fn detail(error: &ImageError) -> String {
    let message = error.to_string();
    let line: Vec<&str> = message.split_whitespace().collect();
    line.join(" ").chars().take(DETAIL).collect()
}
