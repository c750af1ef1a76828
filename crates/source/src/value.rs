//! The content that a field of a row holds: as it is, as Base64, or as the path of another object.
//!
//! - *Plain*: a text has the recipe's media type. Bytes have it too, unless they are media or PDF by their signature or,
//!   where they come with a path, by its ending.
//! - *Base64*: of the standard or the URL alphabet, with or without padding, white space passed over; or a `data:` URL,
//!   whose media type then counts like a declared one. The media type is that of the bytes.
//! - *Path*: relative to the folder of the object with the row. A path that is absolute, a URL, or has an empty component,
//!   `.` or `..` is `malformed`, as is one of no object; `member` is the path. An object larger than `record_bytes` is a
//!   `limit` fault. It is taken as it is, also if it is compressed.

use std::{borrow::Cow, io, sync::Arc};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use gristmill_core::{Encoding, Fault, Object, ReadOptions, Result, columns};

use crate::{magic, media_type};

/// Reads the content of fields.
pub(crate) struct Values {
    object: Arc<dyn Object>,
    encoding: Encoding,
    media_type: String,
    most: usize,
    is_wanted: bool,
    decoded: Vec<u8>,
    read: Bytes,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Value<'a> {
    pub(crate) text: Option<&'a str>,
    pub(crate) bytes: Option<&'a [u8]>,
    pub(crate) path: Option<&'a str>,
}

/// Content, its media type, and the name that it comes with.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) media_type: Option<Cow<'a, str>>,
    pub(crate) member: Option<&'a str>,
}

impl Values {
    pub(crate) fn new(object: Arc<dyn Object>, options: &ReadOptions) -> Self {
        Values {
            object,
            encoding: options.fields.encoding,
            media_type: options.fields.media_type.clone(),
            most: options.limits.record_bytes,
            is_wanted: options.wants(&columns::CONTENT) || options.wants(&columns::MEDIA_TYPE),
            decoded: Vec::new(),
            read: Bytes::new(),
        }
    }

    /// The content of a field that holds `value`; `None` if it holds nothing.
    pub(crate) fn content<'a>(&'a mut self, value: Value<'a>) -> Result<Result<Option<Content<'a>>, Fault>> {
        let Value { text, bytes, path } = value;
        Ok(match self.encoding {
            Encoding::Plain => Ok(text.map(str::as_bytes).or(bytes).map(|content| Content {
                bytes: content,
                media_type: Some(match text {
                    Some(_) => self.media_type.as_str().into(),
                    None => binary_type(content, path, &self.media_type),
                }),
                member: path,
            })),
            Encoding::Base64 => match text.map(str::as_bytes).or(bytes) {
                Some(encoded) => self.decode(encoded, path).map(Some),
                None => Ok(None),
            },
            Encoding::Path => match (bytes, path.or(text)) {
                (Some(bytes), path) => Ok(Some(Content {
                    bytes,
                    media_type: Some(binary_type(bytes, path, &self.media_type)),
                    member: path,
                })),
                (None, Some(path)) => match self.open(path)? {
                    Ok(()) => Ok(Some(Content {
                        bytes: &self.read,
                        media_type: magic::media_type(&self.read, media_type::by_name(path), None),
                        member: Some(path),
                    })),
                    Err(fault) => Err(fault),
                },
                (None, None) => Ok(None),
            },
        })
    }

    fn decode<'a>(&'a mut self, encoded: &[u8], path: Option<&'a str>) -> Result<Content<'a>, Fault> {
        let mut declared = path.and_then(media_type::by_name).map(Cow::Borrowed);
        let mut encoded = encoded.trim_ascii();
        if encoded
            .get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"))
        {
            let comma = memchr::memchr(b',', encoded);
            let head = comma.and_then(|comma| std::str::from_utf8(&encoded[5..comma]).ok());
            let (Some(comma), Some(head)) = (comma, head) else {
                return Err(Fault::malformed("data url without a comma"));
            };
            let Some(kind) = head.trim().strip_suffix(";base64") else {
                return Err(Fault::unsupported("data url that is not base64"));
            };
            declared = media_type::essence(kind).map(|kind| Cow::Owned(kind.to_ascii_lowercase()));
            encoded = &encoded[comma + 1..];
        }
        self.decoded.clear();
        unbase64(encoded, &mut self.decoded)?;
        if self.decoded.len() > self.most {
            return Err(Fault::limit(format!(
                "content of {} bytes exceeds {} bytes",
                self.decoded.len(),
                self.most
            )));
        }
        let declared = declared.as_deref().unwrap_or(&self.media_type);
        let found = magic::media_type(&self.decoded, Some(declared), None).map(Cow::into_owned);
        Ok(Content {
            bytes: &self.decoded,
            media_type: found.map(Cow::Owned),
            member: path,
        })
    }

