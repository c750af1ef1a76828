//! Token counts of any tokenizer, as a signal.
//!
//! `text_<name>_token_count` is the number of tokens that the tokenizer in a Hugging Face `tokenizer.json` makes of the
//! text: byte-pair encoding, WordPiece, Unigram or whole words, with the file's own normalizer, pre-tokenizer and added
//! tokens. Special tokens are not added, and the truncation and padding that a file may ask for are left out: the
//! count is that of the whole text, `len(tokenizer.encode(text, add_special_tokens=False))`. An added token that stands
//! in the text, `<s>` or `[MASK]`, is one token, as in the Python package.
//!
//! Edge cases: null where the text is null. Empty text has 0 tokens, unless the normalizer adds something. What a
//! vocabulary without an unknown token does not know counts as the tokenizer has it, most often as nothing. A file whose
//! tokens are a matter of chance (dropout of merges) or whose model stops at what it does not know is an error.
//!
//! Cost: 5 MB of English text per second of a core with 32,000 tokens of bytes (the Python package: 3.4), an eighth of the
//! speed of `text_token_count`.
//!
//! Limits: a text takes about ninety bytes of memory per byte of it while it is counted. Regular expressions run in
//! Rust (`fancy-regex`), not in Oniguruma; the two differ where a single piece is longer than about a million
//! characters, from which on the rest of the text is one piece.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, builder::Int64Builder, cast::AsArray};
use bytes::Bytes;
use gristmill_core::{Card, Column, Cost, Error, Model, Result, Signal, columns};
use serde_json::Value;
use tokenizers::{Model as _, OffsetReferential, OffsetType, PreTokenizer as _};

/// Describes [`Tokenizer`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "tokenizer",
    about: "number of tokens of a Hugging Face tokenizer (tokenizer.json), special ones not added",
    inputs: &[columns::TEXT],
    outputs: &[],
    source: "tokenizers 0.23 (Apache-2.0), Hugging Face",
    cost: Cost::Expensive,
    version: 1,
};

/// Tokenizers; see the module.
#[derive(Debug)]
pub(crate) struct Tokenizer;

impl Model for Tokenizer {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn signal(&self, name: &str, file: Bytes, label: Option<&str>) -> Result<&'static dyn Signal> {
        if label.is_some() {
            return Err(Error::new("a tokenizer has no labels"));
        }
        let tokenizer = read(&file)?;
        let output = Column::i64(
            format!("text_{name}_token_count").leak(),
            "tokens, special ones not added",
        );
        let card = Box::leak(Box::new(Card {
            name: format!("tokenizer {name}").leak(),
            outputs: vec![output].leak(),
            ..CARD
        }));
        Ok(Box::leak(Box::new(TokenCount { card, tokenizer })))
    }
}

/// Texts with characters that vocabularies seldom hold.
const PROBES: [&str; 3] = ["", "a \n\0", "\u{10fffd} \u{fffe}"];

fn read(file: &[u8]) -> Result<tokenizers::Tokenizer> {
    let error = |message: String| Error::new(format!("tokenizer: {message}"));
    let json: Value =
        serde_json::from_slice(file).map_err(|problem| error(format!("no tokenizer.json: {problem}")))?;
    if !json["model"].is_object() {
        return Err(error("no tokenizer.json: it has no model".into()));
    }
    let dropout = json["model"]["dropout"].as_f64().unwrap_or_default();
    if dropout != 0.0 {
        return Err(error(format!(
            "its model leaves out merges by chance (dropout {dropout})"
        )));
    }
    let mut tokenizer =
        tokenizers::Tokenizer::from_bytes(file).map_err(|problem| error(problem.to_string()))?;
    tokenizer.with_padding(None);
    tokenizer
        .with_truncation(None)
        .map_err(|problem| error(problem.to_string()))?;
    // What a model lacks that does not know every text shows here and not in the middle of a run.
    for text in PROBES {
        count(&tokenizer, text).map_err(|problem| error(format!("fails at the text {text:?}: {problem}")))?;
    }
    Ok(tokenizer)
}

/// `encode`, without an encoding: the pieces that the text is cut to, and how many tokens the model makes of each.
fn count(tokenizer: &tokenizers::Tokenizer, text: &str) -> tokenizers::Result<i64> {
    let added = tokenizer.get_added_vocabulary();
    let mut pieces = added.extract_and_normalize(tokenizer.get_normalizer(), text);
    if let Some(cut) = tokenizer.get_pre_tokenizer() {
        cut.pre_tokenize(&mut pieces)?;
    }
    let mut count = 0;
    for (piece, _, tokens) in pieces.get_splits(OffsetReferential::Normalized, OffsetType::None) {
        count += match tokens {
            // An added token that stands in the text.
            Some(tokens) => tokens.len(),
            None => tokenizer.get_model().tokenize(piece)?.len(),
        };
    }
    Ok(count as i64)
}

struct TokenCount {
    card: &'static Card,
    tokenizer: tokenizers::Tokenizer,
}

impl Signal for TokenCount {
    fn card(&self) -> &'static Card {
        self.card
    }

    /// `[n] Utf8View -> [n] Int64`; null where the text is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view();
        let mut counts = Int64Builder::with_capacity(texts.len());
        for text in texts {
            let count = text.map(|text| count(&self.tokenizer, text)).transpose();
            counts.append_option(count.map_err(|problem| Error::new(format!("tokenizer: {problem}")))?);
        }
        Ok(vec![Arc::new(counts.finish())])
    }
}
