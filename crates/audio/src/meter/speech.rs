//! Speech: where it is, how much of the sound, and how far above the noise.
//!
//! The mean of all channels at 16 kHz goes through the network of the crate `earshot`, which tells every 16 ms how likely there
//! is speech. Speech begins at 0.5 and ends below 0.35; pauses below 100 ms are bridged, stretches below 250 ms are left
//! out, and 30 ms are added on both sides.
//!
//! - `audio_speech_share`: seconds of speech by all seconds.
//! - `audio_speech_segments`: a JSON array of `[start, end]` in seconds, to the millisecond.
//! - `audio_snr_db`: signal-to-noise ratio by energies: the noise is the median power of 16 ms frames without speech (where
//!   they are less than 0.25 s, the mean power of the quietest tenth of all frames); the signal is the mean power of frames of
//!   speech less the noise. From -10 to 100: pauses of digital silence give up to that. Null where there is no speech.
//!
//! Source: earshot 1.2; Silero VAD's defaults for the durations.

use earshot::{DefaultPredictor, Detector};
use gristmill_core::Column;

use super::{Block, Kind, Meter, Shape, Value};
use crate::{
    dsp::resample::{FAST, Resampler},
    facts::rounded,
};

pub(super) const COLUMNS: [Column; 3] = [
    Column::f64("audio_speech_share", "share of the sound that is speech, 0 to 1"),
    Column::text(
        "audio_speech_segments",
        "where there is speech: a JSON array of [start, end] in seconds",
    ),
    Column::f64(
        "audio_snr_db",
        "power of speech above that of the pauses, in dB, -10 to 100; null where there is no speech",
    ),
];

pub(super) const KIND: Kind = Kind {
    columns: &COLUMNS,
    make: |shape| Box::new(Speech::new(shape)),
};

/// The rate that the network is made for.
const RATE: u32 = 16_000;
/// Samples of a frame.
const FRAME: usize = 256;
/// Frames without speech that suffice to tell the noise: 0.25 s.
const PAUSES: usize = 16;
const FRAME_S: f64 = FRAME as f64 / RATE as f64;

/// Durations and bounds of stretches of speech.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shaping {
    pub(crate) begins_at: f32,
    pub(crate) ends_below: f32,
    pub(crate) shortest_s: f64,
    pub(crate) bridged_s: f64,
    pub(crate) pad_s: f64,
}

/// Those of the module.
pub(crate) const SHAPING: Shaping = Shaping {
    begins_at: 0.5,
    ends_below: 0.35,
    shortest_s: 0.25,
    bridged_s: 0.1,
    pad_s: 0.03,
};

/// Detects speech; also for splitters.
pub(crate) struct Speech {
    rate: u32,
    resampler: Option<Resampler>,
    detector: Box<Detector<DefaultPredictor>>,
    held: Vec<f32>,
    frames: u64,
    /// Of each frame how likely it is speech, and its power.
    scores: Vec<f32>,
    powers: Vec<f32>,
}

impl Speech {
    /// Seconds of a frame.
    pub(crate) const FRAME_S: f64 = FRAME_S;

    pub(crate) fn new(shape: Shape) -> Speech {
        Speech {
            rate: shape.rate,
            resampler: (shape.rate != RATE).then(|| Resampler::new(shape.rate, RATE, FAST)),
            detector: Box::new(Detector::new(DefaultPredictor::new())),
            held: Vec::new(),
            frames: 0,
            scores: Vec::new(),
            powers: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, mono: &[f32]) {
        self.frames += mono.len() as u64;
        match &mut self.resampler {
            Some(resampler) => resampler.push(mono, &mut self.held),
            None => self.held.extend_from_slice(mono),
        }
        self.run();
    }

    fn run(&mut self) {
        let (frames, _) = self.held.as_chunks::<FRAME>();
        for frame in frames {
            // The network expects full scale at most.
            let frame = frame.map(|sample| sample.clamp(-1.0, 1.0));
            self.scores.push(self.detector.predict_f32(&frame));
            let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / FRAME as f32;
            self.powers.push(power);
        }
        let done = frames.len() * FRAME;
        self.held.drain(..done);
    }

    /// Ends the sound: what is not a whole frame becomes one.
    pub(crate) fn end(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(&mut self.held);
        }
        self.run();
        if !self.held.is_empty() {
            self.held.resize(FRAME, 0.0);
            self.run();
        }
    }

