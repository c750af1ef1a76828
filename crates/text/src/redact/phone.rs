//! Phone numbers.
//!
//! Long numbers are mostly something else, so a number is one only if its layout says so, or the word before it:
//!
//! - **International** (ITU-T E.164): `+`, an assigned country code and a national number of a length that the
//!   country has, joined (then ten digits or more in all) or in groups. With `00` for `+`, only after a cue or with
//!   `(0)` within.
//! - **North American** (NANP): area code, exchange and line as `(212) 664-7665`, `212-664-7665`, `212.664.7665`,
//!   `212 664-7665` or `212/664-7665`, with `1` before it or not; with spaces only or joined, after a cue. The area
//!   code is `[2-9][0-8]x` and neither `x11` nor 37x or 96x, the exchange `[2-9]xx` and not `x11`.
//! - **National with a leading 0**, as in most of Europe: 9 to 13 digits in groups or joined, after a cue.
//!
//! Between groups are a space, a hyphen or dash, a dot or a slash, or one of them with spaces around it; brackets
//! around one group, with the `+` or without. A *cue* is a word such as `tel`, `phone`, `fax`, `mobile` or `call` just before the number, with
//! punctuation or small words (`us on`, `number is`) between them; `T`, `F`, `M` and `P` with a colon are cues too.
//!
//! The number is no part of a longer word, number, decimal, URL path or sum. Extensions (`x12`) stay. Dates, prices,
//! ISBNs, coordinates, times and versions fail one of these rules. Where groups with spaces go on beyond what a number
//! may have, as in `+1 212 664 7665 24 hours`, it ends before.
//!
//! Sources: ITU-T E.164 and its list of assigned country codes; ITU-T E.123 for the layouts; national numbering plans
//! as communicated to the ITU (E.129) for the lengths; NANPA, "About the North American Numbering Plan", for the codes.
//!
//! Replaced by a number that is reserved for fiction, of the same kind: NPA-555-0100 to -0199 (NANPA, "555 line
//! numbers"; ATIS-0300115) and Ofcom's "Telephone numbers for use in TV and radio drama programmes". All numbers of
//! these ranges are nobody's, so they stay.

use std::ops::Range;

use gristmill_core::{Card, Column, Cost, columns};

use super::{Redaction, is_word, position};

/// Describes [`PHONE`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "phone",
    about: "replaces phone numbers by numbers that are reserved for fiction",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::u32("text_redacted_phones", "phone numbers that were replaced"),
    ],
    source: "ITU-T E.164 and E.123; NANPA numbering rules; Ofcom numbers for drama",
    cost: Cost::Cheap,
    version: 1,
};

const INTERNATIONAL: [&str; 6] = [
    "+1 202-555-0114",
    "+1 312-555-0168",
    "+1 415-555-0137",
    "+44 20 7946 0958",
    "+44 1632 960174",
    "+44 7700 900236",
];
const INTERNATIONAL_00: [&str; 3] = ["0044 20 7946 0958", "0044 1632 960174", "0044 7700 900236"];
const NORTH_AMERICAN: [&str; 3] = ["202-555-0114", "312-555-0168", "415-555-0137"];
const NORTH_AMERICAN_1: [&str; 3] = ["1-202-555-0114", "1-312-555-0168", "1-415-555-0137"];
const NORTH_AMERICAN_BRACKET: [&str; 3] = ["(202) 555-0114", "(312) 555-0168", "(415) 555-0137"];
const NATIONAL: [&str; 3] = ["020 7946 0958", "01632 960174", "07700 900236"];
const NATIONAL_BRACKET: [&str; 2] = ["(020) 7946 0958", "(01632) 960174"];

/// Replaces phone numbers; see the module.
pub(super) static PHONE: Redaction = Redaction {
    card: &CARD,
    find,
    placeholders: |matched| match matched.as_bytes() {
        [b'+', ..] => &INTERNATIONAL,
        [b'0', b'0', ..] => &INTERNATIONAL_00,
        [b'0', ..] => &NATIONAL,
        [b'(', b'+', ..] => &INTERNATIONAL,
        [b'(', b'0', ..] => &NATIONAL_BRACKET,
        [b'(', ..] => &NORTH_AMERICAN_BRACKET,
        [b'1', ..] => &NORTH_AMERICAN_1,
        _ => &NORTH_AMERICAN,
    },
};

