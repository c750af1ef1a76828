//! The images, videos and audio of a page, wherever they stand in it.
//!
//! *Images* are `img` and `amp-img`. The address is the first of these that is one of `http` or `https`: the attributes
//! that scripts load late images from ([`LATE`]); the largest candidate of `data-srcset`, of the image or of a `source` of
//! its `picture`; `src`; the largest candidate of `srcset`, of the image or of those sources. A `src` whose file is named like
//! one that stands in for another ([`STAND_INS`]) comes last. The largest has the greatest width or density, on a tie it is
//! the first. Images without an address (`data:` and the like), of one pixel by their declared size, or hidden are none.
//!
//! A late image often stands a second time in `noscript`, before or behind it: then the one outside counts, unless it
//! only stands in. Of two
//! neighbours with the same address and no text between them the first counts, and what stands within an element that
//! counts is its fallback.
//!
//! *Videos* and *audio* are `video`, `audio`, `amp-video` and `amp-audio`, by `src` or their first `source` that has an
//! address, and players of [`PLAYERS`] in `iframe` or `embed`, which are pages that play one. Other embedded pages are no media.
//!
//! Sizes are the pixels that the page asks for: `width` and `height` in `style`, else the attributes; percentages and
//! other units are none. The caption is the `figcaption` of the nearest `figure`, else the next element with `caption` in
//! its class within the same block-level element. Texts are decoded, white space is collapsed, and none is longer than
//! 1,000 bytes.
//!
//! At most [`MOST`] media of a page are read.

use std::collections::HashMap;

use gristmill_core::nodes::{Media, MediaKind};

use super::{
    blocks::{Mark, Side},
    metadata::tidy,
};
use crate::{
    address::{self, Address},
    html::{Attributes, Document, Node, Place, Tag, decode_into, decoded},
};

/// The most media of one page.
pub(super) const MOST: usize = 5000;

/// Attributes that scripts load late images from, in the order in which they are asked.
const LATE: [&str; 17] = [
    "data-src",
    "data-original",
    "data-lazy-src",
    "data-lazy",
    "data-lazyload",
    "nitro-lazy-src",
    "lazy-src",
    "data-delay-src",
    "data-orig-src",
    "data-wpfc-original-src",
    "data-img-src",
    "data-image-src",
    "data-image",
    "data-actualsrc",
    "data-echo",
    "data-gt-lazy-src",
    "data-lateloadsrc",
];

/// Words in the names, of at most three words, of files that stand in for late images.
const STAND_INS: [&str; 14] = [
    "1x1",
    "blank",
    "clear",
    "dummy",
    "empty",
    "gray",
    "grey",
    "lazy",
    "loader",
    "loading",
    "pixel",
    "placeholder",
    "spacer",
    "transparent",
];

/// The longest name of an attribute that counts, in bytes.
const LONGEST_NAME: usize = 24;

/// Players by the end of their host and the start of their path.
const PLAYERS: [(&str, &str, MediaKind); 9] = [
    ("youtube.com", "/embed/", MediaKind::Video),
    ("youtube-nocookie.com", "/embed/", MediaKind::Video),
    ("youtube.com", "/v/", MediaKind::Video),
    ("player.vimeo.com", "/video/", MediaKind::Video),
    ("dailymotion.com", "/embed/video/", MediaKind::Video),
    ("player.twitch.tv", "/", MediaKind::Video),
    ("w.soundcloud.com", "/player", MediaKind::Audio),
    ("open.spotify.com", "/embed", MediaKind::Audio),
    ("bandcamp.com", "/EmbeddedPlayer", MediaKind::Audio),
];

/// How far an element is looked for from a medium: levels up to its figure, nodes on to its caption or to the
/// `noscript` beside it.
const LEVELS: usize = 12;
const NODES: usize = 24;

/// A medium and its place.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) media: Media,
    pub(super) mark: Mark,
    is_in_noscript: bool,
    /// Its file only stands in for another.
    is_stand_in: bool,
}

impl Found {
    /// The innermost block-level element around it.
    pub(super) fn container(&self) -> u32 {
        match self.mark.side {
            Side::Media(container) => container,
            _ => 0,
        }
    }
}

