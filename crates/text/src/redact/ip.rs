//! Public IP addresses, of both versions.
//!
//! An IPv4 address is four numbers from 0 to 255 without leading zeros and with dots between them, that is no part
//! of a longer word or number: `1.2.3.4.5` and `v1.2.3.4` are versions. An IPv6 address is one of the text forms of
//! RFC 4291, section 2.2, that is no part of a longer word or of a longer row of colons: eight groups of one to
//! four hexadecimal digits, of which `::` may stand for some, and the last two of which may be an IPv4 address.
//! Times (`12:30:45`), MAC addresses (`00:1a:2b:3c:4d:5e`) and scopes (`std::vector`) are none, as they have other
//! numbers of groups or lie outside of what is in use. Prefix lengths (`/64`), zones (`%eth0`), ports and brackets
//! stay.
//!
//! Only addresses that are reachable from everywhere are replaced, by the rule of Python's `ipaddress.is_global`:
//! not private, loopback, link-local, shared, reserved or for documentation, as the two IANA special-purpose address
//! registries list them. Of IPv6 that is global unicast (`2000::/3`) alone, and addresses that hold a public IPv4
//! address (`::ffff:0:0/96`, `64:ff9b::/96`).
//!
//! IPv4 addresses are replaced by one of the six that FineWeb uses, which answered nobody when they were chosen, and
//! IPv6 addresses by one of the documentation prefix `2001:db8::/32` (RFC 3849); by hash of the address instead of in
//! turn.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    ops::Range,
};

use gristmill_core::{Card, Column, Cost, columns};
use memchr::memchr2;

use super::{Redaction, is_word};

/// Describes [`IP`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "ip",
    about: "replaces public IPv4 and IPv6 addresses by placeholders",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::u32("text_redacted_ips", "IP addresses that were replaced"),
    ],
    source: "datatrove PIIFormatter (Penedo et al. 2024, arXiv:2406.17557); IANA special-purpose address registries",
    cost: Cost::Cheap,
    version: 2,
};

const PLACEHOLDERS_V4: [&str; 6] = [
    "22.214.171.124",
    "126.96.36.199",
    "188.8.131.52",
    "184.108.40.206",
    "220.127.116.11",
    "18.104.22.168",
];

const PLACEHOLDERS_V6: [&str; 6] = [
    "2001:db8::1",
    "2001:db8::5ef:1c2a",
    "2001:db8:85a3::8a2e:370:7334",
    "2001:db8:4:17::25",
    "2001:db8:a0b:12f0::1",
    "2001:db8:1f:6e2:9d4c:33ff:fe07:b518",
];

/// The longest text form of an address: six groups of four and an IPv4 address.
const V6_BYTES: usize = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255".len();

/// Replaces public IP addresses; see the module.
pub(super) static IP: Redaction = Redaction {
    card: &CARD,
    find,
    placeholders: |matched| match matched.contains(':') {
        true => &PLACEHOLDERS_V6,
        false => &PLACEHOLDERS_V4,
    },
};

/// The first public address that begins at or after `from`. Looks at up to 50 bytes around each colon.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = memchr2(b'.', b':', &bytes[at..]) {
        let sign = at + found;
        at = sign + 1;
        if bytes[sign] == b':' {
            if let Some(range) = v6_around(text, from, sign) {
                return Some(range);
            }
            // No later colon of a row is where an address begins.
            at += bytes[at..].iter().take_while(|byte| **byte == b':').count();
            continue;
        }
        let start = bytes[from..sign]
            .iter()
            .rposition(|byte| !byte.is_ascii_digit())
            .map_or(from, |other| from + other + 1);
        if start == sign || !bytes.get(sign + 1).is_some_and(u8::is_ascii_digit) || sign - start > 3 {
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
        if is_alone && text[start..end].parse().is_ok_and(is_global_v4) {
            return Some(start..end);
        }
    }
    None
}

/// The public IPv6 address whose first colon is `colon`.
fn v6_around(text: &str, from: usize, colon: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let group = bytes[from..colon]
        .iter()
        .rev()
        .take(5)
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let start = colon - group;
    if group > 4 || text[..start].ends_with(|before| is_word(before) || matches!(before, '.' | ':')) {
        return None;
    }
    let length = bytes[start..]
        .iter()
        .take(V6_BYTES + 2)
        .take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        .count();
    let address = text[start..start + length].trim_end_matches('.');
    let address = match address.strip_suffix(':') {
        Some(shorter) if !shorter.ends_with(':') => shorter,
        _ => address,
    };
    let end = start + address.len();
    let is_alone = address.len() <= V6_BYTES && !text[end..].starts_with(is_word);
    (is_alone && address.parse().is_ok_and(is_global_v6)).then_some(start..end)
}