/// Country codes with the least and most digits of their national numbers. Those of three digits that are not here but
/// within [`ASSIGNED`] have 7 to 10.
const COUNTRIES: &[(&str, usize, usize)] = &[
    ("1", 10, 10),
    ("7", 10, 10),
    ("20", 8, 10),
    ("27", 9, 9),
    ("30", 10, 10),
    ("31", 9, 9),
    ("32", 8, 9),
    ("33", 9, 9),
    ("34", 9, 9),
    ("36", 8, 9),
    ("39", 8, 11),
    ("40", 9, 9),
    ("41", 9, 9),
    ("43", 7, 12),
    ("44", 9, 10),
    ("45", 8, 8),
    ("46", 7, 9),
    ("47", 8, 8),
    ("48", 9, 9),
    ("49", 7, 11),
    ("51", 8, 9),
    ("52", 10, 10),
    ("53", 8, 8),
    ("54", 10, 11),
    ("55", 10, 11),
    ("56", 9, 9),
    ("57", 8, 10),
    ("58", 10, 10),
    ("60", 8, 10),
    ("61", 9, 9),
    ("62", 8, 12),
    ("63", 8, 10),
    ("64", 8, 10),
    ("65", 8, 8),
    ("66", 8, 9),
    ("81", 9, 10),
    ("82", 8, 10),
    ("84", 9, 10),
    ("86", 10, 11),
    ("90", 10, 10),
    ("91", 10, 10),
    ("92", 9, 10),
    ("93", 9, 9),
    ("94", 9, 9),
    ("95", 7, 10),
    ("98", 10, 10),
    ("298", 6, 6),
    ("299", 6, 6),
    ("351", 9, 9),
    ("354", 7, 7),
    ("370", 8, 8),
    ("371", 8, 8),
    ("380", 9, 9),
    ("420", 9, 9),
    ("421", 9, 9),
    ("852", 8, 8),
    ("853", 8, 8),
    ("886", 8, 9),
];

/// Assigned country codes of three digits, as ranges.
const ASSIGNED: &[(u32, u32)] = &[
    (211, 213),
    (216, 216),
    (218, 218),
    (220, 258),
    (260, 269),
    (290, 291),
    (297, 299),
    (350, 359),
    (370, 378),
    (380, 383),
    (385, 387),
    (389, 389),
    (420, 421),
    (423, 423),
    (500, 509),
    (590, 599),
    (670, 670),
    (672, 683),
    (685, 692),
    (800, 800),
    (808, 808),
    (850, 850),
    (852, 853),
    (855, 856),
    (870, 870),
    (878, 878),
    (880, 883),
    (886, 886),
    (888, 888),
    (960, 968),
    (970, 977),
    (979, 979),
    (992, 996),
    (998, 998),
];

/// Ofcom's ranges for drama, by the first digits; each number has eleven.
const DRAMA: [&str; 20] = [
    "01134960", "01144960", "01154960", "01164960", "01174960", "01184960", "01214960", "01314960",
    "01414960", "01514960", "01614960", "01914980", "01632960", "02079460", "02896496", "02920180",
    "07700900", "08081570", "09098790", "03069990",
];

const CUES: &[&str] = &[
    "tel",
    "tels",
    "telephone",
    "telephones",
    "telefon",
    "telefono",
    "teléfono",
    "telefone",
    "telefoon",
    "téléphone",
    "tél",
    "telefax",
    "telefonnummer",
    "phone",
    "phones",
    "ph",
    "fon",
    "fax",
    "mobile",
    "mobil",
    "mobiltelefon",
    "mobiel",
    "móvil",
    "movil",
    "cell",
    "cellphone",
    "call",
    "calling",
    "dial",
    "ring",
    "sms",
    "whatsapp",
    "handy",
    "hotline",
    "helpline",
    "switchboard",
    "tlf",
    "gsm",
    "rufnummer",
    "contact",
    "cellulare",
    "portable",
    "тел",
    "телефон",
    "电话",
    "電話",
    "手机",
];

/// Words that may stand between a cue and its number.
const FILLERS: &[&str] = &[
    "us", "me", "on", "at", "no", "nr", "number", "numbers", "is", "the", "our", "my", "line", "or", "and",
    "toll", "free", "office", "work", "home", "direct", "now", "today", "der", "unter", "au",
];

/// ITU-T E.164: a number has at most 15 digits; two more for `00`, two more for zeros that are not dialled.
const DIGITS_MAX: usize = 19;

