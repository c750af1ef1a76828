//! A picture in another format.
//!
//! Pictures are written upright in sRGB without a colour profile. Opacity is kept by PNG, WebP and AVIF; for JPEG the
//! picture is laid over a background. JPEG has its chroma at half the resolution (4:2:0) and standard Huffman tables, as
//! OpenCV and Pillow write it; AVIF has chroma at full resolution and 10 bits. What was stored in grey, and is grey, stays
//! so in JPEG and PNG.
//!
//! With [`Encode::only_if_needed`] a file stays as it is if it already has the format, is upright, holds one frame, light
//! and not ink, no colour profile but that of sRGB, and no EXIF that is to go. Otherwise it is written anew, whatever its
//! quality was.
//!
//! JPEG, PNG and WebP are a few to tens of milliseconds per megapixel. AVIF takes a second or more at speed 6.

use std::{
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
};

use gristmill_core::{Fault, Limits};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
    codecs::webp::WebPEncoder,
};
use libjpeg_turbo_rs::{Encoder as JpegEncoder, PixelFormat, Subsampling};
use ravif::{Encoder as AvifEncoder, Img, RGB8, RGBA8};
use webp::{Encoder as LossyWebp, PixelLayout};

use super::{
    exif,
    webp_chunks::{append_exif, extend_with_exif},
};
use crate::{
    Channels, ColorMode, Header, ImageFormat, Orientation, Picture, Scale, decode,
    decode::is_profile_of_srgb, probe,
};

/// A format to write, with its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// JPEG.
    Jpeg {
        /// 1 (small) to 100, on the scale of libjpeg.
        quality: u8,
    },
    /// PNG.
    Png {
        /// 0 (none) to 9 (small), on the scale of zlib.
        compression: u8,
    },
    /// Lossy WebP.
    Webp {
        /// 1 (small) to 100, on the scale of libwebp.
        quality: u8,
    },
    /// Lossless WebP.
    WebpLossless,
    /// AVIF.
    Avif {
        /// 1 (small) to 100.
        quality: u8,
        /// 1 (small) to 10 (fast).
        speed: u8,
    },
}

/// What becomes of EXIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExifPolicy {
    /// It is dropped.
    Strip,
    /// What is true of the new picture stays, without place, maker notes and preview.
    Keep,
}

/// Writes images in a format; see the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Encode {
    /// The format.
    pub encoding: Encoding,
    /// What becomes of EXIF.
    pub exif: ExifPolicy,
    /// The colour behind a picture whose opacity cannot be kept.
    pub background: [u8; 3],
    /// Whether files that already are as wanted stay as they are.
    pub only_if_needed: bool,
}

impl Encode {
    /// This format, without EXIF, over white, for files that need it.
    pub fn new(encoding: Encoding) -> Self {
        Encode {
            encoding,
            exif: ExifPolicy::Strip,
            background: [255; 3],
            only_if_needed: true,
        }
    }

    /// What is wrong with the settings: `quality 0 is not between 1 and 100`.
    pub fn problem(&self) -> Option<String> {
        let outside = |name: &str, value: u8, least: u8, most: u8| {
            (!(least..=most).contains(&value))
                .then(|| format!("{name} {value} is not between {least} and {most}"))
        };
        match self.encoding {
            Encoding::Jpeg { quality } | Encoding::Webp { quality } => outside("quality", quality, 1, 100),
            Encoding::Png { compression } => outside("compression", compression, 0, 9),
            Encoding::WebpLossless => None,
            Encoding::Avif { quality, speed } => {
                outside("quality", quality, 1, 100).or_else(|| outside("speed", speed, 1, 10))
            }
        }
    }

