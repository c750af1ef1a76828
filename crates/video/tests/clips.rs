//! Clips: copied without decoding, read again by the same reader, frame by frame those of their parents.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that tells when it is skipped"
)]

mod support;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringViewArray, cast::AsArray, types::Float64Type};
use gristmill_core::{Given, Limits, Parts, Settings, conformance};
use gristmill_video::{EDITS, EXTRACTORS, Film, Frame, Probe, SIGNALS, SPLITTERS, cut, play, read};
use support::signals::{extract, measure};

/// Frames that are shown, with their times.
fn frames(film: &Film<'_>) -> Vec<(f64, Frame)> {
    let mut frames = Vec::new();
    let _ = play(film, film.video().unwrap(), &Limits::default(), |shown| {
        frames.push((shown.time_s, shown.frame));
    });
    frames
}

#[test]
fn cards_are_complete_and_unlike() {
    // Names are told apart by the verb before them.
    conformance::check_cards(SIGNALS.iter().map(|signal| signal.card()));
    conformance::check_cards(EXTRACTORS.iter().map(|extractor| extractor.card()));
    conformance::check_cards(EDITS.iter().map(|edit| edit.card()));
    conformance::check_cards(SPLITTERS.iter().map(|splitter| splitter.card()));
}

#[test]
fn a_clip_shows_the_frames_of_its_span() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let limits = Limits::default();
    let mut clips = 0;
    let is_looked_at = |(entry, bytes): &&(serde_json::Value, Vec<u8>)| {
        bytes.len() < 300_000 && entry["expected"]["valid"] != false
    };
    for (entry, bytes) in entries.iter().filter(is_looked_at) {
        let path = entry["path"].as_str().unwrap();
        // What a damaged stream says of itself may not be enough for another container.
        if entry["expected"]["valid"] != true {
            continue;
        }
        let Ok(film) = read(bytes, &limits) else {
            continue;
        };
        let Ok(probe) = Probe::of(&film) else {
            continue;
        };
        let is_decoded =
            matches!(probe.codec.as_str(), "h264" | "hevc" | "vp9" | "av1") && !probe.is_encrypted;
        if !is_decoded || probe.frame_count < 10 {
            continue;
        }
        let Some((start, end)) = film.video().unwrap().span() else {
            continue;
        };
        let tick = film.video().unwrap().tick;
        let (start, end) = (tick.seconds(start), tick.seconds(end));
        let (from, to) = (start + (end - start) * 0.3, start + (end - start) * 0.7);
        let clip = cut(&film, from, to).unwrap_or_else(|fault| panic!("{path}: {fault}"));
        let clip_film = read(&clip, &limits).unwrap();
        let found = Probe::of(&clip_film).unwrap();
        assert_eq!(
            (found.width, found.height, &found.codec),
            (probe.width, probe.height, &probe.codec),
            "{path}"
        );
        assert!(
            (found.duration_s.unwrap() - (to - from)).abs() < 0.001,
            "{path}: {found:?}"
        );
        let wanted = frames(&film);
        if wanted.is_empty() {
            continue;
        }
        let wanted: Vec<_> = wanted
            .into_iter()
            .filter(|(time, _)| *time >= from - 1e-6 && *time < to - 1e-6)
            .collect();
        let shown = frames(&clip_film);
        assert_eq!(shown.len(), wanted.len(), "{path}");
        // A clip that starts within a frame shows the next one from its start on.
        let first = wanted.first().map_or(from, |(time, _)| *time);
        for ((time, frame), (expected_time, expected)) in shown.iter().zip(&wanted) {
            assert!(
                (time - (expected_time - first)).abs() < 0.001,
                "{path}: {time} is not {expected_time} - {first}"
            );
            assert_eq!(frame.planes[0], expected.planes[0], "{path} at {expected_time}");
        }
        clips += 1;
    }
    println!("{clips} clips");
    assert!(clips > 20);
}

