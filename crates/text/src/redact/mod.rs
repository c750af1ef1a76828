//! Redactions: personal data replaced by placeholders that are nobody's.
//!
//! A match is replaced by one of a few fixed values that look like what was there, chosen by the XXH3 hash of the
//! match: the same address gets the same value in every document, whatever else is in it. The placeholders
//! themselves are left alone and not counted, so redacting twice changes nothing. What follows from that: counts
//! say how many matches were replaced.

mod email;
mod ip;

use std::{ops::Range, sync::Arc};

use arrow_array::{
    Array, ArrayRef,
    builder::{StringViewBuilder, UInt32Builder},
    cast::AsArray,
};
use gristmill_core::Edit;
use xxhash_rust::xxh3::xxh3_64;

/// All redactions of text.
pub static REDACTIONS: &[&dyn Edit] = &[&email::Email, &ip::Ip];

/// Replaces what `find` finds in each text. `find` gives the first match that begins at or after a position.
///
/// `[n] Utf8View -> [n] Utf8View, [n] UInt32`. Texts without a match are not copied if no text has one.
fn redact_rows(
    texts: &ArrayRef,
    find: impl Fn(&str, usize) -> Option<Range<usize>>,
    placeholders: &[&str],
) -> Vec<ArrayRef> {
    let rows = texts.as_string_view();
    let mut counts = UInt32Builder::with_capacity(rows.len());
    let mut redacted = Vec::new();
    for (row, text) in rows.iter().enumerate() {
        let (new, count) = text.map_or((None, 0), |text| redact(text, &find, placeholders));
        counts.append_option(text.map(|_| count));
        redacted.extend(new.map(|new| (row, new)));
    }
    let counts = Arc::new(counts.finish());
    if redacted.is_empty() {
        return vec![texts.clone(), counts];
    }
    let mut out = StringViewBuilder::with_capacity(rows.len());
    let mut redacted = redacted.into_iter().peekable();
    for (row, text) in rows.iter().enumerate() {
        match redacted.next_if(|(changed, _)| *changed == row) {
            Some((_, new)) => out.append_value(new),
            None => out.append_option(text),
        }
    }
    vec![Arc::new(out.finish()), counts]
}

fn redact(
    text: &str,
    find: impl Fn(&str, usize) -> Option<Range<usize>>,
    placeholders: &[&str],
) -> (Option<String>, u32) {
    let mut out: Option<String> = None;
    let (mut at, mut copied, mut count) = (0, 0, 0);
    while let Some(found) = find(text, at) {
        at = found.end;
        let matched = &text[found.clone()];
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

#[cfg(test)]
mod tests {
    use arrow_array::StringViewArray;
    use gristmill_core::conformance;

    use super::*;

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

    #[test]
    fn redacting_twice_changes_nothing() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a.b@c.org and 8.8.8.8, d@e.com"]));
        for edit in REDACTIONS {
            let once = edit.edit(std::slice::from_ref(&texts)).unwrap();
            let twice = edit.edit(&once[..1]).unwrap();
            assert_eq!(once[0].as_string_view(), twice[0].as_string_view());
            assert_ne!(once[0].as_string_view(), texts.as_string_view());
        }
    }
}