    /// The file in this format; none where its bytes can stay.
    ///
    /// # Errors
    ///
    /// Faults of decoding; a limit when a side is longer than the format can have.
    pub fn apply(&self, bytes: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, Fault> {
        if self.only_if_needed && !self.is_needed(&probe(bytes, limits)?, limits) {
            return Ok(None);
        }
        let decoded = decode(bytes, Scale::Full, limits)?;
        self.write(decoded.picture, Some(&decoded.header)).map(Some)
    }

    /// A picture as a file in this format.
    ///
    /// # Errors
    ///
    /// A limit when a side is longer than the format can have.
    pub fn encode(&self, picture: Picture) -> Result<Vec<u8>, Fault> {
        self.write(picture, None)
    }

    /// Whether a file like this has to be written anew to be in this format.
    fn is_needed(&self, header: &Header, limits: &Limits) -> bool {
        let is_format = header.format == self.encoding.format();
        let is_kept = self.exif == ExifPolicy::Keep || header.exif.is_none();
        let is_upright = header.orientation == Orientation::UPRIGHT;
        let is_plain = is_upright && header.frames == 1 && header.mode != ColorMode::Cmyk;
        let is_srgb = |icc: &Vec<u8>| is_profile_of_srgb(icc, limits);
        !(is_format && is_kept && is_plain && header.icc.as_ref().is_none_or(is_srgb))
    }

    /// The picture as a file, with what stays of what was said of it.
    pub(super) fn write(&self, picture: Picture, header: Option<&Header>) -> Result<Vec<u8>, Fault> {
        if let Some(problem) = self.problem() {
            return Err(Fault::unsupported(problem));
        }
        let longest = picture.width.max(picture.height);
        let most = self.encoding.longest_side();
        if longest > most {
            return Err(Fault::limit(format!("side of {longest} pixels exceeds {most}")));
        }
        let exif = match self.exif {
            ExifPolicy::Strip => None,
            ExifPolicy::Keep => header.and_then(|header| exif::kept(header.exif.as_deref()?)),
        };
        let picture = match self.encoding {
            Encoding::Jpeg { .. } => over(picture, self.background),
            _ => picture,
        };
        let was_gray =
            header.is_some_and(|header| matches!(header.mode, ColorMode::Gray | ColorMode::GrayAlpha));
        let is_gray = was_gray && picture.is_gray();
        // The encoders get pixels that match their size; a panic would be a bug of theirs, and costs one image.
        catch_unwind(AssertUnwindSafe(|| self.encoding.write(&picture, is_gray, exif)))
            .unwrap_or_else(|_| Err(Fault::internal("the encoder panicked")))
    }
}

impl Encoding {
    /// The format that it writes.
    pub fn format(self) -> ImageFormat {
        match self {
            Encoding::Jpeg { .. } => ImageFormat::Jpeg,
            Encoding::Png { .. } => ImageFormat::Png,
            Encoding::Webp { .. } | Encoding::WebpLossless => ImageFormat::Webp,
            Encoding::Avif { .. } => ImageFormat::Avif,
        }
    }

    fn longest_side(self) -> u32 {
        match self {
            Encoding::Jpeg { .. } => 65_500,
            Encoding::Png { .. } => i32::MAX as u32,
            Encoding::Webp { .. } | Encoding::WebpLossless => 16_383,
            Encoding::Avif { .. } => 65_535,
        }
    }

    fn write(self, picture: &Picture, is_gray: bool, exif: Option<Vec<u8>>) -> Result<Vec<u8>, Fault> {
        match self {
            Encoding::Jpeg { quality } => write_jpeg(picture, is_gray, quality, exif),
            Encoding::Png { compression } => write_png(picture, is_gray, compression, exif),
            Encoding::Webp { quality } => write_webp(picture, quality, exif),
            Encoding::WebpLossless => write_webp_lossless(picture, exif),
            Encoding::Avif { quality, speed } => write_avif(picture, quality, speed, exif),
        }
    }
}

fn write_jpeg(
    picture: &Picture,
    is_gray: bool,
    quality: u8,
    exif: Option<Vec<u8>>,
) -> Result<Vec<u8>, Fault> {
    // A segment holds 65,533 bytes, six of them a name. A longer block has no place in a JPEG.
    let exif = exif.filter(|exif| exif.len() <= 65_527);
    let (width, height) = (picture.width as usize, picture.height as usize);
    let gray = is_gray.then(|| picture.gray());
    let encoder = match &gray {
        Some(gray) => JpegEncoder::new(gray, width, height, PixelFormat::Grayscale),
        None => {
            JpegEncoder::new(&picture.pixels, width, height, PixelFormat::Rgb).subsampling(Subsampling::S420)
        }
    };
    let mut encoder = encoder.quality(quality);
    if let Some(exif) = &exif {
        encoder = encoder.exif_data(exif);
    }
    encoder.encode().map_err(failed)
}

fn write_png(
    picture: &Picture,
    is_gray: bool,
    compression: u8,
    exif: Option<Vec<u8>>,
) -> Result<Vec<u8>, Fault> {
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new_with_quality(
        &mut file,
        CompressionType::Level(compression),
        FilterType::Adaptive,
    );
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).map_err(failed)?;
    }
    let gray = is_gray.then(|| picture.gray());
    let (pixels, kind) = match (&gray, picture.channels) {
        (None, _) => (&picture.pixels, color_type(picture)),
        (Some(gray), Channels::Rgb) => (gray, ExtendedColorType::L8),
        (Some(gray), Channels::Rgba) => (gray, ExtendedColorType::La8),
    };
    encoder
        .write_image(pixels, picture.width, picture.height, kind)
        .map_err(failed)?;
    Ok(file)
}

