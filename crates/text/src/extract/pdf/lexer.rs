//! Content streams: operands and operators.
//!
//! What cannot be read is skipped byte by byte, so that damage costs the operators around it and no more.

use std::{borrow::Cow, ops::Range};

use memchr::memmem;

/// The most operands of one operator; long arrays of `TJ` have some thousands.
const OPERANDS: usize = 1 << 17;

/// An operand. Arrays and dictionaries are flat, between their brackets.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand<'a> {
    Number(f64),
    /// A name as written, without its slash.
    Name(&'a [u8]),
    /// A string: where in [`Lexer::strings`].
    Text(Range<usize>),
    /// `[`, `]`, `<<`, `>>`.
    Bracket(&'static str),
}

/// Cuts a content stream into operators with their operands.
pub(super) struct Lexer<'a> {
    data: &'a [u8],
    at: usize,
    /// The operands of the operator that was read last.
    pub(super) operands: Vec<Operand<'a>>,
    /// The bytes of its strings.
    pub(super) strings: Vec<u8>,
    /// Whether no image behind here has an end that can be told.
    has_no_image_end: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Lexer {
            data,
            at: 0,
            operands: Vec::new(),
            strings: Vec::new(),
            has_no_image_end: false,
        }
    }

    /// The next operator; its operands are in [`operands`](Self::operands). An inline image is skipped and comes as
    /// `EI`.
    pub(super) fn operator(&mut self) -> Option<&'a [u8]> {
        self.operands.clear();
        self.strings.clear();
        loop {
            if self.operands.len() > OPERANDS {
                self.operands.clear();
            }
            let byte = *self.data.get(self.at)?;
            match byte {
                0 | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ' => self.at += 1,
                b'%' => self.skip_comment(),
                b'0'..=b'9' | b'+' | b'-' | b'.' => self.number(),
                b'/' => {
                    let start = self.at + 1;
                    self.at = start + regular(&self.data[start..]);
                    self.operands.push(Operand::Name(&self.data[start..self.at]));
                }
                b'(' => self.literal(),
                b'<' if self.data.get(self.at + 1) == Some(&b'<') => self.bracket("<<"),
                b'>' if self.data.get(self.at + 1) == Some(&b'>') => self.bracket(">>"),
                b'<' => self.hexadecimal(),
                b'[' => self.bracket("["),
                b']' => self.bracket("]"),
                b')' | b'>' | b'{' | b'}' => self.at += 1,
                _ => {
                    let start = self.at;
                    self.at += regular(&self.data[start..]);
                    match &self.data[start..self.at] {
                        b"true" | b"false" | b"null" => self.operands.push(Operand::Number(0.0)),
                        b"BI" => {
                            self.inline_image();
                            return Some(b"EI");
                        }
                        operator => return Some(operator),
                    }
                }
            }
        }
    }

    /// The last operands as numbers, or nothing if one of them is something else.
    pub(super) fn numbers<const N: usize>(&self) -> Option<[f64; N]> {
        let from = self.operands.len().checked_sub(N)?;
        let mut out = [0.0; N];
        for (value, operand) in out.iter_mut().zip(&self.operands[from..]) {
            let Operand::Number(number) = operand else {
                return None;
            };
            *value = *number;
        }
        Some(out)
    }

    /// The last name among the operands, with its escapes resolved.
    pub(super) fn name(&self) -> Option<Cow<'a, [u8]>> {
        self.operands.iter().rev().find_map(|operand| match operand {
            Operand::Name(name) => Some(unescape(name)),
            _ => None,
        })
    }

    fn bracket(&mut self, bracket: &'static str) {
        self.at += bracket.len();
        self.operands.push(Operand::Bracket(bracket));
    }

    fn skip_comment(&mut self) {
        let end = memchr::memchr2(b'\n', b'\r', &self.data[self.at..]);
        self.at = end.map_or(self.data.len(), |end| self.at + end);
    }

    /// A number; what only begins like one (`-`, `1.2.3`, `--5`) is read as far as it makes sense.
    fn number(&mut self) {
        let (mut value, mut scale, mut is_negative, mut has_point) = (0.0f64, 1.0f64, false, false);
        let start = self.at;
        while let Some(&byte) = self.data.get(self.at) {
            match byte {
                b'0'..=b'9' => {
                    value = value * 10.0 + f64::from(byte - b'0');
                    if has_point {
                        scale *= 10.0;
                    }
                }
                b'-' if self.at == start => is_negative = true,
                b'+' | b'-' => {}
                b'.' if !has_point => has_point = true,
                _ => break,
            }
            self.at += 1;
        }
        if self.data.get(self.at) == Some(&b'.') {
            self.at += regular(&self.data[self.at..]);
        }
        let value = if value.is_finite() && scale.is_finite() {
            value / scale
        } else {
            0.0
        };
        self.operands
            .push(Operand::Number(if is_negative { -value } else { value }));
    }

    fn literal(&mut self) {
        let start = self.strings.len();
        let mut depth = 0usize;
        let mut bytes = self.data[self.at..].iter().copied().peekable();
        let mut length = 0;
        let mut next = |bytes: &mut std::iter::Peekable<_>| {
            let byte: Option<u8> = Iterator::next(bytes);
            length += usize::from(byte.is_some());
            byte
        };
        while let Some(byte) = next(&mut bytes) {
            match byte {
                b'(' => {
                    depth += 1;
                    if depth == 1 {
                        continue;
                    }
                }
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b'\\' => {
                    let Some(escaped) = next(&mut bytes) else { break };
                    match escaped {
                        b'n' => self.strings.push(b'\n'),
                        b'r' => self.strings.push(b'\r'),
                        b't' => self.strings.push(b'\t'),
                        b'b' => self.strings.push(8),
                        b'f' => self.strings.push(12),
                        b'0'..=b'7' => {
                            let mut code = u32::from(escaped - b'0');
                            for _ in 0..2 {
                                if let Some(digit @ b'0'..=b'7') = bytes.peek().copied() {
                                    code = code * 8 + u32::from(digit - b'0');
                                    next(&mut bytes);
                                }
                            }
                            self.strings.push(code as u8);
                        }
                        b'\r' => {
                            if bytes.peek() == Some(&b'\n') {
                                next(&mut bytes);
                            }
                        }
                        b'\n' => {}
                        other => self.strings.push(other),
                    }
                    continue;
                }
                _ => {}
            }
            self.strings.push(byte);
        }
        self.at += length;
        self.operands.push(Operand::Text(start..self.strings.len()));
    }

    fn hexadecimal(&mut self) {
        let start = self.strings.len();
        let rest = &self.data[self.at + 1..];
        let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
        let mut digits = rest[..end]
            .iter()
            .filter_map(|byte| (*byte as char).to_digit(16).map(|digit| digit as u8));
        while let Some(high) = digits.next() {
            self.strings.push(high << 4 | digits.next().unwrap_or(0));
        }
        self.at = (self.at + end + 2).min(self.data.len());
        self.operands.push(Operand::Text(start..self.strings.len()));
    }

    /// Skips from behind `BI` to behind `EI`. Where the data end is not written anywhere, so an `EI` counts that
    /// stands alone and has readable operators behind it.
    fn inline_image(&mut self) {
        let Some(begin) = memmem::find(&self.data[self.at..], b"ID") else {
            self.at = self.data.len();
            return;
        };
        let mut at = self.at + begin + 2;
        while !self.has_no_image_end
            && let Some(found) = memmem::find(&self.data[at..], b"EI")
        {
            let end = at + found + 2;
            let is_alone = self.data[end - 3].is_ascii_whitespace() || self.data[end - 3] == b'>';
            let behind = &self.data[end..self.data.len().min(end + 12)];
            let is_readable = behind
                .iter()
                .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
            if is_alone && is_readable && behind.first().is_none_or(u8::is_ascii_whitespace) {
                self.at = end;
                return;
            }
            at = end;
        }
        self.has_no_image_end = true;
        // No end at all: the data may be the rest of the stream, or `ID` a misreading.
        self.at += begin + 2;
    }
}