/// The digits of a number as they are grouped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Space,
    Dot,
    Slash,
    Hyphen,
    Bracket,
}

/// Digits from a place in the text, in groups.
struct Groups {
    digits: [u8; DIGITS_MAX],
    /// For each group: how many digits there are up to its end, where it ends in the text, the gap before it.
    groups: [(usize, usize, Gap); DIGITS_MAX],
    count: usize,
    has_trunk_zero: bool,
}

/// The first number that begins at or after `from`. Looks at up to 20 digits with the gaps between them, and at up to
/// 64 bytes before them, from each row of digits, `+` or `(`.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(start) = position(bytes, at, |byte| {
        byte.is_ascii_digit() || matches!(byte, b'+' | b'(')
    }) {
        let found = begins_here(text, start).then(|| number_at(text, start)).flatten();
        match found {
            Some((end, false)) => return Some(start..end),
            Some((end, true)) => at = end,
            None => {
                let digits = bytes[start..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                at = start + digits.max(1);
            }
        }
    }
    None
}

/// Where the number ends that begins at `start`, and whether it is reserved for fiction.
fn number_at(text: &str, start: usize) -> Option<(usize, bool)> {
    let bytes = text.as_bytes();
    match &bytes[start..] {
        [b'+', b'1'..=b'9', ..] | [b'+', b'(', b'1'..=b'9', ..] => {
            international(text, &Groups::read(bytes, start + 1)?)
        }
        [b'(', b'+', b'1'..=b'9', ..] => international(text, &Groups::read(bytes, start)?),
        [b'0', b'0', b'1'..=b'9', ..] => {
            let groups = Groups::read(bytes, start + 2)?;
            let found = international(text, &groups)?;
            let is_number = groups.has_trunk_zero || has_cue(text, start);
            (is_number && !follows_number(text, start)).then_some(found)
        }
        [b'0', ..] | [b'(', b'0', ..] => national(text, start),
        [b'(', b'2'..=b'9', ..] | [b'1'..=b'9', ..] => north_american(text, start),
        _ => None,
    }
}

fn international(text: &str, groups: &Groups) -> Option<(usize, bool)> {
    let digits = groups.digits();
    let (code, min, max) = country(digits)?;
    // The code stands in one group. Zeros after it are dialled within the country only, but for Italy's.
    let zeros = usize::from(digits.get(code) == Some(&b'0') && !digits.starts_with(b"39"));
    let (count, end) = groups.until(code + zeros + max)?;
    let national = digits.get(code + zeros..count)?;
    let has_length = national.len() >= min && groups.groups[0].0 >= code;
    let is_decimal = groups.is_decimal(count) && national.len() < 9;
    let is_short = groups.groups[0].0 >= count && count < 10;
    if !has_length || is_decimal || is_short || !is_varied(national) || !ends_here(text, end) {
        return None;
    }
    match &digits[..code] {
        b"1" => is_nanp(national).then(|| (end, is_fictional_nanp(national))),
        b"44" => Some((end, is_drama(national))),
        _ => Some((end, false)),
    }
}

fn north_american(text: &str, start: usize) -> Option<(usize, bool)> {
    let groups = Groups::read(text.as_bytes(), start)?;
    let digits = groups.digits();
    let trunk = usize::from(digits[0] == b'1');
    let (count, end) = groups.until(trunk + 10)?;
    let national = &digits[trunk..count];
    if national.len() != 10 || !is_nanp(national) || !is_varied(national) || !ends_here(text, end) {
        return None;
    }
    let ends = |group: usize| groups.groups[group].0 - trunk;
    let after_trunk = usize::from(trunk == 1 && groups.groups[0].0 == 1);
    let layout = groups.count_until(count) - after_trunk;
    let is_strong = match layout {
        1 => false,
        3 if ends(after_trunk) == 3 && ends(after_trunk + 1) == 6 => {
            let (first, second) = (groups.groups[after_trunk + 1].2, groups.groups[after_trunk + 2].2);
            let is_bracketed = first == Gap::Bracket;
            let has_dots = second == Gap::Dot && first == Gap::Dot;
            is_bracketed || has_dots || second == Gap::Hyphen && first != Gap::Dot
        }
        _ => return None,
    };
    (is_strong || has_cue(text, start)).then(|| (end, is_fictional_nanp(national)))
}

