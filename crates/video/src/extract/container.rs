//! Videos to video documents, by their headers alone.
//!
//! The container is found from the bytes, whatever the record says. No picture is decoded: a video whose pictures are damaged, or
//! of a codec that is not compiled in, is a document all the same, and has a fault where a signal decodes it. Sizes are
//! those of the upright picture as stored, without the shape of pixels, by the header of the codec where it can be read. Times
//! are presentation times as the container has them, after its edit list: they need not start at 0.
//!
//! - `video_duration_s` is what the container states, else the time from the first start to the last end of all tracks of
//!   pictures and sound.
//! - `video_frame_rate_fps` is the number of steps between frames by the time from the first to the last one; the rate that is stated,
//!   where that is within half a percent of it. It is variable where a step differs from the median one by more than a tenth of it and 2 ms.
//! - `video_keyframe_interval_longest_s` is the longest time from a key frame to the next, or to the end.
//! - A file that has sound or text alone is `unsupported`.
//!
//! Sources: those of the containers, in `crates/video/src/read`; names of codecs and profiles are those of FFmpeg.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryViewArray, BooleanArray, Float64Array, StringViewArray, UInt16Array, UInt32Array,
    UInt64Array, builder::StringViewBuilder, cast::AsArray,
};
use gristmill_core::{
    Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns, media_of,
};
use serde_json::{Map, Value, json};

use crate::{
    film::Kind,
    probe::{Probe, rounded, tracks_json},
    read::read,
    subtitle,
};

/// What headers tell of a video, and of a clip that is cut from it.
pub(crate) const FACTS: [Column; 18] = [
    Column::f64("video_duration_s", "length, in seconds"),
    Column::u32("video_width_px", "width of the upright picture, in stored pixels"),
    Column::u32(
        "video_height_px",
        "height of the upright picture, in stored pixels",
    ),
    Column::u16(
        "video_rotation_deg",
        "by how many degrees clockwise the stored picture is turned to be upright: 0, 90, 180, 270",
    ),
    Column::f64(
        "video_pixel_aspect",
        "width of a stored pixel by its height; 1 is square",
    ),
    Column::f64(
        "video_frame_rate_fps",
        "frames in a second, in the mean; null where nothing tells",
    ),
    Column::bool(
        "video_is_variable_frame_rate",
        "whether a step between frames differs from the median one by more than a tenth of it and 2 ms",
    ),
    Column::u32("video_frame_count", "frames that are shown"),
    Column::text(
        "video_codec",
        "codec of the pictures, by FFmpeg's names: h264, hevc, av1, vp9, vp8, mpeg4, mjpeg and others",
    ),
    Column::text(
        "video_profile",
        "profile of the codec, by FFmpeg's names; null where it has none",
    ),
    Column::text(
        "video_container",
        "container, from the bytes: mp4, mov, matroska, webm, mpegts, avi, flv, ivf, h264, hevc",
    ),
    Column::u64("video_bitrate_bps", "bits of the file by its length in seconds"),
    Column::u64("video_byte_count", "bytes of the file"),
    Column::u16(
        "video_bit_depth",
        "bits of a stored sample of luma; null where nothing tells",
    ),
    Column::u32("video_keyframe_count", "key frames: where decoding may start"),
    Column::f64(
        "video_keyframe_interval_longest_s",
        "longest time from a key frame to the next, or to the end, in seconds",
    ),
    Column::bool("video_is_encrypted", "whether the pictures are encrypted"),
    Column::bool(
        "video_is_truncated",
        "whether the file ends before its container does; what is missing is not counted",
    ),
];

