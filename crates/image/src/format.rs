//! Formats of images, found from their bytes.
//!
//! Names and declared types lie, so only bytes count. TGA has no magic bytes at its start: a file is TGA when its
//! header fits together and nothing else claims it.
//!
//! Source: the signatures of the formats' specifications; for AVIF and HEIC the brands of ISO 23008-12 and of the
//! AVIF specification.

use crate::fields::{u16_le, u32_be, u32_le};

/// A format of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// JPEG (ISO 10918), baseline and progressive.
    Jpeg,
    /// PNG and APNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// AVIF.
    Avif,
    /// HEIC: HEIF with HEVC.
    Heic,
    /// JPEG XL.
    JpegXl,
    /// TIFF and BigTIFF.
    Tiff,
    /// BMP, also without its file header.
    Bmp,
    /// ICO and CUR.
    Ico,
    /// PBM, PGM, PPM, PAM and PFM.
    Pnm,
    /// QOI.
    Qoi,
    /// Truevision TGA, which has no magic bytes at its start.
    Tga,
    /// Radiance HDR.
    Hdr,
    /// OpenEXR.
    Exr,
}

impl ImageFormat {
    /// The format of `bytes`; none where they begin like no format of the list.
    pub fn of(bytes: &[u8]) -> Option<ImageFormat> {
        let signed = SIGNATURES
            .iter()
            .find(|(signature, _)| bytes.starts_with(signature))
            .map(|(_, format)| *format);
        signed
            .or_else(|| is_webp(bytes).then_some(ImageFormat::Webp))
            .or_else(|| of_brands(bytes))
            .or_else(|| is_bmp(bytes).then_some(ImageFormat::Bmp))
            .or_else(|| is_icon(bytes).then_some(ImageFormat::Ico))
            .or_else(|| is_pnm(bytes).then_some(ImageFormat::Pnm))
            .or_else(|| is_tga(bytes).then_some(ImageFormat::Tga))
    }

    /// The word in columns.
    pub fn name(self) -> &'static str {
        match self {
            ImageFormat::Jpeg => "jpeg",
            ImageFormat::Png => "png",
            ImageFormat::Gif => "gif",
            ImageFormat::Webp => "webp",
            ImageFormat::Avif => "avif",
            ImageFormat::Heic => "heic",
            ImageFormat::JpegXl => "jxl",
            ImageFormat::Tiff => "tiff",
            ImageFormat::Bmp => "bmp",
            ImageFormat::Ico => "ico",
            ImageFormat::Pnm => "pnm",
            ImageFormat::Qoi => "qoi",
            ImageFormat::Tga => "tga",
            ImageFormat::Hdr => "hdr",
            ImageFormat::Exr => "exr",
        }
    }

    /// The ending of file names, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            ImageFormat::Jpeg => "jpg",
            other => other.name(),
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            ImageFormat::Jpeg => "image/jpeg",
            ImageFormat::Png => "image/png",
            ImageFormat::Gif => "image/gif",
            ImageFormat::Webp => "image/webp",
            ImageFormat::Avif => "image/avif",
            ImageFormat::Heic => "image/heic",
            ImageFormat::JpegXl => "image/jxl",
            ImageFormat::Tiff => "image/tiff",
            ImageFormat::Bmp => "image/bmp",
            ImageFormat::Ico => "image/x-icon",
            ImageFormat::Pnm => "image/x-portable-anymap",
            ImageFormat::Qoi => "image/qoi",
            ImageFormat::Tga => "image/x-tga",
            ImageFormat::Hdr => "image/vnd.radiance",
            ImageFormat::Exr => "image/x-exr",
        }
    }
}

/// What bytes that are no format of the list begin like, for a fault.
pub(crate) fn name_of_other(bytes: &[u8]) -> Option<&'static str> {
    OTHERS
        .iter()
        .find(|(signature, _)| bytes.starts_with(signature))
        .map(|(_, name)| *name)
}

const SIGNATURES: &[(&[u8], ImageFormat)] = &[
    (b"\xff\xd8\xff", ImageFormat::Jpeg),
    (b"\x89PNG\r\n\x1a\n", ImageFormat::Png),
    (b"GIF87a", ImageFormat::Gif),
    (b"GIF89a", ImageFormat::Gif),
    (b"\xff\x0a", ImageFormat::JpegXl),
    (b"\0\0\0\x0cJXL \r\n\x87\n", ImageFormat::JpegXl),
    (b"II*\0", ImageFormat::Tiff),
    (b"MM\0*", ImageFormat::Tiff),
    (b"II+\0\x08\0\0\0", ImageFormat::Tiff),
    (b"MM\0+\0\x08\0\0", ImageFormat::Tiff),
    (b"qoif", ImageFormat::Qoi),
    (b"#?RADIANCE", ImageFormat::Hdr),
    (b"#?RGBE", ImageFormat::Hdr),
    (b"\x76\x2f\x31\x01", ImageFormat::Exr),
];

const OTHERS: &[(&[u8], &str)] = &[
    (b"8BPS", "Photoshop"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"DDS ", "DDS"),
    (b"BLP1", "BLP"),
    (b"BLP2", "BLP"),
    (b"farbfeld", "farbfeld"),
    (b"gimp xcf", "XCF"),
    (b"II\xbc", "JPEG XR"),
    (b"%PDF-", "PDF"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML"),
    (b"\x1f\x8b", "gzip"),
];

fn is_webp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP")
}

