//! JPEG XL: bare codestreams and containers, also those that can give back a JPEG, by `jxl` on one thread.
//!
//! The first visible frame, with all layers below it, is decoded to 8 bits. Colours are in the space that the codec
//! gives them in, which is that of the file where it is a plain one, else sRGB; its profile is handed over unless it is
//! sRGB. Opacity that colours are multiplied with is divided out. The codec turns the picture as the codestream says,
//! and the orientation of EXIF is not looked at, as the format asks: sizes are those of the turned picture. A file that
//! ends early gives what was drawn until then.
//!
//! Frames are bounded in samples, but a few bytes can ask for many frames that are never shown. No count of them is to
//! be had from the codec, so a guard of 20 seconds ends such a file as a `limit`.

use std::time::{Duration, Instant};

use gristmill_core::{Fault, Limits};
use jxl::{
    api::{
        AlphaMode, Event, ExtraChannel, JxlBasicInfo, JxlColorEncoding, JxlColorProfile, JxlColorType,
        JxlDataFormat, JxlDecoder, JxlDecoderOptions, JxlOutputBuffer, JxlPixelFormat, ProfileLevel,
    },
    error::Error,
};

use super::{
    isobmff,
    raw::{Layout, Raw},
};
use crate::{ColorMode, Header, ImageFormat, Orientation};

/// How long a file may take.
const GUARD: Duration = Duration::from_secs(20);

/// Reads what a JPEG XL file says of itself.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let (reading, info) = Reading::start(bytes, limits, false)?;
    let layout = layout_of(&reading.decoder, &info)?;
    let profile = reading.decoder.output_color_profile();
    let icc = profile
        .filter(|profile| !is_srgb(profile))
        .and_then(JxlColorProfile::try_as_icc)
        .filter(|icc| icc.len() <= limits.icc_bytes)
        .map(std::borrow::Cow::into_owned);
    let frames = if info.animation.is_some() {
        count_frames(bytes, limits)
    } else {
        1
    };
    Ok(Header {
        format: ImageFormat::JpegXl,
        width: info.size.0 as u32,
        height: info.size.1 as u32,
        mode: match layout {
            Layout::Gray => ColorMode::Gray,
            Layout::GrayAlpha => ColorMode::GrayAlpha,
            Layout::Rgb => ColorMode::Rgb,
            Layout::Rgba => ColorMode::Rgba,
            Layout::Cmyk => ColorMode::Cmyk,
        },
        bit_depth: info.bit_depth.bits_per_sample().min(32) as u8,
        frames,
        orientation: Orientation::UPRIGHT,
        icc,
        exif: exif_of(bytes).filter(|exif| exif.len() <= limits.header_bytes),
    })
}

/// Decodes the first frame at full size.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raw, Fault> {
    let (mut reading, info) = Reading::start(bytes, limits, false)?;
    let (width, height) = info.size;
    let layout = layout_of(&reading.decoder, &info)?;
    let channels = layout.count();
    reading
        .decoder
        .set_pixel_format(JxlPixelFormat {
            color_type: match layout {
                Layout::Gray => JxlColorType::Grayscale,
                Layout::GrayAlpha => JxlColorType::GrayscaleAlpha,
                Layout::Rgb => JxlColorType::Rgb,
                Layout::Rgba => JxlColorType::Rgba,
                Layout::Cmyk => JxlColorType::Cmyk,
            },
            color_data_format: Some(JxlDataFormat::U8 { bit_depth: 8 }),
            extra_channel_format: vec![None; info.extra_channels.len()],
        })
        .map_err(|error| fault_of(&error))?;
    let is_srgb = reading.decoder.output_color_profile().is_some_and(is_srgb);
    let mut pixels = vec![0; width * height * channels];
    let mut is_truncated = false;
    let mut output = [JxlOutputBuffer::new(&mut pixels, height, width * channels)];
    loop {
        match reading.next(Some(&mut output))? {
            Some(Event::FrameComplete { .. } | Event::Complete) => break,
            Some(_) => {}
            None => {
                let flushed = reading.decoder.flush_pixels(&mut output, None);
                if !flushed.map_err(|error| fault_of(&error))? {
                    return Err(Fault::truncated("file ends before a part of its picture"));
                }
                is_truncated = true;
                break;
            }
        }
    }
    if layout == Layout::Cmyk {
        // 0 is full ink in JPEG XL.
        for ink in &mut pixels {
            *ink = 255 - *ink;
        }
    }
    Ok(Raw {
        width: width as u32,
        height: height as u32,
        layout,
        pixels,
        is_srgb,
        wide: None,
        orientation: Orientation::UPRIGHT,
        is_truncated,
    })
}

/// A decoder, and how far it has come in a file.
struct Reading<'a> {
    decoder: JxlDecoder,
    bytes: &'a [u8],
    /// What it has taken, and what it may take before the time is looked at.
    at: usize,
    until: usize,
    began: Instant,
}

