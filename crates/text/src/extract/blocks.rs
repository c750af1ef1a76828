//! A page cut into blocks: the pieces of text between line breaks of the layout.
//!
//! A block is a run of inline content within one block-level element: a paragraph, a heading, a list item without
//! its sublists, a table cell. White space is collapsed to single spaces outside of `pre`, no-break spaces
//! included; zero-width spaces, soft hyphens and control characters are dropped. Scripts, styles, templates, form
//! fields, embedded media and drawings hold no text. Formulas are TeX between `$` (see [`formula`]). Whether a block is content is not decided here.

use std::ops::Range;

use crate::html::{self, Document, Node, Place, Tag};

use super::{
    formula::{self, Formula},
    hints::{self, Distances, FAR, Hint},
};

/// A page as blocks.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The text of all blocks, one after the other.
    pub(crate) text: String,
    /// In document order.
    pub(crate) blocks: Vec<Block>,
    /// Block-level elements, parents before children; the first stands for the page.
    pub(crate) containers: Vec<Container>,
    /// Elements by kind, for judging what kind of page it is.
    pub(crate) elements: Elements,
    /// Places of elements, in document order: those that were asked for.
    pub(crate) marks: Vec<Mark>,
}

/// Which places [`cut_with`] marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    Nothing,
    /// Where elements begin and end, and formulas.
    Elements,
    /// Where images, players and other embedded media stand.
    Media,
}

/// A place of an element, for whoever renders more than the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    /// Blocks that end before it.
    pub(crate) block: u32,
    /// Where it stands in [`Page::text`].
    pub(crate) at: u32,
    /// The element's node.
    pub(crate) node: u32,
    pub(crate) side: Side,
}

/// What a [`Mark`] marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Start,
    End,
    /// A formula, of so many bytes.
    Formula(u32),
    /// Embedded media, in that container.
    Media(u32),
}

/// One piece of text.
#[derive(Debug)]
pub(crate) struct Block {
    /// Where in [`Page::text`].
    pub(crate) text: Range<usize>,
    /// The innermost block-level element.
    pub(crate) container: u32,
    /// Its tag.
    pub(crate) tag: Tag,
    /// What the elements above say.
    pub(crate) hints: Distances,
    /// Open elements.
    pub(crate) depth: u16,
    /// Bytes within links.
    pub(crate) link_bytes: u32,
    /// Links.
    pub(crate) links: u16,
    /// Bytes in bold or italics.
    pub(crate) strong_bytes: u32,
    /// Line breaks.
    pub(crate) breaks: u16,
    /// Whether it begins a list item.
    pub(crate) begins_item: bool,
    /// The node of the table row and of the cell, 0 outside of tables.
    pub(crate) cell: (u32, u32),
    /// The first of the blocks that share elements and classes three levels up; a hash.
    pub(crate) signature: u32,
    /// Weights of the classes and ids of all open elements, and of the innermost [`NEAR`].
    pub(crate) path_weight: (i32, i32),
    /// The innermost open element.
    pub(crate) node: u32,
}

/// How many elements are near.
pub(crate) const NEAR: usize = 3;

/// A block-level element.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) parent: u32,
    pub(crate) tag: Tag,
    /// Hash of tag and classes.
    pub(crate) signature: u32,
    /// Pictures directly within, not those of containers below.
    pub(crate) images: u32,
    /// The element's node; 0 for the page.
    pub(crate) node: u32,
}

/// How many elements of some kinds a page has.
#[derive(Debug, Default, Clone)]
pub(crate) struct Elements {
    pub(crate) articles: u32,
    pub(crate) forms: u32,
    pub(crate) inputs: u32,
    pub(crate) images: u32,
    pub(crate) tables: u32,
    pub(crate) scripts: u32,
    pub(crate) links: u32,
    pub(crate) elements: u32,
    /// Elements with each hint.
    pub(crate) hints: Vec<u32>,
}

/// An open element.
struct Open {
    end: u32,
    tag: Tag,
    container: u32,
    hints: Distances,
    in_link: bool,
    in_strong: bool,
    in_pre: bool,
    signature: u32,
    path_weight: i32,
    node: u32,
    cell: (u32, u32),
}

/// Cuts a page into blocks.
pub(crate) fn cut(document: &Document<'_>) -> Page {
    cut_with(document, Marked::Nothing)
}

