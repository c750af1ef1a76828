//! Headers that say everything in a few fields: GIF, BMP, PNM, QOI, TGA, Radiance HDR, OpenEXR.
//!
//! Source: the formats' specifications.

use gristmill_core::{Fault, Limits};

use crate::{
    ColorMode, Header, ImageFormat, Orientation,
    fields::{array, i32_le, u16_le, u32_be, u32_le},
};

/// A header without profile and EXIF, of one frame.
pub(super) fn plain(format: ImageFormat, width: u32, height: u32, mode: ColorMode, bit_depth: u8) -> Header {
    Header {
        format,
        width,
        height,
        mode,
        bit_depth,
        frames: 1,
        orientation: Orientation::UPRIGHT,
        icc: None,
        exif: None,
    }
}

fn cut(format: ImageFormat) -> Fault {
    Fault::truncated(format!("{} ends in its header", format.name()))
}

/// Reads the header of a GIF, and counts the frames whose blocks are there.
pub(super) fn gif(bytes: &[u8], limits: &Limits) -> Result<Header, Fault> {
    let (Some(width), Some(height), Some(flags)) = (u16_le(bytes, 6), u16_le(bytes, 8), bytes.get(10)) else {
        return Err(cut(ImageFormat::Gif));
    };
    let depth = (flags & 7) + 1;
    let mut header = plain(
        ImageFormat::Gif,
        u32::from(width),
        u32::from(height),
        ColorMode::Palette,
        depth,
    );
    header.frames = gif_frames(bytes, *flags, limits.image_frames).max(1);
    Ok(header)
}

fn gif_frames(bytes: &[u8], flags: u8, most: u32) -> u32 {
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3 << ((flags & 7) + 1)
        }
    };
    let skip_blocks = |mut at: usize| {
        while let Some(length) = bytes.get(at) {
            at += 1 + usize::from(*length);
            if *length == 0 {
                break;
            }
        }
        at
    };
    let mut at = 13 + table(flags);
    let mut frames = 0;
    while frames < most {
        match bytes.get(at) {
            Some(0x21) => at = skip_blocks(at + 2),
            Some(0x2c) => {
                let Some(flags) = bytes.get(at + 9) else {
                    break;
                };
                frames += 1;
                at = skip_blocks(at + 11 + table(*flags));
            }
            // Bytes of zero between blocks are met.
            Some(0) => at += 1,
            _ => break,
        }
    }
    frames
}

/// Reads the header of a BMP, with or without its file header.
pub(super) fn bmp(bytes: &[u8]) -> Result<Header, Fault> {
    let at = if bytes.starts_with(b"BM") { 14 } else { 0 };
    let fields = match u32_le(bytes, at) {
        Some(12) => u16_le(bytes, at + 4)
            .zip(u16_le(bytes, at + 6))
            .zip(u16_le(bytes, at + 10))
            .map(|((width, height), depth)| (i32::from(width), i32::from(height), depth)),
        _ => i32_le(bytes, at + 4)
            .zip(i32_le(bytes, at + 8))
            .zip(u16_le(bytes, at + 14))
            .map(|((width, height), depth)| (width, height, depth)),
    };
    let Some((width, height, depth)) = fields else {
        return Err(cut(ImageFormat::Bmp));
    };
    if width < 0 {
        return Err(Fault::malformed(format!("width of {width}")));
    }
    // The head of OS/2 2 has other fields there.
    let is_windows = u32_le(bytes, at).is_none_or(|length| length != 64);
    let has_alpha_mask = is_windows
        && depth == 32
        && u32_le(bytes, at).is_some_and(|length| length >= 56)
        && { u32_le(bytes, at + 52).is_some_and(|mask| mask != 0) };
    let (mode, bit_depth) = match depth {
        1..=8 => (ColorMode::Palette, depth as u8),
        15 | 16 => (ColorMode::Rgb, 5),
        _ if has_alpha_mask => (ColorMode::Rgba, 8),
        _ => (ColorMode::Rgb, 8),
    };
    Ok(plain(
        ImageFormat::Bmp,
        width as u32,
        height.unsigned_abs(),
        mode,
        bit_depth,
    ))
}

/// A BMP whose header is one of OS/2 2, of 16 to 64 bytes, with the header of Windows 3, which begins alike; none for
/// others.
pub(super) fn bmp_of_windows(bytes: &[u8]) -> Option<Vec<u8>> {
    const FILE: usize = 14;
    const WINDOWS: usize = 40;
    let length = u32_le(bytes, FILE)? as usize;
    if !bytes.starts_with(b"BM") || !(16..=64).contains(&length) || matches!(length, 40 | 52 | 56) {
        return None;
    }
    let fields = bytes.get(FILE + 4..FILE + length)?;
    let pixels = (u32_le(bytes, 10)? as usize + WINDOWS).checked_sub(length)?;
    let mut file = bytes[..10].to_vec();
    file.extend_from_slice(&(pixels as u32).to_le_bytes());
    file.extend_from_slice(&(WINDOWS as u32).to_le_bytes());
    file.extend(
        fields
            .iter()
            .copied()
            .chain(std::iter::repeat(0))
            .take(WINDOWS - 4),
    );
    file.extend_from_slice(&bytes[FILE + length..]);
    Some(file)
}

