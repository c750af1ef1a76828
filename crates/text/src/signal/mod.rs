//! Signals over text: they measure and never decide.
//!
//! [`SIGNALS`] lists them. What the reference filters count as a word, a line or a character is defined once: words
//! in [`words`], the rest in the module of each signal.

mod alnum_ngram_repetition;
mod alnum_words;
mod byte_count;
mod char_count;
mod char_repetition;
pub(crate) mod document;
mod duplicates;
mod joined_words;
mod key_table;
mod language;
mod line_marks;
mod line_repetition;
mod line_shapes;
mod marked_lines;
mod ngram_repetition;
mod ngrams;
mod nonblank_line_marks;
mod nonblank_line_repetition;
mod punctuation;
mod ratios;
mod raw_line_marks;
mod raw_line_repetition;
mod removed_ngram_repetition;
mod repeat_filter;
mod sentences;
mod special_chars;
mod split_ngram_repetition;
mod split_symbols;
mod split_word_kinds;
mod split_words;
mod stop_words;
mod stripped_words;
mod symbol_ratios;
mod teaser_line_marks;
mod token_count;
mod unique_lines;
mod word_count;
mod word_kinds;
pub(crate) mod words;

use gristmill_core::Signal;

/// All signals over text.
pub static SIGNALS: &[&dyn Signal] = &[
    &alnum_ngram_repetition::AlnumNgramRepetition,
    &alnum_words::AlnumWords,
    &byte_count::ByteCount,
    &char_count::CharCount,
    &char_repetition::CharRepetition,
    &language::Language,
    &line_marks::LineMarks,
    &line_repetition::LineRepetition,
    &line_shapes::LineShapes,
    &ngram_repetition::NgramRepetition,
    &nonblank_line_marks::NonblankLineMarks,
    &nonblank_line_repetition::NonblankLineRepetition,
    &punctuation::Punctuation,
    &raw_line_marks::RawLineMarks,
    &raw_line_repetition::RawLineRepetition,
    &removed_ngram_repetition::RemovedNgramRepetition,
    &sentences::Sentences,
    &special_chars::SpecialChars,
    &split_ngram_repetition::SplitNgramRepetition,
    &split_symbols::SplitSymbols,
    &split_word_kinds::SplitWordKinds,
    &split_words::SplitWords,
    &stop_words::StopWords,
    &stripped_words::StrippedWords,
    &symbol_ratios::SymbolRatios,
    &teaser_line_marks::TeaserLineMarks,
    &token_count::TokenCount,
    &unique_lines::UniqueLines,
    &word_count::WordCount,
    &word_kinds::WordKinds,
    &words::Words,
];
