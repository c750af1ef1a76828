//! Blocks to Markdown: the same content as the plain text, with its structure.
//!
//! CommonMark with the tables and strike-through of GitHub. Headings, paragraphs, nested and numbered lists,
//! quotations, fenced code with its language, data tables, bold, italics, inline code and formulas between `$`
//! survive. Of links the text stays, of pictures nothing. Tables that only arrange a page are written as what
//! stands in them. Text that would be read as markup is escaped, and no more than that.

use std::{collections::HashMap, ops::Range};

use crate::html::{Document, Tag};

use super::blocks::{Block, Mark, Page, Side};

/// Lists and quotations nested deeper than this are written at this depth: what precedes a line must not grow with
/// the page.
const DEEPEST: usize = 16;

/// Writes the kept blocks of a page that was cut with marks. `is_kept` has one entry a block.
pub(super) fn render(document: &Document<'_>, page: &Page, is_kept: &[bool]) -> String {
    let mut writer = Writer {
        document,
        page,
        is_kept,
        out: String::new(),
        frames: Vec::new(),
        inline: Vec::new(),
        last: Vec::new(),
        last_list: None,
        fence: None,
        table: None,
    };
    let mut marks = page.marks.as_slice();
    for (index, block) in page.blocks.iter().enumerate() {
        let here = marks
            .iter()
            .take_while(|mark| mark.block as usize <= index)
            .count();
        let mut spans = Vec::new();
        writer
            .inline
            .iter_mut()
            .for_each(|span| span.from = block.text.start);
        for at in 0..here {
            writer.pass(&marks[at..], &block.text, &mut spans);
        }
        marks = &marks[here..];
        if is_kept[index] {
            writer.add_open(block.text.end, &mut spans);
            writer.block(index, block, spans);
        }
    }
    for at in 0..marks.len() {
        writer.pass(&marks[at..], &(page.text.len()..page.text.len()), &mut Vec::new());
    }
    writer.finish_fence();
    writer.out
}

struct Writer<'a> {
    document: &'a Document<'a>,
    page: &'a Page,
    is_kept: &'a [bool],
    out: String,
    /// Open elements that shape lines, outermost first.
    frames: Vec<Frame>,
    /// Open elements that shape characters.
    inline: Vec<Span>,
    /// The quotations and items around what was written last.
    last: Vec<u32>,
    /// The outermost list around it.
    last_list: Option<u32>,
    /// The `pre` whose code is being written, what stands before its lines, and its fence.
    fence: Option<(u32, String, usize)>,
    /// The data table whose cells are being collected.
    table: Option<Table>,
}

struct Frame {
    node: u32,
    kind: FrameKind,
}

impl Frame {
    fn is_item(&self) -> bool {
        matches!(self.kind, FrameKind::Item { .. })
    }

    /// Whether something stands before its lines.
    fn is_shape(&self) -> bool {
        self.is_item() || matches!(self.kind, FrameKind::Quote)
    }
}

enum FrameKind {
    Quote,
    /// The number of the next item, if items are numbered.
    List(Option<u32>),
    Item {
        marker: String,
        is_written: bool,
    },
    Heading(u8),
    Pre,
}

/// Characters of one kind.
#[derive(Debug, Clone, Copy)]
struct Span {
    node: u32,
    from: usize,
    to: usize,
    kind: SpanKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpanKind {
    Strong,
    Emphasis,
    Strike,
    Code,
    Formula,
}

impl SpanKind {
    fn of(tag: Tag) -> Option<Self> {
        match tag {
            Tag::B | Tag::Strong => Some(SpanKind::Strong),
            Tag::I | Tag::Em => Some(SpanKind::Emphasis),
            Tag::Del | Tag::S | Tag::Strike => Some(SpanKind::Strike),
            Tag::Code | Tag::Kbd | Tag::Samp | Tag::Tt => Some(SpanKind::Code),
            _ => None,
        }
    }

