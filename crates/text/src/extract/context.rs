//! What the first judgement of all blocks says of each one: is it one of many that were liked, or alone?
//!
//! The first classifier looks at a block and its surroundings as they are, the second also at how the first
//! judged them. A short line between two good paragraphs is content, the same line in a menu is not.

use std::collections::HashMap;

use super::{blocks::Page, features::Features, records::Records};

/// Half widths of the windows around a block, in blocks.
const WINDOWS: [usize; 4] = [2, 5, 12, 30];
/// The nearest blocks, whose scores are looked at one by one.
const NEIGHBOURS: [isize; 8] = [-4, -3, -2, -1, 1, 2, 3, 4];
/// How many distinct sizes of surroundings are looked at.
const LEVELS: usize = 5;
/// A block that was liked.
const LIKED: f32 = 0.5;

/// Scores from 0 to 1 out of log-odds, without functions that differ between machines.
pub(super) fn score(log_odds: f32) -> f32 {
    0.5 + 0.5 * log_odds / (1.0 + log_odds.abs())
}

/// A sum of scores, weighted by words.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    score: f32,
    words: f32,
    best: f32,
}

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.score += other.score;
        self.words += other.words;
        self.best = self.best.max(other.best);
    }

    fn mean(&self) -> f32 {
        if self.words > 0.0 {
            self.score / self.words
        } else {
            0.0
        }
    }
}

/// Measures all blocks once more. `words` and `scores` have one entry a block.
pub(super) fn measure(page: &Page, records: &Records, words: &[f32], scores: &[f32]) -> Features {
    let ones: Vec<Sum> = words
        .iter()
        .zip(scores)
        .map(|(&words, &score)| Sum {
            score: score * (words + 1.0),
            words: words + 1.0,
            best: score,
        })
        .collect();
    let mut containers = vec![Sum::default(); page.containers.len()];
    let mut groups: HashMap<u32, Sum> = HashMap::new();
    for (block, one) in page.blocks.iter().zip(&ones) {
        containers[block.container as usize].add(one);
        groups.entry(block.signature).or_default().add(one);
    }
    for at in (1..containers.len()).rev() {
        let sum = containers[at];
        containers[page.containers[at].parent as usize].add(&sum);
    }
    // Sums up to each block make every window one subtraction.
    let mut before = Vec::with_capacity(ones.len() + 1);
    let mut so_far = (0.0f64, 0.0f64);
    before.push(so_far);
    for one in &ones {
        so_far = (so_far.0 + f64::from(one.score), so_far.1 + f64::from(one.words));
        before.push(so_far);
    }
    let mean = |from: usize, to: usize| {
        let words = before[to].1 - before[from].1;
        if words > 0.0 {
            ((before[to].0 - before[from].0) / words) as f32
        } else {
            0.0
        }
    };
    let liked: Vec<usize> = (0..scores.len()).filter(|&at| scores[at] > LIKED).collect();
    let liked_words: f32 = liked.iter().map(|&at| words[at]).sum();
    let all_words: f32 = words.iter().sum();
    let page_mean = mean(0, scores.len());
    let ends = liked.first().zip(liked.last());
    let next_heading = next_headings(page);
    let mut sets = vec![Sum::default(); records.sets.len()];
    for (place, sum) in records.containers.iter().zip(&containers) {
        sets[place.set as usize].add(sum);
    }
    let roles = [0, 1].map(|kind: usize| {
        let mut sums = vec![Sum::default(); records.role_sums[kind].len()];
        for (&role, one) in records.roles[kind].iter().zip(&ones) {
            sums[role as usize].add(one);
        }
        sums
    });
    let mut last_heading: Option<usize> = None;

    let mut features = Features::default();
    for (at, block) in page.blocks.iter().enumerate() {
        let start = features.values.len();
        let mut add = |value: f32| features.values.push(value);
        add(scores[at]);
        for offset in NEIGHBOURS {
            let other = at.checked_add_signed(offset).and_then(|at| scores.get(at));
            add(other.copied().unwrap_or(-1.0));
        }
        for width in WINDOWS {
            add(mean(at.saturating_sub(width), (at + width + 1).min(scores.len())));
        }
        add(mean(at, next_heading[at]));
        add(mean(0, at));
        add(mean(at + 1, scores.len()));
        let group = &groups[&block.signature];
        add(group.mean());
        add(group.best);
        let after = liked.partition_point(|&other| other <= at);
        let upto = liked.partition_point(|&other| other < at);
        add(upto
            .checked_sub(1)
            .map_or(500.0, |nearest| (at - liked[nearest]) as f32));
        add(liked.get(after).map_or(500.0, |&nearest| (nearest - at) as f32));
        add(ends.map_or(-500.0, |(&first, _)| at as f32 - first as f32));
        add(ends.map_or(-500.0, |(_, &last)| last as f32 - at as f32));
        add(page_mean);
        add(liked_words);
        add(if all_words > 0.0 {
            liked_words / all_words
        } else {
            0.0
        });
        add(liked.len() as f32);
        add(liked_words - words[at]);
        let (mut container, mut seen, mut written) = (block.container as usize, 0.0, 0);
        while written < LEVELS {
            let sum = &containers[container];
            if sum.words > seen {
                seen = sum.words;
                written += 1;
                add(sum.mean());
                add(sum.best);
            }
            if container == 0 {
                break;
            }
            container = page.containers[container].parent as usize;
        }
        for _ in written..LEVELS {
            add(-1.0);
            add(-1.0);
        }
        let place = &records.containers[block.container as usize];
        for record in [place.inner, place.largest] {
            let set = &sets[records.containers[record as usize].set as usize];
            add(if record == 0 {
                -1.0
            } else {
                containers[record as usize].mean()
            });
            add(if record == 0 { -1.0 } else { set.mean() });
        }
        for (sums, roles) in roles.iter().zip(&records.roles) {
            add(sums[roles[at] as usize].mean());
            add(sums[roles[at] as usize].best);
        }
        add(last_heading.map_or(-1.0, |heading| scores[heading]));
        add(last_heading.map_or(-1.0, |heading| mean(heading + 1, next_heading[at])));
        if block.tag.heading_level().is_some() {
            last_heading = Some(at);
        }
        features.width = features.values.len() - start;
    }
    features
}

/// For each block, the next heading after it or the end of the page.
fn next_headings(page: &Page) -> Vec<usize> {
    let mut next = vec![page.blocks.len(); page.blocks.len()];
    for at in (1..page.blocks.len()).rev() {
        next[at - 1] = if page.blocks[at].tag.heading_level().is_some() {
            at
        } else {
            next[at]
        };
    }
    next
}
