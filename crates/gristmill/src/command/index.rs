//! `index`: what dedup steps remember of earlier runs.

use clap::{Args, Subcommand};
use gristmill_engine::{Error, Index};
use serde_json::json;

use super::{
    Context,
    screen::{bytes, count, escaped},
};

#[derive(Args)]
pub(crate) struct IndexArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show the entries of an index: what each run added, and what it can be compared with
    List {
        /// The address of an index
        index: String,
    },
    /// Remove an entry of an index; runs that were begun with it cannot go on
    Remove {
        /// The address of an index
        index: String,
        /// The name of the entry
        entry: String,
    },
}

pub(crate) fn index(context: &Context, arguments: &IndexArguments) -> Result<(), Error> {
    let runtime = context.runtime()?;
    let stores = context.options(None).stores;
    let screen = &context.screen;
    match &arguments.verb {
        Verb::List { index } => {
            let entries = Index::open(index, &stores, &runtime)?.list(&runtime)?;
            if entries.is_empty() && !screen.json {
                screen.say(&format!("{index} has no entries"));
            }
            for (name, entry) in &entries {
                let size: u64 = entry.files.iter().map(|file| file.bytes).sum();
                if screen.json {
                    screen.json(&json!({
                        "entry": name, "dataset": entry.dataset, "documents": entry.documents, "bytes": size,
                        "keys": entry.keys, "asked_blake3": entry.asked_blake3,
                    }));
                    continue;
                }
                let documents = count(entry.documents, "document");
                screen.data(&escaped(&format!("{name}  {documents}, {}", bytes(size))));
                screen.data(&escaped(&format!("  of {}: {}", entry.dataset, entry.keys)));
            }
            Ok(())
        }
        Verb::Remove { index, entry } => {
            Index::open(index, &stores, &runtime)?.remove(entry, &runtime)?;
            screen.say(&format!("removed {entry}"));
            Ok(())
        }
    }
}
