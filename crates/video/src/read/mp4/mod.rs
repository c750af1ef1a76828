//! ISO base media files: MP4, M4V, 3GP, QuickTime, and fragments of them.
//!
//! Sample tables and fragments (`moof`) are both read, in files that have either or both. A composition offset is taken as a
//! signed number whatever the version of its box says, as writers do. An edit list shifts and hides samples: each edit
//! shows the samples whose presentation begins within it, an empty one is a pause before the next; edits of another rate are taken
//! as of rate 1. Media segments without a `moov` have no codec and are refused.
//!
//! Sources: ISO/IEC 14496-12; QuickTime File Format Specification.

mod boxes;
mod entry;
mod fragments;
mod table;
mod tags;

pub(crate) use boxes::FourCc;

use std::ops::Range;

use boxes::{Box, boxes};
use gristmill_core::{Fault, Limits};

use crate::{
    film::{Container, Film, Kind, TickLength, Track},
    read::{
        check_samples,
        fields::{i32_be, u16_be, u32_be, u64_be},
    },
};

/// Kinds that a file may begin with.
const FIRST: [&FourCc; 12] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"pnot", b"emsg",
    b"uuid",
];

/// Most tracks and fragments that are looked at.
const TRACKS_MAX: usize = 256;
const FRAGMENTS_MAX: usize = 1 << 20;

/// Whether a file begins like one of these.
pub(crate) fn begins(file: &[u8]) -> bool {
    file.get(4..8)
        .is_some_and(|kind| FIRST.iter().any(|first| *first == kind))
}

/// Whether a file without a brand is of QuickTime: what came before ISO base media had brands.
pub(crate) fn is_quicktime(file: &[u8]) -> bool {
    !boxes(file, 0).any(|found| matches!(&found.kind, b"ftyp" | b"styp" | b"moof"))
}

/// Where samples lie: the insides of the `mdat` boxes.
pub(crate) fn media(file: &[u8]) -> Vec<Range<usize>> {
    boxes(file, 0)
        .filter(|found| &found.kind == b"mdat")
        .map(|found| found.body_at..found.body_at + found.body.len())
        .collect()
}

/// Reads a file.
pub(crate) fn read<'a>(container: Container, file: &'a [u8], limits: &Limits) -> Result<Film<'a>, Fault> {
    let mut film = Film::new(container, file);
    let mut movie = None;
    let mut fragments = Vec::new();
    let (mut end, mut is_cut) = (0, false);
    for found in boxes(file, 0) {
        (end, is_cut) = (found.body_at + found.body.len(), found.is_cut);
        match &found.kind {
            b"moov" if movie.is_none() => movie = Some(found),
            b"moof" if fragments.len() < FRAGMENTS_MAX => fragments.push(found),
            _ => {}
        }
    }
    let Some(movie) = movie else {
        return Err(if is_cut {
            Fault::truncated("file ends before its moov box")
        } else if !fragments.is_empty() {
            Fault::unsupported("media segment without its initialization segment")
        } else {
            Fault::malformed("no moov box")
        });
    };
    let movie = &movie;
    film.is_truncated = movie.is_cut;
    let movie_scale = movie_header(movie, &mut film);
    if let Some(extends) = movie.child(b"mvex")
        && let Some(header) = extends.child(b"mehd")
    {
        let ticks = if header.version() == 1 {
            u64_be(header.body, 4)
        } else {
            u32_be(header.body, 4).map(u64::from)
        };
        if let Some(ticks) = ticks.filter(|ticks| *ticks > 0 && *ticks < u64::from(u32::MAX)) {
            film.stated_duration = Some(ticks as f64 / f64::from(movie_scale));
        }
    }
    let mut count = 0;
    let mut edits = Vec::new();
    let tracks = movie.children(0).filter(|found| &found.kind == b"trak");
    for found in tracks.take(TRACKS_MAX) {
        if let Some((mut track, edit)) = track(&found, movie_scale) {
            if matches!(track.kind, Kind::Video | Kind::Audio | Kind::Subtitle) {
                let samples = table::read(&found, file.len() as u64, limits, &mut count)?;
                film.is_truncated |= table::keep_within(samples, file.len() as u64, &mut track);
            }
            film.tracks.push(track);
            edits.push(edit);
        }
    }
    if film.tracks.is_empty() {
        return Err(Fault::malformed("moov box without a track"));
    }
    if !fragments.is_empty() {
        film.is_truncated |= fragments::read(
            &fragments,
            end as u64,
            movie,
            &mut film.tracks,
            limits,
            &mut count,
        )?;
    }
    check_samples(count, limits)?;
    for (track, edits) in film.tracks.iter_mut().zip(&edits) {
        apply_edits(track, edits, movie_scale);
    }
    film.tags = tags::read(movie);
    Ok(film)
}

