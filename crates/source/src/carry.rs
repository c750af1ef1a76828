//! Carried fields on their way into columns of their declared types.

use arrow_array::{
    ArrayRef,
    builder::{
        ArrayBuilder, BinaryViewBuilder, BooleanBuilder, Float64Builder, Int64Builder, StringViewBuilder,
        TimestampMillisecondBuilder, UInt16Builder, UInt32Builder, UInt64Builder,
    },
};
use gristmill_core::ColumnType;
use serde_json::Number;

use crate::{date, json::Field};

/// One builder a carried field.
pub(crate) struct Carried {
    columns: Vec<Column>,
}

impl Carried {
    pub(crate) fn new(fields: &[(String, ColumnType)]) -> Self {
        Carried {
            columns: fields.iter().map(|(_, kind)| Column::new(*kind)).collect(),
        }
    }

    /// Adds a row; `fields` are in the order of the columns.
    pub(crate) fn push(&mut self, fields: &[Field<'_>]) {
        for (column, field) in self.columns.iter_mut().zip(fields) {
            column.push(field);
        }
    }

    /// Adds a row of nulls.
    pub(crate) fn push_nulls(&mut self) {
        for column in &mut self.columns {
            column.push(&Field::Missing);
        }
    }

    /// Takes the rows added so far.
    pub(crate) fn finish(&mut self) -> Vec<ArrayRef> {
        self.columns.iter_mut().map(Column::finish).collect()
    }
}

/// Carried fields where a format has none.
pub(crate) fn carried_nulls(fields: &[(String, ColumnType)], rows: usize) -> Vec<ArrayRef> {
    let columns = fields.iter();
    columns
        .map(|(_, kind)| arrow_array::new_null_array(&kind.data_type(), rows))
        .collect()
}

enum Column {
    Bool(BooleanBuilder),
    U16(UInt16Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    I64(Int64Builder),
    F64(Float64Builder),
    Text(StringViewBuilder),
    Bytes(BinaryViewBuilder),
    Time(TimestampMillisecondBuilder),
}

/// Block size of carried texts; a builder left alone doubles it up to 2 MiB and stays there.
const BLOCK: u32 = 64 << 10;

impl Column {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Column::Bool(BooleanBuilder::new()),
            ColumnType::U16 => Column::U16(UInt16Builder::new()),
            ColumnType::U32 => Column::U32(UInt32Builder::new()),
            ColumnType::U64 => Column::U64(UInt64Builder::new()),
            ColumnType::I64 => Column::I64(Int64Builder::new()),
            ColumnType::F64 => Column::F64(Float64Builder::new()),
            ColumnType::Text => Column::Text(StringViewBuilder::new().with_fixed_block_size(BLOCK)),
            ColumnType::Bytes => Column::Bytes(BinaryViewBuilder::new().with_fixed_block_size(BLOCK)),
            ColumnType::Time => Column::Time(TimestampMillisecondBuilder::new().with_timezone("UTC")),
            ColumnType::Offsets | ColumnType::Media | ColumnType::Texts | ColumnType::MediaList => {
                unreachable!("recipes cannot declare fields of this type")
            }
        }
    }

    fn push(&mut self, field: &Field<'_>) {
        match self {
            Column::Bool(column) => column.append_option(boolean(field)),
            Column::U16(column) => column.append_option(integer(field).and_then(|v| u16::try_from(v).ok())),
            Column::U32(column) => column.append_option(integer(field).and_then(|v| u32::try_from(v).ok())),
            Column::U64(column) => column.append_option(integer(field).and_then(|v| u64::try_from(v).ok())),
            Column::I64(column) => column.append_option(integer(field).and_then(|v| i64::try_from(v).ok())),
            Column::F64(column) => column.append_option(float(field)),
            Column::Text(column) => column.append_option(text(field)),
            Column::Bytes(column) => column.append_option(bytes(field)),
            Column::Time(column) => column.append_option(time(field)),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        let column: &mut dyn ArrayBuilder = match self {
            Column::Bool(column) => column,
            Column::U16(column) => column,
            Column::U32(column) => column,
            Column::U64(column) => column,
            Column::I64(column) => column,
            Column::F64(column) => column,
            Column::Text(column) => column,
            Column::Bytes(column) => column,
            Column::Time(column) => column,
        };
        column.finish()
    }
}

fn boolean(field: &Field<'_>) -> Option<bool> {
    match field {
        Field::Bool(value) => Some(*value),
        Field::Text(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

fn integer(field: &Field<'_>) -> Option<i128> {
    let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i128);
    match field {
        Field::Number(number) => number.as_i128().or_else(|| number.as_f64().and_then(whole)),
        Field::Text(text) => text.trim().parse().ok(),
        Field::Bool(value) => Some(i128::from(*value)),
        _ => None,
    }
}

fn float(field: &Field<'_>) -> Option<f64> {
    match field {
        Field::Number(number) => number.as_f64(),
        Field::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn text<'a>(field: &'a Field<'_>) -> Option<std::borrow::Cow<'a, str>> {
    match field {
        Field::Missing | Field::Null | Field::Bytes(_) => None,
        Field::Bool(value) => Some(value.to_string().into()),
        Field::Nested(value) => Some(value.to_string().into()),
        Field::Number(_) | Field::Text(_) => field.to_text(),
    }
}

fn bytes<'a>(field: &'a Field<'_>) -> Option<&'a [u8]> {
    match field {
        Field::Bytes(bytes) => Some(bytes),
        _ => field.as_text().map(str::as_bytes),
    }
}

fn time(field: &Field<'_>) -> Option<i64> {
    match field {
        Field::Text(text) => date::millis(text),
        Field::Number(number) => Number::as_i64(number),
        _ => None,
    }
}
