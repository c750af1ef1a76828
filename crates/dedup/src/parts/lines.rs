//! Repeated lines, paragraphs or spans of sentences.
//!
//! Each unit of a text has a key: xxh3-64 of the unit, exact or loosely normalised; see [`lines`](gristmill_text::repeat::lines). Units of equal
//! keys, in one document or in several, are copies: `copies: first` keeps the first of them, `copies: none` keeps none,
//! as suits menus and notices. Units of fewer than `min_chars` characters are left alone. Two different units share a
//! key with a chance of 2⁻⁶⁴.
//!
//! 32 bytes a unit go through the sort, which spills; copies of one unit are in memory together.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array},
        datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type, UInt64Type},
    },
    error::Result as DfResult,
    prelude::DataFrame,
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use gristmill_core::{Card, Cost, Setting, Settings, Sort, columns};
use gristmill_text::repeat::lines::{LineUnit, Normal, units};

use super::{Parts, Place, RangeStream, Ranges, documents};
use crate::{
    Dedup, Method, REPEAT_COLUMNS,
    mapped::mapped,
    sorter::{Row, Sorter, u32_at, u64_at},
};

/// Describes [`Lines`].
pub(crate) static CARD: Card = Card {
    name: "lines",
    about: "lines, paragraphs or spans of sentences that stand elsewhere as well, taken out",
    inputs: &[columns::TEXT],
    outputs: &REPEAT_COLUMNS,
    source: "Wenzek et al. 2020, arXiv:1911.00359 (CCNet); Raffel et al. 2020, arXiv:1910.10683 (C4: spans of three sentences)",
    cost: Cost::Moderate,
    version: 1,
};

static SETTINGS: [Setting; 5] = [
    Setting {
        name: "unit",
        sort: Sort::Word(&["line", "paragraph", "sentences"]),
        about: "what is compared: lines, paragraphs between blank lines, or spans of sentences",
    },
    Setting {
        name: "sentences",
        sort: Sort::Number {
            default: 3,
            min: 1,
            max: 50,
        },
        about: "with unit: sentences, sentences of a span",
    },
    Setting {
        name: "normal",
        sort: Sort::Word(&["exact", "loose"]),
        about: "exact: trimmed bytes; loose: lower case, digits as 0, without punctuation",
    },
    Setting {
        name: "min_chars",
        sort: Sort::Number {
            default: 20,
            min: 1,
            max: 1 << 20,
        },
        about: "characters that a unit has at least, to be compared",
    },
    Setting {
        name: "copies",
        sort: Sort::Word(&["first", "none"]),
        about: "which of several copies stays",
    },
];

/// Lines and the like; see the module.
#[derive(Debug)]
pub(crate) struct Lines;

impl Method for Lines {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> Result<Dedup, String> {
        Ok(Dedup::Parts(Arc::new(Units {
            unit: match settings.word("unit") {
                "paragraph" => LineUnit::Paragraph,
                "sentences" => LineUnit::Sentences(settings.number("sentences") as u8),
                _ => LineUnit::Line,
            },
            normal: match settings.word("normal") {
                "loose" => Normal::Loose,
                _ => Normal::Exact,
            },
            min_chars: settings.number("min_chars") as usize,
            keeps_first: settings.word("copies") == "first",
        })))
    }
}

/// Lines with their settings.
#[derive(Debug, Clone, Copy)]
struct Units {
    unit: LineUnit,
    normal: Normal,
    min_chars: usize,
    keeps_first: bool,
}

impl Parts for Units {
    fn find<'a>(&'a self, texts: DataFrame, place: &'a Place) -> BoxFuture<'a, DfResult<RangeStream>> {
        let own = *self;
        async move {
            let keyed = mapped(&place.session, texts, keyed_schema(), move |batch| {
                own.keyed(batch)
            })
            .await?;
            let mut batches = keyed.execute_stream().await?;
            let mut sorter: Sorter<Keyed> = Sorter::new(&place.room);
            while let Some(batch) = batches.try_next().await? {
                let long = |index: usize| batch.column(index).as_primitive::<UInt64Type>().values();
                let short = |index: usize| batch.column(index).as_primitive::<UInt32Type>().values();
                let (keys, orders, documents) = (long(0), long(1), long(2));
                let (starts, ends) = (short(3), short(4));
                for row in 0..batch.num_rows() {
                    sorter.push((keys[row], orders[row], documents[row], starts[row], ends[row]))?;
                }
            }
            let repeated = sorter.finish().map(move |stretch| own.repeated(&stretch?));
            Ok(stream::iter(repeated).boxed())
        }
        .boxed()
    }
}

/// `key UInt64, order UInt64, document UInt64, start UInt32, end UInt32`.
fn keyed_schema() -> SchemaRef {
    let field = |name: &str, kind: DataType| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        field("key", DataType::UInt64),
        field("order", DataType::UInt64),
        field("document", DataType::UInt64),
        field("start", DataType::UInt32),
        field("end", DataType::UInt32),
    ]))
}

/// The same as a row, in the order of the sort.
type Keyed = (u64, u64, u64, u32, u32);

impl Row for Keyed {
    const BYTES: usize = 32;

    fn high(&self) -> u64 {
        self.0
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(
            [self.0, self.1, self.2]
                .iter()
                .flat_map(|number| number.to_le_bytes()),
        );
        bytes.extend([self.3, self.4].iter().flat_map(|number| number.to_le_bytes()));
    }

    fn read(bytes: &[u8]) -> Self {
        let long = |number: usize| u64_at(bytes, number * 8);
        (long(0), long(1), long(2), u32_at(bytes, 24), u32_at(bytes, 28))
    }
}

impl Units {
    fn keyed(&self, batch: &RecordBatch) -> DfResult<RecordBatch> {
        let (mut keys, mut orders, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        let mut found = Vec::new();
        for (document, order, text) in documents(batch) {
            found.clear();
            units(text, self.unit, self.normal, self.min_chars, &mut found);
            for unit in &found {
                keys.push(unit.key);
                orders.push(order);
                numbers.push(document);
                starts.push(unit.start);
                ends.push(unit.end);
            }
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(keys)),
            Arc::new(UInt64Array::from(orders)),
            Arc::new(UInt64Array::from(numbers)),
            Arc::new(UInt32Array::from(starts)),
            Arc::new(UInt32Array::from(ends)),
        ];
        Ok(RecordBatch::try_new(keyed_schema(), columns)?)
    }

    /// The units of a sorted stretch that are to go.
    fn repeated(&self, stretch: &[Keyed]) -> DfResult<RecordBatch> {
        let mut ranges = Ranges::default();
        for copies in stretch
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|copies| copies.len() > 1)
        {
            let kept = usize::from(self.keeps_first);
            for (_, _, document, start, end) in &copies[kept..] {
                ranges.push(*document, (*start, *end));
            }
        }
        ranges.finish()
    }
}
