//! Edits: sizes are those of img2dataset, pixels and metadata are what was asked for.
//!
//! `golden/make_sizes.py` wrote the sizes.

#![allow(clippy::unwrap_used)]

use std::{io::Cursor, sync::Arc};

use arrow_array::{Array, ArrayRef, BinaryViewArray, StringViewArray, cast::AsArray, types::UInt32Type};
use exif::{Field, In, Reader, Tag, Value, experimental::Writer};
use gristmill_core::{FaultKind, Limits};
use gristmill_image::{
    Channels, ColorMode, EDITS, EXTRACTORS, ImageFormat, Picture, Scale, decode,
    edit::{Encode, Encoding, ExifPolicy, Filter, Resize, ResizeMode},
    probe,
};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use libjpeg_turbo_rs::{Encoder, PixelFormat};
use moxcms::ColorProfile;
use serde_json::Value as Json;

const SIZES: &str = include_str!("golden/sizes.jsonl");
const PNG: Encoding = Encoding::Png { compression: 1 };
const JPEG: Encoding = Encoding::Jpeg { quality: 90 };
const AVIF: Encoding = Encoding::Avif {
    quality: 90,
    speed: 10,
};
const EACH: [Encoding; 4] = [JPEG, PNG, Encoding::Webp { quality: 90 }, Encoding::WebpLossless];

#[test]
fn sizes_are_those_of_img2dataset() {
    for line in SIZES.lines() {
        let golden: Json = serde_json::from_str(line).unwrap();
        let mode = match golden["mode"].as_str().unwrap() {
            "no" => ResizeMode::No,
            "keep_ratio" => ResizeMode::KeepRatio,
            "keep_ratio_largest" => ResizeMode::KeepRatioLargest,
            "center_crop" => ResizeMode::CenterCrop,
            "border" => ResizeMode::Border,
            other => panic!("mode {other}"),
        };
        let resize = Resize {
            only_if_bigger: golden["only_if_bigger"].as_bool().unwrap(),
            ..resize(mode, golden["side"].as_u64().unwrap() as u32, PNG)
        };
        for sizes in golden["sizes"].as_array().unwrap() {
            let sides: Vec<u32> = sizes
                .as_array()
                .unwrap()
                .iter()
                .map(|side| side.as_u64().unwrap() as u32)
                .collect();
            let file = png(&flat(sides[0], sides[1], &[1, 2, 3]));
            let resized = resize.apply(&file, &Limits::default()).unwrap();
            let header = probe(resized.as_ref().unwrap_or(&file), &Limits::default()).unwrap();
            assert_eq!(
                [header.width, header.height],
                sides[2..],
                "{resize:?} of {sides:?}"
            );
            assert_eq!(
                resized.is_none(),
                sides[..2] == sides[2..],
                "{resize:?} of {sides:?}"
            );
        }
    }
}

#[test]
fn a_border_has_the_background_and_a_crop_the_middle() {
    let mut bordered = resize(ResizeMode::Border, 60, PNG);
    bordered.encode.background = [9, 8, 7];
    let picture = edited(&bordered, &png(&flat(120, 60, &[200, 100, 50])));
    assert_eq!(pixel(&picture, 30, 14), [9, 8, 7]);
    assert_eq!(pixel(&picture, 30, 15), [200, 100, 50]);
    assert_eq!(pixel(&picture, 59, 44), [200, 100, 50]);
    assert_eq!(pixel(&picture, 59, 45), [9, 8, 7]);

    // Thirds of red, green and blue, from left to right.
    let mut thirds = flat(300, 100, &[0, 0, 0]);
    for (at, sample) in thirds.pixels.iter_mut().enumerate() {
        *sample = if at / 3 % 300 / 100 == at % 3 { 255 } else { 0 };
    }
    let picture = edited(&resize(ResizeMode::CenterCrop, 50, PNG), &png(&thirds));
    assert_eq!((picture.width, picture.height), (50, 50));
    for x in [2, 25, 47] {
        let [red, green, blue] = pixel(&picture, x, 25) else {
            panic!("a pixel has three channels");
        };
        // Lanczos rings beside the neighbouring thirds.
        assert!(*red < 20 && *green > 235 && *blue < 20, "column {x}");
    }
}

