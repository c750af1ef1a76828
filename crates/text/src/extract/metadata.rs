//! What a page says of itself: title, author, date, language, address, licence, robots.
//!
//! Sources in order of trust, the first that is not empty counts:
//!
//! - *title*: `og:title`, `title`, the first `h1`;
//! - *author*: `meta` `author`, `article:author` (not an address), JSON-LD `author`, `rel=author`, a byline (see `byline`);
//! - *date* of publication: `article:published_time` and its relatives, JSON-LD `datePublished`, the first
//!   `time`, the path of the address;
//! - *language*: `lang` of `html`, `content-language`, `og:locale`; as written;
//! - *canonical address*: `rel=canonical`, `og:url`;
//! - *licence*: every `rel=license`, link to a Creative Commons deed, rights in `meta` and `license` in JSON-LD,
//!   as `place value` with `; ` between them; places are `head`, `body`, `footer` and `data`. It is evidence: a
//!   link may speak of one picture. At most eight;
//! - *robots*: `meta` tags for robots by name, `tdm-reservation` and `tdm-policy`, as `name=content` with `; `
//!   between them.
//!
//! Values are decoded, white space is collapsed, and nothing is longer than 1,000 bytes.

use crate::html::{Attributes, Document, Place, Tag, decode_into, decoded};

use super::{
    byline,
    date::{date_of_url, iso_date},
    structured::Structured,
};

/// The longest value that is kept, in bytes.
const LONGEST: usize = 1000;
/// The most pieces of licence evidence that are kept.
const LICENCES: usize = 8;

/// What a page says of itself; `None` where it says nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) title: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) canonical_url: Option<String>,
    pub(crate) licence: Option<String>,
    pub(crate) robots: Option<String>,
}

/// Reads the metadata of a page.
pub(crate) fn read(document: &Document<'_>, url: &str) -> Metadata {
    let mut reader = Reader::default();
    let mut footer_end = 0;
    for (index, node) in document.nodes().iter().enumerate() {
        let attributes = || document.attributes(node);
        match node.tag {
            Tag::Html => reader.language.see(
                0,
                attributes()
                    .value("lang")
                    .or_else(|| attributes().value("xml:lang")),
            ),
            Tag::Meta => reader.meta(attributes()),
            Tag::Link => reader.link(attributes()),
            Tag::Footer => footer_end = footer_end.max(node.end as usize),
            Tag::A => reader.anchor(document, index, index < footer_end),
            Tag::Time => reader.date.see(
                2,
                attributes().value("datetime").and_then(|value| iso_date(&value)),
            ),
            Tag::Title => reader.title.see_from(1, || text_of(document, index)),
            Tag::H1 => reader.title.see_from(2, || text_of(document, index)),
            Tag::Script => {
                let kind = attributes().value("type");
                if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json")) {
                    reader.structured(&Structured::read(&document.content(index)));
                }
            }
            _ => {}
        }
    }
    reader.date.see(3, date_of_url(url));
    if reader.author.0.is_none() {
        reader.author.see(4, byline::of_page(document));
    }
    reader.finish()
}

/// A value and how much its source is trusted: 0 is best.
#[derive(Debug, Default)]
struct Best(Option<(u8, String)>);

impl Best {
    fn see(&mut self, rank: u8, value: Option<impl AsRef<str>>) {
        let Some(value) = value else { return };
        self.see_from(rank, || value.as_ref().to_owned());
    }

    /// Makes the value only if it would count.
    fn see_from(&mut self, rank: u8, value: impl FnOnce() -> String) {
        if self.0.as_ref().is_some_and(|(best, _)| *best <= rank) {
            return;
        }
        let value = tidy(&value());
        if !value.is_empty() {
            self.0 = Some((rank, value));
        }
    }

    fn take(self) -> Option<String> {
        self.0.map(|(_, value)| value)
    }
}

#[derive(Debug, Default)]
struct Reader {
    title: Best,
    author: Best,
    date: Best,
    language: Best,
    canonical_url: Best,
    licences: Vec<String>,
    robots: Vec<String>,
}

impl Reader {
    fn meta(&mut self, attributes: Attributes<'_>) {
        let (mut names, mut content) = ([None, None], "");
        for (key, value) in attributes {
            match key.to_ascii_lowercase().as_str() {
                "name" | "http-equiv" => names[0] = Some(value),
                "property" | "itemprop" => names[1] = Some(value),
                "content" => content = value,
                _ => {}
            }
        }
        let content = decoded(content);
        for name in names.into_iter().flatten() {
            self.named(&name.trim().to_ascii_lowercase(), &content);
        }
    }

    fn named(&mut self, name: &str, content: &str) {
        let is_address = content.starts_with("http");
        match name {
            "og:title" => self.title.see(0, Some(content)),
            "author" if !is_address => self.author.see(0, Some(content)),
            "article:author" | "dc.creator" | "dcterms.creator" | "parsely-author" | "sailthru.author"
                if !is_address =>
            {
                self.author.see(1, Some(content));
            }
            "article:published_time"
            | "datepublished"
            | "date"
            | "dc.date"
            | "dcterms.date"
            | "pubdate"
            | "publishdate"
            | "publish-date"
            | "publication_date"
            | "parsely-pub-date"
            | "sailthru.date"
            | "dc.date.issued"
            | "dcterms.created"
            | "og:published_time" => self.date.see(0, iso_date(content)),
            "content-language" => self.language.see(1, Some(content)),
            "og:locale" => self.language.see(2, Some(content)),
            "og:url" => self.canonical_url.see(1, Some(content)),
            "dc.rights" | "dcterms.rights" | "dcterms.license" | "dc.rights.license" | "license"
            | "licence" | "rights" => {
                self.licence("head", content);
            }
            "robots" | "tdm-reservation" | "tdm-policy" => self.robot(name, content),
            _ if name.ends_with("bot") || name.starts_with("googlebot") || name == "google-extended" => {
                self.robot(name, content);
            }
            _ => {}
        }
    }

