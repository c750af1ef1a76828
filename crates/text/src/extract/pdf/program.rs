//! Embedded font programs: the glyph names that a Type 1 or CFF font gives its codes.

use std::collections::HashMap;

use memchr::memmem;

use super::encoding::{cff_strings, predefined};

/// Glyph names by code.
pub(super) type Names = HashMap<u8, String>;

/// The most glyphs of a font program.
const GLYPHS: usize = 1 << 16;

/// The encoding in the clear text of a Type 1 font: `dup 65 /A put` and so on. `None` for a predefined one.
pub(super) fn type_1(data: &[u8]) -> Option<Names> {
    let clear = &data[..memmem::find(data, b"eexec").unwrap_or(data.len())];
    let rest = &clear[memmem::find(clear, b"/Encoding")? + 9..];
    if rest.trim_ascii_start().starts_with(b"StandardEncoding") {
        return None;
    }
    let text = String::from_utf8_lossy(rest);
    let mut names = Names::new();
    let mut words = text
        .split(|c: char| c.is_ascii_whitespace())
        .flat_map(|word| word.split('/'))
        .filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        match word {
            "dup" => {
                let (Some(code), Some(name)) = (words.next(), words.next()) else {
                    break;
                };
                let code = code
                    .strip_prefix("8#")
                    .map_or_else(|| code.parse().ok(), |octal| u8::from_str_radix(octal, 8).ok());
                if let Some(code) = code {
                    names.insert(code, name.to_owned());
                }
            }
            "def" | "readonly" if !names.is_empty() => break,
            _ => {}
        }
    }
    (!names.is_empty()).then_some(names)
}

/// The encoding of a CFF font, bare or within OpenType. `None` for a font of numbered glyphs and for a broken one.
pub(super) fn cff(data: &[u8]) -> Option<Names> {
    let data = if data.starts_with(b"OTTO") {
        open_type(data)?
    } else {
        data
    };
    let header = usize::from(*data.get(2)?);
    let (_, after_names) = index(data, header)?;
    let (tops, after_tops) = index(data, after_names)?;
    let (strings, _) = index(data, after_tops)?;
    let top = dict(data.get(tops.first()?.clone())?);
    if top.contains_key(&ROS) {
        return None;
    }
    let offset = |key: u16| top.get(&key).copied().unwrap_or(0.0).max(0.0) as usize;
    let (glyphs, _) = index(data, offset(CHAR_STRINGS))?;
    let charset = charset(data, offset(CHARSET), glyphs.len().min(GLYPHS))?;
    let name = |glyph: usize| {
        let id = usize::from(*charset.get(glyph)?);
        let standard = cff_strings();
        if let Some(name) = standard.get(id) {
            return Some((*name).to_owned());
        }
        let bytes = data.get(strings.get(id - standard.len())?.clone())?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    let at = offset(ENCODING);
    let mut names = Names::new();
    match at {
        0 => {
            let encoding = predefined("Standard")?;
            names.extend((0..=255u8).map(|code| (code, encoding[usize::from(code)].to_owned())));
        }
        1 => {
            let encoding = predefined("MacExpert")?;
            names.extend((0..=255u8).map(|code| (code, encoding[usize::from(code)].to_owned())));
        }
        _ => {
            let (kind, count) = (*data.get(at)?, usize::from(*data.get(at + 1)?));
            let mut glyph = 1;
            let mut end = at + 2;
            if kind & 0x7f == 0 {
                for &code in data.get(end..end + count)? {
                    names.extend(name(glyph).map(|name| (code, name)));
                    glyph += 1;
                }
                end += count;
            } else {
                for range in data.get(end..end + 2 * count)?.chunks_exact(2) {
                    for code in range[0]..=range[0].saturating_add(range[1]) {
                        names.extend(name(glyph).map(|name| (code, name)));
                        glyph += 1;
                    }
                }
                end += 2 * count;
            }
            if kind & 0x80 != 0 {
                let count = usize::from(*data.get(end)?);
                for entry in data.get(end + 1..end + 1 + 3 * count)?.chunks_exact(3) {
                    let id = u16::from_be_bytes([entry[1], entry[2]]);
                    let glyph = charset.iter().position(|other| *other == id);
                    names.extend(glyph.and_then(name).map(|name| (entry[0], name)));
                }
            }
        }
    }
    Some(names)
}

/// Keys of a top dictionary; two-byte operators have 12 as their high byte.
const CHARSET: u16 = 15;
const ENCODING: u16 = 16;
const CHAR_STRINGS: u16 = 17;
const ROS: u16 = 12 << 8 | 30;

fn open_type(data: &[u8]) -> Option<&[u8]> {
    let tables = usize::from(u16::from_be_bytes(data.get(4..6)?.try_into().ok()?));
    let table = data
        .get(12..)?
        .chunks_exact(16)
        .take(tables)
        .find(|entry| &entry[..4] == b"CFF ")?;
    let number = |at: usize| Some(u32::from_be_bytes(table[at..at + 4].try_into().ok()?) as usize);
    data.get(number(8)?..)?.get(..number(12)?)
}

/// The ranges of an INDEX and where it ends.
fn index(data: &[u8], at: usize) -> Option<(Vec<std::ops::Range<usize>>, usize)> {
    let count = usize::from(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?));
    if count == 0 {
        return Some((Vec::new(), at + 2));
    }
    let width = usize::from(*data.get(at + 2)?);
    if !(1..=4).contains(&width) {
        return None;
    }
    let offsets = data.get(at + 3..at + 3 + (count + 1) * width)?;
    let base = at + 2 + (count + 1) * width;
    let offsets: Vec<usize> = offsets
        .chunks_exact(width)
        .map(|bytes| {
            base + bytes
                .iter()
                .fold(0, |value, byte| value << 8 | usize::from(*byte))
        })
        .collect();
    let ranges = offsets.windows(2).map(|pair| pair[0]..pair[1]).collect();
    Some((ranges, *offsets.last()?))
}

