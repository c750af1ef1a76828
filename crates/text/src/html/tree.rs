//! Bytes to nodes: tags, text and the repairs of a browser, in one pass.

use memchr::{memchr, memchr2, memmem};

use super::{Attributes, Tag, attributes::is_space};

/// A parsed page: nodes in document order over the source they point into.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    source: &'a str,
    nodes: Vec<Node>,
}

/// An element or a text: 20 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// The element's name, or [`Tag::Text`].
    pub(crate) tag: Tag,
    /// The index of the parent; the index of the node itself for those at the top.
    pub(crate) parent: u32,
    /// The index after the last node of the subtree.
    pub(crate) end: u32,
    from: u32,
    to: u32,
}

impl<'a> Document<'a> {
    /// Reads a page of any kind and shape; see the module for the rules and the bounds.
    pub(crate) fn parse(source: &'a str, depth: usize, nodes: usize) -> Self {
        // Offsets are `u32`; records are far smaller (`Limits::record_bytes`).
        let source = &source[..source.floor_char_boundary(u32::MAX as usize)];
        let mut builder = Builder::new(source, depth.max(1), nodes);
        builder.read();
        builder.finish()
    }

    /// The page as it was read.
    pub(crate) fn source(&self) -> &'a str {
        self.source
    }

    /// All nodes, parents before children.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The characters of a text node, or the whole start tag after `<` of an element, as written.
    pub(crate) fn raw(&self, node: &Node) -> &'a str {
        &self.source[node.from as usize..node.to as usize]
    }

    /// The attributes of an element.
    pub(crate) fn attributes(&self, node: &Node) -> Attributes<'a> {
        let raw = self.raw(node);
        Attributes::new(&raw[name_length(raw.as_bytes())..])
    }

    /// The text nodes below an element, joined as written: the content of `title` or `script`.
    pub(crate) fn content(&self, index: usize) -> String {
        let end = self.nodes[index].end as usize;
        self.nodes[index + 1..end]
            .iter()
            .filter(|node| node.tag == Tag::Text)
            .map(|node| self.raw(node))
            .collect()
    }
}

/// The length of the name at the start of a tag.
fn name_length(tag: &[u8]) -> usize {
    tag.iter()
        .position(|&byte| is_space(byte) || matches!(byte, b'/' | b'>'))
        .unwrap_or(tag.len())
}

struct Builder<'a> {
    source: &'a str,
    at: usize,
    nodes: Vec<Node>,
    nodes_max: usize,
    /// Indices of open elements, outermost first.
    open: Vec<u32>,
    depth_max: usize,
    /// How many elements of each tag are open, so that a stray end tag costs nothing.
    open_count: [u32; Tag::COUNT],
    /// Elements beyond `depth_max` that are not in the tree, and whose end tags are yet to come.
    flattened: [u32; Tag::COUNT],
    has_body: bool,
}

impl<'a> Builder<'a> {
    fn new(source: &'a str, depth_max: usize, nodes_max: usize) -> Self {
        Builder {
            source,
            at: 0,
            nodes: Vec::with_capacity((source.len() / 32).min(nodes_max)),
            nodes_max,
            open: Vec::with_capacity(64),
            depth_max,
            open_count: [0; Tag::COUNT],
            flattened: [0; Tag::COUNT],
            has_body: false,
        }
    }

    fn read(&mut self) {
        let bytes = self.source.as_bytes();
        while self.at < bytes.len() && self.nodes.len() < self.nodes_max {
            let start = self.at;
            let Some(length) = memchr(b'<', &bytes[start..]) else {
                self.text(start, bytes.len());
                return;
            };
            let tag = start + length;
            self.text(start, tag);
            self.at = tag + 1;
            match bytes.get(tag + 1) {
                Some(byte) if byte.is_ascii_alphabetic() => self.start_tag(),
                Some(b'/') => self.end_tag(tag),
                Some(b'!') => self.declaration(tag),
                Some(b'?') => self.skip_past(b'>'),
                // `a < b`
                _ => self.text(tag, tag + 1),
            }
        }
    }