/// Sound in a clip: the same codec, heard over the whole of it, with the bytes of the parent's frames.
#[test]
fn the_sound_of_a_span_goes_with_its_clip() {
    const WRITTEN: [&str; 11] = [
        "aac",
        "mp3",
        "mp2",
        "opus",
        "vorbis",
        "flac",
        "ac3",
        "eac3",
        "alac",
        "pcm_s16le",
        "pcm_s24le",
    ];
    let Some(entries) = support::manifest() else {
        return;
    };
    let limits = Limits::default();
    let mut counts = std::collections::BTreeMap::<(String, String), usize>::new();
    for (entry, bytes) in entries
        .iter()
        .filter(|(entry, _)| entry["expected"]["valid"] == true)
    {
        let path = entry["path"].as_str().unwrap();
        let Ok(film) = read(bytes, &limits) else {
            continue;
        };
        let (Some(video), Some(sound)) = (film.video(), film.audio()) else {
            continue;
        };
        let span = |track: &gristmill_video::Track| {
            let (from, to) = track.span()?;
            Some((track.tick.seconds(from), track.tick.seconds(to)))
        };
        let (Some((start, end)), Some(heard)) = (span(video), span(sound)) else {
            continue;
        };
        let (from, to) = (start + (end - start) * 0.3, start + (end - start) * 0.7);
        // Some tracks of sound are there in name alone.
        let is_there = heard.0 < from - 0.1 && heard.1 > to + 0.1;
        if !WRITTEN.contains(&sound.codec.as_ref()) || sound.is_encrypted || !is_there {
            continue;
        }
        let Ok(clip) = cut(&film, from, to) else {
            continue;
        };
        let clip_film = read(&clip, &limits).unwrap();
        let found = clip_film
            .audio()
            .unwrap_or_else(|| panic!("{path}: {} is gone", sound.codec));
        assert_eq!(found.codec, sound.codec, "{path}");
        let (first, last) = span(found).unwrap();
        let length = to - from;
        assert!(
            first < 0.05 && (length - 0.15..length + 0.6).contains(&last),
            "{path}: {} from {first} to {last} of {length}",
            sound.codec
        );
        *counts
            .entry((film.container.name().to_owned(), sound.codec.to_string()))
            .or_default() += 1;
    }
    println!("{counts:?}");
    assert!(counts.len() > 5, "{counts:?}");
}

/// Readers that leave out whole frames play the next one where the edit starts.
#[test]
fn vorbis_of_a_clip_starts_with_a_frame_behind_a_pause() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let limits = Limits::default();
    let mut clips = 0;
    for (entry, bytes) in entries
        .iter()
        .filter(|(entry, _)| entry["expected"]["valid"] == true)
    {
        let Ok(film) = read(bytes, &limits) else {
            continue;
        };
        let (Some(video), Some(sound)) = (film.video(), film.audio()) else {
            continue;
        };
        let Some((start, end)) = video.span().filter(|_| sound.codec == "vorbis") else {
            continue;
        };
        let (start, end) = (video.tick.seconds(start), video.tick.seconds(end));
        for part in [0.3, 0.31, 0.37, 0.5] {
            let from = start + (end - start) * part;
            let Ok(clip) = cut(&film, from, end) else {
                continue;
            };
            let clip_film = read(&clip, &limits).unwrap();
            let Some(cut_sound) = clip_film.audio() else {
                continue;
            };
            let first = cut_sound.samples.iter().find(|sample| sample.is_shown).unwrap();
            let first_s = cut_sound.seconds(first);
            // The same frame at the same place of the film.
            let same = sound.samples.iter().find(|sample| {
                (sound.seconds(sample) - from - first_s).abs() < 0.0015
                    && film.bytes(sound, sample) == clip_film.bytes(cut_sound, first)
            });
            assert!(same.is_some(), "{}: from {from}", entry["path"]);
            // Sound is written last.
            let list = clip.windows(4).rposition(|name| name == b"elst").unwrap() + 8;
            let number = |at: usize| i64::from_be_bytes(clip[list + at..][..8].try_into().unwrap());
            let pause_s = if number(12) == -1 {
                number(4) as f64 / 90_000.0
            } else {
                0.0
            };
            assert!(
                (pause_s - first_s).abs() < 0.0001,
                "{}: pause of {pause_s} s, first frame at {first_s} s",
                entry["path"]
            );
            clips += 1;
        }
    }
    println!("{clips} clips");
    assert!(clips > 3);
}

