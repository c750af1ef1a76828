//! The verbs: *read*, *extract*, *edit*, *compute*.
//!
//! Every implementation is a pure function of its inputs and its card's version: not of clock, environment,
//! network, row order or the cuts between batches. It runs on several threads at once.

use std::{ops::Range, sync::Arc};

use arrow_array::{ArrayRef, StringViewArray};
use bytes::Bytes;

use crate::{Card, FormatCard, Object, ReadOptions, Records, Result};

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

    /// Name and SQL predicate of the rule that says which records it reads, such as
    /// `("is_html", "media_type IN ('text/html')")`. Other records leave under that name.
    fn accepts(&self) -> (&'static str, &'static str);

    /// `inputs` as on the card, each `[n]`. Documents that cannot be extracted get a fault.
    fn extract(&self, inputs: &[ArrayRef]) -> Result<Documents>;
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

    /// `inputs` and result as on the card, each `[n]`; null content stays null.
    fn edit(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>>;
}

/// Measures content. Signals never decide: thresholds live in recipes.
pub trait Signal: Send + Sync {
    /// Its card.
    fn card(&self) -> &'static Card;

    /// `inputs` and result as on the card, each `[n]`; null where the content is null.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>>;
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
