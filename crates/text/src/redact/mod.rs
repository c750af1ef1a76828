//! Redactions: personal data and secrets replaced by placeholders that are nobody's.
//!
//! A match is replaced by one of a few fixed values that look like what was there, chosen by the XXH3 hash of the
//! match: the same address gets the same value in every document, whatever else is in it. The placeholders
//! themselves are left alone and not counted, so redacting twice changes nothing. What follows from that: counts
//! say how many matches were replaced.
//!
//! A redaction is a [`Redaction`]: a card, a function that finds the next match, and the placeholders. Texts come
//! from strangers, so every `find` looks at each byte a bounded number of times, whatever the text, and where it
//! looks back or ahead for context, that has a fixed length.

mod card_number;
mod email;
mod iban;
mod ip;
mod phone;
mod secret;

use std::{ops::Range, sync::Arc};

use arrow_array::{
    Array, ArrayRef,
    builder::{StringViewBuilder, UInt32Builder},
    cast::AsArray,
};
use gristmill_core::{Card, Edit, Result};
use xxhash_rust::xxh3::xxh3_64;

/// All redactions of text.
pub static REDACTIONS: &[&dyn Edit] = &[
    &email::EMAIL,
    &ip::IP,
    &phone::PHONE,
    &card_number::CARD_NUMBER,
    &iban::IBAN,
    &secret::SECRET,
];

/// Replaces whatever `find` finds in a text.
#[derive(Debug)]
struct Redaction {
    card: &'static Card,
    /// The first match that begins at or after a byte position; the end of the last match, when it is called again.
    find: fn(&str, usize) -> Option<Range<usize>>,
    /// The values that may stand for a match; never empty.
    placeholders: fn(&str) -> &'static [&'static str],
}

impl Edit for Redaction {
    fn card(&self) -> &'static Card {
        self.card
    }

    /// `[n] Utf8View -> [n] Utf8View, [n] UInt32`; null where the text is null. Texts without a match are not
    /// copied if no text has one.
    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let rows = inputs[0].as_string_view();
        let mut counts = UInt32Builder::with_capacity(rows.len());
        let mut redacted = Vec::new();
        for (row, text) in rows.iter().enumerate() {
            let (new, count) = text.map_or((None, 0), |text| self.redact(text));
            counts.append_option(text.map(|_| count));
            redacted.extend(new.map(|new| (row, new)));
        }
        let counts = Arc::new(counts.finish());
        if redacted.is_empty() {
            return Ok(vec![inputs[0].clone(), counts]);
        }
        let mut out = StringViewBuilder::with_capacity(rows.len());
        let mut redacted = redacted.into_iter().peekable();
        for (row, text) in rows.iter().enumerate() {
            match redacted.next_if(|(changed, _)| *changed == row) {
                Some((_, new)) => out.append_value(new),
                None => out.append_option(text),
            }
        }
        Ok(vec![Arc::new(out.finish()), counts])
    }
}

impl Redaction {
    /// The new text, if it differs, and how many matches were replaced.
    fn redact(&self, text: &str) -> (Option<String>, u32) {
        let mut out: Option<String> = None;
        let (mut at, mut copied, mut count) = (0, 0, 0);
        while let Some(found) = (self.find)(text, at) {
            at = found.end;
            let matched = &text[found.clone()];
            let placeholders = (self.placeholders)(matched);
            if placeholders.contains(&matched) {
                continue;
            }
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[copied..found.start]);
            out.push_str(placeholders[(xxh3_64(matched.as_bytes()) % placeholders.len() as u64) as usize]);
            copied = found.end;
            count += 1;
        }
        if let Some(out) = &mut out {
            out.push_str(&text[copied..]);
        }
        (out, count)
    }
}

/// The position of the first byte at or after `from` that `is_wanted`. Looks at 32 bytes at a time, which the
/// compiler turns into vector instructions: for sets of bytes too large for `memchr`.
#[inline(always)]
fn position(bytes: &[u8], from: usize, is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let is_without = |chunk: &&[u8; 32]| !chunk.iter().fold(false, |any, byte| any | is_wanted(*byte));
    let skipped = rest.as_chunks::<32>().0.iter().take_while(is_without).count() * 32;
    let found = rest[skipped..].iter().position(|byte| is_wanted(*byte))?;
    Some(from + skipped + found)
}

