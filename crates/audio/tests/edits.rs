//! Edits and splitters: what is written is what was asked for.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod support;

use std::f32::consts::PI;

use arrow_array::{
    Array, ArrayRef, Float64Array, StringViewArray, UInt16Array, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{Float64Type, UInt32Type},
};
use gristmill_audio::{
    Codec, Container, EDITS, SPLITTERS, Samples, Sound,
    edit::{Format, Transcode},
    probe,
};
use gristmill_core::{FaultKind, Given, Limits, Settings};

use support::{Numbers, files, measures, wav};

const NOTHING: Transcode = Transcode {
    is_mono: false,
    rate: None,
    loudness: None,
    is_trimmed: false,
    format: None,
};

fn decode(file: &[u8]) -> Samples {
    let mut sound = Sound::open(file, &Limits::default()).unwrap();
    let mut planes = vec![Vec::new(); usize::from(sound.header().channels)];
    while let Some(block) = sound.next_block().unwrap() {
        for (all, plane) in planes.iter_mut().zip(block.planes()) {
            all.extend_from_slice(plane);
        }
    }
    Samples::from_planes(planes)
}

fn sine(rate: u32, hertz: f32, level: f32, seconds: f32) -> Vec<f32> {
    let step = 2.0 * PI * hertz / rate as f32;
    (0..(seconds * rate as f32) as usize)
        .map(|at| level * (at as f32 * step).sin())
        .collect()
}

fn stereo() -> Vec<u8> {
    wav(
        &[sine(44_100, 440.0, 0.5, 2.0), sine(44_100, 660.0, 0.3, 2.0)],
        44_100,
    )
}

fn apply(transcode: &Transcode, file: &[u8]) -> Option<Vec<u8>> {
    transcode.apply(file, &Limits::default()).unwrap()
}

#[test]
fn a_file_that_is_as_wanted_stays() {
    let file = stereo();
    assert_eq!(apply(&NOTHING, &file), None);
    let same = Transcode {
        rate: Some(44_100),
        is_trimmed: true,
        format: Some(Format::Wav),
        ..NOTHING
    };
    assert_eq!(apply(&same, &file), None);
    let mono = wav(&[sine(8000, 440.0, 0.5, 1.0)], 8000);
    assert_eq!(
        apply(
            &Transcode {
                is_mono: true,
                ..NOTHING
            },
            &mono
        ),
        None
    );
}

#[test]
fn lossless_formats_keep_every_sample() {
    let file = stereo();
    let flac = apply(
        &Transcode {
            format: Some(Format::Flac),
            ..NOTHING
        },
        &file,
    )
    .unwrap();
    let (header, _) = probe(&flac, &Limits::default()).unwrap();
    assert_eq!(
        (header.container, header.codec, header.frames),
        (Container::Flac, Codec::Flac, Some(88_200))
    );
    assert_eq!(decode(&flac), decode(&file));
    let back = apply(
        &Transcode {
            format: Some(Format::Wav),
            ..NOTHING
        },
        &flac,
    )
    .unwrap();
    assert_eq!(decode(&back), decode(&file));
    assert_eq!(measures(&back).unwrap(), measures(&file).unwrap());
}

#[test]
fn opus_is_near_and_as_long() {
    for rate in [44_100, 48_000, 16_000] {
        let file = wav(&[sine(rate, 440.0, 0.5, 2.0), sine(rate, 660.0, 0.3, 2.0)], rate);
        let opus = apply(
            &Transcode {
                format: Some(Format::Opus { bitrate: 96_000 }),
                ..NOTHING
            },
            &file,
        )
        .unwrap();
        let (header, _) = probe(&opus, &Limits::default()).unwrap();
        assert_eq!(
            (header.sample_rate, header.frames, header.is_truncated),
            (48_000, Some(96_000), false)
        );
        let expected = Transcode {
            rate: Some(48_000),
            format: Some(Format::Wav),
            ..NOTHING
        };
        let expected = apply(&expected, &file).map_or_else(|| decode(&file), |file| decode(&file));
        let found = decode(&opus);
        for (found, expected) in found.planes().iter().zip(expected.planes()) {
            let power = |plane: &mut dyn Iterator<Item = f32>| {
                plane.map(|sample| f64::from(sample * sample)).sum::<f64>()
            };
            let wrong = power(
                &mut found[4800..91_200]
                    .iter()
                    .zip(&expected[4800..])
                    .map(|(a, b)| a - b),
            );
            let ratio = 10.0 * (power(&mut expected[4800..91_200].iter().copied()) / wrong).log10();
            assert!(ratio > 20.0, "{ratio} dB at {rate} Hz");
        }
    }
}