    fn link(&mut self, attributes: Attributes<'_>) {
        let href = attributes.clone().value("href");
        let relation = attributes.value("rel").unwrap_or_default().to_ascii_lowercase();
        for relation in relation.split_ascii_whitespace() {
            match relation {
                "canonical" => self.canonical_url.see(0, href.as_deref()),
                "license" | "licence" => self.licence("head", href.as_deref().unwrap_or_default()),
                _ => {}
            }
        }
    }

    fn anchor(&mut self, document: &Document<'_>, index: usize, is_in_footer: bool) {
        let (mut href, mut relation) = ("", "");
        for (key, value) in document.attributes(&document.nodes()[index]) {
            match key.len() {
                4 if key.eq_ignore_ascii_case("href") => href = value,
                3 if key.eq_ignore_ascii_case("rel") => relation = value,
                _ => {}
            }
        }
        let has = |word: &str| {
            relation
                .split_ascii_whitespace()
                .any(|known| known.eq_ignore_ascii_case(word))
        };
        let is_deed = href.contains("creativecommons.org/licenses/")
            || href.contains("creativecommons.org/publicdomain/");
        if is_deed || has("license") {
            self.licence(if is_in_footer { "footer" } else { "body" }, &decoded(href));
        }
        if has("author") {
            self.author.see_from(3, || text_of(document, index));
        }
    }

    fn structured(&mut self, data: &Structured) {
        self.author.see(2, data.author.as_deref());
        self.date
            .see(1, data.date_published.as_deref().and_then(iso_date));
        if let Some(licence) = &data.licence {
            self.licence("data", licence);
        }
    }

    fn licence(&mut self, place: &str, value: &str) {
        let evidence = format!("{place} {}", tidy(value));
        if !value.trim().is_empty() && self.licences.len() < LICENCES && !self.licences.contains(&evidence) {
            self.licences.push(evidence);
        }
    }

    fn robot(&mut self, name: &str, content: &str) {
        let said = tidy(&format!("{name}={content}"));
        if self.robots.len() < LICENCES && !self.robots.contains(&said) {
            self.robots.push(said);
        }
    }

    fn finish(self) -> Metadata {
        let joined = |values: Vec<String>| (!values.is_empty()).then(|| values.join("; "));
        Metadata {
            title: self.title.take(),
            author: self.author.take(),
            date: self.date.take(),
            language: self.language.take(),
            canonical_url: self.canonical_url.take(),
            licence: joined(self.licences),
            robots: joined(self.robots),
        }
    }
}

/// The text below an element, decoded.
fn text_of(document: &Document<'_>, index: usize) -> String {
    let mut out = String::new();
    for node in &document.nodes()[index + 1..document.nodes()[index].end as usize] {
        if node.tag == Tag::Text && out.len() < LONGEST {
            decode_into(document.raw(node), Place::Text, &mut out);
        }
    }
    out
}

/// White space collapsed, control characters dropped, length bounded.
pub(super) fn tidy(value: &str) -> String {
    let mut out = String::with_capacity(value.len().min(LONGEST));
    for word in value.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|character| !character.is_control()));
        if out.len() >= LONGEST {
            break;
        }
    }
    out.truncate(out.floor_char_boundary(LONGEST));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &Metadata) {
        assert_eq!(
            &read(&Document::parse(html, 512, 1 << 20), ""),
            expected,
            "{html}"
        );
    }

    fn some(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn the_most_trusted_title_counts() {
        check(
            "<title>a &amp;\n b</title><h1>c</h1>",
            &Metadata {
                title: some("a & b"),
                ..Metadata::default()
            },
        );
        check(
            "<title> </title><h1>c <b>d</b></h1>",
            &Metadata {
                title: some("c d"),
                ..Metadata::default()
            },
        );
        check(
            "<h1>c</h1><meta property=og:title content=e>",
            &Metadata {
                title: some("e"),
                ..Metadata::default()
            },
        );
    }

    #[test]
    fn author_and_date_come_from_structured_data() {
        check(
            r#"<script type="application/ld+json">{"@graph": [{"@type": "Article", "author": [{"name": "A B"}, "C"],
            "datePublished": "2024-05-06T07:08:09Z", "license": "https://c.org"}]}</script><time datetime=2020-01-01>"#,
            &Metadata {
                author: some("A B, C"),
                date: some("2024-05-06"),
                licence: some("data https://c.org"),
                ..Metadata::default()
            },
        );
    }

    #[test]
    fn licences_are_evidence_with_a_place() {
        check(
            "<link rel=license href=/l><a href=https://creativecommons.org/licenses/by/4.0/>x</a>\
             <footer><a rel='nofollow license' href=/m>y</a></footer>",
            &Metadata {
                licence: some("head /l; body https://creativecommons.org/licenses/by/4.0/; footer /m"),
                ..Metadata::default()
            },
        );
    }

    #[test]
    fn robots_are_quoted() {
        check(
            "<meta name=robots content='noai, noimageai'><meta name=GPTBot content=noindex><meta name=tdm-reservation content=1>",
            &Metadata {
                robots: some("robots=noai, noimageai; gptbot=noindex; tdm-reservation=1"),
                ..Metadata::default()
            },
        );
    }

    #[test]
    fn language_and_address_are_as_written() {
        check(
            "<html lang=de-AT><link rel=canonical href='https://a.org/?b&amp;c'><meta property=og:url content=x>",
            &Metadata {
                language: some("de-AT"),
                canonical_url: some("https://a.org/?b&c"),
                ..Metadata::default()
            },
        );
    }
}