/// Cuts a page into blocks, and marks what is asked for.
pub(crate) fn cut_with(document: &Document<'_>, marked: Marked) -> Page {
    let mut cutter = Cutter {
        page: Page::default(),
        open: vec![Open {
            end: u32::MAX,
            tag: Tag::Body,
            container: 0,
            hints: [FAR; Hint::COUNT],
            in_link: false,
            in_strong: false,
            in_pre: false,
            signature: 0,
            path_weight: 0,
            node: 0,
            cell: (0, 0),
        }],
        pending: Pending::default(),
        item_begins: false,
        has_formulas: formula::is_possible(document.source()),
        marked,
        scratch: String::new(),
    };
    cutter.page.elements.hints = vec![0; Hint::COUNT];
    cutter.page.containers.push(Container {
        parent: 0,
        tag: Tag::Body,
        signature: 0,
        images: 0,
        node: 0,
    });
    cutter.page.text.reserve(document.nodes().len() * 16);
    cutter.walk(document);
    cutter.page
}

#[derive(Default)]
struct Pending {
    start: usize,
    link_bytes: usize,
    links: u16,
    strong_bytes: usize,
    breaks: u16,
    /// A space is due before the next character.
    has_space: bool,
}

struct Cutter {
    page: Page,
    open: Vec<Open>,
    pending: Pending,
    item_begins: bool,
    has_formulas: bool,
    marked: Marked,
    scratch: String,
}

impl Cutter {
    fn walk(&mut self, document: &Document<'_>) {
        let nodes = document.nodes();
        let mut index = 0;
        while index < nodes.len() {
            self.leave(index as u32);
            let node = &nodes[index];
            if self.formula(document, index) {
                index = node.end as usize;
                continue;
            }
            match node.tag {
                Tag::Text => self.text(document.raw(node)),
                Tag::Br => self.line_break(),
                Tag::Wbr => {}
                tag if is_without_text(tag) && !is_shadow(document, node) => {
                    self.count(tag);
                    if tag.is_block() {
                        self.flush();
                    }
                    if self.marked == Marked::Media && is_embedded(tag) {
                        self.mark_media(index);
                    }
                    index = node.end as usize;
                    continue;
                }
                _ => {
                    if self.marked == Marked::Media && node.tag == Tag::Other && is_amp(document.raw(node)) {
                        self.mark_media(index);
                    }
                    self.enter(document, index);
                }
            }
            index += 1;
        }
        self.leave(u32::MAX - 1);
        self.flush();
    }

    fn top(&self) -> &Open {
        self.open.last().expect("the page itself is never closed")
    }

    /// Closes the elements that end at or before `index`.
    fn leave(&mut self, index: u32) {
        while self.top().end <= index {
            if self.top().tag.is_block() {
                self.flush();
            }
            if self.top().tag == Tag::Li {
                self.item_begins = false;
            }
            self.mark(self.top().node, Side::End);
            self.open.pop();
        }
    }

    fn mark(&mut self, node: u32, side: Side) {
        if self.marked == Marked::Elements {
            self.push_mark(node, side);
        }
    }

    fn mark_media(&mut self, index: usize) {
        self.push_mark(index as u32, Side::Media(self.top().container));
    }

    fn push_mark(&mut self, node: u32, side: Side) {
        self.page.marks.push(Mark {
            block: self.page.blocks.len() as u32,
            at: self.page.text.len() as u32,
            node,
            side,
        });
    }

    /// Writes the TeX of an element, if it is a formula. True if the element is done with.
    fn formula(&mut self, document: &Document<'_>, index: usize) -> bool {
        let tag = document.nodes()[index].tag;
        if tag == Tag::Text || !(self.has_formulas || tag == Tag::Math || self.open_math()) {
            return false;
        }
        match formula::look(document, index) {
            Formula::None => false,
            Formula::Repeated => true,
            Formula::Tex(tex, is_block) => {
                let dollars = if is_block { "$$" } else { "$" };
                let tex = format!("{dollars}{tex}{dollars}");
                push_piece(
                    &tex,
                    self.pending.start,
                    &mut self.pending.has_space,
                    &mut self.page.text,
                );
                let length = tex.len() as u32;
                self.mark(index as u32, Side::Formula(length));
                true
            }
        }
    }

    fn open_math(&self) -> bool {
        self.open.iter().rev().take(3).any(|open| open.tag == Tag::Math)
    }

    fn count(&mut self, tag: Tag) {
        let container = self.top().container as usize;
        let elements = &mut self.page.elements;
        elements.elements += 1;
        match tag {
            Tag::Article => elements.articles += 1,
            Tag::Form => elements.forms += 1,
            Tag::Input | Tag::Select | Tag::Textarea => elements.inputs += 1,
            Tag::Img | Tag::Svg | Tag::Picture => {
                elements.images += 1;
                self.page.containers[container].images += u32::from(tag == Tag::Img);
            }
            Tag::Table => elements.tables += 1,
            Tag::Script => elements.scripts += 1,
            Tag::A => elements.links += 1,
            _ => {}
        }
    }