#[test]
fn a_file_that_is_as_wanted_stays() {
    for encoding in EACH {
        let file = Encode::new(encoding)
            .apply(&png(&slopes(Channels::Rgb)), &Limits::default())
            .unwrap();
        let file = file.unwrap_or_else(|| png(&slopes(Channels::Rgb)));
        assert_eq!(
            probe(&file, &Limits::default()).unwrap().format,
            encoding.format()
        );
        assert_eq!(Encode::new(encoding).apply(&file, &Limits::default()), Ok(None));
        let again = Encode {
            only_if_needed: false,
            ..Encode::new(encoding)
        };
        assert!(
            again.apply(&file, &Limits::default()).unwrap().is_some(),
            "{encoding:?}"
        );
        let smaller = Resize {
            only_if_bigger: true,
            ..resize(ResizeMode::KeepRatio, 200, encoding)
        };
        assert_eq!(smaller.apply(&file, &Limits::default()), Ok(None));
    }
}

#[test]
fn every_format_keeps_the_picture() {
    for (encoding, most) in EACH.iter().zip([6, 0, 8, 0]) {
        for channels in [Channels::Rgb, Channels::Rgba] {
            let picture = slopes(channels);
            let encode = Encode {
                only_if_needed: false,
                ..Encode::new(*encoding)
            };
            let file = encode.apply(&png(&picture), &Limits::default()).unwrap().unwrap();
            let found = decode(&file, Scale::Full, &Limits::default()).unwrap().picture;
            let expected = if encoding.format() == ImageFormat::Jpeg {
                over_white(&picture)
            } else {
                picture
            };
            assert_eq!(found.channels, expected.channels, "{encoding:?}");
            assert_eq!((found.width, found.height), (expected.width, expected.height));
            // Where a picture is transparent its colour is free.
            let far = found
                .pixels
                .chunks(channels_of(&found))
                .zip(expected.pixels.chunks(channels_of(&expected)))
                .filter(|(_, expected)| expected.len() == 3 || expected[3] > 200)
                .flat_map(|(found, expected)| found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)))
                .max();
            assert!(far <= Some(most), "{encoding:?}, {channels:?}: {far:?}");
        }
    }
}

#[test]
fn avif_has_the_size_opacity_and_exif() {
    for (file, exif) in [
        (jpeg_with_exif(), ExifPolicy::Strip),
        (png_with_exif(), ExifPolicy::Keep),
    ] {
        let encode = Encode {
            exif,
            ..Encode::new(AVIF)
        };
        let avif = encode.apply(&file, &Limits::default()).unwrap().unwrap();
        assert_eq!(&avif[4..12], b"ftypavif");
        let after = |name: &[u8]| avif.windows(name.len()).position(|four| four == name);
        let (width, height) = probe(&file, &Limits::default()).unwrap().upright();
        let size = &avif[after(b"ispe").unwrap() + 8..][..8];
        assert_eq!(size, [width.to_be_bytes(), height.to_be_bytes()].concat());
        assert_eq!(
            after(b"auxC").is_some(),
            exif == ExifPolicy::Keep,
            "opacity of {width} x {height}"
        );
        assert_eq!(after(b"A Miller").is_some(), exif == ExifPolicy::Keep);
    }
}

