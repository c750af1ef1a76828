//! Perplexity of a text under an n-gram language model, as a signal.
//!
//! `text_<name>_perplexity` is `10^(-score / (words + lines))` over the lines of the text that have a word: low for text
//! that resembles what the model was trained on. Words are what stands between white space, as it is: a model that was
//! trained on lower case, on pieces of words or on replaced digits sees words that it does not know. What a score is
//! stands in [`ngram_lm`](super::ngram_lm).
//!
//! Edge cases: null where the text is null or has no word.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, cast::AsArray};
use bytes::Bytes;
use gristmill_core::{Card, Column, Cost, Error, Model, Result, Signal, columns};

use super::ngram_lm::{self, Score};

/// Describes [`NgramLm`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "ngram_lm",
    about: "perplexity under an n-gram language model (KenLM binary, ARPA)",
    inputs: &[columns::TEXT],
    outputs: &[],
    source: "Heafield 2011, KenLM (W11-2123); Wenzek et al. 2020, CCNet, arXiv:1911.00359",
    cost: Cost::Moderate,
    version: 1,
};

/// n-gram language models; see the module.
#[derive(Debug)]
pub(crate) struct NgramLm;

impl Model for NgramLm {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn signal(&self, name: &str, file: Bytes, label: Option<&str>) -> Result<&'static dyn Signal> {
        if label.is_some() {
            return Err(Error::new("an n-gram language model has no labels"));
        }
        let model = ngram_lm::Model::read(file)?;
        let output = Column::f64(
            format!("text_{name}_perplexity").leak(),
            "perplexity per word, 1 or more",
        );
        let card = Box::leak(Box::new(Card {
            name: format!("ngram_lm {name}").leak(),
            outputs: vec![output].leak(),
            ..CARD
        }));
        Ok(Box::leak(Box::new(Perplexity { card, model })))
    }
}

struct Perplexity {
    card: &'static Card,
    model: ngram_lm::Model,
}

impl Signal for Perplexity {
    fn card(&self) -> &'static Card {
        self.card
    }

    /// `[n] Utf8View -> [n] Float64`
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let perplexity = |text: &str| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let score = lines.fold(Score::default(), |sum, line| sum + self.model.score(line));
            (score.words > 0).then(|| score.perplexity())
        };
        let texts = inputs[0].as_string_view();
        let values: Float64Array = texts.iter().map(|text| text.and_then(perplexity)).collect();
        Ok(vec![Arc::new(values)])
    }
}
