//! Raster images to image documents.
//!
//! The format is found from the bytes, whatever the record says. Every image is decoded, at the smallest scale that gives
//! the thumbnail, so that damage is found: one that cannot be decoded has a fault. One that ends early but gives a part
//! of its picture is kept and marked. Sizes are those of the upright picture at full scale. Of an animation or a file of
//! several pages the first frame is decoded, of a JPEG that others follow (MPO, gain maps) the first, of a HEIC or AVIF with
//! several pictures (bursts) the primary one.
//!
//! Source: the formats' specifications; Exif 2.3 for orientation.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::{
    ArrayRef, BinaryViewArray, BooleanArray, Float64Array, StringViewArray, UInt16Array, UInt32Array,
    UInt64Array,
    builder::{BinaryViewBuilder, StringViewBuilder},
    cast::AsArray,
};
use gristmill_core::{
    Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns, media_of,
};

use super::exif_json;
use crate::{
    Header, Scale,
    decode::Frame,
    thumbnail::{SIDE, Thumbnail},
};

/// What is known of a file, and of another one that takes its place.
pub(crate) const MEASURES: [Column; 14] = [
    Column::u32("image_width_px", "width of the upright picture, in pixels"),
    Column::u32("image_height_px", "height of the upright picture, in pixels"),
    Column::f64("image_aspect", "longer side by shorter side, 1 or more"),
    Column::u64("image_pixels", "pixels: width by height"),
    Column::text(
        "image_format",
        "format, from the bytes: jpeg, png, gif, webp, avif, heic, jxl, tiff, bmp, ico, pnm, qoi, tga, hdr, exr",
    ),
    Column::text(
        "image_mode",
        "how pixels are stored: gray, gray_alpha, rgb, rgba, palette, cmyk",
    ),
    Column::u16(
        "image_bit_depth",
        "bits of a stored sample, or of an index into the palette",
    ),
    Column::u32(
        "image_frame_count",
        "frames of an animation, or pages; 1 for others",
    ),
    Column::u64("image_byte_count", "bytes of the file"),
    Column::f64("image_bytes_per_pixel", "bytes of the file by pixels"),
    Column::u16(
        "image_orientation",
        "how the stored picture is to be turned, the value of EXIF: 1 is upright, to 8",
    ),
    Column::bool(
        "image_has_alpha",
        "whether a pixel of the first frame is not opaque",
    ),
    Column::bool("image_has_icc", "whether there is an ICC profile").if_named(),
    Column::text(
        "image_exif",
        "fields of EXIF as a JSON object, without places, thumbnails and notes of the maker; null where there are none",
    )
    .if_named(),
];

/// Describes [`Raster`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "raster",
    about: "raster images with their sizes, formats and marks of damage, decoded and checked",
    inputs: &[columns::CONTENT, columns::MEDIA_TYPE, columns::URL, columns::ID],
    outputs: &[
        columns::IMAGE,
        MEASURES[0],
        MEASURES[1],
        MEASURES[2],
        MEASURES[3],
        MEASURES[4],
        MEASURES[5],
        MEASURES[6],
        MEASURES[7],
        MEASURES[8],
        MEASURES[9],
        MEASURES[10],
        MEASURES[11],
        Column::bool(
            "image_is_truncated",
            "whether a part of the picture is missing, because bytes are missing or damaged",
        ),
        MEASURES[12],
        MEASURES[13],
        columns::IMAGE_THUMBNAIL,
    ],
    source: "specifications of the formats; Exif 2.3; ICC.1:2022",
    cost: Cost::Expensive,
    version: 1,
};

/// Reads raster images; see the module.
#[derive(Debug)]
pub struct Raster;

impl Extractor for Raster {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_image",
            types: &["image/*"],
            except: &["image/svg+xml"],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Documents> {
        Ok(extract(inputs, wanted, &Limits::default()))
    }
}

/// What is told of an image.
struct Told {
    header: Header,
    has_alpha: bool,
    is_truncated: bool,
    thumbnail: Option<Thumbnail>,
    exif: Option<String>,
}

fn extract(inputs: &[ArrayRef], wanted: &[&str], limits: &Limits) -> Documents {
    let contents: &BinaryViewArray = inputs[0].as_binary_view();
    let ids: &StringViewArray = inputs[3].as_string_view();
    let is_wanted = |name: &str| wanted.contains(&name);
    let (with_thumbnail, with_exif) = (is_wanted(columns::IMAGE_THUMBNAIL.name), is_wanted("image_exif"));
    let mut faults = StringViewBuilder::new();
    let rows: Vec<Option<Told>> = contents
        .iter()
        .map(|content| {
            let told = content
                .ok_or_else(|| Fault::malformed("record has no content"))
                .and_then(|content| tell(content, with_thumbnail, with_exif, limits));
            faults.append_option(told.as_ref().err().map(Fault::to_string));
            told.ok()
        })
        .collect();
    Documents {
        columns: columns(contents, ids, &rows),
        faults: faults.finish(),
    }
}

