//! `run`.

use clap::Args;
use gristmill_engine::{Error, Event, Outcome, Share};
use serde_json::json;

use super::{
    Context, MachineArguments,
    progress::Display,
    recipe::RecipeArguments,
    screen::{bytes, count},
    summary::{self, Ending},
};

#[derive(Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    recipe: RecipeArguments,
    #[command(flatten)]
    machine: MachineArguments,
    /// Do only share I of N of the slices, for array jobs: give each job its I from 1 to N, then run once without
    #[arg(long, value_name = "I/N", value_parser = share)]
    slices: Option<Share>,
    /// Take signals from this output of `gristmill signals` instead of measuring them again; the rows are the same
    #[arg(long, value_name = "URI")]
    signals: Option<String>,
}

fn share(text: &str) -> Result<Share, String> {
    let parse = |(number, of): (&str, &str)| {
        let share = Share {
            number: number.parse().ok()?,
            of: of.parse().ok()?,
        };
        (1..=share.of).contains(&share.number).then_some(share)
    };
    let wrong = || format!("{text:?} is not a share such as 1/8, 2/8, …, 8/8");
    text.split_once('/').and_then(parse).ok_or_else(wrong)
}

impl RunArguments {
    pub(crate) fn of(recipe: RecipeArguments) -> Self {
        RunArguments {
            recipe,
            machine: MachineArguments::default(),
            slices: None,
            signals: None,
        }
    }
}

pub(crate) fn run(context: &Context, arguments: &RunArguments) -> Result<(), Error> {
    let ready = arguments.recipe.prepare()?;
    ready.has_addresses(&arguments.recipe)?;
    let runtime = context.runtime()?;
    let mut options = context.options(Some(&arguments.machine));
    options.share = arguments.slices;
    options.signals = arguments.signals.clone();
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
    match result? {
        Outcome::Complete {
            manifest,
            was_complete,
        } => {
            let ending = if was_complete {
                Ending::WasComplete
            } else {
                Ending::Done
            };
            summary::print(&context.screen, &ready.recipe, &manifest, ending, seconds);
        }
        Outcome::Refused {
            manifest,
            expectations,
        } => {
            summary::print(
                &context.screen,
                &ready.recipe,
                &manifest,
                Ending::Refused,
                seconds,
            );
            return Err(Error::Expectation(format!(
                "the manifest was not written, because an expectation does not hold: {}; correct the recipe or its \
                 `expect`: if only `expect` changes, the same command publishes what is done",
                expectations.join("; ")
            )));
        }
        Outcome::Waiting { segment, slices } => summary::waiting(&context.screen, segment, slices),
    }
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
