//! What pictures become, from file to upright sRGB.

use gristmill_core::{FaultKind, Limits};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress, compress_progressive, compress_with_metadata};
use moxcms::ColorProfile;

use super::*;
use crate::Channels;

/// A JPEG of `width` by `height` pixels that differ from left to right.
fn jpeg(width: usize, height: usize) -> Vec<u8> {
    compress(
        &slope(width, height),
        width,
        height,
        PixelFormat::Rgb,
        90,
        Subsampling::S420,
    )
    .unwrap()
}

fn slope(width: usize, height: usize) -> Vec<u8> {
    let pixel = |at: usize| {
        [
            (at % width * 255 / width) as u8,
            100,
            (at / width * 255 / height) as u8,
        ]
    };
    (0..width * height).flat_map(pixel).collect()
}

fn png(width: u32, height: u32, pixels: &[u8], kind: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file)
        .write_image(pixels, width, height, kind)
        .unwrap();
    file
}

/// An EXIF block that says an orientation.
fn exif_of(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

fn decoded(bytes: &[u8], scale: Scale) -> Decoded {
    decode(bytes, scale, &Limits::default()).unwrap()
}

fn size(decoded: &Decoded) -> (u32, u32) {
    (decoded.picture.width, decoded.picture.height)
}

#[test]
fn a_jpeg_is_decoded_at_the_smallest_scale_that_suffices() {
    let file = jpeg(2100, 1040);
    for (scale, expected) in [
        (Scale::Full, (2100, 1040)),
        (Scale::LongestAtLeast(512), (525, 260)),
        (Scale::LongestAtLeast(526), (2100, 1040)),
        (Scale::ShortestAtLeast(260), (525, 260)),
        (Scale::ShortestAtLeast(130), (263, 130)),
        (Scale::LongestAtMost(512), (512, 254)),
    ] {
        let decoded = decoded(&file, scale);
        assert_eq!(size(&decoded), expected, "{scale:?}");
        assert_eq!((decoded.header.width, decoded.header.height), (2100, 1040));
    }
}

#[test]
fn orientation_is_applied_after_scaling_down() {
    let pixels = slope(1200, 600);
    let block = exif_of(6);
    let file = compress_with_metadata(
        &pixels,
        1200,
        600,
        PixelFormat::Rgb,
        90,
        Subsampling::S444,
        None,
        Some(&block),
    )
    .unwrap();
    let decoded = decoded(&file, Scale::LongestAtMost(512));
    assert_eq!(decoded.header.orientation.exif(), 6);
    assert_eq!(decoded.header.upright(), (600, 1200));
    assert_eq!(size(&decoded), (256, 512));
    // Red grew to the right, and now grows downwards.
    let red = |row: usize| decoded.picture.pixels[row * 256 * 3];
    assert!(red(500) > red(10) + 200, "{} {}", red(10), red(500));
    let stored = decode_as_stored(&file, &Limits::default()).unwrap();
    assert_eq!(size(&stored), (1200, 600));
}

#[test]
fn a_jpeg_cut_short_is_kept_and_marked() {
    for file in [
        jpeg(400, 400),
        compress_progressive(
            &slope(400, 400),
            400,
            400,
            PixelFormat::Rgb,
            90,
            Subsampling::S420,
        )
        .unwrap(),
    ] {
        assert!(!decoded(&file, Scale::Full).is_truncated);
        let half = decoded(&file[..file.len() / 2], Scale::Full);
        assert!(half.is_truncated);
        assert_eq!(size(&half), (400, 400));
        let top = &half.picture.pixels[..3];
        assert!(top[0] < 40 && top[1].abs_diff(100) < 40, "{top:?}");
        let fault = decode(&file[..100], Scale::Full, &Limits::default()).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Truncated);
    }
}

#[test]
fn ink_becomes_light() {
    // Stored as Adobe does: 255 is no ink.
    let pixels = [255, 0, 255, 255].repeat(64);
    let file = compress(&pixels, 8, 8, PixelFormat::Cmyk, 100, Subsampling::S444).unwrap();
    let decoded = decoded(&file, Scale::Full);
    assert_eq!(decoded.header.mode, crate::ColorMode::Cmyk);
    let pixel = &decoded.picture.pixels[..3];
    assert!(pixel[0] > 250 && pixel[1] < 5 && pixel[2] > 250, "{pixel:?}");
}

#[test]
fn a_profile_is_applied_and_a_broken_one_is_told() {
    let pixels = [200, 100, 50].repeat(64);
    let with = |icc: &[u8]| {
        let file = compress_with_metadata(
            &pixels,
            8,
            8,
            PixelFormat::Rgb,
            100,
            Subsampling::S444,
            Some(icc),
            None,
        );
        decoded(&file.unwrap(), Scale::Full)
    };
    let plain = with(&ColorProfile::new_srgb().encode().unwrap());
    assert!(plain.header.icc.is_some() && !plain.is_profile_broken);
    let wide = with(&ColorProfile::new_display_p3().encode().unwrap());
    assert!(!wide.is_profile_broken);
    let (plain, wide) = (&plain.picture.pixels[..3], &wide.picture.pixels[..3]);
    assert!(plain[0].abs_diff(200) < 3, "{plain:?}");
    // What is not at the border of P3 is redder in sRGB.
    assert!(
        wide[0] > plain[0] + 5 && wide[1] < plain[1],
        "{wide:?} of {plain:?}"
    );
    let broken = with(&[7; 200]);
    assert!(broken.is_profile_broken);
    assert_eq!(broken.picture.pixels[..3], *plain);
}

