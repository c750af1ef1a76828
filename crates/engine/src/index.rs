//! Indexes of dedup steps: the keys of earlier runs, by which a new crawl is compared with the ones before it.
//!
//! ```text
//! entries/<name>.json                                what a run added      (created once, last)
//! keys/<name>/part-<segment:06>-<seq:04>-<hash:16>.parquet
//! ```
//!
//! An entry holds one row for each document that was compared: its id, its keys, its evidence if the step verifies, and
//! its cluster. No text is in it. The entry's record names its files and is created last, so an entry that is being
//! written, or was left half-written, is never read. Entries do not change. A run does not read the entry that it made
//! itself, at this address or another.

use std::collections::BTreeMap;

use gristmill_shard::{ShardEntry, Store, blake3_hex};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error, Result, Runtime, StoreOptions,
    address::open_output,
    recipe::{Action, DedupSpec, IndexSpec, Recipe, is_entry_name},
    run::Agreed,
};

const ENTRIES: &str = "entries";
/// The version of an entry's layout.
const LAYOUT: u32 = 1;

/// What a run added to an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Version of this file's layout.
    pub index: u32,
    /// The version of gristmill that wrote it.
    pub gristmill: String,
    /// The name of the dataset.
    pub dataset: String,
    /// BLAKE3 of what the run that wrote it was asked of what input. The same run at another address does not read it.
    pub asked_blake3: String,
    /// What it can be compared with: method, version, column and settings of the keys.
    pub keys: Value,
    /// Documents.
    pub documents: u64,
    /// Its files.
    pub files: Vec<ShardEntry>,
}

/// An entry that a plan reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryName {
    pub(crate) name: String,
    pub(crate) blake3: String,
}

/// The index at an address.
#[derive(Debug, Clone)]
pub struct Index {
    store: Store,
}

impl Index {
    /// Opens the index at an address; one without entries need not be there.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn open(uri: &str, stores: &StoreOptions, runtime: &Runtime) -> Result<Self> {
        Ok(Index {
            store: open_output(uri, stores, runtime.io())?,
        })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Its complete entries by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn list(&self, runtime: &Runtime) -> Result<BTreeMap<String, IndexEntry>> {
        runtime.block_on(self.entries())
    }

    async fn entries(&self) -> Result<BTreeMap<String, IndexEntry>> {
        let mut entries = BTreeMap::new();
        for (path, _) in self.store.list(ENTRIES).await? {
            let name = path
                .strip_prefix(ENTRIES)
                .and_then(|path| path.strip_prefix('/')?.strip_suffix(".json"));
            let Some(name) = name.filter(|name| is_entry_name(name)) else {
                continue;
            };
            if let Some((entry, _)) = self.entry(name).await? {
                entries.insert(name.to_owned(), entry);
            }
        }
        Ok(entries)
    }

    /// An entry and the hash of its record.
    pub(crate) async fn entry(&self, name: &str) -> Result<Option<(IndexEntry, String)>> {
        let Some(bytes) = self.store.get(&record_name(name)).await? else {
            return Ok(None);
        };
        let wrong = |what: String| {
            let place = format!("{}/{}", self.store.uri(), record_name(name));
            Error::Input(format!(
                "{place} is no entry of an index that this gristmill reads: {what}; `gristmill index remove {} {name}` removes it",
                self.store.uri()
            ))
        };
        let entry: IndexEntry = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if entry.index != LAYOUT {
            return Err(wrong(format!("its layout is {}, not {LAYOUT}", entry.index)));
        }
        Ok(Some((entry, blake3_hex(&bytes))))
    }

    /// Removes an entry: its record first, so that nobody reads it any more, then its files. What was left of one that was
    /// never finished is removed as well.
    ///
    /// # Errors
    /// When there is no such entry, or the store cannot be written.
    pub fn remove(&self, name: &str, runtime: &Runtime) -> Result<()> {
        runtime.block_on(async {
            let is_there = is_entry_name(name)
                && (self.store.get(&record_name(name)).await?.is_some()
                    || !self.store.list(&folder(name)).await?.is_empty());
            if !is_there {
                return Err(Error::Input(format!(
                    "{} has no entry {name:?}; `gristmill index list {0}` shows what it has",
                    self.store.uri()
                )));
            }
            self.store.delete(&record_name(name)).await?;
            self.store.delete_folder(&folder(name)).await?;
            Ok(())
        })
    }

