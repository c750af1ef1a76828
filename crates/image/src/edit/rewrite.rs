//! The edits of images by their names in recipes, with their settings.
//!
//! `resize` and `encode` write files anew where they must; others keep their bytes. What is known of a file that was
//! written anew is known of the new one: its size, format and the like replace those of the old one, and signals are
//! computed again where a rule asks for them. `image_is_truncated` stays: what is missing of a picture is missing of what is
//! made of it. A file that cannot be written has the fault of that.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, StringViewArray, UInt16Array, UInt32Array, UInt64Array,
    builder::StringViewBuilder,
    cast::AsArray,
    types::{Float64Type, UInt16Type, UInt32Type, UInt64Type},
};
use gristmill_core::{Card, Cost, Edit, Fault, Files, Limits, Result, Setting, Settings, Sort, columns};

use super::{Encode, Encoding, ExifPolicy, Filter, Resize, ResizeMode};
use crate::{
    Header, ImageFormat,
    extract::{exif_json, raster::MEASURES},
    probe,
};

static RESIZE_CARD: Card = Card {
    name: "resize",
    about: "images of another size, and files in the format that is asked for",
    inputs: &[
        columns::IMAGE,
        MEASURES[0],
        MEASURES[1],
        MEASURES[2],
        MEASURES[3],
        MEASURES[4],
        MEASURES[5],
        MEASURES[6],
        MEASURES[7],
        MEASURES[8],
        MEASURES[9],
        MEASURES[10],
        MEASURES[11],
        MEASURES[12],
        MEASURES[13],
    ],
    outputs: &[
        columns::IMAGE,
        MEASURES[0],
        MEASURES[1],
        MEASURES[2],
        MEASURES[3],
        MEASURES[4],
        MEASURES[5],
        MEASURES[6],
        MEASURES[7],
        MEASURES[8],
        MEASURES[9],
        MEASURES[10],
        MEASURES[11],
        MEASURES[12],
        MEASURES[13],
        columns::FAULT,
    ],
    source: "img2dataset's resizer (modes); Lanczos resampling",
    cost: Cost::Expensive,
    version: 2,
};

static ENCODE_CARD: Card = Card {
    name: "encode",
    about: "images in another format, of the same size",
    source: "ISO 10918, PNG, WebP, AVIF",
    inputs: RESIZE_CARD.inputs,
    outputs: RESIZE_CARD.outputs,
    cost: Cost::Expensive,
    version: 2,
};

const FORMAT: Setting = Setting {
    name: "format",
    sort: Sort::Word(&["jpeg", "webp", "webp_lossless", "png", "avif"]),
    about: "format of files that are written anew",
};
const QUALITY: Setting = Setting {
    name: "quality",
    sort: Sort::Number {
        default: 95,
        min: 1,
        max: 100,
    },
    about: "quality of JPEG, lossy WebP and AVIF",
};
const EXIF: Setting = Setting {
    name: "exif",
    sort: Sort::Word(&["strip", "keep"]),
    about: "whether EXIF goes, or stays without place, maker notes and preview",
};

static RESIZE_SETTINGS: [Setting; 7] = [
    Setting {
        name: "mode",
        sort: Sort::Word(&["keep_ratio", "keep_ratio_largest", "center_crop", "border", "no"]),
        about: "keep_ratio: the shorter side gets `size`; keep_ratio_largest: the longer side; center_crop: a square from the middle; border: a square with white around; no: nothing changes",
    },
    Setting {
        name: "size",
        sort: Sort::Number {
            default: 256,
            min: 1,
            max: 16_384,
        },
        about: "side in pixels",
    },
    Setting {
        name: "only_if_bigger",
        sort: Sort::Word(&["false", "true"]),
        about: "whether smaller images stay as they are",
    },
    Setting {
        name: "filter",
        sort: Sort::Word(&["area", "lanczos3", "bicubic", "bilinear"]),
        about: "how pixels are weighed where an image becomes smaller",
    },
    FORMAT,
    QUALITY,
    EXIF,
];

static ENCODE_SETTINGS: [Setting; 3] = [FORMAT, QUALITY, EXIF];

