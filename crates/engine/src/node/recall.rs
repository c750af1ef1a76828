//! Signals that were measured before: rows of a store, by the id of the document.

use std::collections::HashMap;

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch, StringViewArray},
        compute::interleave,
    },
    common::Result as DfResult,
};
use gristmill_core::columns;
use serde_json::Value;

use crate::{
    Error, Result,
    plan::{FAULTS, Recalled},
};

/// What a store tells of the documents of a slice.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    batches: Vec<RecordBatch>,
    /// The batch and the row of each document.
    places: HashMap<String, (usize, usize)>,
}

/// What it tells of the documents of a batch.
#[derive(Default)]
pub(super) struct Known<'a> {
    batches: &'a [RecordBatch],
    places: Vec<(usize, usize)>,
}

impl Memory {
    /// Rows with the id of their document.
    ///
    /// # Errors
    /// When two documents have one id: which of them a row is of cannot be told.
    pub(crate) fn new(batches: Vec<RecordBatch>) -> Result<Self> {
        let mut places = HashMap::new();
        for (number, batch) in batches.iter().enumerate() {
            let ids = batch
                .column_by_name(columns::ID.name)
                .expect("every store has it")
                .as_string_view();
            for (row, id) in ids.iter().enumerate() {
                let id = id.unwrap_or_default();
                if places.insert(id.to_owned(), (number, row)).is_some() {
                    return Err(Error::PlanDiffers(format!(
                        "several documents of the store of signals have the id {id:?}, so they cannot be told apart; run without --signals"
                    )));
                }
            }
        }
        Ok(Memory { batches, places })
    }

    /// What it tells of documents that all live.
    pub(super) fn of(&self, batch: &RecordBatch) -> DfResult<Known<'_>> {
        let ids = batch.column_by_name(columns::ID.name).expect("every row has it");
        let place = |id: Option<&str>| {
            let id = id.unwrap_or_default();
            self.places.get(id).copied().ok_or_else(|| {
                Error::PlanDiffers(format!(
                    "the store of signals has nothing of document {id:?}; make it again with `gristmill signals`"
                ))
            })
        };
        Ok(Known {
            batches: &self.batches,
            places: ids.as_string_view().iter().map(place).collect::<Result<_, _>>()?,
        })
    }
}

impl Known<'_> {
    fn stored(&self, name: &str) -> DfResult<Option<ArrayRef>> {
        let pieces = self.batches.iter().map(|batch| batch.column_by_name(name));
        let Some(pieces) = pieces
            .collect::<Option<Vec<_>>>()
            .filter(|pieces| !pieces.is_empty())
        else {
            return Ok(None);
        };
        let pieces: Vec<_> = pieces.into_iter().map(AsRef::as_ref).collect();
        Ok(Some(interleave(&pieces, &self.places)?))
    }

    /// The columns of a signal, as far as they are wanted and stored.
    pub(super) fn columns(&self, signal: &Recalled, wanted: &[&str]) -> DfResult<Vec<(String, ArrayRef)>> {
        let mut columns = Vec::new();
        for (field, name) in &signal.columns {
            let stored = match wanted.contains(&field.name().as_str()) {
                true => self.stored(name)?,
                false => None,
            };
            columns.extend(stored.map(|column| (field.name().clone(), column)));
        }
        Ok(columns)
    }

    /// The faults of a signal.
    pub(super) fn faults(&self, signal: &Recalled) -> DfResult<StringViewArray> {
        let Some(told) = self.stored(FAULTS)? else {
            return Ok(StringViewArray::new_null(self.places.len()));
        };
        let fault = |told: Option<&str>| {
            let told: Value = serde_json::from_str(told?).unwrap_or_default();
            told[&signal.key].as_str().map(str::to_owned)
        };
        Ok(told.as_string_view().iter().map(fault).collect())
    }
}