impl<'a> Reading<'a> {
    /// Reads the head of the file.
    fn start(bytes: &'a [u8], limits: &Limits, scans_frames: bool) -> Result<(Self, JxlBasicInfo), Fault> {
        let mut options = JxlDecoderOptions::default();
        options.adjust_orientation = true;
        options.alpha_mode = AlphaMode::Unpremultiplied;
        options.max_profile_level = ProfileLevel::Main10;
        options.scan_frames_only = scans_frames;
        // A sample takes up to 4 bytes, in the frame and in one that it refers to.
        options.sample_limit =
            Some((limits.image_bytes / 8).min(limits.image_pixels.saturating_mul(4)) as usize);
        let mut reading = Reading {
            decoder: JxlDecoder::new(options),
            bytes,
            at: 0,
            until: 0,
            began: Instant::now(),
        };
        if reading.next(None)? != Some(Event::BasicInfo) {
            return Err(Fault::truncated("file ends inside its head"));
        }
        let info = reading
            .decoder
            .basic_info()
            .cloned()
            .ok_or_else(|| Fault::malformed("file without a head"))?;
        let (width, height) = info.size;
        let pixels = (width as u64).saturating_mul(height as u64);
        if pixels > limits.image_pixels {
            return Err(Fault::limit(format!(
                "picture of {width} x {height} pixels exceeds {} pixels",
                limits.image_pixels
            )));
        }
        if pixels == 0 {
            return Err(Fault::malformed("picture without pixels"));
        }
        Ok((reading, info))
    }

    /// What happens next; none where the file ends before.
    fn next(&mut self, mut output: Option<&mut [JxlOutputBuffer<'_>]>) -> Result<Option<Event>, Fault> {
        loop {
            let mut input = &self.bytes[self.at..self.until];
            let event = self.decoder.process(&mut input, output.as_deref_mut(), None);
            self.at = self.until - input.len();
            match event {
                Ok(Event::NeedMoreInput { .. }) if self.until < self.bytes.len() => {
                    let more = 256 + self.until / 8;
                    self.until = self.bytes.len().min(self.until + more);
                }
                Ok(Event::NeedMoreInput { .. }) | Err(Error::UnexpectedCodestreamBoxEnd) => return Ok(None),
                Ok(event) => return Ok(Some(event)),
                Err(error) => return Err(fault_of(&error)),
            }
            if self.began.elapsed() > GUARD {
                return Err(Fault::limit(format!("file takes longer than {GUARD:?}")));
            }
        }
    }
}

fn layout_of(decoder: &JxlDecoder, info: &JxlBasicInfo) -> Result<Layout, Fault> {
    let has = |wanted| {
        info.extra_channels
            .iter()
            .any(|channel| channel.ec_type == wanted)
    };
    let profile = decoder
        .output_color_profile()
        .ok_or_else(|| Fault::malformed("file without a colour space"))?;
    Ok(match (profile.channels(), has(ExtraChannel::Alpha)) {
        (1, false) => Layout::Gray,
        (1, true) => Layout::GrayAlpha,
        (_, _) if profile.is_cmyk() && has(ExtraChannel::Black) => Layout::Cmyk,
        (_, false) => Layout::Rgb,
        (_, true) => Layout::Rgba,
    })
}

fn is_srgb(profile: &JxlColorProfile) -> bool {
    [false, true].iter().any(|&is_gray| {
        let srgb = JxlColorProfile::Simple(JxlColorEncoding::srgb(is_gray));
        profile.same_color_encoding(&srgb) && profile.transfer_function() == srgb.transfer_function()
    })
}

/// Visible frames, at most as many as the limit; those that can be counted where the file ends early.
fn count_frames(bytes: &[u8], limits: &Limits) -> u32 {
    let Ok((mut reading, _)) = Reading::start(bytes, limits, true) else {
        return 1;
    };
    loop {
        let next = reading.next(None);
        let count = reading.decoder.scanned_frames().len() as u32;
        match next {
            Ok(Some(Event::FrameHeader | Event::FrameComplete { .. })) if count < limits.image_frames => {}
            _ => return count.clamp(1, limits.image_frames),
        }
    }
}

/// The EXIF block of a container; one that is compressed is left out.
fn exif_of(bytes: &[u8]) -> Option<Vec<u8>> {
    // A bare codestream begins with 0xff0a, which is no box.
    if bytes.starts_with(&[0xff, 0x0a]) {
        return None;
    }
    isobmff::exif_of_item(isobmff::find(bytes, *b"Exif")?)
}

fn fault_of(error: &Error) -> Fault {
    match error {
        Error::ImageSizeTooLarge(..)
        | Error::OutOfMemory(_)
        | Error::ImageOutOfMemory(..)
        | Error::IccTooLarge => Fault::limit(error.to_string().to_lowercase()),
        Error::OutOfBounds(_) | Error::UnexpectedCodestreamBoxEnd => {
            Fault::truncated("file ends inside its picture")
        }
        error => Fault::malformed(error.to_string().to_lowercase()),
    }
}
