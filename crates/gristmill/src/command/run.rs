//! `run`.

use clap::Args;
use gristmill_engine::{Error, Event};
use serde_json::json;

use super::{
    Context, MachineArguments,
    progress::Display,
    recipe::RecipeArguments,
    screen::{bytes, count},
    summary,
};

#[derive(Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    recipe: RecipeArguments,
    #[command(flatten)]
    machine: MachineArguments,
}

impl RunArguments {
    pub(crate) fn of(recipe: RecipeArguments) -> Self {
        RunArguments {
            recipe,
            machine: MachineArguments::default(),
        }
    }
}

pub(crate) fn run(context: &Context, arguments: &RunArguments) -> Result<(), Error> {
    let ready = arguments.recipe.prepare()?;
    if ready.recipe.read.is_empty() {
        return Err(Error::Input(
            "nothing to read: add `read: [{uri: …}]` to the recipe or give --read URI".into(),
        ));
    }
    let runtime = context.runtime()?;
    let options = context.options(Some(&arguments.machine));
    let progress = gristmill_engine::progress(&ready.plan);
    let display = Display::start(&context.screen, progress.clone());
    let result = gristmill_engine::run(
        &ready.recipe,
        &ready.plan,
        &ready.registry,
        &runtime,
        &options,
        &progress,
        &|event| display.event(&event),
    );
    let seconds = display.stop();
    let outcome = result?;
    summary::print(&context.screen, &ready.recipe, &outcome, seconds);
    Ok(())
}

/// An event as a line of text, and as JSON.
pub(crate) fn describe(event: &Event) -> (String, serde_json::Value) {
    match event {
        Event::Listed {
            objects,
            bytes: size,
            slices,
        } => (
            format!(
                "reading {} ({}) in {}",
                count(*objects, "object"),
                bytes(*size),
                count(*slices, "slice")
            ),
            json!({ "event": "listed", "objects": objects, "bytes": size, "slices": slices }),
        ),
        Event::Resumed { slices } => (
            format!(
                "an earlier run committed {}; going on from there",
                count(*slices, "slice")
            ),
            json!({ "event": "resumed", "slices": slices }),
        ),
        Event::Segment { number, slices } => (
            format!("segment {number}: {}", count(*slices, "slice")),
            json!({ "event": "segment", "number": number, "slices": slices }),
        ),
        Event::Dedup => ("comparing documents".to_owned(), json!({ "event": "dedup" })),
        Event::Warning(text) => (
            format!("warning: {text}"),
            json!({ "event": "warning", "message": text }),
        ),
    }
}