/// The last operand of every operator.
fn dict(data: &[u8]) -> HashMap<u16, f64> {
    let mut out = HashMap::new();
    let mut last = 0.0;
    let mut bytes = data.iter().copied();
    while let Some(byte) = bytes.next() {
        let mut next = || f64::from(bytes.next().unwrap_or(0));
        match byte {
            12 => drop(out.insert(12 << 8 | next() as u16, last)),
            0..=21 => drop(out.insert(u16::from(byte), last)),
            28 => last = f64::from((next() * 256.0 + next()) as u16 as i16),
            29 => last = f64::from((0..4).fold(0u32, |value, _| value << 8 | next() as u32) as i32),
            30 => {
                // A real number; none of the keys that are read has one.
                for pair in bytes.by_ref() {
                    if pair & 15 == 15 {
                        break;
                    }
                }
            }
            32..=246 => last = f64::from(byte) - 139.0,
            247..=250 => last = (f64::from(byte) - 247.0) * 256.0 + next() + 108.0,
            251..=254 => last = -(f64::from(byte) - 251.0) * 256.0 - next() - 108.0,
            _ => {}
        }
    }
    out
}

/// The string number of every glyph.
fn charset(data: &[u8], at: usize, glyphs: usize) -> Option<Vec<u16>> {
    let mut out = vec![0u16];
    if at <= 2 {
        // ISOAdobe has the order of the standard strings; the expert sets are rare, and near enough.
        out.extend(1..=u16::try_from(glyphs.min(228)).ok()?);
        return Some(out);
    }
    let kind = *data.get(at)?;
    let number = |at: usize| Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?));
    let mut at = at + 1;
    while out.len() < glyphs {
        let Some(first) = number(at) else { break };
        let (more, length) = match kind {
            0 => (0, 2),
            1 => (u16::from(*data.get(at + 2)?), 3),
            _ => (number(at + 2)?, 4),
        };
        let room = glyphs - out.len();
        out.extend((0..=more).take(room).map(|step| first.wrapping_add(step)));
        at += length;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_1_names_its_codes() {
        let names = type_1(b"/Encoding 256 array\n0 1 255 {1 index exch /.notdef put} for\ndup 65/A put\ndup 8#102 /ff put\nreadonly def\ndup 67 /C put eexec dup 1 /x put");
        let names = names.unwrap();
        assert_eq!((names[&65].as_str(), names[&66].as_str()), ("A", "ff"));
        assert_eq!(names.len(), 2);
        assert!(type_1(b"/Encoding StandardEncoding def").is_none());
    }

    #[test]
    fn broken_fonts_name_nothing() {
        for length in 0..64 {
            let data: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(37) % 5).collect();
            assert!(cff(&data).is_none_or(|names| names.len() <= 256));
        }
    }
}