/// The time scale of the movie; its duration goes into the film.
fn movie_header(movie: &Box<'_>, film: &mut Film<'_>) -> u32 {
    let Some(header) = movie.child(b"mvhd") else {
        return 1000;
    };
    let (scale, duration) = if header.version() == 1 {
        (u32_be(header.body, 20), u64_be(header.body, 24))
    } else {
        (u32_be(header.body, 12), u32_be(header.body, 16).map(u64::from))
    };
    let scale = scale.filter(|scale| *scale > 0).unwrap_or(1000);
    let is_known = |ticks: &u64| *ticks > 0 && *ticks != u64::from(u32::MAX) && *ticks < u64::MAX >> 1;
    if let Some(ticks) = duration.filter(is_known) {
        film.stated_duration = Some(ticks as f64 / f64::from(scale));
    }
    scale
}

/// An edit: how long it is in ticks of the movie, and which time of the track it begins with; none for a pause.
#[derive(Debug, Clone, Copy)]
struct Edit {
    length: u64,
    from: Option<i64>,
}

/// Most edits that are looked at.
const EDITS_MAX: usize = 4096;

fn track(found: &Box<'_>, movie_scale: u32) -> Option<(Track, Vec<Edit>)> {
    let header = found.child(b"tkhd")?;
    let is_long = header.version() == 1;
    let number = u32_be(header.body, if is_long { 20 } else { 12 })?;
    let matrix = if is_long { 52 } else { 40 };
    let media = found.child(b"mdia")?;
    let media_header = media.child(b"mdhd")?;
    let is_long = media_header.version() == 1;
    let scale = u32_be(media_header.body, if is_long { 20 } else { 12 })?;
    let ticks = if is_long {
        u64_be(media_header.body, 24)?
    } else {
        u64::from(u32_be(media_header.body, 16)?)
    };
    let language = u16_be(media_header.body, if is_long { 32 } else { 20 }).and_then(language);
    let handler: FourCc = media
        .child(b"hdlr")
        .and_then(|handler| handler.body.get(8..12)?.try_into().ok())
        .unwrap_or_default();
    let kind = match &handler {
        b"vide" => Kind::Video,
        b"soun" => Kind::Audio,
        b"subt" | b"sbtl" | b"text" | b"clcp" => Kind::Subtitle,
        _ => Kind::Data,
    };
    let mut track = entry::read(&media, kind, number);
    track.language = language;
    // A scale of 0 is as good as any: the file has no times then.
    track.tick = TickLength::new(1, scale).unwrap_or(TickLength::MILLISECONDS);
    if ticks > 0 && ticks < u64::from(u32::MAX) {
        track.stated_duration = Some(ticks as f64 / f64::from(scale.max(1)));
    }
    if kind == Kind::Video {
        track.video.rotation = rotation(header.body, matrix);
        if track.video.width == 0 {
            let side = |at: usize| u32_be(header.body, at).map_or(0, |side| side >> 16);
            (track.video.width, track.video.height) = (side(matrix + 36), side(matrix + 40));
        }
    }
    let _ = movie_scale;
    Some((track, edits(found)))
}

/// A language of three letters, packed.
fn language(packed: u16) -> Option<String> {
    let letter = |shift: u16| (packed >> shift & 31) as u8 + 0x60;
    let letters = [letter(10), letter(5), letter(0)];
    let is_word = letters.iter().all(u8::is_ascii_lowercase) && letters != *b"und";
    is_word.then(|| letters.map(char::from).iter().collect())
}

/// By how many degrees clockwise the matrix of a track turns it, to the nearest quarter.
fn rotation(header: &[u8], matrix: usize) -> u16 {
    let entry = |index: usize| i32_be(header, matrix + 4 * index).map_or(0.0, f64::from);
    let (a, b, c, d) = (entry(0), entry(1), entry(3), entry(4));
    if a == 0.0 && b == 0.0 && c == 0.0 && d == 0.0 {
        return 0;
    }
    let quarter = (b.atan2(a).to_degrees() / 90.0).round() as i32;
    (quarter.rem_euclid(4) * 90) as u16
}

