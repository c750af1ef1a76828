//! An EXIF block as JSON.
//!
//! One object: names of Exif 2.3 to values, sorted by name. Text is a string, numbers are numbers, several values a list.
//! Left out are places (the GPS directory and the pointer to it), thumbnails, notes of the maker, values of undefined
//! type, and texts and lists that are longer than 1,000 bytes or 16 values. Only the first 128 fields are read, and blocks
//! of at most 256 KiB.

use exif::{Context, Exif, In, Reader, Tag, Value};
use serde_json::{Map, Value as Json, json};

const BLOCK: usize = 256 << 10;
const FIELDS: usize = 128;
const TEXT: usize = 1000;
const LIST: usize = 16;

/// The fields of a block; none where it cannot be read or has none.
pub(crate) fn of(block: &[u8]) -> Option<String> {
    if block.len() > BLOCK {
        return None;
    }
    let exif = read(block)?;
    let fields = exif
        .fields()
        .take(FIELDS)
        .filter(|field| field.ifd_num == In::PRIMARY && is_told(field.tag));
    let fields: Map<String, Json> = fields
        .filter_map(|field| Some((field.tag.to_string(), value(&field.value)?)))
        .collect();
    (!fields.is_empty()).then(|| Json::Object(fields).to_string())
}

/// What can be read of a block, whatever is damaged.
fn read(block: &[u8]) -> Option<Exif> {
    let mut reader = Reader::new();
    reader.continue_on_error(true);
    match reader.read_raw(block.to_vec()) {
        Ok(exif) => Some(exif),
        Err(exif::Error::PartialResult(part)) => Some(part.into_inner().0),
        Err(_) => None,
    }
}

fn is_told(tag: Tag) -> bool {
    matches!(tag.context(), Context::Tiff | Context::Exif)
        && tag.description().is_some()
        && !matches!(
            tag,
            Tag::GPSInfoIFDPointer | Tag::ExifIFDPointer | Tag::InteropIFDPointer | Tag::MakerNote
        )
}

fn value(value: &Value) -> Option<Json> {
    match value {
        Value::Ascii(texts) => text(texts),
        Value::Byte(numbers) => list(numbers, |number| json!(number)),
        Value::Short(numbers) => list(numbers, |number| json!(number)),
        Value::Long(numbers) => list(numbers, |number| json!(number)),
        Value::SByte(numbers) => list(numbers, |number| json!(number)),
        Value::SShort(numbers) => list(numbers, |number| json!(number)),
        Value::SLong(numbers) => list(numbers, |number| json!(number)),
        // What is no number, such as 0/0, becomes null.
        Value::Rational(numbers) => list(numbers, |number| json!(number.to_f64())),
        Value::SRational(numbers) => list(numbers, |number| json!(number.to_f64())),
        Value::Float(numbers) => list(numbers, |number| json!(number)),
        Value::Double(numbers) => list(numbers, |number| json!(number)),
        Value::Undefined(..) | Value::Unknown(..) => None,
    }
}

fn text(texts: &[Vec<u8>]) -> Option<Json> {
    let length: usize = texts.iter().map(Vec::len).sum();
    if length > TEXT {
        return None;
    }
    let texts: Vec<String> = texts
        .iter()
        .map(|text| String::from_utf8_lossy(text).trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    match texts.as_slice() {
        [] => None,
        [one] => Some(json!(one)),
        many => Some(json!(many)),
    }
}

fn list<T>(numbers: &[T], json: impl Fn(&T) -> Json) -> Option<Json> {
    match numbers {
        [] => None,
        [one] => Some(json(one)),
        many if many.len() <= LIST => Some(many.iter().map(json).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of one directory.
    fn block(entries: &[[u8; 12]]) -> Vec<u8> {
        let mut block = b"II*\0\x08\0\0\0".to_vec();
        block.extend_from_slice(&(entries.len() as u16).to_le_bytes());
        entries.iter().for_each(|entry| block.extend_from_slice(entry));
        block.extend_from_slice(&[0; 4]);
        block
    }

    #[test]
    fn fields_bear_their_names() {
        let make = [0x0f, 0x01, 2, 0, 4, 0, 0, 0, b'A', b'b', b'c', 0];
        let turned = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
        assert_eq!(
            of(&block(&[make, turned])).as_deref(),
            Some(r#"{"Make":"Abc","Orientation":6}"#)
        );
    }

    #[test]
    fn places_are_left_out() {
        // A GPS directory at 26 with the latitude's hemisphere.
        let pointer = [0x25, 0x88, 4, 0, 1, 0, 0, 0, 26, 0, 0, 0];
        let mut with_place = block(&[pointer]);
        with_place.extend_from_slice(&[1, 0, 1, 0, 2, 0, 2, 0, 0, 0, b'N', 0, 0, 0, 0, 0, 0, 0]);
        assert!(
            read(&with_place)
                .unwrap()
                .fields()
                .any(|field| field.tag == Tag::GPSLatitudeRef)
        );
        assert_eq!(of(&with_place), None);
    }

    #[test]
    fn damage_gives_nothing() {
        assert_eq!(of(b""), None);
        assert_eq!(of(b"II*\0\xff\xff\xff\xff"), None);
    }
}
