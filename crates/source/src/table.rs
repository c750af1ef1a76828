//! Rows of Arrow batches as records: what [Parquet](crate::parquet) and [Arrow](crate::arrow) have in common.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryViewArray, RecordBatch, StringViewArray, cast::AsArray};
use arrow_cast::cast;
use arrow_schema::DataType;
use gristmill_core::{Error, Fault, FieldMap, Object, ReadOptions, Record, RecordBatcher, Records, Result};

use crate::{
    carry::carried_nulls,
    value::{Value, Values},
};

/// Turns batches into batches of records.
pub(crate) struct Table {
    pending: Option<Pending>,
    batcher: RecordBatcher,
    values: Values,
    pub(crate) options: ReadOptions,
}

/// Decoded rows that wait to be handed on.
struct Pending {
    rows: usize,
    content: Content,
    id: Option<StringViewArray>,
    url: Option<StringViewArray>,
    carried: Vec<ArrayRef>,
    first_row: u64,
    next: usize,
}

/// A column that holds content.
struct Content {
    text: Option<StringViewArray>,
    bytes: Option<BinaryViewArray>,
    path: Option<StringViewArray>,
}

impl Table {
    pub(crate) fn new(object: Arc<dyn Object>, options: &ReadOptions) -> Self {
        Table {
            pending: None,
            batcher: RecordBatcher::new(object.uri(), options),
            values: Values::new(object, options),
            options: options.clone(),
        }
    }

    /// Takes rows, of which the first one has this number. Those taken before were handed on.
    pub(crate) fn add(&mut self, batch: &RecordBatch, first_row: u64) -> Result<()> {
        let fields = &self.options.fields;
        let text = |name: &Option<String>| -> Result<Option<StringViewArray>> {
            let Some(name) = name else { return Ok(None) };
            let column = find(batch, name)?;
            Ok(cast(&column, &DataType::Utf8View)
                .ok()
                .map(|column| column.as_string_view().clone()))
        };
        let mut carried = Vec::new();
        for (name, kind) in &fields.carry {
            let column = find(batch, name)?;
            let cast = cast(&column, &kind.data_type());
            carried
                .push(cast.unwrap_or_else(|_| arrow_array::new_null_array(&kind.data_type(), column.len())));
        }
        self.pending = Some(Pending {
            rows: batch.num_rows(),
            content: Content::new(&find(batch, &fields.content)?, &fields.content)?,
            id: text(&fields.id)?,
            url: text(&fields.url)?,
            carried,
            first_row,
            next: 0,
        });
        Ok(())
    }

    /// A fault in the place of the rows from `row` on. `position` 1 keeps the id apart from that of a row with the same
    /// number.
    pub(crate) fn push_fault(&mut self, row: u64, position: u64, fault: Fault) {
        self.batcher.push(&Record {
            offset: row,
            position,
            record_type: "document",
            fault: Some(fault),
            ..Record::default()
        });
    }

    fn hand_on(&mut self, mut pending: Pending) -> Result<Option<RecordBatch>> {
        let from = pending.next;
        while pending.next < pending.rows && !self.batcher.is_full() {
            self.push(&pending, pending.next)?;
            pending.next += 1;
        }
        let count = pending.next - from;
        let carried = pending
            .carried
            .iter()
            .map(|column| column.slice(from, count))
            .collect();
        if pending.next < pending.rows {
            self.pending = Some(pending);
        }
        self.batcher.take(carried)
    }

    fn push(&mut self, pending: &Pending, row: usize) -> Result<()> {
        let most = self.options.limits.record_bytes;
        let value = Value {
            text: text_at(&pending.content.text, row),
            bytes: pending
                .content
                .bytes
                .as_ref()
                .filter(|bytes| bytes.is_valid(row))
                .map(|bytes| bytes.value(row)),
            path: text_at(&pending.content.path, row),
        };
        let size = value
            .text
            .map_or(0, str::len)
            .max(value.bytes.map_or(0, <[u8]>::len));
        let content = if size > most {
            Err(Fault::limit(format!(
                "content of {size} bytes exceeds {most} bytes"
            )))
        } else {
            self.values.content(value)?
        };
        let (content, fault) = match content {
            Ok(Some(content)) => (Some(content), None),
            Ok(None) => {
                let name = &self.options.fields.content;
                let problem = match value.path {
                    Some(_) => format!("field \"{name}\" has a path and no bytes"),
                    None => format!("field \"{name}\" is null"),
                };
                (None, Some(Fault::malformed(problem)))
            }
            Err(fault) => (None, Some(fault)),
        };
        let declared = self.options.fields.media_type.as_str();
        let media_type = content.as_ref().map(|content| content.media_type.as_deref());
        self.batcher.push(&Record {
            offset: pending.first_row.saturating_add(row as u64),
            id: text_at(&pending.id, row).filter(|id| !id.is_empty()),
            record_type: "document",
            url: text_at(&pending.url, row),
            media_type: media_type.unwrap_or(Some(declared)),
            member: value.path.or(content.as_ref().and_then(|content| content.member)),
            content: content.as_ref().map(|content| content.bytes),
            fault,
            ..Record::default()
        });
        Ok(())
    }
}

