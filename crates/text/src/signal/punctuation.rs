//! Marks that end and part sentences, among words and such marks.
//!
//! A *token* is a longest run of letters, digits, `_` and `'`, or one of `,` `;` `:` `?` `!` `.`; what else stands in the
//! text is none. The ratio is the share of tokens that are marks, null where there are none. OBELICS does not ask it of
//! texts with few tokens, so their number is a column.

use std::sync::Arc;

use arrow_array::{
    ArrayRef,
    builder::{Float64Builder, UInt32Builder},
    cast::AsArray,
};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::ratios::ratio;
use crate::words::classes::{WORD, is};

/// Describes [`Punctuation`].
pub(crate) static CARD: Card = Card {
    name: "punctuation",
    about: "commas, full stops and their like among words",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::u32(
            "text_punctuated_token_count",
            "runs of letters, digits, _ and ', and the marks , ; : ? ! .",
        ),
        Column::f64("text_punctuation_ratio", "share of those that are marks, 0 to 1"),
    ],
    source: "Laurençon et al. 2023, arXiv:2306.16527, appendix A.2 (punctuation ratio); OBELICS \
             web_document_filtering.py compute_punctuation_ratio",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures punctuation.
#[derive(Debug)]
pub(crate) struct Punctuation;

impl Signal for Punctuation {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] UInt32, [n] Float64`; null where the text is null, the ratio also where it has no token.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let (mut counts, mut ratios) = (UInt32Builder::new(), Float64Builder::new());
        for text in inputs[0].as_string_view() {
            let tokens = text.map(count);
            counts.append_option(tokens.map(|(tokens, _)| tokens as u32));
            ratios.append_option(tokens.and_then(|(tokens, marks)| ratio(marks, tokens)));
        }
        Ok(vec![Arc::new(counts.finish()), Arc::new(ratios.finish())])
    }
}

/// Tokens, and those of them that are marks.
fn count(text: &str) -> (usize, usize) {
    let (mut words, mut marks) = (0, 0);
    let mut is_in_word = false;
    for character in text.chars() {
        let is_of_word = is(character, WORD) || character == '\'';
        words += usize::from(is_of_word && !is_in_word);
        is_in_word = is_of_word;
        marks += usize::from(matches!(character, ',' | ';' | ':' | '?' | '!' | '.'));
    }
    (words + marks, marks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: (usize, usize)) {
        assert_eq!(count(text), expected, "{text:?}");
    }

    #[test]
    fn words_and_marks_are_tokens() {
        check("Don't stop, now!", (5, 2));
        check("a_b 1.5 x...", (8, 4));
        check("a;b:c?d", (7, 3));
    }

    #[test]
    fn other_characters_are_none() {
        check("a - (b) “c” … # €", (3, 0));
        check("字，字。", (2, 0));
        check("", (0, 0));
        check(" -\n", (0, 0));
    }
}
