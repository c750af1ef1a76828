//! An MP4 of pieces of tracks: samples are copied, times start at 0, edit lists hide what precedes and follows a piece.
//!
//! The header precedes the samples. Decoding times are made anew from the order of presentation, so that containers without them
//! will do.
//!
//! A piece may start within a frame of sound; readers leave out as many samples of it. Of Vorbis FFmpeg leaves out whole frames
//! (`mov_fix_index` of libavformat) and plays the next one at once, up to 23 ms early. Its edit list therefore starts at a frame,
//! behind a pause of what is missing.

use gristmill_core::Fault;

use super::{
    entry::{self, Body, boxed},
    sound::{self, Frame, Sound},
};
use crate::{
    film::{Film, Kind, Track},
    header::bits::units,
};

/// Ticks a second of the movie.
const MOVIE_SCALE: u64 = 90_000;
/// Most ticks a second of a track: times in nanoseconds are rounded to microseconds.
const SCALE_MAX: u32 = 50_000_000;
/// Fewest.
const SCALE_MIN: u32 = 10_000;

/// A piece of a track.
pub(crate) struct Piece<'a> {
    pub(crate) track: &'a Track,
    /// Places of its samples, in the order of decoding. The first one is a key frame.
    pub(crate) places: Vec<usize>,
    /// When it is shown, in seconds of the track.
    pub(crate) from_s: f64,
    pub(crate) to_s: f64,
}

/// A track as it is written.
struct Written {
    scale: u32,
    kind: Kind,
    header: Vec<u8>,
    entry: Vec<u8>,
    samples: Vec<Vec<u8>>,
    /// Bytes of a sample where all have as many, and stand in rows.
    grain: Option<u32>,
    /// Decoding steps, offsets of presentation, key frames.
    steps: Vec<u32>,
    offsets: Vec<u32>,
    keys: Vec<u32>,
    /// Where in the media the piece starts, and how long it is shown in ticks of the movie, after a pause.
    start: u64,
    length: u64,
    pause: u64,
}

/// Writes pieces, the first of which has to have samples.
///
/// # Errors
/// `unsupported` for codecs that have no place in MP4; `limit` for more than 4 GiB.
pub(crate) fn write(film: &Film<'_>, pieces: &[Piece<'_>]) -> Result<Vec<u8>, Fault> {
    let mut tracks = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let written = track(film, piece);
        match written {
            Ok(written) => tracks.push(written),
            Err(fault) if number == 0 => return Err(fault),
            // A sound that has no place in MP4 is left out.
            Err(_) => {}
        }
    }
    let bytes: u64 = tracks
        .iter()
        .flat_map(|track| &track.samples)
        .map(|sample| sample.len() as u64)
        .sum();
    if bytes > u64::from(u32::MAX) - (64 << 20) {
        return Err(Fault::limit(format!("clip of {bytes} bytes exceeds 4 GiB")));
    }
    let file_type = boxed(b"ftyp", &[b"isom", &[0, 0, 2, 0], b"isomiso2mp41"]);
    // Offsets do not change the length of the header.
    let length = movie(&tracks, 0).len();
    let header = movie(&tracks, (file_type.len() + length + 8) as u64);
    let mut out = Vec::with_capacity(file_type.len() + header.len() + 8 + bytes as usize);
    out.extend_from_slice(&file_type);
    out.extend_from_slice(&header);
    out.extend_from_slice(&(bytes as u32 + 8).to_be_bytes());
    out.extend_from_slice(b"mdat");
    for sample in tracks.iter().flat_map(|track| &track.samples) {
        out.extend_from_slice(sample);
    }
    Ok(out)
}

fn track(film: &Film<'_>, piece: &Piece<'_>) -> Result<Written, Fault> {
    let source = piece.track;
    if source.kind == Kind::Audio {
        let sound = sound::of(film, source, &piece.places)?;
        let keys = vec![true; sound.frames.len()];
        return laid(piece, sound, &keys);
    }
    let samples: Vec<_> = piece.places.iter().map(|&at| &source.samples[at]).collect();
    let Some(first) = samples.first() else {
        return Err(Fault::malformed("clip without a sample"));
    };
    let (entry, body) = entry::of(source, &film.bytes(source, first))?;
    let frames = samples.iter().map(|sample| Frame {
        bytes: match body {
            Body::Same => film.bytes(source, sample).into_owned(),
            Body::Prefixed => prefixed(&film.bytes(source, sample)),
        },
        time: sample.time,
        duration: sample.duration,
    });
    let pictures = Sound {
        entry,
        tick: source.tick,
        frames: frames.collect(),
        grain: None,
    };
    let keys: Vec<bool> = samples.iter().map(|sample| sample.is_key).collect();
    laid(piece, pictures, &keys)
}

