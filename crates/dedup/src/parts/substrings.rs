//! Repeated substrings of any length, by suffix arrays over parts of the corpus.
//!
//! A stretch of at least `min_bytes` bytes that stands elsewhere as well, at any place in any text, is taken out;
//! `copies: first` leaves the first one, `copies: none` none. A suffix array needs all text in memory, so the
//! corpus is cut by a hash of the ids into partitions of at most about `partition` bytes, each read in a pass of its own:
//! **copies in different partitions are not found**. One partition takes ten times `partition` of memory and a
//! pass costs 0.1 CPU s for each MB.

use std::sync::Arc;

use datafusion::{
    arrow::{array::AsArray, datatypes::UInt64Type},
    catalog::streaming::StreamingTable,
    error::{DataFusionError, Result as DfResult},
    execution::{SendableRecordBatchStream, TaskContext},
    functions_aggregate::expr_fn::sum,
    physical_plan::{
        ExecutionPlan, execute_stream, stream::RecordBatchStreamAdapter, streaming::PartitionStream,
    },
    prelude::{DataFrame, SessionContext, cast, col, octet_length},
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use gristmill_core::{Card, Cost, columns};
use gristmill_text::repeat::substrings::repeated_substrings;

use super::{Parts, Ranges, documents, ranges_schema};
use crate::{
    Dedup, Method, REPEAT_COLUMNS,
    settings::{Setting, Settings, Sort},
};

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
    fn find<'a>(
        &'a self,
        session: &'a SessionContext,
        texts: DataFrame,
    ) -> BoxFuture<'a, DfResult<DataFrame>> {
        let own = *self;
        async move {
            let bytes = cast(
                octet_length(col("text")),
                datafusion::arrow::datatypes::DataType::UInt64,
            );
            let total = texts
                .clone()
                .aggregate(vec![], vec![sum(bytes)])?
                .collect()
                .await?;
            let total = total
                .first()
                .map_or(0, |batch| batch.column(0).as_primitive::<UInt64Type>().value(0));
            let partitions = Partitions {
                own,
                // Hashing does not fill them evenly.
                count: (total + total / 16).div_ceil(own.partition).max(1),
                texts: texts.create_physical_plan().await?,
                schema: ranges_schema(),
            };
            let table = StreamingTable::try_new(ranges_schema(), vec![Arc::new(partitions)])?;
            session.read_table(Arc::new(table))
        }
        .boxed()
    }
}

/// The partitions of the corpus, one after the other.
#[derive(Debug)]
struct Partitions {
    own: Suffixes,
    count: u64,
    texts: Arc<dyn ExecutionPlan>,
    schema: datafusion::arrow::datatypes::SchemaRef,
}

impl PartitionStream for Partitions {
    fn schema(&self) -> &datafusion::arrow::datatypes::SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (own, count, texts) = (self.own, self.count, self.texts.clone());
        let batches = stream::iter(0..count).then(move |number| {
            let (texts, context) = (texts.clone(), context.clone());
            async move {
                let mut part: Vec<(u64, u64, String)> = Vec::new();
                let mut batches = execute_stream(texts, context)?;
                while let Some(batch) = batches.try_next().await? {
                    let mine = documents(&batch).filter(|(_, order, _)| order % count == number);
                    part.extend(mine.map(|(document, order, text)| (order, document, text.to_owned())));
                }
                datafusion::common::runtime::SpawnedTask::spawn_blocking(move || own.repeats(part))
                    .await
                    .map_err(|error| {
                        DataFusionError::Execution(format!("a suffix array ended early: {error}"))
                    })?
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(
            self.schema.clone(),
            batches.boxed(),
        ))
    }
}

impl Suffixes {
    fn repeats(&self, mut part: Vec<(u64, u64, String)>) -> DfResult<datafusion::arrow::array::RecordBatch> {
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
