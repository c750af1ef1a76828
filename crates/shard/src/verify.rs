//! Checks an output against its manifest: every shard's bytes, rows and hash, and the account.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::{Manifest, Result, ShardEntry, Store, layout};

/// What a check of one thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The shard, or `account`.
    pub subject: String,
    /// What is wrong, or `None` if it is as the manifest says.
    pub problem: Option<String>,
}

/// Reads every shard that the manifest names and compares it with what the manifest says; `found` is called for
/// each as it is done.
pub async fn verify(store: &Store, manifest: &Manifest, mut found: impl FnMut(Finding)) -> Result<()> {
    let account = &manifest.account;
    let problem = if !account.adds_up() {
        Some(format!(
            "{} read + {} born is not {} kept + {} rejected + {} faults",
            account.read,
            account.born,
            account.kept,
            account.rejected(),
            account.faulty()
        ))
    } else if account.kept != manifest.rows() {
        Some(format!(
            "the account kept {} rows and the shards hold {}",
            account.kept,
            manifest.rows()
        ))
    } else {
        None
    };
    found(Finding {
        subject: "account".into(),
        problem,
    });
    for shard in manifest.files() {
        let problem = match store.get(&shard.path).await? {
            Some(bytes) => tokio::task::block_in_place(|| compare(shard, &bytes)),
            None => Some("missing".to_owned()),
        };
        found(Finding {
            subject: shard.path.clone(),
            problem,
        });
    }
    let named: HashSet<&str> = manifest.files().map(|file| file.path.as_str()).collect();
    for folder in manifest
        .shards
        .keys()
        .map(|modality| layout::data(modality))
        .chain([layout::REJECTS, layout::CLUSTERS].map(str::to_owned))
    {
        for (name, _) in store.list(&folder).await? {
            if !named.contains(name.as_str()) {
                found(Finding {
                    subject: name,
                    problem: Some("not in the manifest".to_owned()),
                });
            }
        }
    }
    Ok(())
}

fn compare(shard: &ShardEntry, bytes: &Bytes) -> Option<String> {
    if bytes.len() as u64 != shard.bytes {
        return Some(format!("{} bytes instead of {}", bytes.len(), shard.bytes));
    }
    let hash = blake3::hash(bytes).to_hex();
    if hash.as_str() != shard.blake3 {
        return Some(format!("BLAKE3 is {hash} instead of {}", shard.blake3));
    }
    let metadata = match SerializedFileReader::new(bytes.clone()) {
        Ok(reader) => Arc::new(reader.metadata().clone()),
        Err(error) => return Some(format!("not readable as Parquet: {error}")),
    };
    let rows = metadata.file_metadata().num_rows() as u64;
    (rows != shard.rows).then(|| format!("{rows} rows instead of {}", shard.rows))
}
