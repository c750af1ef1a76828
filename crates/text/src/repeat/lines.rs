//! Lines, paragraphs and spans of sentences, each with a key to compare it by across a corpus.
//!
//! [`units`] cuts a text. A [`LineUnit::Line`] ends at a line feed. A [`LineUnit::Paragraph`] is what stands between
//! lines that are blank. [`LineUnit::Sentences`] are all spans of *n* sentences in a row, one starting at every
//! sentence but the last *n* − 1, so that spans overlap: three sentences are C4's and datatrove's unit. Sentences
//! are those of the signal `sentences`, without the ones that are only white space. A text of fewer sentences has no
//! span.
//!
//! The range of a unit starts at its first and ends behind its last character that is no white space, as Python
//! sees white space; so it never holds the line end. Blank lines are no units.
//!
//! The key is the 64-bit XXH3 of the unit, normalised:
//!
//! * [`Normal::Exact`]: the bytes of the range as they are.
//! * [`Normal::Loose`]: every character in lower case (one by one, so Σ is always σ), every decimal digit (Nd) of any
//!   script `0`, without punctuation (P*), control characters and what is invisible (U+00AD, U+200B to U+200F, U+2060,
//!   U+FEFF); each run of white space is one blank, none at the ends. Symbols such as `$` and `+` and accents stay;
//!   nothing is composed or decomposed.
//!
//! `Loose` is cc_net's `normalize_for_dedup` with three differences: cc_net keeps ASCII punctuation and removes 36
//! marks of other scripts, where all punctuation goes here; it removes tabs, where they are white space here; and it
//! keeps runs of blanks.
//!
//! A unit of fewer than `min_chars` code points after normalisation is left out: it has no key and is never
//! removed. Nor has a unit any of which nothing is left. Two different units share a key with probability 2⁻⁶⁴: among
//! a billion different ones, that any two do has a probability of 3 %.
//!
//! Time is linear in the text; a span of *n* sentences costs *n* times the hashing, which is fast.
//!
//! Sources: Raffel et al. 2020, JMLR 21(140), section 2.2 (three-sentence spans); Wenzek et al. 2020,
//! arXiv:1911.00359, section 3.1, and cc_net's `text_normalizer.py` (paragraph keys).

use xxhash_rust::xxh3::xxh3_64;

use crate::words::{
    Tokenizer,
    classes::{DIGIT, PUNCT, classes},
    sentence_ends,
    white_space::{is_space, strip},
};

/// What is compared as a whole; see the [module](self) for where it starts and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineUnit {
    /// What stands between two line feeds.
    Line,
    /// What stands between two blank lines.
    Paragraph,
    /// So many sentences in a row, overlapping; 0 counts as 1.
    Sentences(u8),
}

/// How a unit is changed before its key is taken; see the [module](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Normal {
    /// Not at all: equal bytes.
    Exact,
    /// Equal letters: lower case, digits as 0, no punctuation, white space collapsed.
    Loose,
}

/// One unit of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// First byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
    /// XXH3 of the normalised unit.
    pub key: u64,
}

/// Appends the units of `text` that have a key to `found`, in order of their start. `min_chars` counts code points of
/// the normalised unit.
pub fn units(text: &str, unit: LineUnit, normal: Normal, min_chars: usize, found: &mut Vec<Unit>) {
    if u32::try_from(text.len()).is_err() {
        return;
    }
    let mut push = |range: (usize, usize), normalised: &str| {
        if !normalised.is_empty() && has_chars(normalised, min_chars) {
            let (start, end) = (range.0 as u32, range.1 as u32);
            let key = xxh3_64(normalised.as_bytes());
            found.push(Unit { start, end, key });
        }
    };
    match unit {
        LineUnit::Line => push_parts(text, line_ranges(text), normal, push),
        LineUnit::Paragraph => push_parts(text, paragraph_ranges(text), normal, push),
        LineUnit::Sentences(number) => {
            let sentences = sentence_ranges(text);
            let number = usize::from(number).max(1);
            let spans = sentences
                .windows(number)
                .map(|span| (span[0].0, span[number - 1].1));
            if normal == Normal::Exact {
                spans.for_each(|span| push(span, &text[span.0..span.1]));
                return;
            }
            // The text is normalised once; a blank between two sentences belongs to the second.
            let mut loose = Loose::default();
            let mut marks = Vec::with_capacity(sentences.len());
            let mut behind = 0;
            for &(start, end) in &sentences {
                loose.push(&text[behind..start]);
                let first = loose.text.len();
                loose.push(&text[start..end]);
                marks.push((first, loose.text.len()));
                behind = end;
            }
            for (span, marks) in spans.zip(marks.windows(number)) {
                push(
                    span,
                    loose.text[marks[0].0..marks[number - 1].1].trim_matches(' '),
                );
            }
        }
    }
}