    fn finish(mut self) -> Document<'a> {
        self.close_down_to(0);
        Document {
            source: self.source,
            nodes: self.nodes,
        }
    }

    fn text(&mut self, from: usize, to: usize) {
        if from == to {
            return;
        }
        if self.top() == Some(Tag::Head) {
            if self.source.as_bytes()[from..to]
                .iter()
                .all(|&byte| is_space(byte))
            {
                return;
            }
            self.close_down_to(self.open.len() - 1);
        }
        match self.nodes.last_mut() {
            // `a < b` is one text in three pieces.
            Some(last) if last.tag == Tag::Text && last.to as usize == from => last.to = to as u32,
            _ => self.push(Tag::Text, from, to),
        }
    }

    fn push(&mut self, tag: Tag, from: usize, to: usize) {
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            tag,
            parent: self.open.last().copied().unwrap_or(index),
            end: index + 1,
            from: from as u32,
            to: to as u32,
        });
    }

    fn top(&self) -> Option<Tag> {
        self.open.last().map(|&index| self.nodes[index as usize].tag)
    }

    fn tag_at(&self, depth: usize) -> Tag {
        self.nodes[self.open[depth] as usize].tag
    }

    fn is_foreign(&self) -> bool {
        self.open_count[Tag::Svg as usize] + self.open_count[Tag::Math as usize] > 0
            && self.open_count[Tag::Foreignobject as usize] == 0
    }

    /// Reads a start tag whose name begins at `self.at`.
    fn start_tag(&mut self) {
        let bytes = self.source.as_bytes();
        let from = self.at;
        let name = name_length(&bytes[from..]);
        let Some(length) = Attributes::new(&self.source[from + name..]).end_of_tag() else {
            // A tag that the page ends in is no tag, and no text.
            self.at = bytes.len();
            return;
        };
        let to = from + name + length;
        self.at = to + 1;
        let tag = Tag::of(&bytes[from..from + name]);
        let is_self_closed = bytes[to - 1] == b'/';
        if self.is_foreign() {
            self.push(tag, from, to);
            if !is_self_closed {
                self.enter(tag);
            }
            return;
        }
        match tag {
            Tag::Html | Tag::Body if self.open_count[tag as usize] > 0 => return,
            Tag::Body if self.has_body => return,
            Tag::Head if self.has_body || self.open_count[Tag::Head as usize] > 0 => return,
            _ => {}
        }
        self.close_implied(tag);
        self.has_body |= tag == Tag::Body;
        self.push(tag, from, to);
        if tag.is_raw_text() {
            self.raw_text(tag);
        } else if !(tag.is_void() || (is_self_closed && matches!(tag, Tag::Svg | Tag::Math))) {
            self.enter(tag);
        }
    }

    /// Opens the element that was pushed last.
    fn enter(&mut self, tag: Tag) {
        if self.open.len() >= self.depth_max {
            self.nodes.pop();
            self.flattened[tag as usize] = self.flattened[tag as usize].saturating_add(1);
            return;
        }
        self.open.push(self.nodes.len() as u32 - 1);
        self.open_count[tag as usize] += 1;
    }

    /// Closes what a start tag closes without an end tag.
    fn close_implied(&mut self, tag: Tag) {
        use Tag::*;
        if self.open_count[Head as usize] > 0
            && !tag.belongs_in_head()
            && self.open_count[Template as usize] == 0
        {
            self.close(Head, |_| false);
        }
        if tag.ends_paragraph() && self.open_count[P as usize] > 0 {
            self.close(P, |open| open.is_scope() || open == Button);
        }
        match tag {
            Li => self.close(Li, |open| open.is_scope() || matches!(open, Ul | Ol | Menu | Dir)),
            Dt | Dd => {
                self.close(Dt, |open| open.is_scope() || open == Dl);
                self.close(Dd, |open| open.is_scope() || open == Dl);
            }
            A => self.close(A, Tag::is_scope),
            Button => self.close(Button, Tag::is_scope),
            Option => self.close(Option, |open| !matches!(open, Option)),
            Optgroup => {
                self.close(Option, |open| !matches!(open, Option));
                self.close(Optgroup, |open| !matches!(open, Optgroup));
            }
            Td | Th => self.close_cells(),
            Tr => {
                self.close_cells();
                self.close(Tr, |open| matches!(open, Table | Template | Html));
            }
            Tbody | Thead | Tfoot | Caption | Colgroup => {
                self.close_cells();
                for part in [Tr, Tbody, Thead, Tfoot, Caption, Colgroup] {
                    self.close(part, |open| matches!(open, Table | Template | Html));
                }
            }
            _ if tag.heading_level().is_some() && self.top().and_then(Tag::heading_level).is_some() => {
                self.close_down_to(self.open.len() - 1);
            }
            _ => {}
        }
    }

    fn close_cells(&mut self) {
        for cell in [Tag::Td, Tag::Th] {
            self.close(cell, |open| {
                matches!(open, Tag::Table | Tag::Template | Tag::Html)
            });
        }
    }

    /// Closes the innermost open `tag` and all within it, unless one that `bars` lies between.
    fn close(&mut self, tag: Tag, bars: impl Fn(Tag) -> bool) {
        if self.open_count[tag as usize] == 0 {
            return;
        }
        for depth in (0..self.open.len()).rev() {
            let open = self.tag_at(depth);
            if open == tag {
                self.close_down_to(depth);
                return;
            }
            if bars(open) {
                return;
            }
        }
    }

    fn close_down_to(&mut self, depth: usize) {
        let end = self.nodes.len() as u32;
        for index in self.open.drain(depth..) {
            let node = &mut self.nodes[index as usize];
            node.end = end;
            self.open_count[node.tag as usize] -= 1;
        }
    }

    /// Reads an end tag whose `<` is at `start`.
    fn end_tag(&mut self, start: usize) {
        let bytes = self.source.as_bytes();
        let from = start + 2;
        if !bytes.get(from).is_some_and(u8::is_ascii_alphabetic) {
            // `</>` is nothing, `</3>` is a comment.
            self.skip_past(b'>');
            return;
        }
        let name = name_length(&bytes[from..]);
        let attributes = Attributes::new(&self.source[from + name..]);
        self.at = attributes
            .end_of_tag()
            .map_or(bytes.len(), |length| from + name + length + 1);
        self.end_element(&self.source[from..from + name]);
    }

    fn end_element(&mut self, name: &str) {
        use Tag::*;
        let tag = Tag::of(name.as_bytes());
        if self.flattened[tag as usize] > 0 {
            self.flattened[tag as usize] -= 1;
            return;
        }
        match tag {
            // What follows `</body>` is still shown.
            Html | Body => {}
            Br => self.push(Br, 0, 0),
            Other => self.close_other(name),
            P => self.close(P, |open| open.is_scope() || open == Button),
            Li => self.close(Li, |open| open.is_scope() || matches!(open, Ul | Ol | Menu | Dir)),
            Table | Tr | Tbody | Thead | Tfoot => {
                self.close(tag, |open| open == Template || (open == Table && tag != Table));
            }
            Td | Th => self.close(tag, |open| matches!(open, Table | Template)),
            Head | Template | Svg | Math => self.close(tag, |_| false),
            H1 | H2 | H3 | H4 | H5 | H6 => self.close_heading(),
            _ if tag.is_block() || tag.is_scope() => self.close(tag, |open| open.is_scope() && open != tag),
            _ => self.close(tag, |open| open.is_block() || open.is_scope()),
        }
    }

    fn close_heading(&mut self) {
        for depth in (0..self.open.len()).rev() {
            let open = self.tag_at(depth);
            if open.heading_level().is_some() {
                self.close_down_to(depth);
                return;
            }
            if open.is_scope() {
                return;
            }
        }
    }

    /// Closes the innermost open element of a name without a tag of its own.
    fn close_other(&mut self, name: &str) {
        if self.open_count[Tag::Other as usize] == 0 {
            return;
        }
        for depth in (0..self.open.len()).rev() {
            let node = self.nodes[self.open[depth] as usize];
            let open = &self.source[node.from as usize..node.to as usize];
            if node.tag == Tag::Other && open[..name_length(open.as_bytes())].eq_ignore_ascii_case(name) {
                self.close_down_to(depth);
                return;
            }
            if node.tag.is_scope() {
                return;
            }
        }
    }

    /// Reads `<!…`: a comment, CDATA in SVG and MathML, or a declaration.
    fn declaration(&mut self, start: usize) {
        let rest = &self.source.as_bytes()[start..];
        if rest.starts_with(b"<!--") {
            self.at = start + comment_length(rest);
        } else if rest.starts_with(b"<![CDATA[") && self.is_foreign() {
            let from = start + 9;
            let length = memmem::find(&rest[9..], b"]]>");
            let to = length.map_or(self.source.len(), |length| from + length);
            self.text(from, to);
            self.at = (to + 3).min(self.source.len());
        } else {
            self.skip_past(b'>');
        }
    }

    fn skip_past(&mut self, byte: u8) {
        let rest = &self.source.as_bytes()[self.at..];
        self.at += memchr(byte, rest).map_or(rest.len(), |at| at + 1);
    }

    /// Reads the characters of a raw text element and its end tag. The element was pushed last.
    fn raw_text(&mut self, tag: Tag) {
        let bytes = self.source.as_bytes();
        let from = self.at;
        let length = match tag {
            Tag::Plaintext => bytes.len() - from,
            Tag::Script => script_length(&bytes[from..]),
            _ => {
                // A browser that runs scripts reads `noscript` as text up to its end tag, so pages are written that
                // leave an `iframe` in it open.
                let is_in_noscript = self.open_count[Tag::Noscript as usize] > 0;
                let ends = |rest: &[u8]| is_name(rest, tag) || is_in_noscript && is_name(rest, Tag::Noscript);
                find_end_tag(&bytes[from..], ends).unwrap_or(bytes.len() - from)
            }
        };
        let to = from + length;
        if to > from {
            let index = self.nodes.len() as u32;
            self.nodes.push(Node {
                tag: Tag::Text,
                parent: index - 1,
                end: index + 1,
                from: from as u32,
                to: to as u32,
            });
            self.nodes[index as usize - 1].end = index + 1;
        }
        self.at = to;
        if to < bytes.len() && is_name(&bytes[to + 2..], tag) {
            self.skip_past(b'>');
        }
    }
}