    fn enter(&mut self, document: &Document<'_>, index: usize) {
        let node = &document.nodes()[index];
        let tag = node.tag;
        self.count(tag);
        if tag.is_block() {
            self.flush();
        }
        if tag == Tag::Li {
            self.item_begins = true;
        }
        let above = self.top();
        let mut hints = hints::one_level_down(&above.hints);
        let weight = hints::mark(&mut hints, tag, document.attributes(node));
        let mut open = Open {
            end: node.end,
            tag,
            container: above.container,
            hints,
            in_link: above.in_link || tag == Tag::A,
            in_strong: above.in_strong || matches!(tag, Tag::B | Tag::Strong | Tag::Em | Tag::I),
            in_pre: above.in_pre || matches!(tag, Tag::Pre | Tag::Listing | Tag::Xmp | Tag::Plaintext),
            signature: above.signature,
            path_weight: above.path_weight + weight,
            node: index as u32,
            cell: match tag {
                Tag::Table => (0, 0),
                Tag::Tr => (index as u32, 0),
                Tag::Td | Tag::Th => (above.cell.0, index as u32),
                _ => above.cell,
            },
        };
        for (count, &distance) in self.page.elements.hints.iter_mut().zip(&hints) {
            *count += u32::from(distance == 0);
        }
        if tag == Tag::A {
            self.pending.links = self.pending.links.saturating_add(1);
        }
        if tag.is_block() {
            let class = document.attributes(node).value("class").unwrap_or_default();
            open.signature = mix(mix(0, tag as u32), hash(&class));
            self.page.containers.push(Container {
                parent: open.container,
                tag,
                signature: open.signature,
                images: 0,
                node: index as u32,
            });
            open.container = self.page.containers.len() as u32 - 1;
        }
        self.mark(open.node, Side::Start);
        self.open.push(open);
    }

    fn line_break(&mut self) {
        self.pending.breaks = self.pending.breaks.saturating_add(1);
        let text = &mut self.page.text;
        if text.len() > self.pending.start && !text.ends_with('\n') {
            text.push('\n');
        }
        self.pending.has_space = false;
    }

    fn text(&mut self, raw: &str) {
        let before = self.page.text.len();
        self.scratch.clear();
        let raw = if raw.contains('&') {
            html::decode_into(raw, Place::Text, &mut self.scratch);
            self.scratch.as_str()
        } else {
            raw
        };
        let open = self.open.last().expect("the page itself is never closed");
        if open.in_pre {
            append_lines(raw, &mut self.page.text);
        } else {
            append_collapsed(
                raw,
                self.pending.start,
                &mut self.pending.has_space,
                &mut self.page.text,
            );
        }
        let added = self.page.text.len() - before;
        if open.in_link {
            self.pending.link_bytes += added;
        }
        if open.in_strong {
            self.pending.strong_bytes += added;
        }
    }

    /// Ends the block that is being written.
    fn flush(&mut self) {
        let start = self.pending.start;
        let text = &mut self.page.text;
        text.truncate(start + text[start..].trim_end().len());
        let pending = std::mem::take(&mut self.pending);
        self.pending.start = text.len();
        if text.len() == start {
            // What was marked in the white space that is gone belongs to the next block.
            let late = self
                .page
                .marks
                .iter_mut()
                .rev()
                .take_while(|mark| mark.at as usize > start);
            late.for_each(|mark| mark.at = start as u32);
            return;
        }
        let depth = self.open.len();
        let top = self.top();
        let near = self.open[depth.saturating_sub(1 + NEAR)..]
            .first()
            .map_or(0, |open| open.path_weight);
        let innermost = self.open.iter().rev().find(|open| open.tag.is_block());
        let mut signature = 0;
        let mut container = top.container;
        for _ in 0..3 {
            let container_now = &self.page.containers[container as usize];
            signature = mix(signature, container_now.signature);
            container = container_now.parent;
        }
        let block = Block {
            text: start..self.page.text.len(),
            container: top.container,
            tag: innermost.map_or(Tag::Body, |open| open.tag),
            hints: top.hints,
            depth: depth as u16,
            link_bytes: pending.link_bytes as u32,
            links: pending.links,
            strong_bytes: pending.strong_bytes as u32,
            breaks: pending.breaks,
            begins_item: self.item_begins,
            cell: top.cell,
            signature,
            path_weight: (top.path_weight, top.path_weight - near),
            node: top.node,
        };
        self.item_begins = false;
        self.page.blocks.push(block);
    }
}

/// A `template` that a browser shows: the content of the element around it.
fn is_shadow(document: &Document<'_>, node: &Node) -> bool {
    node.tag == Tag::Template && document.attributes(node).value("shadowrootmode").is_some()
}

