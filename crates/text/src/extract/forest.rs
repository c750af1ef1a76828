//! Boosted decision trees: weights made by `crates/text/training`, evaluated with comparisons and integer sums.
//!
//! A tree costs about five comparisons; two hundred of them cost a block about two microseconds. Leaves are
//! integers, so that a sum does not depend on its order.

/// A question of a tree: goes `low` if the feature is at most `threshold`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) feature: u16,
    pub(super) threshold: f32,
    /// A question of the same tree, or `-1 - i` for its leaf `i`.
    pub(super) low: i16,
    pub(super) high: i16,
}

/// A question, briefly: the weights have thousands.
pub(super) const fn question(feature: u16, threshold: f32, low: i16, high: i16) -> Question {
    Question {
        feature,
        threshold,
        low,
        high,
    }
}

/// Trees over the same features.
#[derive(Debug)]
pub(super) struct Forest {
    /// Where the questions and the leaves of each tree begin.
    pub(super) trees: &'static [(u32, u32)],
    pub(super) questions: &'static [Question],
    /// In units of 1 / [`SCALE`].
    pub(super) leaves: &'static [i16],
}

/// Leaves are log-odds times this.
const SCALE: f32 = 8192.0;

impl Forest {
    /// The log-odds that a row of features has.
    pub(super) fn log_odds(&self, row: &[f32]) -> f32 {
        let mut sum = 0;
        for &(questions, leaves) in self.trees {
            let mut at = 0i16;
            while at >= 0 {
                let question = &self.questions[questions as usize + at as usize];
                let is_low = row[usize::from(question.feature)] <= question.threshold;
                at = if is_low { question.low } else { question.high };
            }
            sum += i32::from(self.leaves[leaves as usize + usize::from((-1 - at).unsigned_abs())]);
        }
        sum as f32 / SCALE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_add_up() {
        static FOREST: Forest = Forest {
            trees: &[(0, 0), (2, 3)],
            questions: &[
                question(0, 1.0, -1, 1),
                question(1, 0.0, -2, -3),
                question(1, 5.0, -1, -2),
            ],
            leaves: &[8192, -8192, 0, 4096, 2048],
        };
        assert_eq!(FOREST.log_odds(&[1.0, 9.0]), 1.25);
        assert_eq!(FOREST.log_odds(&[2.0, 0.0]), -0.5);
    }
}
