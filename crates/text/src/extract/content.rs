//! Which blocks of a page are its content.
//!
//! Two forests judge each block, the second with what the first says of all blocks; a block's log-odds are their
//! mean, or the first's alone where it is [`CERTAIN`]. Above [`SURE`] it is content, at or below [`NO`] it is not. Between them the page decides: blocks are
//! taken from the likeliest on as long as the expected word F1 of what is taken rises. Where the whole page is
//! doubtful (a listing, a collection) that takes more than an even chance would, where most is clear it takes
//! less. Both bounds were chosen on pages that were held out of training.

use super::{blocks::Page, context, features::Features, forest_first::FIRST, forest_second::SECOND};

/// A block with higher log-odds is content on any page.
const SURE: f32 = -0.2;
/// A block with lower log-odds is content on no page.
const NO: f32 = -1.2;

/// From these log-odds on, of either sign, the second forest is not asked: it would change no answer that matters,
/// and more than half of all blocks are spared.
const CERTAIN: f32 = 3.0;

/// One answer a block.
pub(super) fn select(page: &Page, features: &Features) -> Vec<bool> {
    let blocks = 0..page.blocks.len();
    let words: Vec<f32> = blocks.clone().map(|block| features.words(block)).collect();
    let first: Vec<f32> = blocks
        .clone()
        .map(|block| FIRST.log_odds(features.row(block)))
        .collect();
    let scores: Vec<f32> = first.iter().map(|&odds| context::score(odds)).collect();
    let contexts = context::measure(page, &words, &scores);
    let mut row = Vec::new();
    let odds: Vec<f32> = blocks
        .map(|block| {
            if first[block].abs() > CERTAIN {
                return first[block];
            }
            row.clear();
            row.extend_from_slice(features.row(block));
            row.extend_from_slice(contexts.row(block));
            (first[block] + SECOND.log_odds(&row)) / 2.0
        })
        .collect();
    let least = best_threshold(&words, &odds).clamp(NO, SURE);
    odds.iter().map(|&odds| odds >= least && odds > NO).collect()
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
}
