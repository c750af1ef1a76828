//! The verbs: *read*, *extract*, *edit*, *compute*, *split*.
//!
//! Every implementation is a pure function of its inputs and its card's version: not of clock, environment,
//! network, row order or the cuts between batches. It runs on several threads at once.

use std::{ops::Range, sync::Arc};

use arrow_array::{Array, ArrayRef, StringViewArray};
use bytes::Bytes;

use crate::{Card, FormatCard, Object, ReadOptions, Records, Result, Setting, Settings};

/// Cuts an object into records.
pub trait Format: Send + Sync {
    /// Its card.
    fn card(&self) -> &'static FormatCard;

    /// Reads the records that *start* in `range` of the stored object, whatever lies beyond its end.
    ///
    /// For any cut of an object into ranges, the records of all ranges are the records of the whole, each once.
    /// Formats that cannot be cut give everything to the range that starts at 0 and nothing to the others.
    /// Damage becomes a row with a fault, and reading goes on at the next record that can be found.
    fn read(
        &self,
        object: Arc<dyn Object>,
        range: Range<u64>,
        options: &ReadOptions,
    ) -> Result<Box<dyn Records>>;
}

/// Turns records into documents: one document a record.
pub trait Extractor: Send + Sync {
    /// Its card; inputs are record columns, outputs are content columns.
    fn card(&self) -> &'static Card;

    /// Which records it reads. What no extractor of a step reads leaves under the name of that rule.
    fn accepts(&self) -> Accepts;

    /// `inputs` as on the card, each `[n]`. Documents that cannot be extracted get a fault.
    ///
    /// `wanted` has the names of the outputs that somebody reads; the others may be null.
    fn extract(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Documents>;
}

/// The media types that an extractor reads.
#[derive(Debug, Clone, Copy)]
pub struct Accepts {
    /// The name of the rule that other records leave under, such as `is_html`.
    pub rule: &'static str,
    /// Media types; `text/*` stands for all that begin with `text/`.
    pub types: &'static [&'static str],
    /// Media types among them that it does not read.
    pub except: &'static [&'static str],
}

impl Accepts {
    /// The rule, as an SQL predicate.
    pub fn predicate(&self) -> String {
        let quoted = |types: &[&str]| {
            types
                .iter()
                .map(|kind| format!("'{kind}'"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (families, single): (Vec<&str>, Vec<&str>) =
            self.types.iter().partition(|kind| kind.ends_with("/*"));
        let families = families
            .iter()
            .map(|family| format!("media_type LIKE '{}%'", family.trim_end_matches('*')));
        let single = (!single.is_empty()).then(|| format!("media_type IN ({})", quoted(&single)));
        let any = families.chain(single).collect::<Vec<_>>().join(" OR ");
        if self.except.is_empty() {
            any
        } else {
            format!("({any}) AND media_type NOT IN ({})", quoted(self.except))
        }
    }

    /// Whether it reads records of this media type: what [`predicate`](Self::predicate) says.
    pub fn holds(&self, media_type: &str) -> bool {
        let is_any = |types: &[&str]| {
            types.iter().any(|kind| match kind.strip_suffix('*') {
                Some(family) => media_type.starts_with(family),
                None => media_type == *kind,
            })
        };
        is_any(self.types) && !is_any(self.except)
    }
}

/// What an extractor gives: the outputs of its card, and for each row what went wrong.
#[derive(Debug, Clone)]
pub struct Documents {
    /// Arrays of the card's outputs, each `[n]`; null in rows with a fault.
    pub columns: Vec<ArrayRef>,
    /// `[n]`, null where nothing went wrong; the text of a [`Fault`](crate::Fault).
    pub faults: StringViewArray,
}

/// Changes content: an output of its card that bears an input's name replaces that column.
pub trait Edit: Send + Sync {
    /// Its card.
    fn card(&self) -> &'static Card;

    /// What a recipe may say to it: `edit: {name: {setting: value}}`.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    /// The edit with these settings, if it has any. Like built-in edits, it lives as long as the process.
    ///
    /// # Errors
    /// What is wrong with their combination.
    fn with(&self, _: &Settings) -> Result<Option<&'static dyn Edit>, String> {
        Ok(None)
    }

    /// `inputs` and result as on the card, each `[n]`; null content stays null.
    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>>;
}

/// Measures content. Signals never decide: thresholds live in recipes.
pub trait Signal: Send + Sync {
    /// Its card.
    fn card(&self) -> &'static Card;

    /// `inputs` and result as on the card, each `[n]`; null where the content is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>>;

    /// The same for signals that decode: those of the outputs that somebody reads, by name, the others may be null; and
    /// a fault for content that cannot be decoded.
    fn measure(&self, inputs: &[ArrayRef], _wanted: &[&str]) -> Result<Documents> {
        let columns = self.compute(inputs)?;
        let rows = inputs.first().map_or(0, Array::len);
        Ok(Documents {
            columns,
            faults: StringViewArray::new_null(rows),
        })
    }
}

/// Cuts documents into parts: speech into utterances, films into clips, interleaved documents into their pieces.
///
/// A part is a document with the columns of its parent. What bears its card's outputs' names is its own, and so are `id`,
/// `parent_id` and `part`. The parent leaves.
pub trait Splitter: Send + Sync {
    /// Its card: what it reads of a document, and what it gives a part. An output that bears an input's name replaces
    /// that column.
    fn card(&self) -> &'static Card;

    /// What a recipe may say to it: `split: {name: {setting: value}}`.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    /// The splitter with these settings, if it has any. Like built-in splitters, it lives as long as the process.
    ///
    /// # Errors
    /// What is wrong with their combination.
    fn with(&self, _: &Settings) -> Result<Option<&'static dyn Splitter>, String> {
        Ok(None)
    }

    /// `inputs` as on the card, each `[n]`. `wanted` has the names of the outputs that somebody reads; the others may be
    /// null.
    fn split(&self, inputs: &[ArrayRef], wanted: &[&str]) -> Result<Parts>;
}

/// What a splitter gives.
#[derive(Debug, Clone)]
pub struct Parts {
    /// For each part the row of the document that it is of, in ascending order. A document may have none.
    pub parents: Vec<u32>,
    /// Arrays of the card's outputs, each `[parts]`.
    pub columns: Vec<ArrayRef>,
    /// `[n]`, null where nothing went wrong; the text of a [`Fault`](crate::Fault). A document with a fault has no parts.
    pub faults: StringViewArray,
}

/// Makes signals of model files that others trained.
pub trait Model: Send + Sync {
    /// Its card. It has the inputs of its signals, and no outputs: their names come from the recipe.
    fn card(&self) -> &'static Card;

