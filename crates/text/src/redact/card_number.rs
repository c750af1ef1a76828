//! Payment card numbers.
//!
//! A number has the length and the first digits of a scheme below, a right check digit (ISO/IEC 7812-1, annex B:
//! Luhn) and one of these layouts: all digits joined; groups as they are printed on cards, all with a space between
//! them or all with a hyphen: 4-4-4-4, 4-4-4-4-3, 4-6-5 (15 digits), 4-6-4 (14), 4-3-3-3 (13), 6-13 (19). It is no
//! part of a longer word, of a longer row of groups, of a decimal number or of a URL (`/` or `=` before it).
//!
//! | scheme | first digits | length |
//! |---|---|---|
//! | Visa | 4 | 13, 16, 19 |
//! | Mastercard | 51 to 55, 2221 to 2720 | 16 |
//! | American Express | 34, 37 | 15 |
//! | Discover | 6011, 644 to 649, 65 | 16, 19 |
//! | Diners Club | 300 to 305, 3095, 36, 38, 39 | 14 |
//! | JCB | 3528 to 3589 | 16, 19 |
//! | UnionPay | 62 | 16 to 19 |
//! | Maestro | 5018, 5020, 5038, 5893, 6304, 6759, 6761 to 6763 | 13 to 19 |
//!
//! Numbers of 13 and 14 digits count in groups only: joined, most of them are article numbers, record ids and times.
//!
//! Sources: ISO/IEC 7812-1 for the structure; for the ranges the schemes' own rules, as collected in Wikipedia,
//! "Payment card number" (issuer identification number), 2025.
//!
//! Replaced by one of the numbers that schemes and payment processors publish for tests
//! (<https://docs.stripe.com/testing>), in the layout that was there. Those are left alone in every layout.

use std::ops::Range;

use gristmill_core::{Card, Column, Cost, columns};

use super::{Redaction, is_word, position};

/// Describes [`CARD_NUMBER`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "card_number",
    about: "replaces payment card numbers by test numbers",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::u32(
            "text_redacted_card_numbers",
            "payment card numbers that were replaced",
        ),
    ],
    source: "ISO/IEC 7812-1; https://en.wikipedia.org/wiki/Payment_card_number",
    cost: Cost::Cheap,
    version: 1,
};

const JOINED: [&str; 6] = [
    "4111111111111111",
    "4242424242424242",
    "5555555555554444",
    "2223003122003222",
    "6011111111111117",
    "3566002020360505",
];

const SPACED: [&str; 6] = [
    "4111 1111 1111 1111",
    "4242 4242 4242 4242",
    "5555 5555 5555 4444",
    "2223 0031 2200 3222",
    "6011 1111 1111 1117",
    "3566 0020 2036 0505",
];

const HYPHENATED: [&str; 6] = [
    "4111-1111-1111-1111",
    "4242-4242-4242-4242",
    "5555-5555-5555-4444",
    "2223-0031-2200-3222",
    "6011-1111-1111-1117",
    "3566-0020-2036-0505",
];

/// Test numbers of other lengths, left alone like the placeholders.
const OTHER_TEST_NUMBERS: [&str; 9] = [
    "378282246310005",
    "371449635398431",
    "30569309025904",
    "36227206271667",
    "4000056655665556",
    "4012888888881881",
    "5105105105105100",
    "5200828282828210",
    "6200000000000005",
];

/// ISO/IEC 7812-1: a card number has at most 19 digits.
const DIGITS_MAX: usize = 19;

/// Replaces payment card numbers; see the module.
pub(super) static CARD_NUMBER: Redaction = Redaction {
    card: &CARD,
    find,
    placeholders: |matched| match matched {
        _ if matched.contains(' ') => &SPACED,
        _ if matched.contains('-') => &HYPHENATED,
        _ => &JOINED,
    },
};

/// The first card number that begins at or after `from`. Looks at up to 24 bytes from the start of each row of
/// digits.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(start) = position(bytes, at, |byte| byte.is_ascii_digit()) {
        if let Some(end) = number_end(text, start) {
            return Some(start..end);
        }
        at = start + group_length(bytes, start, usize::MAX);
    }
    None
}

/// Where the card number ends that begins at `start`.
fn number_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut digits = [0; DIGITS_MAX];
    let mut count = 0;
    let mut groups = [0; 5];
    let mut at = start;
    let mut separator = None;
    for group in &mut groups {
        *group = group_length(bytes, at, DIGITS_MAX + 1);
        digits
            .get_mut(count..count + *group)?
            .copy_from_slice(&bytes[at..at + *group]);
        count += *group;
        at += *group;
        let next = bytes.get(at).copied().filter(|byte| matches!(byte, b' ' | b'-'));
        let is_more = next.is_some() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !is_more || *separator.get_or_insert(next) != next || count == DIGITS_MAX {
            break;
        }
        at += 1;
    }
    at -= usize::from(!bytes[at - 1].is_ascii_digit());
    let is_layout = match groups {
        [_, 0, ..] => count > 14,
        [4, 4, 4, 4, 0 | 3] | [4, 6, 4 | 5, 0, 0] | [4, 3, 3, 3, 0] | [6, 13, 0, 0, 0] => true,
        _ => false,
    };
    let digits = &digits[..count];
    let is_number = is_layout
        && is_issued(digits)
        && is_luhn(digits)
        && begins_here(text, start, separator.flatten())
        && ends_here(text, at, separator.flatten())
        && !is_test_number(digits);
    is_number.then_some(at)
}

