//! WebP: lossy and lossless, with opacity, and the first frame of animations.
//!
//! The chunks are read by own code, which hands a decoder a file that holds nothing but the picture. The first frame of
//! an animation is drawn on its canvas; around it everything is transparent, as browsers do it: the background colour
//! of the file is not used.
//!
//! Lossy pictures are decoded by libwebp where the process has workers, else by image-webp, which takes about twice as
//! long. Both interpolate chroma alike and give the same pixels, which a test holds, so that output does not depend on
//! whether there are workers. They may differ in what they refuse of a damaged picture.
//!
//! Source: RFC 9649.

use std::io::Cursor;

use gristmill_core::{Fault, Limits};
use gristmill_worker::{Answer, Codec, Workers, workers};
use image::{ImageDecoder, ImageError, codecs::webp::WebPDecoder};

use super::{
    exif,
    raw::{Layout, Raw},
};
use crate::{
    ColorMode, Header, ImageFormat, Orientation,
    fields::{array, u16_le, u32_le},
};

/// Reads what a WebP file says of itself.
pub(crate) fn probe(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let file = File::read(bytes, limits)?;
    Ok(Header {
        format: ImageFormat::Webp,
        width: file.width,
        height: file.height,
        mode: if file.has_alpha {
            ColorMode::Rgba
        } else {
            ColorMode::Rgb
        },
        bit_depth: 8,
        frames: file.frames,
        orientation: file.orientation(),
        icc: file.icc.map(<[u8]>::to_vec),
        exif: file.exif.map(<[u8]>::to_vec),
    })
}

/// Decodes the picture, or the first frame, at full size.
///
/// A lossy picture is decoded by a worker where the process has some.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Raw, Fault> {
    decode_with(bytes, workers(), limits)
}

fn decode_with(bytes: &[u8], workers: Option<&Workers>, limits: &Limits) -> Result<Raw, Fault> {
    let file = File::read(bytes, limits)?;
    let frame = &file.frame;
    let pixels = u64::from(file.width) * u64::from(file.height);
    // Up to 4 bytes a pixel in the decoder and 4 in the end, and once more on the canvas.
    let allowed = limits.image_pixels.min(limits.image_bytes / 12);
    if pixels > allowed {
        return Err(Fault::limit(format!(
            "picture of {} x {} pixels exceeds {allowed} pixels",
            file.width, file.height
        )));
    }
    let alone = frame.as_file();
    let decoded = match workers {
        Some(workers) if frame.is_lossy => by_worker(workers, &alone, frame),
        _ => by_image_webp(&alone, frame),
    };
    // A decoder sees the end of the picture, not why it ends there.
    let pixels = decoded.map_err(|fault| {
        if frame.is_cut && fault.kind == gristmill_core::FaultKind::Malformed {
            Fault::truncated("picture ends early")
        } else {
            fault
        }
    })?;
    let raw = Raw {
        width: frame.width,
        height: frame.height,
        layout: if frame.has_alpha {
            Layout::Rgba
        } else {
            Layout::Rgb
        },
        pixels,
        is_srgb: false,
        wide: None,
        orientation: file.orientation(),
        is_truncated: false,
    };
    Ok(if (frame.width, frame.height) == (file.width, file.height) {
        raw
    } else {
        on_canvas(&raw, frame, (file.width, file.height))
    })
}

/// Draws a frame on a transparent canvas.
fn on_canvas(raw: &Raw, frame: &Frame<'_>, (width, height): (u32, u32)) -> Raw {
    let mut pixels = vec![0; width as usize * height as usize * 4];
    let channels = raw.layout.count();
    let rows = pixels
        .chunks_exact_mut(width as usize * 4)
        .skip(frame.top as usize);
    for (row, source) in rows.zip(raw.pixels.chunks_exact(raw.width as usize * channels)) {
        let row = &mut row[frame.left as usize * 4..];
        for (pixel, source) in row
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .zip(source.chunks_exact(channels))
        {
            pixel[3] = 255;
            pixel[..channels].copy_from_slice(source);
        }
    }
    Raw {
        width,
        height,
        layout: Layout::Rgba,
        pixels,
        ..*raw
    }
}

