//! `gc` and `doctor`: what killed runs left, and what a store can do.

use std::time::Duration;

use clap::Args;
use gristmill_engine::{Check, Error, Garbage};
use serde_json::json;

use super::{
    Context,
    screen::{bytes, count, escaped},
};

#[derive(Args)]
pub(crate) struct GcArguments {
    /// The output address
    output: String,
    /// How old objects must be; younger ones may be those of a run that is at work
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = age)]
    older_than: Duration,
    /// Delete them; without it they are only shown
    #[arg(long)]
    delete: bool,
}

fn age(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not an age such as 90m, 12h or 7d");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..split].parse().map_err(|_| wrong())?;
    let unit = match &text[split..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err(wrong()),
    };
    number
        .checked_mul(unit)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

pub(crate) fn gc(context: &Context, arguments: &GcArguments) -> Result<(), Error> {
    let runtime = context.runtime()?;
    let stores = context.options(None).stores;
    let garbage = Garbage::find(&arguments.output, arguments.older_than, &stores, &runtime)?;
    let screen = &context.screen;
    for found in garbage.objects.iter().chain(&garbage.drafts) {
        if screen.json {
            screen.json(&json!({ "object": found.name, "bytes": found.bytes, "deleted": arguments.delete }));
        } else {
            screen.data(&escaped(&format!("{:>10}  {}", bytes(found.bytes), found.name)));
        }
    }
    if arguments.delete {
        garbage.delete(&runtime)?;
    }
    let what = match garbage.is_complete {
        true => "that the manifest does not name",
        false => "that no slice record names, of an output that is not complete",
    };
    let done = match (
        arguments.delete,
        garbage.objects.is_empty() && garbage.drafts.is_empty(),
    ) {
        (true, false) => "; deleted",
        (false, false) => "; nothing was deleted: add --delete",
        (_, true) => "",
    };
    screen.say(&format!(
        "{} ({}) {what}{done}",
        count((garbage.objects.len() + garbage.drafts.len()) as u64, "object"),
        bytes(garbage.bytes())
    ));
    if garbage.young > 0 {
        let young = count(garbage.young as u64, "more object");
        screen.say(&format!("{young} too young to tell (--older-than)"));
    }
    if let Some(advice) = garbage.advice() {
        screen.say(advice);
    }
    Ok(())
}

#[derive(Args)]
pub(crate) struct DoctorArguments {
    /// An output address; objects are written below it and removed again
    address: String,
}

pub(crate) fn doctor(context: &Context, arguments: &DoctorArguments) -> Result<(), Error> {
    let runtime = context.runtime()?;
    let stores = context.options(None).stores;
    let screen = &context.screen;
    let mut problem = None;
    let mut each = |check: Check| match &check.outcome {
        _ if screen.json => {
            let (milliseconds, wrong) = match &check.outcome {
                Ok(took) => (Some(took.as_secs_f64() * 1e3), None),
                Err(wrong) => (None, Some(wrong)),
            };
            screen.json(&json!({ "check": check.name, "milliseconds": milliseconds, "problem": wrong }));
            problem = problem.take().or(wrong.map(|_| check.name));
        }
        Ok(took) => screen.data(&format!(
            "ok    {:<44} {:>7.0} ms",
            check.name,
            took.as_secs_f64() * 1e3
        )),
        Err(wrong) => {
            screen.data(&escaped(&format!("wrong {}\n      {wrong}", check.name)));
            problem = Some(check.name);
        }
    };
    let is_well = gristmill_engine::doctor(&arguments.address, &stores, &runtime, &mut each)?;
    match problem {
        None if is_well => {
            screen.say("the store can hold an output");
            Ok(())
        }
        problem => Err(Error::Failed(format!(
            "{} cannot hold an output; what went wrong: {}",
            arguments.address,
            problem.unwrap_or("it did not answer")
        ))),
    }
}
