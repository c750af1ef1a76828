//! Signals over text: they measure and never decide.
//!
//! [`SIGNALS`] lists them. What the reference filters count as a word, a line or a character is defined once: words
//! in [`words`], the rest in the module of each signal.

mod byte_count;
mod char_count;
pub(crate) mod document;
mod duplicates;
mod joined_words;
mod key_table;
mod language;
mod line_marks;
mod line_repetition;
mod line_shapes;
mod ngram_repetition;
mod ngrams;
mod ratios;
mod repeat_filter;
mod sentences;
mod symbol_ratios;
mod word_count;
mod word_kinds;
pub(crate) mod words;

use gristmill_core::Signal;

/// All signals over text.
pub static SIGNALS: &[&dyn Signal] = &[
    &byte_count::ByteCount,
    &char_count::CharCount,
    &language::Language,
    &line_marks::LineMarks,
    &line_repetition::LineRepetition,
    &line_shapes::LineShapes,
    &ngram_repetition::NgramRepetition,
    &sentences::Sentences,
    &symbol_ratios::SymbolRatios,
    &word_count::WordCount,
    &word_kinds::WordKinds,
    &words::Words,
];
