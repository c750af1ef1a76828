//! Signals of several recipes: each state of the content is made once, and measured once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch, StringViewArray, UInt64Array, new_null_array},
        datatypes::{Field, Schema},
    },
    common::Result as DfResult,
};
use gristmill_core::columns;
use serde_json::{Map, Value};

use super::Work;
use crate::{
    plan::{FAULTS, Measured, States},
    progress::Progress,
};

/// Measures what a tree of states asks for.
pub(crate) struct Measurer {
    states: Arc<States>,
    /// The columns that some operation of the tree reads.
    inputs: HashSet<String>,
    progress: Arc<Progress>,
}

/// What was found of the rows of a batch.
struct Found {
    columns: HashMap<String, ArrayRef>,
    faults: Vec<Map<String, Value>>,
}

impl Measurer {
    pub(crate) fn new(states: Arc<States>, progress: Arc<Progress>) -> Self {
        Measurer {
            inputs: states.inputs().into_iter().map(str::to_owned).collect(),
            states,
            progress,
        }
    }

    /// The stored columns of documents that all live.
    pub(super) fn measure(&self, batch: &RecordBatch) -> DfResult<HashMap<String, ArrayRef>> {
        let mut found = Found {
            columns: HashMap::new(),
            faults: vec![Map::new(); batch.num_rows()],
        };
        self.state(0, batch.clone(), &mut found)?;
        let told =
            |faults: Map<String, Value>| (!faults.is_empty()).then(|| Value::Object(faults).to_string());
        let faults: StringViewArray = found.faults.into_iter().map(told).collect();
        found.columns.insert(FAULTS.to_owned(), Arc::new(faults));
        Ok(found.columns)
    }

    fn state(&self, number: usize, mut rows: RecordBatch, found: &mut Found) -> DfResult<()> {
        let node = self.states.node(number);
        for measured in &node.measured {
            rows = self.apply(measured, &rows, found)?;
        }
        if let Some((sample, bytes)) = &node.text {
            let column = |name: &str| {
                rows.column_by_name(name)
                    .expect("the plan carries it")
                    .as_string_view()
            };
            let (texts, ids) = (column(columns::TEXT.name), column(columns::ID.name));
            let sizes: UInt64Array = texts
                .iter()
                .map(|text| text.map(|text| text.len() as u64))
                .collect();
            let chosen = texts.iter().zip(ids);
            let chosen =
                chosen.map(|(text, id)| text.filter(|_| id.is_some_and(|id| self.states.has_texts(id))));
            found
                .columns
                .insert(sample.clone(), Arc::new(chosen.collect::<StringViewArray>()));
            found.columns.insert(bytes.clone(), Arc::new(sizes));
        }
        for (edit, next) in &node.edits {
            let edited = self.apply(edit, &rows, found)?;
            self.state(*next, edited, found)?;
        }
        Ok(())
    }

    /// The rows with the outputs of an operation. Its faults are its own: another recipe may know nothing of it.
    fn apply(&self, measured: &Measured, rows: &RecordBatch, found: &mut Found) -> DfResult<RecordBatch> {
        let stored = |name: &str| {
            measured
                .stored
                .iter()
                .find(|(column, _)| column == name)
                .map(|(_, stored)| stored)
        };
        let is_read = |field: &Field| {
            self.inputs.contains(field.name())
                || stored(field.name()).is_some_and(|stored| self.states.stores(stored))
        };
        let mut fields: Vec<Field> = rows
            .schema()
            .fields()
            .iter()
            .map(|field| field.as_ref().clone())
            .collect();
        let mut arrays = rows.columns().to_vec();
        for (field, array) in fields.iter().zip(&mut arrays) {
            if field.name() == columns::FAULT.name {
                *array = new_null_array(field.data_type(), rows.num_rows());
            }
        }
        let clean = RecordBatch::try_new(rows.schema(), arrays)?;
        for output in measured.op.outputs().into_iter().filter(is_read) {
            match fields.iter_mut().find(|field| field.name() == output.name()) {
                Some(field) => *field = output,
                None => fields.push(output),
            }
        }
        let work = Work::new(
            None,
            measured.op.clone(),
            Arc::new(Schema::new(fields)),
            Arc::default(),
            None,
        );
        let cost = self.progress.step(&measured.key);
        let done = cost.count(rows.num_rows(), || work.run(&clean))?;
        let faults = done
            .column_by_name(columns::FAULT.name)
            .expect("every row has a fault column");
        for (told, fault) in found.faults.iter_mut().zip(faults.as_string_view()) {
            if let Some(fault) = fault {
                told.insert(measured.key.clone(), Value::String(fault.to_owned()));
            }
        }
        for (column, stored) in measured
            .stored
            .iter()
            .filter(|(_, stored)| self.states.stores(stored))
        {
            if let Some(array) = done.column_by_name(column) {
                found.columns.insert(stored.clone(), array.clone());
            }
        }
        Ok(done)
    }
}
