//! Shares, and columns of them.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array};

/// `part / whole`, rounded as Python rounds the quotient of two integers; `None` when `whole` is 0.
pub(crate) fn ratio(part: usize, whole: usize) -> Option<f64> {
    // Both are below 2^53, so the conversions are exact and the division rounds once.
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// One `Float64` column per element of the rows; a row that is `None` is null in all of them.
pub(crate) fn float_columns<const N: usize>(
    rows: impl Iterator<Item = Option<[Option<f64>; N]>>,
) -> Vec<ArrayRef> {
    let rows: Vec<_> = rows.map(|row| row.unwrap_or([None; N])).collect();
    let column = |index| Float64Array::from_iter(rows.iter().map(|row: &[Option<f64>; N]| row[index]));
    (0..N).map(|index| Arc::new(column(index)) as ArrayRef).collect()
}
