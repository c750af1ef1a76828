//! ISO base media: MP4, M4A, MOV, 3GP, whole or in fragments.
//!
//! The sound track that is marked as enabled is read, else the first. Its packets come from the sample tables of `moov`, and
//! from the fragments (`moof`) that follow. What an edit list leaves out at the start and at the end is not heard; empty
//! edits, which only delay a track, are passed over. Packets beyond the end of the file are missing.
//!
//! Source: ISO 14496-12, 14496-14; Apple, "QuickTime File Format"; the Opus, FLAC and ALAC mappings; Nero's `chpl`.

mod boxes;
mod entry;
mod fragments;
mod metadata;
mod samples;

use gristmill_core::Fault;

use super::{Opened, Packet, Packets, Track};
use crate::{Codec, Container, cursor::Cursor, tag::Tags};

use boxes::{Boxes, find, full};
pub(super) use entry::alac;
use fragments::Fragments;
use samples::Samples;

/// Opens a file.
pub(crate) fn open(bytes: &[u8]) -> Result<Opened<'_>, Fault> {
    let top = || Boxes::new(bytes);
    let Some(movie) = top().find(|found| &found.kind == b"moov") else {
        let is_cut = top().any(|found| found.is_cut) || top().any(|found| &found.kind == b"mdat");
        return Err(match is_cut {
            true => Fault::truncated("no moov box: sound cannot be found"),
            false => Fault::malformed("no moov box"),
        });
    };
    let scale = find(movie.body, b"mvhd").and_then(movie_scale).unwrap_or(1000);
    let mut found = None;
    let mut problem = None;
    for track in Boxes::new(movie.body).filter(|found| &found.kind == b"trak") {
        match SoundTrack::read(track.body) {
            None => {}
            Some(Err(fault)) => problem = problem.or(Some(fault)),
            Some(Ok(sound)) => {
                let is_better = found
                    .as_ref()
                    .is_none_or(|before: &SoundTrack<'_>| !before.is_enabled && sound.is_enabled);
                if is_better {
                    found = Some(sound);
                }
            }
        }
    }
    let Some(sound) = found else {
        return Err(problem.unwrap_or_else(|| Fault::malformed("no track of sound")));
    };
    let mut tags = metadata::read(movie.body);
    metadata::chapters(bytes, movie.body, sound.body, &mut tags);
    let mut track = sound.track;
    trim(&mut track, &sound.edits, sound.scale, scale, &tags);
    tags.fields.remove(metadata::PRIMING);
    let samples = Samples::new(bytes, sound.table, &track);
    if track.codec == Codec::Vorbis {
        track.seconds = Some(sound.duration as f64 / f64::from(sound.scale.max(1)));
    }
    let fragments = Fragments::new(bytes, movie.body, sound.id);
    let is_cut = top()
        .last()
        .is_some_and(|last| last.is_cut && &last.kind != b"mdat");
    Ok(Opened {
        container: Container::Mp4,
        track,
        packets: Box::new(Sound {
            samples,
            fragments,
            is_cut,
        }),
        tags,
    })
}

fn movie_scale(body: &[u8]) -> Option<u32> {
    let (version, _, mut cursor) = full(body)?;
    cursor.skip(if version == 1 { 16 } else { 8 })?;
    cursor.u32_be().filter(|scale| *scale > 0)
}

/// A track of sound.
struct SoundTrack<'a> {
    id: u32,
    is_enabled: bool,
    body: &'a [u8],
    track: Track,
    /// Units of a second of its times.
    scale: u32,
    duration: u64,
    /// Duration in the movie's units and start in the track's, as edits tell them.
    edits: Vec<(u64, i64)>,
    table: &'a [u8],
}

