//! SubRip files: a number, a line of times, lines of text, an empty line.

use super::{CUES_MAX, Cue, TEXT_MAX, cue, times};

/// The cues of a file. What is no cue is passed over; a byte order mark and any line ends will do.
pub fn parse(text: &str) -> Vec<Cue> {
    blocks(text.trim_start_matches('\u{feff}'))
}

/// Cues are found by their lines of times, so that a missing number costs nothing. An empty line ends a cue.
pub(super) fn blocks(text: &str) -> Vec<Cue> {
    let mut cues = Vec::new();
    let mut open: Option<((f64, f64), String)> = None;
    let lines = text.lines().flat_map(|line| line.split('\r'));
    for line in lines.chain([""]) {
        let begins = times(line);
        if (begins.is_some() || line.trim().is_empty())
            && let Some(((start, end), text)) = open.take()
            && cues.len() < CUES_MAX
        {
            cues.extend(cue(start, end, &text));
        }
        if let Some(begins) = begins {
            open = Some((begins, String::new()));
        } else if let Some((_, text)) = &mut open
            && text.len() <= TEXT_MAX
        {
            text.push_str(line);
            text.push('\n');
        }
    }
    cues
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(f64, f64, &str)]) {
        let found = parse(text);
        let found: Vec<_> = found
            .iter()
            .map(|cue| (cue.start_s, cue.end_s, cue.text.as_str()))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn cues_have_lines() {
        let text = "\u{feff}1\n00:00:01,000 --> 00:00:02,500\n<b>One</b>\ntwo\n\n2\n00:00:03,000 --> 00:00:04,000\nThree\n";
        check(text, &[(1.0, 2.5, "One\ntwo"), (3.0, 4.0, "Three")]);
        check(
            &text.replace('\n', "\r\n"),
            &[(1.0, 2.5, "One\ntwo"), (3.0, 4.0, "Three")],
        );
    }

    #[test]
    fn what_is_no_cue_is_passed_over() {
        check("", &[]);
        check("hello\n1\nx --> y\nz", &[]);
        check("00:01.000 --> 00:00.500\nbackwards", &[]);
    }
}