#[test]
fn channels_and_rates_become_what_is_wanted() {
    let wanted = Transcode {
        is_mono: true,
        rate: Some(16_000),
        ..NOTHING
    };
    let file = apply(&wanted, &stereo()).unwrap();
    let (header, _) = probe(&file, &Limits::default()).unwrap();
    assert_eq!(
        (
            header.container,
            header.channels,
            header.sample_rate,
            header.frames
        ),
        (Container::Flac, 1, 16_000, Some(32_000))
    );
    let expected: Vec<f32> = sine(16_000, 440.0, 0.25, 2.0)
        .iter()
        .zip(&sine(16_000, 660.0, 0.15, 2.0))
        .map(|(a, b)| a + b)
        .collect();
    for (found, expected) in decode(&file).planes()[0][2000..30_000]
        .iter()
        .zip(&expected[2000..])
    {
        assert!((found - expected).abs() < 1e-3);
    }
}

#[test]
fn loudness_becomes_what_is_wanted_but_peaks_stay_below_their_bound() {
    let file = stereo();
    for target in [-31.0, -23.0, -14.0] {
        let louder = apply(
            &Transcode {
                loudness: Some(target),
                ..NOTHING
            },
            &file,
        );
        let found = measures(&louder.unwrap()).unwrap();
        assert!(
            (found["audio_loudness_lufs"].as_f64().unwrap() - target).abs() < 0.1,
            "{target}"
        );
    }
    let louder = apply(
        &Transcode {
            loudness: Some(-1.0),
            ..NOTHING
        },
        &file,
    )
    .unwrap();
    let peak = measures(&louder).unwrap()["audio_true_peak_dbtp"]
        .as_f64()
        .unwrap();
    assert!((peak + 1.0).abs() < 0.05, "{peak}");
    // Silence has no loudness.
    assert_eq!(
        apply(
            &Transcode {
                loudness: Some(-23.0),
                ..NOTHING
            },
            &wav(&[vec![0.0; 9000]], 8000)
        ),
        None
    );
}

#[test]
fn silence_is_cut_off_at_both_ends() {
    let mut plane = vec![0.0; 8000];
    plane.extend(sine(8000, 440.0, 0.5, 1.0));
    plane.extend(vec![0.0; 4000]);
    let file = wav(&[plane], 8000);
    let trimmed = apply(
        &Transcode {
            is_trimmed: true,
            ..NOTHING
        },
        &file,
    )
    .unwrap();
    // 100 ms stay at both ends; the sine's own first and last samples are as good as silent.
    let frames = probe(&trimmed, &Limits::default()).unwrap().0.frames.unwrap();
    assert!(frames.abs_diff(8000 + 1600) < 5, "{frames}");
    assert_eq!(
        apply(
            &Transcode {
                is_trimmed: true,
                ..NOTHING
            },
            &trimmed
        ),
        None
    );
    assert_eq!(
        apply(
            &Transcode {
                is_trimmed: true,
                ..NOTHING
            },
            &wav(&[vec![0.0; 800]], 8000)
        ),
        None
    );
}

#[test]
fn what_cannot_be_written_is_a_fault() {
    let planes = vec![vec![0.1; 100]; 9];
    let fault = |format, limits: &Limits| {
        let transcode = Transcode {
            format: Some(format),
            ..NOTHING
        };
        transcode.apply(&wav(&planes, 48_000), limits).unwrap_err().kind
    };
    assert_eq!(fault(Format::Flac, &Limits::default()), FaultKind::Unsupported);
    assert_eq!(
        fault(Format::Opus { bitrate: 64_000 }, &Limits::default()),
        FaultKind::Unsupported
    );
    let narrow = Limits {
        audio_bytes: 100,
        ..Limits::default()
    };
    assert_eq!(fault(Format::Flac, &narrow), FaultKind::Limit);
    let transcode = Transcode {
        format: Some(Format::Opus { bitrate: 1 }),
        rate: Some(8000),
        ..NOTHING
    };
    assert!(transcode.problem().is_some());
}

