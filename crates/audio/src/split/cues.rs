//! Words with times, cut with the sound that they are said in.
//!
//! Cues are those of the column `text_cues`: a JSON list of `start_s`, `end_s` and `text`. A part has the cues that lie in it by more
//! than half of their length; of one that is as long as an instant, the instant. So a cue is in one part at most, and one that is
//! said across two goes with more than half of itself, or with neither. Times of a part's cues count from its start, and end within it.

use serde_json::{Value, json};

/// Words, and when they are said, in seconds.
#[derive(Debug, Clone, PartialEq)]
struct Cue {
    start_s: f64,
    end_s: f64,
    text: String,
}

/// The cues of a sound.
#[derive(Debug, Clone, Default)]
pub(super) struct Cues(Vec<Cue>);

impl Cues {
    /// The cues of a column's value; what is no cue is left out.
    pub(super) fn read(text: &str) -> Cues {
        let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        let cues = list.iter().filter_map(|cue| {
            let (start_s, end_s) = (cue["start_s"].as_f64()?, cue["end_s"].as_f64()?);
            let text = cue["text"].as_str()?.to_owned();
            (end_s >= start_s).then_some(Cue { start_s, end_s, text })
        });
        Cues(cues.collect())
    }

    /// What is said from `start_s` to `end_s`, a line for each cue, and the cues as a column has them. None where nothing is said.
    pub(super) fn of(&self, start_s: f64, end_s: f64) -> Option<(String, String)> {
        let is_within = |cue: &&Cue| {
            let shared = cue.end_s.min(end_s) - cue.start_s.max(start_s);
            let length = cue.end_s - cue.start_s;
            if length > 0.0 {
                shared > length / 2.0
            } else {
                (start_s..end_s).contains(&cue.start_s)
            }
        };
        let inside: Vec<&Cue> = self.0.iter().filter(is_within).collect();
        if inside.is_empty() {
            return None;
        }
        let lines: Vec<&str> = inside.iter().map(|cue| cue.text.as_str()).collect();
        // Thousandths, as files of subtitles have them.
        let within = |time: f64| ((time.clamp(start_s, end_s) - start_s) * 1e3).round() / 1e3;
        let told = inside
            .iter()
            .map(|cue| json!({"start_s": within(cue.start_s), "end_s": within(cue.end_s), "text": cue.text}));
        Some((lines.join("\n"), told.collect::<Value>().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_words_of_its_span() {
        let cues = Cues::read(
            r#"[{"start_s":1,"end_s":2,"text":"one"},{"start_s":2.5,"end_s":4.5,"text":"two"},
                {"start_s":5,"end_s":5,"text":"now"},{"start_s":7,"end_s":6,"text":"back"},{"text":"never"}]"#,
        );
        let words = |start, end| cues.of(start, end).map(|found| found.0);
        assert_eq!(words(0.0, 10.0).as_deref(), Some("one\ntwo\nnow"));
        assert_eq!(words(1.4, 3.0).as_deref(), Some("one"));
        assert_eq!(words(3.4, 5.1).as_deref(), Some("two\nnow"));
        // Half and half: in neither.
        assert_eq!(words(2.0, 3.5), None);
        assert_eq!(words(3.5, 5.0), None);
        let (_, told) = cues.of(3.0, 5.0).unwrap();
        assert_eq!(told, r#"[{"end_s":1.5,"start_s":0.0,"text":"two"}]"#);
        assert!(Cues::read("no list").of(0.0, 9.0).is_none());
    }
}
