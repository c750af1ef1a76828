//! Signals over videos: they measure and never decide.
//!
//! Both decode, in workers where there are some, and give a fault for what cannot be decoded. What nobody reads is not computed.

mod frames;
mod keyframes;
mod sound_track;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, ListArray, StringViewArray, UInt32Array,
    builder::{ListBuilder, StringViewBuilder},
    new_null_array,
};
use arrow_schema::{DataType, Field};
use gristmill_core::{Column, ColumnType, Documents, Fault, Files, Limits, Signal, media};
use serde_json::Value;

use crate::job::{self, Reply, Task};

/// All signals over videos.
pub static SIGNALS: &[&dyn Signal] = &[&frames::Frames, &keyframes::Keyframes, &sound_track::SoundTrack];

/// Does a task with every video of a column.
fn measure(outputs: &[Column], inputs: &[ArrayRef], wanted: &[&str], task: Task) -> Documents {
    let limits = Limits::default();
    let mut faults = StringViewBuilder::new();
    let replies: Vec<Option<Reply>> = Files::of(&inputs[0])
        .bytes()
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
        ColumnType::Media => posters(replies),
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
fn posters(replies: &[Option<Reply>]) -> ArrayRef {
    let pictures = || replies.iter().map(|reply| reply.as_ref()?.pictures.first());
    let paths = pictures().map(|picture| picture.map(|_| "poster.jpg"));
    media(pictures().collect(), paths.collect())
}