    fn delimiter(self) -> &'static str {
        match self {
            SpanKind::Strong => "**",
            SpanKind::Emphasis => "*",
            SpanKind::Strike => "~~",
            SpanKind::Code | SpanKind::Formula => "",
        }
    }

    fn is_literal(self) -> bool {
        matches!(self, SpanKind::Code | SpanKind::Formula)
    }
}

/// A data table: the cells that are kept, by block, and their text once it is known.
struct Table {
    node: u32,
    /// For each block in a cell its row and column, in order.
    places: Vec<(u32, (u32, u32))>,
    rows: Vec<Vec<String>>,
}

impl Writer<'_> {
    /// Passes the first of the marks, which lies before or in a block.
    fn pass(&mut self, marks: &[Mark], block: &Range<usize>, spans: &mut Vec<Span>) {
        let mark = marks[0];
        let tag = self.document.nodes()[mark.node as usize].tag;
        // White space at the end of a block was cut off.
        let at = (mark.at as usize).clamp(block.start, block.end);
        match mark.side {
            Side::Formula(length) => spans.push(Span {
                node: mark.node,
                from: at.saturating_sub(length as usize).max(block.start),
                to: at,
                kind: SpanKind::Formula,
            }),
            Side::Start => {
                if let Some(kind) = SpanKind::of(tag) {
                    self.inline.push(Span {
                        node: mark.node,
                        from: at,
                        to: at,
                        kind,
                    });
                } else if let Some(kind) = self.frame(tag, mark.node) {
                    self.frames.push(Frame {
                        node: mark.node,
                        kind,
                    });
                } else if tag == Tag::Table && self.table.is_none() {
                    self.table = self.data_table(marks);
                }
            }
            Side::End => {
                if self.inline.last().is_some_and(|span| span.node == mark.node) {
                    spans.extend(self.inline.pop().map(|span| Span { to: at, ..span }));
                } else if self.frames.last().is_some_and(|frame| frame.node == mark.node) {
                    self.frames.pop();
                } else if self.table.as_ref().is_some_and(|table| table.node == mark.node) {
                    self.finish_table();
                }
            }
            Side::Media(_) => {}
        }
    }

    /// Adds the spans that are open at the end of a block, of each kind the outermost: nesting has no bound that helps.
    fn add_open(&self, end: usize, spans: &mut Vec<Span>) {
        let closed = spans.len();
        for span in &self.inline {
            if spans[closed..].iter().all(|known| known.kind != span.kind) {
                spans.push(Span { to: end, ..*span });
            }
        }
    }

    /// What an element does to lines.
    fn frame(&mut self, tag: Tag, node: u32) -> Option<FrameKind> {
        let number = |name: &str| {
            let value = self
                .document
                .attributes(&self.document.nodes()[node as usize])
                .value(name)?;
            // CommonMark reads up to nine digits.
            value.trim().parse().ok().filter(|number| *number < 1_000_000_000)
        };
        match tag {
            Tag::Blockquote => Some(FrameKind::Quote),
            Tag::Ul | Tag::Menu | Tag::Dir => Some(FrameKind::List(None)),
            Tag::Ol => Some(FrameKind::List(Some(number("start").unwrap_or(1)))),
            Tag::Li => {
                let value = number("value");
                let marker = match self.frames.last_mut() {
                    Some(Frame {
                        kind: FrameKind::List(Some(next)),
                        ..
                    }) => {
                        let number = value.unwrap_or(*next);
                        *next = number.saturating_add(1).min(999_999_999);
                        format!("{number}. ")
                    }
                    _ => "- ".to_owned(),
                };
                Some(FrameKind::Item {
                    marker,
                    is_written: false,
                })
            }
            Tag::Pre | Tag::Listing | Tag::Xmp | Tag::Plaintext => Some(FrameKind::Pre),
            _ => tag.heading_level().map(FrameKind::Heading),
        }
    }

    /// The table that the first mark begins, if it holds data: rows of cells of one block each.
    fn data_table(&self, marks: &[Mark]) -> Option<Table> {
        let node = marks[0].node;
        let mut table = Table {
            node,
            places: Vec::new(),
            rows: Vec::new(),
        };
        let mut cell_begins = None;
        for mark in &marks[1..] {
            let tag = self.document.nodes()[mark.node as usize].tag;
            match (tag, mark.side) {
                (Tag::Table, Side::End) if mark.node == node => break,
                (Tag::Table, _) => return None,
                (Tag::Tr, Side::Start) => table.rows.push(Vec::new()),
                (Tag::Td | Tag::Th, Side::Start) => cell_begins = Some(mark.block),
                (Tag::Td | Tag::Th, Side::End) => {
                    let mut kept = (cell_begins?..mark.block).filter(|&block| self.is_kept[block as usize]);
                    let row = table.rows.len().checked_sub(1)?;
                    let place = (row as u32, table.rows[row].len() as u32);
                    table.rows[row].push(String::new());
                    if let Some(block) = kept.next() {
                        table.places.push((block, place));
                        let tag = self.page.blocks[block as usize].tag;
                        if kept.next().is_some() || matches!(tag, Tag::Pre | Tag::Listing | Tag::Xmp) {
                            return None;
                        }
                    }
                }
                _ => {}
            }
        }
        let has_columns = table.places.iter().any(|(_, (_, column))| *column > 0);
        let has_rows =
            table.places.first().map(|(_, (row, _))| row) != table.places.last().map(|(_, (row, _))| row);
        (has_columns && has_rows).then_some(table)
    }

    fn block(&mut self, index: usize, block: &Block, spans: Vec<Span>) {
        let text = &self.page.text[block.text.clone()];
        if let Some(table) = &mut self.table
            && let Ok(at) = table
                .places
                .binary_search_by_key(&(index as u32), |(block, _)| *block)
        {
            let (row, column) = table.places[at].1;
            let text = inline(text, block.text.start, spans, Mode::Cell);
            table.rows[row as usize][column as usize] = text;
            return;
        }
        if let Some(pre) = self
            .frames
            .iter()
            .rev()
            .find(|frame| matches!(frame.kind, FrameKind::Pre))
        {
            self.code(pre.node, text);
            return;
        }
        let heading = self.frames.iter().rev().find_map(|frame| match frame.kind {
            FrameKind::Heading(level) => Some(level),
            _ => None,
        });
        let mode = if heading.is_some() {
            Mode::Heading
        } else {
            Mode::Paragraph
        };
        let text = inline(text, block.text.start, spans, mode);
        let rest = self.begin();
        if let Some(level) = heading {
            self.out.extend(std::iter::repeat_n('#', usize::from(level)));
            self.out.push(' ');
        }
        self.lines(&text, "  \n", &rest);
    }

    /// Writes lines, each but the first behind `end` and `rest`.
    fn lines(&mut self, text: &str, end: &str, rest: &str) {
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.out.push_str(end);
                self.out.push_str(rest);
            }
            self.out.push_str(line);
        }
    }

    fn code(&mut self, pre: u32, text: &str) {
        let longest = text
            .split(|character| character != '`')
            .map(str::len)
            .max()
            .unwrap_or(0);
        match &self.fence {
            Some((node, rest, fence)) if *node == pre && longest < *fence => {
                let rest = rest.clone();
                self.out.push('\n');
                self.out.push_str(&rest);
                self.lines(text, "\n", &rest);
                return;
            }
            _ => {}
        }
        let rest = self.begin();
        let fence = (longest + 1).max(3);
        self.out.extend(std::iter::repeat_n('`', fence));
        self.out.push_str(&self.language(pre));
        self.out.push('\n');
        self.out.push_str(&rest);
        self.lines(text, "\n", &rest);
        self.fence = Some((pre, rest, fence));
    }

    /// The language that the classes of a `pre`, or of the `code` in it, name.
    fn language(&self, pre: u32) -> String {
        let nodes = self.document.nodes();
        let inner = nodes.get(pre as usize + 1).filter(|node| node.tag == Tag::Code);
        let named = [Some(&nodes[pre as usize]), inner]
            .into_iter()
            .flatten()
            .find_map(|node| {
                let class = self.document.attributes(node).value("class")?;
                let mut names = class.split_ascii_whitespace();
                let name =
                    names.find_map(|name| name.strip_prefix("language-").or(name.strip_prefix("lang-")))?;
                let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"+-#._".contains(&byte);
                (name.len() <= 24 && name.bytes().all(is_name)).then(|| name.to_owned())
            });
        named.unwrap_or_default()
    }

    /// Writes what parts a block from the one before it, and what stands before its first line. Gives what stands
    /// before its other lines.
    fn begin(&mut self) -> String {
        self.finish_fence();
        let list = self
            .frames
            .iter()
            .find(|frame| matches!(frame.kind, FrameKind::List(_)));
        let list = list.map(|frame| frame.node);
        let mut shapes: Vec<&mut Frame> = self.frames.iter_mut().filter(|frame| frame.is_shape()).collect();
        shapes.truncate(DEEPEST);
        let item = shapes.iter().rposition(|frame| frame.is_item());
        let (mut first, mut rest, mut between) = (String::new(), String::new(), String::new());
        let mut begins_item = false;
        let mut is_shared = true;
        for (depth, frame) in shapes.iter_mut().enumerate() {
            is_shared &= self.last.get(depth) == Some(&frame.node);
            let before = match &mut frame.kind {
                FrameKind::Item { marker, is_written } => {
                    begins_item = Some(depth) == item && !*is_written;
                    if begins_item {
                        *is_written = true;
                        first.push_str(marker);
                        rest.extend(std::iter::repeat_n(' ', marker.len()));
                        continue;
                    }
                    // If nothing of an item itself is kept, its inner list stands in its place.
                    " ".repeat(if *is_written { marker.len() } else { 0 })
                }
                _ => "> ".to_owned(),
            };
            first.push_str(&before);
            rest.push_str(&before);
            if is_shared {
                between.push_str(&before);
            }
        }
        if !self.out.is_empty() {
            if !(begins_item && list == self.last_list) {
                self.out.push('\n');
                self.out.push_str(between.trim_end());
            }
            self.out.push('\n');
        }
        self.out.push_str(&first);
        self.last = shapes.iter().map(|frame| frame.node).collect();
        self.last_list = list.filter(|_| item.is_some());
        rest
    }

    fn finish_fence(&mut self) {
        if let Some((_, rest, fence)) = self.fence.take() {
            self.out.push('\n');
            self.out.push_str(&rest);
            self.out.extend(std::iter::repeat_n('`', fence));
        }
    }

    fn finish_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let rows: Vec<_> = table
            .rows
            .iter()
            .filter(|row| row.iter().any(|cell| !cell.is_empty()))
            .collect();
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let rest = self.begin();
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                self.out.push('\n');
                self.out.push_str(&rest);
            }
            // A short row is one whose last cells are empty; only the first says how many there are.
            for column in 0..if number == 0 { columns } else { row.len() } {
                let cell = row.get(column).map_or("", String::as_str);
                self.out.push_str("| ");
                self.out.push_str(cell);
                self.out.push(' ');
            }
            self.out.push('|');
            if number == 0 {
                self.out.push('\n');
                self.out.push_str(&rest);
                self.out.push_str(&"| --- ".repeat(columns));
                self.out.push('|');
            }
        }
    }
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Paragraph,
    /// One line, bold by itself.
    Heading,
    /// One line without `|`.
    Cell,
}

