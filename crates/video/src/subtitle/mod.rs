//! Subtitles: text with times, from tracks and from files of their own.
//!
//! Marks of style are taken out, entities are resolved, and white space is trimmed; lines stay lines. Cues stand in the order of
//! their times.

mod srt;
mod tracks;
mod vtt;

pub use srt::parse as parse_srt;
pub(crate) use tracks::of_film;
pub use vtt::parse as parse_vtt;

/// Most cues, and longest text of one.
const CUES_MAX: usize = 100_000;
const TEXT_MAX: usize = 16 << 10;
/// Longest mark of style.
const TAG_MAX: usize = 256;

/// A text, and when it is shown, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// When it appears.
    pub start_s: f64,
    /// When it goes.
    pub end_s: f64,
    /// What it says, without marks of style.
    pub text: String,
}

/// A cue, unless nothing is left of it.
fn cue(start_s: f64, end_s: f64, text: &str) -> Option<Cue> {
    let text = plain(text);
    (!text.is_empty() && end_s >= start_s).then_some(Cue { start_s, end_s, text })
}

/// Text without tags of HTML (`<i>`, `<c.loud>`, `<00:01.000>`) and SSA (`{\an8}`).
fn plain(text: &str) -> String {
    let mut cut = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    let mut out = String::with_capacity(cut);
    let mut rest = &text[..cut];
    while let Some(at) = rest.find(['<', '{', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let is_tag = match rest.as_bytes() {
            [b'<', next, ..] => next.is_ascii_alphanumeric() || *next == b'/',
            [b'{', b'\\', ..] => true,
            _ => false,
        };
        let close = if rest.starts_with('<') { b'>' } else { b'}' };
        let near = rest.bytes().take(TAG_MAX).position(|byte| byte == close);
        if is_tag && let Some(end) = near {
            rest = &rest[end + 1..];
            continue;
        }
        let entity = ENTITIES.iter().find(|(name, _)| rest.starts_with(name));
        if let Some((name, meaning)) = entity {
            out.push_str(meaning);
            rest = &rest[name.len()..];
            continue;
        }
        out.push_str(&rest[..1]);
        rest = &rest[1..];
    }
    out.push_str(rest);
    let lines: Vec<&str> = out
        .trim_matches('\0')
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

const ENTITIES: [(&str, &str); 7] = [
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&nbsp;", " "),
    ("&lrm;", ""),
    ("&rlm;", ""),
    ("&quot;", "\""),
];

/// `[[H:]M:]S[.,]fff` in seconds.
fn clock(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let mut parts = 0;
    for part in text.trim().split(':') {
        let value: f64 = part.replace(',', ".").trim().parse().ok()?;
        if !(0.0..1e6).contains(&value) {
            return None;
        }
        seconds = seconds * 60.0 + value;
        parts += 1;
    }
    (2..=3).contains(&parts).then_some(seconds)
}

/// The two times of `start --> end settings`.
fn times(line: &str) -> Option<(f64, f64)> {
    let (start, rest) = line.split_once("-->")?;
    let end = rest.split_whitespace().next()?;
    Some((clock(start)?, clock(end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_style_go_and_entities_are_resolved() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text), expected);
        check("<i>a &amp; b</i> <c.loud>c</c>", "a & b c");
        check("{\\an8}up\r\n  down \r\n", "up\ndown");
        check("2 < 3 & {so} <3", "2 < 3 & {so} <3");
        check("a\0", "a");
    }

    #[test]
    fn clocks_have_two_or_three_parts() {
        assert_eq!(clock("01:02:03,500"), Some(3723.5));
        assert_eq!(clock("02:03.25"), Some(123.25));
        assert_eq!(clock("3.25"), None);
        assert_eq!(clock("a:b"), None);
    }
}
