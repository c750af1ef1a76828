//! Formats of images, found from their bytes.

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
    /// TIFF.
    Tiff,
    /// BMP, also without its file header.
    Bmp,
    /// ICO and CUR.
    Ico,
    /// PBM, PGM, PPM, PAM.
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
