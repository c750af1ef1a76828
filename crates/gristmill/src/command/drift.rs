//! `drift`: what moved between two outputs.

use clap::Args;
use gristmill_engine::{Error, Output};
use serde_json::json;

use super::{Context, screen::escaped};

#[derive(Args)]
pub(crate) struct DriftArguments {
    /// The output address of the earlier run
    before: String,
    /// The output address of the later run
    after: String,
    /// Show every measure, not only those that moved
    #[arg(long)]
    all: bool,
    /// End with exit code 5 if a measure moved
    #[arg(long)]
    fail: bool,
}

pub(crate) fn drift(context: &Context, arguments: &DriftArguments) -> Result<(), Error> {
    let runtime = context.runtime()?;
    let stores = context.options(None).stores;
    let before = Output::open(&arguments.before, &stores, &runtime)?;
    let after = Output::open(&arguments.after, &stores, &runtime)?;
    let measures = gristmill_engine::drift(before.manifest(), after.manifest());
    let moved = measures.iter().filter(|measure| measure.has_moved).count();
    let screen = &context.screen;
    let is_shown = |measure: &&gristmill_engine::Drift| measure.has_moved || arguments.all;
    if !screen.json && measures.iter().any(|measure| is_shown(&measure)) {
        screen.data(&format!(
            "{:<34} {:>8} {:>8} {:>9}",
            "measure", "JS bits", "PSI", "p"
        ));
    }
    for measure in measures.iter().filter(is_shown) {
        if screen.json {
            screen.json(&json!({
                "measure": measure.measure, "moved": measure.has_moved, "jensen_shannon_bits": measure.divergence,
                "psi": measure.psi, "p_value": measure.p_value, "before": measure.before, "after": measure.after,
            }));
            continue;
        }
        let mark = if measure.has_moved { "moved" } else { "" };
        screen.data(&escaped(&format!(
            "{:<34} {:>8.4} {:>8.4} {:>9.1e}  {mark}\n    {}\n    {}",
            measure.measure, measure.divergence, measure.psi, measure.p_value, measure.before, measure.after
        )));
    }
    screen.say(&format!("{moved} of {} measures moved", measures.len()));
    if moved > 0 && arguments.fail {
        return Err(Error::Expectation(format!(
            "{moved} of {} measures moved",
            measures.len()
        )));
    }
    Ok(())
}
