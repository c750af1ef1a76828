//! What stays of an EXIF block when its picture is written anew.
//!
//! The fields of the main image stay but for those that are no longer true or that say more than what the picture shows:
//! the orientation becomes 1; sizes and colour space, place (GPS), maker notes and the preview with its fields are left
//! out. A block that cannot be read is dropped.

use std::io::Cursor;

use exif::{Context, Field, In, Reader, Tag, Value, experimental::Writer};

/// Fields that are not true of the new picture, or not for others.
const DROPPED: &[Tag] = &[
    Tag::Orientation,
    Tag::ImageWidth,
    Tag::ImageLength,
    Tag::PixelXDimension,
    Tag::PixelYDimension,
    Tag::BitsPerSample,
    Tag::Compression,
    Tag::PhotometricInterpretation,
    Tag::SamplesPerPixel,
    Tag::RowsPerStrip,
    Tag::PlanarConfiguration,
    Tag::ColorSpace,
    Tag::MakerNote,
];

/// The block for the new picture; none if nothing of it can be kept.
pub(super) fn kept(block: &[u8]) -> Option<Vec<u8>> {
    let exif = Reader::new().read_raw(block.to_vec()).ok()?;
    let upright = Field {
        tag: Tag::Orientation,
        ifd_num: In::PRIMARY,
        value: Value::Short(vec![1]),
    };
    let is_kept = |field: &&Field| {
        let is_known = !matches!(field.value, Value::Unknown(..));
        field.ifd_num == In::PRIMARY
            && field.tag.context() != Context::Gps
            && is_known
            && !DROPPED.contains(&field.tag)
    };
    let mut writer = Writer::new();
    writer.push_field(&upright);
    exif.fields()
        .filter(is_kept)
        .for_each(|field| writer.push_field(field));
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, exif.little_endian()).ok()?;
    Some(block.into_inner())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A block with orientation 6, a place, an artist, a preview and maker notes.
    pub(crate) fn block() -> Vec<u8> {
        let field = |tag, value| Field {
            tag,
            ifd_num: In::PRIMARY,
            value,
        };
        let fields = [
            field(Tag::Orientation, Value::Short(vec![6])),
            field(Tag::Artist, Value::Ascii(vec![b"A Miller".to_vec()])),
            field(Tag::ExposureTime, Value::Rational(vec![(1, 50).into()])),
            field(Tag::GPSLatitudeRef, Value::Ascii(vec![b"N".to_vec()])),
            field(Tag::MakerNote, Value::Undefined(vec![7; 9], 0)),
        ];
        let mut writer = Writer::new();
        fields.iter().for_each(|field| writer.push_field(field));
        writer.set_jpeg(&[0xff, 0xd8, 0xff, 0xd9], In::THUMBNAIL);
        let mut block = Cursor::new(Vec::new());
        writer.write(&mut block, true).unwrap();
        block.into_inner()
    }

    #[test]
    fn the_artist_stays_and_the_place_does_not() {
        let kept = kept(&block()).unwrap();
        let exif = Reader::new().read_raw(kept.clone()).unwrap();
        let mut tags: Vec<_> = exif.fields().map(|field| field.tag).collect();
        tags.sort_by_key(|tag| tag.number());
        assert_eq!(tags, [Tag::Orientation, Tag::Artist, Tag::ExposureTime]);
        let orientation = exif.get_field(Tag::Orientation, In::PRIMARY).unwrap();
        assert_eq!(orientation.value.get_uint(0), Some(1));
        assert!(!kept.windows(2).any(|pair| pair == [0xff, 0xd8]), "no preview");
    }

    #[test]
    fn a_broken_block_is_dropped() {
        assert_eq!(super::kept(b"II*\0"), None);
        assert_eq!(super::kept(&[]), None);
    }
}
