//! The names of elements that matter to text, and what the standard says of them.

macro_rules! tags {
    ($($variant:ident $name:literal,)*) => {
        /// An element by its name, or what else a node can be.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub(crate) enum Tag {
            /// Not an element: characters.
            Text,
            /// An element of another name, such as `my-widget`.
            Other,
            $(#[doc = $name] $variant,)*
        }

        const NAMED: usize = [$(Tag::$variant),*].len();

        /// Names as numbers, sorted, so that a look-up is a handful of comparisons of integers.
        static BY_KEY: [(u128, Tag); NAMED] = sorted([$((key($name.as_bytes()), Tag::$variant)),*]);
    };
}

tags! {
    Html "html",
    Head "head",
    Body "body",
    Title "title",
    Base "base",
    Link "link",
    Meta "meta",
    Style "style",
    Script "script",
    Noscript "noscript",
    Template "template",
    Article "article",
    Section "section",
    Nav "nav",
    Aside "aside",
    Header "header",
    Footer "footer",
    Main "main",
    Search "search",
    Address "address",
    Hgroup "hgroup",
    H1 "h1",
    H2 "h2",
    H3 "h3",
    H4 "h4",
    H5 "h5",
    H6 "h6",
    P "p",
    Hr "hr",
    Pre "pre",
    Blockquote "blockquote",
    Ol "ol",
    Ul "ul",
    Menu "menu",
    Li "li",
    Dl "dl",
    Dt "dt",
    Dd "dd",
    Figure "figure",
    Figcaption "figcaption",
    Div "div",
    Center "center",
    Dir "dir",
    Listing "listing",
    Xmp "xmp",
    Plaintext "plaintext",
    A "a",
    Em "em",
    Strong "strong",
    Small "small",
    S "s",
    Cite "cite",
    Q "q",
    Dfn "dfn",
    Abbr "abbr",
    Data "data",
    Time "time",
    Code "code",
    Var "var",
    Samp "samp",
    Kbd "kbd",
    Sub "sub",
    Sup "sup",
    I "i",
    B "b",
    U "u",
    Mark "mark",
    Bdi "bdi",
    Bdo "bdo",
    Span "span",
    Br "br",
    Wbr "wbr",
    Font "font",
    Big "big",
    Strike "strike",
    Tt "tt",
    Nobr "nobr",
    Acronym "acronym",
    Ins "ins",
    Del "del",
    Ruby "ruby",
    Rb "rb",
    Rt "rt",
    Rp "rp",
    Rtc "rtc",
    Img "img",
    Picture "picture",
    Source "source",
    Iframe "iframe",
    Embed "embed",
    Object "object",
    Param "param",
    Video "video",
    Audio "audio",
    Track "track",
    Map "map",
    Area "area",
    Canvas "canvas",
    Svg "svg",
    Math "math",
    Foreignobject "foreignobject",
    Table "table",
    Caption "caption",
    Colgroup "colgroup",
    Col "col",
    Tbody "tbody",
    Thead "thead",
    Tfoot "tfoot",
    Tr "tr",
    Td "td",
    Th "th",
    Form "form",
    Label "label",
    Input "input",
    Button "button",
    Select "select",
    Datalist "datalist",
    Optgroup "optgroup",
    Option "option",
    Textarea "textarea",
    Output "output",
    Progress "progress",
    Meter "meter",
    Fieldset "fieldset",
    Legend "legend",
    Details "details",
    Summary "summary",
    Dialog "dialog",
    Slot "slot",
    Frame "frame",
    Frameset "frameset",
    Noframes "noframes",
    Noembed "noembed",
    Applet "applet",
    Marquee "marquee",
    Bgsound "bgsound",
    Basefont "basefont",
    Image "image",
    Keygen "keygen",
}

impl Tag {
    /// How many there are.
    pub(crate) const COUNT: usize = NAMED + 2;

