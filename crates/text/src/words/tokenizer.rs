//! The tokeniser: chunks, affixes, exceptions, infixes.

use std::sync::LazyLock;

use super::{affixes::Affixes, merges::Merges, strings::Strings, url::is_url, white_space::is_space};

static RULES: LazyLock<Rules> = LazyLock::new(Rules::new);

/// Cuts texts into words; keeps its buffers from one text to the next.
pub(crate) struct Tokenizer {
    rules: &'static Rules,
    tokens: Vec<Token>,
    suffixes: Vec<Token>,
}

/// First byte and end of a token in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
}

struct Rules {
    exceptions: Exceptions,
    affixes: Affixes,
    merges: Merges,
}

/// Strings that are cut in a fixed way.
pub(super) struct Exceptions {
    strings: Strings,
    /// Lengths of the pieces of each string.
    pieces: Vec<Vec<usize>>,
}

impl Tokenizer {
    pub(crate) fn new() -> Self {
        Tokenizer {
            rules: &RULES,
            tokens: Vec::new(),
            suffixes: Vec::new(),
        }
    }

    /// The words of `text` as first byte and end, in order.
    pub(crate) fn tokenize(&mut self, text: &str) -> impl Iterator<Item = (u32, u32)> {
        // Texts are far below 4 GiB: an Arrow view holds their length in 32 bits.
        self.spans(text).map(|(start, end)| (start as u32, end as u32))
    }

    /// The words of a text of any length.
    pub(crate) fn spans(&mut self, text: &str) -> impl Iterator<Item = (usize, usize)> {
        self.tokens.clear();
        let mut has_merges = false;
        let mut start = 0;
        while let Some(chunk) = next_chunk(text, start) {
            start = chunk.end;
            if self.push_plain(text, &chunk) {
                continue;
            }
            let first = self.tokens.len();
            self.cut(text, chunk.start, chunk.end);
            let tokens = &self.tokens[first..];
            has_merges = has_merges || tokens.len() > 1 && self.rules.merges.may_apply(text, tokens);
        }
        if has_merges {
            self.rules
                .merges
                .apply(text, &mut self.tokens, &self.rules.exceptions);
        }
        self.tokens.iter().map(|token| (token.start, token.end))
    }

    /// Takes a chunk of ASCII letters with at most one mark behind them, which is most of any English text, unless
    /// it or its letters are an exception. Letters have no affix and no infix.
    #[inline]
    fn push_plain(&mut self, text: &str, chunk: &Chunk) -> bool {
        let exceptions = &self.rules.exceptions;
        let letters = &text[chunk.start..chunk.letters_end];
        let is_plain = match text.as_bytes()[chunk.letters_end..chunk.end] {
            [] => true,
            [b',' | b';' | b':' | b'!' | b'?' | b')' | b']' | b'"'] => {
                exceptions.find(&text[chunk.start..chunk.end]).is_none()
            }
            [b'.'] => {
                letters.ends_with(|c: char| c.is_ascii_lowercase())
                    && exceptions.find(&text[chunk.start..chunk.end]).is_none()
            }
            _ => false,
        };
        if !is_plain || letters.is_empty() || exceptions.find(letters).is_some() {
            return false;
        }
        self.push(chunk.start, chunk.letters_end);
        if chunk.letters_end < chunk.end {
            self.push(chunk.letters_end, chunk.end);
        }
        true
    }

    /// Cuts the chunk from `start` to `end`.
    fn cut(&mut self, text: &str, mut start: usize, mut end: usize) {
        let Rules {
            exceptions, affixes, ..
        } = self.rules;
        self.suffixes.clear();
        while start < end && exceptions.find(&text[start..end]).is_none() {
            let prefix = affixes.prefix(&text[start..end]);
            if prefix > 0 && exceptions.find(&text[start + prefix..end]).is_some() {
                self.push(start, start + prefix);
                start += prefix;
                break;
            }
            let suffix = affixes.suffix(&text[start + prefix..end]);
            if suffix > 0 && exceptions.find(&text[start..end - suffix]).is_some() {
                self.suffixes.push(Token {
                    start: end - suffix,
                    end,
                });
                end -= suffix;
                break;
            }
            if prefix > 0 {
                self.push(start, start + prefix);
                start += prefix;
            }
            if suffix > 0 {
                self.suffixes.push(Token {
                    start: end - suffix,
                    end,
                });
                end -= suffix;
            }
            if prefix + suffix == 0 {
                break;
            }
        }
        if start < end {
            self.push_middle(text, start, end);
        }
        self.tokens.extend(self.suffixes.drain(..).rev());
    }

    /// Takes what the affixes left: an exception, a URL or something to cut at infixes.
    fn push_middle(&mut self, text: &str, start: usize, end: usize) {
        let middle = &text[start..end];
        if let Some(exception) = self.rules.exceptions.find(middle) {
            self.tokens.extend(self.rules.exceptions.cut(exception, start));
        } else if is_url(middle) {
            self.push(start, end);
        } else {
            self.cut_infixes(middle, start);
        }
    }

