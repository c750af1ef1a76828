//! Texts that are files of subtitles become what is said in them.
//!
//! For sounds and videos whose caption is a SubRip or WebVTT file: the text becomes the cues' texts, one to a line, and
//! `text_cues` has them with their times. Texts without a line of times stay as they are, with null cues.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Edit, Result, columns};
use serde_json::json;

use crate::subtitle::{Cue, parse_srt, parse_vtt};

/// Describes [`Subtitles`].
pub(super) static CARD: Card = Card {
    name: "subtitles",
    about: "texts that are SubRip or WebVTT files become what is said in them",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::text(
            "text_cues",
            "JSON list of start_s, end_s and text; null where the text was no file of subtitles",
        ),
    ],
    source: "SubRip; W3C WebVTT",
    cost: Cost::Cheap,
    version: 1,
};

/// Reads files of subtitles; see the module.
#[derive(Debug)]
pub(super) struct Subtitles;

impl Edit for Subtitles {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view();
        let cues: Vec<Option<Vec<Cue>>> = texts.iter().map(|text| cues(text?)).collect();
        let said: StringViewArray = texts
            .iter()
            .zip(&cues)
            .map(|(text, cues)| match cues {
                Some(cues) => {
                    let lines: Vec<&str> = cues.iter().map(|cue| cue.text.as_str()).collect();
                    Some(lines.join("\n"))
                }
                None => text.map(str::to_owned),
            })
            .collect();
        let told: StringViewArray = cues
            .iter()
            .map(|cues| {
                let told = cues.as_ref()?.iter();
                let told =
                    told.map(|cue| json!({"start_s": cue.start_s, "end_s": cue.end_s, "text": cue.text}));
                Some(told.collect::<serde_json::Value>().to_string())
            })
            .collect();
        Ok(vec![Arc::new(said), Arc::new(told)])
    }
}

fn cues(text: &str) -> Option<Vec<Cue>> {
    let of_vtt = parse_vtt(text);
    let cues = if of_vtt.is_empty() {
        parse_srt(text)
    } else {
        of_vtt
    };
    (!cues.is_empty()).then_some(cues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_takes_the_place_of_the_file() {
        let texts = [
            Some("1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i>\n\n2\n00:00:03,000 --> 00:00:04,000\nyou\n"),
            Some("WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n"),
            Some("a plain caption"),
            None,
        ];
        let inputs: ArrayRef = Arc::new(StringViewArray::from_iter(texts));
        let edited = Subtitles.edit(&[inputs]).unwrap();
        let said: Vec<_> = edited[0].as_string_view().iter().collect();
        assert_eq!(
            said,
            [Some("Hello\nyou"), Some("Hi"), Some("a plain caption"), None]
        );
        let told: Vec<_> = edited[1].as_string_view().iter().collect();
        assert_eq!(told[1], Some(r#"[{"end_s":2.0,"start_s":1.0,"text":"Hi"}]"#));
        assert_eq!((told[2], told[3]), (None, None));
    }
}
