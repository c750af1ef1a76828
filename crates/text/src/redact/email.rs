//! E-mail addresses.
//!
//! An address is `local@domain`: `local` has 1 to 64 letters, digits and ``!#$%&'*+/=?^_`{|}~-``, single dots
//! between them, and begins with a letter, a digit or `_`; `domain` has labels of letters, digits and inner
//! hyphens, at least two, and ends in a label of at least two letters. All of it is ASCII. Where addresses run into
//! each other (`a@b.com-c@d.com`), at most the first is one. What a sentence puts
//! around an address (brackets, a full stop) stays. Addresses of an IP number (`a@[1.2.3.4]`) and those without a
//! dot (`root@localhost`) are not looked for.
//!
//! Replaced by `email@example.com` or `firstname.lastname@example.org`, as FineWeb does, but by hash of the address
//! instead of in turn, so that a document's text does not depend on the documents before it.

use std::ops::Range;

use gristmill_core::{Card, Column, Cost, columns};
use memchr::memchr;

use super::Redaction;

/// Describes [`EMAIL`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "email",
    about: "replaces e-mail addresses by placeholders",
    inputs: &[columns::TEXT],
    outputs: &[
        columns::TEXT,
        Column::u32("text_redacted_emails", "e-mail addresses that were replaced"),
    ],
    source: "datatrove PIIFormatter (Penedo et al. 2024, arXiv:2406.17557)",
    cost: Cost::Cheap,
    version: 2,
};

const PLACEHOLDERS: [&str; 2] = ["email@example.com", "firstname.lastname@example.org"];

/// The longest part before the `@` (RFC 5321, section 4.5.3.1.1).
const LOCAL_BYTES: usize = 64;

/// Replaces e-mail addresses; see the module.
pub(super) static EMAIL: Redaction = Redaction {
    card: &CARD,
    find,
    placeholders: |_| &PLACEHOLDERS,
};

/// The first address that begins at or after `from`. Looks at up to 65 bytes before each `@`.
fn find(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(found) = memchr(b'@', &bytes[at..]) {
        let sign = at + found;
        at = sign + 1;
        // A local part that begins within the last address is a part of it.
        let local = local_start(&bytes[..sign]).filter(|start| *start >= from);
        if let (Some(start), Some(length)) = (local, domain_length(&bytes[at..])) {
            return Some(start..at + length);
        }
    }
    None
}

/// Where the local part at the end of `before` begins.
fn local_start(before: &[u8]) -> Option<usize> {
    let mut start = before.len();
    while start > 0 {
        let byte = before[start - 1];
        let is_dot = byte == b'.' && start < before.len() && before[start] != b'.';
        if !is_dot && !is_local(byte) {
            break;
        }
        if before.len() - start == LOCAL_BYTES {
            return None;
        }
        start -= 1;
    }
    // What follows an `@` may be the domain of what is before it.
    if matches!(before[..start], [.., byte, b'@'] if is_local(byte)) {
        return None;
    }
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    before[start..]
        .iter()
        .position(begins)
        .map(|skipped| start + skipped)
}

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte)
}

/// How long the domain at the start of `after` is.
fn domain_length(after: &[u8]) -> Option<usize> {
    let mut end = None;
    let mut at = 0;
    loop {
        let label = after[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        let text = &after[at..at + label];
        let label = label - text.iter().rev().take_while(|byte| **byte == b'-').count();
        if label == 0 || text[0] == b'-' {
            return end;
        }
        let is_top = label >= 2 && text[..label].iter().all(u8::is_ascii_alphabetic);
        if at > 0 && is_top {
            end = Some(at + label);
        }
        if label < text.len() || after.get(at + label) != Some(&b'.') {
            return end;
        }
        at += label + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        super::super::tests::check(&EMAIL, text, expected);
    }

    #[test]
    fn addresses_are_found_in_sentences() {
        check(
            "Write to <jo.o'neil+x@mail.example-site.co.uk>, or (a_b@c.org).",
            &["jo.o'neil+x@mail.example-site.co.uk", "a_b@c.org"],
        );
        check("mailto:info@firm.de?subject=x", &["info@firm.de"]);
        check("älter@firma.de", &["lter@firma.de"]);
        check("a@b.com,c@d.com", &["a@b.com", "c@d.com"]);
        check("@me@x.com a@b.com-c@d.com", &["me@x.com"]);
        check("me@x.com- or me@x.c1", &["me@x.com"]);
    }

    #[test]
    fn other_uses_of_the_sign_stay() {
        for text in [
            "@user",
            "a @ b.com",
            "root@localhost",
            "5 @ 3.50",
            "x@1.5",
            "...@b.com",
            "a..@b.com",
            "a@.com",
            "a@-b.com",
            "@@@@",
            &format!("{}@b.com", "a".repeat(65)),
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn many_signs_take_linear_time() {
        check(&"@".repeat(1 << 20), &[]);
        check(&"a.".repeat(1 << 19), &[]);
        check(&"a@".repeat(1 << 19), &[]);
        check(&format!("a@{}", "b.1".repeat(1 << 19)), &[]);
    }
}
