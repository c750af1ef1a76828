//! The vocabulary of gristmill as types.
//!
//! Every other crate speaks in these words and adds none of its own: an *object* ([`Object`]) is cut by a
//! *format* ([`Format`]) into *records*; an *extractor* ([`Extractor`]) turns records into documents; an
//! *edit* ([`Edit`]) changes their content; a *signal* ([`Signal`]) measures it, if need be with a *model* ([`Model`])
//! that others trained; a *splitter* ([`Splitter`]) cuts documents into parts. Each of them describes itself
//! with a *card* ([`Card`]), from which help, reference pages, schemas and recipe checks are printed. Bad data is
//! a value ([`Fault`]), and every length read from input is checked against [`Limits`].

mod card;
pub mod columns;
pub mod conformance;
mod error;
mod fault;
mod id;
mod limits;
mod media;
pub mod nodes;
mod object;
mod records;
mod settings;
mod verbs;

pub use card::{Card, Column, ColumnType, Cost, FormatCard, Written};
pub use error::{Error, Result};
pub use fault::{Fault, FaultKind};
pub use id::record_id;
pub use limits::Limits;
pub use media::{Files, media, media_of};
pub use object::{MemoryObject, Object};
pub use records::{Encoding, FieldMap, ReadOptions, Record, RecordBatcher, Records};
pub use settings::{Given, Setting, Settings, Sort};
pub use verbs::{
    Accepts, Decontaminator, Documents, Edit, EvaluationItem, EvaluationSet, Extractor, Format, Model, Parts,
    Signal, Splitter,
};