impl Records for Table {
    /// Rows and faults that were given so far; `None` if all were handed on.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        if self.batcher.rows() > 0 {
            let rows = self.batcher.rows();
            return self.batcher.take(carried_nulls(&self.options.fields.carry, rows));
        }
        match self.pending.take() {
            Some(pending) => self.hand_on(pending),
            None => Ok(None),
        }
    }
}

impl Content {
    /// The column called `name` as content.
    fn new(column: &ArrayRef, name: &str) -> Result<Self> {
        let plain = match column.data_type() {
            DataType::Dictionary(_, values) => cast(column, values)?,
            _ => column.clone(),
        };
        let (mut text, mut bytes, mut path) = (None, None, None);
        match plain.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                text = Some(cast(&plain, &DataType::Utf8View)?.as_string_view().clone());
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                bytes = Some(cast(&plain, &DataType::BinaryView)?.as_binary_view().clone());
            }
            DataType::Struct(_) => {
                let of = |part: &str| {
                    plain
                        .as_struct()
                        .column_by_name(part)
                        .map(|_| inside(&plain, part))
                };
                let inner = of("bytes").transpose()?;
                let inner =
                    inner.ok_or_else(|| Error::new(format!("struct \"{name}\" has no field \"bytes\"")))?;
                let named = of("path").transpose()?;
                path = named
                    .and_then(|path| cast(&path, &DataType::Utf8View).ok())
                    .map(|path| path.as_string_view().clone());
                bytes = Some(
                    cast(&inner, &DataType::BinaryView)
                        .map_err(|_| {
                            Error::new(format!("field \"bytes\" of \"{name}\" is {}", inner.data_type()))
                        })?
                        .as_binary_view()
                        .clone(),
                );
            }
            other => {
                return Err(Error::new(format!(
                    "column \"{name}\" is {other}; content is a string or binary column, or a struct of bytes and path"
                )));
            }
        }
        Ok(Content { text, bytes, path })
    }
}

fn text_at(column: &Option<StringViewArray>, row: usize) -> Option<&str> {
    let column = column.as_ref()?;
    column.is_valid(row).then(|| column.value(row))
}

/// All columns that are read.
pub(crate) fn wanted(fields: &FieldMap) -> impl Iterator<Item = &str> {
    let named = [Some(&fields.content), fields.id.as_ref(), fields.url.as_ref()];
    let carried = fields.carry.iter().map(|(name, _)| name);
    named.into_iter().flatten().chain(carried).map(String::as_str)
}

/// The field `name` of a batch, nulls of the structs around it included.
fn find(batch: &RecordBatch, name: &str) -> Result<ArrayRef> {
    if let Some(column) = batch.column_by_name(name) {
        return Ok(column.clone());
    }
    let missing = || Error::new(format!("column \"{name}\" is not a field of a struct"));
    let mut path = name.split('.');
    let first = path.next().and_then(|first| batch.column_by_name(first));
    let mut column = first.ok_or_else(missing)?.clone();
    for part in path {
        let outer = column.as_struct_opt().ok_or_else(missing)?;
        outer.column_by_name(part).ok_or_else(missing)?;
        column = inside(&column, part)?;
    }
    Ok(column)
}

/// A field of a struct, null where the struct is.
fn inside(column: &ArrayRef, part: &str) -> Result<ArrayRef> {
    let outer = column.as_struct();
    let inner = outer.column_by_name(part).expect("the caller saw it");
    let nulls = arrow_buffer::NullBuffer::union(outer.nulls(), inner.nulls());
    Ok(arrow_array::make_array(
        inner.to_data().into_builder().nulls(nulls).build()?,
    ))
}
