//! A text without what copies of it differ in: datatrove's `simplify_text`.
//!
//! In this order:
//!
//! 1. Lower case, by Unicode's full mapping (a capital sigma at the end of a word becomes `ς`).
//! 2. A number becomes `0`: decimal digits of any script, then at most one of `. , ، ٫ ⎖ ⎗ ⎘` with more digits
//!    behind it. So `1,000` is `0`, `1.2.3` is `0.0` and `w123` is `w0`.
//! 3. Each of 129 marks of punctuation and control characters becomes a blank. Of ASCII nothing but letters and
//!    digits is left; `‘`, `•` and many marks of other scripts stay.
//! 4. A run of white space becomes one blank.
//! 5. Canonical decomposition, then non-spacing marks (Mn) are dropped: `é` becomes `e`. That comes last, so a mark
//!    alone between two blanks leaves two blanks.
//! 6. No blanks at the ends.
//!
//! Digits and non-spacing marks are those of Unicode 14, as of the Python that the reference values are from.
//!
//! One pass does it all. ASCII goes byte by byte through a table; a character of another script takes all the steps
//! on its own, and so does what follows a combining mark that stays, until its place in the order is known.

use unicode_normalization::char::{canonical_combining_class, decompose_canonical};

use crate::words::{
    classes::{DIGIT, MARK, is},
    white_space::is_space,
};

/// In [`ASCII`]: an ASCII digit.
const NUMBER: u8 = 1;
/// In [`ASCII`]: part of a longer character.
const OTHER: u8 = 0;
/// Most bytes that one character leaves: three letters of lower case, each decomposed into four characters.
const CHARACTER: usize = 3 * 4 * 4;

/// What becomes of a byte: a letter, a blank, [`NUMBER`] or [`OTHER`].
static ASCII: [u8; 256] = ascii();

const fn ascii() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'0'..=b'9' => NUMBER,
            b'a'..=b'z' | b'A'..=b'Z' => byte.to_ascii_lowercase(),
            _ => b' ',
        };
        byte += 1;
    }
    table
}

/// Replaces `out` by the simplified text; see the [module](super) for what it is for. The result has at most three
/// times as many bytes as the text and holds no white space but blanks.
///
/// ```
/// let mut out = String::new();
/// gristmill_text::fingerprint::simplify("Hello, World! 3.14 and 1,000 Café naïve\n\tMONDAY", &mut out);
/// assert_eq!(out, "hello world 0 and 0 cafe naive monday");
/// ```
pub fn simplify(text: &str, out: &mut String) {
    let mut simplifier = Simplifier::new(std::mem::take(out));
    if !simplifier.run(text) {
        // What a capital sigma becomes depends on its neighbours.
        simplifier = Simplifier::new(simplifier.finish());
        simplifier.run(&text.to_lowercase());
    }
    *out = simplifier.finish();
}

struct Simplifier {
    /// The result so far, with room behind it for the rest.
    out: Vec<u8>,
    length: usize,
    /// Whether the last character was white space, so that another one adds nothing.
    after_space: bool,
    /// Combining marks that stay and wait to be put in order.
    marks: Vec<char>,
}

impl Simplifier {
    fn new(out: String) -> Self {
        let mut out = out.into_bytes();
        out.clear();
        Simplifier {
            out,
            length: 0,
            after_space: true,
            marks: Vec::new(),
        }
    }

    /// Takes the whole text; stops and is false at a capital sigma.
    fn run(&mut self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        self.make_room(bytes.len());
        while let Some(&byte) = bytes.get(at) {
            match ASCII[usize::from(byte)] {
                NUMBER => {
                    at = number_end(text, at);
                    self.push_byte(b'0');
                }
                OTHER => {
                    at = match self.push_others(text, at) {
                        Some(at) => at,
                        None => return false,
                    };
                    self.make_room(bytes.len() - at);
                }
                simple => {
                    at += 1;
                    self.push_byte(simple);
                }
            }
        }
        true
    }

