//! Boosted decision trees: weights made by `crates/text/training`, evaluated with comparisons and integer sums.
//!
//! A tree costs about five comparisons, each of which waits for the one before; so several blocks are asked at once. Leaves are
//! integers, so that a sum does not depend on its order.

/// A question of a tree: goes `low` if the feature is at most `threshold`. Eight bytes, so that a forest fits the
/// first-level cache.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) threshold: f32,
    pub(super) feature: u16,
    /// A question of the same tree, or `-1 - i` for its leaf `i`.
    pub(super) low: i8,
    pub(super) high: i8,
}

/// A question, briefly: the weights have thousands.
pub(super) const fn question(feature: u16, threshold: f32, low: i8, high: i8) -> Question {
    Question {
        threshold,
        feature,
        low,
        high,
    }
}

/// Trees over the same features.
#[derive(Debug)]
pub(super) struct Forest {
    /// Where the questions and the leaves of each tree begin.
    pub(super) trees: &'static [(u32, u32)],
    /// The last tree has [`TREE`] of them too, so that every tree can be read as that many.
    pub(super) questions: &'static [Question],
    /// In units of 1 / [`SCALE`].
    pub(super) leaves: &'static [i16],
}

/// Leaves are log-odds times this.
const SCALE: f32 = 8192.0;

/// A tree has fewer questions.
const TREE: usize = 32;

/// A row has fewer features.
const ROW: usize = 512;

/// Rows that are asked at once: their walks down a tree do not wait for each other.
const LANES: usize = 8;

impl Forest {
    /// The log-odds of rows of features, one each.
    pub(super) fn log_odds(&self, rows: &[&[f32]]) -> Vec<f32> {
        let mut odds = Vec::with_capacity(rows.len());
        // Rows and trees of a known size need no check of bounds.
        let mut lanes = [[0.0; ROW]; LANES];
        for rows in rows.chunks(LANES) {
            for (lane, row) in lanes.iter_mut().zip(rows) {
                lane[..row.len()].copy_from_slice(row);
            }
            let sums = self.sums(&lanes);
            odds.extend(sums.iter().take(rows.len()).map(|&sum| sum as f32 / SCALE));
        }
        odds
    }

    fn sums(&self, rows: &[[f32; ROW]; LANES]) -> [i32; LANES] {
        let mut sums = [0; LANES];
        for &(questions, leaves) in self.trees {
            let tree: &[Question; TREE] = self.questions[questions as usize..]
                .first_chunk()
                .expect("the last tree is filled up");
            let mut at = [0i8; LANES];
            // A lane that is at its leaf, which is negative, stays there until all are.
            while at.iter().fold(-1, |all, at| all & at) >= 0 {
                for (at, row) in at.iter_mut().zip(rows) {
                    let question = tree[usize::from((*at).max(0).unsigned_abs()) % TREE];
                    let is_low = row[usize::from(question.feature) % ROW] <= question.threshold;
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
            questions: &const {
                let mut questions = [question(0, 0.0, -1, -1); 2 + TREE];
                questions[0] = question(0, 1.0, -1, 1);
                questions[1] = question(1, 0.0, -2, -3);
                questions[2] = question(1, 5.0, -1, -2);
                questions
            },
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
