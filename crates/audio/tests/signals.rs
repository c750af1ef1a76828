//! Measures of sounds whose truth is known, because they are made here.
//!
//! Loudness, its range and true peaks are those of EBU Tech 3341 and 3342 within their tolerances.

#![allow(clippy::unwrap_used)]

mod support;

use std::f32::consts::PI;

use gristmill_audio::{SIGNALS, fingerprint};
use serde_json::Value;

use support::{Numbers, files, measures, wav};

/// A sine of so many seconds, its peak in dB of full scale.
fn sine(rate: u32, hertz: f32, decibels: f32, seconds: f32) -> Vec<f32> {
    tone(rate, hertz, decibels, seconds, 0.0)
}

fn tone(rate: u32, hertz: f32, decibels: f32, seconds: f32, phase: f32) -> Vec<f32> {
    let level = 10f64.powf(f64::from(decibels) / 20.0);
    let step = 2.0 * std::f64::consts::PI * f64::from(hertz) / f64::from(rate);
    (0..(seconds * rate as f32) as usize)
        .map(|at| (level * (step * at as f64 + f64::from(phase)).sin()) as f32)
        .collect()
}

/// Stretches of a 1 kHz sine at 48 kHz, in both channels.
fn stretches(of: &[(f32, f32)]) -> Vec<u8> {
    let plane: Vec<f32> = of
        .iter()
        .flat_map(|(decibels, seconds)| sine(48_000, 1000.0, *decibels, *seconds))
        .collect();
    wav(&[plane.clone(), plane], 48_000)
}

fn number(file: &[u8], name: &str) -> Option<f64> {
    measures(file).unwrap()[name].as_f64()
}

fn check(file: &[u8], name: &str, expected: f64, tolerance: f64) {
    let found = number(file, name).unwrap_or_else(|| panic!("{name} is null"));
    assert!(
        (found - expected).abs() <= tolerance,
        "{name} is {found}, not {expected}"
    );
}