#[test]
fn orientation_becomes_pixels() {
    let file = jpeg_with_exif();
    assert_eq!(probe(&file, &Limits::default()).unwrap().upright(), (40, 60));
    for encoding in EACH {
        let edited = Encode::new(encoding)
            .apply(&file, &Limits::default())
            .unwrap()
            .unwrap();
        let header = probe(&edited, &Limits::default()).unwrap();
        assert_eq!((header.width, header.height), (40, 60), "{encoding:?}");
        assert_eq!(header.upright(), (40, 60), "{encoding:?}");
        assert_eq!(header.exif, None, "{encoding:?}");
    }
    let small = resize(ResizeMode::KeepRatio, 20, JPEG).apply(&file, &Limits::default());
    let header = probe(&small.unwrap().unwrap(), &Limits::default()).unwrap();
    assert_eq!((header.width, header.height), (20, 30));
}

#[test]
fn exif_is_kept_without_place_if_asked_for() {
    for encoding in EACH {
        for channels in [Channels::Rgb, Channels::Rgba] {
            let encode = Encode {
                exif: ExifPolicy::Keep,
                ..Encode::new(encoding)
            };
            let file = match channels {
                Channels::Rgb => jpeg_with_exif(),
                Channels::Rgba => png_with_exif(),
            };
            let edited = encode.apply(&file, &Limits::default()).unwrap().unwrap();
            let block = probe(&edited, &Limits::default()).unwrap().exif;
            let block = block.unwrap_or_else(|| panic!("{encoding:?}, {channels:?}: no EXIF"));
            let found = Reader::new().read_raw(block).unwrap();
            let artist = found.get_field(Tag::Artist, In::PRIMARY).unwrap();
            assert_eq!(artist.display_value().to_string(), "\"A Miller\"");
            assert!(found.get_field(Tag::GPSLatitudeRef, In::PRIMARY).is_none());
            let orientation = found.get_field(Tag::Orientation, In::PRIMARY).unwrap();
            assert_eq!(orientation.value.get_uint(0), Some(1));
            decode(&edited, Scale::Full, &Limits::default()).unwrap();
        }
    }
}

#[test]
fn exif_alone_makes_a_file_be_written_anew_where_it_is_to_go() {
    let file = png_with_exif();
    assert!(
        Encode::new(PNG)
            .apply(&file, &Limits::default())
            .unwrap()
            .is_some()
    );
}

#[test]
fn what_is_too_large_is_refused() {
    let check = |resize: &Resize, picture: &Picture, kind: FaultKind| {
        let fault = resize.apply(&png(picture), &Limits::default()).unwrap_err();
        assert_eq!(fault.kind, kind, "{fault}");
    };
    let thin = flat(1, 1000, &[0, 0, 0]);
    check(
        &resize(ResizeMode::KeepRatio, 100_000, PNG),
        &thin,
        FaultKind::Limit,
    );
    check(
        &resize(ResizeMode::Border, u32::MAX, PNG),
        &thin,
        FaultKind::Limit,
    );
    let webp = Encoding::Webp { quality: 50 };
    check(&resize(ResizeMode::KeepRatio, 17, webp), &thin, FaultKind::Limit);
    check(
        &resize(ResizeMode::KeepRatio, 0, PNG),
        &thin,
        FaultKind::Unsupported,
    );
    let worthless = Encoding::Jpeg { quality: 0 };
    check(
        &resize(ResizeMode::KeepRatio, 17, worthless),
        &thin,
        FaultKind::Unsupported,
    );
    let fault = resize(ResizeMode::KeepRatio, 17, PNG).apply(b"no image", &Limits::default());
    assert!(fault.is_err());
}

#[test]
fn settings_out_of_bounds_are_named() {
    let problem = |encoding| Encode::new(encoding).problem();
    let jpeg = Encoding::Jpeg { quality: 101 };
    assert_eq!(
        problem(jpeg).as_deref(),
        Some("quality 101 is not between 1 and 100")
    );
    assert_eq!(
        problem(Encoding::Png { compression: 10 }).as_deref(),
        Some("compression 10 is not between 0 and 9")
    );
    let slow = Encoding::Avif {
        quality: 50,
        speed: 0,
    };
    assert_eq!(problem(slow).as_deref(), Some("speed 0 is not between 1 and 10"));
    assert!(
        EACH.iter()
            .chain([&AVIF])
            .all(|encoding| problem(*encoding).is_none())
    );
}