/// A text with its spans as Markdown. Spans are in bytes of the page, whose text begins at `start` here.
fn inline(text: &str, start: usize, spans: Vec<Span>, mode: Mode) -> String {
    let spans = usable(text, start, spans, mode);
    let mut edges: Vec<(usize, bool, usize)> = Vec::new();
    for (number, span) in spans.iter().enumerate() {
        edges.push((span.from, true, number));
        edges.push((span.to, false, number));
    }
    // At one place spans end before others begin; those that begin there end in the opposite order.
    edges
        .sort_by_key(|&(at, begins, number)| (at, begins, if begins { number } else { usize::MAX - number }));
    let last_link = text.rfind("](").max(text.rfind("]:")).unwrap_or(0);
    let escape = |piece: Range<usize>, out: &mut String| escape(text, piece, mode, last_link, out);
    let mut out = String::with_capacity(text.len() + 8);
    let mut at = 0;
    for (edge, begins, number) in edges {
        let span = spans[number];
        if span.kind.is_literal() {
            if begins {
                escape(at..edge, &mut out);
                literal(&text[span.from..span.to], span.kind, mode, &mut out);
                at = span.to;
            }
            continue;
        }
        escape(at..edge, &mut out);
        at = edge;
        out.push_str(span.kind.delimiter());
    }
    escape(at..text.len(), &mut out);
    out
}