fn by_image_webp(alone: &[u8], frame: &Frame<'_>) -> Result<Vec<u8>, Fault> {
    let decoder = WebPDecoder::new(Cursor::new(alone)).map_err(|error| fault_of(&error))?;
    let channels = if frame.has_alpha { 4 } else { 3 };
    let length = frame.width as usize * frame.height as usize * channels;
    if decoder.dimensions() != (frame.width, frame.height) || decoder.total_bytes() != length as u64 {
        return Err(Fault::malformed("picture differs from its header"));
    }
    let mut pixels = vec![0; length];
    decoder
        .read_image(&mut pixels)
        .map_err(|error| fault_of(&error))?;
    Ok(pixels)
}

fn fault_of(error: &ImageError) -> Fault {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Fault::malformed("picture ends early")
        }
        ImageError::Limits(error) => Fault::limit(error.to_string()),
        ImageError::Unsupported(error) => Fault::unsupported(error.to_string()),
        error => Fault::malformed(error.to_string()),
    }
}

/// libwebp, for [`serve`](gristmill_worker::serve). The request is a WebP file, the answer its pixels.
pub(crate) const LIBWEBP: Codec = Codec {
    id: 1,
    run: |request, answer_max| {
        let image = webp::Decoder::new(request)
            .decode()
            .ok_or_else(|| Fault::malformed("libwebp refuses the picture"))?;
        if image.len() as u64 > answer_max {
            return Err(Fault::malformed("picture differs from its header"));
        }
        Ok(Answer {
            head: Vec::new(),
            body: Box::new(image),
        })
    },
};

fn by_worker(workers: &Workers, alone: &[u8], frame: &Frame<'_>) -> Result<Vec<u8>, Fault> {
    let channels = if frame.has_alpha { 4 } else { 3 };
    let length = frame.width as usize * frame.height as usize * channels;
    let pixels = workers.call(LIBWEBP.id, &[alone], length as u64)?;
    if pixels.len() != length {
        return Err(Fault::malformed("picture differs from its header"));
    }
    Ok(pixels)
}

/// The pixels of a lossy picture from image-webp and from libwebp; none where one refuses it.
#[cfg(test)]
pub(super) fn both(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let file = File::read(bytes, &Limits::default()).ok()?;
    let alone = file.frame.as_file();
    let ours = by_image_webp(&alone, &file.frame).ok()?;
    let libwebp = (LIBWEBP.run)(&alone, u64::MAX).ok()?;
    file.frame.is_lossy.then(|| (ours, libwebp.body.to_vec()))
}

/// What the chunks of a file hold.
struct File<'a> {
    width: u32,
    height: u32,
    has_alpha: bool,
    frames: u32,
    icc: Option<&'a [u8]>,
    exif: Option<&'a [u8]>,
    frame: Frame<'a>,
}

/// A picture, and where it lies on its canvas.
struct Frame<'a> {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    is_lossy: bool,
    has_alpha: bool,
    /// The chunks of opacity and of the picture.
    opacity: Option<&'a [u8]>,
    data: &'a [u8],
    /// Whether a chunk says to be longer than the bytes that are left.
    is_cut: bool,
}

