//! Fonts: codes of a string to characters and widths.
//!
//! Where the characters of a code come from, the first that knows it counts:
//!
//! 1. the font's `ToUnicode` map;
//! 2. simple fonts: the name of its glyph, from `Differences`, the named encoding, the embedded font program, or the
//!    standard encoding of its kind;
//! 3. composite fonts: the code itself where it is Unicode (`UniGB-UCS2-H`), its glyph number in the character
//!    collections of Adobe (`Adobe-Japan1`).
//!
//! A code that nobody knows is `U+FFFD`, so that lost text can be seen. Ligatures become their letters, no-break
//! spaces become spaces, soft hyphens, which are drawn here, become hyphens, and control characters are dropped.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use gristmill_core::Fault;
use hayro_cmap::{CMap, WritingMode, load_embedded};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream};

use super::{
    budget::Budget,
    cmap::{ToUnicode, append_cid, predefined},
    encoding, filter, program,
};

/// How many glyphs of one width tell that all have it.
const FEWEST_WIDTHS: usize = 8;
/// The most widths of a composite font.
const WIDTHS: usize = 1 << 17;

/// A font.
pub(super) struct Font {
    kind: Kind,
    /// Whether its lines run from top to bottom.
    pub(super) is_vertical: bool,
    /// Its em, in units of the font size: 1 but for Type 3 fonts, which may have any.
    pub(super) em: f64,
    /// Whether its glyphs are equally wide, like those of code.
    pub(super) is_fixed: bool,
}

enum Kind {
    Simple(Box<[Glyph; 256]>, String),
    Composite(Box<Composite>, RefCell<Seen>),
}

/// What a code shows.
#[derive(Debug, Default, Clone, Copy)]
struct Glyph {
    /// Where its characters stand.
    text: (u32, u32),
    /// Its width, in ems.
    width: f32,
}

#[derive(Default)]
struct Seen {
    glyphs: HashMap<u32, Glyph>,
    text: String,
}

struct Composite {
    /// Codes to glyph numbers; two bytes that are the number where there is none.
    codes: Option<Arc<CMap>>,
    to_unicode: ToUnicode,
    /// Glyph numbers to characters.
    collection: Option<Arc<CMap>>,
    is_unicode: bool,
    widths: HashMap<u32, f32>,
    default_width: f32,
}

impl Font {
    /// Reads a font dictionary.
    ///
    /// # Errors
    /// A `limit` where its streams exceed the budget.
    pub(super) fn read(dict: &Dict<'_>, budget: &mut Budget) -> Result<Font, Fault> {
        let subtype = dict.get::<Name<'_>>("Subtype");
        let subtype = subtype.as_deref().unwrap_or_default();
        let to_unicode = to_unicode(dict, budget)?;
        match dict.get::<Array<'_>>("DescendantFonts") {
            Some(fonts) if subtype == b"Type0" || subtype.is_empty() => composite(
                dict,
                &fonts.iter::<Dict<'_>>().next().unwrap_or_default(),
                to_unicode,
                budget,
            ),
            _ => simple(dict, subtype, &to_unicode, budget),
        }
    }

    /// Shows every code of a string: its characters, its width in ems, and whether it is the single byte 32, which is
    /// what word spacing goes by.
    pub(super) fn show(&self, string: &[u8], mut see: impl FnMut(&str, f64, bool)) {
        match &self.kind {
            Kind::Simple(glyphs, text) => {
                for &code in string {
                    let glyph = glyphs[usize::from(code)];
                    see(slice(text, glyph), f64::from(glyph.width), code == b' ');
                }
            }
            Kind::Composite(font, seen) => {
                let mut seen = seen.borrow_mut();
                let mut rest = string;
                while !rest.is_empty() {
                    let (code, length, cid) = font.code(rest);
                    let is_space = length == 1 && rest[0] == b' ';
                    rest = &rest[length..];
                    // Codes of different lengths are different codes.
                    let key = code ^ (length as u32) << 29;
                    let glyph = match seen.glyphs.get(&key) {
                        Some(glyph) => *glyph,
                        None => {
                            let glyph = font.glyph(code, cid, &mut seen.text);
                            seen.glyphs.insert(key, glyph);
                            glyph
                        }
                    };
                    see(slice(&seen.text, glyph), f64::from(glyph.width), is_space);
                }
            }
        }
    }
}