fn tell(
    content: &[u8],
    with_thumbnail: bool,
    with_exif: bool,
    limits: &Limits,
) -> std::result::Result<Told, Fault> {
    let scale = Scale::LongestAtMost(SIDE);
    let frame = Frame::read(content, scale, limits)?;
    catch_unwind(AssertUnwindSafe(|| {
        let exif = frame.header.exif.as_deref().filter(|_| with_exif);
        Told {
            header: frame.header.clone(),
            has_alpha: frame.has_alpha,
            is_truncated: frame.is_truncated(),
            exif: exif.and_then(exif_json::of),
            thumbnail: with_thumbnail.then(|| Thumbnail::of(frame.into_decoded(scale, limits).picture)),
        }
    }))
    .map_err(|_| Fault::internal("colours, orientation or thumbnail panicked"))
}

/// The arrays of the card's outputs.
fn columns(contents: &BinaryViewArray, ids: &StringViewArray, rows: &[Option<Told>]) -> Vec<ArrayRef> {
    let told = || rows.iter().map(Option::as_ref);
    let sizes = || told().map(|told| told.map(|told| told.header.upright()));
    let pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    let aspect = |(width, height): (u32, u32)| f64::from(width.max(height)) / f64::from(width.min(height));
    let lengths = || {
        told()
            .zip(contents)
            .map(|(told, content)| told.and(content).map(|content| content.len() as u64))
    };
    let density = sizes()
        .zip(lengths())
        .map(|(size, length)| Some(length? as f64 / pixels(size?) as f64));
    let formats: StringViewArray = told().map(|told| Some(told?.header.format.name())).collect();
    let modes: StringViewArray = told().map(|told| Some(told?.header.mode.name())).collect();
    let depths: UInt16Array = told()
        .map(|told| Some(u16::from(told?.header.bit_depth)))
        .collect();
    let frames: UInt32Array = told().map(|told| Some(told?.header.frames)).collect();
    let turns: UInt16Array = told()
        .map(|told| Some(u16::from(told?.header.orientation.exif())))
        .collect();
    let opacity: BooleanArray = told().map(|told| Some(told?.has_alpha)).collect();
    let truncated: BooleanArray = told().map(|told| Some(told?.is_truncated)).collect();
    let profiles: BooleanArray = told().map(|told| Some(told?.header.icc.is_some())).collect();
    let exif: StringViewArray = told().map(|told| told?.exif.as_deref()).collect();
    vec![
        media_of(
            contents,
            ids,
            rows.iter()
                .map(|told| Some(told.as_ref()?.header.format.extension())),
        ),
        Arc::new(sizes().map(|size| Some(size?.0)).collect::<UInt32Array>()),
        Arc::new(sizes().map(|size| Some(size?.1)).collect::<UInt32Array>()),
        Arc::new(sizes().map(|size| size.map(aspect)).collect::<Float64Array>()),
        Arc::new(sizes().map(|size| size.map(pixels)).collect::<UInt64Array>()),
        Arc::new(formats),
        Arc::new(modes),
        Arc::new(depths),
        Arc::new(frames),
        Arc::new(lengths().collect::<UInt64Array>()),
        Arc::new(density.collect::<Float64Array>()),
        Arc::new(turns),
        Arc::new(opacity),
        Arc::new(truncated),
        Arc::new(profiles),
        Arc::new(exif),
        thumbnails(rows),
    ]
}

