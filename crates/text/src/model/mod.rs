//! Readers of models that others trained: text classifiers, language models and tokenizers.
//!
//! A model is read once from the bytes of its file, is immutable after that and may be used by any number of threads at
//! once. Weights and tables stay where they are in the file's [`Bytes`](bytes::Bytes); what is built beside them is
//! small. What a prediction needs to write on is a scratch of the caller, so that nothing is allocated per word.
//!
//! A model file is input like any other: every count and length in it is checked against the size of the file before
//! anything is allocated, and a damaged file is an [`Error`](gristmill_core::Error) that says what is wrong and where.
//! A change inside the weights that leaves them numbers cannot be noticed.

mod classifier;
mod cursor;
pub mod fasttext;
pub mod ngram_lm;
mod perplexity;
mod tokens;

use gristmill_core::Model;

/// All kinds of models that recipes can name.
pub static MODELS: &[&dyn Model] = &[&classifier::FastText, &perplexity::NgramLm, &tokens::Tokenizer];
