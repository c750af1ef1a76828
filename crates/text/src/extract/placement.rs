//! Which media of a page are part of its main content.
//!
//! The content is what the kept blocks say it is. A medium's *home* is the innermost block-level element around it
//! that holds kept text. It is in the content where all of this holds:
//!
//! - no element between it and its home holds text that is not kept, asides excepted, so that pictures of cards, by-lines
//!   and boxes of advertisement go with their text;
//! - none of these elements says by its tag, its role or a word of its class or id ([`BARS`]) that it is navigation, a foot, beside
//!   the content, shared, related, paid for, comments or hidden, and none is a `header` outside of `article` and `main`;
//! - the nearest block before or behind it is kept; or it stands between the first and the last kept block, and at least half of
//!   its home's text is kept.
//!
//! *Asides* are blocks that are not kept and lie in a `figure` or a button, are hidden by their class, or have one that speaks of
//! pictures: they are no neighbours either. A page without kept text has no media.

use super::{
    blocks::{Block, Page},
    hints::{self, FAR, Hint},
    media::Found,
};
use crate::html::{Document, Tag};

/// Tags, roles and styles that bar a medium within an element that holds no kept text.
const BARRING: [Hint; 4] = [Hint::InNav, Hint::InFooter, Hint::InAside, Hint::InHidden];

/// Words of a class or id that do. The hints of classes are too broad for this: an empty gallery may say `bottom` or `next`.
const BARS: [&str; 30] = [
    "ad",
    "ads",
    "advert",
    "advertisement",
    "advertising",
    "breadcrumb",
    "breadcrumbs",
    "comments",
    "cookie",
    "cookies",
    "footer",
    "menu",
    "nav",
    "navbar",
    "navigation",
    "newsletter",
    "outbrain",
    "promo",
    "promoted",
    "recommendations",
    "recommended",
    "related",
    "share",
    "sharing",
    "sidebar",
    "social",
    "socials",
    "sponsor",
    "sponsored",
    "taboola",
];

/// One answer a medium.
pub(super) fn is_content(
    document: &Document<'_>,
    page: &Page,
    is_kept: &[bool],
    media: &[Found],
) -> Vec<bool> {
    if media.is_empty() {
        return Vec::new();
    }
    let mut places = Places::new(document, page, is_kept);
    media.iter().map(|found| places.holds(found)).collect()
}

/// Bytes of text below a container.
#[derive(Debug, Default, Clone, Copy)]
struct Bytes {
    kept: usize,
    asides: usize,
    all: usize,
}

/// Where media below a container belong.
#[derive(Debug, Clone, Copy)]
enum Home {
    In(u32),
    Nowhere,
}

struct Places<'a> {
    document: &'a Document<'a>,
    page: &'a Page,
    is_kept: &'a [bool],
    bytes: Vec<Bytes>,
    /// By container, as far as it was asked for.
    homes: Vec<Option<Home>>,
    /// By block, and one more for the end: whether the nearest block before it that is no caption is kept, and the
    /// nearest from it on.
    before: Vec<bool>,
    after: Vec<bool>,
    first: usize,
    last: usize,
}

impl<'a> Places<'a> {
    fn new(document: &'a Document<'a>, page: &'a Page, is_kept: &'a [bool]) -> Self {
        let mut bytes = vec![Bytes::default(); page.containers.len()];
        let count = page.blocks.len();
        let (mut before, mut after) = (vec![false; count + 1], vec![false; count + 1]);
        for (index, block) in page.blocks.iter().enumerate() {
            let length = block.text.len();
            let own = &mut bytes[block.container as usize];
            own.all += length;
            let is_aside = !is_kept[index] && is_aside(block);
            if is_kept[index] {
                own.kept += length;
            } else if is_aside {
                own.asides += length;
            }
            before[index + 1] = if is_aside { before[index] } else { is_kept[index] };
        }
        for (index, block) in page.blocks.iter().enumerate().rev() {
            let is_aside = !is_kept[index] && is_aside(block);
            after[index] = if is_aside {
                after[index + 1]
            } else {
                is_kept[index]
            };
        }
        // Parents stand before their children.
        for container in (1..bytes.len()).rev() {
            let own = bytes[container];
            let parent = &mut bytes[page.containers[container].parent as usize];
            parent.kept += own.kept;
            parent.asides += own.asides;
            parent.all += own.all;
        }
        Places {
            document,
            page,
            is_kept,
            homes: vec![None; bytes.len()],
            bytes,
            before,
            after,
            first: is_kept.iter().position(|&kept| kept).unwrap_or(count),
            last: is_kept.iter().rposition(|&kept| kept).unwrap_or(0),
        }
    }

    fn holds(&mut self, found: &Found) -> bool {
        let Home::In(home) = self.home(found.container()) else {
            return false;
        };
        let block = found.mark.block as usize;
        let at = found.mark.at as usize;
        let own = self.page.blocks.get(block).map(|block| &block.text);
        let (before, after) = match own {
            Some(own) if at > own.start => {
                let is_kept = self.is_kept[block];
                let after = if at < own.end {
                    is_kept
                } else {
                    self.after[block + 1]
                };
                (is_kept, after)
            }
            _ => (self.before[block], self.after[block]),
        };
        let bytes = self.bytes[home as usize];
        let is_between = self.first < block && block <= self.last;
        before || after || is_between && bytes.kept * 2 >= bytes.all
    }