/// A track of frames, with times of decoding made anew.
fn laid(piece: &Piece<'_>, stream: Sound, keys: &[bool]) -> Result<Written, Fault> {
    let (tick, frames) = (stream.tick, stream.frames);
    // Ticks of the source in ticks of the new track.
    let (scale, times, divisor) = if tick.denominator <= SCALE_MAX {
        // Where a clip starts between two frames has to be told too.
        let finer = SCALE_MIN.div_ceil(tick.denominator);
        (
            tick.denominator * finer,
            i64::from(tick.numerator) * i64::from(finer),
            1,
        )
    } else {
        (
            1_000_000,
            i64::from(tick.numerator) * 1_000_000,
            i64::from(tick.denominator),
        )
    };
    let convert = |ticks: i64| {
        let wide = i128::from(ticks) * i128::from(times);
        let rounded = (wide + i128::from(divisor / 2)).div_euclid(i128::from(divisor));
        i64::try_from(rounded).unwrap_or(i64::MAX)
    };
    let shown: Vec<i64> = frames.iter().map(|frame| convert(frame.time)).collect();
    let mut decoded = shown.clone();
    decoded.sort_unstable();
    let Some(&earliest) = decoded.first() else {
        return Err(Fault::malformed("clip without a sample"));
    };
    let lag = decoded
        .iter()
        .zip(&shown)
        .map(|(decode, show)| decode - show)
        .max()
        .unwrap_or(0);
    let base = earliest - lag;
    let narrow = |value: i64| u32::try_from(value).map_err(|_| Fault::malformed("clip with a gap of days"));
    let mut steps: Vec<u32> = decoded
        .windows(2)
        .map(|pair| narrow(pair[1] - pair[0]))
        .collect::<Result<_, _>>()?;
    let last = frames
        .last()
        .map_or(0, |frame| convert(i64::from(frame.duration)));
    steps.push(narrow(last.max(0))?);
    let offsets = shown
        .iter()
        .zip(&decoded)
        .map(|(show, decode)| narrow(show - decode + lag))
        .collect::<Result<_, _>>()?;
    let from = (piece.from_s * f64::from(scale)).round() as i64;
    let begins = match piece.track.codec.as_ref() {
        "vorbis" => shown.iter().copied().filter(|&time| time >= from).min(),
        _ => None,
    };
    let begins = begins.unwrap_or(from);
    let movie = |seconds: f64| (seconds.max(0.0) * MOVIE_SCALE as f64).round() as u64;
    let pause = movie((begins - from) as f64 / f64::from(scale));
    let mut written = Written {
        scale,
        kind: piece.track.kind,
        header: track_header(piece.track),
        entry: stream.entry,
        samples: frames.into_iter().map(|frame| frame.bytes).collect(),
        grain: stream.grain,
        steps,
        offsets,
        keys: (1u32..)
            .zip(keys)
            .filter(|(_, is_key)| **is_key)
            .map(|(at, _)| at)
            .collect(),
        start: u64::try_from(begins - base).unwrap_or(0),
        length: movie(piece.to_s - piece.from_s).saturating_sub(pause),
        pause,
    };
    if let Some(grain) = written.grain {
        // Each sample lasts a tick of the source.
        let count: usize = written
            .samples
            .iter()
            .map(|frame| frame.len() / grain as usize)
            .sum();
        written.steps = vec![convert(1) as u32; count];
        written.offsets = Vec::new();
        written.keys = Vec::new();
    }
    Ok(written)
}

/// A sample of a byte stream with lengths of four bytes instead of start codes.
fn prefixed(sample: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sample.len() + 16);
    for (_, unit) in units(sample) {
        out.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        out.extend_from_slice(unit);
    }
    out
}

/// The matrix and size of a track, at the end of its header.
fn track_header(track: &Track) -> Vec<u8> {
    let one = 0x1_0000i32;
    let (a, b, c, d) = match track.video.rotation {
        90 => (0, one, -one, 0),
        180 => (-one, 0, 0, -one),
        270 => (0, -one, one, 0),
        _ => (one, 0, 0, one),
    };
    let matrix = [a, b, 0, c, d, 0, 0, 0, 0x4000_0000]
        .map(i32::to_be_bytes)
        .concat();
    let size = [track.video.width << 16, track.video.height << 16]
        .map(u32::to_be_bytes)
        .concat();
    [matrix, size].concat()
}