#[test]
fn the_edit_tells_the_new_files_facts_and_keeps_the_others() {
    let file = stereo();
    let small = wav(&[vec![0.1; 800]], 16_000);
    let edit = EDITS[0];
    let given = [
        ("channels", Given::Word("mono")),
        ("sample_rate", Given::Word("16000")),
    ];
    let edit = edit
        .with(&Settings::new(edit.settings(), given))
        .unwrap()
        .unwrap();
    let rows = 4;
    let inputs: Vec<ArrayRef> = vec![
        files(&[Some(&file), None, Some(b"no sound"), Some(&small)]),
        std::sync::Arc::new(Float64Array::from(vec![2.0; rows])),
        std::sync::Arc::new(UInt32Array::from(vec![44_100; rows])),
        std::sync::Arc::new(UInt16Array::from(vec![2; rows])),
        std::sync::Arc::new(UInt16Array::from(vec![16; rows])),
        std::sync::Arc::new(StringViewArray::from(vec!["pcm_s16le"; rows])),
        std::sync::Arc::new(StringViewArray::from(vec!["wav"; rows])),
        std::sync::Arc::new(UInt64Array::from(vec![1; rows])),
        std::sync::Arc::new(UInt64Array::from(vec![1; rows])),
    ];
    let outputs = edit.edit(&inputs).unwrap();
    for (column, array) in edit.card().outputs.iter().zip(&outputs) {
        assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
    }
    let rates: Vec<_> = outputs[2].as_primitive::<UInt32Type>().iter().collect();
    assert_eq!(rates, [Some(16_000), Some(44_100), Some(44_100), Some(44_100)]);
    assert_eq!(outputs[1].as_primitive::<Float64Type>().value(0), 2.0);
    let paths = outputs[0].as_struct().column(1).as_string_view();
    assert_eq!((paths.value(0), paths.value(3)), ("0.flac", "3.bin"));
    let faults: Vec<_> = outputs[9].as_string_view().iter().collect();
    assert_eq!(
        faults,
        [None, None, Some("unsupported: bytes begin like no sound"), None]
    );
}

/// Speech of the real files, or none.
fn speech() -> Option<Vec<f32>> {
    let path = support::fixtures().join("real/audio/flac/lhotse__2412-153948-0000.flac");
    let Ok(file) = std::fs::read(&path) else {
        println!("skipped: no {}", path.display());
        return None;
    };
    Some(decode(&file).planes()[0].clone())
}

