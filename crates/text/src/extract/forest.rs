//! Boosted decision trees: weights made by `crates/text/training`, evaluated with comparisons and integer sums.
//!
//! A tree costs about five comparisons, each of which waits for the one before; so several blocks are asked at once. Leaves are
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

/// Rows that are asked at once: their walks down a tree do not wait for each other.
const LANES: usize = 4;

impl Forest {
    /// The log-odds of rows of features, one each.
    pub(super) fn log_odds(&self, rows: &[&[f32]]) -> Vec<f32> {
        let mut odds = Vec::with_capacity(rows.len());
        for rows in rows.chunks(LANES) {
            // A short last chunk asks its last row several times.
            let sums = self.sums(std::array::from_fn(|lane| rows[lane.min(rows.len() - 1)]));
            odds.extend(sums.iter().take(rows.len()).map(|&sum| sum as f32 / SCALE));
        }
        odds
    }

    fn sums(&self, rows: [&[f32]; LANES]) -> [i32; LANES] {
        let mut sums = [0; LANES];
        for &(questions, leaves) in self.trees {
            let questions = &self.questions[questions as usize..];
            let mut at = [0i16; LANES];
            // A lane that is at its leaf, which is negative, stays there until all are.
            while at.iter().any(|&at| at >= 0) {
                for (at, row) in at.iter_mut().zip(rows) {
                    let question = &questions[usize::from(at.unsigned_abs()) * usize::from(*at >= 0)];
                    let is_low = row[usize::from(question.feature)] <= question.threshold;
                    let next = if is_low { question.low } else { question.high };
                    *at = if *at >= 0 { next } else { *at };
                }
            }
            for (sum, at) in sums.iter_mut().zip(at) {
                *sum += i32::from(self.leaves[leaves as usize + usize::from((-1 - at).unsigned_abs())]);
            }
        }
        sums
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
        let (one, other) = ([1.0, 9.0].as_slice(), [2.0, 0.0].as_slice());
        assert_eq!(FOREST.log_odds(&[one, other]), [1.25, -0.5]);
        assert_eq!(
            FOREST.log_odds(&[other, one, one, one, other]),
            [-0.5, 1.25, 1.25, 1.25, -0.5]
        );
        assert!(FOREST.log_odds(&[]).is_empty());
    }
}