#[test]
fn a_png_cut_short_keeps_its_rows() {
    let noise: Vec<u8> = (0..300 * 300u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let file = png(300, 300, &noise, ExtendedColorType::L8);
    let half = decoded(&file[..file.len() / 2], Scale::Full);
    assert!(half.is_truncated);
    assert_eq!(half.picture.pixels[0], noise[0]);
    assert_eq!(half.picture.pixels[300 * 300 * 3 - 1], 0);
    let fault = decode(&file[..60], Scale::Full, &Limits::default()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Truncated, "{fault}");
}

#[test]
fn sixteen_bits_keep_their_high_byte_and_alpha_is_seen() {
    let samples: Vec<u8> = [0x12ff_u16, 0x8000, 0xffff, 0x00ff]
        .iter()
        .flat_map(|sample| sample.to_ne_bytes())
        .collect();
    let decoded = decoded(&png(1, 1, &samples, ExtendedColorType::Rgba16), Scale::Full);
    assert_eq!(decoded.picture.channels, Channels::Rgba);
    assert_eq!(decoded.picture.pixels, [0x12, 0x80, 0xff, 0x00]);
    assert_eq!((decoded.header.bit_depth, decoded.has_alpha), (16, true));
}

#[test]
fn a_size_that_lies_is_refused_before_memory_is_taken() {
    let mut file = png(1, 1, &[0], ExtendedColorType::L8);
    file[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let fault = decode(&file, Scale::Full, &Limits::default()).unwrap_err();
    assert_eq!(fault.to_string(), "limit: 65535 x 65535 pixels exceed 128000000");
    assert_eq!(probe(&file, &Limits::default()).unwrap().width, 65535);
}

#[test]
fn a_profile_that_is_larger_unpacked_than_allowed_is_not_read() {
    let limits = Limits {
        icc_bytes: 100,
        ..Limits::default()
    };
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new(&mut file);
    encoder.set_icc_profile(profile.clone()).unwrap();
    encoder.write_image(&[0], 1, 1, ExtendedColorType::L8).unwrap();
    assert_eq!(probe(&file, &limits).unwrap().icc, None);
    assert_eq!(probe(&file, &Limits::default()).unwrap().icc, Some(profile));
}

#[test]
fn no_bytes_and_other_formats_are_told() {
    let fault = |bytes: &[u8]| {
        decode(bytes, Scale::Full, &Limits::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(fault(b""), "truncated: no bytes");
    assert_eq!(
        fault(b"8BPS\0\x01"),
        "unsupported: Photoshop is not a format that is read"
    );
    assert_eq!(fault(b"hello"), "unsupported: bytes begin like no image");
}

/// No way to cut or change a file makes it panic, and none takes long.
#[test]
fn damaged_files_are_faults_or_pictures() {
    let pixels = slope(24, 16);
    let mut files = vec![
        jpeg(24, 16),
        compress_progressive(&pixels, 24, 16, PixelFormat::Rgb, 80, Subsampling::S420).unwrap(),
        png(24, 16, &pixels, ExtendedColorType::Rgb8),
    ];
    for format in [
        image::ImageFormat::Gif,
        image::ImageFormat::Bmp,
        image::ImageFormat::Tiff,
        image::ImageFormat::Ico,
        image::ImageFormat::Tga,
        image::ImageFormat::Qoi,
        image::ImageFormat::Pnm,
        image::ImageFormat::Hdr,
        image::ImageFormat::OpenExr,
    ] {
        let picture = image::RgbImage::from_raw(24, 16, pixels.clone()).unwrap();
        let picture = image::DynamicImage::ImageRgb8(picture);
        let picture = match format {
            image::ImageFormat::Hdr | image::ImageFormat::OpenExr => picture.into_rgb32f().into(),
            image::ImageFormat::Ico => picture.into_rgba8().into(),
            _ => picture,
        };
        let mut file = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut file, format).unwrap();
        files.push(file.into_inner());
    }
    let limits = Limits {
        image_pixels: 1 << 20,
        image_bytes: 16 << 20,
        ..Limits::default()
    };
    let check = |bytes: &[u8]| {
        if let Err(fault) = decode(bytes, Scale::LongestAtMost(512), &limits) {
            assert_ne!(
                fault.kind,
                FaultKind::Internal,
                "{fault}: {}",
                bytes.escape_ascii()
            );
        }
    };
    let mut random = 1u64;
    for file in &files {
        let whole = decode(file, Scale::Full, &limits).unwrap();
        assert_eq!((size(&whole), whole.is_truncated), ((24, 16), false));
        (0..file.len())
            .step_by(file.len() / 60 + 1)
            .for_each(|end| check(&file[..end]));
        for _ in 0..200 {
            let mut damaged = file.clone();
            for _ in 0..3 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (random >> 33) as usize % damaged.len().min(400);
                damaged[at] = (random >> 20) as u8;
            }
            check(&damaged);
        }
    }
}