fn national(text: &str, start: usize) -> Option<(usize, bool)> {
    const MIN: usize = 9;
    const MAX: usize = 13;
    /// With that many digits, a group after a space is something else.
    const ENOUGH: usize = 10;

    let groups = Groups::read(text.as_bytes(), start)?;
    let enough = (0..groups.count).find(|group| {
        let next = groups.groups[..groups.count].get(group + 1);
        groups.groups[*group].0 >= ENOUGH && next.is_none_or(|next| next.2 == Gap::Space)
    });
    let (count, end) = match enough {
        Some(group) => (groups.groups[group].0, groups.groups[group].1),
        None => groups.until(MAX)?,
    };
    let digits = &groups.digits()[..count];
    let is_number = (MIN..=MAX).contains(&count)
        && !groups.is_decimal(count)
        && is_varied(digits)
        && ends_here(text, end)
        && !follows_number(text, start)
        && has_cue(text, start);
    is_number.then(|| (end, is_drama(&digits[1..])))
}

impl Groups {
    /// Reads from a digit, or a bracket before it that closes after the first group, with a `+` in it or not; nothing
    /// if a row of digits is longer than any number.
    fn read(bytes: &[u8], start: usize) -> Option<Self> {
        let has_bracket = bytes[start] == b'(';
        let mut is_open = has_bracket;
        let mut at = start + usize::from(has_bracket);
        at += usize::from(has_bracket && bytes[at] == b'+');
        let mut gap = Gap::Space;
        let mut out = Self {
            digits: [0; DIGITS_MAX],
            groups: [(0, 0, Gap::Space); DIGITS_MAX],
            count: 0,
            has_trunk_zero: false,
        };
        let mut total = 0;
        loop {
            let row = bytes[at..].iter().take(DIGITS_MAX + 1);
            let length = row.take_while(|byte| byte.is_ascii_digit()).count();
            let is_trunk_zero =
                is_open && bytes[at..].starts_with(b"0)") && out.count > 0 && !out.has_trunk_zero;
            match out.digits.get_mut(total..total + length) {
                _ if is_trunk_zero => out.has_trunk_zero = true,
                Some(digits) if length > 0 => {
                    digits.copy_from_slice(&bytes[at..at + length]);
                    total += length;
                    out.groups[out.count] = (total, at + length, gap);
                    out.count += 1;
                }
                _ if length <= DIGITS_MAX && out.count > 0 => return Some(out),
                _ => return None,
            }
            at += length;
            let Some((next, kind)) = gap_after(bytes, at, &mut is_open) else {
                return (!has_bracket || out.count > 1).then_some(out);
            };
            (at, gap) = (next, kind);
        }
    }

    fn digits(&self) -> &[u8] {
        &self.digits[..self.count.checked_sub(1).map_or(0, |last| self.groups[last].0)]
    }

    /// Digits and end in the text of as many groups as have at most `max` digits, if what comes after them may be
    /// something else.
    fn until(&self, max: usize) -> Option<(usize, usize)> {
        let groups = &self.groups[..self.count];
        let within = groups.iter().take_while(|(digits, ..)| *digits <= max).count();
        let is_other = groups.get(within).is_none_or(|(.., gap)| *gap == Gap::Space);
        let (digits, end, _) = groups[..within].last().filter(|_| is_other)?;
        Some((*digits, *end))
    }

    /// How many groups make the first `digits` digits.
    fn count_until(&self, digits: usize) -> usize {
        let groups = self.groups[..self.count].iter();
        groups.take_while(|(total, ..)| *total <= digits).count()
    }

    /// Whether the first `digits` digits are two groups with a dot between them.
    fn is_decimal(&self, digits: usize) -> bool {
        self.count_until(digits) == 2 && self.groups[1].2 == Gap::Dot
    }
}