fn edits(track: &Box<'_>) -> Vec<Edit> {
    let Some(list) = track.descendant(&[b"edts", b"elst"]) else {
        return Vec::new();
    };
    let is_long = list.version() == 1;
    let size = if is_long { 20 } else { 12 };
    let count = u32_be(list.body, 4).unwrap_or(0) as usize;
    let entries = list.body.get(8..).unwrap_or_default().chunks_exact(size);
    let edits = entries.take(count.min(EDITS_MAX)).filter_map(|entry| {
        let (length, from) = if is_long {
            (u64_be(entry, 0)?, u64_be(entry, 8)? as i64)
        } else {
            (u64::from(u32_be(entry, 0)?), i64::from(i32_be(entry, 4)?))
        };
        Some(Edit {
            length,
            from: (from >= 0).then_some(from),
        })
    });
    edits.collect()
}

/// Moves samples to where edits show them, and hides those that none shows.
fn apply_edits(track: &mut Track, edits: &[Edit], movie_scale: u32) {
    let scale = track.tick.denominator;
    let in_track = |ticks: u64| {
        let ticks = u128::from(ticks) * u128::from(scale) / u128::from(movie_scale);
        i64::try_from(ticks).unwrap_or(i64::MAX)
    };
    if edits.iter().all(|edit| edit.from.is_none()) {
        let pause = edits
            .iter()
            .map(|edit| in_track(edit.length))
            .fold(0, i64::saturating_add);
        shift(track, pause);
        return;
    }
    let mut start = 0i64;
    let first = edits.iter().position(|edit| edit.from.is_some());
    let mut placed: Vec<Option<i64>> = vec![None; track.samples.len()];
    let mut decode_shift = None;
    let mut work = 0usize;
    for (index, edit) in edits.iter().enumerate() {
        let length = in_track(edit.length);
        let Some(from) = edit.from else {
            start = start.saturating_add(length);
            continue;
        };
        let by = start.saturating_sub(from);
        decode_shift = decode_shift.or(Some(by));
        // A length of 0 stands for the rest: writers of fragments do not know it yet.
        let is_open = edit.length == 0;
        let end = if is_open {
            i64::MAX
        } else {
            from.saturating_add(length)
        };
        work += track.samples.len();
        if work > 64 * track.samples.len().max(1 << 16) {
            break;
        }
        for (sample, place) in track.samples.iter().zip(&mut placed) {
            let after = sample.time.saturating_add(i64::from(sample.duration));
            // A picture that begins before the edit and lasts into it is not shown, but for the first edit of sound.
            let is_within = sample.time >= from && sample.time < end
                || (track.kind == Kind::Audio && Some(index) == first && after > from && sample.time < end);
            if is_within && place.is_none() {
                *place = Some(sample.time.saturating_add(by));
            }
        }
        start = start.saturating_add(length);
    }
    let decode_shift = decode_shift.unwrap_or(0);
    for (sample, place) in track.samples.iter_mut().zip(placed) {
        sample.is_shown = place.is_some();
        sample.time = place.unwrap_or(sample.time.saturating_add(decode_shift));
        sample.decode_time = sample.decode_time.saturating_add(decode_shift);
    }
    // An edit may start within a frame, which is hidden. The first one that is shown starts with the edit then, as by FFmpeg.
    let pauses = edits.iter().take(first.unwrap_or(0));
    let start = pauses
        .map(|edit| in_track(edit.length))
        .fold(0, i64::saturating_add);
    let shown = track.samples.iter().filter(|sample| sample.is_shown);
    if let Some(earliest) = shown.map(|sample| sample.time).min()
        && earliest > start
        && track.kind == Kind::Video
    {
        shift(track, start - earliest);
    }
}

fn shift(track: &mut Track, by: i64) {
    if by == 0 {
        return;
    }
    for sample in &mut track.samples {
        sample.time = sample.time.saturating_add(by);
        sample.decode_time = sample.decode_time.saturating_add(by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_turn_by_quarters() {
        let check = |a: i32, b: i32, c: i32, d: i32, expected: u16| {
            let matrix = [a, b, 0, c, d, 0]
                .map(|value| (value * 65536).to_be_bytes())
                .concat();
            assert_eq!(rotation(&matrix, 0), expected);
        };
        check(1, 0, 0, 1, 0);
        check(0, 1, -1, 0, 90);
        check(-1, 0, 0, -1, 180);
        check(0, -1, 1, 0, 270);
        check(0, 0, 0, 0, 0);
    }

    #[test]
    fn languages_are_words() {
        assert_eq!(language(0x15c7).as_deref(), Some("eng"));
        assert_eq!(language(0x55c4), None);
        assert_eq!(language(0), None);
    }
}