#[test]
fn what_is_stored_in_grey_stays_grey() {
    let gray: Vec<u8> = (0..96 * 64).map(|at| (at % 96 * 2 + at / 96) as u8).collect();
    let file = Encoder::new(&gray, 96, 64, PixelFormat::Grayscale)
        .quality(90)
        .encode()
        .unwrap();
    for (encoding, mode) in [
        (JPEG, ColorMode::Gray),
        (PNG, ColorMode::Gray),
        (Encoding::WebpLossless, ColorMode::Rgb),
    ] {
        let small = resize(ResizeMode::KeepRatio, 32, encoding).apply(&file, &Limits::default());
        let small = small.unwrap().unwrap();
        assert_eq!(
            probe(&small, &Limits::default()).unwrap().mode,
            mode,
            "{encoding:?}"
        );
        let picture = decode(&small, Scale::Full, &Limits::default()).unwrap().picture;
        assert_eq!((picture.width, picture.height), (48, 32));
        assert!(pixel(&picture, 24, 16)[0].abs_diff(130) < 4);
    }
    // With a border that has a colour it is grey no longer.
    let mut bordered = resize(ResizeMode::Border, 32, JPEG);
    bordered.encode.background = [200, 0, 0];
    let bordered = bordered.apply(&file, &Limits::default()).unwrap().unwrap();
    assert_eq!(probe(&bordered, &Limits::default()).unwrap().mode, ColorMode::Rgb);
}

#[test]
fn a_profile_makes_a_file_be_written_anew_unless_it_is_that_of_srgb() {
    let picture = slopes(Channels::Rgb);
    let file = |profile: ColorProfile| {
        let icc = profile.encode().unwrap();
        let encoder = Encoder::new(&picture.pixels, 96, 64, PixelFormat::Rgb);
        encoder.quality(90).icc_profile(&icc).encode().unwrap()
    };
    let apply = |file: &[u8]| Encode::new(JPEG).apply(file, &Limits::default()).unwrap();
    assert_eq!(apply(&file(ColorProfile::new_srgb())), None);
    let anew = apply(&file(ColorProfile::new_display_p3())).unwrap();
    assert_eq!(probe(&anew, &Limits::default()).unwrap().icc, None);
}

#[test]
fn what_is_told_of_a_file_is_told_of_the_new_one() {
    let files = [jpeg_with_exif(), png(&slopes(Channels::Rgb))];
    let contents: Vec<Option<&[u8]>> = files.iter().map(|file| Some(file.as_slice())).collect();
    let texts = |text| -> ArrayRef { Arc::new(StringViewArray::from(vec![text; 2])) };
    let records: [ArrayRef; 4] = [
        Arc::new(BinaryViewArray::from(contents)),
        texts(None),
        texts(None),
        texts(Some("id")),
    ];
    let extractor = EXTRACTORS[0];
    let told = extractor.card().outputs;
    let names: Vec<&str> = told.iter().map(|column| column.name).collect();
    let documents = extractor.extract(&records, &names).unwrap();
    let edit = EDITS.iter().find(|edit| edit.card().name == "encode").unwrap();
    let inputs: Vec<ArrayRef> = edit
        .card()
        .inputs
        .iter()
        .map(|input| {
            let at = names.iter().position(|name| *name == input.name).unwrap();
            documents.columns[at].clone()
        })
        .collect();
    let outputs = edit.edit(&inputs).unwrap();
    let output = |name: &str| {
        let at = edit.card().outputs.iter().position(|column| column.name == name);
        &outputs[at.unwrap()]
    };
    let before = |name: &str| &documents.columns[names.iter().position(|known| *known == name).unwrap()];
    assert!(
        before("image_exif")
            .as_string_view()
            .value(0)
            .contains("A Miller")
    );
    assert!(output("image_exif").is_null(0));
    assert!(!output("image_has_icc").as_boolean().value(0));
    assert_eq!(output("image_format").as_string_view().value(1), "jpeg");
    assert_eq!(output("image_width_px").as_primitive::<UInt32Type>().value(0), 40);
    assert!(output("fault").is_null(0) && output("fault").is_null(1));
}