impl<'a> File<'a> {
    fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        if !bytes.starts_with(b"RIFF") || bytes.get(8..12) != Some(b"WEBP") {
            return Err(Fault::malformed("no WebP file"));
        }
        let (mut canvas, mut icc, mut exif, mut frames) = (None, None, None, 0_u32);
        let (mut first, mut picture) = (None, Picture::default());
        for chunk in chunks(&bytes[12..]) {
            match &chunk.kind {
                b"VP8X" if canvas.is_none() => canvas = Some(read_canvas(chunk.body)?),
                b"ICCP" => icc = icc.or(Some(chunk.body)),
                b"EXIF" => exif = exif.or(exif::block(chunk.body)),
                b"ANMF" => {
                    frames = frames.saturating_add(1);
                    first.get_or_insert(chunk);
                }
                _ => picture.add(&chunk),
            }
        }
        let frame = match first {
            Some(first) => read_animation_frame(&first)?,
            None => picture.frame()?,
        };
        let (width, height, says_alpha) = canvas.unwrap_or((frame.width, frame.height, frame.has_alpha));
        let fits = |start: u32, length: u32, full: u32| start.saturating_add(length) <= full;
        let is_whole = (frame.width, frame.height) == (width, height);
        if !fits(frame.left, frame.width, width) || !fits(frame.top, frame.height, height) {
            return Err(Fault::malformed("frame reaches outside its canvas"));
        }
        if first.is_none() && !is_whole {
            return Err(Fault::malformed("picture differs from its header"));
        }
        Ok(File {
            width,
            height,
            has_alpha: says_alpha || frame.has_alpha || !is_whole,
            frames: frames.clamp(1, limits.image_frames),
            icc: icc.filter(|icc| !icc.is_empty() && icc.len() <= limits.icc_bytes),
            exif: exif.filter(|exif| exif.len() <= limits.header_bytes),
            frame,
        })
    }

    fn orientation(&self) -> Orientation {
        self.exif.map_or(Orientation::UPRIGHT, exif::orientation)
    }
}

/// Width, height and whether there is opacity, by `VP8X`.
fn read_canvas(body: &[u8]) -> Result<(u32, u32, bool), Fault> {
    let cut = || Fault::truncated("header ends early");
    let flags = *body.first().ok_or_else(cut)?;
    let size = |at| u24(body, at).map(|value| value + 1);
    Ok((
        size(4).ok_or_else(cut)?,
        size(7).ok_or_else(cut)?,
        flags & 0x10 != 0,
    ))
}

fn u24(bytes: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = array(bytes, at)?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

fn read_animation_frame<'a>(chunk: &Chunk<'a>) -> Result<Frame<'a>, Fault> {
    let field = |at| u24(chunk.body, at).ok_or_else(|| Fault::truncated("frame ends early"));
    let (left, top, width, height) = (field(0)? * 2, field(3)? * 2, field(6)? + 1, field(9)? + 1);
    let mut picture = Picture::default();
    for chunk in chunks(chunk.body.get(16..).unwrap_or_default()) {
        picture.add(&chunk);
    }
    let frame = picture.frame()?;
    if (frame.width, frame.height) != (width, height) {
        return Err(Fault::malformed("frame differs from its header"));
    }
    Ok(Frame {
        left,
        top,
        is_cut: frame.is_cut || chunk.is_cut,
        ..frame
    })
}

#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: [u8; 4],
    body: &'a [u8],
    is_cut: bool,
}

/// The chunks that follow each other. One that says to be longer than what is left ends there.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let kind = *rest.first_chunk::<4>()?;
        let length = u32_le(rest, 4)? as usize;
        let after = &rest[8..];
        let body = &after[..length.min(after.len())];
        // Chunks begin at even places.
        rest = after.get(length + (length & 1)..).unwrap_or_default();
        Some(Chunk {
            kind,
            body,
            is_cut: body.len() < length,
        })
    })
}

/// The first chunk of each kind that a picture is made of.
#[derive(Default)]
struct Picture<'a> {
    opacity: Option<Chunk<'a>>,
    lossy: Option<Chunk<'a>>,
    lossless: Option<Chunk<'a>>,
}

impl<'a> Picture<'a> {
    fn add(&mut self, chunk: &Chunk<'a>) {
        let place = match &chunk.kind {
            b"ALPH" => &mut self.opacity,
            b"VP8 " => &mut self.lossy,
            b"VP8L" => &mut self.lossless,
            _ => return,
        };
        place.get_or_insert(*chunk);
    }

