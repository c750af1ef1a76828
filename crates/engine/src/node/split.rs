//! Split: documents are cut into parts, which stand behind them.
//!
//! A part has the columns of its document, but for those that the splitter gives anew, and for `id`, `parent_id` and
//! `part`. Documents that were asked have the number of their parts in `part_count`, which parts have not: the sieve
//! behind tells them apart by it, and the documents leave there. A splitter that panics costs the document that it
//! panicked on.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray, StringViewBuilder,
            UInt32Array, new_null_array,
        },
        compute::{concat, interleave, take},
        datatypes::SchemaRef,
    },
    common::Result as DfResult,
};
use gristmill_core::{Fault, Parts, Splitter, columns, record_id};
use gristmill_shard::BORN_COLUMN;

use crate::{
    Error,
    plan::{PARENT_ID, PART, PART_COUNT},
};

/// The batch with the parts of a chain's documents behind each of them.
pub(super) fn split(
    batch: &RecordBatch,
    chain: Option<u8>,
    splitter: &'static dyn Splitter,
    output: &SchemaRef,
) -> DfResult<RecordBatch> {
    let own = super::own_rows(batch, chain);
    let asked: Vec<u32> = (0..batch.num_rows() as u32)
        .filter(|&row| own[row as usize])
        .collect();
    let is_read = |name: &&str| output.index_of(name).is_ok();
    let outputs = splitter.card().outputs.iter().map(|column| column.name);
    let wanted: Vec<&str> = outputs.filter(is_read).collect();
    let parts = parts_of(batch, &asked, splitter, &wanted)?;
    let order = Order::new(batch.num_rows(), &asked, &parts);
    let column = |name: &str| batch.column_by_name(name);
    let rows = UInt32Array::from(order.rows.clone());
    let parents = || {
        let ids = column(columns::ID.name)
            .expect("every row has an id")
            .as_string_view();
        order.rows.iter().map(move |&row| ids.value(row as usize))
    };
    let arrays = output.fields().iter().map(|field| -> DfResult<ArrayRef> {
        let name = field.name().as_str();
        // Of what was no part before, the column as it was; of parts another.
        let mixed = |of_parts: &ArrayRef| -> DfResult<ArrayRef> {
            let before = column(name).cloned();
            let before = before.unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()));
            Ok(interleave(&[before.as_ref(), of_parts.as_ref()], &order.places)?)
        };
        if let Some(at) = splitter
            .card()
            .outputs
            .iter()
            .position(|output| output.name == name)
        {
            return mixed(&parts.columns[at]);
        }
        Ok(match name {
            _ if name == columns::ID.name => {
                let ids = parents().zip(&order.places).map(|(parent, place)| match place {
                    (DOCUMENT, _) => parent.to_owned(),
                    _ => record_id(parent, u64::from(order.numbers[place.1]), 0),
                });
                Arc::new(StringViewArray::from_iter_values(ids))
            }
            _ if name == PARENT_ID.name => {
                let of_parts = parents()
                    .zip(&order.places)
                    .filter(|(_, place)| place.0 == PART_OF);
                mixed(&(Arc::new(StringViewArray::from_iter_values(of_parts.map(|(id, _)| id))) as _))?
            }
            _ if name == PART.name => mixed(&(Arc::new(UInt32Array::from(order.numbers.clone())) as _))?,
            _ if name == PART_COUNT.name => Arc::new(order.counts.iter().copied().collect::<UInt32Array>()),
            BORN_COLUMN => {
                let before = column(name).map(AsArray::as_boolean);
                let is_born = order.places.iter().map(|place| match place {
                    (DOCUMENT, row) => before.is_some_and(|before| before.value(*row)),
                    _ => true,
                });
                Arc::new(BooleanArray::from(is_born.collect::<Vec<_>>()))
            }
            _ if name == columns::FAULT.name => faults(batch, &asked, &parts, &rows)?,
            _ => take(column(name).expect("the plan carries it"), &rows, None)?,
        })
    });
    Ok(RecordBatch::try_new(
        output.clone(),
        arrays.collect::<DfResult<_>>()?,
    )?)
}

/// A row that was there before.
const DOCUMENT: usize = 0;
/// A row that is a part.
const PART_OF: usize = 1;

