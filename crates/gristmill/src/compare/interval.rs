//! Intervals of means of a few values.

/// A mean and what it is sure to be within.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Interval {
    pub(crate) mean: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Quantiles of Student's distribution at .995, for 1 to 15 degrees of freedom (Abramowitz and Stegun, table 26.10).
const STUDENT: [f64; 15] = [
    63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947,
];

/// Student's 99 % interval of the mean of values that are independent of each other. None of fewer than two.
pub(crate) fn interval(values: &[f64]) -> Option<Interval> {
    let count = values.len();
    let freedom = count.checked_sub(1).filter(|freedom| *freedom > 0)?;
    let mean = values.iter().sum::<f64>() / count as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / freedom as f64;
    let half = STUDENT[freedom.min(STUDENT.len()) - 1] * (variance / count as f64).sqrt();
    Some(Interval {
        mean,
        low: mean - half,
        high: mean + half,
    })
}

impl Interval {
    /// Whether it does not hold 0: there is a difference.
    pub(crate) fn excludes_zero(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_that_of_the_table() {
        let found = interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert_eq!(found.mean, 3.0);
        // 4.604 × sqrt(2.5 / 5)
        assert!((found.high - 3.0 - 3.2555).abs() < 1e-3);
        assert!(interval(&[1.0]).is_none());
    }
}
