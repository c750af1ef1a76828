//! EPUB to text: the documents of the book in the order of its spine.
//!
//! Each document is read as HTML, all blocks of it, and laid out as HTML is: one block a line, list items begin with
//! `- `, cells are joined by ` | `. Title, author, date and language are those of the package; of several titles, dates
//! and languages the first counts, authors are joined by `; `. Documents that the spine names and the archive does not
//! have are left out; an encrypted one makes the book `unsupported`.
//!
//! Files are unfolded within [`Limits::record_bytes`], and all of them within four times as much; a book that exceeds
//! either is a `limit`.

use std::{
    collections::{HashMap, HashSet},
    io::{Cursor, Read},
};

use arrow_array::ArrayRef;
use gristmill_core::{Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns};
use memchr::memmem;
use zip::{ZipArchive, result::ZipError};

use super::{
    blocks,
    date::iso_date,
    render,
    rows::{Source, extract_rows},
};
use crate::{
    charset::{self, Kind},
    html::{Document, Place, decode_into},
};

/// Describes [`Epub`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "epub",
    about: "text of an EPUB book in reading order, with its title, author, date and language",
    inputs: &[columns::CONTENT, columns::CHARSET, columns::URL],
    outputs: &[
        columns::TEXT,
        columns::TEXT_TITLE,
        Column::text("text_author", "author that the book names"),
        Column::text(
            "text_date",
            "date of publication that the book gives, as YYYY-MM-DD",
        ),
        Column::text(
            "text_declared_language",
            "language that the book declares, as written",
        ),
    ],
    source: "EPUB 3.3 and 2.0.1",
    cost: Cost::Expensive,
    version: 1,
};

/// The most files of a book.
const FILES: usize = 100_000;
/// The most bytes of all files that are read, in records of the longest size.
const RECORDS: usize = 4;
/// The longest value that is kept, in bytes.
const LONGEST: usize = 1000;

/// Reads EPUB; see the module.
#[derive(Debug)]
pub struct Epub;

impl Extractor for Epub {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_epub",
            types: &["application/epub+zip"],
            except: &[],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        let limits = Limits::default();
        Ok(extract_rows(inputs, &limits, |source| extract(source, &limits)))
    }
}

fn extract(source: Source<'_>, limits: &Limits) -> Result<[Option<String>; 5], Fault> {
    let mut book = Book::open(source.content, limits)?;
    let container = book
        .read("META-INF/container.xml")?
        .ok_or_else(|| Fault::malformed("archive has no META-INF/container.xml"))?;
    let path = elements(&container)
        .find(|element| element.is("rootfile"))
        .and_then(|element| element.value("full-path"))
        .ok_or_else(|| Fault::malformed("container names no package"))?;
    let package = book
        .read(&path)?
        .ok_or_else(|| Fault::malformed("archive does not have the package that it names"))?;
    let encrypted: HashSet<String> = match book.read("META-INF/encryption.xml")? {
        Some(list) => elements(&list)
            .filter(|element| element.is("CipherReference"))
            .filter_map(|element| element.value("URI"))
            .map(|uri| resolve("", &uri))
            .collect(),
        None => HashSet::new(),
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut text = String::new();
    for path in spine(&package, folder) {
        if encrypted.contains(&path) {
            return Err(Fault::unsupported("book is encrypted"));
        }
        let Some(document) = book.read(&path)? else {
            continue;
        };
        let document = with_ends(&document);
        let page = blocks::cut(&Document::parse(&document, limits.html_depth, limits.html_nodes));
        let page = render::render(&page, &vec![true; page.blocks.len()]);
        if !text.is_empty() && !page.is_empty() {
            text.push('\n');
        }
        text.push_str(&page);
        if text.len() > limits.record_bytes {
            return Err(Fault::limit(format!(
                "text exceeds {} bytes",
                limits.record_bytes
            )));
        }
    }
    let texts = |name: &str| -> Vec<String> {
        elements(&package)
            .filter(|element| element.is(name))
            .filter_map(|element| kept(element.text))
            .collect()
    };
    Ok([
        Some(text),
        texts("title").into_iter().next(),
        kept(&texts("creator").join("; ")),
        texts("date").iter().find_map(|date| iso_date(date)),
        texts("language").into_iter().next(),
    ])
}

/// The archive, and how much of it may still be unfolded.
struct Book<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    limits: &'a Limits,
    rest: usize,
}

