//! Repeated substrings of any length, by suffix arrays over parts of the corpus.
//!
//! A stretch of at least `min_bytes` bytes that stands elsewhere as well, at any place in any text, is taken out;
//! `copies: first` leaves the first one, `copies: none` none. A suffix array needs all text in memory, so the
//! corpus is cut by a hash of id and text into partitions of at most about `partition` bytes: **copies in different
//! partitions are not found**. One partition takes ten times `partition` of memory, and 0.1 CPU s for each MB. The texts are
//! dealt into scratch files, 256 partitions in one pass over the corpus.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    ops::Range,
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::{DataType, UInt64Type},
    },
    common::runtime::SpawnedTask,
    error::{DataFusionError, Result as DfResult},
    functions_aggregate::expr_fn::sum,
    prelude::{DataFrame, cast, col, octet_length},
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use gristmill_core::{Card, Cost, Setting, Settings, Sort, columns};
use gristmill_text::repeat::substrings::repeated_substrings;

use super::{Parts, Place, RangeStream, Ranges, documents};
use crate::{
    Dedup, Method, REPEAT_COLUMNS,
    sorter::{Room, u64_at},
};

/// Partitions that one pass over the texts deals into scratch files.
const FILES: usize = 256;
/// Buffer of a scratch file.
const BUFFER: usize = 64 << 10;

/// Describes [`Substrings`].
pub(crate) static CARD: Card = Card {
    name: "substrings",
    about: "stretches of text that stand elsewhere as well, taken out, by suffix arrays over bounded partitions",
    inputs: &[columns::TEXT],
    outputs: &REPEAT_COLUMNS,
    source: "Lee et al. 2021, arXiv:2107.06499",
    cost: Cost::Expensive,
    version: 1,
};

static SETTINGS: [Setting; 3] = [
    Setting {
        name: "min_bytes",
        sort: Sort::Number {
            default: 100,
            min: 8,
            max: 1 << 20,
        },
        about: "bytes that a stretch has at least",
    },
    Setting {
        name: "partition",
        sort: Sort::Bytes {
            default: 128 << 20,
            min: 1 << 20,
            max: 1 << 30,
        },
        about: "text that is compared with each other; ten times as much memory is needed",
    },
    Setting {
        name: "copies",
        sort: Sort::Word(&["first", "none"]),
        about: "which of several copies stays",
    },
];

/// Substrings; see the module.
#[derive(Debug)]
pub(crate) struct Substrings;

impl Method for Substrings {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> Result<Dedup, String> {
        Ok(Dedup::Parts(Arc::new(Suffixes {
            min_bytes: settings.number("min_bytes") as usize,
            partition: settings.number("partition"),
            keeps_first: settings.word("copies") == "first",
        })))
    }
}

/// Substrings with their settings.
#[derive(Debug, Clone, Copy)]
struct Suffixes {
    min_bytes: usize,
    partition: u64,
    keeps_first: bool,
}

impl Parts for Suffixes {
    fn find<'a>(&'a self, texts: DataFrame, place: &'a Place) -> BoxFuture<'a, DfResult<RangeStream>> {
        let own = *self;
        async move {
            let bytes = cast(octet_length(col("text")), DataType::UInt64);
            let total = texts
                .clone()
                .aggregate(vec![], vec![sum(bytes)])?
                .collect()
                .await?;
            let total = total
                .first()
                .map(|batch| batch.column(0).as_primitive::<UInt64Type>().value(0));
            // Hashing does not fill partitions evenly.
            let count = total
                .map_or(0, |total| total + total / 16)
                .div_ceil(own.partition)
                .max(1);
            let room = place.room.clone();
            let passes = (0..count)
                .step_by(FILES)
                .map(move |first| (first, count.min(first + FILES as u64)));
            let found = stream::iter(passes).then(move |(first, end)| {
                let (texts, room) = (texts.clone(), room.clone());
                async move { own.pass(texts, &room, count, first..end).await }
            });
            Ok(found.try_flatten().boxed())
        }
        .boxed()
    }
}

impl Suffixes {
    /// Deals the texts of some partitions into scratch files and finds what repeats in each.
    async fn pass(
        self,
        texts: DataFrame,
        room: &Room,
        count: u64,
        numbers: Range<u64>,
    ) -> DfResult<RangeStream> {
        let mut files = Vec::new();
        for _ in numbers.clone() {
            files.push(BufWriter::with_capacity(BUFFER, room.file()?));
        }
        let mut batches = texts.execute_stream().await?;
        while let Some(batch) = batches.try_next().await? {
            for (document, order, text) in documents(&batch) {
                let number = order % count;
                if numbers.contains(&number) {
                    let file = &mut files[(number - numbers.start) as usize];
                    file.write_all(&order.to_le_bytes())?;
                    file.write_all(&document.to_le_bytes())?;
                    file.write_all(&(text.len() as u64).to_le_bytes())?;
                    file.write_all(text.as_bytes())?;
                }
            }
        }
        let found = stream::iter(files).then(move |file| async move {
            SpawnedTask::spawn_blocking(move || self.repeats(load(file)?))
                .await
                .map_err(|error| DataFusionError::Execution(format!("a suffix array ended early: {error}")))?
        });
        Ok(found.boxed())
    }
}

/// Order, document and text of what was dealt into a file.
fn load(file: BufWriter<File>) -> DfResult<Vec<(u64, u64, String)>> {
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut part = Vec::new();
    let mut head = [0; 24];
    while !reader.fill_buf()?.is_empty() {
        reader.read_exact(&mut head)?;
        let mut text = vec![0; u64_at(&head, 16) as usize];
        reader.read_exact(&mut text)?;
        let text = String::from_utf8(text).expect("it was written as text");
        part.push((u64_at(&head, 0), u64_at(&head, 8), text));
    }
    Ok(part)
}

impl Suffixes {
    fn repeats(&self, mut part: Vec<(u64, u64, String)>) -> DfResult<RecordBatch> {
        part.sort_unstable();
        let texts: Vec<&str> = part.iter().map(|(_, _, text)| text.as_str()).collect();
        let found = repeated_substrings(&texts, self.min_bytes, self.keeps_first)
            .map_err(|error| DataFusionError::Execution(error.to_string()))?;
        let mut ranges = Ranges::default();
        for ((_, document, _), repeated) in part.iter().zip(found) {
            repeated
                .into_iter()
                .for_each(|range| ranges.push(*document, range));
        }
        ranges.finish()
    }
}
