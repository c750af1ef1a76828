//! Sounds to utterances: stretches of speech of a bearable length.
//!
//! Speech is found as for `audio_speech_segments`. Stretches are joined while the pause between them is at most `gap_ms` and the
//! whole not longer than `max_s`. One that is longer by itself is cut at its quietest place: between the shortest and the longest
//! part, where the mean power over 0.2 s is least; of equal places the later one, so that parts are long. Then `pad_ms` are added
//! on both sides, but no more than half the pause to the next one, and parts shorter than `min_s` are left out. A document
//! without such speech has no parts.
//!
//! A part is written anew, in one channel at 16 kHz unless told otherwise. `audio_start_s` and `audio_end_s` tell where it
//! stands in its parent.
//!
//! Words: with `text: cues` a part has the words that are said in it, as `text` and, with times from its start, as `text_cues`. They are
//! those of the document's `text_cues`, which `edit: subtitles` makes of SubRip and WebVTT; a cue belongs to the part that has more than
//! half of it. Where the document has no cues, or none is said in the part, both are null: the words of the whole are not those of a
//! part. With `text: keep` parts have the text of the whole.
//!
//! Source: Emilia (arXiv:2407.05361): parts of 3 to 30 s, joined over pauses below 2 s; Silero VAD.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryViewArray, Float64Array, builder::StringViewBuilder, cast::AsArray,
};
use gristmill_core::{
    Card, Column, Cost, Fault, Files, Limits, Parts, Result, Setting, Settings, Sort, Splitter, columns,
    media,
};

use super::cues::Cues;
use crate::{
    Samples, Sound,
    edit::{Format, SETTING_BITRATE, SETTING_CHANNELS, prepare::prepare},
    encode,
    facts::{self, FACTS, Facts, rounded},
    meter::{SHAPING, Shape, Speech},
    probe,
    signal::mix,
};

static CARD: Card = Card {
    name: "speech",
    about: "utterances: stretches of speech, joined over short pauses and cut at quiet places where they are too long",
    inputs: &[columns::AUDIO],
    outputs: &[
        columns::AUDIO,
        Column::f64(
            "audio_start_s",
            "where the part starts in the sound that it was cut from, in seconds",
        ),
        Column::f64(
            "audio_end_s",
            "where the part ends in the sound that it was cut from, in seconds",
        ),
        FACTS[0],
        FACTS[1],
        FACTS[2],
        FACTS[3],
        FACTS[4],
        FACTS[5],
        FACTS[6],
        FACTS[7],
    ],
    source: "Emilia, arXiv:2407.05361 (lengths, joining); earshot 1.2 (speech)",
    cost: Cost::Expensive,
    version: 1,
};

/// What is said, with times.
const CUES: Column = Column::text(
    "text_cues",
    "JSON list of start_s, end_s and text; null where the text was no file of subtitles",
);

/// As [`CARD`], with words.
static CUES_CARD: Card = Card {
    name: CARD.name,
    about: CARD.about,
    inputs: &[columns::AUDIO, CUES],
    outputs: &[
        columns::AUDIO,
        CARD.outputs[1],
        CARD.outputs[2],
        FACTS[0],
        FACTS[1],
        FACTS[2],
        FACTS[3],
        FACTS[4],
        FACTS[5],
        FACTS[6],
        FACTS[7],
        columns::TEXT,
        CUES,
    ],
    source: CARD.source,
    cost: Cost::Expensive,
    version: 1,
};

static SETTINGS: [Setting; 9] = [
    Setting {
        name: "min_s",
        sort: Sort::Number {
            default: 3,
            min: 0,
            max: 600,
        },
        about: "shorter parts are left out, in seconds",
    },
    Setting {
        name: "max_s",
        sort: Sort::Number {
            default: 30,
            min: 1,
            max: 3600,
        },
        about: "longest part, in seconds, without what is added on both sides",
    },
    Setting {
        name: "gap_ms",
        sort: Sort::Number {
            default: 2000,
            min: 0,
            max: 60_000,
        },
        about: "longest pause within a part, in thousandths of a second",
    },
    Setting {
        name: "pad_ms",
        sort: Sort::Number {
            default: 100,
            min: 0,
            max: 2000,
        },
        about: "what is added on both sides, in thousandths of a second",
    },
    Setting {
        name: "format",
        sort: Sort::Word(&["flac", "opus", "wav"]),
        about: "format of the parts",
    },
    Setting {
        name: "sample_rate",
        sort: Sort::Word(&[
            "16000", "keep", "8000", "11025", "22050", "24000", "32000", "44100", "48000",
        ]),
        about: "samples of a channel by second",
    },
    Setting {
        name: "channels",
        sort: Sort::Word(&["mono", "keep"]),
        about: SETTING_CHANNELS.about,
    },
    SETTING_BITRATE,
    Setting {
        name: "text",
        sort: Sort::Word(&["keep", "cues"]),
        about: "keep: parts have the text of the whole; cues: what is said in them, by `text_cues` of `edit: subtitles`, else none",
    },
];

