//! Signals over videos: they measure and never decide.
//!
//! Both decode, in workers where there are some, and give a fault for what cannot be decoded. What nobody reads is not computed.

mod frames;
mod keyframes;
mod sound_track;

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, ListArray, StringViewArray, StructArray, UInt32Array,
    builder::{BinaryViewBuilder, ListBuilder, StringViewBuilder},
    cast::AsArray,
    new_null_array,
};
use arrow_schema::{DataType, Field};
use gristmill_core::{Column, ColumnType, Documents, Fault, Limits, Signal, columns};
use serde_json::Value;

use crate::job::{self, Reply, Task};

/// All signals over videos.
pub static SIGNALS: &[&dyn Signal] = &[&frames::Frames, &keyframes::Keyframes, &sound_track::SoundTrack];

/// Does a task with every video of a column.
fn measure(outputs: &[Column], inputs: &[ArrayRef], wanted: &[&str], task: Task) -> Documents {
    let limits = Limits::default();
    let mut faults = StringViewBuilder::new();
    let replies: Vec<Option<Reply>> = files(&inputs[0])
        .map(|file| {
            let reply = file.map(|file| job::run(file, task, wanted, &limits)).transpose();
            faults.append_option(reply.as_ref().err().map(Fault::to_string));
            reply.unwrap_or(None)
        })
        .collect();
    Documents {
        columns: outputs.iter().map(|output| column(output, &replies)).collect(),
        faults: faults.finish(),
    }
}

/// The bytes of a column of media.
pub(crate) fn files(column: &ArrayRef) -> impl Iterator<Item = Option<&[u8]>> {
    let media: &StructArray = column.as_struct();
    let bytes = media.column(0).as_binary_view();
    (0..media.len()).map(move |row| (media.is_valid(row) && bytes.is_valid(row)).then(|| bytes.value(row)))
}

/// A column of what was told of each row.
fn column(output: &Column, replies: &[Option<Reply>]) -> ArrayRef {
    let values = || {
        replies
            .iter()
            .map(|reply| reply.as_ref()?.values.get(output.name))
    };
    match output.kind {
        ColumnType::F64 => Arc::new(values().map(|value| value?.as_f64()).collect::<Float64Array>()),
        ColumnType::U32 => {
            let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
            Arc::new(values().map(|value| number(value?)).collect::<UInt32Array>())
        }
        ColumnType::Bool => Arc::new(values().map(|value| value?.as_bool()).collect::<BooleanArray>()),
        ColumnType::Text => Arc::new(values().map(|value| value?.as_str()).collect::<StringViewArray>()),
        ColumnType::Texts => Arc::new(texts(values())),
        ColumnType::Media => media(replies),
        other => new_null_array(&other.data_type(), replies.len()),
    }
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> ListArray {
    let field = Field::new_list_field(DataType::Utf8View, true);
    let mut lists = ListBuilder::new(StringViewBuilder::new()).with_field(field);
    for value in values {
        match value.and_then(Value::as_array) {
            Some(lines) => {
                for line in lines {
                    lists.values().append_option(line.as_str());
                }
                lists.append(true);
            }
            None => lists.append(false),
        }
    }
    lists.finish()
}

/// The first picture of each row.
fn media(replies: &[Option<Reply>]) -> ArrayRef {
    let (mut bytes, mut paths) = (BinaryViewBuilder::new(), StringViewBuilder::new());
    let mut is_there = Vec::with_capacity(replies.len());
    for reply in replies {
        let picture = reply.as_ref().and_then(|reply| reply.pictures.first());
        bytes.append_option(picture);
        paths.append_option(picture.map(|_| "poster.jpg"));
        is_there.push(picture.is_some());
    }
    let DataType::Struct(fields) = columns::VIDEO.kind.data_type() else {
        unreachable!("media columns are structs");
    };
    let columns: Vec<ArrayRef> = vec![Arc::new(bytes.finish()), Arc::new(paths.finish())];
    Arc::new(StructArray::new(fields, columns, Some(is_there.into())))
}
