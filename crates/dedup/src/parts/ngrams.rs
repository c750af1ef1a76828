//! Lines that consist mostly of n-grams which other documents hold.
//!
//! As in DCLM's BFF, a line goes if at least `threshold` of its word n-grams stand in a document before it. Lines with
//! fewer words than `ngram` have no n-gram and stay. Other than there, the result does not depend on which document
//! comes first: a filter of fixed size keeps for every slot the first document, by a hash of id and text, that holds an
//! n-gram which falls there; an n-gram is repeated if all of its slots have an earlier document. The filter is filled in
//! one pass over the texts and asked in a second one. Documents that share id and text are never each other's copies.
//!
//! An n-gram that stands nowhere else is taken for a repeated one at the rate that
//! [`FirstOwner::false_positive_rate`] states: 1 in 80 with 40 bytes of `memory` for each different n-gram. A line of
//! many n-grams needs most of them to be wrong, so far less suffices; a text has about as many as words.

use std::sync::Arc;

use datafusion::{
    arrow::array::RecordBatch,
    error::{DataFusionError, Result as DfResult},
    prelude::DataFrame,
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture};
use gristmill_core::{Card, Cost, Setting, Settings, Sort, columns};
use gristmill_text::repeat::ngrams::{FirstOwner, NgramKeys, NgramUnit, ngram_keys};

use super::{Parts, Place, RangeStream, Ranges, documents, ranges_schema};
use crate::{Dedup, Method, REPEAT_COLUMNS, mapped::mapped};

/// Describes [`Ngrams`].
pub(crate) static CARD: Card = Card {
    name: "ngrams",
    about: "lines, or whole texts, most of whose word n-grams stand in other documents, taken out",
    inputs: &[columns::TEXT],
    outputs: &REPEAT_COLUMNS,
    source: "Li et al. 2024, arXiv:2406.11794 (DCLM), Bloom filter deduplication",
    cost: Cost::Moderate,
    version: 1,
};

static SETTINGS: [Setting; 4] = [
    Setting {
        name: "unit",
        sort: Sort::Word(&["line", "text"]),
        about: "what is taken out: lines, or the whole text",
    },
    Setting {
        name: "ngram",
        sort: Sort::Number {
            default: 13,
            min: 1,
            max: 256,
        },
        about: "words of an n-gram",
    },
    Setting {
        name: "threshold",
        sort: Sort::Share { default: 0.8 },
        about: "share of repeated n-grams from which on a line is taken out",
    },
    Setting {
        name: "memory",
        sort: Sort::Bytes {
            default: 1 << 30,
            min: 1 << 20,
            max: 1 << 40,
        },
        about: "size of the filter; about 40 bytes for each different n-gram keep false ones at 1 in 80",
    },
];

/// N-grams; see the module.
#[derive(Debug)]
pub(crate) struct Ngrams;

impl Method for Ngrams {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn settings(&self) -> &'static [Setting] {
        &SETTINGS
    }

    fn with(&self, settings: &Settings) -> Result<Dedup, String> {
        Ok(Dedup::Parts(Arc::new(Filter {
            unit: match settings.word("unit") {
                "text" => NgramUnit::Text,
                _ => NgramUnit::Line,
            },
            ngram: settings.number("ngram") as usize,
            threshold: settings.share("threshold").unwrap_or(1.0),
            memory: settings.number("memory") as usize,
        })))
    }
}

/// N-grams with their settings.
#[derive(Debug, Clone, Copy)]
struct Filter {
    unit: NgramUnit,
    ngram: usize,
    threshold: f64,
    memory: usize,
}

impl Parts for Filter {
    fn find<'a>(&'a self, texts: DataFrame, place: &'a Place) -> BoxFuture<'a, DfResult<RangeStream>> {
        let session = &place.session;
        let own = *self;
        async move {
            let owners = FirstOwner::with_bytes(own.memory)
                .map_err(|error| DataFusionError::ResourcesExhausted(error.to_string()))?;
            let owners = Arc::new(owners);
            let filling = owners.clone();
            let filled = mapped(session, texts.clone(), ranges_schema(), move |batch| {
                own.each(batch, |_, order, found| filling.add(order, found.keys()));
                Ranges::default().finish()
            });
            filled
                .await?
                .execute_stream()
                .await?
                .try_for_each(|_| async { Ok(()) })
                .await?;
            let found = mapped(session, texts, ranges_schema(), move |batch| {
                let mut ranges = Ranges::default();
                let mut repeated = Vec::new();
                own.each(batch, |document, order, found| {
                    repeated.clear();
                    owners.repeated_parts(order, found, own.threshold, &mut repeated);
                    repeated.iter().for_each(|range| ranges.push(document, *range));
                });
                ranges.finish()
            });
            Ok(found.await?.execute_stream().await?.boxed())
        }
        .boxed()
    }
}

impl Filter {
    fn each(&self, batch: &RecordBatch, mut visit: impl FnMut(u64, u32, &NgramKeys)) {
        let mut found = NgramKeys::default();
        for (document, order, text) in documents(batch) {
            ngram_keys(text, self.unit, self.ngram, &mut found);
            // The filter marks empty slots with the largest number.
            visit(document, ((order >> 32) as u32).min(u32::MAX - 1), &found);
        }
    }
}