/// Cuts by speech; see the module.
#[derive(Debug, Clone)]
pub(super) struct Utterances {
    shortest_s: f64,
    longest_s: f64,
    gap_s: f64,
    pad_s: f64,
    format: Format,
    rate: Option<u32>,
    is_mono: bool,
    has_cues: bool,
}

/// The splitter with its defaults.
pub(super) static SPEECH: Utterances = Utterances {
    shortest_s: 3.0,
    longest_s: 30.0,
    gap_s: 2.0,
    pad_s: 0.1,
    format: Format::Flac,
    rate: Some(16_000),
    is_mono: true,
    has_cues: false,
};

impl Splitter for Utterances {
    fn card(&self) -> &'static Card {
        if self.has_cues { &CUES_CARD } else { &CARD }
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> std::result::Result<Option<&'static dyn Splitter>, String> {
        let format = match settings.word("format") {
            "opus" => Format::Opus {
                bitrate: settings.number(SETTING_BITRATE.name) as u32 * 1000,
            },
            "wav" => Format::Wav,
            _ => Format::Flac,
        };
        let splitter = Utterances {
            shortest_s: settings.number("min_s") as f64,
            longest_s: settings.number("max_s") as f64,
            gap_s: settings.number("gap_ms") as f64 / 1e3,
            pad_s: settings.number("pad_ms") as f64 / 1e3,
            format,
            rate: settings.word("sample_rate").parse().ok(),
            is_mono: settings.word("channels") == "mono",
            has_cues: settings.word("text") == "cues",
        };
        if splitter.shortest_s > splitter.longest_s {
            return Err("min_s is more than max_s".to_owned());
        }
        Ok(Some(Box::leak(Box::new(splitter))))
    }

    fn split(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Parts> {
        let files = Files::of(&inputs[0]);
        let limits = Limits::default();
        let with_files = wanted
            .iter()
            .any(|name| !["audio_start_s", "audio_end_s", columns::TEXT.name, CUES.name].contains(name));
        let cues = self.has_cues.then(|| inputs[1].as_string_view());
        let mut words = StringViewBuilder::new();
        let mut told = StringViewBuilder::new();
        let mut parents = Vec::new();
        let mut parts = Vec::new();
        let mut names = StringViewBuilder::new();
        let mut faults = StringViewBuilder::new();
        for (row, bytes) in files.bytes().enumerate() {
            let Some(bytes) = bytes else {
                faults.append_null();
                continue;
            };
            let found = self.cut(bytes, with_files, &limits);
            faults.append_option(found.as_ref().err().map(Fault::to_string));
            let stem = files.stem(row);
            let cues = cues.filter(|cues| cues.is_valid(row));
            let cues = cues.map_or_else(Cues::default, |cues| Cues::read(cues.value(row)));
            for (number, part) in found.unwrap_or_default().into_iter().enumerate() {
                parents.push(row as u32);
                let ending = part
                    .facts
                    .as_ref()
                    .map_or("flac", |facts| facts.header.extension());
                names.append_option(stem.map(|stem| format!("{stem}_{number}.{ending}")));
                let (said, cut) = cues.of(part.start_s, part.end_s).unzip();
                words.append_option(said);
                told.append_option(cut);
                parts.push(part);
            }
        }
        let bytes: BinaryViewArray = parts.iter().map(|part| Some(&part.bytes)).collect();
        let starts: Float64Array = parts.iter().map(|part| Some(rounded(part.start_s, 3))).collect();
        let ends: Float64Array = parts.iter().map(|part| Some(rounded(part.end_s, 3))).collect();
        let mut columns: Vec<ArrayRef> = vec![media(bytes, names.finish()), Arc::new(starts), Arc::new(ends)];
        let facts: Vec<Option<&Facts>> = parts.iter().map(|part| part.facts.as_ref()).collect();
        columns.extend(facts::arrays(&facts));
        if self.has_cues {
            columns.push(Arc::new(words.finish()));
            columns.push(Arc::new(told.finish()));
        }
        Ok(Parts {
            parents,
            columns,
            faults: faults.finish(),
        })
    }
}