/// The address that relative ones of a page refer to: its first `base`, else its own.
pub(super) fn base(document: &Document<'_>, url: &str) -> Option<Address> {
    let own = address::resolve(None, url);
    let element = document.nodes().iter().find(|node| node.tag == Tag::Base);
    let href = element.and_then(|base| document.attributes(base).value("href"));
    href.and_then(|href| address::resolve(own.as_ref(), &href))
        .or(own)
}

/// Reads the marked media of a page that `is_wanted`, in document order, without their surroundings.
pub(super) fn read(
    document: &Document<'_>,
    marks: &[Mark],
    base: Option<&Address>,
    is_wanted: impl Fn(MediaKind) -> bool,
) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    // Within this node and behind it everything is a fallback.
    let mut element_end = 0;
    for mark in marks {
        if found.len() >= MOST {
            break;
        }
        let index = mark.node as usize;
        if index < element_end {
            continue;
        }
        let Some((media, is_stand_in)) = medium(document, index, base) else {
            continue;
        };
        if !is_wanted(media.kind) {
            continue;
        }
        let is_in_noscript = ancestors(document, index)
            .take(4)
            .any(|(_, tag)| tag == Tag::Noscript);
        if let Some(last) = found.last()
            && last.media.kind == media.kind
            && (last.mark.block, last.mark.at) == (mark.block, mark.at)
        {
            let is_beside = last.is_in_noscript != is_in_noscript
                && is_beside(document, last.mark.node as usize, index, last.is_in_noscript);
            let is_better = match is_stand_in == last.is_stand_in {
                true => last.is_in_noscript,
                false => last.is_stand_in,
            };
            if is_beside && is_better {
                found.pop();
            } else if is_beside || last.media.src == media.src {
                continue;
            }
        }
        element_end = document.nodes()[index].end as usize;
        found.push(Found {
            media,
            mark: *mark,
            is_in_noscript,
            is_stand_in,
        });
    }
    add_captions(document, &mut found);
    found
}

/// Parents from the inside out, with their tags.
fn ancestors<'a>(document: &'a Document<'_>, index: usize) -> impl Iterator<Item = (usize, Tag)> + 'a {
    let nodes = document.nodes();
    let mut at = index;
    std::iter::from_fn(move || {
        let parent = nodes[at].parent as usize;
        (parent != at).then(|| {
            at = parent;
            (parent, nodes[parent].tag)
        })
    })
}

/// Whether nothing lies between two images, one of them in `noscript`, but white space and what the second is in.
fn is_beside(document: &Document<'_>, first: usize, second: usize, is_first_in_noscript: bool) -> bool {
    let nodes = document.nodes();
    let outer = |index: usize, tag: Tag| {
        let mut around = ancestors(document, index)
            .take(4)
            .filter(|(_, known)| *known == tag);
        around.next().map_or(index, |(index, _)| index)
    };
    let first = outer(
        first,
        if is_first_in_noscript {
            Tag::Noscript
        } else {
            Tag::Picture
        },
    );
    let between = nodes[first].end as usize..second;
    let is_nothing = |node: &Node| {
        node.end as usize > second
            || node.tag == Tag::Source
            || node.tag == Tag::Text && document.raw(node).trim().is_empty()
    };
    // Where the second is within what is around the first, there is no such range.
    between.len() <= NODES
        && nodes
            .get(between)
            .is_some_and(|between| between.iter().all(is_nothing))
}

/// The attributes of a medium that count, as written.
#[derive(Default)]
struct Written<'a> {
    src: Option<&'a str>,
    srcset: Option<&'a str>,
    late: [Option<&'a str>; LATE.len()],
    late_set: Option<&'a str>,
    alt: Option<&'a str>,
    title: Option<&'a str>,
    width: Option<&'a str>,
    height: Option<&'a str>,
    style: Option<&'a str>,
    is_hidden: bool,
}

