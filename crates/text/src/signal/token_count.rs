//! Number of tokens of a text, for budgets.
//!
//! Tokens are those of `cl100k_base`, the byte-pair encoding of GPT-4 that tiktoken calls by that name: 100,256 tokens,
//! after a cut by its regular expression. OLMo 2 and Phi-4 have the same tokens beside special ones of their own.
//! Special tokens are not looked for and none are added: `<|endoftext|>` in a text counts as what it is written with.
//! Every other tokenizer is a model, `models: {gpt2: {tokenizer: gpt2/tokenizer.json}}`; with that one the count is
//! FineWeb's `token_count`.
//!
//! Empty text has 0 tokens. Time is linear in the length of the text whatever it holds; the first text of a process
//! also reads the vocabulary, 20 ms and 15 MB that are part of the program.
//!
//! Why this crate: on 1,437 texts, 13.6 MB, `bpe-openai` 0.3 and `tiktoken-rs` 0.12 gave the same counts, at 41 and
//! 20 MB/s of a busy core; 20 MB of one word took 0.2 s and 10 s, and `tiktoken-rs` panics at 5 MB of spaces. `tiktoken` 3.8
//! (114 MB/s, the same counts) carries vocabularies whose licences bind the whole program, and its counts have changed
//! between minor versions.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, cast::AsArray};
use gristmill_core::{Card, Column, Cost, Result, Signal, columns};

/// Describes [`TokenCount`].
pub(crate) static CARD: Card = Card {
    name: "text_token_count",
    about: "number of tokens of the text in cl100k_base, the vocabulary of GPT-4 and OLMo 2",
    inputs: &[columns::TEXT],
    outputs: &[Column::i64("text_token_count", "tokens of cl100k_base")],
    source: "tiktoken cl100k_base by bpe-openai 0.3 (MIT); Sennrich et al. 2016, arXiv:1508.07909",
    cost: Cost::Moderate,
    version: 1,
};

/// Counts tokens; see the module.
#[derive(Debug)]
pub(crate) struct TokenCount;

impl Signal for TokenCount {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> [n] Int64`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let tokenizer = bpe_openai::cl100k_base();
        let texts = inputs[0].as_string_view();
        let counts: Int64Array = texts
            .iter()
            .map(|text| text.map(|text| tokenizer.count(text) as i64))
            .collect();
        Ok(vec![Arc::new(counts)])
    }
}