/// How many bytes at the start are neither white space nor delimiters.
fn regular(data: &[u8]) -> usize {
    data.iter()
        .position(|byte| {
            matches!(
                byte,
                0 | b'\t'
                    | b'\n'
                    | b'\x0c'
                    | b'\r'
                    | b' '
                    | b'('
                    | b')'
                    | b'<'
                    | b'>'
                    | b'['
                    | b']'
                    | b'{'
                    | b'}'
                    | b'/'
                    | b'%'
            )
        })
        .unwrap_or(data.len())
}

/// A name without its `#` escapes.
pub(super) fn unescape(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'#') {
        return Cow::Borrowed(name);
    }
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [byte, tail @ ..] = rest {
        let digit = |at: usize| tail.get(at).and_then(|byte| (*byte as char).to_digit(16));
        if let (b'#', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            out.push((high << 4 | low) as u8);
            rest = &tail[2..];
        } else {
            out.push(*byte);
            rest = tail;
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data: &str, expected: &[(&str, &str)]) {
        let mut lexer = Lexer::new(data.as_bytes());
        let mut found = Vec::new();
        while let Some(operator) = lexer.operator() {
            let operands: Vec<String> = lexer
                .operands
                .iter()
                .map(|operand| match operand {
                    Operand::Number(number) => number.to_string(),
                    Operand::Name(name) => format!("/{}", String::from_utf8_lossy(name)),
                    Operand::Text(range) => {
                        String::from_utf8_lossy(&lexer.strings[range.clone()]).into_owned()
                    }
                    Operand::Bracket(bracket) => (*bracket).to_owned(),
                })
                .collect();
            found.push((operands.join(" "), String::from_utf8_lossy(operator).into_owned()));
        }
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(one, two)| (one.as_str(), two.as_str()))
            .collect();
        assert_eq!(found, expected, "{data}");
    }

    #[test]
    fn operands_come_before_operators() {
        check(
            "BT/F1 12 Tf[(a)-120.5(b)]TJ ET",
            &[("", "BT"), ("/F1 12", "Tf"), ("[ a -120.5 b ]", "TJ"), ("", "ET")],
        );
        check("-.5 +3 4. --2 1.2.3 Td", &[("-0.5 3 4 -2 1.2", "Td")]);
    }

    #[test]
    fn strings_have_escapes_and_parentheses() {
        check(r"(a(b\)\050)\n\101\7) Tj", &[("a(b)()\nA\u{7}", "Tj")]);
        check("<48 6 5> Tj <4> Tj", &[("He", "Tj"), ("@", "Tj")]);
        check("(a\\\r\nb", &[]);
    }

    #[test]
    fn inline_images_are_skipped() {
        check("q BI /W 1 ID \x01 EIx EI\nQ", &[("", "q"), ("", "EI"), ("", "Q")]);
    }

    #[test]
    fn damage_is_skipped() {
        check(") > } q (a) Tj % c ( \n Q", &[("", "q"), ("a", "Tj"), ("", "Q")]);
    }
}
