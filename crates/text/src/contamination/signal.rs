//! The measures of the best hit of a text, as a signal.

use std::{cell::RefCell, sync::Arc};

use arrow_array::{
    ArrayRef,
    builder::{Float64Builder, StringViewBuilder, UInt32Builder},
    cast::AsArray,
};
use gristmill_core::{
    Card, Column, Cost, Decontaminator, EvaluationItem, EvaluationSet, Result, Signal, columns,
};

use super::{Benchmarks, BenchmarksBuilder, Item, Scratch, Settings};

/// Characters of the text that `text_contamination_match` holds.
const SHOWN_CHARS: usize = 300;

/// Describes [`Contamination`] to recipes, lists and docs.
pub(crate) static CARD: Card = Card {
    name: "contamination",
    about: "the item of an evaluation set that a text holds most of",
    inputs: &[columns::TEXT],
    outputs: &[
        Column::f64(
            "text_contamination_score",
            "share of the item's n-grams that one region of the text holds, weighted by how rare they are among all items, 0 to 1",
        ),
        Column::f64(
            "text_contamination_overlap",
            "the same share without weights, 0 to 1",
        ),
        Column::u32(
            "text_contamination_run",
            "words of the longest run of consecutive words that item and text have in common, 0 if shorter than an n-gram",
        ),
        Column::f64(
            "text_contamination_answer",
            "share of the answer's words near the question; null without an answer",
        ),
        Column::text(
            "text_contamination_benchmark",
            "the evaluation set of the item; null without a hit",
        ),
        Column::text(
            "text_contamination_item",
            "the item's name in its set; null without a hit",
        ),
        Column::text(
            "text_contamination_spans",
            "bytes of the text that the item's n-grams take, as start-end, joined by commas; null without a hit",
        ),
        Column::text(
            "text_contamination_match",
            "what stands there, its first 300 characters; null without a hit",
        ),
    ],
    source: "decon (Allen Institute for AI), doc/simple.md, for the idea of weighted overlap; arithmetic of its own",
    cost: Cost::Cheap,
    version: 1,
};

/// Makes the signal of evaluation sets.
#[derive(Debug)]
pub(crate) struct Contamination;

/// What finds evaluation sets in texts.
pub static DECONTAMINATOR: &dyn Decontaminator = &Contamination;

impl Decontaminator for Contamination {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn signal(
        &self,
        items: &mut dyn Iterator<Item = EvaluationItem>,
        ngram: usize,
    ) -> Result<(&'static dyn Signal, Vec<EvaluationSet>)> {
        let mut builder = BenchmarksBuilder::new(Settings {
            ngram,
            ..Settings::default()
        })?;
        for item in items {
            let parts = Item {
                question: &item.question,
                answer: item.answer.as_deref(),
                passage: item.passage.as_deref(),
            };
            builder.add(&item.benchmark, &item.id, parts)?;
        }
        let benchmarks = builder.build();
        let sets = benchmarks.benchmarks().iter().map(|set| EvaluationSet {
            name: set.name.clone(),
            items: set.items,
            not_looked_for: set.too_short + set.crowded,
        });
        let sets = sets.collect();
        Ok((Box::leak(Box::new(BestHit { benchmarks })), sets))
    }
}

/// The best hit of each text.
struct BestHit {
    benchmarks: Benchmarks,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Signal for BestHit {
    fn card(&self) -> &'static Card {
        &CARD
    }

    /// `[n] Utf8View -> ` the columns of the card; null where the text is null. A text without a hit has 0 for score,
    /// overlap and run.
    fn compute(&self, inputs: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let (mut score, mut overlap, mut answer) = (
            Float64Builder::new(),
            Float64Builder::new(),
            Float64Builder::new(),
        );
        let mut run = UInt32Builder::new();
        let [mut benchmark, mut item, mut spans, mut found] = [(); 4].map(|()| StringViewBuilder::new());
        for text in inputs[0].as_string_view() {
            let hits =
                text.map(|text| SCRATCH.with_borrow_mut(|scratch| self.benchmarks.check(text, scratch)));
            let hit = hits.as_ref().and_then(|hits| hits.first());
            score.append_option(text.map(|_| hit.map_or(0.0, |hit| hit.score)));
            overlap.append_option(text.map(|_| hit.map_or(0.0, |hit| hit.overlap)));
            run.append_option(text.map(|_| hit.map_or(0, |hit| hit.run)));
            answer.append_option(hit.and_then(|hit| hit.answer));
            benchmark.append_option(
                hit.map(|hit| self.benchmarks.benchmarks()[hit.benchmark as usize].name.as_str()),
            );
            item.append_option(hit.and_then(|hit| self.benchmarks.id(hit.item)));
            let ranges = hit.map(|hit| {
                let ranges = hit
                    .spans
                    .iter()
                    .map(|span| format!("{}-{}", span.start, span.end));
                ranges.collect::<Vec<_>>().join(",")
            });
            spans.append_option(ranges);
            found.append_option(hit.zip(text).map(|(hit, text)| {
                let parts = hit
                    .spans
                    .iter()
                    .map(|span| &text[span.start as usize..span.end as usize]);
                parts
                    .collect::<Vec<_>>()
                    .join(" … ")
                    .chars()
                    .take(SHOWN_CHARS)
                    .collect::<String>()
            }));
        }
        Ok(vec![
            Arc::new(score.finish()),
            Arc::new(overlap.finish()),
            Arc::new(run.finish()),
            Arc::new(answer.finish()),
            Arc::new(benchmark.finish()),
            Arc::new(item.finish()),
            Arc::new(spans.finish()),
            Arc::new(found.finish()),
        ])
    }
}
