//! Extract: each record is read by the first extractor of its step that accepts its media type.

use std::collections::HashMap;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, new_null_array},
        compute::{interleave, take},
    },
    common::Result as DfResult,
};
use gristmill_core::{Column, Documents, Extractor, columns};

use crate::Error;

/// The outputs of all extractors by name, and the faults; null where a record's own extractor does not give a column.
pub(super) fn extract(
    extractors: &[&'static dyn Extractor],
    batch: &RecordBatch,
    wanted: &[&str],
) -> DfResult<HashMap<String, ArrayRef>> {
    let parts = parts(extractors, batch);
    let mut documents = Vec::with_capacity(parts.len());
    for (extractor, rows) in &parts {
        let inputs = extractor.card().inputs.iter().map(|column| {
            let array = batch.column_by_name(column.name).expect("the plan was checked");
            match rows {
                None => Ok(array.clone()),
                Some(rows) => take(array, rows, None),
            }
        });
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        documents.push(extractor.extract(&inputs, wanted).map_err(Error::from)?);
    }
    let places = places(&parts, batch.num_rows());
    let join = |pieces: Vec<ArrayRef>| -> DfResult<ArrayRef> {
        match pieces.as_slice() {
            [one] => Ok(one.clone()),
            _ => Ok(interleave(
                &pieces.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
                &places,
            )?),
        }
    };
    let mut outputs = HashMap::new();
    for column in extractors.iter().flat_map(|extractor| extractor.card().outputs) {
        if !outputs.contains_key(column.name) {
            let pieces = parts
                .iter()
                .zip(&documents)
                .map(|((extractor, _), part)| piece(*extractor, part, column));
            outputs.insert(column.name.to_owned(), join(pieces.collect())?);
        }
    }
    let faults = documents
        .into_iter()
        .map(|part| std::sync::Arc::new(part.faults) as ArrayRef);
    outputs.insert(columns::FAULT.name.to_owned(), join(faults.collect())?);
    Ok(outputs)
}

/// The extractors that have something to do, with their rows; `None` stands for all rows.
fn parts(
    extractors: &[&'static dyn Extractor],
    batch: &RecordBatch,
) -> Vec<(&'static dyn Extractor, Option<UInt32Array>)> {
    if extractors.len() == 1 || batch.num_rows() == 0 {
        return vec![(extractors[0], None)];
    }
    let kinds = batch
        .column_by_name(columns::MEDIA_TYPE.name)
        .expect("every row has a media type")
        .as_string_view();
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); extractors.len()];
    for (row, kind) in kinds.iter().enumerate() {
        let accepts = |extractor: &&dyn Extractor| extractor.accepts().holds(kind.unwrap_or_default());
        // The sieve before this step let nothing else through.
        let reader = extractors
            .iter()
            .position(accepts)
            .expect("one extractor accepts the record");
        rows[reader].push(row as u32);
    }
    let busy = extractors.iter().zip(rows).filter(|(_, rows)| !rows.is_empty());
    busy.map(|(extractor, rows)| {
        let is_whole = rows.len() == batch.num_rows();
        (*extractor, (!is_whole).then(|| UInt32Array::from(rows)))
    })
    .collect()
}

/// For each row of the batch its part, and its row there.
fn places(parts: &[(&'static dyn Extractor, Option<UInt32Array>)], rows: usize) -> Vec<(usize, usize)> {
    let mut places = vec![(0, 0); rows];
    for (part, (_, rows)) in parts.iter().enumerate() {
        for (at, row) in rows.iter().flat_map(UInt32Array::values).enumerate() {
            places[*row as usize] = (part, at);
        }
    }
    places
}

/// The column of a name among what one extractor gave.
fn piece(extractor: &dyn Extractor, documents: &Documents, column: &Column) -> ArrayRef {
    let outputs = extractor.card().outputs;
    match outputs.iter().position(|output| output.name == column.name) {
        Some(at) => documents.columns[at].clone(),
        None => new_null_array(&column.kind.data_type(), documents.faults.len()),
    }
}
