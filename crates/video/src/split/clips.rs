//! Clips of a video, by its shots or of one length.
//!
//! - `by: shots`: each shot of the content detector (`video_shots`) is a clip; one longer than `max_s` is cut into equal parts, one
//!   shorter than `min_s` is left out.
//! - `by: stride`: a clip every `stride_s` seconds; the last one is shorter, and left out if it is shorter than `min_s`.
//! - `how: copy`: a clip is an MP4 of its own, into which samples are copied from the key frame before on; nothing is decoded, and an
//!   edit list hides what precedes the clip. Sound goes with it where MP4 has a place for its codec. A video that cannot be copied so (its codec
//!   has no place in MP4, it is encrypted) has a fault.
//! - `how: reference`: a clip has its times and facts, and no bytes.
//!
//! `video_start_s` and `video_end_s` are times of the parent. A video without a clip has no parts.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array,
    builder::{BinaryViewBuilder, StringViewBuilder},
    cast::AsArray,
};
use gristmill_core::{
    Card, Column, Cost, Fault, Files, Limits, Parts, Result, Setting, Settings, Sort, Splitter, columns,
    media,
};

use super::{
    cut,
    spans::{Span, of_shots, of_stride},
};
use crate::{
    Film, Probe,
    extract::{FACTS, facts},
    measure::CONTENT,
    read::read,
};

const OUTPUTS: [Column; 21] = [
    columns::VIDEO,
    Column::f64(
        "video_start_s",
        "where the clip starts in the video that it is of, in seconds",
    ),
    Column::f64(
        "video_end_s",
        "where the clip ends in the video that it is of, in seconds",
    ),
    FACTS[0],
    FACTS[1],
    FACTS[2],
    FACTS[3],
    FACTS[4],
    FACTS[5],
    FACTS[6],
    FACTS[7],
    FACTS[8],
    FACTS[9],
    FACTS[10],
    FACTS[11],
    FACTS[12],
    FACTS[13],
    FACTS[14],
    FACTS[15],
    FACTS[16],
    FACTS[17],
];

static SHOTS_CARD: Card = Card {
    name: "clips",
    about: "clips of videos, by their shots or of one length",
    inputs: &[columns::VIDEO, columns::ID, CONTENT[4]],
    outputs: &OUTPUTS,
    source: "Panda-70M and NeMo Curator for lengths; ISO/IEC 14496-12",
    cost: Cost::Expensive,
    version: 1,
};

static STRIDE_CARD: Card = Card {
    name: "clips",
    about: SHOTS_CARD.about,
    inputs: &[columns::VIDEO, columns::ID],
    outputs: &OUTPUTS,
    source: SHOTS_CARD.source,
    cost: Cost::Expensive,
    version: 1,
};

static SETTINGS: [Setting; 5] = [
    Setting {
        name: "by",
        sort: Sort::Word(&["shots", "stride"]),
        about: "shots: a clip is a shot; stride: a clip every `stride_s` seconds",
    },
    Setting {
        name: "min_s",
        sort: Sort::Number {
            default: 2,
            min: 0,
            max: 3600,
        },
        about: "shortest clip, in seconds",
    },
    Setting {
        name: "max_s",
        sort: Sort::Number {
            default: 60,
            min: 1,
            max: 86_400,
        },
        about: "longest clip, in seconds; longer shots are cut into equal parts",
    },
    Setting {
        name: "stride_s",
        sort: Sort::Number {
            default: 10,
            min: 1,
            max: 86_400,
        },
        about: "length of clips by stride, in seconds",
    },
    Setting {
        name: "how",
        sort: Sort::Word(&["copy", "reference"]),
        about: "copy: an MP4 a clip, without decoding; reference: times alone",
    },
];

/// Cuts videos; see the module.
#[derive(Debug, Clone)]
pub(super) struct Clips {
    is_by_shots: bool,
    least_s: f64,
    most_s: f64,
    stride_s: f64,
    is_copied: bool,
}

/// As it is without settings.
pub(super) static BY_SHOTS: Clips = Clips {
    is_by_shots: true,
    least_s: 2.0,
    most_s: 60.0,
    stride_s: 10.0,
    is_copied: true,
};