/// Hands every range and what it holds, normalised, to `push`.
fn push_parts(
    text: &str,
    ranges: impl Iterator<Item = (usize, usize)>,
    normal: Normal,
    mut push: impl FnMut((usize, usize), &str),
) {
    let mut loose = Loose::default();
    for range in ranges {
        let part = &text[range.0..range.1];
        match normal {
            Normal::Exact => push(range, part),
            Normal::Loose => {
                loose.clear();
                loose.push(part);
                push(range, &loose.text);
            }
        }
    }
}

/// Lines that are not blank, without white space at both ends.
fn line_ranges(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    text.split('\n').filter_map(move |line| {
        let from = start;
        start += line.len() + 1;
        stripped(line, from)
    })
}

/// Runs of lines that are not blank.
fn paragraph_ranges(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    let mut paragraph: Option<(usize, usize)> = None;
    // A blank line more ends the last paragraph.
    text.split('\n').chain([""]).filter_map(move |line| {
        let from = start;
        start += line.len() + 1;
        match stripped(line, from) {
            Some((first, end)) => {
                paragraph = Some((paragraph.map_or(first, |paragraph| paragraph.0), end));
                None
            }
            None => paragraph.take(),
        }
    })
}

/// Sentences that are not blank, without white space at both ends.
fn sentence_ranges(text: &str) -> Vec<(usize, usize)> {
    let mut start = 0;
    sentence_ends(text, Tokenizer::new().tokenize(text))
        .into_iter()
        .filter_map(|end| {
            let from = start;
            start = end as usize;
            stripped(&text[from..start], from)
        })
        .collect()
}

/// The range of a part that starts at `from`, without white space at both ends; `None` if it is blank.
fn stripped(part: &str, from: usize) -> Option<(usize, usize)> {
    let visible = strip(part);
    let start = from + (visible.as_ptr() as usize - part.as_ptr() as usize);
    (!visible.is_empty()).then_some((start, start + visible.len()))
}

/// Whether a text has at least so many code points.
fn has_chars(text: &str, min_chars: usize) -> bool {
    let bytes = text.len();
    bytes >= min_chars && (bytes / 4 >= min_chars || text.chars().count() >= min_chars)
}

/// A text under [`Normal::Loose`], appended piece by piece.
#[derive(Default)]
struct Loose {
    text: String,
    /// White space was read that is a blank once something follows.
    has_blank: bool,
}

/// What becomes of an ASCII character: removed.
const GONE: u8 = 0;
/// What becomes of an ASCII character: white space.
const BLANK: u8 = b' ';
static ASCII: [u8; 128] = ascii();

impl Loose {
    fn clear(&mut self) {
        self.text.clear();
        self.has_blank = false;
    }

    fn push(&mut self, piece: &str) {
        for c in piece.chars() {
            if c.is_ascii() {
                match ASCII[c as usize] {
                    GONE => {}
                    BLANK => self.has_blank = true,
                    loose => self.push_char(char::from(loose)),
                }
            } else if is_space(c) {
                self.has_blank = true;
            } else {
                let classes = classes(c);
                if classes & DIGIT != 0 {
                    self.push_char('0');
                } else if classes & PUNCT == 0 && !is_invisible(c) {
                    c.to_lowercase().for_each(|c| self.push_char(c));
                }
            }
        }
    }

    #[inline]
    fn push_char(&mut self, c: char) {
        if self.has_blank {
            self.has_blank = false;
            if !self.text.is_empty() {
                self.text.push(' ');
            }
        }
        self.text.push(c);
    }
}

const fn ascii() -> [u8; 128] {
    let mut table = [GONE; 128];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'\t'..=b'\r' | 0x1c..=b' ' => BLANK,
            b'0'..=b'9' => b'0',
            // Symbols, which are no punctuation (P*).
            b'$' | b'+' | b'<' | b'=' | b'>' | b'^' | b'`' | b'|' | b'~' => byte,
            _ if byte.is_ascii_alphabetic() => byte.to_ascii_lowercase(),
            _ => GONE,
        };
        byte += 1;
    }
    table
}

