//! What of a file a task does not look at, so that it need not cross the pipe to a worker.
//!
//! Key frames are a small part of most files. The worker gets a file of the same length with zeros where samples lie that nobody
//! asked for; it reads the same film from it. Kept are all headers, the first samples of every track of pictures, where headers of
//! codecs are looked for, and the heads and tails of samples of VP8 and VP9, which tell whether they are shown. Files of other
//! containers than MP4, QuickTime and Matroska are kept whole: their samples are told by their bytes.

use std::ops::Range;

use crate::{
    film::{Container, Film, Kind, Sample, Track},
    header::{LOOKED_AT, frames},
    read::media,
};

/// Fewest bytes that are left out at a time.
const HOLE_MIN: usize = 4 << 10;
/// Bytes that are kept at either end of samples of VP8 and VP9.
const END: usize = 64;

/// Ranges of a file that are left out where the samples at `needed` are decoded, ascending.
pub(crate) fn holes(film: &Film<'_>, track: &Track, needed: &[usize]) -> Vec<Range<usize>> {
    let all = || film.tracks.iter().flat_map(|track| &track.samples);
    let place = |sample: &Sample| {
        let length = film.file.len();
        let from = usize::try_from(sample.at).unwrap_or(length).min(length);
        from..from.saturating_add(sample.length as usize).min(length)
    };
    let out = match film.container {
        Container::Mp4 | Container::Mov => media(film.file),
        Container::Matroska | Container::Webm => all().map(place).collect(),
        _ => return Vec::new(),
    };
    if film.tracks.iter().any(|track| track.payload.is_some()) {
        return Vec::new();
    }
    let mut kept: Vec<_> = needed.iter().map(|&at| place(&track.samples[at])).collect();
    for track in film.tracks.iter().filter(|track| track.kind == Kind::Video) {
        kept.extend(track.samples.iter().take(LOOKED_AT).map(place));
        if !matches!(track.codec.as_ref(), "vp8" | "vp9") {
            continue;
        }
        for place in track.samples.iter().map(place) {
            // Frames within a sample have heads of their own.
            if frames::vp9_parts(&film.file[place.clone()]).len() > 1 || place.len() <= 2 * END {
                kept.push(place);
            } else {
                kept.extend([place.start..place.start + END, place.end - END..place.end]);
            }
        }
    }
    let mut holes = without(out, kept);
    holes.retain(|hole| hole.len() >= HOLE_MIN);
    holes
}

/// What of `ranges` is in none of `kept`.
fn without(ranges: Vec<Range<usize>>, kept: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut kept = joined(kept).into_iter().peekable();
    let mut left = Vec::new();
    for range in joined(ranges) {
        let mut at = range.start;
        while let Some(keep) = kept.peek().filter(|keep| keep.start < range.end) {
            if keep.start > at {
                left.push(at..keep.start);
            }
            at = at.max(keep.end);
            if keep.end > range.end {
                // It goes on in the next one.
                break;
            }
            kept.next();
        }
        if at < range.end {
            left.push(at..range.end);
        }
    }
    left
}

/// Ranges in order, those that touch as one.
fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let is_one = next.start <= last.end;
        if is_one {
            last.end = last.end.max(next.end);
        }
        is_one
    });
    ranges
}

/// The parts of a file between holes.
pub(crate) fn parts<'a>(file: &'a [u8], holes: &[Range<usize>]) -> Vec<&'a [u8]> {
    let mut parts = Vec::with_capacity(holes.len() + 1);
    let mut at = 0;
    for hole in holes {
        parts.push(&file[at..hole.start]);
        at = hole.end;
    }
    parts.push(&file[at..]);
    parts
}

/// The file again, with zeros in its holes; none where they do not fit its parts.
pub(crate) fn whole(parts: &[u8], holes: &[Range<usize>]) -> Option<Vec<u8>> {
    let missing = holes.iter().try_fold(0usize, |sum, hole| {
        sum.checked_add(hole.end.checked_sub(hole.start)?)
    })?;
    // Pages of zeros that nobody writes to take no memory.
    let mut file = vec![0; parts.len().checked_add(missing)?];
    let (mut at, mut rest) = (0, parts);
    for hole in holes {
        let part = rest.split_off(..hole.start.checked_sub(at)?)?;
        file.get_mut(at..hole.start)?.copy_from_slice(part);
        at = hole.end;
    }
    file.get_mut(at..)?.get_mut(..rest.len())?.copy_from_slice(rest);
    Some(file)
}

#[cfg(test)]
#[expect(
    clippy::single_range_in_vec_init,
    clippy::reversed_empty_ranges,
    reason = "lists of ranges are what is tested, wrong ones too"
)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_not_left_out() {
        let check = |ranges: &[Range<usize>], kept: &[Range<usize>], left: &[Range<usize>]| {
            assert_eq!(without(ranges.to_vec(), kept.to_vec()), left);
        };
        check(&[0..10], &[], &[0..10]);
        check(&[0..10], &[2..4, 3..5, 9..20], &[0..2, 5..9]);
        check(&[0..10, 10..20, 30..40], &[15..35, 0..1], &[1..15, 35..40]);
        check(&[5..10], &[0..3, 20..30], &[5..10]);
        check(&[5..10], &[0..30], &[]);
    }

    #[test]
    fn a_file_comes_back_with_zeros_in_its_holes() {
        let file: Vec<u8> = (1..=20).collect();
        let holes = [0..3, 5..6, 18..20];
        let sent = parts(&file, &holes).concat();
        assert_eq!(sent.len(), 14);
        let back = whole(&sent, &holes).unwrap();
        assert_eq!(back.len(), file.len());
        for (at, byte) in back.iter().enumerate() {
            let is_left_out = holes.iter().any(|hole| hole.contains(&at));
            assert_eq!(*byte, if is_left_out { 0 } else { file[at] });
        }
        assert_eq!(whole(&sent, &[5..6, 3..4]), None);
        assert_eq!(whole(&sent, &[50..60]), None);
        assert_eq!(whole(&sent, &[9..2]), None);
        assert_eq!(whole(&sent, &[]), Some(sent));
    }
}
