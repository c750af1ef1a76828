//! What a file says of itself: title, author, date, language.
//!
//! The document information dictionary counts first, then the XMP metadata of the catalog. The date is that of
//! creation, the language that of the catalog (`/Lang`), then `dc:language`. Values are no longer than 1,000 bytes.

use gristmill_core::Fault;
use hayro_syntax::{
    Pdf,
    object::{Dict, Stream, String as Text},
};

use super::{budget::Budget, encoding::text_string, filter};
use crate::{
    extract::date::iso_date,
    html::{Place, decode_into},
};

/// The longest value that is kept, in bytes.
const LONGEST: usize = 1000;
/// The longest XMP packet that is read.
const LONGEST_XMP: usize = 1 << 20;

/// What a file says of itself; `None` where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Info {
    pub(super) title: Option<String>,
    pub(super) author: Option<String>,
    pub(super) date: Option<String>,
    pub(super) language: Option<String>,
}

/// Reads what the file says of itself.
///
/// # Errors
/// A `limit` where its metadata exceed the budget.
pub(super) fn read(pdf: &Pdf, catalog: &Dict<'_>, budget: &mut Budget) -> Result<Info, Fault> {
    let metadata = pdf.metadata();
    let text = |bytes: &Option<Box<[u8]>>| bytes.as_deref().and_then(|bytes| kept(&text_string(bytes)));
    let mut info = Info {
        title: text(&metadata.title),
        author: text(&metadata.author),
        date: metadata
            .creation_date
            .as_ref()
            .and_then(|date| iso_date(&format!("{:04}-{:02}-{:02}", date.year, date.month, date.day))),
        language: catalog
            .get::<Text<'_>>("Lang")
            .and_then(|language| kept(&text_string(language.as_bytes()))),
    };
    if let Some(stream) = catalog.get::<Stream<'_>>("Metadata") {
        let packet = filter::decode(&stream, budget)?;
        let packet = text_string(&packet[..packet.len().min(LONGEST_XMP)]);
        let element = |name: &str| element(&packet, name);
        info.title = info.title.or_else(|| element("dc:title"));
        info.author = info.author.or_else(|| element("dc:creator"));
        info.date = info
            .date
            .or_else(|| element("xmp:CreateDate").and_then(|date| iso_date(&date)));
        info.language = info.language.or_else(|| element("dc:language"));
    }
    Ok(info)
}

/// A value with its white space collapsed, if anything is left of it.
fn kept(text: &str) -> Option<String> {
    let text = text.replace('\0', " ");
    let mut out = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if out.len() > LONGEST {
        let end = (0..=LONGEST)
            .rev()
            .find(|end| out.is_char_boundary(*end))
            .unwrap_or(0);
        out.truncate(end);
    }
    (!out.is_empty()).then_some(out)
}

/// The texts in the element `name`, `; ` between them, or its value as an attribute.
fn element(packet: &str, name: &str) -> Option<String> {
    let Some((_, rest)) = packet.split_once(&format!("<{name}")) else {
        let (_, rest) = packet.split_once(&format!(" {name}="))?;
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        return kept(&decoded(rest[1..].split(quote).next()?));
    };
    let (content, _) = rest.split_once(&format!("</{name}"))?;
    let texts: Vec<String> = content
        .split('<')
        .filter_map(|piece| kept(&decoded(piece.split_once('>')?.1)))
        .collect();
    kept(&texts.join("; "))
}

fn decoded(text: &str) -> String {
    let mut out = String::new();
    decode_into(text, Place::Text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xmp_has_elements_and_attributes() {
        let packet = "<x:xmpmeta><rdf:Description xmp:CreateDate='2020-03-04T05:06:07Z'>\
                      <dc:title><rdf:Alt><rdf:li xml:lang='x-default'>A &amp; B</rdf:li></rdf:Alt></dc:title>\
                      <dc:creator><rdf:Seq><rdf:li>Ann</rdf:li> <rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>";
        assert_eq!(element(packet, "dc:title").as_deref(), Some("A & B"));
        assert_eq!(element(packet, "dc:creator").as_deref(), Some("Ann; Bob"));
        assert_eq!(
            element(packet, "xmp:CreateDate").as_deref(),
            Some("2020-03-04T05:06:07Z")
        );
        assert_eq!(element(packet, "dc:language"), None);
    }

    #[test]
    fn values_are_short_and_not_empty() {
        assert_eq!(kept(" \0 "), None);
        assert_eq!(kept(&"\u{e9}".repeat(600)).unwrap().len(), 1000);
    }
}
