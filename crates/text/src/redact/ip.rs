//! Public IPv4 addresses.
//!
//! An address is four numbers from 0 to 255 without leading zeros and with dots between them, that is no part of
//! a longer word or number: `1.2.3.4.5` and `v1.2.3.4` are versions. Only addresses that are reachable from
//! everywhere are replaced, by the rule of Python's `ipaddress.is_global`: not private, loopback, link-local,
//! shared, reserved or for documentation. IPv6 addresses stay.
//!
//! Replaced by one of the six addresses that FineWeb uses, which answered nobody when they were chosen; by hash of
//! the address instead of in turn.

use std::{net::Ipv4Addr, ops::Range};

use gristmill_core::{Card, Column, Cost, columns};
use memchr::memchr;

use super::Redaction;

/// Describes [`IP`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "ip",
    about: "replaces public IPv4 addresses by placeholders",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::u32("text_redacted_ips", "IP addresses that were replaced"),
    ],
    source: "datatrove PIIFormatter (Penedo et al. 2024, arXiv:2406.17557); IANA special-purpose address registry",
    cost: Cost::Cheap,
    version: 1,
};

const PLACEHOLDERS: [&str; 6] = [
    "22.214.171.124",
    "126.96.36.199",
    "188.8.131.52",
    "184.108.40.206",
    "220.127.116.11",
    "18.104.22.168",
];

/// Replaces public IPv4 addresses; see the module.
pub(super) static IP: Redaction = Redaction {
    card: &CARD,
    find,
    placeholders: |_| &PLACEHOLDERS,
};

/// The first public address that begins at or after `from`.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = memchr(b'.', &bytes[at..]) {
        let dot = at + found;
        at = dot + 1;
        let start = bytes[from..dot]
            .iter()
            .rposition(|byte| !byte.is_ascii_digit())
            .map_or(from, |other| from + other + 1);
        if start == dot || !bytes.get(dot + 1).is_some_and(u8::is_ascii_digit) || dot - start > 3 {
            continue;
        }
        // All of a number with dots is looked at once, so a long one costs no more than a short one.
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
        at = start + length;
        let end = start + text[start..at].trim_end_matches('.').len();
        let is_alone = !text[..start].ends_with(|before| is_word(before) || before == '.')
            && !text[end..].starts_with(is_word);
        if is_alone && text[start..end].parse().is_ok_and(is_global) {
            return Some(start..end);
        }
    }
    None
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Python's `ipaddress.IPv4Address.is_global`.
fn is_global(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    let is_special = match (a, b, c) {
        (0 | 10 | 127 | 240..=255, ..) => true,
        (100, 64..=127, _) => true,
        (169, 254, _) => true,
        (172, 16..=31, _) => true,
        (192, 0, 0) => !matches!(d, 9 | 10),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => true,
        (192, 168, _) => true,
        (198, 18 | 19, _) => true,
        _ => false,
    };
    !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        super::super::tests::check(&IP, text, expected);
    }

    #[test]
    fn public_addresses_are_found() {
        check(
            "From 8.8.8.8. To (1.1.1.1:53), 9.9.9.9/24",
            &["8.8.8.8", "1.1.1.1", "9.9.9.9"],
        );
        check("3.5 8.8.4.4...", &["8.8.4.4"]);
    }

    #[test]
    fn versions_and_numbers_stay() {
        for text in [
            "1.2.3.4.5",
            "v1.2.3.4",
            "1.2.3.4a",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3",
            "1..2.3.4",
            "x_8.8.8.8",
            "3.14",
            "....",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn special_addresses_stay() {
        for text in [
            "10.0.0.1",
            "127.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "192.0.2.1",
            "255.255.255.255",
            "192.0.0.8",
        ] {
            check(text, &[]);
        }
        check(
            "172.32.0.1 192.0.0.9 224.0.0.1",
            &["172.32.0.1", "192.0.0.9", "224.0.0.1"],
        );
    }

    #[test]
    fn long_numbers_take_linear_time() {
        check(&"1.".repeat(1 << 20), &[]);
        check(&"1".repeat(1 << 21), &[]);
        check(&"1 .".repeat(1 << 20), &[]);
        check(&format!("{}.1", "1".repeat(1 << 20)), &[]);
    }
}
