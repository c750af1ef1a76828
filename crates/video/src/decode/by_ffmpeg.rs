//! All of FFmpeg's decoders, by the feature `ffmpeg`: those of the system's libavcodec, on one thread.
//!
//! They take samples as the containers here give them; headers that containers keep apart are put before the first key frame. Frames
//! come later than their samples, in the order of display, and bear the number of the sample that they are of.
//!
//! On Debian and Ubuntu: `apt-get install libavcodec-dev libavutil-dev libclang-dev pkg-config`.

use ffmpeg_the_third::{
    Error, Packet,
    codec::{Context, decoder, threading},
    format::Pixel,
    frame,
    util::{color, log},
};
use gristmill_core::{Fault, Limits};

use super::{Frame, Plane, check_pixels};
use crate::header::{
    color::Coding,
    config::{self, Framing},
};

/// Most frames that one sample, or the end, gives.
const FRAMES_MAX: usize = 64;

pub(super) struct Ffmpeg {
    decoder: decoder::Video,
    name: String,
    /// How units of samples are framed, of H.264 and HEVC.
    framing: Option<Framing>,
    /// What precedes the first key frame.
    head: Vec<u8>,
    limits: Limits,
}

impl Ffmpeg {
    /// A decoder of this codec; none where the system's FFmpeg has none.
    pub(super) fn new(name: &str, config: &[u8], limits: &Limits) -> Option<Ffmpeg> {
        log::set_level(log::Level::Quiet);
        let known = match name {
            "flv1" => "flv",
            "msmpeg4v3" => "msmpeg4",
            other => other,
        };
        // Names that are no names in C would panic.
        let is_name = known
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let codec = decoder::find_by_name(known).filter(|_| is_name)?;
        let mut context = Context::new_with_codec(codec);
        context.set_threading(threading::Config::count(1));
        let decoder = context.decoder().video().ok()?;
        let (framing, sets) = match name {
            "h264" => (Some(config::h264_length(config)), config::h264_units(config)),
            "hevc" => (Some(config::hevc_length(config)), config::hevc_units(config)),
            _ => (None, Vec::new()),
        };
        let head = match name {
            "h264" | "hevc" => byte_stream(sets.into_iter()),
            "av1" => config.get(4..).unwrap_or_default().to_vec(),
            "mpeg4" | "mpeg1video" | "mpeg2video" => config.to_vec(),
            _ => Vec::new(),
        };
        Some(Ffmpeg {
            decoder,
            name: name.to_owned(),
            framing,
            head,
            limits: limits.clone(),
        })
    }

    /// Takes a sample with its number; gives frames with theirs.
    pub(super) fn sample(
        &mut self,
        sample: &[u8],
        is_key: bool,
        number: usize,
    ) -> Result<Vec<(usize, Frame)>, Fault> {
        let head: &[u8] = if is_key { &self.head } else { &[] };
        let data = match self.framing {
            Some(framing) => [head, &byte_stream(config::sample_units(sample, framing))].concat(),
            None => [head, sample].concat(),
        };
        if data.is_empty() {
            return Ok(Vec::new());
        }
        let mut packet = Packet::copy(&data);
        packet.set_pts(Some(number as i64));
        packet.set_dts(Some(number as i64));
        self.decoder
            .send_packet(&packet)
            .map_err(|error| Fault::malformed(format!("{}: {error}", self.name)))?;
        self.received()
    }

    /// The frames that have not come yet. The next sample is a key frame.
    pub(super) fn finish(&mut self) -> Result<Vec<(usize, Frame)>, Fault> {
        // Said once before: nothing is left then.
        let _ = self.decoder.send_eof();
        let frames = self.received();
        self.decoder.flush();
        frames
    }

    fn received(&mut self) -> Result<Vec<(usize, Frame)>, Fault> {
        let mut found = Vec::new();
        for _ in 0..FRAMES_MAX {
            let mut frame = frame::Video::empty();
            match self.decoder.receive_frame(&mut frame) {
                Ok(()) => {
                    let number = frame.pts().and_then(|number| usize::try_from(number).ok());
                    if let Some(number) = number {
                        found.push((number, self.frame_of(&frame)?));
                    }
                }
                Err(Error::Other { .. } | Error::Eof) => break,
                Err(error) => return Err(Fault::malformed(format!("{}: {error}", self.name))),
            }
        }
        Ok(found)
    }

    fn frame_of(&self, frame: &frame::Video) -> Result<Frame, Fault> {
        check_pixels(u64::from(frame.width()), u64::from(frame.height()), &self.limits)?;
        let (bits, count) = match frame.format() {
            Pixel::YUV420P
            | Pixel::YUV422P
            | Pixel::YUV444P
            | Pixel::YUV410P
            | Pixel::YUV411P
            | Pixel::YUV440P
            | Pixel::YUVJ420P
            | Pixel::YUVJ422P
            | Pixel::YUVJ444P
            | Pixel::YUVJ440P => (8, 3),
            Pixel::GRAY8 => (8, 1),
            Pixel::YUV420P10LE | Pixel::YUV422P10LE | Pixel::YUV444P10LE => (10, 3),
            Pixel::YUV420P12LE | Pixel::YUV422P12LE | Pixel::YUV444P12LE => (12, 3),
            Pixel::GRAY10LE => (10, 1),
            other => return Err(Fault::unsupported(format!("{} frames of {other:?}", self.name))),
        };
        let is_full_range = frame.color_range() == color::Range::JPEG
            || matches!(
                frame.format(),
                Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P
            );
        let mut planes = [Plane::default(), Plane::default(), Plane::default()];
        for (index, plane) in planes.iter_mut().enumerate().take(count) {
            let (width, height) = (
                frame.plane_width(index) as usize,
                frame.plane_height(index) as usize,
            );
            let stride = frame.stride(index);
            // Rows that go upwards have a stride below 0, which this interface cannot tell.
            let is_plain = stride >= width && stride < 1 << 24;
            let made = is_plain.then(|| frame.data(index)).and_then(|bytes| match bits {
                8 => Plane::of_bytes(width, height, stride, bytes),
                bits => Plane::of_words(width, height, stride, bytes, bits),
            });
            *plane =
                made.ok_or_else(|| Fault::unsupported(format!("{} frames with rows upwards", self.name)))?;
        }
        Ok(Frame {
            planes,
            coding: Coding {
                matrix: 2,
                is_full_range,
            },
        })
    }
}

fn byte_stream<'a>(units: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut stream = Vec::new();
    for unit in units {
        stream.extend_from_slice(&[0, 0, 0, 1]);
        stream.extend_from_slice(unit);
    }
    stream
}