    /// Sees to it that the rest of a text fits, if it were all ASCII.
    fn make_room(&mut self, rest: usize) {
        let needed = self.length + rest;
        if self.out.len() < needed {
            self.out.resize(needed + needed / 8, 0);
        }
    }

    /// Adds a byte, but of a run of blanks only the first.
    #[inline]
    fn push_byte(&mut self, byte: u8) {
        let is_space = byte == b' ';
        self.out[self.length] = byte;
        self.length += usize::from(!(is_space && self.after_space));
        self.after_space = is_space;
    }

    /// Takes the character at byte `at`, and more until no mark waits. Returns where it stopped.
    fn push_others(&mut self, text: &str, mut at: usize) -> Option<usize> {
        while let Some(c) = text[at..].chars().next() {
            self.make_room(CHARACTER + 4 * self.marks.len());
            if c == 'Σ' {
                return None;
            }
            if is(c, DIGIT) {
                at = number_end(text, at);
                self.push_marks();
                self.push_byte(b'0');
            } else {
                at += c.len_utf8();
                c.to_lowercase().for_each(|lower| self.push_lower(lower));
            }
            if self.marks.is_empty() {
                break;
            }
        }
        if at == text.len() {
            self.push_marks();
        }
        Some(at)
    }

    /// Takes steps 3 to 5.
    fn push_lower(&mut self, c: char) {
        if is_punctuation(c) || is_space(c) {
            self.push_marks();
            self.push_byte(b' ');
            return;
        }
        decompose_canonical(c, |part| {
            let is_dropped = is(part, MARK);
            if canonical_combining_class(part) == 0 {
                self.push_marks();
                if !is_dropped {
                    self.push_char(part);
                }
            } else if !is_dropped {
                self.marks.push(part);
            }
        });
        self.after_space = false;
    }

    /// Adds the marks that wait, in canonical order.
    fn push_marks(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        let mut marks = std::mem::take(&mut self.marks);
        marks.sort_by_key(|&mark| canonical_combining_class(mark));
        marks.iter().for_each(|&mark| self.push_char(mark));
        marks.clear();
        self.marks = marks;
    }

    fn push_char(&mut self, c: char) {
        let length = c.encode_utf8(&mut self.out[self.length..]).len();
        self.length += length;
    }

    /// The result without blanks at its ends.
    fn finish(self) -> String {
        let mut out = self.out;
        out.truncate(self.length);
        while out.last() == Some(&b' ') {
            out.pop();
        }
        let blanks = out.iter().take_while(|&&byte| byte == b' ').count();
        if blanks > 0 {
            out.drain(..blanks);
        }
        String::from_utf8(out).expect("only whole characters are added")
    }
}

/// Where the number ends that starts with the digit at byte `at`.
fn number_end(text: &str, at: usize) -> usize {
    let end = digits_end(text, at);
    let separator = text[end..].chars().next().filter(|&c| is_separator(c));
    separator.map_or(end, |separator| {
        let fraction = end + separator.len_utf8();
        let fraction_end = digits_end(text, fraction);
        if fraction_end > fraction {
            fraction_end
        } else {
            end
        }
    })
}

fn digits_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let ascii = bytes[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let mut end = at + ascii;
    if bytes.get(end).is_some_and(|byte| !byte.is_ascii()) {
        let digits = text[end..].chars().take_while(|&c| is(c, DIGIT));
        end += digits.map(char::len_utf8).sum::<usize>();
    }
    end
}

fn is_separator(c: char) -> bool {
    matches!(c, '.' | ',' | '،' | '٫' | '⎖' | '⎗' | '⎘')
}