    /// The names of the entries that a step reads.
    ///
    /// # Errors
    /// When one that the recipe names is not there, or cannot be compared with.
    async fn select(
        &self,
        spec: &IndexSpec,
        dedup: &DedupSpec,
        asked_blake3: &str,
    ) -> Result<Vec<EntryName>> {
        let names = match &spec.read {
            Some(names) => names.clone(),
            None => self.entries().await?.into_keys().collect(),
        };
        let mut selected = Vec::new();
        for name in names {
            if Some(&name) == spec.entry.as_ref() {
                continue;
            }
            let Some((entry, blake3)) = self.entry(&name).await? else {
                return Err(Error::Input(format!(
                    "the index {} has no entry {name:?}; `gristmill index list {0}` shows what it has",
                    self.store.uri()
                )));
            };
            if entry.asked_blake3 == asked_blake3 {
                continue;
            }
            let wanted = dedup.keys_json();
            if entry.keys != wanted {
                return Err(Error::Input(format!(
                    "the entry {name:?} of the index {} cannot be compared with: it was made with {}, this step asks for {wanted}; \
                     select others with `index: {{uri: …, read: [names]}}`, or use an index of its own",
                    self.store.uri(),
                    entry.keys
                )));
            }
            selected.push(EntryName { name, blake3 });
        }
        Ok(selected)
    }
}

/// The name of an entry's record.
pub(crate) fn record_name(name: &str) -> String {
    format!("{ENTRIES}/{name}.json")
}

/// The folder of an entry's files.
pub(crate) fn folder(name: &str) -> String {
    format!("keys/{name}")
}

/// The index of a step of a run.
pub(crate) struct StepIndex {
    /// The step.
    pub(crate) label: String,
    pub(crate) index: Index,
    spec: IndexSpec,
    dedup: DedupSpec,
    /// What is read, in order; known once the plan is.
    pub(crate) known: Vec<IndexEntry>,
    /// The name of the entry that the run adds; known once the plan is.
    pub(crate) own: String,
}

/// The indexes of a recipe's steps.
pub(crate) fn of_recipe(recipe: &Recipe, stores: &StoreOptions, runtime: &Runtime) -> Result<Vec<StepIndex>> {
    let mut indexes = Vec::new();
    for step in recipe.steps() {
        if let Action::Dedup(dedup) = &step.action
            && let Some(spec) = &dedup.index
        {
            indexes.push(StepIndex {
                label: step.label.clone(),
                index: Index::open(&spec.uri, stores, runtime)?,
                spec: spec.clone(),
                dedup: dedup.as_ref().clone(),
                known: Vec::new(),
                own: String::new(),
            });
        }
    }
    Ok(indexes)
}

impl StepIndex {
    /// The entries that a new plan reads.
    pub(crate) async fn select(&self, asked_blake3: &str) -> Result<Vec<EntryName>> {
        self.index.select(&self.spec, &self.dedup, asked_blake3).await
    }

    /// Opens the entries that the plan reads, and finds the name of the one that the run adds.
    ///
    /// # Errors
    /// When an entry is gone, or another run added one of this name.
    pub(crate) async fn open(&mut self, dataset: &str, agreed: &Agreed) -> Result<()> {
        let uri = self.index.store.uri().to_owned();
        for EntryName { name, blake3 } in agreed.known.get(&self.label).into_iter().flatten() {
            match self.index.entry(name).await? {
                Some((entry, found)) if found == *blake3 => self.known.push(entry),
                _ => {
                    return Err(Error::Input(format!(
                        "the entry {name:?} of the index {uri} is gone or another one, and this run was begun with it: write to a new address"
                    )));
                }
            }
        }
        let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let dataset: String = dataset
            .chars()
            .map(|c| if is_fine(c) { c } else { '-' })
            .take(80)
            .collect();
        self.own = self
            .spec
            .entry
            .clone()
            .unwrap_or_else(|| format!("{dataset}-{}", &agreed.asked_blake3[..12]));
        match self.index.entry(&self.own).await? {
            Some((entry, _)) if entry.asked_blake3 != agreed.asked_blake3 => Err(Error::Input(format!(
                "the index {uri} has an entry {:?} of another run: give this one another name with `index: {{entry: …}}`, \
                 or remove that one with `gristmill index remove {uri} {0}`",
                self.own
            ))),
            _ => Ok(()),
        }
    }

    /// The record of the entry that the run adds.
    pub(crate) fn own_entry(&self, dataset: &str, asked_blake3: &str, files: Vec<ShardEntry>) -> IndexEntry {
        IndexEntry {
            index: LAYOUT,
            gristmill: env!("CARGO_PKG_VERSION").to_owned(),
            dataset: dataset.to_owned(),
            asked_blake3: asked_blake3.to_owned(),
            keys: self.dedup.keys_json(),
            documents: files.iter().map(|file| file.rows).sum(),
            files,
        }
    }
}