/// What is done to a file.
#[derive(Debug, Clone)]
enum Verb {
    Resize(Resize),
    Encode(Encode),
}

/// An edit of a recipe; see the module.
#[derive(Debug, Clone)]
pub(crate) struct Rewrite {
    card: &'static Card,
    settings: &'static [Setting],
    verb: Verb,
}

const DEFAULT: Encode = Encode {
    encoding: Encoding::Jpeg { quality: 95 },
    exif: ExifPolicy::Strip,
    background: [255; 3],
    only_if_needed: true,
};

/// Resizing, with its defaults.
pub(crate) static RESIZE: Rewrite = Rewrite {
    card: &RESIZE_CARD,
    settings: &RESIZE_SETTINGS,
    verb: Verb::Resize(Resize {
        mode: ResizeMode::KeepRatio,
        side: 256,
        only_if_bigger: false,
        filter: Filter::Area,
        encode: DEFAULT,
    }),
};

/// Encoding, with its defaults.
pub(crate) static ENCODE: Rewrite = Rewrite {
    card: &ENCODE_CARD,
    settings: &ENCODE_SETTINGS,
    verb: Verb::Encode(DEFAULT),
};

fn encode(settings: &Settings) -> Encode {
    let quality = settings.number("quality") as u8;
    Encode {
        encoding: match settings.word("format") {
            "webp" => Encoding::Webp { quality },
            "webp_lossless" => Encoding::WebpLossless,
            "png" => Encoding::Png { compression: 6 },
            "avif" => Encoding::Avif { quality, speed: 6 },
            _ => Encoding::Jpeg { quality },
        },
        exif: match settings.word("exif") {
            "keep" => ExifPolicy::Keep,
            _ => ExifPolicy::Strip,
        },
        ..DEFAULT
    }
}

impl Edit for Rewrite {
    fn card(&self) -> &'static Card {
        self.card
    }

    fn settings(&self) -> &'static [Setting] {
        self.settings
    }

    fn with(&self, settings: &Settings) -> std::result::Result<Option<&'static dyn Edit>, String> {
        let encode = encode(settings);
        let verb = match self.verb {
            Verb::Encode(_) => Verb::Encode(encode),
            Verb::Resize(_) => Verb::Resize(Resize {
                mode: match settings.word("mode") {
                    "keep_ratio_largest" => ResizeMode::KeepRatioLargest,
                    "center_crop" => ResizeMode::CenterCrop,
                    "border" => ResizeMode::Border,
                    "no" => ResizeMode::No,
                    _ => ResizeMode::KeepRatio,
                },
                side: settings.number("size") as u32,
                only_if_bigger: settings.word("only_if_bigger") == "true",
                filter: match settings.word("filter") {
                    "lanczos3" => Filter::Lanczos3,
                    "bicubic" => Filter::Bicubic,
                    "bilinear" => Filter::Bilinear,
                    _ => Filter::Area,
                },
                encode,
            }),
        };
        let problem = match &verb {
            Verb::Encode(encode) => encode.problem(),
            Verb::Resize(resize) => resize.problem(),
        };
        match problem {
            Some(problem) => Err(problem),
            None => Ok(Some(Box::leak(Box::new(Rewrite { verb, ..self.clone() })))),
        }
    }

    /// As on the card; a row whose file cannot be written keeps it and gets a fault.
    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let files = Files::of(&inputs[0]);
        let limits = Limits::default();
        let rows: Vec<Option<std::result::Result<Written, Fault>>> = files
            .bytes()
            .map(|bytes| {
                let bytes = bytes?;
                let rewritten = catch_unwind(AssertUnwindSafe(|| self.rewrite(bytes, &limits)));
                rewritten
                    .unwrap_or_else(|_| Err(Fault::internal("writing the file anew panicked")))
                    .transpose()
            })
            .collect();
        let written = || rows.iter().map(|row| row.as_ref()?.as_ref().ok());
        let image = files.with(written().map(|written| {
            let written = written?;
            Some((&written.bytes[..], written.header.format.extension()))
        }));
        let faults: StringViewArray = rows
            .iter()
            .map(|row| match row {
                Some(Err(fault)) => Some(fault.to_string()),
                _ => None,
            })
            .collect();
        let rows = Rows {
            inputs,
            written: written().collect(),
        };
        Ok(vec![
            image,
            rows.u32(1, |written| written.header.upright().0),
            rows.u32(2, |written| written.header.upright().1),
            rows.f64(3, Written::aspect),
            rows.u64(4, Written::pixels),
            rows.text(5, |written| written.header.format.name()),
            rows.text(6, |written| written.header.mode.name()),
            rows.u16(7, |written| u16::from(written.header.bit_depth)),
            rows.u32(8, |written| written.header.frames),
            rows.u64(9, |written| written.bytes.len() as u64),
            rows.f64(10, |written| written.bytes.len() as f64 / written.pixels() as f64),
            rows.u16(11, |written| u16::from(written.header.orientation.exif())),
            rows.bool(12, |written, before| match written.header.format {
                // JPEG has no opacity; other formats keep what there was.
                ImageFormat::Jpeg => Some(false),
                _ => before,
            }),
            rows.bool(13, |written, _| Some(written.header.icc.is_some())),
            rows.exif(14),
            Arc::new(faults),
        ])
    }
}