/// Whether datatrove's `PUNCTUATION` holds `c`. The list has `１` too, which is a number before it can be a mark.
#[inline]
fn is_punctuation(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => !c.is_ascii_alphanumeric(),
        '\u{80}'..='\u{9f}' => true,
        _ => matches!(
            c,
            '«' | '»'
                | '´'
                | '–'
                | '—'
                | '’'
                | '“'
                | '”'
                | '„'
                | '…'
                | '∶'
                | '━'
                | '►'
                | '、'
                | '。'
                | '〈'
                | '〉'
                | '《'
                | '》'
                | '「'
                | '」'
                | '【'
                | '】'
                | '！'
                | '％'
                | '（'
                | '）'
                | '，'
                | '．'
                | '１'
                | '：'
                | '；'
                | '？'
                | '～'
        ),
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn check(text: &str, expected: &str) {
        let mut out = "before".to_owned();
        simplify(text, &mut out);
        assert_eq!(out, expected, "{text:?}");
    }

    /// The steps one after the other.
    fn by_steps(text: &str) -> String {
        let lower = text.to_lowercase();
        let mut numbered = String::new();
        let mut at = 0;
        while let Some(c) = lower[at..].chars().next() {
            let is_digit = is(c, DIGIT);
            numbered.push(if is_digit { '0' } else { c });
            at = if is_digit {
                number_end(&lower, at)
            } else {
                at + c.len_utf8()
            };
        }
        let blanked: String = numbered
            .chars()
            .map(|c| if is_punctuation(c) { ' ' } else { c })
            .collect();
        let words: Vec<_> = blanked.split(is_space).filter(|word| !word.is_empty()).collect();
        let bare: String = words.join(" ").nfd().filter(|&c| !is(c, MARK)).collect();
        bare.trim_matches(' ').to_owned()
    }

    #[test]
    fn one_pass_gives_what_the_steps_give() {
        let pieces: Vec<char> = "aZ 09.,-\n‘’–“éÉİΣσς٣５⎖한각が中☃\u{301}\u{323}\u{93f}\u{941}\u{a953}\u{302e}\u{1d165}\u{37e}\u{226e}\u{1f}\u{85}\u{a0}\u{3000}\u{200b}😀ẞﬁ"
            .chars()
            .collect();
        let mut state = 7u64;
        let mut random = |most: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % most
        };
        let mut out = String::new();
        for _ in 0..20_000 {
            let few: Vec<char> = (0..1 + random(6)).map(|_| pieces[random(pieces.len())]).collect();
            let text: String = (0..random(24)).map(|_| few[random(few.len())]).collect();
            simplify(&text, &mut out);
            assert_eq!(out, by_steps(&text), "{text:?}");
        }
    }

    #[test]
    fn a_number_has_at_most_one_separator() {
        check("1,000 3.14 1.2.3 1,,2 5. .5 w123", "0 0 0 0 0 0 0 0 w0");
        check("٣٫١٤ １２.３ 1⎖2", "0 0 0");
    }

    #[test]
    fn ascii_keeps_letters_and_numbers_only() {
        let all: String = (0..128u8).map(char::from).collect();
        check(&all, "0 abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz");
    }

    #[test]
    fn a_mark_between_blanks_leaves_two_blanks() {
        check("a \u{301} b \u{301}", "a  b");
        check(" \u{301} a", "a");
    }

    #[test]
    fn a_sigma_is_final_at_the_end_of_a_word() {
        check("ΟΔΟΣ ΣΑ", "οδος σα");
    }

    #[test]
    fn huge_runs_of_anything_take_linear_time() {
        for piece in [
            "a",
            "!",
            "\u{301}",
            "\u{302e}",
            "\u{302e}\u{a953}",
            "7",
            "1.",
            "٣",
            "Σ",
            "한",
            "é",
            " \u{301}",
            "\u{1d160}",
        ] {
            let text = piece.repeat(1_000_000 / piece.len());
            let mut out = String::new();
            simplify(&text, &mut out);
            assert!(out.len() <= 3 * text.len());
        }
    }
}
