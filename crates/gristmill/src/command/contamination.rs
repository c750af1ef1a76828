//! `contamination`: which evaluation sets an output's documents hold, and where.

use std::collections::BTreeSet;

use gristmill_engine::{Contaminated, Error, Output};
use serde_json::json;

use super::{
    Context,
    inspect::OutputArguments,
    screen::{count, escaped},
};

/// Documents of a set that are shown.
const SHOWN: usize = 10;

pub(crate) fn contamination(context: &Context, arguments: &OutputArguments) -> Result<(), Error> {
    let runtime = context.runtime()?;
    let output = Output::open(&arguments.output, &context.options(None).stores, &runtime)?;
    let found = output.contamination(&runtime)?;
    let screen = &context.screen;
    let mut written = 0;
    for (benchmark, documents) in &found {
        let items: BTreeSet<&str> = documents.iter().map(|document| document.item.as_str()).collect();
        let kept = documents.iter().filter(|document| document.is_kept).count();
        written += (documents.len() - kept) as u64;
        if screen.json {
            let document = |document: &Contaminated| {
                json!({
                    "id": document.id, "item": document.item, "score": document.score, "spans": document.spans,
                    "match": document.found, "kept": document.is_kept,
                })
            };
            screen.json(&json!({
                "benchmark": benchmark, "items": items.len(), "documents": documents.iter().map(document).collect::<Vec<_>>(),
            }));
            continue;
        }
        screen.data(&escaped(&format!(
            "{benchmark}: {} in {}, {kept} of them kept",
            count(items.len() as u64, "item"),
            count(documents.len() as u64, "document")
        )));
        for document in documents.iter().take(SHOWN) {
            let line = format!(
                "  {:.3}  {}  {}  bytes {}",
                document.score, document.item, document.id, document.spans
            );
            screen.data(&escaped(&line));
            screen.data(&escaped(&format!(
                "         {}",
                document.found.replace('\n', " ")
            )));
        }
        if documents.len() > SHOWN {
            screen.data(&format!("  … and {} more", documents.len() - SHOWN));
        }
    }
    let rejected = output.rejected_for_contamination();
    if found.is_empty() && !screen.json {
        screen.say("no document holds an item of an evaluation set, as far as rows were written");
    }
    if rejected > written {
        screen.say(&format!(
            "{} left for contamination and {written} of them were written: run with --set write.rejects=all to see all",
            count(rejected, "document")
        ));
    }
    Ok(())
}