fn slice(text: &str, glyph: Glyph) -> &str {
    &text[glyph.text.0 as usize..glyph.text.1 as usize]
}

impl Composite {
    /// The next code, its length in bytes, and its glyph number.
    fn code(&self, string: &[u8]) -> (u32, usize, u32) {
        let number = |length: usize| {
            string[..length]
                .iter()
                .fold(0, |code, byte| code << 8 | u32::from(*byte))
        };
        let Some(codes) = &self.codes else {
            let length = string.len().min(2);
            return (number(length), length, number(length));
        };
        for length in 1..=string.len().min(4) {
            let code = number(length);
            if let Some(cid) = codes.lookup_cid_code(code, length as u8) {
                return (code, length, cid);
            }
        }
        let length = if string[0] < 0x80 { 1 } else { string.len().min(2) };
        (number(length), length, 0)
    }

    fn glyph(&self, code: u32, cid: u32, text: &mut String) -> Glyph {
        let mut characters = String::new();
        if let Some(known) = self.to_unicode.get(code) {
            characters.push_str(known);
        } else if let Some(character) = char::from_u32(code).filter(|_| self.is_unicode) {
            characters.push(character);
        } else if !self
            .collection
            .as_deref()
            .is_some_and(|collection| append_cid(collection, cid, &mut characters))
            && cid != 0
        {
            characters.push('\u{fffd}');
        }
        let start = text.len();
        clean(&characters, text);
        Glyph {
            text: (start as u32, text.len() as u32),
            width: self.widths.get(&cid).copied().unwrap_or(self.default_width),
        }
    }
}

/// Appends what a glyph shows, as plain characters.
fn clean(characters: &str, out: &mut String) {
    for character in characters.chars() {
        match character {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
            '\u{a0}'
            | '\t'
            | '\n'
            | '\r'
            | '\u{2000}'..='\u{200a}'
            | '\u{202f}'
            | '\u{2028}'
            | '\u{2029}' => out.push(' '),
            '\u{ad}' | '\u{2010}' | '\u{2011}' => out.push('-'),
            // Bullets of symbol fonts.
            '\u{f0b7}' | '\u{f0a7}' => out.push('\u{2022}'),
            '\u{200b}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {}
            _ if character.is_control() => {}
            _ => out.push(character),
        }
    }
}

fn to_unicode(dict: &Dict<'_>, budget: &mut Budget) -> Result<ToUnicode, Fault> {
    match dict.get::<Stream<'_>>("ToUnicode") {
        Some(stream) => Ok(ToUnicode::parse(&filter::decode(&stream, budget)?)),
        None => Ok(ToUnicode::default()),
    }
}

fn simple(
    dict: &Dict<'_>,
    subtype: &[u8],
    to_unicode: &ToUnicode,
    budget: &mut Budget,
) -> Result<Font, Fault> {
    let base_font = dict.get::<Name<'_>>("BaseFont");
    let base_font = base_font.as_ref().map_or("", |name| name.as_str());
    let base_font = base_font.split_once('+').map_or(base_font, |(_, name)| name);
    let descriptor = dict.get::<Dict<'_>>("FontDescriptor").unwrap_or_default();
    let names = glyph_names(dict, subtype, base_font, &descriptor, budget)?;
    let mut text = String::new();
    let mut glyphs = [Glyph::default(); 256];
    let widths = simple_widths(dict, subtype, base_font, &descriptor, &names);
    let mut characters = String::new();
    for (code, glyph) in (0..=255u8).zip(glyphs.iter_mut()) {
        characters.clear();
        let name = names[usize::from(code)].as_str();
        if let Some(known) = to_unicode.get(u32::from(code)) {
            characters.push_str(known);
        } else if !encoding::characters(name, code, &mut characters) && !matches!(name, "-" | ".notdef") {
            characters.push('\u{fffd}');
        }
        let start = text.len();
        clean(&characters, &mut text);
        glyph.text = (start as u32, text.len() as u32);
        glyph.width = widths[usize::from(code)];
    }
    let em = if subtype == b"Type3" {
        type_3_em(&glyphs)
    } else {
        1.0
    };
    Ok(Font {
        kind: Kind::Simple(Box::new(glyphs), text),
        is_vertical: false,
        em,
        is_fixed: is_fixed(&descriptor, base_font, &widths),
    })
}

