//! Markdown to text: CommonMark with the tables, footnotes, task lists, mathematics and front matter of its dialects.
//!
//! Text is what a reader would see, laid out like that of HTML: one block a line, list items begin with `- `, the cells
//! of a table row are joined by ` | `, code keeps its lines. Links leave their words, pictures nothing, a footnote is
//! `[name]` in the text and before its own. Raw HTML is read as HTML.
//!
//! The title is that of the front matter (YAML between `---`, TOML between `+++`), the first heading of level 1, or the
//! first heading; author (`author`, `authors`), date (`date`) and language (`lang`, `language`) come from the front
//! matter alone, which is read line by line: `key: value`, lists of names in brackets or one a line.

use arrow_array::ArrayRef;
use gristmill_core::{Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{
    blocks,
    date::iso_date,
    render,
    rows::{Source, extract_rows},
};
use crate::{
    charset::{self, Kind},
    html::Document,
};

/// Describes [`Markdown`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "markdown",
    about: "text of a Markdown file without its markup, with title, author and date of its front matter",
    inputs: &[columns::CONTENT, columns::CHARSET, columns::URL],
    outputs: &[
        columns::TEXT,
        columns::TEXT_TITLE,
        Column::text("text_author", "author that the front matter names"),
        Column::text("text_date", "date that the front matter gives, as YYYY-MM-DD"),
        Column::text(
            "text_declared_language",
            "language that the front matter declares, as written",
        ),
    ],
    source: "CommonMark 0.31.2; GitHub Flavored Markdown 0.29",
    cost: Cost::Moderate,
    version: 1,
};

/// The most events of a document: a table row may leave out cells by the million.
const EVENTS: usize = 20_000_000;
/// The longest title or name that is kept, in bytes.
const LONGEST: usize = 1000;
/// The most authors that are kept.
const AUTHORS: usize = 8;

/// Reads Markdown; see the module.
#[derive(Debug)]
pub struct Markdown;

impl Extractor for Markdown {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_markdown",
            types: &["text/markdown", "text/x-markdown"],
            except: &[],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Documents> {
        let limits = Limits::default();
        Ok(extract_rows(inputs, &limits, |source| extract(source, &limits)))
    }
}

fn extract(source: Source<'_>, limits: &Limits) -> Result<[Option<String>; 5], Fault> {
    let text = charset::decode(source.content, source.charset, Kind::Plain)?;
    let text = text.replace('\0', "");
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_MATH;
    let (front, body) = front_matter(&text);
    let mut writer = Writer::new(limits);
    for (count, event) in Parser::new_ext(body, options).enumerate() {
        if count > EVENTS {
            return Err(Fault::limit(format!("document has more than {EVENTS} events")));
        }
        writer.see(event);
    }
    writer.end_block();
    let front = Front::read(front);
    Ok([
        Some(writer.out),
        front.title.or(writer.title).or(writer.heading),
        front.author,
        front.date,
        front.language,
    ])
}

/// The front matter and the rest: lines between two `---` or two `+++` at the very start.
fn front_matter(text: &str) -> (&str, &str) {
    for mark in ["---", "+++"] {
        let Some((first, rest)) = text.split_once('\n') else {
            break;
        };
        if first.trim_end() != mark || rest.lines().next().is_none_or(|line| line.trim().is_empty()) {
            continue;
        }
        let mut at = 0;
        for line in rest.split_inclusive('\n') {
            if line.trim_end() == mark {
                return (&rest[..at], &rest[at + line.len()..]);
            }
            at += line.len();
        }
    }
    ("", text)
}

/// Writes events as text.
struct Writer<'a> {
    limits: &'a Limits,
    out: String,
    /// The block that is being written.
    block: String,
    /// What stands before the next block: the dash of an item, the name of a footnote.
    prefix: String,
    /// Pictures that are open; they show no text.
    pictures: usize,
    /// Whether lines and spaces are kept.
    in_code: bool,
    /// HTML that waits for its end.
    html: String,
    heading_level: Option<HeadingLevel>,
    title: Option<String>,
    heading: Option<String>,
}

impl<'a> Writer<'a> {
    fn new(limits: &'a Limits) -> Self {
        Writer {
            limits,
            out: String::new(),
            block: String::new(),
            prefix: String::new(),
            pictures: 0,
            in_code: false,
            html: String::new(),
            heading_level: None,
            title: None,
            heading: None,
        }
    }

