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