fn split(settings: &[(&'static str, Given)], videos: &ArrayRef, shots: Option<&ArrayRef>) -> Parts {
    let splitter = SPLITTERS[0];
    let settings = Settings::new(splitter.settings(), settings.iter().copied());
    let splitter = splitter.with(&settings).unwrap().unwrap();
    let ids: StringViewArray = (0..videos.len()).map(|row| Some(format!("id{row}"))).collect();
    let mut inputs: Vec<ArrayRef> = vec![videos.clone(), Arc::new(ids)];
    inputs.extend(shots.cloned());
    assert_eq!(inputs.len(), splitter.card().inputs.len());
    let parts = splitter.split(&inputs, &[]).unwrap();
    assert_eq!(parts.columns.len(), splitter.card().outputs.len());
    for (column, array) in splitter.card().outputs.iter().zip(&parts.columns) {
        assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
        assert_eq!(array.len(), parts.parents.len(), "{}", column.name);
    }
    assert!(parts.parents.is_sorted());
    parts
}

#[test]
fn videos_are_split_by_stride_and_by_shots() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let long = entries
        .iter()
        .find(|(entry, _)| entry["path"] == "video/mp4/megatron-energon__sync_test.mp4");
    let Some((_, bytes)) = long else {
        println!("skipped: no long video");
        return;
    };
    let videos = extract(&[Some(bytes.as_slice()), None]).columns[0].clone();
    let by_stride = [("by", Given::Word("stride")), ("stride_s", Given::Number(20))];
    let parts = split(&by_stride, &videos, None);
    assert_eq!(parts.parents, [0, 0, 0, 0]);
    let starts: Vec<f64> = parts.columns[1].as_primitive::<Float64Type>().values().to_vec();
    assert_eq!(starts, [0.0, 20.0, 40.0, 60.0]);
    let media = parts.columns[0].as_struct();
    assert_eq!(media.column(1).as_string_view().value(1), "id0-1.mp4");
    let second = media.column(0).as_binary_view().value(1);
    let probe = Probe::of(&read(second, &Limits::default()).unwrap()).unwrap();
    assert_eq!(probe.duration_s, Some(20.0));

    let shots: ArrayRef = Arc::new(StringViewArray::from(vec![
        Some("[[0.0,1.0],[1.0,4.5],[4.5,30.0]]"),
        None,
    ]));
    let by_shots = [("how", Given::Word("reference")), ("max_s", Given::Number(10))];
    let parts = split(&by_shots, &videos, Some(&shots));
    let starts: Vec<f64> = parts.columns[1].as_primitive::<Float64Type>().values().to_vec();
    assert_eq!(starts, [1.0, 4.5, 13.0, 21.5]);
    assert_eq!(parts.columns[0].null_count(), 4);
}

#[test]
fn sound_is_the_file_itself_or_its_stream() {
    let Some(entries) = support::manifest() else {
        return;
    };
    let files: Vec<Option<&[u8]>> = entries.iter().map(|(_, bytes)| Some(bytes.as_slice())).collect();
    let documents = extract(&files);
    let videos = documents.columns[0].as_struct();
    let sounds = measure("sound_track", &documents.columns[0]);
    let sounds = sounds.columns[0].as_struct();
    let (mut same, mut streams) = (0, 0);
    for (row, (entry, _)) in entries
        .iter()
        .enumerate()
        .filter(|(row, _)| sounds.is_valid(*row))
    {
        let bytes = sounds.column(0).as_binary_view().value(row);
        let video = videos.column(0).as_binary_view().value(row);
        let name = sounds.column(1).as_string_view().value(row);
        if bytes.as_ptr() == video.as_ptr() {
            same += 1;
            continue;
        }
        streams += 1;
        let is_sound = match name.rsplit('.').next() {
            Some("aac") => bytes[0] == 0xff && bytes[1] & 0xf6 == 0xf0,
            Some("mp3" | "mp2") => bytes.starts_with(b"ID3") || bytes[0] == 0xff && bytes[1] & 0xe0 == 0xe0,
            Some("ac3") => bytes.starts_with(&[0x0b, 0x77]),
            _ => false,
        };
        assert!(
            is_sound,
            "{} as {name} begins with {:02x?}",
            entry["path"],
            &bytes[..4]
        );
    }
    println!("{same} files, {streams} streams");
    assert!(same > 10 && streams > 3);
}
