//! The sample tables of a track.

use gristmill_core::{Fault, Limits};

use super::boxes::Box;
use crate::{
    film::{Sample, Track},
    read::{
        check_samples,
        fields::{i32_be, u16_be, u32_be, u64_be},
    },
};

/// Reads the samples of a `trak` box; `count` adds up those of all tracks.
///
/// The number of samples is that of `stsz`. Tables that end before others leave the rest without their facts: durations of 0,
/// no offset of composition, and samples without a chunk are left out.
/// Of samples of one length there are no more than fit in the `file_length` bytes of the file.
pub(super) fn read(
    track: &Box<'_>,
    file_length: u64,
    limits: &Limits,
    count: &mut u64,
) -> Result<Vec<Sample>, Fault> {
    let Some(table) = track.descendant(&[b"mdia", b"minf", b"stbl"]) else {
        return Ok(Vec::new());
    };
    let body = |kind: &[u8; 4]| table.child(kind).map_or(&[][..], |found| found.body);
    let lengths = Lengths::of(&table, file_length);
    // Sound of one length a sample may have millions in a small file. It is not cut into them.
    if lengths.is_uniform() && lengths.count() > limits.video_samples {
        return Ok(Vec::new());
    }
    *count += u64::from(lengths.count());
    check_samples(*count, limits)?;

    let mut samples = places(&lengths, body(b"stsc"), &table);
    let mut at = 0i64;
    let mut rest = samples.as_mut_slice();
    for entry in entries::<8>(body(b"stts")) {
        let (run, duration) = (u32_be(entry, 0).unwrap_or(0), u32_be(entry, 4).unwrap_or(0));
        // Writers have stored negative steps here.
        let duration = if duration > i32::MAX as u32 { 1 } else { duration };
        let (now, after) = rest.split_at_mut((run as usize).min(rest.len()));
        for sample in now {
            (sample.decode_time, sample.time, sample.duration) = (at, at, duration);
            at = at.saturating_add(i64::from(duration));
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    for sample in rest {
        (sample.decode_time, sample.time) = (at, at);
    }
    let mut rest = samples.as_mut_slice();
    for entry in entries::<8>(body(b"ctts")) {
        let (run, offset) = (u32_be(entry, 0).unwrap_or(0), i32_be(entry, 4).unwrap_or(0));
        let (now, after) = rest.split_at_mut((run as usize).min(rest.len()));
        for sample in now {
            sample.time = sample.decode_time.saturating_add(i64::from(offset));
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    let keys = table.child(b"stss");
    if let Some(keys) = keys {
        for entry in entries::<4>(keys.body) {
            let number = u32_be(entry, 0).unwrap_or(0) as usize;
            if let Some(sample) = number.checked_sub(1).and_then(|index| samples.get_mut(index)) {
                sample.is_key = true;
            }
        }
    } else {
        samples.iter_mut().for_each(|sample| sample.is_key = true);
    }
    Ok(samples)
}

/// The entries of a table with a count after version and flags, as many as there are.
fn entries<const N: usize>(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = u32_be(body, 4).unwrap_or(0) as usize;
    body.get(8..).unwrap_or_default().chunks_exact(N).take(count)
}

/// The lengths of samples.
struct Lengths<'a> {
    uniform: u32,
    count: u32,
    /// Bits of an entry, and the entries.
    stored: (usize, &'a [u8]),
}

impl<'a> Lengths<'a> {
    fn of(table: &Box<'a>, file_length: u64) -> Self {
        if let Some(sizes) = table.child(b"stsz") {
            let uniform = u32_be(sizes.body, 4).unwrap_or(0);
            let count = u32_be(sizes.body, 8).unwrap_or(0);
            let stored = sizes.body.get(12..).unwrap_or_default();
            let backed = u32::try_from(stored.len() / 4).unwrap_or(u32::MAX);
            return Lengths {
                uniform,
                count: count.min(match file_length.checked_div(u64::from(uniform)) {
                    Some(fitting) => u32::try_from(fitting).unwrap_or(u32::MAX),
                    None => backed,
                }),
                stored: (32, stored),
            };
        }
        let sizes = table.child(b"stz2").map_or(&[][..], |found| found.body);
        let bits = usize::from(sizes.get(7).copied().unwrap_or(0));
        let stored = sizes.get(12..).unwrap_or_default();
        let is_known = matches!(bits, 4 | 8 | 16);
        let backed = if is_known { stored.len() * 8 / bits } else { 0 };
        Lengths {
            uniform: 0,
            count: u32_be(sizes, 8)
                .unwrap_or(0)
                .min(u32::try_from(backed).unwrap_or(u32::MAX)),
            stored: (bits, stored),
        }
    }

    fn is_uniform(&self) -> bool {
        self.uniform > 0
    }

    fn count(&self) -> u32 {
        self.count
    }

    fn get(&self, index: usize) -> u32 {
        if self.uniform > 0 {
            return self.uniform;
        }
        let (bits, stored) = self.stored;
        match bits {
            32 => u32_be(stored, index * 4),
            16 => u16_be(stored, index * 2).map(u32::from),
            8 => stored.get(index).map(|byte| u32::from(*byte)),
            _ => stored.get(index / 2).map(|byte| {
                u32::from(if index.is_multiple_of(2) {
                    byte >> 4
                } else {
                    byte & 15
                })
            }),
        }
        .unwrap_or(0)
    }
}

/// Samples with their places, up to the last chunk that has one.
fn places(lengths: &Lengths<'_>, chunks: &[u8], table: &Box<'_>) -> Vec<Sample> {
    let short = table.child(b"stco").map(|found| found.body);
    let long = table.child(b"co64").map(|found| found.body);
    let offsets: Vec<u64> = match (short, long) {
        (Some(body), _) => entries::<4>(body)
            .filter_map(|entry| u32_be(entry, 0).map(u64::from))
            .collect(),
        (None, Some(body)) => entries::<8>(body).filter_map(|entry| u64_be(entry, 0)).collect(),
        (None, None) => Vec::new(),
    };
    let runs: Vec<(u32, u32)> = entries::<12>(chunks)
        .filter_map(|entry| Some((u32_be(entry, 0)?, u32_be(entry, 4)?)))
        .collect();
    let total = lengths.count() as usize;
    let mut samples = Vec::new();
    let mut run = 0;
    for (chunk, &offset) in (1u32..).zip(&offsets) {
        while runs.get(run + 1).is_some_and(|next| next.0 <= chunk) {
            run += 1;
        }
        let Some(&(_, in_chunk)) = runs.get(run) else {
            break;
        };
        let mut at = offset;
        for _ in 0..in_chunk {
            if samples.len() == total {
                return samples;
            }
            let length = lengths.get(samples.len());
            samples.push(Sample {
                at,
                length,
                time: 0,
                decode_time: 0,
                duration: 0,
                is_key: false,
                is_shown: true,
            });
            at = at.saturating_add(u64::from(length));
        }
    }
    samples
}

/// Gives a track the samples that lie within a file. Says whether others do not.
pub(super) fn keep_within(mut samples: Vec<Sample>, length: u64, track: &mut Track) -> bool {
    let before = samples.len();
    samples.retain(|sample| sample.at.saturating_add(u64::from(sample.length)) <= length);
    let is_cut = samples.len() < before;
    track.samples = samples;
    is_cut
}