/// An element whose content is never shown as text.
fn is_without_text(tag: Tag) -> bool {
    use Tag::*;
    tag.is_void()
        || matches!(
            tag,
            Head | Title
                | Script
                | Style
                | Template
                | Svg
                | Select
                | Datalist
                | Textarea
                | Iframe
                | Object
                | Audio
                | Video
                | Canvas
                | Noembed
                | Noframes
                | Progress
                | Meter
                | Applet
                | Map
        )
}

/// An element that shows a medium.
fn is_embedded(tag: Tag) -> bool {
    use Tag::*;
    matches!(tag, Img | Image | Video | Audio | Iframe | Embed | Object)
}

/// `amp-img` and its relatives, of which AMP pages are made.
fn is_amp(raw: &str) -> bool {
    raw.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("amp-"))
}

/// Appends text of `pre`, with its lines and spaces.
fn append_lines(raw: &str, out: &mut String) {
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            '\n' | '\t' => out.push(character),
            '\u{a0}' => out.push(' '),
            '\u{200b}' | '\u{feff}' | '\u{ad}' => {}
            _ if character.is_control() => {}
            _ => out.push(character),
        }
    }
}

/// Appends text with runs of white space as one space, none at the start of a block.
fn append_collapsed(raw: &str, start: usize, has_space: &mut bool, out: &mut String) {
    let mut rest = raw;
    loop {
        let plain = rest
            .bytes()
            .position(|byte| byte <= b' ' || matches!(byte, 0x7f | 0xc2 | 0xe2 | 0xef))
            .unwrap_or(rest.len());
        if plain > 0 {
            push_piece(&rest[..plain], start, has_space, out);
            rest = &rest[plain..];
        }
        let Some(character) = rest.chars().next() else {
            return;
        };
        rest = &rest[character.len_utf8()..];
        match character {
            '\t'
            | '\n'
            | '\x0c'
            | '\r'
            | ' '
            | '\u{a0}'
            | '\u{85}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}' => *has_space = true,
            '\u{200b}' | '\u{feff}' | '\u{ad}' => {}
            _ if character.is_control() => {}
            _ => push_piece(character.encode_utf8(&mut [0; 4]), start, has_space, out),
        }
    }
}

fn push_piece(piece: &str, start: usize, has_space: &mut bool, out: &mut String) {
    if *has_space && out.len() > start && !out.ends_with('\n') {
        out.push(' ');
    }
    *has_space = false;
    out.push_str(piece);
}

/// A hash of the letters of class names: `post-1` and `post-2` are one.
fn hash(class: &str) -> u32 {
    class
        .bytes()
        .filter(|byte| !byte.is_ascii_digit())
        .fold(0, |hash, byte| mix(hash, u32::from(byte)))
}

pub(super) fn mix(hash: u32, value: u32) -> u32 {
    (hash ^ value).wrapping_mul(0x0100_0193).rotate_left(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &[&str]) {
        let page = cut(&Document::parse(html, 512, 1 << 20));
        let texts: Vec<_> = page
            .blocks
            .iter()
            .map(|block| &page.text[block.text.clone()])
            .collect();
        assert_eq!(texts, expected, "{html}");
    }

    #[test]
    fn blocks_lie_between_block_level_elements() {
        check(
            "a<p>b <b>c</b>d<p>e<div><span>f</span> g</div>h",
            &["a", "b cd", "e", "f g", "h"],
        );
        check("<ul><li>a<ul><li>b</ul>c</ul>", &["a", "b", "c"]);
        check("<table><tr><td>a<td>b</table>", &["a", "b"]);
    }

    #[test]
    fn white_space_collapses_outside_of_pre() {
        check("<p> a \n\t b&nbsp;&nbsp;c <b> d</b> </p>", &["a b c d"]);
        check("<pre>a\r\n  b\n\n</pre>", &["a\n  b"]);
        check("<p>a <br> b<br><br>c", &["a\nb\nc"]);
        check("<p>a\u{200b}b\u{0}c&shy;d\u{e9}\u{2014}", &["abcd\u{e9}\u{2014}"]);
    }

    #[test]
    fn scripts_and_fields_hold_no_text() {
        check(
            "<p>a<script>b</script><select><option>c</select><svg><text>d</svg><template>e</template>f",
            &["a", "f"],
        );
        check(
            "<x-y><template shadowrootmode=open><p>a</template>b</x-y>",
            &["a", "b"],
        );
    }

    #[test]
    fn a_list_item_begins_once() {
        let page = cut(&Document::parse("<ul><li><p>a<p>b<li>c</ul>d", 512, 1 << 20));
        let begins: Vec<_> = page.blocks.iter().map(|block| block.begins_item).collect();
        assert_eq!(begins, [true, false, true, false]);
    }
}
