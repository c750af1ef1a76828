//! Cards: what a format, extractor, edit or signal says of itself.
//!
//! A card is a `static` beside the code it describes. `gristmill list`, the reference pages, the JSON Schema and
//! the recipe checker read cards and nothing else, so what they say is what runs.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, TimeUnit};

/// What an extractor, an edit or a signal says of itself.
#[derive(Debug)]
pub struct Card {
    /// The name in recipes.
    pub name: &'static str,
    /// One line for lists: what it gives, without a full stop.
    pub about: &'static str,
    /// Columns it reads.
    pub inputs: &'static [Column],
    /// Columns it adds; an edit's output that bears an input's name replaces that column.
    pub outputs: &'static [Column],
    /// Where the definition comes from.
    pub source: &'static str,
    /// Roughly what a document costs.
    pub cost: Cost,
    /// Raised whenever an output value may differ for the same input.
    pub version: u32,
}

/// What a format says of itself.
#[derive(Debug)]
pub struct FormatCard {
    /// The name in recipes (`format: warc`).
    pub name: &'static str,
    /// One line for lists, without a full stop.
    pub about: &'static str,
    /// File-name endings that suggest it, without compression endings: `["warc"]`.
    pub extensions: &'static [&'static str],
    /// Compressions that it is met in, by name.
    pub compressions: &'static [&'static str],
    /// Whether a large object can be cut into slices, and where.
    pub slicing: &'static str,
    /// The specification.
    pub source: &'static str,
    /// Raised whenever an output value may differ for the same input.
    pub version: u32,
}

/// The order of magnitude of the work for one document on one core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Microseconds.
    Cheap,
    /// Tens to hundreds of microseconds.
    Moderate,
    /// Milliseconds.
    Expensive,
}

impl Cost {
    /// The word for lists.
    pub fn name(self) -> &'static str {
        match self {
            Cost::Cheap => "cheap",
            Cost::Moderate => "moderate",
            Cost::Expensive => "expensive",
        }
    }
}

/// A column by name, type and meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// `<modality>_<measure>[_<unit>]`.
    pub name: &'static str,
    /// The type in flight; see [`ColumnType`].
    pub kind: ColumnType,
    /// Unit and meaning, for the reference: "words", "share of lines, 0 to 1".
    pub about: &'static str,
    /// Whether it is written.
    pub written: Written,
}

/// Whether a column gets into shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Unless `write.columns` leaves it out. Of signals, only what a rule looks at.
    ByDefault,
    /// Where a rule or `write.columns` names it.
    IfNamed,
    /// It only carries work from one step to the next, like word offsets.
    Never,
}

/// The types that columns have in flight. Writers store `Text` and `Bytes` as plain `Utf8` and `Binary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `Boolean`.
    Bool,
    /// `UInt16`.
    U16,
    /// `UInt32`.
    U32,
    /// `UInt64`.
    U64,
    /// `Int64`.
    I64,
    /// `Float64`.
    F64,
    /// `Utf8View`.
    Text,
    /// `BinaryView`.
    Bytes,
    /// `Timestamp(Millisecond, UTC)`.
    Time,
    /// `List<UInt32>`: byte offsets into a text.
    Offsets,
    /// `Struct<bytes: BinaryView, path: Utf8View>`: a file of a medium, and the name that readers tell its format by.
    Media,
    /// `List<Utf8View>`.
    Texts,
    /// `List<Struct<bytes: BinaryView, path: Utf8View>>`.
    MediaList,
}

impl ColumnType {
    /// The Arrow type in flight.
    pub fn data_type(self) -> DataType {
        match self {
            ColumnType::Bool => DataType::Boolean,
            ColumnType::U16 => DataType::UInt16,
            ColumnType::U32 => DataType::UInt32,
            ColumnType::U64 => DataType::UInt64,
            ColumnType::I64 => DataType::Int64,
            ColumnType::F64 => DataType::Float64,
            ColumnType::Text => DataType::Utf8View,
            ColumnType::Bytes => DataType::BinaryView,
            ColumnType::Time => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            ColumnType::Offsets => DataType::List(Arc::new(Field::new_list_field(DataType::UInt32, false))),
            ColumnType::Media => DataType::Struct(Fields::from(vec![
                Field::new("bytes", DataType::BinaryView, true),
                Field::new("path", DataType::Utf8View, true),
            ])),
            ColumnType::Texts => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))),
            ColumnType::MediaList => {
                let item = Field::new_list_field(ColumnType::Media.data_type(), true);
                DataType::List(Arc::new(item))
            }
        }
    }

    /// The word for lists and recipes (`columns: {score: f64}`).
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Bool => "bool",
            ColumnType::U16 => "u16",
            ColumnType::U32 => "u32",
            ColumnType::U64 => "u64",
            ColumnType::I64 => "i64",
            ColumnType::F64 => "f64",
            ColumnType::Text => "text",
            ColumnType::Bytes => "bytes",
            ColumnType::Time => "time",
            ColumnType::Offsets => "offsets",
            ColumnType::Media => "media",
            ColumnType::Texts => "list of text",
            ColumnType::MediaList => "list of media",
        }
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        $($(#[$doc])*
        pub const fn $name(name: &'static str, about: &'static str) -> Column {
            Column { name, kind: ColumnType::$kind, about, written: Written::ByDefault }
        })*
    };
}

impl Column {
    constructors! {
        /// A `Boolean` column.
        bool => Bool;
        /// A `UInt16` column.
        u16 => U16;
        /// A `UInt32` column.
        u32 => U32;
        /// A `UInt64` column.
        u64 => U64;
        /// An `Int64` column.
        i64 => I64;
        /// A `Float64` column.
        f64 => F64;
        /// A `Utf8View` column.
        text => Text;
        /// A `BinaryView` column.
        bytes => Bytes;
        /// A UTC timestamp column in milliseconds.
        time => Time;
        /// A `Struct<bytes: BinaryView, path: Utf8View>` column.
        media => Media;
        /// A `List<Utf8View>` column.
        texts => Texts;
        /// A `List<Struct<bytes, path>>` column.
        media_list => MediaList;
    }

    /// A `List<UInt32>` of byte offsets that is handed from signal to signal and never written.
    pub const fn offsets(name: &'static str, about: &'static str) -> Column {
        Column {
            name,
            kind: ColumnType::Offsets,
            about,
            written: Written::Never,
        }
    }

    /// A `BinaryView` column that is handed from signal to signal and never written.
    pub const fn work(name: &'static str, about: &'static str) -> Column {
        Column {
            name,
            kind: ColumnType::Bytes,
            about,
            written: Written::Never,
        }
    }

    /// The column, written only where it is named.
    pub const fn if_named(self) -> Column {
        Column {
            written: Written::IfNamed,
            ..self
        }
    }

    /// Whether it only carries work from one step to the next.
    pub fn is_internal(&self) -> bool {
        self.written == Written::Never
    }

    /// The Arrow field in flight; every column is nullable.
    pub fn field(&self) -> Field {
        Field::new(self.name, self.kind.data_type(), true)
    }
}