/// Whether a character continues a word, so that what touches it is a part of that word.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use arrow_array::{StringViewArray, UInt32Array};
    use gristmill_core::conformance;

    use super::*;

    /// Checks what a redaction replaces in a text: every match that is no placeholder.
    pub(super) fn check(redaction: &Redaction, text: &str, expected: &[&str]) {
        assert_eq!(found(redaction, text), expected, "{text}");
    }

    /// What a redaction replaces in a text.
    pub(super) fn found<'a>(redaction: &Redaction, text: &'a str) -> Vec<&'a str> {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(range) = (redaction.find)(text, at) {
            assert!(
                range.start >= at && range.end > range.start,
                "{range:?} after {at}"
            );
            at = range.end;
            let matched = &text[range];
            if !(redaction.placeholders)(matched).contains(&matched) {
                found.push(matched);
            }
        }
        found
    }

    fn redact(edit: &dyn Edit, texts: &[&str]) -> (ArrayRef, u32) {
        let texts: ArrayRef = Arc::new(StringViewArray::from(texts.to_vec()));
        let out = edit.edit(&[texts]).unwrap();
        let counts: &UInt32Array = out[1].as_primitive();
        (out[0].clone(), counts.iter().flatten().sum())
    }

    #[test]
    fn redactions_conform() {
        conformance::check_cards(REDACTIONS.iter().map(|edit| edit.card()));
        for edit in REDACTIONS {
            conformance::check_text_edit(*edit, |_, texts| vec![Arc::new(texts.clone())]);
        }
    }

    #[test]
    fn texts_without_a_match_are_not_copied() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
            Some("nothing to redact in this text"),
            None,
        ]));
        for edit in REDACTIONS {
            assert!(
                edit.edit(std::slice::from_ref(&texts)).unwrap()[0]
                    .to_data()
                    .ptr_eq(&texts.to_data())
            );
        }
    }

    /// Something for every redaction.
    const SAMPLE: &str = "a.b@c.org and 8.8.8.8, d@e.com, 2a00:1450:4001:81b::200e. Phone 030 9018200, \
        +49 30 9018200, (212) 664-7665. Card 4539 1488 0343 6467, 4539148803436467, IBAN DE44500105175407324931, \
        DE44 5001 0517 5407 3249 31, ftp://me:hunter22@example.org/";

    #[test]
    fn redacting_twice_changes_nothing() {
        for edit in REDACTIONS {
            let (once, count) = redact(*edit, &[SAMPLE]);
            assert!(count > 0, "{} finds nothing", edit.card().name);
            assert_ne!(once.as_string_view().value(0), SAMPLE);
            let (twice, count) = redact(*edit, &[once.as_string_view().value(0)]);
            assert_eq!(once.as_string_view(), twice.as_string_view());
            assert_eq!(count, 0);
        }
    }

    /// What stands beside a placeholder may be anything, so pieces of matches and of what nearly matches are put
    /// together in every order that a small generator thinks of.
    #[test]
    fn redacting_twice_changes_nothing_whatever_stands_beside_a_match() {
        // xorshift: the same texts on every machine.
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        for round in 0..40_000 {
            let pieces = (0..1 + random(12)).map(|_| PIECES[random(PIECES.len())]);
            let text = pieces.collect::<String>();
            for edit in REDACTIONS {
                let (once, _) = redact(*edit, &[&text]);
                let once = once.as_string_view().value(0);
                let (twice, count) = redact(*edit, &[once]);
                assert_eq!(twice.as_string_view().value(0), once, "round {round}: {text}");
                assert_eq!(count, 0, "round {round}: {text}");
            }
        }
    }

    const PIECES: &[&str] = &[
        " ",
        " ",
        " ",
        " ",
        "-",
        ".",
        ":",
        "/",
        "(",
        ")",
        "+",
        "_",
        "x",
        "é",
        "0",
        "1",
        "12",
        "345",
        "@",
        "\n",
        "::",
        "5678",
        "a.b@c.org",
        "8.8.8.8",
        "10.0.0.1",
        "2a00:1450:4001:81b::200e",
        "::ffff:8.8.4.4",
        "2001:db8::1",
        "tel ",
        "call us on ",
        "+49 30 9018200",
        "0049 (0)30 9018200",
        "030 9018200",
        "(030) 9018200",
        "(212) 664-7665",
        "212-664-7665",
        "+1",
        "(+49) 30 9018200",
        "+44 ",
        "1-212-664-7665",
        "2126647665",
        "4539 1488 0343 6467",
        "4539148803436467",
        "4539-1488-0343-6467",
        "374245455400126",
        "DE44500105175407324931",
        "DE44 5001 0517 5407 3249 31",
        "GB29 NWBK",
        "ftp://me:hunter22@example.org/",
        "https://a:",
        "sk-q7Zr2XmK9vTc4LpW8sHd3NfB6gJy5RtAeUoP",
        "eyJ0eXAiOiJKV1Qi.eyJ0eXAiOiJKV1Qi.a",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "MC4CAQAwBQYDK2VwBCIEIPz0q7Zr2XmK9vTc4LpW8sHd3NfB6gJy5RtAeUoPiQwMzCxV",
        "-----",
    ];

    #[test]
    fn positions_are_those_of_a_simple_search() {
        let text = format!("{}7{}8", "a".repeat(31), "b".repeat(70));
        for from in 0..=text.len() + 1 {
            let simple = text.bytes().skip(from).position(|byte| byte.is_ascii_digit());
            assert_eq!(
                position(text.as_bytes(), from, |byte| byte.is_ascii_digit()),
                simple.map(|found| from + found)
            );
        }
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        for piece in HOSTILE {
            let text = piece.repeat((1 << 20) / piece.len());
            for edit in REDACTIONS {
                redact(*edit, &[&text]);
            }
        }
    }

    /// Texts of these, a megabyte long, take hours if any `find` looks at them more than a bounded number of times.
    const HOSTILE: &[&str] = &[
        "0",
        "1",
        "4",
        "+",
        "(",
        "-",
        "_",
        ".",
        ":",
        "::",
        "@",
        "/",
        "A",
        "a@",
        "a.",
        "1.",
        "1 .",
        "0:",
        "f:",
        "2a00:",
        ":8.8.8.8",
        "a:8.8.8.8:",
        "2001:4860:4860::8888 ",
        "é",
        "é1",
        "+49 ",
        "(0)",
        "0 ",
        "0-",
        "00",
        "tel 0 ",
        "tel 020 7219 4272 ",
        "+49 30 9018200 ",
        "4 ",
        "4-",
        "4539148803436467 ",
        "4539 1488 ",
        "NO28",
        "DE44 ",
        "LC55HEMM",
        "eyJ",
        "eyJ.",
        "eyJ-",
        "eyJ.eyJ.",
        "sk-",
        "sk_",
        "ghp_",
        "ghp_-",
        "AKIA",
        "AKIA ",
        "xoxb-",
        "://",
        "a://b:",
        "a://b:c@",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n-----END ",
        "I",
        "J",
    ];
}
