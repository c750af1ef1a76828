//! The sampled texts of recipes, dealt into folds.

use std::{collections::HashMap, sync::Arc};

use datafusion::arrow::array::{Array, AsArray};
use gristmill_engine::{Error, Judged, KEPT, Runtime, SignalStore};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Into how many folds documents are dealt.
pub(crate) const FOLDS: usize = 8;

/// Fewest bytes of a fold that say something.
const LEAST_BYTES: usize = 8 << 10;
/// Most bytes of a fold that are kept; more are never read.
const KEPT_BYTES: usize = 1 << 20;

/// A document of the sample.
#[derive(Debug, Clone)]
pub(crate) struct Sampled {
    pub(crate) id: Arc<str>,
    pub(crate) url: Option<Arc<str>>,
    pub(crate) text: Arc<str>,
    /// Its place in the store.
    pub(crate) row: usize,
    /// The fold that it is in.
    fold: usize,
    /// Its place in a random order.
    order: u64,
}

/// The sampled documents that a recipe keeps, fold by fold, in a random order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folds {
    pub(crate) folds: Vec<Vec<Sampled>>,
}

impl Folds {
    /// Folds of these documents.
    pub(crate) fn of(mut documents: Vec<Sampled>) -> Self {
        documents.sort_by(|a, b| a.order.cmp(&b.order).then_with(|| a.id.cmp(&b.id)));
        let mut folds = vec![Vec::new(); FOLDS];
        for document in documents {
            folds[document.fold].push(document);
        }
        Folds { folds }
    }

    /// Bytes of text of its smallest fold.
    pub(crate) fn least_bytes(&self) -> usize {
        let bytes = |fold: &Vec<Sampled>| fold.iter().map(|document| document.text.len()).sum();
        self.folds.iter().map(bytes).min().unwrap_or(0)
    }

    /// Whether every fold has enough text to say something.
    pub(crate) fn is_enough(&self) -> bool {
        self.least_bytes() >= LEAST_BYTES
    }

    /// Texts of a fold up to that many bytes; the last one is cut.
    pub(crate) fn texts(&self, fold: usize, bytes: usize) -> Vec<&str> {
        let mut left = bytes;
        let mut texts = Vec::new();
        for document in &self.folds[fold] {
            if left == 0 {
                break;
            }
            let text = &document.text[..document.text.floor_char_boundary(left)];
            left = if text.len() < document.text.len() {
                0
            } else {
                left - text.len()
            };
            texts.push(text);
        }
        texts
    }

    /// All documents.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &Sampled> {
        self.folds.iter().flatten()
    }
}

/// A document of the sample; the seed decides on its fold.
pub(crate) fn sampled(row: usize, id: &str, url: Option<&str>, text: &str, seed: u64) -> Sampled {
    let hash = xxh3_64_with_seed(id.as_bytes(), seed);
    Sampled {
        id: id.into(),
        url: url.map(Into::into),
        text: text.into(),
        row,
        fold: (hash % FOLDS as u64) as usize,
        order: hash / FOLDS as u64,
    }
}

/// Documents on their way into folds. Of each fold the first ones in the random order are kept, so memory does not grow with the
/// sample.
#[derive(Default)]
struct Dealt {
    folds: [(Vec<Sampled>, usize); FOLDS],
}

impl Dealt {
    fn add(&mut self, document: Sampled) {
        let (documents, bytes) = &mut self.folds[document.fold];
        *bytes += document.text.len();
        documents.push(document);
        if *bytes > 2 * KEPT_BYTES {
            documents.sort_by(|a, b| a.order.cmp(&b.order).then_with(|| a.id.cmp(&b.id)));
            *bytes = 0;
            let fits = |document: &&Sampled| {
                *bytes += document.text.len();
                *bytes <= KEPT_BYTES
            };
            let kept = documents.iter().take_while(fits).count().max(1);
            documents.truncate(kept);
            *bytes = documents.iter().map(|document| document.text.len()).sum();
        }
    }

    fn finish(self) -> Folds {
        Folds::of(
            self.folds
                .into_iter()
                .flat_map(|(documents, _)| documents)
                .collect(),
        )
    }
}

/// The sampled documents of all recipes, each as the recipe would write it, and of all documents, as they were extracted.
pub(crate) fn read(
    store: &SignalStore,
    judged: &[Judged],
    seed: u64,
    runtime: &Runtime,
) -> Result<(Vec<Folds>, Folds), Error> {
    /// The text as it was extracted.
    const EXTRACTED: &str = "text_sample";
    let ends = judged
        .iter()
        .filter_map(|judged| Some(judged.text.as_ref()?.0.as_str()));
    let mut columns: Vec<&str> = std::iter::once(EXTRACTED).chain(ends).collect();
    columns.sort_unstable();
    columns.dedup();
    let wanted: Vec<&str> = ["id", "url"].into_iter().chain(columns.iter().copied()).collect();
    let mut kept: Vec<Dealt> = judged.iter().map(|_| Dealt::default()).collect();
    let mut pool = Dealt::default();
    let mut first = 0;
    store.read(&wanted, runtime, |batch| {
        let strings = |name: &str| batch.column_by_name(name).map(AsArray::as_string_view);
        let (Some(ids), urls) = (strings("id"), strings("url")) else {
            return Ok(());
        };
        for row in 0..batch.num_rows() {
            let url = urls.filter(|urls| urls.is_valid(row)).map(|urls| urls.value(row));
            // Recipes that end with the same text share it.
            let texts: HashMap<&str, Sampled> = columns
                .iter()
                .filter_map(|name| {
                    let column = strings(name).filter(|column| column.is_valid(row))?;
                    Some((
                        *name,
                        sampled(first + row, ids.value(row), url, column.value(row), seed),
                    ))
                })
                .collect();
            if let Some(document) = texts.get(EXTRACTED) {
                pool.add(document.clone());
            }
            for (judged, kept) in judged.iter().zip(&mut kept) {
                let text = judged
                    .text
                    .as_ref()
                    .and_then(|(column, _)| texts.get(column.as_str()));
                if let (KEPT, Some(document)) = (judged.verdicts[first + row], text) {
                    kept.add(document.clone());
                }
            }
        }
        first += batch.num_rows();
        Ok(())
    })?;
    Ok((kept.into_iter().map(Dealt::finish).collect(), pool.finish()))
}