    /// Seconds of the sound.
    fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate)
    }

    /// Where there is speech, in seconds.
    pub(crate) fn segments(&self, shaping: &Shaping) -> Vec<(f64, f64)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        let mut open = None;
        let bridged = (shaping.bridged_s / FRAME_S).round() as usize;
        for (at, &score) in self.scores.iter().enumerate() {
            match open {
                None if score >= shaping.begins_at => open = Some(at),
                Some(start) if score < shaping.ends_below => {
                    join(&mut found, (start, at), bridged);
                    open = None;
                }
                _ => {}
            }
        }
        if let Some(start) = open {
            join(&mut found, (start, self.scores.len()), bridged);
        }
        let seconds = self.seconds();
        let long = found
            .into_iter()
            .filter(|(start, end)| (end - start) as f64 * FRAME_S >= shaping.shortest_s);
        let mut padded: Vec<(f64, f64)> = Vec::new();
        for (start, end) in long {
            let start = (start as f64 * FRAME_S - shaping.pad_s).max(0.0);
            let end = (end as f64 * FRAME_S + shaping.pad_s).min(seconds);
            match padded.last_mut() {
                Some(before) if start <= before.1 => before.1 = end,
                _ => padded.push((start, end)),
            }
        }
        padded
    }

    /// The power of each frame, 16 ms long.
    pub(crate) fn powers(&self) -> &[f32] {
        &self.powers
    }

    fn snr(&self, segments: &[(f64, f64)]) -> Option<f64> {
        let ranges: Vec<_> = segments
            .iter()
            .map(|(start, end)| {
                (start / FRAME_S) as usize..((end / FRAME_S).ceil() as usize).min(self.powers.len())
            })
            .collect();
        let mut is_speech = vec![false; self.powers.len()];
        ranges
            .iter()
            .for_each(|range| is_speech[range.clone()].fill(true));
        let of = |speech: bool| {
            let pairs = self.powers.iter().zip(&is_speech);
            pairs
                .filter(move |(_, is_speech)| **is_speech == speech)
                .map(|(power, _)| *power)
        };
        let speech: Vec<f32> = of(true).collect();
        if speech.is_empty() {
            return None;
        }
        let mut pauses: Vec<f32> = of(false).collect();
        let noise = if pauses.len() >= PAUSES {
            pauses.sort_by(f32::total_cmp);
            f64::from(pauses[pauses.len() / 2])
        } else {
            let mut all = self.powers.clone();
            all.sort_by(f32::total_cmp);
            mean(&all[..all.len().div_ceil(10)])
        };
        let signal = mean(&speech) - noise;
        let ratio = 10.0 * (signal.max(1e-12) / noise.max(1e-12)).log10();
        Some(ratio.clamp(-10.0, 100.0))
    }
}

fn mean(powers: &[f32]) -> f64 {
    powers.iter().map(|power| f64::from(*power)).sum::<f64>() / powers.len() as f64
}

/// Adds a stretch, or makes the last one longer where the pause before it is short.
fn join(found: &mut Vec<(usize, usize)>, stretch: (usize, usize), bridged: usize) {
    match found.last_mut() {
        Some(before) if stretch.0 - before.1 < bridged => before.1 = stretch.1,
        _ => found.push(stretch),
    }
}

impl Meter for Speech {
    fn feed(&mut self, block: &Block<'_>) {
        self.push(block.mono);
    }

    fn finish(&mut self) -> Vec<Value> {
        self.end();
        let segments = self.segments(&SHAPING);
        let speech: f64 = segments.iter().map(|(start, end)| end - start).sum();
        let listed: Vec<[f64; 2]> = segments
            .iter()
            .map(|(start, end)| [rounded(*start, 3), rounded(*end, 3)])
            .collect();
        vec![
            Value::rounded(speech / self.seconds(), 4),
            Value::Text(serde_json::to_string(&listed).unwrap_or_default()),
            self.snr(&segments)
                .map_or(Value::Null, |snr| Value::rounded(snr, 1)),
        ]
    }
}