impl Splitter for Clips {
    fn card(&self) -> &'static Card {
        if self.is_by_shots {
            &SHOTS_CARD
        } else {
            &STRIDE_CARD
        }
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> std::result::Result<Option<&'static dyn Splitter>, String> {
        let seconds = |name: &str| settings.number(name) as f64;
        let clips = Clips {
            is_by_shots: settings.word("by") == "shots",
            least_s: seconds("min_s"),
            most_s: seconds("max_s"),
            stride_s: seconds("stride_s"),
            is_copied: settings.word("how") == "copy",
        };
        if clips.is_by_shots && clips.least_s > clips.most_s {
            return Err(format!(
                "min_s of {} exceeds max_s of {}",
                clips.least_s, clips.most_s
            ));
        }
        Ok(Some(Box::leak(Box::new(clips))))
    }

    fn split(&self, inputs: &[ArrayRef], _: &[&str]) -> Result<Parts> {
        let ids = inputs[1].as_string_view();
        let shots = self.is_by_shots.then(|| inputs[2].as_string_view());
        let limits = Limits::default();
        let mut faults = StringViewBuilder::new();
        let mut made = Made::default();
        for (row, file) in Files::of(&inputs[0]).bytes().enumerate() {
            let shots = shots.and_then(|shots| shots.is_valid(row).then(|| shots.value(row)));
            let id = if ids.is_valid(row) { ids.value(row) } else { "" };
            let clips = file.map_or(Ok(Vec::new()), |file| self.clips(file, shots, &limits));
            faults.append_option(clips.as_ref().err().map(Fault::to_string));
            for (number, clip) in clips.unwrap_or_default().into_iter().enumerate() {
                made.push(row as u32, format!("{id}-{number}.mp4"), clip);
            }
        }
        Ok(made.finish(faults.finish()))
    }
}

/// How many times the bytes of a file its clips may have together, and how many more.
const COPIES: usize = 2;
const SPARE: usize = 64 << 20;

/// A clip: where it is, its bytes if it has some, and what is known of it.
struct Clip {
    span: Span,
    bytes: Option<Vec<u8>>,
    probe: Probe,
}

impl Clips {
    fn clips(
        &self,
        file: &[u8],
        shots: Option<&str>,
        limits: &Limits,
    ) -> std::result::Result<Vec<Clip>, Fault> {
        let film = read(file, limits)?;
        let spans = if self.is_by_shots {
            let shots: Vec<Span> = shots
                .and_then(|shots| serde_json::from_str::<Vec<[f64; 2]>>(shots).ok())
                .unwrap_or_default()
                .into_iter()
                .map(|[from, to]| (from, to))
                .collect();
            of_shots(&shots, self.least_s, self.most_s)
        } else {
            let track = film
                .video()
                .ok_or_else(|| Fault::unsupported("no pictures to cut"))?;
            let span = track
                .span()
                .map(|(from, to)| (track.tick.seconds(from), track.tick.seconds(to)));
            span.map_or(Vec::new(), |span| of_stride(span, self.stride_s, self.least_s))
        };
        let whole = Probe::of(&film)?;
        // Each clip begins at the key frame before it: with few key frames much is copied again and again.
        let most = file.len().saturating_mul(COPIES).saturating_add(SPARE);
        let mut copied = 0;
        spans
            .into_iter()
            .map(|span| {
                if self.is_copied {
                    let bytes = cut(&film, span.0, span.1)?;
                    copied += bytes.len();
                    if copied > most {
                        return Err(Fault::limit(format!(
                            "clips of more than {most} bytes: too few key frames"
                        )));
                    }
                    let probe = Probe::of(&read(&bytes, limits)?)?;
                    Ok(Clip {
                        span,
                        bytes: Some(bytes),
                        probe,
                    })
                } else {
                    Ok(Clip {
                        span,
                        bytes: None,
                        probe: of_span(&film, &whole, span),
                    })
                }
            })
            .collect()
    }
}

/// What is known of a part of a film.
fn of_span(film: &Film<'_>, whole: &Probe, (from, to): Span) -> Probe {
    let is_within = |time: f64| time >= from - 1e-6 && time < to - 1e-6;
    let frames = film.video().map_or(0, |track| {
        let shown = track.samples.iter().filter(|sample| sample.is_shown);
        shown.filter(|sample| is_within(track.seconds(sample))).count()
    });
    Probe {
        duration_s: Some(to - from),
        frame_count: frames as u32,
        keyframes_s: whole
            .keyframes_s
            .iter()
            .copied()
            .filter(|time| is_within(*time))
            .collect(),
        bitrate_bps: None,
        ..whole.clone()
    }
}

/// Parts as they are made.
#[derive(Default)]
struct Made {
    parents: Vec<u32>,
    bytes: BinaryViewBuilder,
    paths: StringViewBuilder,
    spans: Vec<Span>,
    probes: Vec<Probe>,
    lengths: Vec<u64>,
}

impl Made {
    fn push(&mut self, parent: u32, path: String, clip: Clip) {
        self.parents.push(parent);
        self.lengths
            .push(clip.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64));
        self.paths.append_option(clip.bytes.is_some().then_some(path));
        self.bytes.append_option(clip.bytes);
        self.spans.push(clip.span);
        self.probes.push(clip.probe);
    }

    fn finish(mut self, faults: arrow_array::StringViewArray) -> Parts {
        let clips: ArrayRef = media(self.bytes.finish(), self.paths.finish());
        let starts: Float64Array = self.spans.iter().map(|span| Some(span.0)).collect();
        let ends: Float64Array = self.spans.iter().map(|span| Some(span.1)).collect();
        let probes: Vec<Option<&Probe>> = self.probes.iter().map(Some).collect();
        let mut columns = vec![clips, Arc::new(starts) as ArrayRef, Arc::new(ends)];
        columns.extend(facts(&probes, &self.lengths));
        Parts {
            parents: self.parents,
            columns,
            faults,
        }
    }
}