fn thumbnails(rows: &[Option<Told>]) -> ArrayRef {
    let mut builder = BinaryViewBuilder::new();
    for told in rows {
        match told.as_ref().and_then(|told| told.thumbnail.as_ref()) {
            None => builder.append_null(),
            Some(thumbnail) => builder.append_value(thumbnail.to_bytes()),
        }
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Array,
        types::{Float64Type, UInt16Type, UInt32Type, UInt64Type},
    };

    use super::*;
    use crate::ThumbnailRef;

    /// A PPM of `width` by `height` pixels of one colour.
    fn ppm(width: usize, height: usize, pixel: [u8; 3]) -> Vec<u8> {
        let mut file = format!("P6 {width} {height} 255\n").into_bytes();
        file.extend(std::iter::repeat_n(pixel, width * height).flatten());
        file
    }

    fn run(contents: &[Option<&[u8]>], wanted: &[&str], limits: &Limits) -> Documents {
        let count = contents.len();
        let ids: StringViewArray = (0..count).map(|row| Some(format!("id{row}"))).collect();
        let inputs: Vec<ArrayRef> = vec![
            Arc::new(BinaryViewArray::from(contents.to_vec())),
            Arc::new(StringViewArray::new_null(count)),
            Arc::new(StringViewArray::new_null(count)),
            Arc::new(ids),
        ];
        let documents = extract(&inputs, wanted, limits);
        for (column, array) in CARD.outputs.iter().zip(&documents.columns) {
            assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
            assert_eq!(array.len(), count, "{}", column.name);
        }
        documents
    }

    fn column<'a>(documents: &'a Documents, name: &str) -> &'a ArrayRef {
        let at = CARD
            .outputs
            .iter()
            .position(|column| column.name == name)
            .unwrap();
        &documents.columns[at]
    }

    #[test]
    fn a_picture_is_told_and_its_file_is_kept() {
        let file = ppm(40, 20, [1, 2, 3]);
        let documents = run(
            &[Some(&file)],
            &[columns::IMAGE_THUMBNAIL.name],
            &Limits::default(),
        );
        assert!(documents.faults.is_null(0));
        let media = column(&documents, "image").as_struct();
        assert_eq!(media.column(0).as_binary_view().value(0), file);
        assert_eq!(media.column(1).as_string_view().value(0), "id0.pnm");
        let number = |name| column(&documents, name).as_primitive::<UInt32Type>().value(0);
        assert_eq!((number("image_width_px"), number("image_height_px")), (40, 20));
        assert_eq!(number("image_frame_count"), 1);
        assert_eq!(
            column(&documents, "image_aspect")
                .as_primitive::<Float64Type>()
                .value(0),
            2.0
        );
        assert_eq!(
            column(&documents, "image_pixels")
                .as_primitive::<UInt64Type>()
                .value(0),
            800
        );
        assert_eq!(
            column(&documents, "image_bit_depth")
                .as_primitive::<UInt16Type>()
                .value(0),
            8
        );
        assert!(!column(&documents, "image_has_alpha").as_boolean().value(0));
        assert!(!column(&documents, "image_is_truncated").as_boolean().value(0));
        let small = column(&documents, columns::IMAGE_THUMBNAIL.name).as_binary_view();
        let small = ThumbnailRef::from_bytes(small.value(0)).unwrap();
        assert_eq!((small.width, small.height), (40, 20));
        assert_eq!(small.pixels[..3], [1, 2, 3]);
    }

    #[test]
    fn a_fault_leaves_every_column_null_in_its_row_only() {
        let file = ppm(4, 2, [9; 3]);
        let limits = Limits {
            image_pixels: 10,
            ..Limits::default()
        };
        let large = ppm(4, 3, [9; 3]);
        let rows: &[Option<&[u8]>] = &[Some(b"no picture"), Some(&file), None, Some(b""), Some(&large)];
        let documents = run(rows, &[columns::IMAGE_THUMBNAIL.name, "image_exif"], &limits);
        let faults: Vec<_> = documents.faults.iter().collect();
        assert_eq!(
            faults,
            [
                Some("unsupported: bytes begin like no image"),
                None,
                Some("malformed: record has no content"),
                Some("truncated: no bytes"),
                Some("limit: 4 x 3 pixels exceed 10"),
            ]
        );
        for (column, array) in CARD.outputs.iter().zip(&documents.columns) {
            let expected = if column.name == "image_exif" { 5 } else { 4 };
            assert_eq!(array.null_count(), expected, "{}", column.name);
        }
    }

    #[test]
    fn a_picture_cut_short_is_kept_and_marked() {
        let file = ppm(4, 4, [9; 3]);
        let documents = run(
            &[Some(&file[..file.len() - 20]), Some(&file[..13])],
            &[columns::IMAGE_THUMBNAIL.name],
            &Limits::default(),
        );
        assert!(column(&documents, "image_is_truncated").as_boolean().value(0));
        assert_eq!(
            documents.faults.iter().collect::<Vec<_>>(),
            [None, Some("truncated: bytes end before the picture does")]
        );
    }

    #[test]
    fn no_thumbnail_is_made_where_none_is_wanted() {
        let file = ppm(4, 4, [9; 3]);
        let documents = run(&[Some(&file)], &[], &Limits::default());
        assert_eq!(column(&documents, columns::IMAGE_THUMBNAIL.name).null_count(), 1);
        assert_eq!(column(&documents, "image_width_px").null_count(), 0);
    }
}
