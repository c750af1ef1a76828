//! A page as nodes: its main content as pieces of text with the images, videos and audio between them, in the order of
//! the page.
//!
//! The text is that of [`html`](super::html), the same words in the same order. Text that no medium parts is one node,
//! with a blank line between blocks and a line break between items of a list and between rows of a table. A medium within a block
//! parts its text, behind the word where it stands in one; between the cells of a row it takes the place of ` | `. Where
//! structured data is the text (see `said`) it is one node, and media follow it.
//!
//! Which media count is decided in `placement`, what they are in `media`.

use super::{
    blocks::{Block, Page},
    media::Found,
    render::{Piece, pieces},
    surroundings::{end_of, start_of},
};

use gristmill_core::nodes::{Media, Node};

/// The kept blocks of a page and the media between them.
pub(super) fn arrange(page: &Page, is_kept: &[bool], media: Vec<Found>) -> Vec<Node> {
    let mut nodes = Nodes::default();
    let mut media = media.into_iter().peekable();
    let mut last: Option<&Block> = None;
    for piece in pieces(page, is_kept) {
        let block = &piece.block.text;
        let is_before = |found: &Found| {
            (found.mark.block as usize) < piece.index
                || found.mark.block as usize == piece.index && found.mark.at as usize <= block.start
        };
        while let Some(found) = media.next_if(is_before) {
            nodes.media(found.media);
        }
        let mut join = [separator(&piece, last), if piece.has_dash { "- " } else { "" }];
        last = Some(piece.block);
        let mut from = block.start;
        let mut word_end = block.start;
        while let Some(found) = media.next_if(|found| {
            // Media stand in order, so a word is looked at once, however many are in it.
            if found.mark.block as usize == piece.index && found.mark.at as usize > word_end {
                word_end = end_of_word(&page.text[..block.end], found.mark.at as usize);
            }
            found.mark.block as usize == piece.index && word_end < block.end
        }) {
            nodes.text(join, &page.text[from..word_end]);
            nodes.media(found.media);
            (from, join) = (word_end, [""; 2]);
        }
        nodes.text(join, &page.text[from..block.end]);
    }
    media.for_each(|found| nodes.media(found.media));
    nodes.finish()
}

/// A text that stands for the layout's, and the media of the layout.
pub(super) fn behind(text: &str, media: Vec<Found>) -> Vec<Node> {
    let mut nodes = Nodes::default();
    nodes.text([""; 2], text);
    media.into_iter().for_each(|found| nodes.media(found.media));
    nodes.finish()
}

/// What parts a block from the text before it.
fn separator(piece: &Piece<'_>, last: Option<&Block>) -> &'static str {
    let Some(last) = last else {
        return "";
    };
    let are_items = last.begins_item && piece.has_dash;
    let are_cells = last.cell.0 != 0 && piece.block.cell.0 != 0;
    if piece.is_next_cell {
        " | "
    } else if are_items || are_cells {
        "\n"
    } else {
        "\n\n"
    }
}

/// `at`, or the end of the word that it is within.
fn end_of_word(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    if text[..at].ends_with(char::is_whitespace) {
        return at;
    }
    text[at..]
        .find(char::is_whitespace)
        .map_or(text.len(), |length| at + length)
}

#[derive(Default)]
struct Nodes {
    nodes: Vec<Node>,
}

impl Nodes {
    /// Appends text, behind what joins it to text before it and what it begins with.
    fn text(&mut self, [separator, beginning]: [&str; 2], text: &str) {
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        if let Some(Node::Text(open)) = self.nodes.last_mut() {
            for part in [separator, beginning, text] {
                open.push_str(part);
            }
        } else {
            // What is left of a block behind a medium begins with the space between words.
            let text = if separator.is_empty() {
                text.trim_start()
            } else {
                text
            };
            self.nodes.push(Node::Text([beginning, text].concat()));
        }
    }

    fn media(&mut self, media: Media) {
        self.nodes.push(Node::Media(media));
    }

    /// Says what text is around each medium.
    fn finish(mut self) -> Vec<Node> {
        let mut before = String::new();
        for node in &mut self.nodes {
            match node {
                Node::Text(text) => before = end_of(text).to_owned(),
                Node::Media(media) => media.text_before.clone_from(&before),
            }
        }
        let mut after = String::new();
        for node in self.nodes.iter_mut().rev() {
            match node {
                Node::Text(text) => after = start_of(text).to_owned(),
                Node::Media(media) => media.text_after.clone_from(&after),
            }
        }
        self.nodes
    }
}

#[cfg(test)]
mod tests;
