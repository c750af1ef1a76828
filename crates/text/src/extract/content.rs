//! Which blocks of a page are its content.
//!
//! Two forests judge each block, the second with what the first says of all blocks; a block's log-odds are their
//! mean, or the first's alone where it is [`CERTAIN`]. Above [`SURE`] it is content, at or below [`NO`] it is not. Between them the page decides: blocks are
//! taken from the likeliest on as long as the expected word F1 of what is taken rises. Where the whole page is
//! doubtful (a listing, a collection) that takes more than an even chance would, where most is clear it takes
//! less. Both bounds were chosen on pages that were held out of training. Of texts that repeat each other the first
//! is taken.

use std::collections::HashSet;

use super::{
    about::About,
    blocks::Page,
    context,
    features::{self, Features},
    forest_first::FIRST,
    forest_second::SECOND,
    kind,
    records::Records,
};
use crate::html::Document;

/// A block with higher log-odds is content on any page.
const SURE: f32 = -0.2;
/// A block with lower log-odds is content on no page.
const NO: f32 = -1.2;

/// From these log-odds on, of either sign, the second forest is not asked: it would change no answer that matters,
/// and more than half of all blocks are spared.
const CERTAIN: f32 = 3.0;

/// From so many words on, a block that repeats an earlier one is dropped.
const REPEATED: f32 = 5.0;

/// One answer a block of a page.
pub(super) fn find(document: &Document<'_>, page: &Page) -> Vec<bool> {
    let (features, records) = features::measure(page, &kind::clues(document), &About::read(document));
    select(page, &features, &records)
}

fn select(page: &Page, features: &Features, records: &Records) -> Vec<bool> {
    let blocks = 0..page.blocks.len();
    let words: Vec<f32> = blocks.clone().map(|block| features.words(block)).collect();
    let rows: Vec<&[f32]> = blocks.clone().map(|block| features.row(block)).collect();
    let mut odds = FIRST.log_odds(&rows);
    let scores: Vec<f32> = odds.iter().map(|&odds| context::score(odds)).collect();
    let contexts = context::measure(page, records, &words, &scores);
    let doubtful: Vec<usize> = blocks.filter(|&block| odds[block].abs() <= CERTAIN).collect();
    // Some at a time, so that no second copy of all numbers is made.
    for blocks in doubtful.chunks(64) {
        let rows: Vec<Vec<f32>> = blocks
            .iter()
            .map(|&block| [features.row(block), contexts.row(block)].concat())
            .collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        for (&block, second) in blocks.iter().zip(SECOND.log_odds(&rows)) {
            odds[block] = (odds[block] + second) / 2.0;
        }
    }
    let least = best_threshold(&words, &odds).clamp(NO, SURE);
    let mut is_kept: Vec<bool> = odds.iter().map(|&odds| odds >= least && odds > NO).collect();
    drop_repeats(page, &words, &mut is_kept);
    is_kept
}

/// Takes away what says word for word what an earlier block said: a page often holds its text once for wide screens
/// and once for narrow ones, or for each variant of a product. Short texts and cells of tables do repeat themselves.
fn drop_repeats(page: &Page, words: &[f32], is_kept: &mut [bool]) {
    let mut seen = HashSet::new();
    for (block, (words, is_kept)) in page.blocks.iter().zip(words.iter().zip(is_kept)) {
        if *is_kept && *words >= REPEATED && block.cell.1 == 0 {
            *is_kept = seen.insert(&page.text[block.text.clone()]);
        }
    }
}

/// The log-odds of the last block to take if the expected word F1 is to be the highest.
///
/// With all words of chance `p` in the gold text, taking a set gives an expected overlap of the sum of `p` over it,
/// so F1 is about twice that, divided by the words taken and the words expected in the gold text.
fn best_threshold(words: &[f32], odds: &[f32]) -> f32 {
    let expected: f32 = words
        .iter()
        .zip(odds)
        .map(|(words, &odds)| words * chance(odds))
        .sum();
    let mut order: Vec<usize> = (0..odds.len()).collect();
    order.sort_by(|&a, &b| odds[b].total_cmp(&odds[a]).then(a.cmp(&b)));
    let (mut overlap, mut taken) = (0.0, 0.0);
    let (mut best, mut threshold) = (0.0, f32::INFINITY);
    for block in order {
        overlap += words[block] * chance(odds[block]);
        taken += words[block];
        // Twice the overlap would not change which is best.
        let f1 = overlap / (taken + expected).max(1.0);
        if f1 > best {
            (best, threshold) = (f1, odds[block]);
        }
    }
    threshold
}

/// The chance that log-odds stand for. The exponential is (1 + x/1024)^1024, in ten squarings that give the same
/// bits on every machine, which `exp` of the platform does not promise.
fn chance(log_odds: f32) -> f32 {
    let power = (0..10).fold(1.0 - log_odds.clamp(-20.0, 20.0) / 1024.0, |power, _| {
        power * power
    });
    1.0 / (1.0 + power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::blocks;

    #[test]
    fn chances_are_those_of_the_logistic_function() {
        for odds in [-8.0f32, -1.0, 0.0, 0.5, 3.0] {
            assert!(
                (chance(odds) - 1.0 / (1.0 + (-odds).exp())).abs() < 1e-3,
                "{odds}"
            );
        }
    }

    #[test]
    fn a_clear_page_takes_what_is_likely() {
        assert_eq!(best_threshold(&[100.0, 100.0, 100.0], &[4.0, 3.0, -4.0]), 3.0);
    }

    #[test]
    fn a_doubtful_page_takes_more() {
        assert_eq!(best_threshold(&[100.0, 100.0, 100.0], &[-0.5, -0.6, -0.7]), -0.7);
    }

    #[test]
    fn what_repeats_an_earlier_block_is_dropped() {
        let check = |html: &str, expected: &[bool]| {
            let page = blocks::cut(&Document::parse(html, 512, 1 << 20));
            let words: Vec<f32> = page
                .blocks
                .iter()
                .map(|block| page.text[block.text.clone()].split(' ').count() as f32)
                .collect();
            let mut is_kept = vec![true; page.blocks.len()];
            drop_repeats(&page, &words, &mut is_kept);
            assert_eq!(is_kept, expected, "{html}");
        };
        check("<p>a b c d e<p>x<p>a b c d e<p>x", &[true, true, false, true]);
        check("<table><tr><td>a b c d e<td>a b c d e</table>", &[true, true]);
    }
}