    /// Each container is asked once.
    fn home(&mut self, container: u32) -> Home {
        let mut path = Vec::new();
        let mut at = container;
        let mut home = loop {
            if let Some(known) = self.homes[at as usize] {
                break known;
            }
            if self.bytes[at as usize].kept > 0 {
                break Home::In(at);
            }
            path.push(at);
            if at == 0 {
                break Home::Nowhere;
            }
            at = self.page.containers[at as usize].parent;
        };
        for container in path.into_iter().rev() {
            if matches!(home, Home::In(_)) && self.is_barred(container) {
                home = Home::Nowhere;
            }
            self.homes[container as usize] = Some(home);
        }
        home
    }

    /// Whether a container without kept text is no part of the content around it.
    fn is_barred(&self, container: u32) -> bool {
        let bytes = self.bytes[container as usize];
        if bytes.all > bytes.asides {
            return true;
        }
        let container = &self.page.containers[container as usize];
        let node = &self.document.nodes()[container.node as usize];
        let mut distances = [FAR; Hint::COUNT];
        hints::mark(&mut distances, container.tag, self.document.attributes(node));
        let is_hinted = BARRING.iter().any(|&hint| distances[hint as usize] == 0);
        let says_so = || {
            let names = ["class", "id"].map(|name| self.document.attributes(node).value(name));
            names.iter().flatten().any(|name| has_barring_word(name))
        };
        is_hinted
            || says_so()
            || distances[Hint::InHeader as usize] == 0 && !self.is_in_article(container.node)
    }

    fn is_in_article(&self, node: u32) -> bool {
        let nodes = self.document.nodes();
        let mut at = node;
        loop {
            let parent = nodes[at as usize].parent;
            if matches!(nodes[at as usize].tag, Tag::Article | Tag::Main) {
                return true;
            }
            if parent == at {
                return false;
            }
            at = parent;
        }
    }
}

/// Whether a block that is not kept describes a picture, or is no text to read.
fn is_aside(block: &Block) -> bool {
    let within = |hint: Hint, levels: u8| block.hints[hint as usize] <= levels;
    within(Hint::InFigure, 3)
        || within(Hint::Media, 1)
        || within(Hint::InControl, 2)
        || within(Hint::Hidden, 1)
        || within(Hint::InHidden, 2)
}

/// Whether one of the words of a class or id, as in `site-footer` and `siteFooter`, is one of [`BARS`].
fn has_barring_word(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| {
        let is_start = |at: usize| {
            part.as_bytes()[at].is_ascii_uppercase() && part.as_bytes()[at - 1].is_ascii_lowercase()
        };
        let mut from = 0;
        (1..=part.len()).any(|at| {
            if at < part.len() && !is_start(at) {
                return false;
            }
            let word = &part[from..at];
            from = at;
            BARS.iter().any(|bar| bar.eq_ignore_ascii_case(word))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{
        blocks::{self, Marked},
        media,
    };

    /// Blocks whose text begins with `+` are kept; gives the names of the images in the content.
    fn check(html: &str, expected: &[&str]) {
        let document = Document::parse(html, 512, 1 << 20);
        let page = blocks::cut_with(&document, Marked::Media);
        let is_kept: Vec<bool> = page
            .blocks
            .iter()
            .map(|block| page.text[block.text.clone()].starts_with('+'))
            .collect();
        let base = media::base(&document, "http://a.org/");
        let found = media::read(&document, &page.marks, base.as_ref(), |_| true);
        let is_content = is_content(&document, &page, &is_kept, &found);
        let names: Vec<_> = found
            .iter()
            .zip(is_content)
            .filter(|(_, is_content)| *is_content)
            .map(|(found, _)| found.media.unformatted_src.as_str())
            .collect();
        assert_eq!(names, expected, "{html}");
    }

    #[test]
    fn images_between_kept_blocks_are_content() {
        check(
            "<p>+a<img src=1>b<p><img src=2><p>+c<div><img src=3></div>",
            &["1", "2", "3"],
        );
        check(
            "<h1>+a</h1><div><p>by x</p></div><div><img src=1></div><p>+b text",
            &["1"],
        );
    }

    #[test]
    fn a_lead_image_stands_before_the_first_kept_block() {
        check("<nav>x</nav><div><img src=1></div><h1>+a</h1>", &["1"]);
        check("<div><img src=1></div><nav>x</nav><h1>+a</h1>", &[]);
    }

    #[test]
    fn images_go_with_the_text_that_is_not_kept() {
        check("<p>+a<div><img src=1><p>by x</div><p>+b", &[]);
        check(
            "<p>+a<ul><li><a><img src=1>card</a><li><img src=2></ul><p>+b",
            &[],
        );
        check("<p>+a</p><p>x<img src=1></p><p>+b", &[]);
    }

    #[test]
    fn captions_do_not_part_an_image_from_the_text() {
        check(
            "<p>+a<figure><img src=1><figcaption>x</figcaption></figure>nav",
            &["1"],
        );
        check(
            "<div>nav</div><div><img src=1><p class=image-caption>x</div><p>+b",
            &["1"],
        );
    }

    #[test]
    fn parts_that_say_what_they_are_bar_images() {
        for part in [
            "nav",
            "footer",
            "aside",
            "header",
            "div class=related-posts",
            "div class=ad",
            "div role=navigation",
            "div class=social-share",
            "div style='display:none'",
            "div class='x siteFooter'",
            "div id=Sidebar2-nav",
        ] {
            let end = part.split(' ').next().unwrap();
            check(&format!("<p>+a<{part}><div><img src=1></div></{end}><p>+b"), &[]);
        }
        check("<article><header><img src=1></header><p>+b", &["1"]);
        check("<div class=related><p>+a<img src=1></div>", &["1"]);
    }

    #[test]
    fn a_page_without_kept_text_has_none() {
        check("<p>a<img src=1>", &[]);
        check("<img src=1>", &[]);
        check("", &[]);
    }
}
