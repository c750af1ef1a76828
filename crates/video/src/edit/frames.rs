//! Frames of a video as a list of JPEGs.
//!
//! - `choose: keyframes`: key frames at least `every_s` seconds apart, thinned evenly to `count`; each is decoded by itself.
//! - `choose: uniform`: `count` frames, in the middle of equal parts.
//! - `choose: every`: the frame shown at each multiple of `every_s` after the first frame, at most `count`.
//! - `choose: first_middle_last`: these three.
//!
//! All but the first decode from the key frame before each frame. Frames are upright, at most `size` pixels long. A video that cannot be
//! decoded has a fault.

use std::sync::Arc;

use arrow_array::ListArray;
use arrow_array::{
    Array, ArrayRef, StringViewArray,
    builder::{BinaryViewBuilder, StringViewBuilder},
    cast::AsArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Field;
use gristmill_core::{
    Card, Column, Cost, Edit, Fault, Files, Limits, Result, Setting, Settings, Sort, columns, media,
};

use crate::{
    job::{self, Task},
    still::Policy,
};

static CARD: Card = Card {
    name: "frames",
    about: "frames of videos as a list of JPEGs",
    inputs: &[columns::VIDEO, columns::ID, columns::FAULT],
    outputs: &[
        Column::media_list(
            "video_frames",
            "chosen frames as JPEGs, in the order in which they are shown",
        ),
        columns::FAULT,
    ],
    source: "data-juicer, Open-Sora, NeMo Curator for the choices",
    cost: Cost::Expensive,
    version: 1,
};

static SETTINGS: [Setting; 5] = [
    Setting {
        name: "choose",
        sort: Sort::Word(&["keyframes", "uniform", "every", "first_middle_last"]),
        about: "which frames",
    },
    Setting {
        name: "count",
        sort: Sort::Number {
            default: 8,
            min: 1,
            max: 4096,
        },
        about: "most frames of a video; of `uniform`: how many",
    },
    Setting {
        name: "every_s",
        sort: Sort::Number {
            default: 1,
            min: 1,
            max: 86_400,
        },
        about: "seconds from frame to frame; of `keyframes`: at least",
    },
    Setting {
        name: "size",
        sort: Sort::Number {
            default: 512,
            min: 16,
            max: 8192,
        },
        about: "most pixels of the longer side",
    },
    Setting {
        name: "quality",
        sort: Sort::Number {
            default: 90,
            min: 1,
            max: 100,
        },
        about: "quality of JPEG",
    },
];

/// Makes lists of frames; see the module.
#[derive(Debug, Clone)]
pub(super) struct Frames {
    policy: Policy,
    side: u32,
    quality: u8,
}

/// As it is without settings.
pub(super) static KEYFRAMES: Frames = Frames {
    policy: Policy::Keyframes {
        apart_ms: 1000,
        most: 8,
    },
    side: 512,
    quality: 90,
};

impl Edit for Frames {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> std::result::Result<Option<&'static dyn Edit>, String> {
        let number = |name: &str| settings.number(name);
        let most = number("count") as u32;
        let frames = Frames {
            policy: match settings.word("choose") {
                "uniform" => Policy::Uniform { count: most },
                "every" => Policy::Every {
                    step_ms: number("every_s") * 1000,
                    most,
                },
                "first_middle_last" => Policy::FirstMiddleLast,
                _ => Policy::Keyframes {
                    apart_ms: number("every_s") * 1000,
                    most,
                },
            },
            side: number("size") as u32,
            quality: number("quality") as u8,
        };
        Ok(Some(Box::leak(Box::new(frames))))
    }

    /// `[n] media, [n] Utf8View, [n] Utf8View -> [n] list of media, [n] Utf8View`; null where the video is null or has a fault.
    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let limits = Limits::default();
        let ids: &StringViewArray = inputs[1].as_string_view();
        let before: &StringViewArray = inputs[2].as_string_view();
        let task = Task::Pictures {
            policy: self.policy,
            side: self.side,
            quality: self.quality,
        };
        let (mut bytes, mut paths) = (BinaryViewBuilder::new(), StringViewBuilder::new());
        let mut faults = StringViewBuilder::new();
        let (mut lengths, mut is_there) = (Vec::new(), Vec::new());
        for (row, file) in Files::of(&inputs[0]).bytes().enumerate() {
            let known = before.is_valid(row).then(|| before.value(row).to_owned());
            let file = file.filter(|_| known.is_none());
            let reply = file.map(|file| job::run(file, task, &[], &limits)).transpose();
            faults.append_option(known.or_else(|| reply.as_ref().err().map(Fault::to_string)));
            let reply = reply.unwrap_or(None);
            is_there.push(reply.is_some());
            let pictures = reply.map(|reply| reply.pictures).unwrap_or_default();
            lengths.push(pictures.len());
            for (number, picture) in pictures.into_iter().enumerate() {
                bytes.append_value(picture);
                let id = if ids.is_valid(row) { ids.value(row) } else { "" };
                paths.append_value(format!("{id}-{number}.jpg"));
            }
        }
        let pictures = media(bytes.finish(), paths.finish());
        let list = ListArray::new(
            Arc::new(Field::new_list_field(pictures.data_type().clone(), true)),
            OffsetBuffer::from_lengths(lengths),
            pictures,
            Some(NullBuffer::from(is_there)),
        );
        Ok(vec![Arc::new(list), Arc::new(faults.finish())])
    }
}