    fn open(&mut self, path: &str) -> Result<Result<(), Fault>> {
        self.read = Bytes::new();
        let shown: String = path.escape_debug().take(100).collect();
        if !is_relative(path) {
            return Ok(Err(Fault::malformed(format!("\"{shown}\" is no relative path"))));
        }
        let missing = || Ok(Err(Fault::malformed(format!("there is no object \"{shown}\""))));
        let object = match self.object.sibling(path) {
            Ok(Some(object)) => object,
            Ok(None) => return missing(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return missing(),
            Err(error) => return Err(error.into()),
        };
        let length = object.len();
        if length > self.most as u64 {
            return Ok(Err(Fault::limit(format!(
                "object of {length} bytes exceeds {} bytes",
                self.most
            ))));
        }
        if self.is_wanted {
            self.read = object.read_at(0..length)?;
        }
        Ok(Ok(()))
    }
}

/// The media type of bytes in a column.
fn binary_type<'a>(bytes: &[u8], path: Option<&str>, declared: &'a str) -> Cow<'a, str> {
    let is_exact = |found: &&str| media_type::is_media(found) || *found == "application/pdf";
    let found = magic::signature(bytes).filter(is_exact);
    found
        .or_else(|| path.and_then(media_type::by_name).filter(is_exact))
        .map_or(Cow::Borrowed(declared), Cow::Borrowed)
}

/// Whether `path` stays below the folder that it is relative to.
fn is_relative(path: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    !path.contains(['\\', '\0', ':']) && path.split('/').all(is_part)
}

/// Undoes Base64 of either alphabet.
fn unbase64(encoded: &[u8], decoded: &mut Vec<u8>) -> Result<(), Fault> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    const URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    let is_url = encoded.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let spaced: Vec<u8>;
    let encoded = if encoded.iter().any(u8::is_ascii_whitespace) {
        spaced = encoded
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        &spaced
    } else {
        encoded
    };
    let engine = if is_url { URL } else { STANDARD };
    engine
        .decode_vec(encoded, decoded)
        .map_err(|error| Fault::malformed(format!("not base64: {}", error.to_string().to_lowercase())))
}

#[cfg(test)]
mod tests {
    use gristmill_core::{FieldMap, MemoryObject};

    use super::*;

    fn values(encoding: Encoding) -> Values {
        let options = ReadOptions {
            fields: FieldMap {
                encoding,
                ..FieldMap::default()
            },
            ..ReadOptions::default()
        };
        Values::new(Arc::new(MemoryObject::new("a", "")), &options)
    }

    fn check(encoding: Encoding, text: &str, expected: Result<(&[u8], &str), &str>) {
        let mut values = values(encoding);
        let value = Value {
            text: Some(text),
            ..Value::default()
        };
        let found = values.content(value).unwrap();
        let found = found.as_ref().map(|content| {
            let content = content.as_ref().unwrap();
            (content.bytes, content.media_type.as_deref().unwrap())
        });
        assert_eq!(
            found.map_err(ToString::to_string),
            expected.map_err(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn base64_is_read_in_all_its_forms() {
        let png: &[u8] = b"\x89PNG\r\n\x1a\n\xff\xfe";
        for text in [
            "iVBORw0KGgr//g==",
            "iVBORw0KGgr//g",
            "iVBORw0KGgr__g",
            " iVBORw0K\r\nGgr//g==\n",
            "data:image/jpeg;base64,iVBORw0KGgr//g==",
        ] {
            check(Encoding::Base64, text, Ok((png, "image/png")));
        }
        check(
            Encoding::Base64,
            "data:Audio/L16;rate=8;base64,AAE=",
            Ok((b"\0\x01", "audio/l16")),
        );
        check(Encoding::Base64, "Z3Jpc3Q=", Ok((b"grist", "text/plain")));
        check(
            Encoding::Base64,
            "data:,x",
            Err("unsupported: data url that is not base64"),
        );
        check(
            Encoding::Base64,
            "a?",
            Err("malformed: not base64: invalid symbol 63, offset 1."),
        );
    }

    #[test]
    fn paths_stay_below_their_folder() {
        for path in ["a.jpg", "a/b c.jpg", "..a/b"] {
            assert!(is_relative(path), "{path}");
        }
        for path in [
            "",
            "/a",
            "a//b",
            "../a",
            "a/../../b",
            "./a",
            "a/",
            "https://a/b",
            "C:a",
            "a\\..\\b",
            "a\0",
        ] {
            assert!(!is_relative(path), "{path:?}");
        }
        check(
            Encoding::Path,
            "../a.jpg",
            Err("malformed: \"../a.jpg\" is no relative path"),
        );
        check(
            Encoding::Path,
            "a.jpg",
            Err("malformed: there is no object \"a.jpg\""),
        );
    }

    #[test]
    fn bytes_have_the_type_that_they_show() {
        assert_eq!(binary_type(b"GIF89a", None, "text/plain"), "image/gif");
        assert_eq!(binary_type(b"<html>", None, "text/plain"), "text/plain");
        assert_eq!(binary_type(b"damaged", Some("a.jpg"), "text/plain"), "image/jpeg");
        assert_eq!(binary_type(b"a", Some("a.txt"), "text/html"), "text/html");
    }
}
