//! From the hidden vector of a text to its labels: the losses that a model can be trained with.

use std::{cmp::Ordering, collections::BinaryHeap};

use gristmill_core::{Error, Result};

use super::{Matrix, Prediction};

/// The sigmoid's table: its largest argument and its steps.
const SIGMOID_MAX: f32 = 8.0;
const SIGMOID_STEPS: usize = 512;
/// Added to a probability before its logarithm.
const LOG_FLOOR: f64 = 1e-5;
/// The count of a tree node that does not exist yet; all labels count less.
const COUNT_MAX: i64 = 1_000_000_000_000_000;

/// How numbers of labels become probabilities.
#[derive(Debug)]
pub(super) enum Loss {
    Softmax,
    /// Of negative sampling and one-vs-all: each label by itself.
    Sigmoid {
        table: Vec<f32>,
    },
    /// Inner nodes of the Huffman tree, in the order in which they were made; the last is the root.
    Tree {
        inner: Vec<[u32; 2]>,
    },
}

/// Buffers of [`Loss::best`].
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// `[labels]`
    outputs: Vec<f32>,
    /// The best labels so far, the least of them on top.
    best: BinaryHeap<Candidate>,
    /// In the order of the answer.
    sorted: Vec<Candidate>,
    /// Nodes that are still to be visited.
    nodes: Vec<Candidate>,
}

/// A label, or a node of the tree, and the logarithm of its probability.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    score: f32,
    index: u32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    /// The greatest is the least probable, and of equals the last label.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .score
            .total_cmp(&self.score)
            .then_with(|| self.index.cmp(&other.index))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Loss {
    /// The loss of this number in a model's arguments.
    pub(super) fn new(number: i32, label_counts: &[i64]) -> Result<Self> {
        match number {
            1 => build_tree(label_counts).map(|inner| Loss::Tree { inner }),
            2 | 4 => Ok(Loss::Sigmoid {
                table: (0..=SIGMOID_STEPS).map(sigmoid_step).collect(),
            }),
            3 => Ok(Loss::Softmax),
            _ => Err(Error::new(format!(
                "loss {number} is none of 1 (hs), 2 (ns), 3 (softmax), 4 (ova)"
            ))),
        }
    }

    /// The best `k` labels, best first.
    pub(super) fn best<'a>(
        &self,
        output: &Matrix,
        hidden: &[f32],
        k: usize,
        threshold: f32,
        scratch: &'a mut Scratch,
    ) -> impl Iterator<Item = Prediction> + use<'a> {
        scratch.best.clear();
        match self {
            Loss::Tree { inner } => descend(inner, output, hidden, k, threshold, scratch),
            Loss::Softmax | Loss::Sigmoid { .. } => {
                scratch.outputs.clear();
                let rows = 0..output.rows();
                scratch
                    .outputs
                    .extend(rows.map(|row| output.dot_row(row, hidden)));
                match self {
                    Loss::Sigmoid { table } => {
                        scratch
                            .outputs
                            .iter_mut()
                            .for_each(|value| *value = sigmoid(table, *value));
                    }
                    _ => softmax(&mut scratch.outputs),
                }
                for (index, &value) in scratch.outputs.iter().enumerate() {
                    // Weights of a damaged model can overflow; what is not a number is no label.
                    if value >= threshold {
                        let index = index as u32;
                        offer(
                            &mut scratch.best,
                            k,
                            Candidate {
                                score: log(value.into()),
                                index,
                            },
                        );
                    }
                }
            }
        }
        scratch.sorted.clear();
        scratch.sorted.extend(scratch.best.drain());
        scratch.sorted.sort_unstable();
        scratch
            .sorted
            .iter()
            .map(|&Candidate { score, index }| Prediction {
                label: index,
                probability: score.exp(),
            })
    }
}

