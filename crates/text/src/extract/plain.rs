//! Plain text to text: bytes to UTF-8.
//!
//! The charset is found as the `charset` module says, without looking for declarations in the text. A byte order
//! mark is dropped, `\r\n` and `\r` become `\n`, NULs are dropped; nothing else changes. Binary content is
//! `unsupported`.

use arrow_array::ArrayRef;
use gristmill_core::{Accepts, Card, Cost, Documents, Extractor, Fault, Limits, Result, columns};

use super::rows::{Source, extract_rows};
use crate::charset::{self, Kind};

/// Describes [`Plain`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "plain",
    about: "text of a plain text file or of a record that is text already, as UTF-8",
    inputs: &[columns::CONTENT, columns::CHARSET, columns::URL],
    outputs: &[columns::TEXT],
    source: "WHATWG Encoding Standard",
    cost: Cost::Cheap,
    version: 1,
};

/// Reads plain text; see the module.
#[derive(Debug)]
pub struct Plain;

impl Extractor for Plain {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_text",
            types: &["text/*"],
            except: &["text/html"],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        Ok(extract_rows(inputs, &Limits::default(), extract))
    }
}

fn extract(source: Source<'_>) -> Result<[Option<String>; 1], Fault> {
    let text = charset::decode(source.content, source.charset, Kind::Plain)?;
    if memchr::memchr2(b'\r', 0, text.as_bytes()).is_none() {
        return Ok([Some(text.into_owned())]);
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
    Ok([Some(text)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], expected: &str) {
        let source = Source {
            content,
            charset: None,
            url: None,
        };
        assert_eq!(extract(source).unwrap(), [Some(expected.to_owned())]);
    }

    #[test]
    fn lines_and_spaces_stay() {
        check(b"a\n\n  b \n", "a\n\n  b \n");
    }

    #[test]
    fn line_ends_become_one_kind() {
        check(b"\xef\xbb\xbfa\r\nb\rc", "a\nb\nc");
    }
}