/// Describes [`Container`] to recipes, lists and docs.
pub static CARD: Card = Card {
    name: "video",
    about: "videos with their sizes, times, codecs and tracks, from their headers alone",
    inputs: &[columns::CONTENT, columns::MEDIA_TYPE, columns::URL, columns::ID],
    outputs: &[
        columns::VIDEO,
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
        Column::bool("video_has_audio", "whether there is a track of sound"),
        Column::text("video_audio_codec", "codec of the sound, by FFmpeg's names; null without sound"),
        Column::u16("video_subtitle_track_count", "tracks of subtitles"),
        Column::text("video_keyframes_s", "when key frames are shown, in seconds, as a JSON list").if_named(),
        Column::text(
            "video_tracks",
            "tracks as a JSON list of objects: number, kind, codec, language, start_s, end_s and more",
        )
        .if_named(),
        Column::text(
            "video_tags",
            "what the container says of itself (title, encoder and the like) as a JSON object, without places; null where there is nothing",
        )
        .if_named(),
        Column::text(
            "video_subtitles",
            "cues of the first track of text as a JSON list of objects: start_s, end_s, text; null where there are none",
        )
        .if_named(),
        Column::text("video_subtitle_text", "text of the first track of text, a line a cue; null where there is none").if_named(),
    ],
    source: "specifications of the containers; ffprobe for names and times",
    cost: Cost::Moderate,
    version: 1,
};

/// Reads videos; see the module.
#[derive(Debug)]
pub struct Container;

impl Extractor for Container {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_video",
            types: &["video/*"],
            except: &[],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Documents> {
        Ok(extract(inputs, wanted, &Limits::default()))
    }
}

/// What is told of a video.
struct Told {
    probe: Probe,
    audio_codec: Option<String>,
    subtitle_tracks: u16,
    tracks: Option<String>,
    tags: Option<String>,
    cues: Vec<subtitle::Cue>,
}

/// Which of the outputs that take work are wanted.
#[derive(Clone, Copy)]
struct Wanted {
    tracks: bool,
    tags: bool,
    cues: bool,
    keyframes: bool,
}

fn extract(inputs: &[ArrayRef], wanted: &[&str], limits: &Limits) -> Documents {
    let contents: &BinaryViewArray = inputs[0].as_binary_view();
    let ids: &StringViewArray = inputs[3].as_string_view();
    let is_wanted = |name: &str| wanted.contains(&name);
    let wanted = Wanted {
        tracks: is_wanted("video_tracks"),
        tags: is_wanted("video_tags"),
        cues: is_wanted("video_subtitles") || is_wanted("video_subtitle_text"),
        keyframes: is_wanted("video_keyframes_s"),
    };
    let mut faults = StringViewBuilder::new();
    let rows: Vec<Option<Told>> = contents
        .iter()
        .map(|content| {
            let told = content
                .ok_or_else(|| Fault::malformed("record has no content"))
                .and_then(|content| tell(content, wanted, limits));
            faults.append_option(told.as_ref().err().map(Fault::to_string));
            told.ok()
        })
        .collect();
    Documents {
        columns: columns_of(contents, ids, &rows, wanted),
        faults: faults.finish(),
    }
}

fn tell(content: &[u8], wanted: Wanted, limits: &Limits) -> std::result::Result<Told, Fault> {
    let film = read(content, limits)?;
    let subtitles = film.tracks.iter().filter(|track| track.kind == Kind::Subtitle);
    let tags = || {
        let tags: Map<String, Value> = film
            .tags
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        (!tags.is_empty()).then(|| Value::Object(tags).to_string())
    };
    Ok(Told {
        probe: Probe::of(&film)?,
        audio_codec: film.audio().map(|track| track.codec.to_string()),
        subtitle_tracks: subtitles.count().min(usize::from(u16::MAX)) as u16,
        tracks: wanted.tracks.then(|| tracks_json(&film).to_string()),
        tags: if wanted.tags { tags() } else { None },
        cues: if wanted.cues {
            subtitle::of_film(&film)
        } else {
            Vec::new()
        },
    })
}