    fn see(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.open(&tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.text("\n"),
            Event::Html(html) => self.html.push_str(&html),
            Event::InlineHtml(tag) => {
                if tag
                    .get(..3)
                    .is_some_and(|start| start.eq_ignore_ascii_case("<br"))
                {
                    self.text("\n");
                }
            }
            Event::FootnoteReference(name) => self.text(&format!("[{name}]")),
            Event::Rule => self.end_block(),
            Event::TaskListMarker(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.pictures == 0 {
            self.block.push_str(text);
        }
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Image { .. } => self.pictures += 1,
            Tag::Item => {
                self.end_block();
                self.prefix = "- ".to_owned();
            }
            Tag::FootnoteDefinition(name) => {
                self.end_block();
                self.prefix = format!("[{name}] ");
            }
            Tag::CodeBlock(_) => {
                self.end_block();
                self.in_code = true;
            }
            Tag::Heading { level, .. } => {
                self.end_block();
                self.heading_level = Some(*level);
            }
            // Only cells that show something are joined.
            Tag::TableCell => {
                if !self.block.is_empty() && !self.block.ends_with(" | ") {
                    self.block.push_str(" | ");
                }
            }
            Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. } => {}
            _ => self.end_block(),
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Image => self.pictures = self.pictures.saturating_sub(1),
            TagEnd::CodeBlock => {
                self.end_block();
                self.in_code = false;
            }
            TagEnd::Heading(_) => {
                let heading = || Some(short(&self.block)).filter(|heading| !heading.is_empty());
                if self.heading_level == Some(HeadingLevel::H1) && self.title.is_none() {
                    self.title = heading();
                }
                if self.heading.is_none() {
                    self.heading = heading();
                }
                self.end_block();
            }
            TagEnd::HtmlBlock => {
                let html = std::mem::take(&mut self.html);
                let page = blocks::cut(&Document::parse(
                    &html,
                    self.limits.html_depth,
                    self.limits.html_nodes,
                ));
                let text = render::render(&page, &vec![true; page.blocks.len()]);
                self.in_code = true;
                self.block.push_str(&text);
                self.end_block();
                self.in_code = false;
            }
            TagEnd::Item => {
                self.end_block();
                self.prefix.clear();
            }
            TagEnd::TableRow | TagEnd::TableHead => {
                let length = self.block.trim_end_matches([' ', '|']).len();
                self.block.truncate(length);
                self.end_block();
            }
            TagEnd::TableCell
            | TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link => {}
            _ => self.end_block(),
        }
    }

    /// Writes the block, unless it is empty.
    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let block = if self.in_code {
            block.trim_end()
        } else {
            block.trim()
        };
        if block.trim().is_empty() {
            return;
        }
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out.push_str(&std::mem::take(&mut self.prefix));
        if self.in_code {
            self.out.push_str(block);
            return;
        }
        for (index, line) in block
            .split('\n')
            .filter(|line| !line.trim().is_empty())
            .enumerate()
        {
            if index > 0 {
                self.out.push('\n');
            }
            for (index, word) in line.split_whitespace().enumerate() {
                if index > 0 {
                    self.out.push(' ');
                }
                self.out.push_str(word);
            }
        }
    }
}

/// What the front matter says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Front {
    title: Option<String>,
    author: Option<String>,
    date: Option<String>,
    language: Option<String>,
}

impl Front {
    fn read(text: &str) -> Front {
        let mut front = Front::default();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(at) = line.find([':', '=']) else { continue };
            let (key, value) = (line[..at].trim_end(), line[at + 1..].trim());
            match key {
                "title" => front.title = front.title.or(scalar(value)),
                "date" => front.date = front.date.or_else(|| iso_date(&scalar(value)?)),
                "lang" | "language" => front.language = front.language.or(scalar(value)),
                "author" | "authors" if front.author.is_none() => {
                    let mut names: Vec<String> =
                        match value.strip_prefix('[').and_then(|list| list.strip_suffix(']')) {
                            Some(list) => list.split(',').filter_map(|name| scalar(name.trim())).collect(),
                            None => scalar(value).into_iter().collect(),
                        };
                    // One a line, as names or as objects that have one.
                    while let Some(item) =
                        lines.next_if(|line| line.starts_with([' ', '\t', '-']) && !line.starts_with("---"))
                    {
                        let item = item.trim();
                        let (is_item, item) = item
                            .strip_prefix("- ")
                            .map_or((false, item), |item| (true, item.trim()));
                        match item.split_once(':') {
                            Some(("name", name)) => names.extend(scalar(name.trim())),
                            None if is_item => names.extend(scalar(item)),
                            _ => {}
                        }
                    }
                    names.truncate(AUTHORS);
                    front.author = Some(short(&names.join("; "))).filter(|names| !names.is_empty());
                }
                _ => {}
            }
        }
        front
    }
}

