//! Histograms for the eyes, from the fine bins of sketches.

use gristmill_shard::Numbers;
use serde_json::{Value, json};

/// Bars of a histogram.
const BARS: usize = 32;

/// Distributions of the same column over each other.
pub(crate) struct Histogram {
    edges: Vec<f64>,
    is_log: bool,
}

impl Histogram {
    /// Bars that suit all of these distributions: from the 1st to the 99th percentile, of equal ratios where values spread
    /// over more than a decade. None if there are no numbers.
    pub(crate) fn over(all: &[&Numbers]) -> Option<Self> {
        let least = |share: f64| {
            all.iter()
                .map(|numbers| numbers.quantile(share))
                .fold(f64::INFINITY, f64::min)
        };
        let most = |share: f64| {
            all.iter()
                .map(|numbers| numbers.quantile(share))
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let (low, high) = (least(0.01), most(0.99));
        if !(low.is_finite() && high.is_finite()) {
            return None;
        }
        let is_log = low > 0.0 && high / low > 20.0 && high > 2.0;
        // A bar for each of a few whole numbers.
        if all.iter().all(|numbers| numbers.is_whole) && high - low < BARS as f64 {
            let edges = (0..=(high - low) as usize + 1).map(|n| low + n as f64);
            return Some(Histogram {
                edges: edges.collect(),
                is_log: false,
            });
        }
        let (low, high) = if low < high {
            (low, high)
        } else {
            (low - 0.5, high + 0.5)
        };
        let edge = |n: usize| {
            let share = n as f64 / BARS as f64;
            if is_log {
                low * (high / low).powf(share)
            } else {
                low + (high - low) * share
            }
        };
        Some(Histogram {
            edges: (0..=BARS).map(edge).collect(),
            is_log,
        })
    }

    /// The share of the numbers in each bar; what lies outside is in the first and last one.
    fn bars(&self, numbers: &Numbers) -> Vec<f64> {
        let most = self.edges.len() - 1;
        let mut bars = vec![0.0; most];
        let mut all = 0.0;
        for (bin, count) in numbers.bins.iter() {
            let (low, high) = numbers.bounds(bin);
            all += count as f64;
            let place = |value: f64| self.edges.partition_point(|edge| *edge <= value).clamp(1, most) - 1;
            // The end of a bin is not in it.
            let (first, last) = (place(low), place(high.next_down()));
            // A bin is spread evenly over the bars that it reaches into.
            for (bar, share) in bars.iter_mut().enumerate().take(last + 1).skip(first) {
                let from = if bar == first { low } else { self.edges[bar] };
                let to = if bar == last { high } else { self.edges[bar + 1] };
                let part = if high > low {
                    (to - from) / (high - low)
                } else {
                    1.0
                };
                *share += count as f64 * part;
            }
        }
        bars.iter_mut().for_each(|bar| *bar /= all);
        bars
    }

    /// What `charts.js` draws.
    pub(crate) fn chart(&self, series: &[(&str, &Numbers)]) -> Value {
        let series = series.iter().map(|(name, numbers)| {
            let bars = self.bars(numbers).into_iter().enumerate();
            let bars = bars.map(|(bar, share)| {
                json!([round(self.edges[bar]), round(self.edges[bar + 1]), round(share)])
            });
            json!({ "name": name, "bars": bars.collect::<Value>() })
        });
        json!({ "is_log": self.is_log, "series": series.collect::<Value>() })
    }
}

/// Five digits are more than eyes can see.
fn round(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}