/// The spans that Markdown can express, outer before inner, in bytes of `text`.
fn usable(text: &str, start: usize, spans: Vec<Span>, mode: Mode) -> Vec<Span> {
    let mut spans: Vec<Span> = spans
        .into_iter()
        .filter(|span| !(mode == Mode::Heading && span.kind == SpanKind::Strong))
        .filter_map(|span| {
            let piece = &text[span.from - start..span.to - start];
            let trimmed = piece.trim();
            let from = span.from - start + (piece.len() - piece.trim_start().len());
            let to = from + trimmed.len();
            (!trimmed.is_empty()).then_some(Span { from, to, ..span })
        })
        .collect();
    spans.sort_by_key(|span| (span.from, std::cmp::Reverse(span.to), span.node));
    let mut out: Vec<Span> = Vec::new();
    let mut around: Vec<Span> = Vec::new();
    // The outermost span that ends at a place.
    let mut ends: HashMap<usize, usize> = HashMap::new();
    for span in spans {
        around.retain(|outer| outer.to > span.from);
        let is_inside = |outer: &Span| outer.kind == span.kind || outer.kind.is_literal();
        if around.iter().any(is_inside) || !(span.kind.is_literal() || is_read(text, span)) {
            continue;
        }
        match ends.get(&span.from) {
            // `**a****b**` and `**a***b*` would not be read as two; one kind is one span.
            Some(&number) if !span.kind.is_literal() => {
                let other: &mut Span = &mut out[number];
                if other.kind == span.kind {
                    other.to = span.to;
                    around.push(*other);
                    ends.entry(span.to).or_insert(number);
                }
            }
            _ => {
                around.push(span);
                if !span.kind.is_literal() {
                    ends.entry(span.to).or_insert(out.len());
                }
                out.push(span);
            }
        }
    }
    out
}

