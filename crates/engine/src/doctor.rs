//! What an object store can do, tried out.
//!
//! The commit protocol asks little of a store: an object that is there whole or not at all, read back as it was written at
//! once, and created by one of several writers only. Stores differ in the last point, and in what they want to be told before
//! they answer at all; here each promise is tried below the address, with objects that are removed again.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::future::join_all;
use gristmill_shard::{Created, Error as StoreError, Store};

use crate::{Result, Runtime, StoreOptions, address::open_output};

/// The folder of what is tried.
const FOLDER: &str = "_gristmill/doctor";
/// Writers that create the same object at the same time.
const WRITERS: usize = 8;
/// A large object: it goes up in two parts.
const LARGE: usize = (16 << 20) + 4321;
/// How often a request is tried again: what does not work should say so soon.
const RETRIES: usize = 2;

/// What was tried.
#[derive(Debug, Clone)]
pub struct Check {
    /// In a few words.
    pub name: &'static str,
    /// How long it took, or what is wrong and what to do.
    pub outcome: std::result::Result<Duration, String>,
}

/// Tries what a run needs of a store, one after the other, and tells each. Ends at the first that fails, since the others need
/// it. True if nothing failed.
///
/// # Errors
/// When the address cannot be understood.
pub fn doctor(
    uri: &str,
    stores: &StoreOptions,
    runtime: &Runtime,
    each: &mut dyn FnMut(Check),
) -> Result<bool> {
    let stores = StoreOptions {
        retries: stores.retries.min(RETRIES),
        ..stores.clone()
    };
    let store = open_output(uri, &stores, runtime.io())?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let patient = Patient {
        store,
        // Two that try the same address do not meet.
        folder: format!("{FOLDER}/{}-{}", since.as_millis(), std::process::id()),
    };
    runtime.block_on(async {
        let is_well = patient.examine(each).await;
        // What could be written is removed, whatever failed behind it.
        let _ = patient.store.delete_folder(&patient.folder).await;
        Ok(is_well)
    })
}

struct Patient {
    store: Store,
    folder: String,
}

type Found = std::result::Result<(), String>;

impl Patient {
    async fn examine(&self, each: &mut dyn FnMut(Check)) -> bool {
        macro_rules! check {
            ($name:literal, $check:expr) => {
                let started = Instant::now();
                let outcome: Found = $check.await;
                let is_wrong = outcome.is_err();
                each(Check {
                    name: $name,
                    outcome: outcome.map(|()| started.elapsed()),
                });
                if is_wrong {
                    return false;
                }
            };
        }
        check!("list", self.list());
        check!("write an object and read it back", self.write("first"));
        check!("write it again with other bytes", self.write("other bytes"));
        check!("create an object once", self.create());
        check!("let one of eight writers create it", self.race());
        check!("write 16 MiB and read them back", self.large());
        check!("list what was written", self.list_written());
        check!("delete", self.delete());
        true
    }

    fn name(&self, object: &str) -> String {
        format!("{}/{object}", self.folder)
    }

    async fn list(&self) -> Found {
        self.store.list(&self.folder).await.map(drop).map_err(words)
    }

    async fn expect(&self, object: &str, bytes: &Bytes) -> Found {
        match self.store.get(&self.name(object)).await.map_err(words)? {
            Some(found) if found == bytes => Ok(()),
            Some(found) => Err(format!(
                "it gave {} bytes that are not the {} that were written last; a store that lags behind its writes cannot hold \
                 an output",
                found.len(),
                bytes.len()
            )),
            None => Err(
                "what was written is not there; a store that lags behind its writes cannot hold an output"
                    .to_owned(),
            ),
        }
    }

    async fn write(&self, bytes: &'static str) -> Found {
        let bytes = Bytes::from_static(bytes.as_bytes());
        let written = self.store.put(&self.name("small"), bytes.clone()).await;
        written.map_err(words)?;
        self.expect("small", &bytes).await
    }

    async fn create(&self) -> Found {
        let (mine, theirs) = (Bytes::from_static(b"mine"), Bytes::from_static(b"theirs"));
        let name = self.name("once");
        match self.store.create(&name, mine.clone()).await.map_err(words)? {
            Created::Now => {}
            Created::Before(_) => return Err("a new name is taken".to_owned()),
        }
        match self.store.create(&name, theirs).await.map_err(words)? {
            Created::Before(found) if found == mine => self.expect("once", &mine).await,
            _ => Err(NOT_ONCE.to_owned()),
        }
    }

    async fn race(&self) -> Found {
        let name = self.name("race");
        let writers = (0..WRITERS).map(|number| {
            let bytes = Bytes::from(format!("writer {number}"));
            self.store.create(&name, bytes)
        });
        let mut created = 0;
        for writer in join_all(writers).await {
            created += usize::from(writer.map_err(words)? == Created::Now);
        }
        match created {
            1 => Ok(()),
            _ => Err(format!(
                "{created} of {WRITERS} believe that they created it: {NOT_ONCE}"
            )),
        }
    }

    async fn large(&self) -> Found {
        let bytes: Bytes = (0..LARGE).map(|at| (at % 251) as u8).collect::<Vec<_>>().into();
        let write = || {
            let mut file = tempfile::tempfile()?;
            std::io::Write::write_all(&mut file, &bytes)?;
            Ok::<_, std::io::Error>(file)
        };
        let file = write().map_err(|error| format!("no scratch file: {error}"))?;
        let written = self.store.put_file(&self.name("large"), file, LARGE as u64).await;
        written.map_err(words)?;
        self.expect("large", &bytes).await
    }

    async fn list_written(&self) -> Found {
        let listed = self.store.list(&self.folder).await.map_err(words)?;
        let names: Vec<String> = listed.into_iter().map(|(name, _)| name).collect();
        let expected = ["large", "once", "race", "small"].map(|object| self.name(object));
        match names == expected {
            true => Ok(()),
            false => Err(format!(
                "a listing shows {} of the 4 objects that were written; runs that share an output would miss each other's work",
                names.len()
            )),
        }
    }

    async fn delete(&self) -> Found {
        self.store.delete_folder(&self.folder).await.map_err(words)?;
        match self.store.get(&self.name("small")).await.map_err(words)? {
            None => Ok(()),
            Some(_) => {
                Err("what was deleted is still there; staged rows of runs would never go away".to_owned())
            }
        }
    }
}

const NOT_ONCE: &str = "the store writes over an object that exists although it is asked not to (a conditional put, \
                        If-None-Match: *). Runs by one process at a time are safe there; several at once, or one that starts \
                        again while another still works, are not. Servers of S3's kind: take a newer one, and do not set \
                        AWS_CONDITIONAL_PUT=disabled";

#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
fn words(error: StoreError) -> String {
    error.to_string()
}