/// Where the next group begins after what stands between groups at `at`, and what that is.
fn gap_after(bytes: &[u8], at: usize, is_open: &mut bool) -> Option<(usize, Gap)> {
    let mut next = at;
    let mut gap = None;
    let mut take = |next: &mut usize, kind: Gap, signs: &[&str]| {
        let sign = signs
            .iter()
            .find(|sign| bytes[*next..].starts_with(sign.as_bytes()));
        *next += sign.map_or(0, |sign| sign.len());
        if sign.is_some() && (kind != Gap::Space || gap.is_none()) && gap != Some(Gap::Bracket) {
            gap = Some(kind);
        }
        sign.is_some()
    };
    // No-break, narrow no-break and thin space; no-break hyphen, dash of digits, en dash.
    const SPACES: &[&str] = &[" ", "\u{a0}", "\u{202f}", "\u{2009}"];
    const HYPHENS: &[&str] = &["-", "\u{2011}", "\u{2012}", "\u{2013}"];
    if *is_open {
        take(&mut next, Gap::Bracket, &[")"]).then_some(())?;
        *is_open = false;
    }
    take(&mut next, Gap::Space, SPACES);
    let _ = take(&mut next, Gap::Hyphen, HYPHENS)
        || take(&mut next, Gap::Dot, &["."])
        || take(&mut next, Gap::Slash, &["/"]);
    take(&mut next, Gap::Space, SPACES);
    *is_open = take(&mut next, Gap::Bracket, &["("]);
    gap.filter(|_| bytes.get(next).is_some_and(u8::is_ascii_digit))
        .map(|gap| (next, gap))
}

/// Length of the country code, and the least and most digits after it.
fn country(digits: &[u8]) -> Option<(usize, usize, usize)> {
    if let Some((code, min, max)) = COUNTRIES
        .iter()
        .find(|(code, ..)| digits.starts_with(code.as_bytes()))
    {
        return Some((code.len(), *min, *max));
    }
    let code = digits
        .get(..3)?
        .iter()
        .fold(0, |code, digit| code * 10 + u32::from(digit - b'0'));
    let is_assigned = ASSIGNED
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&code));
    is_assigned.then_some((3, 7, 10))
}

fn is_nanp(digits: &[u8]) -> bool {
    let is_code = |code: &[u8]| code[0] >= b'2' && code[1..] != *b"11";
    let area = &digits[..3];
    is_code(area)
        && is_code(&digits[3..6])
        && area[1] != b'9'
        && !matches!(area, [b'3', b'7', _] | [b'9', b'6', _])
}

/// `digits` are the ten of the number.
fn is_fictional_nanp(digits: &[u8]) -> bool {
    digits[3..].starts_with(b"55501")
}

/// `digits` are those after the leading zero.
fn is_drama(digits: &[u8]) -> bool {
    digits.len() == 10
        && DRAMA
            .iter()
            .any(|range| digits.starts_with(&range.as_bytes()[1..]))
}

/// Whether these are not the digits of a round number or a row of one digit.
fn is_varied(digits: &[u8]) -> bool {
    !digits.ends_with(b"000000") && digits.iter().any(|digit| *digit != digits[0])
}

/// Whether what is before `start` leaves room for a number to begin.
fn begins_here(text: &str, start: usize) -> bool {
    let mut before = text[..start].chars().rev();
    match before.next() {
        Some('+' | '=' | '#' | '$' | '€' | '£' | '¥' | '@' | '%' | '&' | '^' | '~' | '\\') => false,
        Some('-' | '.' | '/' | ',' | ':' | '\u{2011}' | '\u{2012}' | '\u{2013}')
            if text.as_bytes()[start] != b'+' =>
        {
            let other = before.next();
            match text[..start].ends_with(':') {
                true => !other.is_some_and(|other| other.is_ascii_digit()),
                false => !other.is_some_and(is_word),
            }
        }
        Some(other) => !is_word(other),
        None => true,
    }
}

/// Whether what is after `end` leaves room for a number to end.
fn ends_here(text: &str, end: usize) -> bool {
    let mut after = text[end..].chars();
    match after.next() {
        Some('x' | 'X') => after.next().is_some_and(|next| next.is_ascii_digit()),
        Some('%' | '€' | '$' | '£' | '°' | '=' | '@') => false,
        Some('-' | '.' | '/' | ',' | ':' | '+' | '*' | '\u{2011}' | '\u{2012}' | '\u{2013}') => {
            !after.next().is_some_and(|next| next.is_ascii_digit())
        }
        Some(next) => !is_word(next),
        None => true,
    }
}

/// Whether a digit stands before `start`, with no more than a gap between them.
fn follows_number(text: &str, start: usize) -> bool {
    /// A bracket, two spaces around a sign, and a bracket.
    const GAP: usize = 5;
    text[..start]
        .chars()
        .rev()
        .take(GAP)
        .any(|before| before.is_ascii_digit())
}