/// Whether delimiters at both ends of a span would be read as such: CommonMark's flanking rules.
fn is_read(text: &str, span: Span) -> bool {
    let is_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let is_gap = |character: Option<char>| character.is_none_or(|c| !c.is_alphanumeric());
    let before = text[..span.from].chars().next_back();
    let first = text[span.from..].chars().next();
    let last = text[..span.to].chars().next_back();
    let after = text[span.to..].chars().next();
    // A blank line or a line break inside would end the paragraph or the item.
    let is_one_line = !text[span.from..span.to].contains('\n');
    is_one_line && (is_word(first) || is_gap(before)) && (is_word(last) || is_gap(after))
}

/// Code or a formula, whose characters stand for themselves.
fn literal(text: &str, kind: SpanKind, mode: Mode, out: &mut String) {
    let text = text.replace('\n', " ");
    let text = if mode == Mode::Cell {
        text.replace('|', "\\|")
    } else {
        text
    };
    if kind == SpanKind::Formula {
        out.push_str(&text);
        return;
    }
    let longest = text
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    for piece in [fence.as_str(), space, &text, space, fence.as_str()] {
        out.push_str(piece);
    }
}

/// Appends a piece of a text, with a backslash before what would be markup. No link ends behind `last_link`.
fn escape(text: &str, piece: Range<usize>, mode: Mode, last_link: usize, out: &mut String) {
    let bytes = text.as_bytes();
    let mut plain = piece.start;
    let mut at = piece.start;
    while at < piece.end {
        let byte = bytes[at];
        let before = at.checked_sub(1).map(|at| bytes[at]);
        let after = bytes.get(at + 1).copied();
        let begins_line = before.is_none_or(|before| before == b'\n');
        if byte == b'\n' && mode != Mode::Paragraph {
            out.push_str(&text[plain..at]);
            out.push_str(if mode == Mode::Cell { "<br>" } else { " " });
            at += 1;
            plain = at;
            continue;
        }
        let is_markup = match byte {
            b'\\' => after.is_none_or(|after| after.is_ascii_punctuation()),
            b'`' => true,
            b'*' => !(is_blank(before) && is_blank(after)) || begins_line,
            b'_' => {
                begins_line || !(is_blank(before) && is_blank(after) || is_word(before) && is_word(after))
            }
            b'~' => after == Some(b'~') || before == Some(b'~'),
            b'[' => at < last_link || after == Some(b'^'),
            b'<' => after.is_some_and(|after| after.is_ascii_alphabetic() || b"/!?".contains(&after)),
            b'&' => is_entity(&text[at..]),
            // A second line of dashes would make the first a row of a table.
            b'|' => mode == Mode::Cell || text.contains('\n'),
            b'#' | b'>' | b'+' | b'-' | b'=' if begins_line => begins_markup(&text[at..]),
            b'.' | b')' => is_blank(after) && is_list_number(&text[..at]),
            _ => false,
        };
        if is_markup {
            out.push_str(&text[plain..at]);
            out.push('\\');
            plain = at;
        }
        at += 1;
    }
    out.push_str(&text[plain..piece.end]);
}