/// Reads the header of a PBM, PGM, PPM, PAM or PFM.
pub(super) fn pnm(bytes: &[u8]) -> Result<Header, Fault> {
    let kind = bytes[1];
    if kind == b'7' {
        return pam(bytes);
    }
    let mut words = Words { bytes, at: 2 };
    let mut number = || -> Result<u32, Fault> {
        let word = words.next().ok_or_else(|| cut(ImageFormat::Pnm))?;
        std::str::from_utf8(word)
            .ok()
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| Fault::malformed("size in the header is no number"))
    };
    let (width, height) = (number()?, number()?);
    let (mode, bit_depth) = match kind {
        b'1' | b'4' => (ColorMode::Gray, 1),
        b'F' => (ColorMode::Rgb, 32),
        b'f' => (ColorMode::Gray, 32),
        b'2' | b'5' => (ColorMode::Gray, depth(number()?)),
        _ => (ColorMode::Rgb, depth(number()?)),
    };
    Ok(plain(ImageFormat::Pnm, width, height, mode, bit_depth))
}

/// The scale of a PFM, whose sign tells the byte order, and the bytes behind the header.
pub(super) fn pfm_scale(bytes: &[u8]) -> Result<(f32, &[u8]), Fault> {
    let mut words = Words { bytes, at: 2 };
    let scale = words
        .nth(2)
        .and_then(|word| std::str::from_utf8(word).ok())
        .and_then(|word| word.parse::<f32>().ok())
        .ok_or_else(|| Fault::malformed("scale in the header is no number"))?;
    // One white space ends the header.
    Ok((scale, bytes.get(words.at + 1..).unwrap_or_default()))
}

/// Bits of a sample that is at most `max`.
fn depth(max: u32) -> u8 {
    (u32::BITS - max.leading_zeros()).max(1) as u8
}

fn pam(bytes: &[u8]) -> Result<Header, Fault> {
    let words: Vec<&[u8]> = Words { bytes, at: 2 }
        .take_while(|word| *word != b"ENDHDR")
        .take(64)
        .collect();
    let field = |name: &[u8]| {
        let at = words.iter().position(|word| *word == name)?;
        std::str::from_utf8(words.get(at + 1)?).ok()?.parse::<u32>().ok()
    };
    let (Some(width), Some(height), Some(channels), Some(max)) = (
        field(b"WIDTH"),
        field(b"HEIGHT"),
        field(b"DEPTH"),
        field(b"MAXVAL"),
    ) else {
        return Err(Fault::malformed("pam header lacks a field"));
    };
    let mode = match channels {
        1 => ColorMode::Gray,
        2 => ColorMode::GrayAlpha,
        3 => ColorMode::Rgb,
        4 => ColorMode::Rgba,
        other => return Err(Fault::unsupported(format!("pam of {other} channels"))),
    };
    Ok(plain(ImageFormat::Pnm, width, height, mode, depth(max)))
}

/// Words between white space and comments.
struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Longest header that words are looked for in.
const WORDS: usize = 1 << 16;

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let bytes = &self.bytes[..self.bytes.len().min(WORDS)];
        loop {
            match bytes.get(self.at)? {
                b'#' => {
                    let line = bytes[self.at..]
                        .iter()
                        .position(|byte| matches!(byte, b'\n' | b'\r'))?;
                    self.at += line;
                }
                byte if byte.is_ascii_whitespace() => self.at += 1,
                _ => break,
            }
        }
        let rest = &bytes[self.at..];
        let end = rest
            .iter()
            .position(|byte| byte.is_ascii_whitespace() || *byte == b'#')
            .unwrap_or(rest.len());
        self.at += end;
        Some(&rest[..end])
    }
}

/// Reads the header of a QOI.
pub(super) fn qoi(bytes: &[u8]) -> Result<Header, Fault> {
    let (Some(width), Some(height), Some(channels)) = (u32_be(bytes, 4), u32_be(bytes, 8), bytes.get(12))
    else {
        return Err(cut(ImageFormat::Qoi));
    };
    let mode = match channels {
        3 => ColorMode::Rgb,
        4 => ColorMode::Rgba,
        other => return Err(Fault::malformed(format!("qoi of {other} channels"))),
    };
    Ok(plain(ImageFormat::Qoi, width, height, mode, 8))
}

