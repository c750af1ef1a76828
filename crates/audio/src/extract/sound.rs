//! Files of sound to documents.
//!
//! The container is found from the bytes, whatever the record says. Packets are walked, so that duration and bitrate are
//! those of what is there and cut files are marked, but nothing is decoded, but the first packets of AAC: its rate and
//! channels do not have to stand in a header. That a file has no fault here does not mean that its codec is decoded.
//!
//! What encoders add before and after the sound does not count: the edit list of MP4 is kept to (or `iTunSMPB`, where there
//! is none), so are LAME's and Xing's headers, the pre-skip and last position of Ogg, Matroska's CodecDelay.
//!
//! Tags have the names `title artist album album_artist composer genre date track disc comment lyrics language copyright
//! publisher encoder isrc description podcast_url`, from ID3, Vorbis comments, RIFF's INFO and bext, iTunes' and QuickTime's
//! lists, APE and Matroska tags; several values of one are joined by `; `.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryViewArray, BooleanArray, StringViewArray, builder::StringViewBuilder, cast::AsArray,
};
use gristmill_core::{
    Accepts, Card, Column, Cost, Documents, Extractor, Fault, Limits, Result, columns, media, media_of,
};
use serde_json::{Value, json};

use crate::{
    Tags,
    facts::{self, FACTS, Facts, rounded},
    probe,
};

/// Describes [`Audio`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "audio",
    about: "files of sound with their durations, codecs, tags and marks of damage, from headers and packets",
    inputs: &[columns::CONTENT, columns::MEDIA_TYPE, columns::URL, columns::ID],
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
        Column::bool(
            "audio_is_truncated",
            "whether bytes of the sound are seen to be missing or damaged, without decoding it",
        ),
        Column::text("audio_title", "title, from the tags").if_named(),
        Column::text("audio_artist", "artists, from the tags").if_named(),
        Column::text("audio_tags", "fields of the tags as a JSON object; null where there are none").if_named(),
        Column::text(
            "audio_chapters",
            "chapters as a JSON array of objects with start_s, end_s (or null) and title; null where there are none",
        )
        .if_named(),
        Column::media("audio_cover", "front cover, or the first picture in the file").if_named(),
    ],
    source: "specifications of the containers; FFmpeg 5.1 for what is trimmed",
    cost: Cost::Moderate,
    version: 1,
};

/// Reads files of sound; see the module.
#[derive(Debug)]
pub(super) struct Audio;

impl Extractor for Audio {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn accepts(&self) -> Accepts {
        Accepts {
            rule: "is_audio",
            types: &["audio/*", "application/ogg"],
            except: &[
                "audio/mpegurl",
                "audio/x-mpegurl",
                "audio/midi",
                "audio/x-midi",
                "audio/x-scpls",
            ],
        }
    }

    fn extract(&self, inputs: &[ArrayRef], _wanted: &[&str]) -> Result<Documents> {
        Ok(extract(inputs, &Limits::default()))
    }
}

/// What is told of a file.
struct Told<'a> {
    facts: Facts,
    tags: Tags<'a>,
}

fn extract(inputs: &[ArrayRef], limits: &Limits) -> Documents {
    let contents: &BinaryViewArray = inputs[0].as_binary_view();
    let ids: &StringViewArray = inputs[3].as_string_view();
    let mut faults = StringViewBuilder::new();
    let rows: Vec<Option<Told<'_>>> = contents
        .iter()
        .map(|content| {
            let told = content
                .ok_or_else(|| Fault::malformed("record has no content"))
                .and_then(|content| tell(content, limits));
            faults.append_option(told.as_ref().err().map(Fault::to_string));
            told.ok()
        })
        .collect();
    let mut columns = vec![media_of(
        contents,
        ids,
        rows.iter()
            .map(|told| Some(told.as_ref()?.facts.header.extension())),
    )];
    let facts: Vec<Option<&Facts>> = rows
        .iter()
        .map(|told| told.as_ref().map(|told| &told.facts))
        .collect();
    columns.extend(facts::arrays(&facts));
    let told = || rows.iter().map(Option::as_ref);
    let truncated: BooleanArray = told().map(|told| Some(told?.facts.header.is_truncated)).collect();
    let field = |name: &str| -> ArrayRef {
        let values = told().map(|told| told?.tags.fields.get(name).map(String::as_str));
        Arc::new(values.collect::<StringViewArray>())
    };
    let tags: StringViewArray = told().map(|told| tags_json(&told?.tags)).collect();
    let chapters: StringViewArray = told().map(|told| chapters_json(&told?.tags)).collect();
    columns.extend([
        Arc::new(truncated) as ArrayRef,
        field("title"),
        field("artist"),
        Arc::new(tags),
        Arc::new(chapters),
        covers(ids, &rows),
    ]);
    Documents {
        columns,
        faults: faults.finish(),
    }
}