fn movie(tracks: &[Written], data: u64) -> Vec<u8> {
    let length = tracks
        .iter()
        .map(|track| track.pause + track.length)
        .max()
        .unwrap_or(0);
    let header = full(
        b"mvhd",
        1,
        0,
        &[
            &[0; 16],
            &(MOVIE_SCALE as u32).to_be_bytes(),
            &length.to_be_bytes(),
            &[0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &UPRIGHT.map(u32::to_be_bytes).concat(),
            &[0; 24],
            &(tracks.len() as u32 + 1).to_be_bytes(),
        ],
    );
    let mut parts = vec![header];
    let mut at = data;
    for (number, track) in (1u32..).zip(tracks) {
        parts.push(track_box(number, track, at));
        at += track
            .samples
            .iter()
            .map(|sample| sample.len() as u64)
            .sum::<u64>();
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    boxed(b"moov", &parts)
}

const UPRIGHT: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

fn track_box(number: u32, track: &Written, at: u64) -> Vec<u8> {
    let is_sound = track.kind == Kind::Audio;
    let volume: [u8; 2] = if is_sound { [1, 0] } else { [0, 0] };
    let header = full(
        b"tkhd",
        1,
        3,
        &[
            &[0; 16],
            &number.to_be_bytes(),
            &[0; 4],
            &(track.pause + track.length).to_be_bytes(),
            &[0; 8],
            &[0, 0, 0, 0],
            &volume,
            &[0, 0],
            &track.header,
        ],
    );
    let edit = |length: u64, start: i64| {
        [
            length.to_be_bytes().as_slice(),
            &start.to_be_bytes(),
            &[0, 1, 0, 0],
        ]
        .concat()
    };
    let start = i64::try_from(track.start).unwrap_or(i64::MAX);
    let mut edits = vec![edit(track.length, start)];
    if track.pause > 0 {
        edits.insert(0, edit(track.pause, -1));
    }
    let count = (edits.len() as u32).to_be_bytes();
    let edit = full(b"elst", 1, 0, &[&count, &edits.concat()]);
    let media_length: u64 = track.steps.iter().map(|step| u64::from(*step)).sum();
    let media_header = full(
        b"mdhd",
        1,
        0,
        &[
            &[0; 16],
            &track.scale.to_be_bytes(),
            &media_length.to_be_bytes(),
            &[0x55, 0xc4, 0, 0],
        ],
    );
    let (handler, name): (&[u8; 4], &[u8]) = if is_sound {
        (b"soun", b"sound\0")
    } else {
        (b"vide", b"video\0")
    };
    let handler = full(b"hdlr", 0, 0, &[&[0; 4], handler, &[0; 12], name]);
    let kind = if is_sound {
        full(b"smhd", 0, 0, &[&[0; 4]])
    } else {
        full(b"vmhd", 0, 1, &[&[0; 8]])
    };
    let here = full(b"url ", 0, 1, &[]);
    let references = boxed(b"dinf", &[&full(b"dref", 0, 0, &[&1u32.to_be_bytes(), &here])]);
    let media = boxed(b"minf", &[&kind, &references, &table(track, at)]);
    boxed(
        b"trak",
        &[
            &header,
            &boxed(b"edts", &[&edit]),
            &boxed(b"mdia", &[&media_header, &handler, &media]),
        ],
    )
}

fn table(track: &Written, at: u64) -> Vec<u8> {
    let count = track.steps.len() as u32;
    let lengths: Vec<u8> = match track.grain {
        Some(_) => Vec::new(),
        None => track
            .samples
            .iter()
            .flat_map(|sample| (sample.len() as u32).to_be_bytes())
            .collect(),
    };
    let keys: Vec<u8> = track.keys.iter().flat_map(|key| key.to_be_bytes()).collect();
    let one = 1u32.to_be_bytes();
    let number = |count: usize| (count as u32).to_be_bytes();
    let (step_runs, steps) = runs(&track.steps);
    let (offset_runs, offsets) = runs(&track.offsets);
    let mut parts = vec![
        full(b"stsd", 0, 0, &[&one, &track.entry]),
        full(b"stts", 0, 0, &[&number(step_runs), &steps]),
        // All samples are one chunk.
        full(b"stsc", 0, 0, &[&one, &one, &count.to_be_bytes(), &one]),
        full(
            b"stsz",
            0,
            0,
            &[
                &track.grain.unwrap_or(0).to_be_bytes(),
                &count.to_be_bytes(),
                &lengths,
            ],
        ),
        full(b"co64", 0, 0, &[&one, &at.to_be_bytes()]),
    ];
    if track.offsets.iter().any(|offset| *offset != 0) {
        parts.push(full(b"ctts", 0, 0, &[&number(offset_runs), &offsets]));
    }
    if !track.keys.is_empty() && track.keys.len() < track.samples.len() {
        parts.push(full(b"stss", 0, 0, &[&number(track.keys.len()), &keys]));
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    boxed(b"stbl", &parts)
}

/// Numbers as runs of equal ones: how many runs, and their bytes.
fn runs(values: &[u32]) -> (usize, Vec<u8>) {
    let chunks = values.chunk_by(|one, two| one == two);
    let mut bytes = Vec::new();
    let mut count = 0;
    for chunk in chunks {
        bytes.extend_from_slice(&(chunk.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&chunk[0].to_be_bytes());
        count += 1;
    }
    (count, bytes)
}

fn full(kind: &[u8; 4], version: u8, flags: u32, parts: &[&[u8]]) -> Vec<u8> {
    let head = (u32::from(version) << 24 | flags).to_be_bytes();
    let parts: Vec<&[u8]> = std::iter::once(head.as_slice())
        .chain(parts.iter().copied())
        .collect();
    boxed(kind, &parts)
}