impl Rewrite {
    /// The file that takes the place of this one, if another has to.
    fn rewrite(&self, bytes: &[u8], limits: &Limits) -> std::result::Result<Option<Written>, Fault> {
        let written = match &self.verb {
            Verb::Resize(resize) => resize.apply(bytes, limits)?,
            Verb::Encode(encode) => encode.apply(bytes, limits)?,
        };
        let Some(bytes) = written else {
            return Ok(None);
        };
        let header = probe(&bytes, limits)?;
        let exif = header.exif.as_deref().and_then(exif_json::of);
        Ok(Some(Written { bytes, header, exif }))
    }
}

/// A file that was written anew.
struct Written {
    bytes: Vec<u8>,
    header: Header,
    exif: Option<String>,
}

impl Written {
    fn pixels(&self) -> u64 {
        u64::from(self.header.width) * u64::from(self.header.height)
    }

    fn aspect(&self) -> f64 {
        let (width, height) = self.header.upright();
        f64::from(width.max(height)) / f64::from(width.min(height))
    }
}

/// Measures of new files, and what was there of the others.
struct Rows<'a> {
    inputs: &'a [ArrayRef],
    written: Vec<Option<&'a Written>>,
}

macro_rules! measures {
    ($($name:ident: $array:ident, $primitive:ident, $value:ty;)*) => {
        $(fn $name(&self, input: usize, of: impl Fn(&Written) -> $value) -> ArrayRef {
            let before = self.inputs[input].as_primitive::<$primitive>();
            let rows = self.written.iter().zip(before);
            Arc::new(rows.map(|(written, before)| written.map(&of).or(before)).collect::<$array>())
        })*
    };
}

impl Rows<'_> {
    measures! {
        u16: UInt16Array, UInt16Type, u16;
        u32: UInt32Array, UInt32Type, u32;
        u64: UInt64Array, UInt64Type, u64;
        f64: Float64Array, Float64Type, f64;
    }

    fn text(&self, input: usize, of: impl Fn(&Written) -> &'static str) -> ArrayRef {
        let before = self.inputs[input].as_string_view();
        let rows = self.written.iter().zip(before);
        let rows = rows.map(|(written, before)| written.map(&of).or(before));
        Arc::new(rows.collect::<StringViewArray>())
    }

    fn bool(&self, input: usize, of: impl Fn(&Written, Option<bool>) -> Option<bool>) -> ArrayRef {
        let before = self.inputs[input].as_boolean();
        let rows = self.written.iter().zip(before);
        let rows = rows.map(|(written, before)| match written {
            Some(written) => of(written, before),
            None => before,
        });
        Arc::new(rows.collect::<BooleanArray>())
    }

    fn exif(&self, input: usize) -> ArrayRef {
        let before = self.inputs[input].as_string_view();
        let mut fields = StringViewBuilder::new();
        for (written, before) in self.written.iter().zip(before) {
            match written {
                Some(written) => fields.append_option(written.exif.as_deref()),
                None => fields.append_option(before),
            }
        }
        Arc::new(fields.finish())
    }
}