/// A plain or quoted value, if there is one.
fn scalar(value: &str) -> Option<String> {
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next().unwrap_or_default(),
        // Blocks, anchors and objects are not read.
        '|' | '>' | '&' | '{' | '[' | '!' => return None,
        _ => value.split(" #").next().unwrap_or_default(),
    };
    Some(short(value)).filter(|value| !value.is_empty() && value != "null" && value != "~")
}

/// Collapsed white space, and no longer than [`LONGEST`].
fn short(text: &str) -> String {
    let mut out = text.split_whitespace().collect::<Vec<_>>().join(" ");
    out.truncate(
        (0..=LONGEST.min(out.len()))
            .rev()
            .find(|end| out.is_char_boundary(*end))
            .unwrap_or(0),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(markdown: &str) -> [Option<String>; 5] {
        let source = Source {
            content: markdown.as_bytes(),
            charset: None,
            url: None,
        };
        extract(source, &Limits::default()).unwrap()
    }

    fn check(markdown: &str, expected: &str) {
        assert_eq!(columns(markdown)[0].as_deref(), Some(expected), "{markdown}");
    }

    #[test]
    fn a_block_is_a_line() {
        check(
            "# A\n\nb *c*\nd `e`\n\n> f\n\n***\n\ng  \nh",
            "A\nb c d e\nf\ng\nh",
        );
        check("", "");
    }

    #[test]
    fn list_items_begin_with_a_dash() {
        check("* a\n  * b\n* c\n\n  d\n\ne", "- a\n- b\n- c\nd\ne");
        check("1. a\n2. [x] b\n\n- [ ] c", "- a\n- b\n- c");
    }

    #[test]
    fn a_table_row_is_a_line() {
        check(
            "| a | b |\n|---|:-:|\n| **c** | d |\n| | e |\n| f |",
            "a | b\nc | d\ne\nf",
        );
    }

    #[test]
    fn code_keeps_its_lines() {
        check(
            "a\n\n```rust\nfn b() {\n    c\n\n}\n```\n\n    d\n      e\nf",
            "a\nfn b() {\n    c\n\n}\nd\n  e\nf",
        );
        check("- a\n  ```\n  b\n   c\n  ```", "- a\nb\n c");
    }

    #[test]
    fn links_leave_words_and_pictures_nothing() {
        check(
            "[a](https://b.c) ![d](e.png) <https://f.g> h[^1]\n\n[^1]: i",
            "a https://f.g h[1]\n[1] i",
        );
    }

    #[test]
    fn html_is_read_as_html() {
        check(
            "<div align=center>\n<h1>a</h1><script>x</script>\n<ul><li>b<li>c</ul>\n</div>\n\nd <b>e</b><br>f &amp; g",
            "a\n- b\n- c\nd e\nf & g",
        );
    }

    #[test]
    fn front_matter_is_no_text() {
        let found = columns(
            "---\ntitle: \"A: b\" # c\nauthors:\n  - Ann\n  - name: Bob\n    url: x\ndate: 2024-05-06T07:08:09Z\nlang: de\n---\n\n# C\n\nd",
        );
        let expected = ["C\nd", "A: b", "Ann; Bob", "2024-05-06", "de"];
        assert_eq!(found, expected.map(|value| Some(value.to_owned())));
        let found = columns("+++\ntitle = 'A'\nauthor = [\"Ann\", \"Bob\"]\n+++\nb");
        assert_eq!(
            found[..3],
            ["b", "A", "Ann; Bob"].map(|value| Some(value.to_owned()))
        );
    }

    #[test]
    fn rules_in_the_middle_are_no_front_matter() {
        let found = columns("# A\n\nb\n\n---\ntitle: c\n\nd\n\n---\ne");
        assert_eq!(found[0].as_deref(), Some("A\nb\ntitle: c\nd\ne"));
        assert_eq!(found[1].as_deref(), Some("A"));
        let found = columns("---\n\na\n\n---\nb");
        assert_eq!(found[0].as_deref(), Some("a\nb"));
    }

    #[test]
    fn the_title_is_the_first_heading_of_level_1() {
        assert_eq!(columns("## a\n\n# b `c`\n")[1].as_deref(), Some("b c"));
        assert_eq!(columns("## a\n\n### b\n")[1].as_deref(), Some("a"));
        assert_eq!(columns("a")[1], None);
    }
}
