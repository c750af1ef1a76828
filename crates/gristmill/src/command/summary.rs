//! The end of a run in a few lines: where every record went.

use gristmill_engine::Recipe;
use gristmill_shard::{DedupEntry, Manifest};
use serde_json::json;

use super::screen::{Screen, bytes, count, escaped, grouped};

/// The end of a run that did its share while slices of others are missing.
pub(crate) fn waiting(screen: &Screen, segment: usize, slices: u64) {
    if screen.json {
        screen.json(&json!({ "event": "waiting", "segment": segment, "slices": slices }));
        return;
    }
    screen.data(&format!(
        "this share is done; segment {segment} misses {} of other shares",
        count(slices, "slice")
    ));
    screen.say(
        "when they have ended, the same command without --slices does what is left and completes the output",
    );
}

/// How a run ended that did all slices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    WasComplete,
    Refused,
}

/// The end of a run that did all slices.
pub(crate) fn print(screen: &Screen, recipe: &Recipe, manifest: &Manifest, ending: Ending, seconds: f64) {
    let was_complete = ending == Ending::WasComplete;
    let account = &manifest.account;
    let to = recipe.write.uri.as_deref().unwrap_or_default();
    let shards = manifest.shards.values().map(Vec::len).sum::<usize>() as u64;
    if screen.json {
        screen.json(&json!({
            "event": if ending == Ending::Refused { "refused" } else { "done" }, "to": to, "was_complete": was_complete, "seconds": seconds, "shards": shards,
            "bytes": manifest.bytes(), "account": account, "dedup": manifest.dedup,
        }));
        return;
    }
    let mut lines = Vec::new();
    if was_complete {
        lines.push(format!("{to} was complete already; nothing was done"));
    }
    lines.push(format!(
        "{:>12}  records read from {} ({})",
        grouped(account.read),
        count(manifest.input.objects, "object"),
        bytes(manifest.input.bytes)
    ));
    for (kind, rows) in &account.faults {
        lines.push(format!("{:>12}  fault: {kind}", format!("-{}", grouped(*rows))));
    }
    let mut silent = 0;
    for verdict in &account.verdicts {
        if verdict.rows == 0 {
            silent += 1;
            continue;
        }
        lines.push(format!(
            "{:>12}  {:<28} {}",
            format!("-{}", grouped(verdict.rows)),
            verdict.rule,
            verdict.step
        ));
    }
    if silent > 0 {
        lines.push(format!(
            "{:>12}  {} rejected nothing",
            "",
            count(silent, "other rule")
        ));
    }
    lines.extend(manifest.dedup.iter().map(dedup_line));
    let rate = if account.read > 0 {
        100.0 * account.kept as f64 / account.read as f64
    } else {
        0.0
    };
    lines.push(format!(
        "{:>12}  kept ({rate:.1} %) in {}, {}, in {seconds:.1} s",
        grouped(account.kept),
        count(shards, "shard"),
        bytes(manifest.bytes())
    ));
    lines.push(format!("{:>12}  {to}", ""));
    for line in lines.iter().flat_map(|line| line.lines()) {
        screen.data(&escaped(line));
    }
    if account.kept == 0 {
        screen.say("warning: nothing was kept; `gristmill sample` shows what happens to single records");
    }
}

/// What a dedup step found, in a line: how many pairs were verified, how many clusters of which sizes there are.
fn dedup_line(step: &DedupEntry) -> String {
    if step.parts > 0 {
        return format!(
            "{:>12}  {}: {} compared, {} of them lost {} ({})",
            "",
            step.step,
            count(step.documents, "document"),
            step.duplicates,
            count(step.parts, "repeated part"),
            bytes(step.part_bytes)
        );
    }
    let mut line = format!(
        "{:>12}  {}: {} compared, {}",
        "",
        step.step,
        count(step.documents, "document"),
        count(step.clusters, "cluster")
    );
    if step.compared > 0 {
        let share = 100.0 * step.failed as f64 / step.compared as f64;
        line += &format!(
            ", {} verified of which {share:.0} % failed",
            count(step.compared, "pair")
        );
    }
    if step.unchecked > 0 {
        line += &format!(
            ", {} met too many to be compared with all",
            count(step.unchecked, "document")
        );
    }
    if step.known > 0 {
        line += &format!(", {} known from the index", count(step.known, "cluster"));
    }
    if !step.sizes.is_empty() {
        let sizes = step
            .sizes
            .iter()
            .map(|(from, clusters)| format!("{} of {from} to {}", grouped(*clusters), 2 * from - 1));
        line += &format!(
            "\n{:>12}    clusters by size: {}",
            "",
            sizes.collect::<Vec<_>>().join(", ")
        );
    }
    line
}