    fn frame(self) -> Result<Frame<'a>, Fault> {
        let cut = || Fault::truncated("picture ends early");
        let (left, top) = (0, 0);
        let Some(chunk) = self.lossy else {
            let chunk = self
                .lossless
                .ok_or_else(|| Fault::truncated("file ends before its picture"))?;
            if chunk.body.first() != Some(&0x2f) {
                return Err(Fault::malformed("lossless picture without its mark"));
            }
            let fields = u32_le(chunk.body, 1).ok_or_else(cut)?;
            return Ok(Frame {
                left,
                top,
                width: (fields & 0x3fff) + 1,
                height: (fields >> 14 & 0x3fff) + 1,
                is_lossy: false,
                has_alpha: fields >> 28 & 1 == 1,
                opacity: None,
                data: chunk.body,
                is_cut: chunk.is_cut,
            });
        };
        if array(chunk.body, 3).ok_or_else(cut)? != [0x9d, 1, 0x2a] || chunk.body[0] & 1 == 1 {
            return Err(Fault::malformed("lossy picture without its mark"));
        }
        let side = |at| {
            u16_le(chunk.body, at)
                .map(|side| u32::from(side & 0x3fff))
                .ok_or_else(cut)
        };
        let (width, height) = (side(6)?, side(8)?);
        if width == 0 || height == 0 {
            return Err(Fault::malformed("picture without pixels"));
        }
        Ok(Frame {
            left,
            top,
            width,
            height,
            is_lossy: true,
            has_alpha: self.opacity.is_some(),
            opacity: self.opacity.map(|chunk| chunk.body),
            data: chunk.body,
            is_cut: chunk.is_cut || self.opacity.is_some_and(|chunk| chunk.is_cut),
        })
    }
}