/// The rows that come out.
struct Order {
    /// Of each the row that it was, or is a part of.
    rows: Vec<u32>,
    /// Of each whether it was there before, and where it stands among those or among the parts.
    places: Vec<(usize, usize)>,
    /// Of documents that were asked how many parts they have.
    counts: Vec<Option<u32>>,
    /// Of each part its number in its document.
    numbers: Vec<u32>,
}

impl Order {
    fn new(rows: usize, asked: &[u32], parts: &Parts) -> Self {
        let mut order = Order {
            rows: Vec::with_capacity(rows + parts.parents.len()),
            places: Vec::with_capacity(rows + parts.parents.len()),
            counts: Vec::with_capacity(rows + parts.parents.len()),
            numbers: Vec::with_capacity(parts.parents.len()),
        };
        let mut asked = asked.iter().enumerate().peekable();
        let mut next = 0;
        for row in 0..rows as u32 {
            let document = asked.next_if(|(_, asked)| **asked == row);
            order.rows.push(row);
            order.places.push((DOCUMENT, row as usize));
            let Some((document, _)) = document else {
                order.counts.push(None);
                continue;
            };
            let own = parts.parents[next..].iter();
            let count = own.take_while(|&&parent| parent as usize == document).count();
            order.counts.push(Some(count as u32));
            for number in 0..count {
                order.rows.push(row);
                order.places.push((PART_OF, next + number));
                order.counts.push(None);
                order.numbers.push(number as u32);
            }
            next += count;
        }
        order
    }
}

/// The parts of some rows; if the splitter panics, row by row.
fn parts_of(
    batch: &RecordBatch,
    asked: &[u32],
    splitter: &'static dyn Splitter,
    wanted: &[&str],
) -> DfResult<Parts> {
    let rows = UInt32Array::from(asked.to_vec());
    let inputs = splitter.card().inputs.iter().map(|column| {
        let column = batch.column_by_name(column.name).expect("the plan was checked");
        Ok(take(column, &rows, None)?)
    });
    let inputs: Vec<ArrayRef> = inputs.collect::<DfResult<_>>()?;
    let run = |inputs: &[ArrayRef]| catch_unwind(AssertUnwindSafe(|| splitter.split(inputs, wanted)));
    if let Ok(parts) = run(&inputs) {
        return Ok(parts.map_err(Error::from)?);
    }
    let mut parents = Vec::new();
    let mut faults = StringViewBuilder::new();
    let kinds = splitter
        .card()
        .outputs
        .iter()
        .map(|output| output.kind.data_type());
    let mut pieces: Vec<Vec<ArrayRef>> = kinds.map(|kind| vec![new_null_array(&kind, 0)]).collect();
    for row in 0..asked.len() {
        let one: Vec<ArrayRef> = inputs.iter().map(|input| input.slice(row, 1)).collect();
        let Ok(parts) = run(&one) else {
            let name = splitter.card().name;
            faults.append_value(Fault::internal(format!("split {name} panicked")).to_string());
            continue;
        };
        let parts = parts.map_err(Error::from)?;
        parents.extend(parts.parents.iter().map(|_| row as u32));
        let fault = parts.faults.is_valid(0).then(|| parts.faults.value(0));
        faults.append_option(fault);
        for (pieces, column) in pieces.iter_mut().zip(parts.columns) {
            pieces.push(column);
        }
    }
    let columns = pieces.iter().map(|pieces| {
        let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        Ok(concat(&pieces)?)
    });
    Ok(Parts {
        parents,
        columns: columns.collect::<DfResult<_>>()?,
        faults: faults.finish(),
    })
}

/// The faults of all rows that come out.
fn faults(batch: &RecordBatch, asked: &[u32], parts: &Parts, rows: &UInt32Array) -> DfResult<ArrayRef> {
    let before = batch.column_by_name(columns::FAULT.name);
    let before = before.expect("every row has a fault column");
    if parts.faults.null_count() == parts.faults.len() {
        return Ok(take(before, rows, None)?);
    }
    let mut all: Vec<Option<&str>> = before.as_string_view().iter().collect();
    for (&row, fault) in asked.iter().zip(&parts.faults) {
        all[row as usize] = fault.or(all[row as usize]);
    }
    let all: StringViewArray = all.into_iter().collect();
    Ok(take(&all, rows, None)?)
}
