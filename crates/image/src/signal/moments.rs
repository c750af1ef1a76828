//! Mean and variance of integers from exact sums.

/// Mean and variance (of the population) of `count` integers, at least 1, from their sum and the sum of their squares.
pub(super) fn moments(sum: i64, squares: u64, count: usize) -> (f64, f64) {
    let (exact, numbers) = (i128::from(sum), count as i128);
    let spread = i128::from(squares) * numbers - exact * exact;
    let count = count as f64;
    (sum as f64 / count, spread as f64 / (count * count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_have_no_variance() {
        assert_eq!(
            moments(3 * 1_000_000_007, 3 * 1_000_000_007u64.pow(2), 3),
            (1e9 + 7.0, 0.0)
        );
        assert_eq!(moments(-2, 2, 2), (-1.0, 0.0));
    }

    #[test]
    fn variance_is_that_of_the_population() {
        assert_eq!(moments(4, 16, 2), (2.0, 4.0));
    }
}