fn tell<'a>(content: &'a [u8], limits: &Limits) -> std::result::Result<Told<'a>, Fault> {
    let (header, tags) = probe(content, limits)?;
    Ok(Told {
        facts: Facts {
            header,
            bytes: content.len() as u64,
        },
        tags,
    })
}

fn tags_json(tags: &Tags<'_>) -> Option<String> {
    (!tags.fields.is_empty()).then(|| json!(tags.fields).to_string())
}

fn chapters_json(tags: &Tags<'_>) -> Option<String> {
    let chapters = tags.chapters.iter().map(|chapter| {
        json!({
            "start_s": rounded(chapter.start_s, 3),
            "end_s": chapter.end_s.map(|end| rounded(end, 3)),
            "title": chapter.title,
        })
    });
    (!tags.chapters.is_empty()).then(|| Value::from_iter(chapters).to_string())
}

fn covers(ids: &StringViewArray, rows: &[Option<Told<'_>>]) -> ArrayRef {
    let covers = || rows.iter().map(|told| told.as_ref()?.tags.cover.as_ref());
    let bytes = covers().map(|cover| cover.map(|cover| &cover.bytes));
    let paths = ids
        .iter()
        .zip(covers())
        .map(|(id, cover)| Some(format!("{}.{}", id?, cover?.extension())));
    media(bytes.collect(), paths.collect())
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Array,
        types::{Float64Type, UInt16Type, UInt32Type, UInt64Type},
    };

    use super::*;
    use crate::encode::wav;

    fn sound() -> Vec<u8> {
        let planes = vec![vec![0.25; 800], vec![-0.25; 800]];
        wav::of(&crate::Samples::from_planes(planes), 8000)
    }

    fn run(contents: &[Option<&[u8]>], limits: &Limits) -> Documents {
        let count = contents.len();
        let ids: StringViewArray = (0..count).map(|row| Some(format!("id{row}"))).collect();
        let inputs: Vec<ArrayRef> = vec![
            Arc::new(BinaryViewArray::from(contents.to_vec())),
            Arc::new(StringViewArray::new_null(count)),
            Arc::new(StringViewArray::new_null(count)),
            Arc::new(ids),
        ];
        let documents = extract(&inputs, limits);
        for (column, array) in CARD.outputs.iter().zip(&documents.columns) {
            assert_eq!(array.data_type(), &column.kind.data_type(), "{}", column.name);
            assert_eq!(array.len(), count, "{}", column.name);
        }
        assert_eq!(documents.columns.len(), CARD.outputs.len());
        documents
    }

    fn column<'a>(documents: &'a Documents, name: &str) -> &'a ArrayRef {
        let at = CARD
            .outputs
            .iter()
            .position(|column| column.name == name)
            .unwrap();
        &documents.columns[at]
    }

    #[test]
    fn a_sound_is_told_and_its_file_is_kept() {
        let file = sound();
        let documents = run(&[Some(&file)], &Limits::default());
        assert!(documents.faults.is_null(0));
        let media = column(&documents, "audio").as_struct();
        assert_eq!(media.column(0).as_binary_view().value(0), file);
        assert_eq!(media.column(1).as_string_view().value(0), "id0.wav");
        let seconds = column(&documents, "audio_duration_s").as_primitive::<Float64Type>();
        assert_eq!(seconds.value(0), 0.1);
        let rate = column(&documents, "audio_sample_rate_hz").as_primitive::<UInt32Type>();
        assert_eq!(rate.value(0), 8000);
        let channels = column(&documents, "audio_channel_count").as_primitive::<UInt16Type>();
        assert_eq!(channels.value(0), 2);
        let bitrate = column(&documents, "audio_bitrate_bps").as_primitive::<UInt64Type>();
        assert_eq!(bitrate.value(0), 256_000);
        assert!(!column(&documents, "audio_is_truncated").as_boolean().value(0));
        assert!(column(&documents, "audio_tags").is_null(0));
    }

    #[test]
    fn a_fault_leaves_every_column_null_in_its_row_only() {
        let file = sound();
        let cut = &file[..file.len() - 100];
        let rows: &[Option<&[u8]>] = &[Some(b"no sound"), Some(&file), None, Some(b""), Some(cut)];
        let limits = Limits::default();
        let documents = run(rows, &limits);
        let faults: Vec<_> = documents.faults.iter().collect();
        assert_eq!(
            faults,
            [
                Some("unsupported: bytes begin like no sound"),
                None,
                Some("malformed: record has no content"),
                Some("truncated: no bytes"),
                None,
            ]
        );
        for (column, array) in CARD.outputs.iter().zip(&documents.columns).take(8) {
            assert_eq!(array.null_count(), 3, "{}", column.name);
        }
        assert!(column(&documents, "audio_is_truncated").as_boolean().value(4));
        let narrow = Limits {
            audio_channels: 1,
            ..limits
        };
        let documents = run(&[Some(&file)], &narrow);
        assert_eq!(documents.faults.value(0), "limit: 2 channels exceed 1");
    }
}
