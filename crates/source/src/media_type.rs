//! Media types where somebody names them: Content-Type values (`text/html; charset=utf-8`) and file-name endings.
//!
//! Source: RFC 9110, section 8.3, read with tolerance; the IANA registry, and usual names where it has none.

use std::borrow::Cow;

/// The media type, trimmed and without parameters, as written; `None` if it is not `type/subtype`.
pub(crate) fn essence(value: &str) -> Option<&str> {
    let essence = value.split([';', ',']).next().unwrap_or_default().trim();
    let is_token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&b))
    };
    let (kind, subtype) = essence.split_once('/')?;
    (is_token(kind) && is_token(subtype)).then_some(essence)
}

/// The `charset` parameter as written, without quotes.
pub(crate) fn charset(value: &str) -> Option<&str> {
    value.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).trim();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

/// The name in lower case.
pub(crate) fn lower_case(value: &str) -> Cow<'_, str> {
    if value.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(value.to_ascii_lowercase())
    } else {
        Cow::Borrowed(value)
    }
}

/// Media types of file-name endings, where the bytes do not say it.
const ENDINGS: &[(&str, &str)] = &[
    ("html", "text/html"),
    ("htm", "text/html"),
    ("xhtml", "application/xhtml+xml"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("markdown", "text/markdown"),
    ("rst", "text/x-rst"),
    ("tex", "text/x-tex"),
    ("csv", "text/csv"),
    ("tsv", "text/tab-separated-values"),
    ("css", "text/css"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("svg", "image/svg+xml"),
    ("pdf", "application/pdf"),
    ("epub", "application/epub+zip"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("jpe", "image/jpeg"),
    ("jfif", "image/jpeg"),
    ("png", "image/png"),
    ("apng", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("bmp", "image/bmp"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("avif", "image/avif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("jxl", "image/jxl"),
    ("jp2", "image/jp2"),
    ("j2k", "image/j2c"),
    ("qoi", "image/qoi"),
    ("ico", "image/x-icon"),
    ("pbm", "image/x-portable-bitmap"),
    ("pgm", "image/x-portable-graymap"),
    ("ppm", "image/x-portable-pixmap"),
    ("pnm", "image/x-portable-anymap"),
    ("pam", "image/x-portable-arbitrarymap"),
    ("pfm", "image/x-portable-floatmap"),
    ("hdr", "image/vnd.radiance"),
    ("exr", "image/x-exr"),
    ("tga", "image/x-tga"),
    ("dds", "image/vnd.ms-dds"),
    ("mp3", "audio/mpeg"),
    ("aac", "audio/aac"),
    ("flac", "audio/flac"),
    ("wav", "audio/wav"),
    ("ogg", "audio/ogg"),
    ("oga", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("m4a", "audio/mp4"),
    ("aif", "audio/aiff"),
    ("aiff", "audio/aiff"),
    ("caf", "audio/x-caf"),
    ("amr", "audio/amr"),
    ("ac3", "audio/ac3"),
    ("ape", "audio/x-ape"),
    ("au", "audio/basic"),
    ("dff", "audio/x-dff"),
    ("dsf", "audio/x-dsf"),
    ("mka", "audio/x-matroska"),
    ("mp1", "audio/mpeg"),
    ("mp2", "audio/mpeg"),
    ("mpc", "audio/x-musepack"),
    ("spx", "audio/ogg"),
    ("tta", "audio/x-tta"),
    ("wma", "audio/x-ms-wma"),
    ("wv", "audio/x-wavpack"),
    ("264", "video/h264"),
    ("h264", "video/h264"),
    ("265", "video/h265"),
    ("h265", "video/h265"),
    ("hevc", "video/h265"),
    ("ivf", "video/x-ivf"),
    ("m2ts", "video/mp2t"),
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mkv", "video/x-matroska"),
    ("webm", "video/webm"),
    ("avi", "video/x-msvideo"),
    ("mpg", "video/mpeg"),
    ("mpeg", "video/mpeg"),
    ("ogv", "video/ogg"),
    ("flv", "video/x-flv"),
    ("3gp", "video/3gpp"),
];

/// The media type that the ending of a file name suggests.
pub(crate) fn by_name(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    ENDINGS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(ending))
        .map(|(_, media_type)| *media_type)
}

/// Whether it is an image, sound or film.
pub(crate) fn is_media(media_type: &str) -> bool {
    ["image/", "audio/", "video/"]
        .iter()
        .any(|family| media_type.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_split_off() {
        let value = "Text/HTML ; boundary=x; Charset=\"ISO-8859-1\"";
        assert_eq!(essence(value), Some("Text/HTML"));
        assert_eq!(charset(value), Some("ISO-8859-1"));
    }

    #[test]
    fn what_is_no_media_type_is_none() {
        for value in ["", "html", "text/", "/x", "a b/c"] {
            assert_eq!(essence(value), None, "{value:?}");
        }
        assert_eq!(charset("text/html; charset="), None);
    }
}