impl<'a> Written<'a> {
    fn read(attributes: Attributes<'a>) -> Self {
        let mut written = Written::default();
        for (name, value) in attributes {
            if name.len() > LONGEST_NAME {
                continue;
            }
            let name = name.to_ascii_lowercase();
            let slot = match name.as_str() {
                "src" => &mut written.src,
                "srcset" => &mut written.srcset,
                "data-srcset" | "data-lazy-srcset" | "nitro-lazy-srcset" | "data-delay-srcset" => {
                    &mut written.late_set
                }
                "alt" => &mut written.alt,
                "title" => &mut written.title,
                "width" => &mut written.width,
                "height" => &mut written.height,
                "style" => &mut written.style,
                "hidden" => {
                    written.is_hidden = true;
                    continue;
                }
                _ => match LATE.iter().position(|late| *late == name) {
                    Some(at) => &mut written.late[at],
                    None => continue,
                },
            };
            // The first of two counts.
            slot.get_or_insert(value);
        }
        written
    }

    fn is_late(&self) -> bool {
        self.late_set.is_some() || self.late.iter().any(Option::is_some)
    }

    /// The width, the height.
    fn size(&self) -> [Option<u32>; 2] {
        let style = decoded(self.style.unwrap_or_default());
        [("width", self.width), ("height", self.height)].map(|(name, attribute)| {
            property(&style, name)
                .and_then(|value| pixels(value, true))
                .or_else(|| pixels(attribute?, false))
        })
    }

    fn is_shown(&self, size: [Option<u32>; 2]) -> bool {
        let is_dot = match size {
            [Some(width), Some(height)] => width <= 1 && height <= 1,
            [Some(side), None] | [None, Some(side)] => side <= 1,
            [None, None] => false,
        };
        let is_hidden = self.is_hidden
            || property(self.style.unwrap_or_default(), "display")
                .is_some_and(|value| value.eq_ignore_ascii_case("none"));
        // Scripts show late images when they load them.
        !is_dot && (!is_hidden || self.is_late())
    }
}