/// Whether the font says so, is called so, or has one width for all of its glyphs.
fn is_fixed(descriptor: &Dict<'_>, name: &str, widths: &[f32]) -> bool {
    const FIXED_PITCH: i32 = 1;
    if descriptor.get::<i32>("Flags").unwrap_or(0) & FIXED_PITCH != 0
        || name.contains("Courier")
        || name.contains("Mono")
    {
        return true;
    }
    let mut widths = widths.iter().filter(|width| **width > 0.0);
    let Some(first) = widths.next() else { return false };
    let mut count = 1;
    widths.all(|width| {
        count += 1;
        (width - first).abs() < 0.002
    }) && count >= FEWEST_WIDTHS
}

/// Letters are about half as wide as high, and nothing else in a Type 3 font says how large it is.
fn type_3_em(glyphs: &[Glyph; 256]) -> f64 {
    let widths: Vec<f64> = glyphs
        .iter()
        .map(|glyph| f64::from(glyph.width).abs())
        .filter(|width| *width > 0.0)
        .collect();
    let mean = widths.iter().sum::<f64>() / widths.len().max(1) as f64;
    if mean > 0.0 { mean * 2.0 } else { 1.0 }
}

/// The glyph name of every code, `-` for none.
fn glyph_names(
    dict: &Dict<'_>,
    subtype: &[u8],
    base_font: &str,
    descriptor: &Dict<'_>,
    budget: &mut Budget,
) -> Result<Vec<String>, Fault> {
    let (named, differences) = match dict.get::<Object<'_>>("Encoding") {
        Some(Object::Name(name)) => (encoding::predefined(name.as_str()), None),
        Some(Object::Dict(encoding)) => (
            encoding
                .get::<Name<'_>>("BaseEncoding")
                .and_then(|name| encoding::predefined(name.as_str())),
            encoding.get::<Array<'_>>("Differences"),
        ),
        _ => (None, None),
    };
    let is_symbol = base_font.starts_with("Symbol") && !descriptor.contains_key("FontFile2");
    let default = if is_symbol {
        "Symbol"
    } else if base_font.starts_with("ZapfDingbats") {
        "ZapfDingbats"
    } else if subtype == b"TrueType" {
        "WinAnsi"
    } else {
        "Standard"
    };
    let base = named
        .filter(|_| !is_symbol)
        .or_else(|| encoding::predefined(default))
        .expect("the table holds these encodings");
    let mut names: Vec<String> = base.iter().map(|name| (*name).to_owned()).collect();
    if subtype == b"Type3" && named.is_none() {
        names.fill("-".to_owned());
    }
    if named.is_none() && subtype != b"TrueType" {
        let found = if let Some(stream) = descriptor.get::<Stream<'_>>("FontFile") {
            program::type_1(&filter::decode(&stream, budget)?)
        } else if let Some(stream) = descriptor.get::<Stream<'_>>("FontFile3") {
            program::cff(&filter::decode(&stream, budget)?)
        } else {
            None
        };
        for (code, name) in found.into_iter().flatten() {
            names[usize::from(code)] = name;
        }
    }
    let mut code = 0usize;
    for item in differences.iter().flat_map(Array::iter::<Object<'_>>) {
        match item {
            Object::Number(number) => code = number.as_f64().clamp(0.0, 256.0) as usize,
            Object::Name(name) => {
                if let Some(slot) = names.get_mut(code) {
                    *slot = String::from_utf8_lossy(&name).into_owned();
                }
                code += 1;
            }
            _ => {}
        }
    }
    Ok(names)
}