/// The length of the comment at the start of `rest`, all of it if it does not end.
fn comment_length(rest: &[u8]) -> usize {
    // `<!-->` and `<!--->` are whole comments.
    let mut at = 2;
    while let Some(found) = memmem::find(&rest[at..], b"--") {
        let after = at + found + 2;
        match &rest[after..] {
            [b'>', ..] if after >= 4 => return after + 1,
            [b'!', b'>', ..] if after > 4 => return after + 2,
            _ => at = after - 1,
        }
    }
    rest.len()
}

/// Where the first end tag begins whose name `ends` accepts.
fn find_end_tag(rest: &[u8], ends: impl Fn(&[u8]) -> bool) -> Option<usize> {
    memmem::find_iter(rest, b"</").find(|&at| ends(&rest[at + 2..]))
}

fn is_name(rest: &[u8], tag: Tag) -> bool {
    let name = name_length(rest);
    name < rest.len() && Tag::of(&rest[..name]) == tag
}

/// The length of a script: `<!-- <script> … </script> -->` within it does not end it.
fn script_length(rest: &[u8]) -> usize {
    #[derive(PartialEq)]
    enum State {
        Plain,
        Comment,
        ScriptInComment,
    }
    let mut state = State::Plain;
    let mut at = 0;
    while let Some(found) = memchr2(b'<', b'-', &rest[at..]) {
        at += found;
        let here = &rest[at..];
        if here.starts_with(b"-->") {
            state = State::Plain;
        } else if here.starts_with(b"<!--") && state == State::Plain {
            state = State::Comment;
            at += 1; // `<!-->` is a comment that ends
        } else if here.starts_with(b"</") && is_name(&here[2..], Tag::Script) {
            match state {
                State::ScriptInComment => state = State::Comment,
                _ => return at,
            }
        } else if here.starts_with(b"<s") | here.starts_with(b"<S")
            && state == State::Comment
            && is_name(&here[1..], Tag::Script)
        {
            state = State::ScriptInComment;
        }
        at += 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a tree as `div(p("a") p("b"))`.
    fn check(source: &str, expected: &str) {
        check_within(source, 512, 1000, expected);
    }

    fn check_within(source: &str, depth: usize, nodes: usize, expected: &str) {
        let document = Document::parse(source, depth, nodes);
        let mut out = String::new();
        let mut ends = Vec::new();
        for (index, node) in document.nodes().iter().enumerate() {
            while ends.last() == Some(&index) {
                ends.pop();
                out.push(')');
            }
            if !out.is_empty() && !out.ends_with('(') {
                out.push(' ');
            }
            if node.tag == Tag::Text {
                out.push_str(&format!("{:?}", document.raw(node)));
                continue;
            }
            let raw = document.raw(node);
            out.push_str(&raw[..name_length(raw.as_bytes())].to_lowercase());
            if node.end as usize > index + 1 {
                out.push('(');
                ends.push(node.end as usize);
            }
        }
        out.extend(ends.iter().map(|_| ')'));
        assert_eq!(out, expected, "{source}");
    }

    #[test]
    fn end_tags_are_implied() {
        check("<p>a<p>b<div>c", r#"p("a") p("b") div("c")"#);
        check(
            "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>",
            r#"ul(li("a") li("b" ul(li("c"))) li("d"))"#,
        );
        check("<dl><dt>a<dd>b<dt>c</dl>d", r#"dl(dt("a") dd("b") dt("c")) "d""#);
        check(
            "<table><tr><td>a<td>b<tr><th>c</table>d",
            r#"table(tr(td("a") td("b")) tr(th("c"))) "d""#,
        );
        check(
            "<select><option>a<option>b</select>",
            r#"select(option("a") option("b"))"#,
        );
        check("<h2>a<h3>b</h2>c", r#"h2("a") h3("b") "c""#);
        check("<a href=x>b<a href=y>c</a>", r#"a("b") a("c")"#);
    }

    #[test]
    fn a_nested_table_keeps_its_cells() {
        check(
            "<table><tr><td><table><tr><td>a</table><td>b</table>",
            r#"table(tr(td(table(tr(td("a")))) td("b")))"#,
        );
    }

    #[test]
    fn stray_end_tags_are_ignored() {
        check("<div>a</span></b></p>b</div>", r#"div("a" "b")"#);
        check(
            "<div><table><tr><td>a</div>b</table>",
            r#"div(table(tr(td("a" "b"))))"#,
        );
        check("<div><b>a</div>b", r#"div(b("a")) "b""#);
    }

    #[test]
    fn a_stray_end_of_br_is_a_line_break() {
        let document = Document::parse("a</br>b", 512, 100);
        let tags: Vec<Tag> = document.nodes().iter().map(|node| node.tag).collect();
        assert_eq!(tags, [Tag::Text, Tag::Br, Tag::Text]);
    }

    #[test]
    fn raw_text_holds_no_markup() {
        check("<title>a<b></title>c", r#"title("a<b>") "c""#);
        check(
            "<script>if (a</b) '</scripty>' </SCRIPT >c",
            r#"script("if (a</b) '</scripty>' ") "c""#,
        );
        check(
            "<script><!-- <script> </script> --> </script>c",
            r#"script("<!-- <script> </script> --> ") "c""#,
        );
        check("<style>a", r#"style("a")"#);
    }

    #[test]
    fn an_open_frame_ends_with_its_noscript() {
        check(
            "<noscript><iframe src=x /></noscript>a<iframe><b></iframe>b",
            r#"noscript(iframe) "a" iframe("<b>") "b""#,
        );
        check(
            "<noscript><iframe><b></iframe>a</noscript>",
            r#"noscript(iframe("<b>") "a")"#,
        );
    }

    #[test]
    fn comments_end_as_in_browsers() {
        check(
            "a<!-- <p> -->b<!-->c<!--->d<!--x--!>e<!--",
            r#""a" "b" "c" "d" "e""#,
        );
        check("a<!doctype html>b<?xml ?>c</3>d", r#""a" "b" "c" "d""#);
        check("a<![CDATA[b]]>c<svg><![CDATA[d>]]></svg>", r#""a" "c" svg("d>")"#);
    }

    #[test]
    fn a_less_than_sign_is_text() {
        check("1 < 2 <3", r#""1 < 2 <3""#);
    }

    #[test]
    fn the_body_begins_without_a_tag() {
        check(
            "<html><head><title>a</title>\n<p>b",
            r#"html(head(title("a")) p("b"))"#,
        );
        check(
            "<head><meta x><body class=c>d</body>e",
            r#"head(meta) body("d" "e")"#,
        );
    }

    #[test]
    fn custom_elements_end_by_name() {
        check("<x-a><x-b>a</x-a>b", r#"x-a(x-b("a")) "b""#);
    }

    #[test]
    fn svg_has_its_own_titles() {
        check(
            "<svg><title>a</title><path/></svg>b",
            r#"svg(title("a") path) "b""#,
        );
    }

    #[test]
    fn depth_beyond_the_limit_is_flattened() {
        check_within(
            "<div><div><div>a</div>b</div>c</div>d",
            2,
            100,
            r#"div(div("a" "b") "c") "d""#,
        );
    }

    #[test]
    fn reading_ends_at_the_limit_of_nodes() {
        check_within("<p>a<p>b<p>c", 10, 3, r#"p("a") p"#);
    }

    #[test]
    fn a_tag_that_does_not_end_is_dropped() {
        check("a<p title='b>c", r#""a""#);
    }
}