/// The value of a property in a `style`.
fn property<'a>(style: &'a str, name: &str) -> Option<&'a str> {
    let mut properties = style.split(';').filter_map(|one| one.split_once(':'));
    let (_, value) = properties.find(|(known, _)| known.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

/// Whole pixels of `300`, `300px` and `300.5`; in a style the unit is needed. More than a million are none.
fn pixels(value: &str, needs_unit: bool) -> Option<u32> {
    let value = value.trim();
    let digits = value.bytes().take(10).take_while(u8::is_ascii_digit).count();
    let number: u32 = value[..digits]
        .parse()
        .ok()
        .filter(|number| *number <= 1_000_000)?;
    let rest = &value[digits..];
    let fraction = rest.strip_prefix('.').map_or(rest, |fraction| {
        fraction.trim_start_matches(|character: char| character.is_ascii_digit())
    });
    let unit = fraction.trim_start();
    let has_unit = unit.get(..2).is_some_and(|unit| unit.eq_ignore_ascii_case("px"));
    let is_pixels =
        has_unit || !needs_unit && !unit.starts_with(|c: char| c == '%' || c.is_ascii_alphabetic());
    is_pixels.then_some(number)
}

/// An address and how the page writes it.
type Source = (Address, String);

/// The medium of an element, and whether its file only stands in for another.
fn medium(document: &Document<'_>, index: usize, base: Option<&Address>) -> Option<(Media, bool)> {
    let node = &document.nodes()[index];
    let kind = match node.tag {
        Tag::Img | Tag::Image => Some(MediaKind::Image),
        Tag::Video => Some(MediaKind::Video),
        Tag::Audio => Some(MediaKind::Audio),
        Tag::Iframe | Tag::Embed => None,
        Tag::Other => {
            let raw = document.raw(node);
            let name = raw.split(|c: char| c.is_ascii_whitespace() || c == '/').next()?;
            match name.to_ascii_lowercase().as_str() {
                "amp-img" => Some(MediaKind::Image),
                "amp-video" => Some(MediaKind::Video),
                "amp-audio" => Some(MediaKind::Audio),
                _ => return None,
            }
        }
        _ => return None,
    };
    let written = Written::read(document.attributes(node));
    let size = written.size();
    if !written.is_shown(size) {
        return None;
    }
    let (kind, (address, unformatted_src)) = match kind {
        Some(MediaKind::Image) => (MediaKind::Image, image_source(document, index, &written, base)?),
        Some(kind) => (kind, track_source(document, index, &written, base)?),
        None => {
            let source = plain_source(&written, base)?;
            (player(&source.0)?, source)
        }
    };
    let text = |value: Option<&str>| {
        value
            .map(|value| tidy(&decoded(value)))
            .filter(|text| !text.is_empty())
    };
    let media = Media {
        kind,
        src: address.to_string(),
        unformatted_src,
        alt: text(written.alt),
        title: text(written.title),
        caption: None,
        rendered_width_px: size[0],
        rendered_height_px: size[1],
        text_before: String::new(),
        text_after: String::new(),
    };
    Some((media, kind == MediaKind::Image && is_stand_in(&address)))
}

/// Whether a file is named like one that stands in for an image that is loaded late.
fn is_stand_in(address: &Address) -> bool {
    let name = address.path().rsplit('/').next().unwrap_or_default();
    let words = || name.split(|c: char| !c.is_ascii_alphanumeric());
    let is_known = |word: &str| STAND_INS.iter().any(|known| known.eq_ignore_ascii_case(word));
    name == "s.gif" || words().count() <= 3 && words().any(is_known)
}

fn source(value: &str, base: Option<&Address>) -> Option<Source> {
    let value = decoded(value);
    let value = value.trim();
    // An empty reference is the page itself.
    if value.is_empty() || value.starts_with('#') || is_template(value) {
        return None;
    }
    Some((address::resolve(base, value)?, value.to_owned()))
}

/// The address that a script would load: no switch like `data-lazy="true"`.
fn late_source(value: &str, base: Option<&Address>) -> Option<Source> {
    value.contains(['/', '.']).then(|| source(value, base)).flatten()
}

/// Whether a script has yet to fill something in, as in `x_{width}.png`. Braces around other than letters are read as they are.
fn is_template(value: &str) -> bool {
    value.split('{').skip(1).any(|rest| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{');
        name.len() < rest.len() && name.starts_with('}')
    })
}

fn image_source(
    document: &Document<'_>,
    index: usize,
    written: &Written<'_>,
    base: Option<&Address>,
) -> Option<Source> {
    let nodes = document.nodes();
    let parent = nodes[index].parent as usize;
    let sources = if nodes[parent].tag == Tag::Picture {
        parent + 1..index
    } else {
        0..0
    };
    let sources: Vec<Written<'_>> = nodes[sources]
        .iter()
        .take(NODES)
        .filter(|node| node.tag == Tag::Source)
        .map(|node| Written::read(document.attributes(node)))
        .collect();
    let all = || std::iter::once(written).chain(&sources);
    let set = |value: &str| source(&largest(&decoded(value))?, base);
    let own = || source(written.src?, base);
    all()
        .flat_map(|written| written.late.iter().flatten())
        .find_map(|value| late_source(value, base))
        .or_else(|| all().find_map(|written| set(written.late_set?)))
        .or_else(|| own().filter(|(address, _)| !is_stand_in(address)))
        .or_else(|| all().find_map(|written| set(written.srcset?)))
        .or_else(own)
}

/// The candidate of a `srcset` with the greatest width or, where none has a width, density.
fn largest(set: &str) -> Option<String> {
    let is_space = |c: char| c.is_ascii_whitespace();
    let mut best: Option<(bool, f64, &str)> = None;
    let mut rest = set;
    loop {
        rest = rest.trim_start_matches(|c: char| is_space(c) || c == ',');
        let end = rest.find(is_space).unwrap_or(rest.len());
        let (written, behind) = rest.split_at(end);
        let candidate = written.trim_end_matches(',');
        if candidate.is_empty() {
            return best.map(|(_, _, candidate)| candidate.to_owned());
        }
        // A comma at the end of the address ends the candidate, else its descriptors do.
        let descriptor = if candidate.len() < written.len() {
            rest = behind;
            ""
        } else {
            let end = behind.find(',').unwrap_or(behind.len());
            rest = &behind[end..];
            behind[..end].trim()
        };
        let number = |unit: char| {
            let mut numbers = descriptor.split_ascii_whitespace();
            let number = numbers.find_map(|one| one.strip_suffix(unit)?.parse::<f64>().ok());
            number.filter(|number| number.is_finite())
        };
        let size = match number('w') {
            Some(width) => (true, width),
            None => (false, number('x').unwrap_or(1.0)),
        };
        if best.is_none_or(|(has_width, most, _)| size > (has_width, most)) {
            best = Some((size.0, size.1, candidate));
        }
    }
}

fn plain_source(written: &Written<'_>, base: Option<&Address>) -> Option<Source> {
    let late = written
        .late
        .iter()
        .flatten()
        .find_map(|value| late_source(value, base));
    late.or_else(|| source(written.src?, base))
}

fn track_source(
    document: &Document<'_>,
    index: usize,
    written: &Written<'_>,
    base: Option<&Address>,
) -> Option<Source> {
    plain_source(written, base).or_else(|| {
        document.nodes()[index + 1..document.nodes()[index].end as usize]
            .iter()
            .take(NODES)
            .filter(|node| node.tag == Tag::Source)
            .find_map(|node| plain_source(&Written::read(document.attributes(node)), base))
    })
}

fn player(address: &Address) -> Option<MediaKind> {
    let host = address.host();
    let is_host = |known: &str| {
        host.strip_suffix(known)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    PLAYERS
        .iter()
        .find(|(known, path, _)| is_host(known) && address.path().starts_with(path))
        .map(|(_, _, kind)| *kind)
}

fn add_captions(document: &Document<'_>, found: &mut [Found]) {
    if found.is_empty() {
        return;
    }
    let figures = captions_of_figures(document);
    let mut texts: HashMap<usize, Option<String>> = HashMap::new();
    for found in found {
        let index = found.mark.node as usize;
        let figure = ancestors(document, index)
            .take(LEVELS)
            .find(|(_, tag)| *tag == Tag::Figure);
        let caption = figure
            .and_then(|(figure, _)| figures.get(&figure).copied())
            .or_else(|| caption_beside(document, index));
        found.media.caption = caption.and_then(|caption| {
            texts
                .entry(caption)
                .or_insert_with(|| Some(text_of(document, caption)).filter(|text| !text.is_empty()))
                .clone()
        });
    }
}

/// The first `figcaption` of each `figure`.
fn captions_of_figures(document: &Document<'_>) -> HashMap<usize, usize> {
    let mut captions = HashMap::new();
    for (index, node) in document.nodes().iter().enumerate() {
        if node.tag == Tag::Figcaption {
            let figure = ancestors(document, index)
                .take(4)
                .find(|(_, tag)| *tag == Tag::Figure);
            if let Some((figure, _)) = figure {
                captions.entry(figure).or_insert(index);
            }
        }
    }
    captions
}

/// The next element whose class says caption, within the block-level element around a medium and before the next image.
fn caption_beside(document: &Document<'_>, index: usize) -> Option<usize> {
    let nodes = document.nodes();
    let (around, _) = ancestors(document, index)
        .take(LEVELS)
        .find(|(_, tag)| tag.is_block())?;
    let from = nodes[index].end as usize;
    let until = (nodes[around].end as usize).min(from + NODES);
    (from..until)
        .take_while(|&at| nodes[at].tag != Tag::Img)
        .filter(|&at| nodes[at].tag != Tag::Text)
        .find(|&at| {
            let class = document.attributes(&nodes[at]).value("class");
            class.is_some_and(|class| class.to_ascii_lowercase().contains("caption"))
        })
}

/// The text below an element, decoded and tidy.
fn text_of(document: &Document<'_>, index: usize) -> String {
    let nodes = document.nodes();
    let mut out = String::new();
    let mut at = index + 1;
    while at < nodes[index].end as usize && out.len() < 4096 {
        let node = &nodes[at];
        match node.tag {
            Tag::Text => decode_into(document.raw(node), Place::Text, &mut out),
            Tag::Script | Tag::Style | Tag::Svg | Tag::Noscript => {
                at = node.end as usize;
                continue;
            }
            Tag::Br => out.push(' '),
            tag if tag.is_block() => out.push(' '),
            _ => {}
        }
        at += 1;
    }
    tidy(&out)
}

#[cfg(test)]
#[path = "media_tests.rs"]
mod tests;
