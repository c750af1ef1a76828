//! International bank account numbers.
//!
//! A number is a country code, two check digits and the country's account number, in capitals and digits: as long as
//! the country's numbers are, all joined or in groups of four with one space (or no-break space) between them, with
//! the remainder 1 modulo 97 (ISO 13616-1), and no part of a longer word. Numbers in small letters are not looked
//! for. One row of capitals and digits in 97 of that form and length has the remainder by chance.
//!
//! Lengths and placeholders are those of the SWIFT IBAN registry, release 100 (2025). Replaced by one of the examples
//! of that registry, joined or in groups as the number was; those are left alone in both layouts.

use std::ops::Range;

use gristmill_core::{Card, Column, Cost, columns};

use super::{Redaction, is_word, position};

/// Describes [`IBAN`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "iban",
    about: "replaces international bank account numbers by the registry's examples",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::u32("text_redacted_ibans", "bank account numbers that were replaced"),
    ],
    source: "ISO 13616-1; SWIFT IBAN registry, release 100",
    cost: Cost::Cheap,
    version: 1,
};

const JOINED: [&str; 6] = [
    "GB29NWBK60161331926819",
    "DE89370400440532013000",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "CH9300762011623852957",
    "ES9121000418450200051332",
];

const GROUPED: [&str; 6] = [
    "GB29 NWBK 6016 1331 9268 19",
    "DE89 3704 0044 0532 0130 00",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NL91 ABNA 0417 1643 00",
    "CH93 0076 2011 6238 5295 7",
    "ES91 2100 0418 4502 0005 1332",
];

/// Country codes by the length of their numbers.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

const LENGTH_MAX: usize = 33;

/// Replaces bank account numbers; see the module.
pub(super) static IBAN: Redaction = Redaction {
    card: &CARD,
    find,
    placeholders: |matched| match matched.contains([' ', '\u{a0}']) {
        true => &GROUPED,
        false => &JOINED,
    },
};

/// The first number that begins at or after `from`: the first digit of a row is the first check digit, with the
/// country before it. Looks at up to 49 bytes from there.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(digit) = position(bytes, at, |byte| byte.is_ascii_digit()) {
        at = digit + 1;
        at += bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digit < from + 2 || !bytes[digit - 2..digit].iter().all(u8::is_ascii_uppercase) {
            continue;
        }
        if let Some(end) = number_end(text, digit - 2) {
            return Some(digit - 2..end);
        }
    }
    None
}

/// Where the number ends that begins at `start`, with two capitals.
fn number_end(text: &str, start: usize) -> Option<usize> {
    let length = LENGTHS
        .iter()
        .find(|(_, countries)| {
            countries
                .split(' ')
                .any(|country| text[start..].starts_with(country))
        })?
        .0;
    let mut number = [0; LENGTH_MAX];
    let mut at = start;
    let mut space = None;
    for (place, character) in number[..length].iter_mut().enumerate() {
        if place > 0 && place % 4 == 0 {
            let found = ["\u{a0}", " "]
                .into_iter()
                .find(|space| text[at..].starts_with(space));
            if *space.get_or_insert(found) != found {
                return None;
            }
            at += found.map_or(0, str::len);
        }
        *character = *text.as_bytes().get(at)?;
        let is_right = match place {
            2 | 3 => character.is_ascii_digit(),
            _ => character.is_ascii_digit() || character.is_ascii_uppercase(),
        };
        if !is_right {
            return None;
        }
        at += 1;
    }
    let number = &number[..length];
    let is_number = !text[..start].ends_with(is_word)
        && !text[at..].starts_with(is_word)
        && remainder(number) == 1
        && !JOINED.iter().any(|example| example.as_bytes() == number);
    is_number.then_some(at)
}

/// The number modulo 97, its first four characters last and letters as 10 to 35.
fn remainder(number: &[u8]) -> u32 {
    let (head, rest) = number.split_at(4);
    rest.iter()
        .chain(head)
        .fold(0, |remainder, character| match character.is_ascii_digit() {
            true => (remainder * 10 + u32::from(character - b'0')) % 97,
            false => (remainder * 100 + u32::from(character - b'A') + 10) % 97,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        super::super::tests::check(&IBAN, text, expected);
    }

    #[test]
    fn numbers_are_found_joined_and_in_groups() {
        for number in [
            "DE44500105175407324931",
            "DE44 5001 0517 5407 3249 31",
            "DE44\u{a0}5001\u{a0}0517\u{a0}5407\u{a0}3249\u{a0}31",
            "GB13BARC20038012345678",
            "NO28 1234 5678 901",
            "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
            "FR76 3000 6000 0112 3456 7890 189",
        ] {
            check(number, &[number]);
            check(&format!("IBAN:{number}, BIC: X"), &[number]);
            check(&format!("IBAN {number}."), &[number]);
            check(&format!("5 {number} 2 Euro"), &[number]);
        }
    }

    #[test]
    fn numbers_with_another_remainder_length_or_country_stay() {
        for text in [
            "DE45500105175407324931",
            "DE4450010517540732493",
            "DE445001051754073249311",
            "XX44500105175407324931",
            "de44500105175407324931",
            "xDE44500105175407324931",
            "DE44500105175407324931x",
            "DE44 5001 05175407 3249 31",
            "DE44 5001  0517 5407 3249 31",
            "DE44-5001-0517-5407-3249-31",
            "DEAA500105175407324931",
            "DE44",
            "DE",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn other_rows_of_capitals_and_digits_stay() {
        for text in [
            "VAT DE123456789",
            "ISIN US0378331005",
            "NO 1234 5678 901",
            "SE16",
            "GB2312.5 model LC32",
            "AT61 flight",
            "ISBN 978-3-16-148410-0",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn examples_of_the_registry_stay() {
        for (joined, grouped) in JOINED.iter().zip(GROUPED) {
            assert_eq!(remainder(joined.as_bytes()), 1, "{joined}");
            assert_eq!(*joined, grouped.replace(' ', ""));
            check(joined, &[]);
            check(grouped, &[]);
        }
    }
}