/// Most brands of a file type box that are looked at.
const BRANDS: usize = 64;

/// AVIF and HEIC, by the major brand first and the compatible ones second.
fn of_brands(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.get(4..8) != Some(b"ftyp") {
        return None;
    }
    let length = (u32_be(bytes, 0)? as usize).min(bytes.len());
    let major = bytes.get(8..12)?;
    let (compatible, _) = bytes.get(16..length).unwrap_or_default().as_chunks::<4>();
    let of = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some(ImageFormat::Avif),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(ImageFormat::Heic)
        }
        _ => None,
    };
    // A structure without a codec's brand: the decoder of HEIF says what is in it.
    let is_structure = |brand: &[u8]| matches!(brand, b"mif1" | b"mif2" | b"msf1");
    let brands = || compatible.iter().take(BRANDS).map(<[u8; 4]>::as_slice);
    of(major)
        .or_else(|| brands().find_map(of))
        .or_else(|| (is_structure(major) || brands().any(is_structure)).then_some(ImageFormat::Heic))
}

fn is_bmp(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"BM") {
        return u32_le(bytes, 14).is_some_and(|length| matches!(length, 12..=256));
    }
    // Without a file header: the header of Windows 3 and later, one plane, a known depth.
    let is_header = matches!(u32_le(bytes, 0), Some(40 | 108 | 124));
    let is_sized =
        matches!((u32_le(bytes, 4), u32_le(bytes, 8)), (Some(1..0x8000), Some(height)) if height != 0);
    is_header
        && is_sized
        && u16_le(bytes, 12) == Some(1)
        && matches!(u16_le(bytes, 14), Some(1 | 4 | 8 | 16 | 24 | 32))
}

fn is_icon(bytes: &[u8]) -> bool {
    let is_head = matches!(bytes, [0, 0, 1 | 2, 0, ..]);
    let count = u16_le(bytes, 4).unwrap_or(0);
    let directory = 6 + 16 * u32::from(count);
    is_head
        && count > 0
        && u32_le(bytes, 14).is_some_and(|length| length > 0)
        && u32_le(bytes, 18).is_some_and(|offset| offset >= directory)
}

fn is_pnm(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'1'..=b'7' | b'F' | b'f', space, ..] if space.is_ascii_whitespace() || *space == b'#')
}

fn is_tga(bytes: &[u8]) -> bool {
    let Some(head) = bytes.first_chunk::<18>() else {
        return false;
    };
    let [_, has_map, kind, ..] = *head;
    let (map_length, map_depth) = (u16_le(head, 5), head[7]);
    let (width, height, depth, descriptor) = (u16_le(head, 12), u16_le(head, 14), head[16], head[17]);
    let is_mapped = has_map == 1 && map_length != Some(0) && matches!(map_depth, 15 | 16 | 24 | 32);
    let is_unmapped = has_map == 0 || is_mapped;
    let is_kind = match kind {
        1 | 9 => is_mapped && matches!(depth, 8 | 16),
        2 | 10 => is_unmapped && matches!(depth, 15 | 16 | 24 | 32),
        3 | 11 => is_unmapped && matches!(depth, 8 | 16),
        _ => false,
    };
    is_kind && width != Some(0) && height != Some(0) && descriptor & 0xc0 == 0 && descriptor & 0x0f <= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<ImageFormat>) {
        assert_eq!(ImageFormat::of(bytes), expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn signatures_tell_formats() {
        check(b"\xff\xd8\xff\xe0", Some(ImageFormat::Jpeg));
        check(b"\x89PNG\r\n\x1a\n", Some(ImageFormat::Png));
        check(b"RIFF....WEBPVP8 ", Some(ImageFormat::Webp));
        check(b"RIFF....WAVEfmt ", None);
        check(b"P6 1 1 255 ", Some(ImageFormat::Pnm));
        check(b"P7#", Some(ImageFormat::Pnm));
        check(b"P8 1", None);
        check(b"PF\n1 1\n-1\n", Some(ImageFormat::Pnm));
        check(b"", None);
    }

    #[test]
    fn brands_tell_avif_from_heic() {
        check(b"\0\0\0\x14ftypavif\0\0\0\0mif1", Some(ImageFormat::Avif));
        check(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Some(ImageFormat::Avif));
        check(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Some(ImageFormat::Heic));
        check(b"\0\0\0\x14ftypmif1\0\0\0\0mif1", Some(ImageFormat::Heic));
        check(b"\0\0\0\x14ftypisom\0\0\0\0mp41", None);
        check(b"\xff\xff\xff\xffftypisom\0\0\0\0avif", Some(ImageFormat::Avif));
    }

    #[test]
    fn a_tga_header_has_to_fit_together() {
        let gray = [0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 8, 0];
        check(&gray, Some(ImageFormat::Tga));
        let empty = [0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 8, 0];
        check(&empty, None);
        let mapless = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 8, 0];
        check(&mapless, None);
        check(b"<p>an ordinary paragraph</p>", None);
    }

    #[test]
    fn an_icon_names_where_its_first_picture_is() {
        let mut icon = [0; 22];
        icon[2] = 1;
        icon[4] = 1;
        icon[14] = 40;
        icon[18] = 22;
        check(&icon, Some(ImageFormat::Ico));
        icon[18] = 21;
        check(&icon, None);
    }
}
