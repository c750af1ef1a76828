//! A ladder of controls: samples whose order is known, to ask of each metric whether it can be believed here.
//!
//! From all documents are made: `random`, as they are; `shuffled`, with the words of each in another order; `boilerplate`, their
//! short lines alone. Two more are documents that well-known rules keep: `c4` (Raffel et al. 2020) and `fineweb` (Penedo et
//! al. 2024), and `rejected` is what those of C4 do not keep. On any target of good texts either of these is better than random, random is better than shuffled and than
//! boilerplate, and so on along the ladder; between `c4` and `fineweb`, and between `shuffled` and `boilerplate`, nothing is
//! known. The order was fixed before any of it was measured. A metric that puts fewer than 80 % of the known pairs in order is
//! shown greyed out, and says nothing of other recipes.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    Folds, Metric,
    folds::{Sampled, sampled},
};

/// The share of known pairs that a metric must put in order.
const PASSES: f64 = 0.8;
/// Fewest known pairs that say something of a metric: without the rules and what they reject, the others are too easy.
const LEAST_PAIRS: usize = 7;
/// Words of a line that is boilerplate.
const LINE_WORDS: usize = 6;

/// Pairs of which the first is better.
const PAIRS: [(Control, Control); 9] = [
    (Control::C4, Control::Random),
    (Control::FineWeb, Control::Random),
    (Control::Random, Control::Shuffled),
    (Control::Random, Control::Boilerplate),
    (Control::C4, Control::Shuffled),
    (Control::C4, Control::Boilerplate),
    (Control::FineWeb, Control::Shuffled),
    (Control::FineWeb, Control::Boilerplate),
    // What rules take away is worse than what they leave.
    (Control::C4, Control::Rejected),
];

/// A sample of known place on the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    C4,
    FineWeb,
    Random,
    /// What the rules of C4 reject.
    Rejected,
    Shuffled,
    Boilerplate,
}

impl Control {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Control::C4 => "c4 rules",
            Control::FineWeb => "fineweb rules",
            Control::Random => "random",
            Control::Rejected => "rejected by c4 rules",
            Control::Shuffled => "shuffled words",
            Control::Boilerplate => "boilerplate",
        }
    }
}

/// What the controls say of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ladder {
    /// Known pairs that it puts in order …
    pub(crate) right: usize,
    /// … of so many.
    pub(crate) pairs: usize,
}

impl Ladder {
    /// What a metric over these controls, in this order, says of the known pairs. None where no end is better.
    pub(crate) fn of(metric: &Metric, order: &[Control]) -> Option<Self> {
        metric.is_higher_better?;
        let place = |control: Control| order.iter().position(|known| *known == control);
        let pairs: Vec<(usize, usize)> = PAIRS
            .iter()
            .filter_map(|(better, worse)| Some((place(*better)?, place(*worse)?)))
            .collect();
        let is_right =
            |(better, worse): &&(usize, usize)| metric.differences(*better, *worse).iter().sum::<f64>() > 0.0;
        Some(Ladder {
            right: pairs.iter().filter(is_right).count(),
            pairs: pairs.len(),
        })
    }

    /// Whether the metric can be believed.
    pub(crate) fn passes(&self) -> bool {
        self.pairs >= LEAST_PAIRS && self.right as f64 >= PASSES * self.pairs as f64
    }
}

/// The controls that are made of all documents.
pub(crate) fn controls(pool: &Folds, seed: u64) -> Vec<(Control, Folds)> {
    let made = |change: &dyn Fn(&Sampled) -> String| -> Folds {
        let changed = pool.documents().map(|document| {
            sampled(
                document.row,
                &document.id,
                document.url.as_deref(),
                &change(document),
                seed,
            )
        });
        Folds::of(changed.filter(|document| !document.text.is_empty()).collect())
    };
    vec![
        (Control::Random, pool.clone()),
        (
            Control::Shuffled,
            made(&|document| shuffled(&document.text, seed)),
        ),
        (
            Control::Boilerplate,
            made(&|document| short_lines(&document.text)),
        ),
    ]
}

/// The words of a text in an order that only the seed decides.
fn shuffled(text: &str, seed: u64) -> String {
    let mut words: Vec<(u64, &str)> = (0_u64..)
        .zip(text.split_whitespace())
        .map(|(place, word)| (xxh3_64_with_seed(&place.to_le_bytes(), seed), word))
        .collect();
    words.sort_unstable();
    words
        .into_iter()
        .map(|(_, word)| word)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Its short lines.
fn short_lines(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let short = lines.filter(|line| line.split_whitespace().count() < LINE_WORDS);
    short.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_orders_nothing_does_not_pass() {
        let order = [
            Control::C4,
            Control::FineWeb,
            Control::Random,
            Control::Rejected,
            Control::Shuffled,
            Control::Boilerplate,
        ];
        let metric = |values: [f64; 6]| Metric {
            name: "bits_per_byte",
            target: None,
            is_higher_better: Some(false),
            values: values.map(|value| vec![value; 8]).to_vec(),
        };
        let ladder = |values| Ladder::of(&metric(values), &order).unwrap();
        let in_order = [1.0, 1.0, 2.0, 3.0, 4.0, 4.0];
        assert_eq!(ladder(in_order), Ladder { right: 9, pairs: 9 });
        assert!(ladder(in_order).passes());
        assert!(!ladder(in_order.map(|value| 5.0 - value)).passes());
        let few = Ladder::of(&metric(in_order), &order[2..5]).unwrap();
        assert!(few.right == few.pairs && !few.passes());
    }

    #[test]
    fn shuffling_keeps_the_words() {
        let text = "the quick brown fox jumps over the lazy dog";
        let (mut before, after) = (text.split(' ').collect::<Vec<_>>(), shuffled(text, 1));
        let mut words: Vec<&str> = after.split(' ').collect();
        assert_ne!(before, words);
        before.sort_unstable();
        words.sort_unstable();
        assert_eq!(before, words);
        assert_eq!(
            short_lines("Home\nAbout us\nThis line has more than five words in it.\n\n"),
            "Home\nAbout us"
        );
    }
}