/// Whether a word before `start` says that a phone number follows.
fn has_cue(text: &str, start: usize) -> bool {
    /// How far is looked back, and how many signs may stand between words.
    const BYTES: usize = 64;
    const SIGNS: usize = 4;

    let mut rest = &text[text.floor_char_boundary(start.saturating_sub(BYTES))..start];
    for place in 0..5 {
        let trimmed = rest.trim_end_matches(|character| !is_word(character));
        let signs = &rest[trimmed.len()..];
        if signs.chars().count() > SIGNS || signs.contains([';', '!', '?']) {
            return false;
        }
        let begin = trimmed.rfind(|character: char| !character.is_alphabetic());
        let word = &trimmed[begin.map_or(0, |begin| {
            begin + trimmed[begin..].chars().next().map_or(1, char::len_utf8)
        })..];
        let is = |words: &[&str]| words.iter().any(|other| is_same_word(word, other));
        let is_letter = place == 0 && signs.starts_with(':') && is(&["t", "f", "m", "p"]);
        if is_letter || is(CUES) {
            return true;
        }
        if !is(FILLERS) || (signs.contains('.') && !is(&["no", "nr"])) {
            return false;
        }
        rest = &trimmed[..trimmed.len() - word.len()];
    }
    false
}

fn is_same_word(word: &str, lower: &str) -> bool {
    // Chinese and Japanese have no spaces between words.
    let is_cjk = lower.starts_with(|character| ('\u{4e00}'..='\u{9fff}').contains(&character));
    match word.is_ascii() {
        true => word.eq_ignore_ascii_case(lower),
        false if is_cjk => word.ends_with(lower),
        false => !lower.is_ascii() && word.to_lowercase() == lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        super::super::tests::check(&PHONE, text, expected);
    }

    fn check_all(texts: &[&str]) {
        for text in texts {
            check(text, &[text]);
            check(&format!("Reach us: {text}, or write."), &[text]);
            check(&format!("{text}\n2 rooms"), &[text]);
        }
    }

    #[test]
    fn international_numbers_are_found_in_any_layout() {
        check_all(&[
            "+49 30 901820",
            "+49 (0)30 901820",
            "+49 (30) 90 18 20-0",
            "+49-30-901820",
            "+4930901820",
            "+49 30/90 18 20",
            "+49 030 901820",
            "+44 20 7219 4272",
            "+44 (0) 20 7219 4272",
            "+442072194272",
            "+33 1 40 63 60 00",
            "+33.1.40.63.60.00",
            "+1 212 664 7665",
            "+1 (212) 664-7665",
            "+1-212-664-7665",
            "+(44) 20 7219 4272",
            "(+44) 20 7219 4272",
            "(+1) 212-664-7665",
            "+1.2126647665",
            "+12126647665",
            "+7 (495) 697-03-49",
            "+86 10 6512 3456",
            "+351 21 391 9000",
            "+91 98765 43210",
            "+55 (11) 91234-5678",
            "+852 2810 2545",
            "+61\u{a0}2\u{a0}6277\u{a0}7111",
            "+49 30 \u{2013} 901820",
        ]);
    }

    #[test]
    fn international_prefix_00_needs_a_cue_or_a_bracketed_zero() {
        check("Tel. 0049 30 901820", &["0049 30 901820"]);
        check("0049 (0)30 901820", &["0049 (0)30 901820"]);
        check("0049 30 901820", &[]);
        check("item 0044 2072 1942 72", &[]);
    }

    #[test]
    fn north_american_layouts_are_found() {
        check_all(&[
            "(212) 664-7665",
            "(212)664-7665",
            "(212) 664 7665",
            "(212) 664.7665",
            "212-664-7665",
            "212.664.7665",
            "212 664-7665",
            "212/664-7665",
            "212 - 664 - 7665",
            "1-212-664-7665",
            "1 (212) 664-7665",
            "1.212.664.7665",
            "1-800-275-2273",
        ]);
        check(
            "212-664-7665x12 or 212-664-7666 x12",
            &["212-664-7665", "212-664-7666"],
        );
    }

    #[test]
    fn brackets_around_a_number_stay() {
        check("(+49 30 901820)", &["+49 30 901820"]);
        check("(+4930901820)", &["+4930901820"]);
        check("(212-664-7665)", &["212-664-7665"]);
        check("tel (030901820)", &["030901820"]);
        check("tel (2126647665)", &["2126647665"]);
    }

    #[test]
    fn weak_north_american_layouts_need_a_cue() {
        check("212 664 7665", &[]);
        check("2126647665", &[]);
        check("Call 212 664 7665 24 hours", &["212 664 7665"]);
        check("Phone: 2126647665", &["2126647665"]);
    }

    #[test]
    fn codes_that_cannot_be_stay() {
        for text in [
            "112-664-7665",
            "012-664-7665",
            "911-664-7665",
            "290-664-7665",
            "370-664-7665",
            "960-664-7665",
            "212-164-7665",
            "212-911-7665",
            "(212) 064-7665",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn national_numbers_need_a_cue() {
        for number in [
            "030 901820-0",
            "(030) 90 18 20",
            "030/901820",
            "020 7219 4272",
            "01 40 63 60 00",
            "06 12 34 56 78",
            "0151 23456789",
            "02072194272",
            "020-624 11 11",
        ] {
            check(number, &[]);
            for cue in [
                "Tel.: ",
                "Tel ",
                "phone:",
                "Fax: ",
                "Telefon (Büro) ",
                "Mobile - ",
                "Call us on ",
                "T: ",
                "Tél. : ",
                "电话：",
                "Phone number is ",
                "call toll free ",
                "TEL\n",
                "тел. ",
            ] {
                let text = format!("{cue}{number}.");
                let expected: &[&str] = if cue.contains("Büro") { &[] } else { &[number] };
                check(&text, expected);
            }
            for other in ["tell ", "hotel ", "at ", "Tel: see ", "phone; ", "t ", "call 5, "] {
                check(&format!("{other}{number}"), &[]);
            }
        }
    }

    #[test]
    fn dates_prices_and_ids_stay() {
        for text in [
            "2024-01-31",
            "31.01.2024",
            "2024-01-31T12:30:45+0100",
            "Call 01.02.2024 10:30",
            "call 01/02/2024",
            "20:15:30.123456",
            "$1,234,567.89",
            "+1,000,000,000",
            "+1000000",
            "+10 000 000 000",
            "+30 000 000 000",
            "1.234.567.890",
            "ISBN 978-3-16-148410-0",
            "ISBN 0-306-40615-2",
            "ISSN 2049-3630",
            "arXiv:2112.11446",
            "doi:10.1000/182.3456-7890",
            "+48.8584, +2.2945",
            "+52.520008 13.404954",
            "40.712776, -74.005974",
            "v1.2.3.4567",
            "192.168.100.200",
            "123-45-6789",
            "4539 1488 0343 6467",
            "DE44 5001 0517 5407 3249 31",
            "212-664-76655",
            "2212-664-7665",
            "212-664-7665-1",
            "1-212-664-7665-212-664-7665",
            "x212-664-7665",
            "id-212-664-7665",
            "https://example.com/212-664-7665",
            "https://example.com/?q=2126647665",
            "#212-664-7665",
            "phone = '8888888888'",
            "(555) 555-5555",
            "$212-664-7665",
            "212-664-7665%",
            "f(212) 664-76",
            "1 + 212 664 7665",
            "2+4930901820",
            "C++ 11 4930901820",
            "+99 30 901820 123",
            "+49 30",
            "+49",
            "0.123456789",
            "Tel 0.123456789",
            "00:00:00",
            "555-0123",
            "1234567890123",
            "UPC 012345678905",
            "2019-2020 1990-1995",
            "pages 212-664, 7665",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn numbers_for_fiction_stay() {
        for text in [
            "+1 (212) 555-0100",
            "(646) 555-0199",
            "1-800-555-0123",
            "+44 20 7946 0001",
            "Tel. 07700 900999",
            "Tel. 0113 496 0999",
        ] {
            check(text, &[]);
        }
        check("(212) 555-0200", &["(212) 555-0200"]);
        check("Tel. 0113 496 1000", &["0113 496 1000"]);
    }

    #[test]
    fn placeholders_are_numbers_for_fiction() {
        let placeholders = [
            &INTERNATIONAL[..],
            &INTERNATIONAL_00,
            &NORTH_AMERICAN,
            &NORTH_AMERICAN_1,
            &NORTH_AMERICAN_BRACKET,
            &NATIONAL,
            &NATIONAL_BRACKET,
        ];
        for placeholder in placeholders.into_iter().flatten() {
            let text = format!("tel {placeholder}");
            assert_eq!(number_at(&text, 4), Some((text.len(), true)), "{placeholder}");
        }
    }
}
