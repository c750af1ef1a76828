//! Where clips begin and end.

/// A span of seconds.
pub(super) type Span = (f64, f64);

/// Shots as clips: those longer than `most` are cut into equal parts of at most that, those shorter than `least` are left out.
pub(super) fn of_shots(shots: &[Span], least: f64, most: f64) -> Vec<Span> {
    let mut spans = Vec::new();
    for &(from, to) in shots {
        let length = to - from;
        if !(length.is_finite() && length >= least) {
            continue;
        }
        let parts = (length / most).ceil().max(1.0);
        let each = length / parts;
        if each >= least {
            spans.extend(
                (0..parts as usize).map(|part| (from + each * part as f64, from + each * (part + 1) as f64)),
            );
        }
    }
    spans
}

/// Clips of `stride` seconds one after the other; the last one is what is left, if that is at least `least`.
pub(super) fn of_stride((from, to): Span, stride: f64, least: f64) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = from;
    while at < to && spans.len() < SPANS_MAX {
        let end = (at + stride).min(to);
        if end - at >= least.min(stride) {
            spans.push((at, end));
        }
        at += stride;
    }
    spans
}

/// Most clips of a video.
const SPANS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_shots_are_cut_into_equal_parts() {
        assert_eq!(
            of_shots(&[(0.0, 1.0), (1.0, 4.0), (4.0, 25.0)], 2.0, 10.0),
            [(1.0, 4.0), (4.0, 11.0), (11.0, 18.0), (18.0, 25.0)]
        );
        assert!(of_shots(&[(0.0, f64::NAN)], 2.0, 10.0).is_empty());
    }

    #[test]
    fn a_stride_leaves_a_rest() {
        assert_eq!(of_stride((0.5, 11.0), 5.0, 2.0), [(0.5, 5.5), (5.5, 10.5)]);
        assert_eq!(of_stride((0.0, 3.0), 5.0, 2.0), [(0.0, 3.0)]);
    }
}