/// Starts, ends and the decoded parts that a splitter gives.
fn split(given: &[(&'static str, Given)], file: &[u8]) -> (Vec<(f64, f64)>, Vec<Samples>) {
    let splitter = SPLITTERS[0];
    let splitter = splitter
        .with(&Settings::new(splitter.settings(), given.iter().copied()))
        .unwrap()
        .unwrap();
    let names: Vec<&str> = splitter.card().outputs.iter().map(|column| column.name).collect();
    let parts = splitter
        .split(&[files(&[Some(file), None, Some(b"no sound")])], &names)
        .unwrap();
    for (column, array) in splitter.card().outputs.iter().zip(&parts.columns) {
        assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
        assert_eq!(array.len(), parts.parents.len(), "{}", column.name);
    }
    let faults: Vec<_> = parts.faults.iter().collect();
    assert_eq!(
        faults,
        [None, None, Some("unsupported: bytes begin like no sound")]
    );
    assert!(parts.parents.iter().all(|parent| *parent == 0));
    let numbers = |at: usize| parts.columns[at].as_primitive::<Float64Type>().values().to_vec();
    let media = parts.columns[0].as_struct().column(0).as_binary_view();
    let sounds = media.iter().map(|bytes| decode(bytes.unwrap())).collect();
    (numbers(1).into_iter().zip(numbers(2)).collect(), sounds)
}

#[test]
fn parts_are_stretches_of_speech_where_they_say() {
    let Some(speech) = speech() else { return };
    let mut numbers = Numbers(5);
    let mut pause = |seconds: f32| -> Vec<f32> {
        (0..(seconds * 16_000.0) as usize)
            .map(|_| numbers.normal() * 1e-4)
            .collect()
    };
    let mut plane = pause(4.0);
    for _ in 0..3 {
        plane.extend_from_slice(&speech);
        plane.extend(pause(5.0));
    }
    let (places, sounds) = split(&[], &wav(&[plane.clone()], 16_000));
    assert_eq!(places.len(), 3);
    let seconds = speech.len() as f64 / 16_000.0;
    for (number, ((start, end), sound)) in places.iter().zip(&sounds).enumerate() {
        let from = 4.0 + number as f64 * (seconds + 5.0);
        assert!(
            (start - from).abs() < 1.0 && (end - from - seconds).abs() < 1.0,
            "{start} to {end}"
        );
        let at = (start * 16_000.0).round() as usize;
        assert_eq!(sound.frames(), ((end * 16_000.0).round() as usize) - at);
        for (found, expected) in sound.planes()[0].iter().zip(&plane[at..]) {
            assert!((found - expected).abs() <= 1.0 / 32_768.0);
        }
    }
}

#[test]
fn parts_have_the_words_that_are_said_in_them() {
    let Some(speech) = speech() else { return };
    let seconds = speech.len() as f64 / 16_000.0;
    let plane = [speech.clone(), vec![0.0; 16_000 * 5], speech].concat();
    let file = wav(&[plane], 16_000);
    let splitter = SPLITTERS[0];
    let given = [("text", Given::Word("cues"))];
    let splitter = splitter
        .with(&Settings::new(splitter.settings(), given))
        .unwrap()
        .unwrap();
    let again = seconds + 5.0;
    let cues = format!(
        r#"[{{"start_s":0.5,"end_s":2.0,"text":"one"}},{{"start_s":{},"end_s":{},"text":"two"}}]"#,
        again + 0.5,
        again + 2.0
    );
    let column = StringViewArray::from(vec![Some(cues.as_str()), None]);
    let inputs: [ArrayRef; 2] = [files(&[Some(&file), Some(&file)]), std::sync::Arc::new(column)];
    let names: Vec<&str> = splitter.card().outputs.iter().map(|column| column.name).collect();
    let parts = splitter.split(&inputs, &names).unwrap();
    for (column, array) in splitter.card().outputs.iter().zip(&parts.columns) {
        assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
    }
    assert_eq!(parts.parents, [0, 0, 1, 1]);
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let words: Vec<_> = parts.columns[at("text")].as_string_view().iter().collect();
    assert_eq!(words, [Some("one"), Some("two"), None, None]);
    let told = parts.columns[at("text_cues")].as_string_view();
    let start = parts.columns[1].as_primitive::<Float64Type>().value(1);
    let told: serde_json::Value = serde_json::from_str(told.value(1)).unwrap();
    let moved = told[0]["start_s"].as_f64().unwrap();
    assert!((moved - (again + 0.5 - start)).abs() < 0.002, "{told}");
}

#[test]
fn long_speech_is_cut_and_short_speech_left_out() {
    let Some(speech) = speech() else { return };
    let plane = speech.repeat(4);
    let file = wav(&[plane], 16_000);
    let (places, _) = split(
        &[
            ("max_s", Given::Number(5)),
            ("min_s", Given::Number(1)),
            ("pad_ms", Given::Number(0)),
        ],
        &file,
    );
    assert!(places.len() >= 9, "{places:?}");
    for pair in places.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "{pair:?}");
    }
    assert!(
        places
            .iter()
            .all(|(start, end)| (1.0..=5.01).contains(&(end - start))),
        "{places:?}"
    );
    let (places, _) = split(
        &[("min_s", Given::Number(60)), ("max_s", Given::Number(60))],
        &wav(&[speech], 16_000),
    );
    assert!(places.is_empty());
}