fn columns_of(
    contents: &BinaryViewArray,
    ids: &StringViewArray,
    rows: &[Option<Told>],
    wanted: Wanted,
) -> Vec<ArrayRef> {
    let told = || rows.iter().map(Option::as_ref);
    let probes: Vec<Option<&Probe>> = told().map(|told| told.map(|told| &told.probe)).collect();
    let lengths: Vec<u64> = contents
        .iter()
        .map(|content| content.map_or(0, |content| content.len() as u64))
        .collect();
    let cues = |told: &Told| -> Option<String> {
        let list: Value = told
            .cues
            .iter()
            .map(
                |cue| json!({"start_s": rounded(cue.start_s), "end_s": rounded(cue.end_s), "text": cue.text}),
            )
            .collect();
        (!told.cues.is_empty()).then(|| list.to_string())
    };
    let text = |told: &Told| -> Option<String> {
        let lines: Vec<&str> = told.cues.iter().map(|cue| cue.text.as_str()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    };
    let keyframes = |told: &Told| -> Option<String> {
        let times: Vec<f64> = told.probe.keyframes_s.iter().map(|time| rounded(*time)).collect();
        wanted.keyframes.then(|| json!(times).to_string())
    };
    let texts = |of: &dyn Fn(&Told) -> Option<String>| -> ArrayRef {
        Arc::new(told().map(|told| of(told?)).collect::<StringViewArray>())
    };
    let mut found = vec![media_of(
        contents,
        ids,
        rows.iter()
            .map(|told| Some(told.as_ref()?.probe.container.extension())),
    )];
    found.extend(facts(&probes, &lengths));
    found.extend([
        Arc::new(
            told()
                .map(|told| Some(told?.audio_codec.is_some()))
                .collect::<BooleanArray>(),
        ) as ArrayRef,
        texts(&|told| told.audio_codec.clone()),
        Arc::new(
            told()
                .map(|told| Some(told?.subtitle_tracks))
                .collect::<UInt16Array>(),
        ),
        texts(&keyframes),
        texts(&|told| told.tracks.clone()),
        texts(&|told| told.tags.clone()),
        texts(&cues),
        texts(&text),
    ]);
    found
}

/// The arrays of [`FACTS`]; null where there is no probe.
pub(crate) fn facts(probes: &[Option<&Probe>], lengths: &[u64]) -> Vec<ArrayRef> {
    let all = || probes.iter().copied();
    let floats = |of: &dyn Fn(&Probe) -> Option<f64>| -> ArrayRef {
        Arc::new(all().map(|probe| of(probe?)).collect::<Float64Array>())
    };
    let numbers = |of: &dyn Fn(&Probe) -> u32| -> ArrayRef {
        Arc::new(all().map(|probe| probe.map(of)).collect::<UInt32Array>())
    };
    let shorts = |of: &dyn Fn(&Probe) -> Option<u16>| -> ArrayRef {
        Arc::new(all().map(|probe| of(probe?)).collect::<UInt16Array>())
    };
    let flags = |of: &dyn Fn(&Probe) -> bool| -> ArrayRef {
        Arc::new(all().map(|probe| probe.map(of)).collect::<BooleanArray>())
    };
    let texts = |of: &dyn Fn(&Probe) -> Option<String>| -> ArrayRef {
        Arc::new(all().map(|probe| of(probe?)).collect::<StringViewArray>())
    };
    let bytes = all().zip(lengths).map(|(probe, length)| probe.map(|_| *length));
    vec![
        floats(&|probe| probe.duration_s),
        numbers(&|probe| probe.width),
        numbers(&|probe| probe.height),
        shorts(&|probe| Some(probe.rotation_deg)),
        floats(&|probe| Some(probe.pixel_aspect)),
        floats(&|probe| probe.frame_rate_fps),
        flags(&|probe| probe.is_variable_frame_rate),
        numbers(&|probe| probe.frame_count),
        texts(&|probe| Some(probe.codec.clone())),
        texts(&|probe| probe.profile.clone()),
        texts(&|probe| Some(probe.container.name().to_owned())),
        Arc::new(all().map(|probe| probe?.bitrate_bps).collect::<UInt64Array>()),
        Arc::new(bytes.collect::<UInt64Array>()),
        shorts(&|probe| probe.bit_depth.map(u16::from)),
        numbers(&|probe| probe.keyframes_s.len() as u32),
        floats(&|probe| probe.keyframe_interval_longest_s),
        flags(&|probe| probe.is_encrypted),
        flags(&|probe| probe.is_truncated),
    ]
}
