//! Scores of fastText classifiers, as signals.
//!
//! With a label, the signal is the probability of that label: `text_<name>_score`, such as the quality score of DCLM's
//! classifier. Without one it is the most probable label, `text_<name>_label`, without the prefix `__label__`, and its
//! probability. What a probability is stands in [`fasttext`](super::fasttext); newlines of the text count as spaces.
//!
//! Models of languages are classifiers as well. With `models: {lid: {fasttext: lid.176.bin}}` the columns `text_lid_label`
//! and `text_lid_score` are what datatrove's language filter looks at: the best label of the whole text, newlines being
//! spaces there too. `text_lid_label = 'en' AND text_lid_score > 0.65` is FineWeb's rule for English; the pipeline that
//! FineWeb published asks for the score alone. GlotLID's labels bear the script, `eng_Latn`.
//!
//! Edge cases: null where the text is null. Empty text has labels too. A text none of whose words the model knows
//! anything of has the label null and the score 0.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef,
    builder::{Float64Builder, StringViewBuilder},
    cast::AsArray,
};
use bytes::Bytes;
use gristmill_core::{Card, Column, Cost, Error, Model, Result, Signal, columns};

use super::fasttext::{self, Scratch};

/// Describes [`FastText`] to recipes, lists and docs.
static CARD: Card = Card {
    name: "fasttext",
    about: "label and probability of a fastText classifier (.bin, .ftz)",
    inputs: &[columns::TEXT],
    outputs: &[],
    source: "Joulin et al. 2016, arXiv:1607.01759 and arXiv:1612.03651",
    cost: Cost::Moderate,
    version: 1,
};

/// What fastText puts before the names of labels.
const PREFIX: &str = "__label__";

/// fastText models; see the module.
#[derive(Debug)]
pub(crate) struct FastText;

impl Model for FastText {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn signal(&self, name: &str, file: Bytes, label: Option<&str>) -> Result<&'static dyn Signal> {
        let model = fasttext::Model::read(file)?;
        let wanted = label.map(|label| find(&model, label)).transpose()?;
        let score = Column::f64(kept(format!("text_{name}_score")), "probability, 0 to 1");
        let best = Column::text(kept(format!("text_{name}_label")), "most probable label");
        let outputs = match wanted {
            Some(_) => vec![score],
            None => vec![best, score],
        };
        let card = Box::leak(Box::new(Card {
            name: kept(format!("fasttext {name}")),
            outputs: outputs.leak(),
            ..CARD
        }));
        Ok(Box::leak(Box::new(Classifier { card, model, wanted })))
    }
}

/// Names on cards live as long as the process.
fn kept(name: String) -> &'static str {
    name.leak()
}

fn find(model: &fasttext::Model, label: &str) -> Result<u32> {
    let bare = |label: &str| label.strip_prefix(PREFIX).unwrap_or(label).to_owned();
    let found = model.labels().iter().position(|known| bare(known) == bare(label));
    found.map(|index| index as u32).ok_or_else(|| {
        let known: Vec<_> = model.labels().iter().take(12).map(|label| bare(label)).collect();
        Error::new(format!("no label {label:?}; the model has {}", known.join(", ")))
    })
}

struct Classifier {
    card: &'static Card,
    model: fasttext::Model,
    /// The label whose probability is asked for; the best when absent.
    wanted: Option<u32>,
}

impl Signal for Classifier {
    fn card(&self) -> &'static Card {
        self.card
    }

    /// `[n] Utf8View -> [n] Float64`, or `[n] Utf8View, [n] Float64` where no label is asked for.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let texts = inputs[0].as_string_view();
        let mut scores = Float64Builder::with_capacity(texts.len());
        let mut labels = StringViewBuilder::with_capacity(texts.len());
        let mut scratch = Scratch::default();
        let most = self.wanted.map_or(1, |_| self.model.labels().len());
        for text in texts {
            let Some(text) = text else {
                scores.append_null();
                labels.append_null();
                continue;
            };
            let predictions = self.model.predict(text, most, 0.0, &mut scratch);
            let found = match self.wanted {
                Some(label) => predictions.iter().find(|found| found.label == label),
                None => predictions.first(),
            };
            scores.append_value(found.map_or(0.0, |found| f64::from(found.probability)));
            if self.wanted.is_none() {
                let label = found.map(|found| self.model.label(found.label));
                labels.append_option(label.map(|label| label.strip_prefix(PREFIX).unwrap_or(label)));
            }
        }
        let scores: ArrayRef = Arc::new(scores.finish());
        Ok(match self.wanted {
            Some(_) => vec![scores],
            None => vec![Arc::new(labels.finish()), scores],
        })
    }
}