fn resize(mode: ResizeMode, side: u32, encoding: Encoding) -> Resize {
    Resize {
        mode,
        side,
        only_if_bigger: false,
        filter: Filter::Lanczos3,
        encode: Encode::new(encoding),
    }
}

fn edited(resize: &Resize, file: &[u8]) -> Picture {
    let file = resize.apply(file, &Limits::default()).unwrap().unwrap();
    decode(&file, Scale::Full, &Limits::default()).unwrap().picture
}

fn pixel(picture: &Picture, x: u32, y: u32) -> &[u8] {
    let at = (y * picture.width + x) as usize * 3;
    &picture.pixels[at..at + 3]
}

fn channels_of(picture: &Picture) -> usize {
    picture.channels.count()
}

fn flat(width: u32, height: u32, colour: &[u8; 3]) -> Picture {
    Picture {
        width,
        height,
        channels: Channels::Rgb,
        pixels: colour.repeat(width as usize * height as usize),
    }
}

/// A smooth picture, at the right opaque.
fn slopes(channels: Channels) -> Picture {
    let (width, height) = (96u32, 64u32);
    let pixels = (0..height).flat_map(|y| {
        (0..width).flat_map(move |x| {
            let colour = [(x * 2) as u8, (y * 3) as u8, (100 + x / 2 + y / 2) as u8];
            let opacity = (x * 4).min(255) as u8;
            let is_rgba = channels == Channels::Rgba;
            colour.into_iter().chain(is_rgba.then_some(opacity))
        })
    });
    Picture {
        width,
        height,
        channels,
        pixels: pixels.collect(),
    }
}

fn over_white(picture: &Picture) -> Picture {
    let pixels = picture.pixels.chunks(channels_of(picture)).flat_map(|pixel| {
        let opacity = pixel.get(3).map_or(255, |&opacity| u32::from(opacity));
        let blend = |colour: u8| ((u32::from(colour) * opacity + 255 * (255 - opacity) + 127) / 255) as u8;
        [blend(pixel[0]), blend(pixel[1]), blend(pixel[2])]
    });
    Picture {
        channels: Channels::Rgb,
        pixels: pixels.collect(),
        ..*picture
    }
}

fn png(picture: &Picture) -> Vec<u8> {
    png_with(picture, None)
}

/// With opacity, and upright but for what its EXIF says.
fn png_with_exif() -> Vec<u8> {
    png_with(&slopes(Channels::Rgba), Some(block()))
}

fn png_with(picture: &Picture, exif: Option<Vec<u8>>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = PngEncoder::new(&mut file);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif).unwrap();
    }
    let color = match picture.channels {
        Channels::Rgb => ExtendedColorType::Rgb8,
        Channels::Rgba => ExtendedColorType::Rgba8,
    };
    encoder
        .write_image(&picture.pixels, picture.width, picture.height, color)
        .unwrap();
    file
}

/// EXIF with orientation 6, an artist and a place.
fn block() -> Vec<u8> {
    let field = |tag, value| Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    };
    let fields = [
        field(Tag::Orientation, Value::Short(vec![6])),
        field(Tag::Artist, Value::Ascii(vec![b"A Miller".to_vec()])),
        field(Tag::GPSLatitudeRef, Value::Ascii(vec![b"N".to_vec()])),
    ];
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, true).unwrap();
    block.into_inner()
}

/// 60 x 40 as stored.
fn jpeg_with_exif() -> Vec<u8> {
    let (picture, block) = (flat(60, 40, &[10, 200, 30]), block());
    let encoder = Encoder::new(&picture.pixels, 60, 40, PixelFormat::Rgb);
    encoder.quality(90).exif_data(&block).encode().unwrap()
}