/// A part of a sound.
struct Part {
    bytes: Vec<u8>,
    facts: Option<Facts>,
    start_s: f64,
    end_s: f64,
}

impl Utterances {
    fn cut(&self, bytes: &[u8], with_files: bool, limits: &Limits) -> std::result::Result<Vec<Part>, Fault> {
        let mut sound = Sound::open(bytes, limits)?;
        let original = sound.header().sample_rate;
        let bits = sound
            .header()
            .bit_depth
            .filter(|_| sound.header().codec.is_lossless())
            .unwrap_or(16);
        let rate = match self.format {
            Format::Opus { .. } => Some(encode::opus::RATE),
            _ => self.rate,
        };
        let (samples, rate) = prepare(&mut sound, self.is_mono, rate, limits)?;
        let mut parts = Vec::new();
        for (start_s, end_s) in self.places(&samples, rate) {
            let at = |seconds: f64| ((seconds * f64::from(rate)).round() as usize).min(samples.frames());
            let planes = samples
                .planes()
                .iter()
                .map(|plane| plane[at(start_s)..at(end_s)].to_vec());
            let part = Samples::from_planes(planes.collect());
            let (bytes, facts) = match with_files {
                false => (Vec::new(), None),
                true => {
                    let bytes = encode::file(&part, rate, self.format, bits, original)?;
                    let (header, _) = probe(&bytes, limits)?;
                    let length = bytes.len() as u64;
                    (
                        bytes,
                        Some(Facts {
                            header,
                            bytes: length,
                        }),
                    )
                }
            };
            parts.push(Part {
                bytes,
                facts,
                start_s,
                end_s,
            });
        }
        Ok(parts)
    }

    /// Where parts start and end, in seconds.
    fn places(&self, samples: &Samples, rate: u32) -> Vec<(f64, f64)> {
        let mut speech = Speech::new(Shape {
            rate,
            channels: 1,
            bits: None,
        });
        let mut mono = Vec::new();
        mix(samples.planes(), &mut mono);
        speech.push(&mono);
        speech.end();
        // What is added on both sides is added at the end.
        let found = speech.segments(&crate::meter::Shaping {
            pad_s: 0.0,
            ..SHAPING
        });
        let mut joined: Vec<(f64, f64)> = Vec::new();
        for (start, end) in found {
            match joined.last_mut() {
                Some(before) if start - before.1 <= self.gap_s && end - before.0 <= self.longest_s => {
                    before.1 = end;
                }
                _ => joined.push((start, end)),
            }
        }
        let mut parts = Vec::new();
        for (mut start, end) in joined {
            while end - start > self.longest_s {
                let cut = quietest(&speech, start, end, self.shortest_s, self.longest_s);
                parts.push((start, cut));
                start = cut;
            }
            parts.push((start, end));
        }
        let seconds = samples.frames() as f64 / f64::from(rate);
        let room = |at: usize| -> (f64, f64) {
            let before = if at == 0 {
                parts[at].0
            } else {
                (parts[at].0 - parts[at - 1].1) / 2.0
            };
            let after = parts
                .get(at + 1)
                .map_or(seconds - parts[at].1, |next| (next.0 - parts[at].1) / 2.0);
            (before.clamp(0.0, self.pad_s), after.clamp(0.0, self.pad_s))
        };
        let padded = parts.iter().enumerate().map(|(at, (start, end))| {
            let (before, after) = room(at);
            (start - before, end + after)
        });
        padded
            .filter(|(start, end)| end - start >= self.shortest_s)
            .collect()
    }
}

/// The quietest place at which a stretch that is too long may be cut.
fn quietest(speech: &Speech, start: f64, end: f64, shortest: f64, longest: f64) -> f64 {
    const AROUND: usize = 6;
    let frame = Speech::FRAME_S;
    // Neither part becomes too short, if that can be.
    let latest = (start + longest).min((end - shortest).max(start + longest / 2.0));
    let earliest = (start + shortest.max(longest / 2.0)).min(latest);
    let powers = speech.powers();
    let places = (earliest / frame).ceil() as usize..=(latest / frame).floor() as usize;
    let power = |at: usize| {
        let around = at.saturating_sub(AROUND)..(at + AROUND + 1).min(powers.len());
        powers[around.clone()].iter().sum::<f32>() / around.len().max(1) as f32
    };
    let found = places.rev().min_by(|a, b| power(*a).total_cmp(&power(*b)));
    found.map_or(latest, |at| at as f64 * frame)
}
