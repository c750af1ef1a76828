//! The models of a recipe: files that become signals.

use std::fmt;

use gristmill_core::Signal;
use serde_json::json;

use super::{
    keys::MODEL,
    read::Reader,
    suggest,
    yaml::{Node, Value},
};
use crate::Registry;

/// A model that was read.
pub struct ModelSpec {
    /// The name in the recipe, from which its columns are named.
    pub name: String,
    /// The kind.
    pub kind: &'static str,
    /// The label that is asked for.
    pub label: Option<String>,
    /// BLAKE3 of the file, by which the plan knows it, wherever it lies.
    pub blake3: String,
    /// Its signal.
    pub signal: &'static dyn Signal,
}

impl fmt::Debug for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelSpec({} {})", self.kind, self.name)
    }
}

impl ModelSpec {
    /// As it stands in the plan.
    pub(super) fn canonical(&self) -> serde_json::Value {
        json!({ "name": self.name, "kind": self.kind, "label": self.label, "blake3": self.blake3 })
    }
}

impl Reader<'_> {
    pub(super) fn models(&mut self, node: &Node, registry: &Registry) -> Vec<ModelSpec> {
        let Value::Map(entries) = &node.value else {
            self.problems.add(
                &node.place,
                format!(
                    "\"models\" is a mapping from names to models, this is {}",
                    node.kind()
                ),
                "such as `models: {quality: {fasttext: quality.bin, label: good}}`",
            );
            return Vec::new();
        };
        let mut models: Vec<ModelSpec> = Vec::new();
        for (name, value) in entries {
            let text = name.text().unwrap_or_default();
            let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if text.is_empty() || !text.chars().all(is_word) {
                self.problems.add(
                    &name.place,
                    format!("{text:?} is not a model's name"),
                    "lower-case letters, digits and _: columns are named after it",
                );
                continue;
            }
            let Some(model) = self.model(text, value, registry) else {
                continue;
            };
            let taken = model.signal.card().outputs.iter().find_map(|output| {
                let is_other = |other: &ModelSpec| {
                    let outputs = other.signal.card().outputs;
                    outputs.iter().any(|known| known.name == output.name)
                };
                let other = models.iter().any(is_other).then(|| "another model".to_owned());
                let maker = other.or_else(|| registry.maker(output.name))?;
                Some((output.name, maker))
            });
            match taken {
                Some((column, maker)) => self.problems.add(
                    &name.place,
                    format!("the model would make the column {column:?}, which {maker} makes"),
                    "give the model another name",
                ),
                None => models.push(model),
            }
        }
        models
    }

    fn model(&mut self, name: &str, node: &Node, registry: &Registry) -> Option<ModelSpec> {
        let fields = self.mapping(node, "a model", MODEL);
        let kinds = || registry.models.iter().map(|model| model.card().name);
        let named: Vec<_> = registry
            .models
            .iter()
            .filter_map(|model| Some((*model, *fields.get(model.card().name)?)))
            .collect();
        let [(kind, path)] = named[..] else {
            self.problems
                .add(&node.place, "a model is a file of one kind", suggest("", kinds()));
            return None;
        };
        let label = fields.get("label").and_then(|node| node.text());
        let file = match std::fs::read(path.text()?) {
            Ok(file) => file,
            Err(error) => {
                self.problems.add(
                    &path.place,
                    format!(
                        "cannot read the model {:?}: {error}",
                        path.text().unwrap_or_default()
                    ),
                    "a path of this machine, as seen from the folder where the command runs",
                );
                return None;
            }
        };
        let blake3 = gristmill_shard::blake3_hex(&file);
        match kind.signal(name, file.into(), label) {
            Ok(signal) => Some(ModelSpec {
                name: name.to_owned(),
                kind: kind.card().name,
                label: label.map(str::to_owned),
                blake3,
                signal,
            }),
            Err(error) => {
                let hint = format!(
                    "the file or the label is another than the recipe means; kinds of models: {}",
                    kinds().collect::<Vec<_>>().join(", ")
                );
                self.problems.add(&path.place, error.to_string(), hint);
                None
            }
        }
    }
}