/// The width of every code, in ems.
fn simple_widths(
    dict: &Dict<'_>,
    subtype: &[u8],
    base_font: &str,
    descriptor: &Dict<'_>,
    names: &[String],
) -> [f32; 256] {
    let scale = if subtype == b"Type3" {
        let matrix = dict.get::<[f32; 6]>("FontMatrix");
        matrix.map_or(0.001, |matrix| matrix[0].abs())
    } else {
        0.001
    };
    let missing = descriptor.get::<f32>("MissingWidth").unwrap_or(0.0);
    let Some(array) = dict.get::<Array<'_>>("Widths") else {
        let standard = encoding::standard_widths(base_font);
        let width = |name: &String| {
            let known = standard.and_then(|widths| widths.get(name.as_str())).copied();
            known.map_or(
                if base_font.contains("Courier") {
                    600.0
                } else {
                    500.0
                },
                f32::from,
            )
        };
        return std::array::from_fn(|code| names.get(code).map_or(missing, width) * scale);
    };
    let mut widths = [missing * scale; 256];
    let first = dict.get::<f32>("FirstChar").unwrap_or(0.0).clamp(0.0, 255.0) as usize;
    for (slot, width) in widths[first..].iter_mut().zip(array.iter::<f32>()) {
        *slot = width * scale;
    }
    widths
}

fn composite(
    dict: &Dict<'_>,
    descendant: &Dict<'_>,
    to_unicode: ToUnicode,
    budget: &mut Budget,
) -> Result<Font, Fault> {
    let mut is_vertical = false;
    let mut is_unicode = false;
    let codes = match dict.get::<Object<'_>>("Encoding") {
        Some(Object::Name(name)) => {
            is_vertical = name.ends_with(b"-V") || &*name == b"V";
            is_unicode = name.windows(5).any(|part| part == b"-UCS2" || part == b"UTF16");
            if name.starts_with(b"Identity") {
                None
            } else {
                predefined(&name)
            }
        }
        Some(Object::Stream(stream)) => {
            let map = CMap::parse(&filter::decode(&stream, budget)?, load_embedded);
            is_vertical = map
                .as_ref()
                .is_some_and(|map| matches!(map.metadata().writing_mode, Some(WritingMode::Vertical)));
            map.map(Arc::new)
        }
        _ => None,
    };
    let ordering = descendant
        .get::<Dict<'_>>("CIDSystemInfo")
        .and_then(|info| info.get::<hayro_syntax::object::String<'_>>("Ordering"));
    let collection =
        ordering.and_then(|ordering| predefined(&[b"Adobe-", ordering.as_bytes(), b"-UCS2"].concat()));
    let mut font = Composite {
        codes,
        // A map that is named and not given (`/ToUnicode /Identity-H`) says that codes are Unicode.
        is_unicode: is_unicode || to_unicode.is_empty() && dict.get::<Name<'_>>("ToUnicode").is_some(),
        to_unicode,
        collection,
        widths: HashMap::new(),
        default_width: descendant.get::<f32>("DW").unwrap_or(1000.0) / 1000.0,
    };
    let descriptor = descendant.get::<Dict<'_>>("FontDescriptor").unwrap_or_default();
    let name = dict.get::<Name<'_>>("BaseFont");
    if !is_vertical {
        cid_widths(descendant, &mut font.widths);
    }
    Ok(Font {
        kind: Kind::Composite(Box::new(font), RefCell::default()),
        is_vertical,
        em: 1.0,
        is_fixed: is_fixed(&descriptor, name.as_ref().map_or("", |name| name.as_str()), &[]),
    })
}

/// `first [width …]` and `first last width`, mixed.
fn cid_widths(descendant: &Dict<'_>, widths: &mut HashMap<u32, f32>) {
    let Some(array) = descendant.get::<Array<'_>>("W") else {
        return;
    };
    let mut numbers: Vec<f32> = Vec::new();
    // A list may give the same width again and again.
    let mut given = 0;
    for item in array.iter::<Object<'_>>() {
        if given > WIDTHS {
            return;
        }
        match item {
            Object::Number(number) => numbers.push(number.as_f32()),
            Object::Array(list) => {
                let first = numbers.pop().unwrap_or(0.0) as u32;
                for (cid, width) in (first..=0xffff).zip(list.iter::<f32>()) {
                    given += 1;
                    widths.insert(cid, width / 1000.0);
                }
                numbers.clear();
            }
            _ => {}
        }
        if let [first, last, width] = numbers[..] {
            for cid in first as u32..=(last as u32).min(0xffff) {
                given += 1;
                widths.insert(cid, width / 1000.0);
            }
            numbers.clear();
        }
    }
}