/// How many digits begin at `start`, at most `limit`.
fn group_length(bytes: &[u8], start: usize, limit: usize) -> usize {
    let digits = bytes[start..].iter().take(limit);
    digits.take_while(|byte| byte.is_ascii_digit()).count()
}

fn begins_here(text: &str, start: usize, separator: Option<u8>) -> bool {
    let mut before = text[..start].chars().rev();
    match before.next() {
        // `card: 4111…` has a space; `a.4111`, `id-4111` and `id=4111` are parts of something.
        Some('.' | ',' | '-' | '/' | '=' | '#' | '+' | '%' | '&' | '@') => false,
        Some(':') => !before.next().is_some_and(|other| other.is_ascii_digit()),
        Some(' ') if separator == Some(b' ') => !before.next().is_some_and(|other| other.is_ascii_digit()),
        Some(other) => !is_word(other),
        None => true,
    }
}

fn ends_here(text: &str, end: usize, separator: Option<u8>) -> bool {
    let mut after = text[end..].chars();
    let is_part = |next: Option<char>| next.is_some_and(is_word);
    match after.next() {
        Some('.' | ',' | ':' | '-' | '/' | '=' | '+' | '@' | '%') => !is_part(after.next()),
        Some(' ') if separator == Some(b' ') => !after.next().is_some_and(|next| next.is_ascii_digit()),
        other => !is_part(other),
    }
}

/// Whether a scheme has numbers of this length with these first digits.
fn is_issued(digits: &[u8]) -> bool {
    let first = digits
        .iter()
        .take(4)
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    let length = digits.len();
    match first {
        4000..=4999 => matches!(length, 13 | 16 | 19),
        5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763 => (13..=19).contains(&length),
        5100..=5599 | 2221..=2720 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 => length == 14,
        3528..=3589 | 6011 | 6440..=6599 => matches!(length, 16 | 19),
        6200..=6299 => (16..=19).contains(&length),
        _ => false,
    }
}

fn is_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(digit - b'0')) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_test_number(digits: &[u8]) -> bool {
    JOINED
        .iter()
        .chain(&OTHER_TEST_NUMBERS)
        .any(|number| number.as_bytes() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        super::super::tests::check(&CARD_NUMBER, text, expected);
    }

    #[test]
    fn numbers_of_every_scheme_are_found() {
        for number in [
            "4539 1488 0343 6467",
            "4539148803436467",
            "4539-1488-0343-6467",
            "4222 222 222 222",
            "5425233430109903",
            "2720 9900 0000 0007",
            "374245455400126",
            "3742 454554 00126",
            "6011000990139424",
            "3852 000002 3237",
            "3530111333300000",
            "6240008631401148",
            "6759649826438453",
        ] {
            check(number, &[number]);
            check(&format!("Card: {number}, exp. 12/29"), &[number]);
            check(&format!("({number})"), &[number]);
            check(&format!("card:{number}."), &[number]);
            check(&format!("号码{number}"), &[]);
        }
    }

    #[test]
    fn numbers_with_another_check_digit_stay() {
        check("4539148803436468", &[]);
        check("4539 1488 0343 6476", &[]);
    }

    #[test]
    fn parts_of_something_longer_stay() {
        for text in [
            "45391488034364671",
            "14539148803436467",
            "x4539148803436467",
            "4539148803436467x",
            "4539148803436467_1",
            "id-4539148803436467",
            "0.4539148803436467",
            "12:4539148803436467",
            "4539148803436467.5",
            "https://example.com/4539148803436467",
            "?id=4539148803436467",
            "1234 4539 1488 0343 6467",
            "4539 1488 0343 6467 1234",
            "4539 1488 0343 6467 1",
            "4539-1488-0343-6467-1234",
            "4539-1488 0343-6467",
            "4539  1488 0343 6467",
            "45 39 14 88 03 43 64 67",
            "453914880 3436467",
            "4539 1488 0343\n6467",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn other_long_numbers_stay() {
        for text in [
            "4006381333931",
            "9783161484100",
            "978-3-16-148410-0",
            "1700000000000",
            "20240131235959",
            "0000 0000 0000 0000",
            "1234 5678 9012 3456",
            "4222222222222",
            "38520000023237",
            "3.141592653589793",
            "DE89 3704 0044 0532 0130 00",
            "2024-01-31 2024-02-01",
            "+49 30 1234567890",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn test_numbers_stay_in_every_layout() {
        for number in [
            "4111 1111 1111 1111",
            "4242-4242-4242-4242",
            "378282246310005",
            "3782 822463 10005",
        ] {
            check(number, &[]);
        }
    }

    #[test]
    fn placeholders_are_card_numbers() {
        for (joined, (spaced, hyphenated)) in JOINED.iter().zip(SPACED.iter().zip(HYPHENATED)) {
            assert!(
                is_issued(joined.as_bytes()) && is_luhn(joined.as_bytes()),
                "{joined}"
            );
            assert_eq!(*joined, spaced.replace(' ', ""));
            assert_eq!(*joined, hyphenated.replace('-', ""));
        }
        for number in OTHER_TEST_NUMBERS {
            assert!(
                is_issued(number.as_bytes()) && is_luhn(number.as_bytes()),
                "{number}"
            );
        }
    }
}
