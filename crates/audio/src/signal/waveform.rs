//! All measures of the samples of a sound, in one pass.
//!
//! The file is decoded once, block by block, and every meter whose columns are wanted is fed. Of a video the sound of its
//! default track is measured. What encoders add at both ends is not heard and not measured. A sound that is cut or damaged is
//! measured as far as it can be decoded, with silence for packets that are lost in its middle. One that cannot be decoded at
//! all has a fault, and no values.
//!
//! Definitions, each in the words of its meter:
//!
//! - **Levels.** `audio_rms_dbfs`: root mean square of all samples of all channels (a sine of full scale has -3.01).
//!   `audio_peak_dbfs`: largest sample. `audio_dc_offset`: mean of the samples of the channel where it is farthest from 0.
//!   `audio_clipped_share`: samples at or beyond the largest value that can be stored (of 16 bits, or of fewer where there are
//!   fewer). `audio_zero_crossing_rate`: neighbours with different signs.
//! - **True peak.** `audio_true_peak_dbtp`: largest value of the curve through the samples, interpolated 4 times (ITU-R BS.1770-4).
//! - **Loudness.** `audio_loudness_lufs`: integrated, gated (ITU-R BS.1770-4). `audio_loudness_range_lu`: EBU Tech 3342.
//! - **Silence.** Stretches of 100 ms or more with every sample below -60 dB of full scale: `audio_silence_share`,
//!   `audio_silence_longest_s`.
//! - **Spectrum.** `audio_bandwidth_hz`: highest frequency whose mean power is less than 50 dB below the peak.
//!   `audio_spectral_flatness`: geometric by arithmetic mean of power, mean over windows.
//! - **Speech.** `audio_speech_share`, `audio_speech_segments`: by the network of earshot. `audio_snr_db`: power of speech above
//!   that of the pauses.
//! - **Identity.** `audio_fingerprint`: Chromaprint, algorithm 2. `audio_sample_hash`: xxh3-128 of the samples.
//!
//! Decibels of nothing are null. Values are rounded (decibels to 0.01) and the same on every machine, as far as decoders are.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::{ArrayRef, Float64Array, StringViewArray, builder::StringViewBuilder};
use gristmill_core::{Card, ColumnType, Cost, Documents, Fault, Files, Limits, Result, Signal, columns};

use crate::{
    Sound,
    meter::{self, Block, KINDS, Meter, Shape, Value},
};

/// Describes [`Waveform`].
static CARD: Card = Card {
    name: "waveform",
    about: "levels, loudness, silence, spectrum, speech, fingerprint and hash of a sound, decoded once",
    inputs: &[columns::AUDIO],
    outputs: &meter::COLUMNS,
    source: "ITU-R BS.1770-4; EBU Tech 3342; Chromaprint 1.5; earshot 1.2; NVIDIA NeMo SDP (bandwidth)",
    cost: Cost::Expensive,
    version: 1,
};

/// Measures sounds; see the module.
#[derive(Debug)]
pub(super) struct Waveform;

impl Signal for Waveform {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let all: Vec<&str> = CARD.outputs.iter().map(|column| column.name).collect();
        self.measure(inputs, &all).map(|documents| documents.columns)
    }

    fn measure(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Documents> {
        let limits = Limits::default();
        let mut faults = StringViewBuilder::new();
        let rows: Vec<Option<Vec<Value>>> = Files::of(&inputs[0])
            .bytes()
            .map(|bytes| {
                let measured = bytes.map(|bytes| measure(bytes, wanted, &limits)).transpose();
                faults.append_option(measured.as_ref().err().map(Fault::to_string));
                measured.ok().flatten()
            })
            .collect();
        Ok(Documents {
            columns: columns(&rows),
            faults: faults.finish(),
        })
    }
}

/// The values of all columns of a file, null where they are not wanted.
fn measure(bytes: &[u8], wanted: &[&str], limits: &Limits) -> std::result::Result<Vec<Value>, Fault> {
    let mut sound = Sound::open(bytes, limits)?;
    let header = sound.header();
    let shape = Shape {
        rate: header.sample_rate,
        channels: usize::from(header.channels),
        bits: header.bit_depth.filter(|_| header.codec.is_lossless()),
    };
    let guarded = catch_unwind(AssertUnwindSafe(|| run(&mut sound, shape, wanted)));
    guarded.unwrap_or_else(|_| Err(Fault::internal("a meter panicked")))
}

fn run(sound: &mut Sound<'_>, shape: Shape, wanted: &[&str]) -> std::result::Result<Vec<Value>, Fault> {
    let is_wanted = |kind: &meter::Kind| kind.columns.iter().any(|column| wanted.contains(&column.name));
    let mut meters: Vec<Option<Box<dyn Meter>>> = KINDS
        .iter()
        .map(|kind| is_wanted(kind).then(|| (kind.make)(shape)))
        .collect();
    let mut mono = Vec::new();
    while let Some(samples) = sound.next_block()? {
        mix(samples.planes(), &mut mono);
        let block = Block { samples, mono: &mono };
        meters.iter_mut().flatten().for_each(|meter| meter.feed(&block));
    }
    if sound.frames() == 0 {
        return Ok(vec![Value::Null; meter::COUNT]);
    }
    let values = KINDS
        .iter()
        .zip(&mut meters)
        .flat_map(|(kind, meter)| match meter {
            Some(meter) => meter.finish(),
            None => vec![Value::Null; kind.columns.len()],
        });
    Ok(values.collect())
}

/// The mean of all channels.
pub(crate) fn mix(planes: &[Vec<f32>], mono: &mut Vec<f32>) {
    mono.clear();
    match planes {
        [one] => mono.extend_from_slice(one),
        [left, right] => mono.extend(left.iter().zip(right).map(|(left, right)| (left + right) * 0.5)),
        [first, rest @ ..] => {
            mono.extend_from_slice(first);
            for plane in rest {
                mono.iter_mut()
                    .zip(plane)
                    .for_each(|(sum, sample)| *sum += sample);
            }
            let scale = 1.0 / planes.len() as f32;
            mono.iter_mut().for_each(|sum| *sum *= scale);
        }
        [] => {}
    }
}

fn columns(rows: &[Option<Vec<Value>>]) -> Vec<ArrayRef> {
    let column = |at: usize| -> ArrayRef {
        let values = rows.iter().map(|row| row.as_ref().map(|row| &row[at]));
        match CARD.outputs[at].kind {
            ColumnType::Text => {
                let texts = values.map(|value| match value {
                    Some(Value::Text(text)) => Some(text.as_str()),
                    _ => None,
                });
                Arc::new(texts.collect::<StringViewArray>())
            }
            _ => {
                let numbers = values.map(|value| match value {
                    Some(Value::Number(number)) => Some(*number),
                    _ => None,
                });
                Arc::new(numbers.collect::<Float64Array>())
            }
        }
    };
    (0..CARD.outputs.len()).map(column).collect()
}
