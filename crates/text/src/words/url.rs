//! Whether a chunk is a URL, an e-mail address or a host name, which stay whole.
//!
//! The pattern, after Diego Perini's with spaCy's changes:
//! `[scheme://][user@](IPv4 address | host name with a lower-case last label)[:port][(/|?|#)anything]`, over the
//! whole chunk. `user` is anything that is not empty, so the host may start behind any `@`. Each start is judged in
//! time proportional to the labels before the next `@`, so the whole is linear.

use super::classes::{DIGIT, LOWER, WORD, is};

/// Whether the whole chunk matches the pattern. A chunk holds no white space.
pub(super) fn is_url(chunk: &str) -> bool {
    if memchr::memchr(b'.', chunk.as_bytes()).is_none() {
        return false;
    }
    is_authority(chunk)
        || after_scheme(chunk).is_some_and(is_authority)
        || memchr::memchr_iter(b'@', chunk.as_bytes()).any(|at| at > 0 && is_authority(&chunk[at + 1..]))
}

/// What follows `scheme://`, if the chunk starts with a scheme of at least two characters.
fn after_scheme(chunk: &str) -> Option<&str> {
    let (scheme, rest) = chunk.split_once(':')?;
    let is_scheme = scheme.chars().nth(1).is_some()
        && scheme
            .chars()
            .all(|c| is(c, WORD) || matches!(c, '+' | '-' | '.'));
    rest.strip_prefix("//").filter(|_| is_scheme)
}

/// Whether `rest` is a host, a port and a path, the last two optional.
fn is_authority(rest: &str) -> bool {
    after_host(rest)
        .or_else(|| after_address(rest))
        .is_some_and(|rest| {
            let rest = after_port(rest).unwrap_or(rest);
            rest.is_empty() || rest.starts_with(['/', '?', '#'])
        })
}

/// What follows `:` and two to five digits.
fn after_port(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix(':')?;
    let digits = rest.chars().take(6).take_while(|&c| is(c, DIGIT)).count();
    (2..=5).contains(&digits).then(|| skip(rest, digits))
}

/// What follows a host name: labels that end in a full stop, then a last label of 2 to 63 lower-case letters.
fn after_host(mut rest: &str) -> Option<&str> {
    let mut labels = 0;
    while let Some(next) = label(rest) {
        rest = next;
        labels += 1;
    }
    let letters = rest.chars().take(64).take_while(|&c| is(c, LOWER)).count();
    (labels > 0 && (2..=63).contains(&letters)).then(|| skip(rest, letters))
}

/// What follows a label and its full stop: 1 to 64 host characters, with `_` and `-` inside only.
fn label(rest: &str) -> Option<&str> {
    let mut last = '-';
    for (count, (at, c)) in rest.char_indices().take(65).enumerate() {
        if c == '.' {
            return is_host(last).then(|| &rest[at + 1..]);
        }
        let is_inside = count > 0 && matches!(c, '_' | '-');
        if !is_host(c) && !is_inside {
            return None;
        }
        last = c;
    }
    None
}

fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || ('\u{a1}'..='\u{ffff}').contains(&c)
}

/// What follows a public IPv4 address in dotted notation.
fn after_address(rest: &str) -> Option<&str> {
    let mut octets = [""; 4];
    let mut behind = rest;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            behind = behind.strip_prefix('.')?;
        }
        let digits = behind.chars().take(4).take_while(|&c| is(c, DIGIT)).count();
        let after = skip(behind, digits);
        *octet = &behind[..behind.len() - after.len()];
        behind = after;
    }
    let [first, second, third, fourth] = octets;
    let is_private = match (first, second) {
        ("10" | "127", _) | ("169", "254") | ("192", "168") => true,
        ("172", _) => is_private_172(second),
        _ => false,
    };
    (is_first_octet(first) && is_octet(second) && is_octet(third) && is_last_octet(fourth) && !is_private)
        .then_some(behind)
}

/// `1[6-9]|2\d|3[0-1]`
fn is_private_172(octet: &str) -> bool {
    matches!(
        digits(octet).as_slice(),
        [Some(1), Some(6..=9)] | [Some(2), _] | [Some(3), Some(0 | 1)]
    )
}

/// `[1-9]\d?|1\d\d|2[01]\d|22[0-3]`
fn is_first_octet(octet: &str) -> bool {
    matches!(
        digits(octet).as_slice(),
        [Some(1..=9)]
            | [Some(1..=9), _]
            | [Some(1), _, _]
            | [Some(2), Some(0 | 1), _]
            | [Some(2), Some(2), Some(0..=3)]
    )
}

/// `1?\d{1,2}|2[0-4]\d|25[0-5]`
fn is_octet(octet: &str) -> bool {
    matches!(
        digits(octet).as_slice(),
        [_] | [_, _] | [Some(1), _, _] | [Some(2), Some(0..=4), _] | [Some(2), Some(5), Some(0..=5)]
    )
}

/// `[1-9]\d?|1\d\d|2[0-4]\d|25[0-4]`
fn is_last_octet(octet: &str) -> bool {
    matches!(
        digits(octet).as_slice(),
        [Some(1..=9)]
            | [Some(1..=9), _]
            | [Some(1), _, _]
            | [Some(2), Some(0..=4), _]
            | [Some(2), Some(5), Some(0..=4)]
    )
}

/// The digits of an octet: the value of ASCII ones, `None` for those of other scripts.
fn digits(octet: &str) -> Vec<Option<u32>> {
    octet.chars().map(|c| c.to_digit(10)).collect()
}

/// What follows the first `count` characters.
fn skip(text: &str, count: usize) -> &str {
    let mut chars = text.chars();
    chars.by_ref().take(count).for_each(drop);
    chars.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_hosts_and_addresses_are_whole() {
        for url in [
            "example.com",
            "http://example.com:8080/a?b#c",
            "mailto:me@example.co.uk",
            "a@b@c.de",
            "8.8.8.8",
            "ftp://user:pass@1.2.3.4/x",
            "bücher.de",
        ] {
            assert!(is_url(url), "{url}");
        }
    }

    #[test]
    fn private_addresses_and_capital_last_labels_are_not() {
        for chunk in [
            "10.0.0.1",
            "127.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "end.Begin",
            "a.b",
            "a..com",
            "@a.com",
        ] {
            assert!(!is_url(chunk), "{chunk}");
        }
    }
}