impl<'a> Book<'a> {
    fn open(content: &'a [u8], limits: &'a Limits) -> Result<Self, Fault> {
        let files = memmem::find_iter(content, b"PK\x01\x02").count();
        if files > FILES {
            return Err(Fault::limit(format!("{files} files exceed {FILES}")));
        }
        let archive = ZipArchive::new(Cursor::new(content)).map_err(|error| {
            match memmem::rfind(content, b"PK\x05\x06") {
                Some(_) => Fault::malformed(format!("no zip archive: {error}")),
                None => Fault::truncated("archive ends before its directory"),
            }
        })?;
        Ok(Book {
            archive,
            limits,
            rest: limits.record_bytes.saturating_mul(RECORDS),
        })
    }

    /// A file as text; `None` if there is none of this name.
    fn read(&mut self, path: &str) -> Result<Option<String>, Fault> {
        let file = match self.archive.by_name(path) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(reason)) => return Err(Fault::unsupported(reason)),
            Err(error) => return Err(Fault::malformed(format!("a file cannot be read: {error}"))),
        };
        let most = self.limits.record_bytes.min(self.rest);
        let mut bytes = Vec::new();
        let read = file.take(most as u64 + 1).read_to_end(&mut bytes);
        if bytes.len() > most {
            return Err(Fault::limit(format!("files unfold to more than {most} bytes")));
        }
        self.rest -= bytes.len();
        // Damage keeps what comes before it.
        if read.is_err() && bytes.is_empty() {
            return Err(Fault::malformed("a file is damaged"));
        }
        Ok(Some(charset::decode(&bytes, None, Kind::Markup)?.into_owned()))
    }
}

/// The paths of the documents in reading order, each once.
fn spine(package: &str, folder: &str) -> Vec<String> {
    let mut items = HashMap::new();
    let mut order = Vec::new();
    for element in elements(package) {
        if element.is("item") {
            let kind = element.value("media-type").unwrap_or_default();
            if matches!(
                kind.as_str(),
                "application/xhtml+xml" | "text/html" | "text/x-oeb1-document"
            ) {
                items.extend(element.value("id").zip(element.value("href")));
            }
        } else if element.is("itemref") {
            order.extend(element.value("idref"));
        }
    }
    let mut seen = HashSet::new();
    let paths = order.iter().filter_map(|id| items.get(id));
    let paths = paths.map(|address| resolve(folder, address));
    paths
        .filter(|path| seen.insert(path.clone()))
        .take(FILES)
        .collect()
}

/// The path in the archive that a relative address means.
fn resolve(folder: &str, address: &str) -> String {
    let address = address.split(['#', '?']).next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(address.len());
    let mut rest = address.as_bytes();
    while let [byte, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|byte| (*byte as char).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            bytes.push((high << 4 | low) as u8);
            rest = &tail[2..];
        } else {
            bytes.push(*byte);
            rest = tail;
        }
    }
    let address = String::from_utf8_lossy(&bytes);
    let mut parts: Vec<&str> = if address.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').collect()
    };
    for part in address.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("/")
}

/// A start tag of XML and the text behind it.
struct Element<'a> {
    name: &'a str,
    attributes: &'a str,
    text: &'a str,
}

impl Element<'_> {
    /// Whether it has this name, in whatever namespace.
    fn is(&self, name: &str) -> bool {
        self.name.rsplit(':').next() == Some(name)
    }

    fn value(&self, name: &str) -> Option<String> {
        let mut rest = self.attributes;
        while let Some((key, after)) = rest.split_once('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            let (value, after) = after[1..].split_once(quote)?;
            if key.trim() == name {
                let mut out = String::new();
                decode_into(value, Place::Attribute, &mut out);
                return Some(out);
            }
            rest = after;
        }
        None
    }
}

/// The elements of an XML document in order. Comments and declarations are none.
fn elements(xml: &str) -> impl Iterator<Item = Element<'_>> {
    let mut rest = xml;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')? + 1..];
            if rest.starts_with("!--") {
                rest = &rest[rest.find("-->")?..];
                continue;
            }
            if rest.starts_with(['/', '?', '!']) {
                continue;
            }
            let (tag, behind) = rest.split_once('>')?;
            rest = behind;
            let name_end = tag
                .find(|c: char| c.is_whitespace() || c == '/')
                .unwrap_or(tag.len());
            return Some(Element {
                name: &tag[..name_end],
                attributes: &tag[name_end..],
                text: behind.split('<').next().unwrap_or_default(),
            });
        }
    })
}

