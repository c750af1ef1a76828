//! Shares of lines that start with a bullet, and that end in an ellipsis.

use super::ratios::ratio;

/// The shares of `lines` for which each of the two says yes; `None` without lines.
pub(crate) fn marked_lines<'a>(
    lines: impl Iterator<Item = &'a str>,
    starts_with_bullet: fn(&str) -> bool,
    ends_in_ellipsis: fn(&str) -> bool,
) -> [Option<f64>; 2] {
    let (mut all, mut bullets, mut ellipses) = (0, 0, 0);
    for line in lines {
        all += 1;
        bullets += usize::from(starts_with_bullet(line));
        ellipses += usize::from(ends_in_ellipsis(line));
    }
    [ratio(bullets, all), ratio(ellipses, all)]
}