/// Reads the header of a TGA.
pub(super) fn tga(bytes: &[u8]) -> Result<Header, Fault> {
    let Some(head) = array::<18>(bytes, 0) else {
        return Err(cut(ImageFormat::Tga));
    };
    let (kind, depth, alpha) = (head[2], head[16], head[17] & 0x0f);
    let (mode, bit_depth) = match (kind, depth) {
        (1 | 9, _) => (ColorMode::Palette, depth),
        (3 | 11, 16) => (ColorMode::GrayAlpha, 8),
        (3 | 11, _) => (ColorMode::Gray, depth),
        (_, 15 | 16) => (ColorMode::Rgb, 5),
        (_, 32) if alpha > 0 => (ColorMode::Rgba, 8),
        _ => (ColorMode::Rgb, 8),
    };
    let side = |at: usize| u32::from(u16::from_le_bytes([head[at], head[at + 1]]));
    Ok(plain(ImageFormat::Tga, side(12), side(14), mode, bit_depth))
}

/// Reads the header of a Radiance picture, whose rows run from the top.
pub(super) fn hdr(bytes: &[u8]) -> Result<Header, Fault> {
    let head = &bytes[..bytes.len().min(WORDS)];
    let size = head
        .split(|byte| *byte == b'\n')
        .skip_while(|line| !line.trim_ascii().is_empty())
        .nth(1)
        .ok_or_else(|| cut(ImageFormat::Hdr))?;
    let words: Vec<&str> = std::str::from_utf8(size)
        .map(|size| size.split_whitespace().collect())
        .unwrap_or_default();
    match words[..] {
        ["-Y", height, "+X", width] => match (width.parse(), height.parse()) {
            (Ok(width), Ok(height)) => Ok(plain(ImageFormat::Hdr, width, height, ColorMode::Rgb, 8)),
            _ => Err(Fault::malformed("size in the header is no number")),
        },
        [_, _, _, _] => Err(Fault::unsupported("rows that do not run from the top left")),
        _ => Err(Fault::malformed("no size line after the header")),
    }
}

/// Most attributes of an OpenEXR header that are looked at.
const ATTRIBUTES: usize = 1024;

/// Reads the header of the first part of an OpenEXR file.
pub(super) fn exr(bytes: &[u8]) -> Result<Header, Fault> {
    let mut at = 8;
    let (mut size, mut mode, mut bit_depth) = (None, ColorMode::Rgb, 16);
    for _ in 0..ATTRIBUTES {
        let name = word(bytes, &mut at)?;
        if name.is_empty() {
            break;
        }
        let _kind = word(bytes, &mut at)?;
        let length = u32_le(bytes, at).ok_or_else(|| cut(ImageFormat::Exr))? as usize;
        let value = bytes
            .get(at + 4..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(|| cut(ImageFormat::Exr))?;
        at += 4 + length;
        match name {
            b"displayWindow" => size = window(value),
            b"channels" => (mode, bit_depth) = channels(value),
            _ => {}
        }
    }
    let (width, height) = size.ok_or_else(|| Fault::malformed("exr header has no display window"))?;
    Ok(plain(ImageFormat::Exr, width, height, mode, bit_depth))
}

/// A word that ends with a zero, of at most 255 bytes.
fn word<'a>(bytes: &'a [u8], at: &mut usize) -> Result<&'a [u8], Fault> {
    let rest = bytes.get(*at..).unwrap_or_default();
    let end = rest
        .iter()
        .take(256)
        .position(|byte| *byte == 0)
        .ok_or_else(|| cut(ImageFormat::Exr))?;
    *at += end + 1;
    Ok(&rest[..end])
}

fn window(value: &[u8]) -> Option<(u32, u32)> {
    let side = |from: usize, to: usize| {
        let length = i64::from(i32_le(value, to)?) - i64::from(i32_le(value, from)?) + 1;
        u32::try_from(length).ok()
    };
    side(0, 8).zip(side(4, 12))
}

fn channels(value: &[u8]) -> (ColorMode, u8) {
    let (mut at, mut bit_depth) = (0, 16);
    let mut names = Vec::new();
    while let Ok(name) = word(value, &mut at)
        && !name.is_empty()
        && names.len() < ATTRIBUTES
    {
        // 1 is half a float, the others are of 32 bits.
        if u32_le(value, at).is_some_and(|kind| kind != 1) {
            bit_depth = 32;
        }
        names.push(name);
        at += 16;
    }
    let has = |name: &[u8]| names.contains(&name);
    let mode = match (has(b"R") || has(b"G") || has(b"B"), has(b"A")) {
        (true, true) => ColorMode::Rgba,
        (true, false) => ColorMode::Rgb,
        (false, true) => ColorMode::GrayAlpha,
        (false, false) => ColorMode::Gray,
    };
    (mode, bit_depth)
}