impl Frame<'_> {
    /// A file of nothing but this picture.
    fn as_file(&self) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
        let mut push = |kind: &[u8; 4], body: &[u8]| {
            file.extend_from_slice(kind);
            file.extend_from_slice(&(body.len() as u32).to_le_bytes());
            file.extend_from_slice(body);
            if body.len() % 2 == 1 {
                file.push(0);
            }
        };
        if let Some(opacity) = self.opacity {
            let mut header = vec![0x10, 0, 0, 0];
            header.extend_from_slice(&(self.width - 1).to_le_bytes()[..3]);
            header.extend_from_slice(&(self.height - 1).to_le_bytes()[..3]);
            push(b"VP8X", &header);
            push(b"ALPH", opacity);
        }
        push(if self.is_lossy { b"VP8 " } else { b"VP8L" }, self.data);
        let length = file.len() as u32 - 8;
        file[4..8].copy_from_slice(&length.to_le_bytes());
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk with its head.
    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut chunk = kind.to_vec();
        chunk.extend_from_slice(&(body.len() as u32).to_le_bytes());
        chunk.extend_from_slice(body);
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        chunk
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = [b"WEBP".to_vec(), chunks.concat()].concat();
        chunk(b"RIFF", &body)
    }

    /// `VP8X` or the head of `ANMF` have sizes less 1 in 3 bytes.
    fn u24(value: u32) -> [u8; 3] {
        [value as u8, (value >> 8) as u8, (value >> 16) as u8]
    }

    fn canvas(flags: u8, width: u32, height: u32) -> Vec<u8> {
        chunk(
            b"VP8X",
            &[&[flags, 0, 0, 0][..], &u24(width - 1), &u24(height - 1)].concat(),
        )
    }

    /// A lossless picture of one colour: red, green, blue, opacity.
    fn one_colour(width: u32, height: u32, rgba: [u8; 4]) -> Vec<u8> {
        let pixels: Vec<u8> = rgba.repeat((width * height) as usize);
        let encoded = webp::Encoder::from_rgba(&pixels, width, height).encode_lossless();
        let lossless = chunks(&encoded[12..])
            .find(|chunk| chunk.kind == *b"VP8L")
            .unwrap();
        chunk(b"VP8L", lossless.body)
    }

    fn animation_frame(left: u32, top: u32, width: u32, height: u32, picture: &[u8]) -> Vec<u8> {
        let head = [
            u24(left / 2),
            u24(top / 2),
            u24(width - 1),
            u24(height - 1),
            u24(40),
        ]
        .concat();
        chunk(b"ANMF", &[&head[..], &[0], picture].concat())
    }

    fn picture(bytes: &[u8]) -> Raw {
        decode_with(bytes, None, &Limits::default()).unwrap()
    }

    #[track_caller]
    fn check_fault(bytes: &[u8], expected: &str) {
        let fault = decode_with(bytes, None, &Limits::default()).unwrap_err();
        assert_eq!(fault.to_string(), expected);
    }

    #[test]
    fn a_frame_smaller_than_its_canvas_is_drawn_on_transparency() {
        let red = one_colour(1, 1, [255, 0, 0, 255]);
        let bytes = file(&[
            canvas(2, 4, 2),
            chunk(b"ANIM", &[9, 9, 9, 255, 0, 0]),
            animation_frame(2, 0, 1, 1, &red),
            animation_frame(0, 0, 1, 1, &red),
        ]);
        let header = probe(&bytes, &Limits::default()).unwrap();
        assert_eq!((header.width, header.height, header.frames), (4, 2, 2));
        assert_eq!(header.mode, ColorMode::Rgba);
        let raw = picture(&bytes);
        let (clear, red) = ([0; 4], [255, 0, 0, 255]);
        assert_eq!(
            raw.pixels,
            [clear, clear, red, clear, clear, clear, clear, clear].concat()
        );
    }

    #[test]
    fn exif_turns_the_picture_and_the_profile_is_handed_over() {
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
        let bytes = file(&[
            canvas(0x2c, 3, 2),
            chunk(b"ICCP", b"profile"),
            one_colour(3, 2, [1, 2, 3, 255]),
            chunk(b"EXIF", &[&b"Exif\0\0"[..], exif].concat()),
        ]);
        let header = probe(&bytes, &Limits::default()).unwrap();
        assert_eq!(header.icc.as_deref(), Some(&b"profile"[..]));
        assert_eq!(header.exif.as_deref(), Some(&exif[..]));
        assert_eq!(picture(&bytes).orientation.exif(), 6);
        let limits = Limits {
            icc_bytes: 6,
            ..Limits::default()
        };
        assert_eq!(probe(&bytes, &limits).unwrap().icc, None);
    }

    #[test]
    fn a_picture_of_another_size_than_its_canvas_is_malformed() {
        let bytes = file(&[canvas(0, 5, 5), one_colour(3, 2, [1, 2, 3, 255])]);
        check_fault(&bytes, "malformed: picture differs from its header");
    }

    #[test]
    fn a_frame_outside_its_canvas_is_malformed() {
        let red = one_colour(1, 1, [255, 0, 0, 255]);
        let bytes = file(&[canvas(2, 4, 2), animation_frame(4, 0, 1, 1, &red)]);
        check_fault(&bytes, "malformed: frame reaches outside its canvas");
    }

    #[test]
    fn a_file_that_is_cut_is_truncated() {
        let bytes = file(&[one_colour(64, 64, [1, 2, 3, 255])]);
        check_fault(&bytes[..12], "truncated: file ends before its picture");
        check_fault(&bytes[..24], "truncated: picture ends early");
        check_fault(&bytes[..bytes.len() - 4], "truncated: picture ends early");
    }

    #[test]
    fn a_size_beyond_the_limit_is_refused_before_it_is_decoded() {
        let mut bytes = file(&[one_colour(64, 64, [1, 2, 3, 255])]);
        // 16384 x 16384.
        bytes[21..25].copy_from_slice(&[0xff, 0xff, 0xff, 0x0f]);
        check_fault(
            &bytes,
            "limit: picture of 16384 x 16384 pixels exceeds 89478485 pixels",
        );
    }

    #[test]
    fn what_surrounds_the_picture_is_not_handed_to_the_decoder() {
        let lossless = one_colour(2, 2, [1, 2, 3, 255]);
        let bytes = file(&[
            canvas(0x20, 2, 2),
            chunk(b"ICCP", b"x"),
            lossless.clone(),
            chunk(b"XMP ", b"y"),
        ]);
        let file_read = File::read(&bytes, &Limits::default()).unwrap();
        assert_eq!(file_read.frame.as_file(), file(&[lossless]));
    }
}
