//! WebVTT files.
//!
//! Source: W3C WebVTT: The Web Video Text Tracks Format.

use super::{Cue, srt::blocks};

/// The cues of a file: comments, styles and regions have no times and are passed over. None where it is no WebVTT.
pub fn parse(text: &str) -> Vec<Cue> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.starts_with("WEBVTT") {
        return Vec::new();
    }
    blocks(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_settings_are_passed_over() {
        let text = "WEBVTT - x\n\nNOTE\na note\n\nSTYLE\n::cue {}\n\nname\n00:01.000 --> 00:02.000 align:left\n<v Ann>Hi &lt;you&gt;\n\n";
        let found = parse(text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].start_s, found[0].text.as_str()), (1.0, "Hi <you>"));
        assert!(parse("00:01.000 --> 00:02.000\nno header").is_empty());
    }
}