/// Visits the tree from the root, and of each node first the left child, as the reference does. Subtrees are left
/// out that cannot hold a label better than the best `k`.
fn descend(
    inner: &[[u32; 2]],
    output: &Matrix,
    hidden: &[f32],
    k: usize,
    threshold: f32,
    scratch: &mut Scratch,
) {
    let labels = inner.len() + 1;
    let floor = log(threshold.into());
    scratch.nodes.clear();
    scratch.nodes.push(Candidate {
        score: 0.0,
        index: (labels + inner.len() - 1) as u32,
    });
    while let Some(node) = scratch.nodes.pop() {
        let is_hopeless =
            scratch.best.len() == k && scratch.best.peek().is_some_and(|least| node.score < least.score);
        // Like the comparison above, false for what is not a number, which then is no label.
        if node.score < floor || is_hopeless || node.score.is_nan() {
            continue;
        }
        let Some(row) = (node.index as usize).checked_sub(labels) else {
            offer(&mut scratch.best, k, node);
            continue;
        };
        let right = (1.0 / (1.0 + f64::from((-output.dot_row(row, hidden)).exp()))) as f32;
        let left = log(1.0 - f64::from(right));
        let [left_index, right_index] = inner[row];
        scratch.nodes.push(Candidate {
            score: node.score + log(right.into()),
            index: right_index,
        });
        scratch.nodes.push(Candidate {
            score: node.score + left,
            index: left_index,
        });
    }
}

fn offer(best: &mut BinaryHeap<Candidate>, k: usize, candidate: Candidate) {
    if best.len() < k {
        best.push(candidate);
    } else if let Some(mut least) = best.peek_mut()
        && candidate < *least
    {
        *least = candidate;
    }
}

/// Children of the inner nodes of the Huffman tree. Labels are sorted by falling count, so that the two least nodes
/// are always the last label or the first inner node that has no parent yet.
fn build_tree(counts: &[i64]) -> Result<Vec<[u32; 2]>> {
    if let Some(count) = counts.iter().find(|count| !(0..COUNT_MAX).contains(*count)) {
        return Err(Error::new(format!(
            "a label counts {count}, not 0 to {COUNT_MAX}"
        )));
    }
    let labels = counts.len();
    let mut sums: Vec<i64> = Vec::with_capacity(labels - 1);
    let mut inner = Vec::with_capacity(labels - 1);
    // The number of labels and the index of the first node without a parent.
    let (mut leaves, mut node) = (labels, labels);
    for _ in 1..labels {
        let mut sum: i64 = 0;
        let children = [(); 2].map(|()| {
            let node_count = sums.get(node - labels).copied().unwrap_or(COUNT_MAX);
            if leaves > 0 && counts[leaves - 1] < node_count {
                leaves -= 1;
                sum = sum.saturating_add(counts[leaves]);
                leaves as u32
            } else {
                sum = sum.saturating_add(node_count);
                node += 1;
                (node - 1) as u32
            }
        });
        sums.push(sum);
        inner.push(children);
    }
    Ok(inner)
}

fn softmax(values: &mut [f32]) {
    let max = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - max).exp();
        sum += *value;
    }
    values.iter_mut().for_each(|value| *value /= sum);
}

fn sigmoid(table: &[f32], value: f32) -> f32 {
    if value < -SIGMOID_MAX {
        0.0
    } else if value > SIGMOID_MAX {
        1.0
    } else {
        let step = (value + SIGMOID_MAX) * SIGMOID_STEPS as f32 / SIGMOID_MAX / 2.0;
        // Not a number gives step 0.
        table[step as usize]
    }
}

fn sigmoid_step(step: usize) -> f32 {
    let value = step as f32 * 2.0 * SIGMOID_MAX / SIGMOID_STEPS as f32 - SIGMOID_MAX;
    (1.0 / (1.0 + f64::from((-value).exp()))) as f32
}

fn log(probability: f64) -> f32 {
    (probability + LOG_FLOOR).ln() as f32
}