fn write_webp_lossless(picture: &Picture, exif: Option<Vec<u8>>) -> Result<Vec<u8>, Fault> {
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut file);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).map_err(failed)?;
    }
    encoder
        .write_image(
            &picture.pixels,
            picture.width,
            picture.height,
            color_type(picture),
        )
        .map_err(failed)?;
    Ok(file)
}

fn write_webp(picture: &Picture, quality: u8, exif: Option<Vec<u8>>) -> Result<Vec<u8>, Fault> {
    let layout = match picture.channels {
        Channels::Rgb => PixelLayout::Rgb,
        Channels::Rgba => PixelLayout::Rgba,
    };
    let file = LossyWebp::new(&picture.pixels, layout, picture.width, picture.height)
        .encode_simple(false, f32::from(quality))
        .map_err(|error| Fault::internal(format!("the encoder failed: {error:?}")))?;
    Ok(match exif {
        Some(exif) => with_exif(&file, picture, &exif),
        None => file.to_vec(),
    })
}

fn with_exif(file: &[u8], picture: &Picture, exif: &[u8]) -> Vec<u8> {
    // With opacity libwebp writes the extended form itself, unless all pixels are opaque.
    if file.get(12..16) == Some(b"VP8X") {
        append_exif(file, exif)
    } else {
        extend_with_exif(file, picture.width, picture.height, exif)
    }
}

fn write_avif(picture: &Picture, quality: u8, speed: u8, exif: Option<Vec<u8>>) -> Result<Vec<u8>, Fault> {
    let mut encoder = AvifEncoder::new()
        .with_quality(f32::from(quality))
        .with_alpha_quality(f32::from(quality))
        .with_speed(speed)
        .with_num_threads(Some(1));
    if let Some(exif) = exif {
        encoder = encoder.with_exif(exif);
    }
    let (width, height) = (picture.width as usize, picture.height as usize);
    let encoded = match picture.channels {
        Channels::Rgb => {
            let (pixels, _) = picture.pixels.as_chunks::<3>();
            let pixels: Vec<_> = pixels.iter().map(|&[r, g, b]| RGB8::new(r, g, b)).collect();
            encoder.encode_rgb(Img::new(&pixels[..], width, height))
        }
        Channels::Rgba => {
            let (pixels, _) = picture.pixels.as_chunks::<4>();
            let pixels: Vec<_> = pixels
                .iter()
                .map(|&[r, g, b, a]| RGBA8::new(r, g, b, a))
                .collect();
            encoder.encode_rgba(Img::new(&pixels[..], width, height))
        }
    };
    Ok(encoded.map_err(failed)?.avif_file)
}

fn color_type(picture: &Picture) -> ExtendedColorType {
    match picture.channels {
        Channels::Rgb => ExtendedColorType::Rgb8,
        Channels::Rgba => ExtendedColorType::Rgba8,
    }
}

/// An encoder refuses a picture only if its size is out of bounds, which was checked.
fn failed(error: impl Display) -> Fault {
    Fault::internal(format!("the encoder failed: {error}"))
}

/// The picture without opacity, laid over this colour.
pub(super) fn over(picture: Picture, background: [u8; 3]) -> Picture {
    if picture.channels == Channels::Rgb {
        return picture;
    }
    let (pixels, _) = picture.pixels.as_chunks::<4>();
    let mut rgb = Vec::with_capacity(pixels.len() * 3);
    for &[red, green, blue, opacity] in pixels {
        let opacity = u32::from(opacity);
        let blend = |colour: u8, behind: u8| {
            ((u32::from(colour) * opacity + u32::from(behind) * (255 - opacity) + 127) / 255) as u8
        };
        rgb.extend_from_slice(&[
            blend(red, background[0]),
            blend(green, background[1]),
            blend(blue, background[2]),
        ]);
    }
    Picture {
        channels: Channels::Rgb,
        pixels: rgb,
        ..picture
    }
}