impl<'a> SoundTrack<'a> {
    /// Reads a track; none where it is not one of sound.
    fn read(body: &'a [u8]) -> Option<Result<SoundTrack<'a>, Fault>> {
        let media = find(body, b"mdia")?;
        let handler = find(media, b"hdlr")?;
        if handler.get(8..12)? != b"soun" {
            return None;
        }
        let (version, flags, mut cursor) = full(find(body, b"tkhd")?)?;
        cursor.skip(if version == 1 { 16 } else { 8 })?;
        let id = cursor.u32_be()?;
        let (version, _, mut cursor) = full(find(media, b"mdhd")?)?;
        cursor.skip(if version == 1 { 16 } else { 8 })?;
        let scale = cursor.u32_be()?;
        let duration = if version == 1 {
            cursor.u64_be()?
        } else {
            u64::from(cursor.u32_be()?)
        };
        let table = find(find(media, b"minf")?, b"stbl")?;
        let entry = find(table, b"stsd")?.get(8..)?;
        let track = match entry::read(entry) {
            Ok(track) => track,
            Err(fault) => return Some(Err(fault)),
        };
        let edits = find(body, b"edts").and_then(|edits| find(edits, b"elst"));
        Some(Ok(SoundTrack {
            id,
            is_enabled: flags & 1 != 0,
            body,
            track,
            scale,
            duration,
            edits: edits.map(read_edits).unwrap_or_default(),
            table,
        }))
    }
}

/// Most edits that are looked at.
const EDITS: usize = 1000;

fn read_edits(body: &[u8]) -> Vec<(u64, i64)> {
    let mut edits = Vec::new();
    let Some((version, _, mut cursor)) = full(body) else {
        return edits;
    };
    let count = cursor.u32_be().unwrap_or(0);
    let edit = |cursor: &mut Cursor<'_>| {
        let edit = if version == 1 {
            (cursor.u64_be()?, cursor.u64_be()? as i64)
        } else {
            (u64::from(cursor.u32_be()?), i64::from(cursor.u32_be()? as i32))
        };
        cursor.skip(4)?;
        Some(edit)
    };
    for _ in 0..count.min(EDITS as u32) {
        let Some(edit) = edit(&mut cursor) else { break };
        edits.push(edit);
    }
    edits
}

/// Sets what of the track is heard, by its one edit that is not empty, else by what iTunes tells.
fn trim(track: &mut Track, edits: &[(u64, i64)], scale: u32, movie_scale: u32, tags: &Tags<'_>) {
    let rate = f64::from(track.rate);
    let mut heard = edits.iter().filter(|(_, start)| *start >= 0);
    match (heard.next(), heard.next()) {
        (Some(&(duration, start)), None) => {
            let start_s = start as f64 / f64::from(scale.max(1));
            // Opus says in its own header what is not heard; the edit says it again.
            track.skip = (start_s * rate).round() as u64;
            if duration > 0 {
                // Durations are rounded to the movie's units.
                let slack = rate / f64::from(movie_scale.max(1));
                let frames = duration as f64 / f64::from(movie_scale.max(1)) * rate + slack.min(rate / 100.0);
                track.frames = Some(frames.ceil() as u64);
            }
        }
        (None, _) => {
            let told = tags.fields.get(metadata::PRIMING).and_then(|text| priming(text));
            if let Some((before, frames)) = told {
                track.skip = before;
                track.frames = Some(frames);
            }
        }
        _ => {}
    }
}

/// Frames before the sound, and of it, of ` 00000000 00000840 000001C0 0000000000002A00 …`.
fn priming(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text
        .split_whitespace()
        .skip(1)
        .map(|number| u64::from_str_radix(number, 16));
    let before = numbers.next()?.ok()?;
    let _after = numbers.next()?.ok()?;
    let frames = numbers.next()?.ok()?;
    (frames > 0).then_some((before, frames))
}

/// The packets of a track: those of its tables, then those of fragments.
struct Sound<'a> {
    samples: Samples<'a>,
    fragments: Fragments<'a>,
    is_cut: bool,
}

impl<'a> Packets<'a> for Sound<'a> {
    fn next(&mut self) -> Option<Packet<'a>> {
        let data = self.samples.next().or_else(|| self.fragments.next())?;
        Some(Packet::of(data))
    }

    fn is_broken(&self) -> bool {
        self.is_cut || self.samples.is_broken || self.fragments.is_broken
    }
}
