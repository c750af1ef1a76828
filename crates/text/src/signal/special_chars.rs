//! Characters that are neither letters nor marks on letters: digits, punctuation, symbols, emoji, white space, controls.
//!
//! A character is *special* unless it has the Unicode property Alphabetic or is a non-spacing mark. White space counts, so
//! plain English prose has about 0.2. Null for an empty text.
//!
//! OBELICS asks the same of a list: ASCII punctuation, digits and white space, emoji, and some 180 characters that are
//! mostly symbols and spaces. The two are the same for ASCII; the list lacks rarer symbols and has a few letters.

use arrow_array::{ArrayRef, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    ratios::{float_columns, ratio},
};
use crate::words::classes::{MARK, is};

/// Describes [`SpecialChars`].
pub(crate) static CARD: Card = Card {
    name: "special_chars",
    about: "share of characters that are neither letters nor marks on letters, white space included",
    inputs: &[columns::TEXT],
    outputs: &[Column::f64(
        "text_special_char_ratio",
        "share of code points that are neither letters nor marks on letters, 0 to 1",
    )],
    source: "Laurençon et al. 2023, arXiv:2306.16527, appendix A.2 (special character ratio); OBELICS \
             web_document_filtering.py compute_special_character_ratio",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures special characters.
#[derive(Debug)]
pub(crate) struct SpecialChars;

impl Signal for SpecialChars {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] Float64`; null where the text is null or empty.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view().iter();
        Ok(float_columns(texts.map(|text| text.map(|text| [measure(text)]))))
    }
}

fn measure(text: &str) -> Option<f64> {
    let special = text.chars().filter(|&character| is_special(character)).count();
    ratio(special, char_count(text) as usize)
}

/// Whether a character is neither a letter nor a mark on one.
pub(crate) fn is_special(character: char) -> bool {
    !(character.is_alphabetic() || is(character, MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(measure(text), expected, "{text:?}");
    }

    #[test]
    fn all_but_letters_are_special() {
        check("ab c, 12_", Some(6. / 9.));
        check("don't", Some(1. / 5.));
        check("…—•€½😀\u{a0}\n", Some(1.));
    }

    #[test]
    fn letters_of_any_script_with_their_marks_are_not() {
        check("éü字кا", Some(0.));
        check("e\u{301}", Some(0.));
        check("हिन्दी", Some(0.));
    }

    #[test]
    fn an_empty_text_has_no_share() {
        check("", None);
    }
}
