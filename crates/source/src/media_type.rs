//! Content-Type values: `text/html; charset=utf-8`.
//!
//! Source: RFC 9110, section 8.3, read with tolerance.

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
