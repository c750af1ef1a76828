//! What killed runs left in an output: objects that nothing names.
//!
//! A run that is killed between a shard and the record that names it leaves a shard that no reader looks at. The same run again
//! mostly writes the same bytes under the same name; a run with other input does not come back, and what it left stays. Here it
//! is found: in a complete output all that is not in the manifest, in one that is not complete the shards that no slice record
//! names. A run that is at work has such objects too, for as long as it takes to write a record, so only old ones count.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use gristmill_shard::{Found, Manifest, SliceRecord, Store, layout};

use crate::{Error, Result, Runtime, StoreOptions, address::open_output};

/// Objects of an output that nothing names.
pub struct Garbage {
    store: Store,
    /// Whether the output has a manifest.
    pub is_complete: bool,
    /// The objects, by name.
    pub objects: Vec<Found>,
    /// Files that were being written, in a folder; their names are below it.
    pub drafts: Vec<Found>,
    /// Objects that are too young to tell.
    pub young: usize,
}

impl Garbage {
    /// Looks for objects that are at least this old.
    ///
    /// # Errors
    /// When there is no output at the address, or it cannot be read.
    pub fn find(uri: &str, age: Duration, stores: &StoreOptions, runtime: &Runtime) -> Result<Self> {
        let store = open_output(uri, stores, runtime.io())?;
        runtime.block_on(async {
            let manifest = store.get(layout::MANIFEST).await?;
            let is_complete = manifest.is_some();
            let (folders, named): (&[&str], BTreeSet<String>) = match manifest {
                Some(manifest) => {
                    let manifest = Manifest::from_json(&manifest)?;
                    (
                        &[layout::DATA, layout::REJECTS, layout::CLUSTERS, layout::STAGE],
                        manifest.files().map(|file| file.path.clone()).collect(),
                    )
                }
                None if store.get(layout::PLAN).await?.is_some() => {
                    (&[layout::DATA, layout::REJECTS], of_records(&store).await?)
                }
                None => {
                    return Err(Error::Input(format!(
                        "{} is no output of gristmill: it has no plan",
                        store.uri()
                    )));
                }
            };
            let mut found = Vec::new();
            for folder in folders {
                found.extend(store.look(folder).await?);
            }
            // What was written since the records were listed is younger than any age that makes sense.
            let now = SystemTime::now();
            let is_old = |found: &Found| now.duration_since(found.modified).is_ok_and(|old| old >= age);
            found.retain(|found| !named.contains(&found.name));
            let (objects, young): (Vec<Found>, Vec<Found>) = found.into_iter().partition(is_old);
            let (drafts, new): (Vec<Found>, Vec<Found>) = store.drafts()?.into_iter().partition(is_old);
            Ok(Garbage {
                store,
                is_complete,
                objects,
                drafts,
                young: young.len() + new.len(),
            })
        })
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.objects
            .iter()
            .chain(&self.drafts)
            .map(|found| found.bytes)
            .sum()
    }

    /// Deletes them, but for those that a run has written again since they were found.
    ///
    /// # Errors
    /// When the store refuses; what was deleted before is gone.
    pub fn delete(&self, runtime: &Runtime) -> Result<()> {
        runtime.block_on(async {
            for found in &self.objects {
                // Names are made of content: a run that goes on gives its shard the name of the one that was left.
                if self.store.find(&found.name).await?.as_ref() == Some(found) {
                    self.store.delete(&found.name).await?;
                }
            }
            self.store.remove_drafts(&self.drafts)?;
            Ok(())
        })
    }

    /// What only the store itself can remove, in words; nothing where objects are files.
    pub fn advice(&self) -> Option<&'static str> {
        let remote = "uploads in parts that were never ended take room and cannot be listed: give the bucket a lifecycle rule that \
                      aborts them after 7 days (S3: AbortIncompleteMultipartUpload; Google Cloud Storage: \
                      AbortIncompleteMultipartUpload; Azure removes uncommitted blocks by itself after 7 days)";
        (!self.store.is_local()).then_some(remote)
    }
}

/// What the records of slices name.
async fn of_records(store: &Store) -> Result<BTreeSet<String>> {
    let records = SliceRecord::all(store).await?;
    let files = records
        .into_iter()
        .flat_map(|record| record.shards.into_iter().chain(record.rejects));
    Ok(files.map(|file| file.path).collect())
}