/// Gives elements that XML may write as `<script/>` the end tags that HTML waits for.
fn with_ends(xhtml: &str) -> String {
    const WAITING: [&str; 8] = [
        "title", "script", "style", "iframe", "textarea", "noscript", "xmp", "noembed",
    ];
    let mut out = String::with_capacity(xhtml.len());
    let mut from = 0;
    for (at, _) in xhtml.match_indices("/>") {
        // The end of another tag, or text, stands before a tag's start.
        let start = xhtml[from..at]
            .rfind(['<', '>'])
            .filter(|start| xhtml.as_bytes()[from + start] == b'<');
        let Some(start) = start else {
            continue;
        };
        let tag = &xhtml[from + start + 1..at];
        let name = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        if let Some(name) = WAITING.iter().find(|waiting| name.eq_ignore_ascii_case(waiting)) {
            out.push_str(&xhtml[from..at]);
            out.push_str("></");
            out.push_str(name);
            out.push('>');
            from = at + 2;
        }
    }
    out.push_str(&xhtml[from..]);
    out
}

/// A value with its entities resolved and its white space collapsed, if anything is left of it.
fn kept(text: &str) -> Option<String> {
    let mut decoded = String::new();
    decode_into(text, Place::Text, &mut decoded);
    let mut out = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = (0..=LONGEST.min(out.len()))
        .rev()
        .find(|end| out.is_char_boundary(*end));
    out.truncate(end.unwrap_or(0));
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    const CONTAINER: &str =
        "<container><rootfiles><rootfile full-path='a b/book.opf'/></rootfiles></container>";
    const PACKAGE: &str = "<?xml version='1.0'?><package><metadata xmlns:dc='x'>\
        <!-- <dc:title>not this</dc:title> --><dc:title id='t'>On &amp; off</dc:title><dc:title>x</dc:title>\
        <dc:creator opf:role='aut'>Ann</dc:creator><dc:creator>Bob</dc:creator><dc:date>2001-02-03T04:05:06Z</dc:date>\
        <dc:language>de</dc:language></metadata><manifest>\
        <item id='one' href='text/one%20.xhtml' media-type='application/xhtml+xml'/>\
        <item media-type='application/xhtml+xml' href='../two.xhtml#x' id='two'/>\
        <item id='three' href='gone.xhtml' media-type='application/xhtml+xml'/>\
        <item id='style' href='a.css' media-type='text/css'/></manifest>\
        <spine><itemref idref='two'/><itemref idref='one'/><itemref idref='two'/><itemref idref='three'/></spine></package>";

    fn book(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn columns(content: &[u8], limits: &Limits) -> Result<[Option<String>; 5], Fault> {
        let source = Source {
            content,
            charset: None,
            url: None,
        };
        extract(source, limits)
    }

    fn files() -> Vec<(&'static str, &'static str)> {
        vec![
            ("mimetype", "application/epub+zip"),
            ("META-INF/container.xml", CONTAINER),
            ("a b/book.opf", PACKAGE),
            (
                "a b/text/one .xhtml",
                "<html><head><title/><script src='x'/></head><body><h1>One</h1><ul><li>a</li></ul></body></html>",
            ),
            (
                "two.xhtml",
                "<html><body><nav>all of it</nav><p>Two</p></body></html>",
            ),
        ]
    }

    #[test]
    fn documents_come_in_the_order_of_the_spine() {
        let found = columns(&book(&files()), &Limits::default()).unwrap();
        let expected = [
            "all of it\nTwo\nOne\n- a",
            "On & off",
            "Ann; Bob",
            "2001-02-03",
            "de",
        ];
        assert_eq!(found, expected.map(|value| Some(value.to_owned())));
    }

    fn check_fails(content: &[u8], expected: &str) {
        let limits = Limits {
            record_bytes: 10_000,
            ..Limits::default()
        };
        let fault = columns(content, &limits).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{fault}");
    }

    #[test]
    fn what_unfolds_too_far_is_a_limit() {
        let long = "x".repeat(10_001);
        let mut files = files();
        files[4].1 = &long;
        check_fails(&book(&files), "limit: files unfold");
    }

    #[test]
    fn what_is_no_book_has_a_reason() {
        check_fails(b"", "truncated: archive");
        check_fails(b"PK\x05\x06", "malformed: no zip");
        check_fails(
            &book(&files()[..1]),
            "malformed: archive has no META-INF/container.xml",
        );
        check_fails(
            &book(&files()[..2]),
            "malformed: archive does not have the package",
        );
        let mut files = files();
        files.push((
            "META-INF/encryption.xml",
            "<encryption><CipherReference URI='two.xhtml'/></encryption>",
        ));
        check_fails(&book(&files), "unsupported: book is encrypted");
    }

    #[test]
    fn damaged_books_do_not_panic() {
        let content = book(&files());
        for end in 0..content.len() {
            drop(columns(&content[..end], &Limits::default()));
            let mut content = content.clone();
            content[end] ^= 0x55;
            drop(columns(&content, &Limits::default()));
        }
    }
}