    /// The tag of an element's name, in any case.
    pub(crate) fn of(name: &[u8]) -> Tag {
        if name.len() > LONGEST {
            return Tag::Other;
        }
        let key = key(name);
        match BY_KEY.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => BY_KEY[at].1,
            Err(_) => Tag::Other,
        }
    }

    /// An element without content and end tag.
    pub(crate) fn is_void(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Area | Base
                | Basefont
                | Bgsound
                | Br
                | Col
                | Embed
                | Frame
                | Hr
                | Img
                | Image
                | Input
                | Keygen
                | Link
                | Meta
                | Param
                | Source
                | Track
                | Wbr
        )
    }

    /// An element whose content is characters up to its end tag, without markup.
    pub(crate) fn is_raw_text(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Script | Style | Textarea | Title | Xmp | Iframe | Noembed | Noframes | Plaintext
        )
    }

    /// A start tag that ends an open paragraph.
    pub(crate) fn ends_paragraph(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Address
                | Article
                | Aside
                | Blockquote
                | Center
                | Details
                | Dialog
                | Dir
                | Div
                | Dl
                | Dt
                | Dd
                | Fieldset
                | Figcaption
                | Figure
                | Footer
                | Form
                | H1
                | H2
                | H3
                | H4
                | H5
                | H6
                | Header
                | Hgroup
                | Hr
                | Li
                | Listing
                | Main
                | Menu
                | Nav
                | Ol
                | P
                | Plaintext
                | Pre
                | Search
                | Section
                | Summary
                | Table
                | Ul
                | Xmp
        )
    }

    /// An element that starts and ends a line of its own, by the style sheet that browsers begin with.
    pub(crate) fn is_block(self) -> bool {
        use Tag::*;
        self.ends_paragraph()
            || matches!(
                self,
                Html | Body
                    | Frameset
                    | Noscript
                    | Caption
                    | Colgroup
                    | Tbody
                    | Thead
                    | Tfoot
                    | Tr
                    | Td
                    | Th
                    | Legend
                    | Optgroup
                    | Option
                    | Button
                    | Select
                    | Textarea
                    | Iframe
                    | Object
                    | Video
                    | Audio
                    | Canvas
                    | Svg
                    | Slot
            )
    }

    /// A heading of level 1 to 6.
    pub(crate) fn heading_level(self) -> Option<u8> {
        match self {
            Tag::H1 => Some(1),
            Tag::H2 => Some(2),
            Tag::H3 => Some(3),
            Tag::H4 => Some(4),
            Tag::H5 => Some(5),
            Tag::H6 => Some(6),
            _ => None,
        }
    }

    /// An element that end tags outside of it cannot close: the standard's "has an element in scope".
    pub(super) fn is_scope(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Applet | Caption | Html | Table | Td | Th | Marquee | Object | Template | Foreignobject
        )
    }

    /// What belongs in `head`; anything else begins the body.
    pub(super) fn belongs_in_head(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Base | Basefont
                | Bgsound
                | Link
                | Meta
                | Title
                | Noscript
                | Noframes
                | Style
                | Script
                | Template
                | Head
                | Html
        )
    }
}

/// The longest name with a tag of its own has 13 bytes.
const LONGEST: usize = 16;

/// The lower-case name as a number.
const fn key(name: &[u8]) -> u128 {
    let mut key = 0u128;
    let mut at = 0;
    while at < name.len() {
        key = key << 8 | name[at].to_ascii_lowercase() as u128;
        at += 1;
    }
    key
}

const fn sorted<const N: usize>(mut items: [(u128, Tag); N]) -> [(u128, Tag); N] {
    let mut end = 1;
    while end < N {
        let mut at = end;
        while at > 0 && items[at - 1].0 > items[at].0 {
            (items[at - 1], items[at]) = (items[at], items[at - 1]);
            at -= 1;
        }
        end += 1;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Tag::of(b"p"), Tag::P);
        assert_eq!(Tag::of(b"BlockQuote"), Tag::Blockquote);
        assert_eq!(Tag::of(b"foreignObject"), Tag::Foreignobject);
        assert_eq!(Tag::of(b"my-widget"), Tag::Other);
        assert_eq!(Tag::of(b"a-name-that-is-longer-than-all"), Tag::Other);
    }

    #[test]
    fn no_name_is_listed_twice() {
        assert!(BY_KEY.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
