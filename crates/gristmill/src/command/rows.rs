//! Rows of a query, for programs and for the eyes.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, StringArray, StructArray},
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    util::display::{ArrayFormatter, FormatOptions},
};
use serde_json::Value;

/// Rows as JSON objects.
pub(super) fn json_rows(batch: &RecordBatch) -> Result<Vec<Value>, ArrowError> {
    let schema = batch.schema();
    let rows = (0..batch.num_rows()).map(|row| {
        let cells = batch.columns().iter().zip(schema.fields());
        let cells = cells.map(|(array, field)| Ok((field.name().clone(), json_value(array, row)?)));
        Ok(Value::Object(cells.collect::<Result<_, ArrowError>>()?))
    });
    rows.collect()
}

/// A value of a column: numbers bare, lists and structs as such, bytes as hexadecimal digits.
pub(super) fn json_value(array: &ArrayRef, row: usize) -> Result<Value, ArrowError> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    match array.data_type() {
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let items = (0..items.len()).map(|item| json_value(&items, item));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        DataType::Struct(fields) => {
            let children = array.as_struct().columns().iter().zip(fields);
            let children = children.map(|(child, field)| Ok((field.name().clone(), json_value(child, row)?)));
            Ok(Value::Object(children.collect::<Result<_, ArrowError>>()?))
        }
        kind => {
            let options = FormatOptions::default();
            let text = ArrayFormatter::try_new(array, &options)?.value(row).to_string();
            if kind.is_numeric() || *kind == DataType::Boolean {
                return Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)));
            }
            Ok(Value::String(text))
        }
    }
}

/// A batch for the eyes: the length of bytes in their place.
pub(super) fn without_bytes(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    fn shown(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let told = |lengths: Vec<Option<usize>>| -> ArrayRef {
            let told = lengths
                .into_iter()
                .map(|length| Some(format!("{} bytes", length?)));
            Arc::new(told.collect::<StringArray>())
        };
        match array.data_type() {
            DataType::Binary => {
                let bytes = array.as_binary::<i32>().iter();
                Ok(told(bytes.map(|bytes| bytes.map(<[u8]>::len)).collect()))
            }
            DataType::BinaryView => {
                let bytes = array.as_binary_view().iter();
                Ok(told(bytes.map(|bytes| bytes.map(<[u8]>::len)).collect()))
            }
            DataType::Struct(fields) => {
                let file = array.as_struct();
                let children: Vec<ArrayRef> = file.columns().iter().map(shown).collect::<Result<_, _>>()?;
                let fields = fields.iter().zip(&children);
                let fields =
                    fields.map(|(field, child)| Field::new(field.name(), child.data_type().clone(), true));
                let nulls = file.nulls().cloned();
                Ok(Arc::new(StructArray::try_new(fields.collect(), children, nulls)?))
            }
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let values = shown(list.values())?;
                let item = Arc::new(Field::new(item.name(), values.data_type().clone(), true));
                let (offsets, nulls) = (list.offsets().clone(), list.nulls().cloned());
                Ok(Arc::new(ListArray::try_new(item, offsets, values, nulls)?))
            }
            _ => Ok(array.clone()),
        }
    }
    let arrays: Vec<ArrayRef> = batch.columns().iter().map(shown).collect::<Result<_, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&arrays);
    let fields: Vec<Field> = fields
        .map(|(field, array)| Field::new(field.name(), array.data_type().clone(), true))
        .collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &rows)
}