    /// The signal of the model in `file`. The recipe calls it `name`, a word of `a-z`, `0-9` and `_`, and may ask for
    /// one `label`. Like built-in signals, it lives as long as the process.
    ///
    /// # Errors
    /// When the file is no such model, or has no such label.
    fn signal(&self, name: &str, file: Bytes, label: Option<&str>) -> Result<&'static dyn Signal>;
}

/// Makes a signal that finds items of evaluation sets in texts.
pub trait Decontaminator: Send + Sync {
    /// The card of its signal.
    fn card(&self) -> &'static Card;

    /// The signal that looks for these items by n-grams of `ngram` words. Like built-in signals, it lives as long as
    /// the process.
    ///
    /// # Errors
    /// When there are too many items, or `ngram` is out of bounds.
    fn signal(
        &self,
        items: &mut dyn Iterator<Item = EvaluationItem>,
        ngram: usize,
    ) -> Result<(&'static dyn Signal, Vec<EvaluationSet>)>;
}

/// An item of an evaluation set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvaluationItem {
    /// The set that it is of.
    pub benchmark: String,
    /// Its name in the set.
    pub id: String,
    /// What is looked for.
    pub question: String,
    /// Looked for near the question.
    pub answer: Option<String>,
    /// What the question is about; looked for near the question.
    pub passage: Option<String>,
}

/// What became of an evaluation set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationSet {
    /// Its name.
    pub name: String,
    /// Its items.
    pub items: u32,
    /// Items that are not looked for, because they have too few words or nothing that tells them from many others.
    pub not_looked_for: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_name_types_and_families() {
        let text = Accepts {
            rule: "is_text",
            types: &["text/*", "application/json"],
            except: &["text/html"],
        };
        assert_eq!(
            text.predicate(),
            "(media_type LIKE 'text/%' OR media_type IN ('application/json')) AND media_type NOT IN ('text/html')"
        );
        for (kind, expected) in [
            ("text/plain", true),
            ("application/json", true),
            ("text/html", false),
            ("application/jsonl", false),
        ] {
            assert_eq!(text.holds(kind), expected, "{kind}");
        }
    }
}