#[test]
fn loudness_is_that_of_tech_3341() {
    let cases: [(&[(f32, f32)], f64); 5] = [
        (&[(-23.0, 20.0)], -23.0),
        (&[(-33.0, 20.0)], -33.0),
        (&[(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        (
            &[
                (-72.0, 10.0),
                (-36.0, 10.0),
                (-23.0, 60.0),
                (-36.0, 10.0),
                (-72.0, 10.0),
            ],
            -23.0,
        ),
        (&[(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ];
    for (of, expected) in cases {
        check(&stretches(of), "audio_loudness_lufs", expected, 0.1);
    }
    // Case 6: five channels; that of low frequencies does not count.
    let of = |decibels| sine(48_000, 1000.0, decibels, 20.0);
    let planes = [
        of(-28.0),
        of(-28.0),
        of(-24.0),
        vec![0.9; 960_000],
        of(-30.0),
        of(-30.0),
    ];
    check(&wav(&planes, 48_000), "audio_loudness_lufs", -23.0, 0.1);
}

#[test]
fn loudness_does_not_depend_on_the_rate() {
    for rate in [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 96_000, 192_000] {
        let plane = sine(rate, 1000.0, -23.0, 5.0);
        check(
            &wav(&[plane.clone(), plane], rate),
            "audio_loudness_lufs",
            -23.0,
            0.1,
        );
        let plane = sine(rate, 3000.0, -20.0, 5.0);
        let expected = number(
            &wav(&[sine(48_000, 3000.0, -20.0, 5.0)], 48_000),
            "audio_loudness_lufs",
        )
        .unwrap();
        check(&wav(&[plane], rate), "audio_loudness_lufs", expected, 0.1);
    }
}

#[test]
fn loudness_range_is_that_of_tech_3342() {
    let cases: [(&[(f32, f32)], f64); 4] = [
        (&[(-20.0, 20.0), (-30.0, 20.0)], 10.0),
        (&[(-20.0, 20.0), (-15.0, 20.0)], 5.0),
        (&[(-40.0, 20.0), (-20.0, 20.0)], 20.0),
        (
            &[
                (-50.0, 20.0),
                (-35.0, 20.0),
                (-20.0, 20.0),
                (-35.0, 20.0),
                (-50.0, 20.0),
            ],
            15.0,
        ),
    ];
    for (of, expected) in cases {
        check(&stretches(of), "audio_loudness_range_lu", expected, 1.0);
    }
}

#[test]
fn true_peak_is_that_of_tech_3341() {
    // Cases 15 to 19: sines of a quarter, a sixth and an eighth of the rate at several phases.
    for (part, phase, level, expected) in [
        (4.0, 0.0, -6.02, -6.0),
        (4.0, PI / 4.0, -6.02, -6.0),
        (6.0, PI / 3.0, -6.02, -6.0),
        (8.0, 67.5 / 180.0 * PI, -6.02, -6.0),
        (4.0, PI / 4.0, 3.0, 3.0),
    ] {
        for rate in [44_100, 48_000] {
            let mut plane = tone(rate, rate as f32 / part, level, 1.0, phase);
            // The samples lie beside the peaks, so that even 3 dB fit; both ends are faded.
            let count = plane.len();
            for at in 0..200 {
                plane[at] *= at as f32 / 200.0;
                plane[count - 1 - at] *= at as f32 / 200.0;
            }
            let found = number(&wav(&[plane], rate), "audio_true_peak_dbtp").unwrap();
            assert!(
                (-0.4..=0.2).contains(&(found - expected)),
                "{found}, not {expected}"
            );
        }
    }
}

#[test]
fn levels_are_those_of_the_samples() {
    let file = wav(&[sine(44_100, 1000.0, 0.0, 1.0)], 44_100);
    check(&file, "audio_rms_dbfs", -3.01, 0.01);
    check(&file, "audio_peak_dbfs", 0.0, 0.01);
    check(&file, "audio_zero_crossing_rate", 2000.0 / 44_100.0, 1e-4);
    let shifted: Vec<f32> = sine(44_100, 1000.0, -12.0, 1.0)
        .iter()
        .map(|sample| sample - 0.125)
        .collect();
    check(
        &wav(&[vec![0.0; 44_100], shifted], 44_100),
        "audio_dc_offset",
        -0.125,
        1e-4,
    );
    // Clipped by half: what is above 0.5 of the sine is a third of its samples on each side.
    let clipped: Vec<f32> = sine(44_100, 100.0, 6.0206, 1.0)
        .iter()
        .map(|sample| sample.clamp(-1.0, 1.0))
        .collect();
    check(&wav(&[clipped], 44_100), "audio_clipped_share", 2.0 / 3.0, 0.005);
}

#[test]
fn silence_is_measured_to_the_sample() {
    let mut plane = vec![0.0; 8000];
    plane.extend(sine(16_000, 440.0, -10.0, 1.0));
    plane.extend(vec![0.0005; 12_000]);
    plane.extend(sine(16_000, 440.0, -10.0, 1.0));
    // Too short to count.
    plane.extend(vec![0.0; 1000]);
    plane.extend(sine(16_000, 440.0, -10.0, 0.25));
    let whole = plane.len() as f64;
    let file = wav(&[plane], 16_000);
    check(&file, "audio_silence_share", 20_000.0 / whole, 1e-3);
    check(&file, "audio_silence_longest_s", 0.75, 1e-3);
}

#[test]
fn spectra_tell_tones_from_noise_and_where_they_end() {
    let mut numbers = Numbers(7);
    let noise: Vec<f32> = (0..96_000).map(|_| numbers.normal() * 0.1).collect();
    let file = wav(&[noise], 48_000);
    check(&file, "audio_bandwidth_hz", 24_000.0, 100.0);
    assert!(number(&file, "audio_spectral_flatness").unwrap() > 0.5);
    let file = wav(
        &[sine(48_000, 3000.0, -10.0, 1.0), sine(48_000, 9000.0, -10.0, 1.0)],
        48_000,
    );
    check(&file, "audio_bandwidth_hz", 9000.0, 150.0);
    assert!(number(&file, "audio_spectral_flatness").unwrap() < 0.01);
    // Channels of opposite signs are not silence.
    let plane = sine(48_000, 3000.0, -10.0, 1.0);
    let opposite = plane.iter().map(|sample| -sample).collect();
    check(
        &wav(&[plane, opposite], 48_000),
        "audio_bandwidth_hz",
        3000.0,
        150.0,
    );
}

#[test]
fn digital_silence_has_no_levels() {
    let found = measures(&wav(&[vec![0.0; 48_000]], 16_000)).unwrap();
    for name in [
        "audio_rms_dbfs",
        "audio_peak_dbfs",
        "audio_true_peak_dbtp",
        "audio_loudness_lufs",
        "audio_loudness_range_lu",
        "audio_bandwidth_hz",
        "audio_spectral_flatness",
        "audio_snr_db",
    ] {
        assert_eq!(found[name], Value::Null, "{name}");
    }
    assert_eq!(found["audio_silence_share"], 1.0);
    assert_eq!(found["audio_speech_share"], 0.0);
    assert_eq!(found["audio_speech_segments"], "[]");
}

#[test]
fn the_hash_is_that_of_the_samples() {
    let plane = sine(8000, 300.0, -3.0, 0.5);
    let file = wav(std::slice::from_ref(&plane), 8000);
    let hash = |file: &[u8]| measures(file).unwrap()["audio_sample_hash"].clone();
    let mut other_container = b".snd\0\0\0\x18\xff\xff\xff\xff\0\0\0\x03\0\0\x1f\x40\0\0\0\x01".to_vec();
    other_container.extend(file[44..].chunks(2).flat_map(|pair| [pair[1], pair[0]]));
    assert_eq!(hash(&file), hash(&other_container));
    let mut louder = plane;
    louder[100] += 0.1;
    assert_ne!(hash(&file), hash(&wav(&[louder], 8000)));
}

#[test]
fn what_is_not_wanted_is_null() {
    let file = wav(&[sine(8000, 300.0, -3.0, 0.5)], 8000);
    let documents = SIGNALS[0]
        .measure(
            &[files(&[Some(&file), None, Some(b"no sound")])],
            &["audio_rms_dbfs"],
        )
        .unwrap();
    for (column, array) in SIGNALS[0].card().outputs.iter().zip(&documents.columns) {
        assert_eq!(array.len(), 3);
        // Columns of the meter that runs come for free.
        let is_there = array.is_valid(0);
        assert!(is_there || column.name != "audio_rms_dbfs");
        assert!(!is_there || !column.name.contains("loudness"), "{}", column.name);
        assert!(array.is_null(1) && array.is_null(2), "{}", column.name);
    }
    let faults: Vec<_> = documents.faults.iter().collect();
    assert_eq!(
        faults,
        [None, None, Some("unsupported: bytes begin like no sound")]
    );
}

#[test]
fn a_shifted_copy_has_a_fingerprint_that_matches() {
    // Chords that change every half second.
    let mut numbers = Numbers(11);
    let mut plane = Vec::new();
    for _ in 0..60 {
        let notes: Vec<f32> = (0..3)
            .map(|_| 110.0 * 2f32.powf(numbers.below(36) as f32 / 12.0))
            .collect();
        let sum = |at: usize| -> f32 {
            notes
                .iter()
                .map(|note| (at as f32 * note * 2.0 * PI / 22_050.0).sin())
                .sum()
        };
        plane.extend((0..11_025).map(|at| sum(at) * 0.2));
    }
    let noisy: Vec<f32> = plane[66_150..]
        .iter()
        .map(|sample| sample * 0.6 + numbers.normal() * 0.01)
        .collect();
    let words = |plane: Vec<f32>| {
        let found = measures(&wav(&[plane], 22_050)).unwrap();
        fingerprint::decode(found["audio_fingerprint"].as_str().unwrap()).unwrap()
    };
    let (whole, part) = (words(plane), words(noisy));
    let found = fingerprint::overlap(&whole, &part).unwrap();
    assert!(found.is_match() && found.bit_error < 4.0, "{found:?}");
    assert!((found.offset as f64 * fingerprint::STEP_S - 3.0).abs() < 0.2);
}
