//! A window for the script that trains the classifier of blocks; see `crates/text/training/README.md`.

use gristmill_core::Limits;

use super::{about::About, blocks, context, features, kind};
use crate::html::Document;

/// The blocks of a page as the classifier sees them.
#[derive(Debug)]
pub struct Blocks {
    /// The text of each block.
    pub texts: Vec<String>,
    /// The numbers of each block, one row after the other.
    pub features: Vec<f32>,
    /// Classes and ids of the nearest elements around each block, then of the others.
    pub paths: Vec<[String; 2]>,
    /// Numbers of one block.
    pub width: usize,
    /// The container of each block.
    pub containers: Vec<u32>,
    /// Blocks that share a layout have the same number.
    pub signatures: Vec<u32>,
}

/// Cuts a page into blocks and measures them; with log-odds of a first judgement, one a block, also measures
/// what they say of each other.
pub fn blocks(html: &str, log_odds: Option<&[f32]>) -> Blocks {
    let limits = Limits::default();
    let document = Document::parse(html, limits.html_depth, limits.html_nodes);
    let page = blocks::cut(&document);
    let (mut features, records) = features::measure(&page, &kind::clues(&document), &About::read(&document));
    if let Some(log_odds) = log_odds {
        let words: Vec<f32> = (0..page.blocks.len())
            .map(|block| features.words(block))
            .collect();
        let scores: Vec<f32> = log_odds.iter().map(|&odds| context::score(odds)).collect();
        features = context::measure(&page, &records, &words, &scores);
    }
    Blocks {
        paths: page
            .blocks
            .iter()
            .map(|block| path(&document, block.node as usize))
            .collect(),
        texts: page
            .blocks
            .iter()
            .map(|block| page.text[block.text.clone()].to_owned())
            .collect(),
        containers: page.blocks.iter().map(|block| block.container).collect(),
        signatures: page.blocks.iter().map(|block| block.signature).collect(),
        width: features.width,
        features: features.values,
    }
}

fn path(document: &Document<'_>, mut at: usize) -> [String; 2] {
    let mut out = [String::new(), String::new()];
    for level in 0.. {
        let node = &document.nodes()[at];
        let far = usize::from(level >= blocks::NEAR);
        for (name, value) in document.attributes(node) {
            if name.eq_ignore_ascii_case("id") || name.eq_ignore_ascii_case("class") {
                out[far].push_str(value);
                out[far].push(' ');
            }
        }
        if node.parent as usize == at {
            break;
        }
        at = node.parent as usize;
    }
    out
}