    /// Cuts `middle`, which starts at byte `offset`, at its infixes. An infix at its very start stays with what
    /// follows.
    fn cut_infixes(&mut self, middle: &str, offset: usize) {
        let mut start = 0;
        let mut before = None;
        let mut skip_to = 0;
        for (at, c) in middle.char_indices() {
            // No infix starts with an ASCII letter or digit.
            if at >= skip_to && !c.is_ascii_alphanumeric() {
                let infix = self.rules.affixes.infix(middle, at, before);
                skip_to = at + infix;
                if infix > 0 && at > 0 {
                    if at > start {
                        self.push(offset + start, offset + at);
                    }
                    self.push(offset + at, offset + skip_to);
                    start = skip_to;
                }
            }
            before = Some(c);
        }
        if start < middle.len() {
            self.push(offset + start, offset + middle.len());
        }
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize) {
        self.tokens.push(Token { start, end });
    }
}

impl Rules {
    fn new() -> Self {
        let exceptions = Exceptions::new();
        Rules {
            affixes: Affixes::new(),
            merges: Merges::new(&exceptions),
            exceptions,
        }
    }
}

impl Exceptions {
    fn new() -> Self {
        let lines = || include_str!("exceptions.txt").lines();
        Exceptions {
            // Leaked once per process: the rules live in a static.
            strings: Strings::new(lines().map(|line| &*line.replace(' ', "").leak())),
            pieces: lines()
                .map(|line| line.split(' ').map(str::len).collect())
                .collect(),
        }
    }

    /// Whether these tokens are the very pieces of an exception.
    pub(super) fn leaves(&self, tokens: &[&str]) -> bool {
        let exception = self.find(&tokens.concat());
        exception.is_some_and(|number| {
            let lengths = tokens.iter().map(|token| token.len());
            self.pieces[number].iter().copied().eq(lengths)
        })
    }

    /// The number of the exception `string`; never of an empty one.
    #[inline]
    pub(super) fn find(&self, string: &str) -> Option<usize> {
        self.strings.find(string)
    }

    /// The tokens of an exception that stands at byte `start`.
    pub(super) fn cut(&self, exception: usize, mut start: usize) -> impl Iterator<Item = Token> {
        self.pieces[exception].iter().map(move |length| {
            let token = Token {
                start,
                end: start + length,
            };
            start = token.end;
            token
        })
    }
}

impl Token {
    pub(super) fn of(self, text: &str) -> &str {
        &text[self.start..self.end]
    }
}

/// A run of characters that are not white space.
struct Chunk {
    start: usize,
    /// Where the ASCII letters at its start end.
    letters_end: usize,
    end: usize,
}

/// The first chunk at or behind byte `from`.
#[inline]
fn next_chunk(text: &str, from: usize) -> Option<Chunk> {
    let bytes = text.as_bytes();
    let start = skip_while(text, from, is_space);
    let letters = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let letters_end = start + letters;
    let end = skip_while(text, letters_end, |c| !is_space(c));
    (start < end).then_some(Chunk {
        start,
        letters_end,
        end,
    })
}

/// The first byte at or behind `at` whose character does not satisfy `goes_on`. Looks at ASCII by the byte.
#[inline]
fn skip_while(text: &str, mut at: usize, goes_on: impl Fn(char) -> bool) -> usize {
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        let (goes, length) = if byte.is_ascii() {
            (goes_on(char::from(byte)), 1)
        } else {
            let c = text[at..].chars().next();
            (c.is_some_and(&goes_on), c.map_or(0, char::len_utf8))
        };
        if !goes {
            break;
        }
        at += length;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let mut tokenizer = Tokenizer::new();
        let words: Vec<_> = tokenizer
            .tokenize(text)
            .map(|(start, end)| &text[start as usize..end as usize])
            .collect();
        assert_eq!(words, expected, "{text}");
    }

    #[test]
    fn contractions_and_abbreviations_follow_the_exceptions() {
        check("Don't stop.", &["Do", "n't", "stop", "."]);
        check(
            "e.g. U.S.A. is 3.14% of $5.00",
            &["e.g.", "U.S.A.", "is", "3.14", "%", "of", "$", "5.00"],
        );
    }

    #[test]
    fn hyphens_slashes_and_stops_inside_a_chunk_cut_it() {
        check("foo-bar", &["foo", "-", "bar"]);
        check("and/or", &["and/or"]);
        check("a...b ... …", &["a", "...", "b", "...", "…"]);
    }

    #[test]
    fn quotes_units_and_numbers_come_apart() {
        check("“quoted” ‘it’s’", &["“", "quoted", "”", "‘", "it", "’s", "’"]);
        check("10km 5pm 1,000.50", &["10", "km", "5", "pm", "1,000.50"]);
        check("#hashtag", &["#", "hashtag"]);
    }

    #[test]
    fn addresses_and_emoticons_stay_whole() {
        check(
            "http://example.com/a?b me@example.com :-)",
            &["http://example.com/a?b", "me@example.com", ":-)"],
        );
    }

    #[test]
    fn cut_exceptions_are_merged_again() {
        check("(optional):", &["(", "optional", "):"]);
        check("hello:)", &["hello", ":)"]);
    }

    #[test]
    fn white_space_is_no_word() {
        check(" \n\t\u{a0}\u{1f}", &[]);
        check("", &[]);
        check("a\u{1c}b\u{3000}c", &["a", "b", "c"]);
    }

    #[test]
    fn a_long_chunk_takes_linear_time() {
        for piece in ["(", ".", "a.", "@", "-", ":)", "a@", "'s", "1.", "…"] {
            let text = piece.repeat(200_000);
            assert!(Tokenizer::new().tokenize(&text).count() > 0);
        }
    }
}
