//! The edit `transcode` of recipes, with its settings.
//!
//! Files are written anew where they must be, see [`Transcode`]; others keep their bytes. What is known of a file that was
//! written anew is known of the new one: duration, rate, format and the like replace those of the old one, and signals are
//! computed again where a rule asks for them. Tags, chapters and cover stay what they were of the file that was read. A file
//! that cannot be written has the fault of that.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Float64Array, StringViewArray, UInt16Array, UInt32Array, UInt64Array,
    cast::AsArray,
    types::{Float64Type, UInt16Type, UInt32Type, UInt64Type},
};
use arrow_schema::DataType;
use gristmill_core::{Card, Cost, Edit, Fault, Files, Limits, Result, Setting, Settings, Sort, columns};

use super::{Format, Transcode};
use crate::{
    facts::{self, FACTS, Facts},
    probe,
};

static CARD: Card = Card {
    name: "transcode",
    about: "sounds in other channels, at another rate, of another loudness, without silence at their ends, in another format",
    inputs: &[
        columns::AUDIO,
        FACTS[0],
        FACTS[1],
        FACTS[2],
        FACTS[3],
        FACTS[4],
        FACTS[5],
        FACTS[6],
        FACTS[7],
    ],
    outputs: &[
        columns::AUDIO,
        FACTS[0],
        FACTS[1],
        FACTS[2],
        FACTS[3],
        FACTS[4],
        FACTS[5],
        FACTS[6],
        FACTS[7],
        columns::FAULT,
    ],
    source: "ITU-R BS.1770-4 (loudness); RFC 9639 (FLAC); RFC 6716 and 7845 (Opus)",
    cost: Cost::Expensive,
    version: 1,
};

pub(crate) const CHANNELS: Setting = Setting {
    name: "channels",
    sort: Sort::Word(&["keep", "mono"]),
    about: "mono: all channels become their mean",
};
pub(crate) const SAMPLE_RATE: Setting = Setting {
    name: "sample_rate",
    sort: Sort::Word(&[
        "keep", "8000", "11025", "16000", "22050", "24000", "32000", "44100", "48000",
    ]),
    about: "samples of a channel by second",
};
pub(crate) const BITRATE: Setting = Setting {
    name: "bitrate_kbps",
    sort: Sort::Number {
        default: 64,
        min: 6,
        max: 510,
    },
    about: "thousands of bits a second of Opus",
};

static SETTINGS: [Setting; 6] = [
    CHANNELS,
    SAMPLE_RATE,
    Setting {
        name: "loudness_lufs",
        sort: Sort::Word(&[
            "keep", "-9", "-11", "-14", "-16", "-18", "-19", "-20", "-22", "-23", "-24", "-25", "-26", "-27",
            "-31",
        ]),
        about: "integrated loudness; none gets a true peak above -1 dBTP for it",
    },
    Setting {
        name: "trim",
        sort: Sort::Word(&["keep", "silence"]),
        about: "silence: at both ends at most 100 ms below -60 dB of full scale stay",
    },
    Setting {
        name: "format",
        sort: Sort::Word(&["keep", "flac", "opus", "wav"]),
        about: "format of files; with keep, those that change otherwise become FLAC, the others stay",
    },
    BITRATE,
];

/// The edit of a recipe; see the module.
#[derive(Debug, Clone)]
pub(crate) struct Rewrite(Transcode);

/// The edit with its defaults, which changes nothing.
pub(crate) static TRANSCODE: Rewrite = Rewrite(Transcode {
    is_mono: false,
    rate: None,
    loudness: None,
    is_trimmed: false,
    format: None,
});

/// The format that a setting names.
pub(crate) fn format(settings: &Settings) -> Option<Format> {
    match settings.word("format") {
        "flac" => Some(Format::Flac),
        "opus" => Some(Format::Opus {
            bitrate: settings.number(BITRATE.name) as u32 * 1000,
        }),
        "wav" => Some(Format::Wav),
        _ => None,
    }
}

impl Edit for Rewrite {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> std::result::Result<Option<&'static dyn Edit>, String> {
        let transcode = Transcode {
            is_mono: settings.word(CHANNELS.name) == "mono",
            rate: settings.word(SAMPLE_RATE.name).parse().ok(),
            loudness: settings.word("loudness_lufs").parse().ok(),
            is_trimmed: settings.word("trim") == "silence",
            format: format(settings),
        };
        match transcode.problem() {
            Some(problem) => Err(problem),
            None => Ok(Some(Box::leak(Box::new(Rewrite(transcode))))),
        }
    }

    /// As on the card; a row whose file cannot be written keeps it and gets a fault.
    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let files = Files::of(&inputs[0]);
        let limits = Limits::default();
        let rows: Vec<Option<std::result::Result<Written, Fault>>> = files
            .bytes()
            .map(|bytes| self.rewrite(bytes?, &limits).transpose())
            .collect();
        let written = || rows.iter().map(|row| row.as_ref()?.as_ref().ok());
        let changes = written().map(|written| {
            let written = written?;
            Some((&written.bytes[..], written.facts.header.extension()))
        });
        let mut outputs = vec![files.with(changes)];
        let facts: Vec<Option<&Facts>> = written().map(|written| Some(&written?.facts)).collect();
        let new = facts::arrays(&facts);
        let is_new: Vec<bool> = facts.iter().map(Option::is_some).collect();
        outputs.extend(
            new.iter()
                .zip(&inputs[1..])
                .map(|(new, old)| either(&is_new, new, old)),
        );
        let faults: StringViewArray = rows
            .iter()
            .map(|row| match row {
                Some(Err(fault)) => Some(fault.to_string()),
                _ => None,
            })
            .collect();
        outputs.push(Arc::new(faults));
        Ok(outputs)
    }
}

impl Rewrite {
    /// The file that takes the place of this one, if another has to.
    fn rewrite(&self, bytes: &[u8], limits: &Limits) -> std::result::Result<Option<Written>, Fault> {
        let Some(bytes) = self.0.apply(bytes, limits)? else {
            return Ok(None);
        };
        let (header, _) = probe(&bytes, limits)?;
        let facts = Facts {
            header,
            bytes: bytes.len() as u64,
        };
        Ok(Some(Written { bytes, facts }))
    }
}

/// A file that was written anew.
struct Written {
    bytes: Vec<u8>,
    facts: Facts,
}

/// The rows of one array or the other.
fn either(is_new: &[bool], new: &ArrayRef, old: &ArrayRef) -> ArrayRef {
    macro_rules! chosen {
        ($array:ident, $of:expr) => {{
            let of = $of;
            let (new, old) = (of(new), of(old));
            let rows = is_new.iter().zip(new.iter().zip(old));
            Arc::new(
                rows.map(|(is_new, (new, old))| if *is_new { new } else { old })
                    .collect::<$array>(),
            )
        }};
    }
    match new.data_type() {
        DataType::Float64 => chosen!(Float64Array, ArrayRef::as_primitive::<Float64Type>),
        DataType::UInt16 => chosen!(UInt16Array, ArrayRef::as_primitive::<UInt16Type>),
        DataType::UInt32 => chosen!(UInt32Array, ArrayRef::as_primitive::<UInt32Type>),
        DataType::UInt64 => chosen!(UInt64Array, ArrayRef::as_primitive::<UInt64Type>),
        _ => chosen!(StringViewArray, ArrayRef::as_string_view),
    }
}