/// Control and format characters that show nothing.
fn is_invisible(c: char) -> bool {
    c.is_control() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, unit: LineUnit, normal: Normal, min_chars: usize) -> Vec<Unit> {
        let mut found = Vec::new();
        units(text, unit, normal, min_chars, &mut found);
        found
    }

    /// The units are `expected`, in order.
    fn check(text: &str, unit: LineUnit, min_chars: usize, expected: &[&str]) {
        for normal in [Normal::Exact, Normal::Loose] {
            let units = found(text, unit, normal, min_chars);
            let parts: Vec<_> = units
                .iter()
                .map(|unit| &text[unit.start as usize..unit.end as usize])
                .collect();
            assert_eq!(parts, expected, "{text:?} {normal:?}");
        }
    }

    fn loose(text: &str) -> String {
        let mut loose = Loose::default();
        loose.push(text);
        loose.text
    }

    #[test]
    fn lines_are_stripped_and_blank_ones_are_none() {
        check(
            " one \r\n\n\t\ntwo words\n",
            LineUnit::Line,
            0,
            &["one", "two words"],
        );
        check("", LineUnit::Line, 0, &[]);
        check("\n \n", LineUnit::Line, 0, &[]);
    }

    #[test]
    fn paragraphs_end_at_blank_lines() {
        check(
            "\n a\nb \n \t\nc\n\n\nd",
            LineUnit::Paragraph,
            0,
            &["a\nb", "c", "d"],
        );
        check("", LineUnit::Paragraph, 0, &[]);
    }

    #[test]
    fn spans_of_sentences_overlap() {
        let text = "One is. Two is!  Three is\nFour? ";
        check(
            text,
            LineUnit::Sentences(2),
            0,
            &["One is. Two is!", "Two is!  Three is\nFour?"],
        );
        check(
            text,
            LineUnit::Sentences(3),
            0,
            &["One is. Two is!  Three is\nFour?"],
        );
        check(text, LineUnit::Sentences(4), 0, &[]);
        check("One. Two.", LineUnit::Sentences(0), 0, &["One.", "Two."]);
        check("", LineUnit::Sentences(1), 0, &[]);
    }

    #[test]
    fn a_span_has_the_key_of_its_text() {
        // The second sentence starts without white space, the third with two kinds.
        let text = "\"Is it?\"No, 12 it isn't. \n Then — go!... \u{a0}So be it.";
        for number in 1..4 {
            for normal in [Normal::Exact, Normal::Loose] {
                for unit in found(text, LineUnit::Sentences(number), normal, 0) {
                    let part = &text[unit.start as usize..unit.end as usize];
                    let normalised = if normal == Normal::Loose {
                        loose(part)
                    } else {
                        part.to_owned()
                    };
                    assert_eq!(unit.key, xxh3_64(normalised.as_bytes()), "{part:?}");
                }
            }
        }
    }

    #[test]
    fn loose_keeps_letters_symbols_and_single_blanks() {
        assert_eq!(
            loose(" Call  +49\u{a0}30-१२ NOW!\t(“Äh…”) "),
            "call +00 0000 now äh"
        );
        assert_eq!(loose("soft\u{ad}ware\u{200b}\u{feff}\u{0}\u{7f}"), "software");
        assert_eq!(loose("ΣΑΣ，。İ"), "σασi\u{307}");
        assert_eq!(loose(" ... "), "");
        assert_eq!(loose("a - b"), "a b");
    }

    #[test]
    fn loose_treats_ascii_as_the_tables_do() {
        for c in (0..128u8).map(char::from) {
            let class = classes(c);
            let expected = if is_space(c) || class & PUNCT != 0 || c.is_control() {
                String::new()
            } else if class & DIGIT != 0 {
                "0".to_owned()
            } else {
                c.to_lowercase().collect()
            };
            assert_eq!(loose(&c.to_string()), expected, "{c:?}");
        }
    }

    #[test]
    fn exact_keys_tell_case_apart_and_loose_keys_do_not() {
        let keys = |normal| -> Vec<u64> {
            let units = found("Page 1 of 20\npage 3, of 45!", LineUnit::Line, normal, 0);
            units.iter().map(|unit| unit.key).collect()
        };
        let exact = keys(Normal::Exact);
        assert_ne!(exact[0], exact[1]);
        let loose = keys(Normal::Loose);
        assert_eq!(loose[0], loose[1]);
    }

    #[test]
    fn short_units_have_no_key() {
        check("äöü\näö\nabcd", LineUnit::Line, 3, &["äöü", "abcd"]);
        // Three characters without the marks.
        assert_eq!(found("a, b.", LineUnit::Line, Normal::Loose, 4).len(), 0);
        assert_eq!(found("a, b.", LineUnit::Line, Normal::Loose, 3).len(), 1);
        assert_eq!(found("---", LineUnit::Line, Normal::Loose, 0).len(), 0);
    }

    #[test]
    fn one_character_over_and_over_has_few_units_or_many() {
        for c in ["a", " ", "\n", ".", ". ", "é", "\u{2029}", ".\n"] {
            let text = c.repeat(1 << 17);
            for unit in [LineUnit::Line, LineUnit::Paragraph, LineUnit::Sentences(3)] {
                found(&text, unit, Normal::Loose, 1);
                found(&text, unit, Normal::Exact, 1);
            }
        }
    }
}