fn is_blank(byte: Option<u8>) -> bool {
    byte.is_none_or(|byte| byte.is_ascii_whitespace())
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80)
}

/// `&amp;`, `&#38;`, `&#x26;`: what would be read as another character.
fn is_entity(text: &str) -> bool {
    let name = text[1..]
        .bytes()
        .take(32)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#')
        .count();
    name > 0 && text.as_bytes().get(1 + name) == Some(&b';')
}

/// Whether a line begins like a heading, a quotation, an item, a rule or an underline.
fn begins_markup(text: &str) -> bool {
    let line = text.split('\n').next().unwrap_or_default();
    let first = line.as_bytes()[0];
    let run = line.bytes().take_while(|byte| *byte == first).count();
    let ends_word = line.as_bytes().get(run).is_none_or(u8::is_ascii_whitespace);
    let is_ruled = line.bytes().all(|byte| byte == first || byte == b' ');
    match first {
        b'>' => true,
        b'#' => run <= 6 && ends_word,
        _ => is_ruled || run == 1 && ends_word && first != b'=',
    }
}

/// Whether a text ends in the number of an item at the start of a line.
fn is_list_number(text: &str) -> bool {
    let digits = text.bytes().rev().take(10).take_while(u8::is_ascii_digit).count();
    let line = &text[..text.len() - digits];
    (1..10).contains(&digits) && (line.is_empty() || line.ends_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::blocks::{self, Marked};

    fn check(html: &str, expected: &str) {
        let document = Document::parse(html, 512, 1 << 20);
        let page = blocks::cut_with(&document, Marked::Elements);
        assert_eq!(
            render(&document, &page, &vec![true; page.blocks.len()]),
            expected,
            "{html}"
        );
    }

    #[test]
    fn headings_paragraphs_and_breaks() {
        check(
            "<h1>a</h1><p>b<p>c<br>d<h3><b>e</b> <i>f</i></h3>",
            "# a\n\nb\n\nc  \nd\n\n### e *f*",
        );
    }

    #[test]
    fn lists_nest_and_count() {
        check(
            "<p>x<ul><li>a<ul><li>b<li>c</ul><li>d</ul>e",
            "x\n\n- a\n  - b\n  - c\n- d\n\ne",
        );
        check("<ol start=9><li>a<li><p>b<p>c</ol>", "9. a\n10. b\n\n    c");
        check("<ul><li><ul><li>a</ul><li>b</ul>", "- a\n- b");
        check("<ol><li><ol><li>a<div>b</div></ol>c</ol>", "1. a\n\n   b\n1. c");
        check("<ol><li>a</li><p>b</p><li>c</ol>", "1. a\n\nb\n\n2. c");
    }

    #[test]
    fn quotations_and_code() {
        check("<blockquote><p>a<p>b</blockquote>c", "> a\n>\n> b\n\nc");
        check(
            "<pre><code class='x language-rust'>a\n  *b*</code></pre>",
            "```rust\na\n  *b*\n```",
        );
        check(
            "<ul><li>a<pre>b\nc ``` d</pre></ul>",
            "- a\n\n  ````\n  b\n  c ``` d\n  ````",
        );
        check("<pre><div>a</div><div>b</div></pre>c", "```\na\nb\n```\n\nc");
    }

    #[test]
    fn tables_of_data_are_tables() {
        check(
            "<table><tr><th>a<th>b<tr><td><td>c|d<br>e</table>f",
            "| a | b |\n| --- | --- |\n|  | c\\|d<br>e |\n\nf",
        );
        check(
            "<table><tr><td><p>a<p>b<td>c<tr><td>d</table>",
            "a\n\nb\n\nc\n\nd",
        );
        check("<table><tr><td>a<tr><td>b</table>", "a\n\nb");
    }

    #[test]
    fn characters_have_kinds() {
        check(
            "<p>a <b>b</b>, <i> c </i><code>d`e</code>",
            "a **b**, *c* ``d`e``",
        );
        check("<p><strong>a <em>b</em></strong><del>c</del>", "**a *b***c");
        check("<b><p>a<p>b</b>", "**a**\n\n**b**");
        // Delimiters that would not be read are left out.
        check("<p>a<b>(b)</b>c<b></b>", "a(b)c");
        check("<p><b>a</b><b>b</b><i>c</i>", "**ab**c");
        check("<p>a <math alttext='x_1*y'></math>", "a $x_1*y$");
    }

    #[test]
    fn what_looks_like_markup_is_escaped() {
        check(
            "<p># a<p>#a<p>1. b<p>3.5<p>- c<p>-c",
            "\\# a\n\n#a\n\n1\\. b\n\n3.5\n\n\\- c\n\n-c",
        );
        check("<p>2 * 3 *a* b_c _d", "2 * 3 \\*a\\* b_c \\_d");
        check(
            "<p>&lt;b> a < b &amp;amp; & [x](y)",
            "\\<b> a < b \\&amp; & \\[x](y)",
        );
    }

    #[test]
    fn white_space_that_goes_takes_no_characters_with_it() {
        check("<div>&#x3000;<b><div>A日本</div></b></div>", "**A日本**");
        check("<pre> <b>\n</b></pre><p>é", "é");
        check("<p>_ _ _", "\\_ _ _");
        check("<p>a | b<br>--- | ---", "a \\| b  \n--- \\| ---");
        check("<p><b>a</b><b>b<b>c</b>d</b>", "**abcd**");
    }

    #[test]
    fn nesting_has_a_floor() {
        let html = "<ul><li>a".repeat(400);
        let document = Document::parse(&html, 512, 1 << 20);
        let page = blocks::cut_with(&document, Marked::Elements);
        let text = render(&document, &page, &vec![true; page.blocks.len()]);
        assert!(text.lines().all(|line| line.len() <= 2 * DEEPEST + 1), "{text}");
    }
}