/// Python's `ipaddress.IPv4Address.is_global`.
fn is_global_v4(address: Ipv4Addr) -> bool {
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

/// `ipaddress.IPv6Address.is_global` of Python 3.13, of the addresses that are in use: IANA gives out global unicast
/// addresses from `2000::/3` alone.
fn is_global_v6(address: Ipv6Addr) -> bool {
    let groups = address.segments();
    match groups {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = address.octets();
            is_global_v4(Ipv4Addr::new(a, b, c, d))
        }
        // IETF protocol assignments, of which anycast, AMT, AS112 and (H)ORCHID identifiers are reachable.
        [0x2001, 0..=0x1ff, ..] => match groups[1..] {
            [1, 0, 0, 0, 0, 0, last] => matches!(last, 1..=3),
            [3, ..] | [4, 0x112, ..] | [0x20..=0x3f, ..] => true,
            _ => false,
        },
        [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
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
        check("host:8.8.8.8:53, ip:8.8.4.4", &["8.8.8.8", "8.8.4.4"]);
    }

    #[test]
    fn public_v6_addresses_are_found() {
        check(
            "DNS 2001:4860:4860::8888. Or [2606:4700:4700::1111]:53, 2620:fe::9/48",
            &["2001:4860:4860::8888", "2606:4700:4700::1111", "2620:fe::9"],
        );
        check(
            "2A00:1450:4001:081B:0000:0000:0000:200E:",
            &["2A00:1450:4001:081B:0000:0000:0000:200E"],
        );
        check("net 2a00:: and 2a00:1450::%eth0", &["2a00::", "2a00:1450::"]);
        check(
            "2a00:1:2:3:4:5:8.8.8.8 64:ff9b::8.8.8.8 ::ffff:9.9.9.9",
            &["2a00:1:2:3:4:5:8.8.8.8", "64:ff9b::8.8.8.8", "::ffff:9.9.9.9"],
        );
        check("地址2a00::1", &[]);
        check("地址：2a00::1。", &["2a00::1"]);
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
    fn other_uses_of_colons_stay() {
        for text in [
            "12:30:45",
            "at 20:15: news",
            "2024:12:31:23:59:59",
            "00:1a:2b:3c:4d:5e",
            "20:01:48:60:48:60:88:88",
            "std::vector",
            "abc::def",
            "dead::beef()",
            "a::b::c",
            "::",
            ":::",
            "2a00:::1",
            "2a00::1::2",
            "2a00::1:::",
            "x2a00::1",
            "2a00::1x",
            "2a00::1_",
            "2a00::g",
            "_2a00::1",
            ":2a00::1",
            "1.2a00::1",
            "12a00::1",
            "2a00:1:2:3:4:5:6",
            "2a00:1:2:3:4:5:6:7:8",
            "2a00:1:2:3:4:5:6:7::8:9",
            "2a00::12345",
            "Genesis 1:1",
            "3:16",
            "ratio 2001:4860",
            "smile :) :: (:",
            "sha256:2001486048600000000000000000000000008888",
            "Foo::Bar::2000",
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
            "::1",
            "fe80::1",
            "fd12:3456:789a::1",
            "ff02::1",
            "2001:db8::2",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2002:c000:204::1",
            "3fff:fff::1",
            "100::1",
            "4000::1",
            "::ffff:10.0.0.1",
            "64:ff9b::192.168.0.1",
        ] {
            check(text, &[]);
        }
        check(
            "172.32.0.1 192.0.0.9 224.0.0.1",
            &["172.32.0.1", "192.0.0.9", "224.0.0.1"],
        );
        check(
            "2001:1::1 2001:4:112::1 2001:20::1 2001:200::1 3fff:1000::1",
            &[
                "2001:1::1",
                "2001:4:112::1",
                "2001:20::1",
                "2001:200::1",
                "3fff:1000::1",
            ],
        );
    }

    #[test]
    fn placeholders_are_addresses_of_their_version() {
        for placeholder in PLACEHOLDERS_V4 {
            assert!(placeholder.parse::<Ipv4Addr>().is_ok(), "{placeholder}");
        }
        for placeholder in PLACEHOLDERS_V6 {
            let address: Ipv6Addr = placeholder.parse().unwrap();
            assert_eq!(address.segments()[..2], [0x2001, 0xdb8], "{placeholder}");
        }
    }

    #[test]
    fn long_numbers_take_linear_time() {
        check(&"1.".repeat(1 << 20), &[]);
        check(&"1".repeat(1 << 21), &[]);
        check(&"1 .".repeat(1 << 20), &[]);
        check(&format!("{}.1", "1".repeat(1 << 20)), &[]);
    }
}
