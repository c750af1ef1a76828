//! Codes to characters: `ToUnicode` maps of fonts, and the predefined maps of East Asian ones.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use hayro_cmap::{BfString, CMap, CMapName, load_embedded};

/// The most codes of one map; a font has at most 65,536 glyphs.
const CODES: usize = 1 << 17;

/// A `ToUnicode` map.
#[derive(Debug, Default)]
pub(super) struct ToUnicode {
    /// Where in `text` the characters of a code stand.
    codes: HashMap<u32, (u32, u32)>,
    /// How often a code was given; the same one may be given again and again.
    insertions: usize,
    text: String,
}

impl ToUnicode {
    /// Reads `bfchar` and `bfrange` sections, whatever stands around them.
    pub(super) fn parse(data: &[u8]) -> ToUnicode {
        let mut map = ToUnicode::default();
        let mut tokens = Tokens { data, at: 0 };
        while let Some(token) = tokens.next() {
            match token {
                Token::Word(b"beginbfchar") => {
                    while let Some(Token::Hex(code)) = tokens.next() {
                        match tokens.next() {
                            Some(Token::Hex(text)) => map.insert(number(&code), &text),
                            Some(Token::Word(b"endbfchar")) | None => break,
                            Some(_) => {}
                        }
                    }
                }
                Token::Word(b"beginbfrange") => map.ranges(&mut tokens),
                _ => {}
            }
        }
        map
    }

    fn ranges(&mut self, tokens: &mut Tokens<'_>) {
        while let Some(Token::Hex(low)) = tokens.next() {
            let Some(Token::Hex(high)) = tokens.next() else {
                return;
            };
            let (low, high) = (number(&low), number(&high));
            match tokens.next() {
                Some(Token::Hex(mut text)) => {
                    // A range stays within one last byte by the book; many go on.
                    for code in low..=high.min(low.saturating_add(0xffff)) {
                        if self.insertions >= CODES {
                            return;
                        }
                        self.insert(code, &text);
                        for byte in text.iter_mut().rev() {
                            *byte = byte.wrapping_add(1);
                            if *byte != 0 {
                                break;
                            }
                        }
                    }
                }
                Some(Token::Open) => {
                    let mut code = low;
                    loop {
                        match tokens.next() {
                            Some(Token::Hex(text)) if code <= high => self.insert(code, &text),
                            Some(Token::Hex(_)) => {}
                            _ => break,
                        }
                        code = code.saturating_add(1);
                    }
                }
                _ => return,
            }
        }
    }

    fn insert(&mut self, code: u32, utf_16: &[u8]) {
        if self.insertions >= CODES || utf_16.len() > 512 {
            return;
        }
        self.insertions += 1;
        let start = self.text.len();
        if let [byte] = utf_16 {
            self.text.push(char::from(*byte));
        } else {
            let units = utf_16
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            let characters = char::decode_utf16(units).map(|character| character.unwrap_or('\u{fffd}'));
            self.text
                .extend(characters.filter(|character| *character != '\0'));
        }
        self.codes
            .insert(code, (start as u32, (self.text.len() - start) as u32));
    }

    /// The characters of a code; `None` where the map does not say.
    pub(super) fn get(&self, code: u32) -> Option<&str> {
        let (start, length) = *self.codes.get(&code)?;
        let text = &self.text[start as usize..][..length as usize];
        (!text.is_empty()).then_some(text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

enum Token<'a> {
    Hex(Vec<u8>),
    Open,
    Word(&'a [u8]),
}

struct Tokens<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = &self.data[self.at..];
            match rest.first()? {
                b'<' if rest.get(1) == Some(&b'<') => self.at += 2,
                b'<' => {
                    let end = memchr::memchr(b'>', rest).unwrap_or(rest.len());
                    self.at = (self.at + end + 1).min(self.data.len());
                    let mut digits = rest[1..end]
                        .iter()
                        .filter_map(|byte| (*byte as char).to_digit(16).map(|digit| digit as u8));
                    let mut value = Vec::with_capacity(end / 2);
                    while let Some(high) = digits.next() {
                        value.push(high << 4 | digits.next().unwrap_or(0));
                    }
                    return Some(Token::Hex(value));
                }
                b'[' => {
                    self.at += 1;
                    return Some(Token::Open);
                }
                b']' => {
                    self.at += 1;
                    return Some(Token::Word(b"]"));
                }
                b'%' => self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()),
                byte if byte.is_ascii_alphanumeric() => {
                    let length = rest
                        .iter()
                        .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_' | b'.'))
                        .unwrap_or(rest.len());
                    self.at += length;
                    return Some(Token::Word(&rest[..length]));
                }
                _ => self.at += 1,
            }
        }
    }
}

/// The predefined map of that name (`UniGB-UCS2-H`, `Adobe-Japan1-UCS2`).
pub(super) fn predefined(name: &[u8]) -> Option<Arc<CMap>> {
    static READ: LazyLock<Mutex<HashMap<Vec<u8>, Arc<CMap>>>> = LazyLock::new(Mutex::default);
    let data = load_embedded(CMapName::from_bytes(name))?;
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(map) = read.get(name) {
        return Some(map.clone());
    }
    let map = Arc::new(CMap::parse(data, load_embedded)?);
    read.insert(name.to_vec(), map.clone());
    Some(map)
}

/// Appends the characters of a glyph number in a character collection map (`Adobe-Japan1-UCS2`).
pub(super) fn append_cid(map: &CMap, cid: u32, out: &mut String) -> bool {
    match map.lookup_bf_string(cid) {
        Some(BfString::Char(character)) => out.push(character),
        Some(BfString::String(text)) => out.push_str(&text),
        None => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chars_and_ranges_are_read() {
        let map = ToUnicode::parse(
            b"1 begincodespacerange <00> <ff> endcodespacerange\n2 beginbfchar <01> <0041> <02> <00660069> endbfchar\n\
              2 beginbfrange <10> <12> <00ff> <20> <21> [<0061> <d83dde00>] endbfrange",
        );
        assert_eq!(map.get(1), Some("A"));
        assert_eq!(map.get(2), Some("fi"));
        assert_eq!(map.get(0x11), Some("\u{100}"));
        assert_eq!(map.get(0x21), Some("\u{1f600}"));
        assert_eq!(map.get(0x22), None);
    }

    #[test]
    fn a_map_that_is_cut_keeps_its_beginning() {
        let map = ToUnicode::parse(b"2 beginbfchar <01> <0041> <02");
        assert_eq!(map.get(1), Some("A"));
        assert!(
            ToUnicode::parse(b"beginbfrange <00000000> <ffffffff> <0041>")
                .codes
                .len()
                <= CODES
        );
    }

    #[test]
    fn predefined_maps_know_their_characters() {
        let codes = predefined(b"90ms-RKSJ-H").unwrap();
        let cid = codes.lookup_cid_code(0x82a0, 2).unwrap();
        let mut out = String::new();
        assert!(append_cid(
            &predefined(b"Adobe-Japan1-UCS2").unwrap(),
            cid,
            &mut out
        ));
        assert_eq!(out, "\u{3042}");
        assert!(predefined(b"No-Such-Map").is_none());
    }
}
