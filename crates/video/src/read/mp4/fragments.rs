//! Movie fragments.

use gristmill_core::{Fault, Limits};

use super::boxes::Box;
use crate::{
    film::{Sample, Track},
    read::{
        check_samples,
        fields::{i32_be, u32_be, u64_be},
    },
};

/// What holds for the samples of a track unless a fragment says otherwise.
#[derive(Debug, Clone, Copy, Default)]
struct Defaults {
    track: u32,
    duration: u32,
    length: u32,
    flags: u32,
}

/// Adds the samples of all fragments to their tracks. Says whether the file ends before them.
pub(super) fn read(
    fragments: &[Box<'_>],
    file_end: u64,
    movie: &Box<'_>,
    tracks: &mut [Track],
    limits: &Limits,
    count: &mut u64,
) -> Result<bool, Fault> {
    let all: Vec<Defaults> = movie
        .child(b"mvex")
        .map(|extends| {
            let defaults = extends.children(0).filter(|found| &found.kind == b"trex");
            defaults
                .filter_map(|found| {
                    Some(Defaults {
                        track: u32_be(found.body, 4)?,
                        duration: u32_be(found.body, 12)?,
                        length: u32_be(found.body, 16)?,
                        flags: u32_be(found.body, 20)?,
                    })
                })
                .collect()
        })
        .unwrap_or_default();
    let mut is_cut = false;
    for fragment in fragments {
        is_cut |= fragment.is_cut;
        let mut data_end = fragment.at as u64;
        for found in fragment.children(0).filter(|found| &found.kind == b"traf") {
            let Some(header) = found.child(b"tfhd") else {
                continue;
            };
            let Some(number) = u32_be(header.body, 4) else {
                continue;
            };
            let defaults = all.iter().find(|defaults| defaults.track == number);
            let head = Head::read(&header, defaults.copied().unwrap_or_default());
            // Writers number the only track wrongly.
            let is_only = tracks.len() == 1;
            let Some(track) = tracks.iter_mut().find(|track| track.number == number || is_only) else {
                continue;
            };
            let base = head.base.unwrap_or(if head.is_from_fragment {
                fragment.at as u64
            } else {
                data_end
            });
            data_end = run_all(&found, &head, (base, file_end), track, limits, count)?;
            let before = track.samples.len();
            track
                .samples
                .retain(|sample| sample.at.saturating_add(u64::from(sample.length)) <= file_end);
            is_cut |= track.samples.len() < before;
        }
    }
    Ok(is_cut)
}

/// The header of a track's part of a fragment.
struct Head {
    base: Option<u64>,
    is_from_fragment: bool,
    defaults: Defaults,
}

impl Head {
    fn read(header: &Box<'_>, mut defaults: Defaults) -> Head {
        let flags = header.flags();
        let mut at = 8;
        let mut number = |flag: u32, size: usize| {
            (flags & flag != 0).then(|| {
                at += size;
                at - size
            })
        };
        let base = number(1, 8).and_then(|at| u64_be(header.body, at));
        number(2, 4);
        for (flag, value) in [
            (8, &mut defaults.duration),
            (0x10, &mut defaults.length),
            (0x20, &mut defaults.flags),
        ] {
            if let Some(found) = number(flag, 4).and_then(|at| u32_be(header.body, at)) {
                *value = found;
            }
        }
        Head {
            base,
            is_from_fragment: flags & 0x2_0000 != 0,
            defaults,
        }
    }
}

/// Adds the samples of a track's part of a fragment; gives where its data ends.
fn run_all(
    part: &Box<'_>,
    head: &Head,
    (base, file_end): (u64, u64),
    track: &mut Track,
    limits: &Limits,
    count: &mut u64,
) -> Result<u64, Fault> {
    let stated = part.child(b"tfdt").and_then(|time| {
        if time.version() == 1 {
            u64_be(time.body, 4)
        } else {
            u32_be(time.body, 4).map(u64::from)
        }
    });
    let last = track.samples.last();
    let mut time = stated.map_or_else(
        || {
            last.map_or(0, |last| {
                last.decode_time.saturating_add(i64::from(last.duration))
            })
        },
        |ticks| i64::try_from(ticks).unwrap_or(i64::MAX),
    );
    let mut data = base;
    for run in part.children(0).filter(|found| &found.kind == b"trun") {
        let flags = run.flags();
        let mut at = 8;
        if flags & 1 != 0 {
            data = base.saturating_add_signed(i64::from(i32_be(run.body, at).unwrap_or(0)));
            at += 4;
        }
        let first_flags = (flags & 4 != 0).then(|| {
            at += 4;
            u32_be(run.body, at - 4).unwrap_or(0)
        });
        let fields = (
            flags & 0x100 != 0,
            flags & 0x200 != 0,
            flags & 0x400 != 0,
            flags & 0x800 != 0,
        );
        let size = 4 * [fields.0, fields.1, fields.2, fields.3]
            .iter()
            .filter(|is_there| **is_there)
            .count();
        let said = u32_be(run.body, 4).unwrap_or(0);
        let entries = run.body.get(at..).unwrap_or_default();
        // Without fields of their own samples are alike: no more than fit in the file.
        let fitting = file_end / u64::from(head.defaults.length.max(1));
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        let backed = entries.len().checked_div(size).unwrap_or(fitting);
        let samples = (said as usize).min(backed);
        *count += samples as u64;
        check_samples(*count, limits)?;
        for index in 0..samples {
            let mut at = index * size;
            let mut field = |is_there: bool| {
                is_there.then(|| {
                    at += 4;
                    u32_be(entries, at - 4).unwrap_or(0)
                })
            };
            let duration = field(fields.0).unwrap_or(head.defaults.duration);
            let length = field(fields.1).unwrap_or(head.defaults.length);
            let own_flags = field(fields.2);
            let offset = field(fields.3).unwrap_or(0) as i32;
            let flags = match first_flags {
                Some(flags) if index == 0 => flags,
                _ => own_flags.unwrap_or(head.defaults.flags),
            };
            track.samples.push(Sample {
                at: data,
                length,
                time: time.saturating_add(i64::from(offset)),
                decode_time: time,
                duration,
                // Neither a sample that is none, nor one that depends on others.
                is_key: flags & 0x1_0000 == 0 && flags & 0x100_0000 == 0,
                is_shown: true,
            });
            data = data.saturating_add(u64::from(length));
            time = time.saturating_add(i64::from(duration));
        }
    }
    Ok(data)
}
