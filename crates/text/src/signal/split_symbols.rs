//! Hash signs and ellipses, by the words between white space, after Gopher.
//!
//! Words are those of [`split_words`](super::split_words). *Symbols per word* counts `#`, `...`, `. . .` and `…`
//! anywhere in the text, each by itself and without overlaps: `......` is two, `. . . .` one. A *marked word* holds `#`
//! or `…`; `...` is no mark. A *symbol word* is `...`, `…`, `[...]`, `[…]`, `(...)` or `-»`, or has more runs of `#` than
//! half of its characters: `#` is one, `##` and `#a` are none, `#a#` is one. All are null for a text without words.

use arrow_array::ArrayRef;
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

use super::{
    char_count::char_count,
    document::{Document, documents},
    ratios::{float_columns, ratio},
    split_words::TEXT_SPLIT_WORDS,
};

const SYMBOL_WORDS: [&str; 6] = ["...", "…", "[...]", "[…]", "(...)", "-»"];

/// Describes [`SplitSymbols`].
pub(crate) static CARD: Card = Card {
    name: "split_symbols",
    about: "hash signs and ellipses, per word between white space and as words",
    inputs: &[columns::TEXT, TEXT_SPLIT_WORDS],
    outputs: &[
        Column::f64(
            "text_split_symbol_ratio",
            "hash signs and ellipses per word between white space; may exceed 1",
        ),
        Column::f64(
            "text_split_marked_word_ratio",
            "share of those words that hold a hash sign or the character …",
        ),
        Column::f64(
            "text_split_symbol_word_ratio",
            "share of those words that are an ellipsis or hash signs",
        ),
    ],
    source: "Rae et al. 2021, arXiv:2112.11446, appendix A.1; DCLM content_filters.py symbol_ratio_filter; \
             dolma taggers/gopher.py; NeMo Curator filters/heuristic/string.py SymbolsToWordsFilter",
    cost: Cost::Cheap,
    version: 1,
};

/// Measures symbols per word.
#[derive(Debug)]
pub(crate) struct SplitSymbols;

impl Signal for SplitSymbols {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View, [n] List<UInt32> -> 3 x [n] Float64`; null where the text is null or has no words.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        Ok(float_columns(
            documents(inputs).map(|document| document.as_ref().map(measure)),
        ))
    }
}

fn measure(document: &Document<'_>) -> [Option<f64>; 3] {
    let bytes = document.text.as_bytes();
    let symbols = ["#", "...", ". . .", "…"].map(|symbol| memchr::memmem::find_iter(bytes, symbol).count());
    let count = |is_counted: fn(&str) -> bool| document.words().filter(|word| is_counted(word)).count();
    [
        symbols.iter().sum(),
        count(|word| word.contains(['#', '…'])),
        count(is_symbol),
    ]
    .map(|part| ratio(part, document.word_count()))
}

fn is_symbol(word: &str) -> bool {
    let bytes = word.as_bytes();
    let starts = memchr::memchr_iter(b'#', bytes).filter(|&at| at == 0 || bytes[at - 1] != b'#');
    let runs = starts.count();
    SYMBOL_WORDS.contains(&word) || (runs > 0 && 2 * runs > char_count(word) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::split_words::spans;

    fn check(text: &str, expected: [Option<f64>; 3]) {
        let offsets: Vec<u32> = spans(text).flatten().collect();
        assert_eq!(measure(&Document::new(text, &offsets)), expected, "{text:?}");
    }

    #[test]
    fn ellipses_do_not_overlap() {
        check("a...... . . . . b", [Some(3. / 6.), Some(0.), Some(0.)]);
        check("a… #b", [Some(1.), Some(1.), Some(0.)]);
    }

    #[test]
    fn words_of_hash_signs_go_by_their_runs() {
        check("# ## #a #a# é", [Some(6. / 5.), Some(4. / 5.), Some(2. / 5.)]);
    }

    #[test]
    fn words_that_are_ellipses_are_symbols() {
        check(
            "... … [...] […] (...) -» a...",
            [Some(6. / 7.), Some(2. / 7.), Some(6. / 7.)],
        );
    }

    #[test]
    fn a_text_without_words_has_no_share() {
        check("", [None; 3]);
        check(" \n", [None; 3]);
    }
}
