//! The sound of a video as a file that readers of sound can take.
//!
//! Of MP4, QuickTime, Matroska and WebM it is the file itself, not copied: readers find its track of sound. Of MPEG-TS, AVI and Flash
//! it is the stream of the first track: MP3, MP2, AC-3 as they are, AAC as ADTS. Null where there is no track of sound, it is encrypted,
//! or its codec has no stream of its own.

use arrow_array::{
    ArrayRef, BinaryViewArray,
    builder::{BinaryViewBuilder, StringViewBuilder},
};
use arrow_buffer::{Buffer, ScalarBuffer};
use gristmill_core::{Card, Cost, Files, Limits, Result, Signal, columns, media};

use crate::{
    film::{Container, Film, Track},
    read::read,
    write::adts,
};

/// Describes [`SoundTrack`].
pub(super) static CARD: Card = Card {
    name: "sound_track",
    about: "the sound of a video, for signals of sound",
    inputs: &[columns::VIDEO],
    outputs: &[columns::AUDIO],
    source: "specifications of the containers; ISO/IEC 13818-7 (ADTS)",
    cost: Cost::Moderate,
    version: 1,
};

/// Gives sound; see the module.
#[derive(Debug)]
pub(super) struct SoundTrack;

/// What becomes of a row.
enum Sound {
    None,
    /// The file itself.
    Same,
    /// A stream, and the ending of its name.
    Stream(Vec<u8>, &'static str),
}

impl Signal for SoundTrack {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] media -> [n] media`; null where the video is null or has no sound.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let limits = Limits::default();
        let videos = Files::of(&inputs[0]);
        let sounds: Vec<Sound> = videos
            .bytes()
            .map(|file| match file.map(|file| read(file, &limits)) {
                Some(Ok(film)) => sound(&film),
                _ => Sound::None,
            })
            .collect();
        Ok(vec![column(videos, sounds)])
    }
}

fn sound(film: &Film<'_>) -> Sound {
    let Some(track) = film.audio().filter(|track| !track.is_encrypted) else {
        return Sound::None;
    };
    match film.container {
        Container::Mp4 | Container::Mov | Container::Matroska | Container::Webm => Sound::Same,
        _ => stream(film, track).map_or(Sound::None, |(bytes, ending)| Sound::Stream(bytes, ending)),
    }
}

fn stream(film: &Film<'_>, track: &Track) -> Option<(Vec<u8>, &'static str)> {
    let ending = match track.codec.as_ref() {
        "mp3" => "mp3",
        "mp2" => "mp2",
        "ac3" => "ac3",
        "aac" => "aac",
        _ => return None,
    };
    let mut out = Vec::new();
    for sample in &track.samples {
        let bytes = film.bytes(track, sample);
        // Flash and AVI have frames without headers; transport streams have them with.
        let is_bare = ending == "aac" && !track.config.is_empty();
        if is_bare {
            out.extend_from_slice(&adts(&track.config, bytes.len())?);
        }
        out.extend_from_slice(&bytes);
    }
    (!out.is_empty()).then_some((out, ending))
}

/// The column: views of the files that are there, and blocks of the streams that were made.
fn column(videos: Files<'_>, sounds: Vec<Sound>) -> ArrayRef {
    let files = videos.views();
    let mut streams = BinaryViewBuilder::new();
    let mut paths = StringViewBuilder::new();
    let mut is_there = Vec::with_capacity(sounds.len());
    let mut is_same = Vec::with_capacity(sounds.len());
    for (row, sound) in sounds.into_iter().enumerate() {
        is_there.push(!matches!(sound, Sound::None));
        is_same.push(matches!(sound, Sound::Same));
        match sound {
            Sound::None => {
                streams.append_null();
                paths.append_null();
            }
            Sound::Same => {
                streams.append_null();
                paths.append_value(videos.path(row).unwrap_or_default());
            }
            Sound::Stream(bytes, ending) => {
                let length = bytes.len() as u32;
                let block = streams.append_block(Buffer::from(bytes));
                streams
                    .try_append_view(block, 0, length)
                    .expect("a view of a whole block is within it");
                let stem = videos.stem(row).unwrap_or_default();
                paths.append_value(format!("{stem}.{ending}"));
            }
        }
    }
    let streams = streams.finish();
    // Buffers of the streams come after those of the files: their views move on by as many.
    let moved = files.data_buffers().len() as u128;
    let views: Vec<u128> = (0..is_same.len())
        .map(|row| {
            if is_same[row] {
                files.views()[row]
            } else {
                let view = streams.views()[row];
                let is_long = view as u32 > 12;
                // The number of the buffer stands in the third word of a long view.
                if is_long { view + (moved << 64) } else { view }
            }
        })
        .collect();
    let buffers: Vec<Buffer> = files
        .data_buffers()
        .iter()
        .chain(streams.data_buffers())
        .cloned()
        .collect();
    let bytes = BinaryViewArray::try_new(ScalarBuffer::from(views), buffers, Some(is_there.into()))
        .expect("views of two arrays fit the buffers of both");
    media(bytes, paths.finish())
}
