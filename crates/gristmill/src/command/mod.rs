//! Subcommands: arguments in, data to stdout, everything else to stderr.

mod codec_worker;
mod compare;
mod contamination;
mod demo;
mod drift;
mod export;
mod index;
mod inspect;
mod list;
mod progress;
mod recipe;
mod report;
mod rows;
mod run;
mod sample;
mod screen;
mod summary;
mod upkeep;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use gristmill_engine::{Error, RunOptions, Runtime};

pub(crate) use compare::interval_json;
pub(crate) use sample::{doing, told, verdict};
use screen::Screen;
pub(crate) use screen::{bytes, count, grouped};

const AFTER_HELP: &str = "\
A first run, on any WARC files:
  gristmill run recipes/web-text.yaml --read 'crawl/*.warc.gz' --to out/
  gristmill why out/ https://example.org/page
  gristmill query out/ \"SELECT url, text_title FROM text LIMIT 10\"

Exit codes: 0 done, 1 failed, 2 usage or recipe, 3 the output holds another plan, 4 input missing or changed,
            5 an expectation failed, 75 try again (the store or the disk is not available)";

/// Turns raw web data into Parquet shards for pretraining, with an account of every record.
#[derive(Parser)]
#[command(name = "gristmill", version, max_term_width = 110, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// Print machine-readable JSON lines instead of text
    #[arg(long, global = true)]
    json: bool,
    /// Threads for computing; all cores when absent
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a small crawl and run the main recipe over it
    Demo(demo::DemoArguments),
    /// Run a recipe, or go on where an earlier run stopped
    Run(run::RunArguments),
    /// Report all mistakes of a recipe at once, and what it would read and write
    Check(recipe::RecipeArguments),
    /// Show the stages of a recipe: what each computes, decides and carries
    Explain(recipe::RecipeArguments),
    /// Take a few records through a recipe, step by step: before, after, and why
    Sample(sample::SampleArguments),
    /// List formats, extractors, edits, splitters, redactions, signals, methods, presets, columns
    List(list::ListArguments),
    /// Say why a record is or is not in an output
    Why(inspect::WhyArguments),
    /// Show the items of evaluation sets that an output's documents hold, by set
    Contamination(inspect::OutputArguments),
    /// Show or change what dedup steps remember of earlier runs
    Index(index::IndexArguments),
    /// Write the images, sounds or videos of an output as files or WebDataset shards
    Export(export::ExportArguments),
    /// Measure the signals of several recipes once, and store them
    Signals(compare::SignalsArguments),
    /// Compare recipes over the same documents: what each keeps, what each rule costs, where they disagree
    Compare(compare::CompareArguments),
    /// Write one HTML page that shows an output: where records went, measures, samples, time
    Report(report::ReportArguments),
    /// Say which measures moved between two outputs
    Drift(drift::DriftArguments),
    /// Show or delete what killed runs left in an output: objects that nothing names
    Gc(upkeep::GcArguments),
    /// Try out whether a store can hold an output, and say what is missing
    Doctor(upkeep::DoctorArguments),
    /// Compare every file of an output with its manifest
    Verify(inspect::OutputArguments),
    /// Run decoders for another process of this command
    #[command(name = codec_worker::VERB, hide = true)]
    CodecWorker,
    /// Answer SQL over the shards (a table for each modality, such as `text` or `image`), the rejected rows (table `rejects`) and dedup clusters (table `clusters`)
    Query(inspect::QueryArguments),
}

/// What says how the machine is used.
#[derive(Args, Clone)]
pub(crate) struct MachineArguments {
    /// Memory for sorting dedup keys before they spill to disk
    #[arg(long, value_name = "SIZE", default_value = "512MiB", value_parser = size)]
    memory: u64,
    /// How often a request to an object store that failed in passing is tried again
    #[arg(long, value_name = "N", default_value_t = 10)]
    retries: usize,
    /// Folder for scratch files; the system's when absent
    #[arg(long, value_name = "FOLDER")]
    scratch: Option<PathBuf>,
}

impl Default for MachineArguments {
    fn default() -> Self {
        MachineArguments {
            memory: 512 << 20,
            retries: 10,
            scratch: None,
        }
    }
}

fn size(text: &str) -> Result<u64, String> {
    gristmill_engine::parse_size(text)
        .filter(|size| *size > 0)
        .ok_or_else(|| format!("{text:?} is not a size such as 512MiB"))
}

/// What every verb has at hand.
struct Context {
    screen: Screen,
    threads: usize,
}

impl Context {
    fn runtime(&self) -> Result<Runtime, Error> {
        Runtime::new(self.threads)
    }

    fn options(&self, machine: Option<&MachineArguments>) -> RunOptions {
        let is_store = |name: &str| {
            ["AWS_", "GOOGLE_", "AZURE_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        let mut options = RunOptions::default();
        // Variables of others need not be Unicode.
        options.stores.environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| is_store(name))
            .collect();
        if let Some(machine) = machine {
            options.memory = machine.memory as usize;
            options.stores.retries = machine.retries;
            options.scratch.clone_from(&machine.scratch);
        }
        options
    }
}

/// Runs the command; the exit code says how it ended.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let context = Context {
        screen: Screen::new(arguments.json),
        threads: arguments.threads.map_or_else(cores, usize::from),
    };
    let result = codec_worker::start_workers().and_then(|()| match arguments.verb {
        Verb::CodecWorker => codec_worker::codec_worker(),
        Verb::Demo(arguments) => demo::demo(&context, &arguments),
        Verb::Run(arguments) => run::run(&context, &arguments),
        Verb::Check(arguments) => recipe::check(&context, &arguments),
        Verb::Explain(arguments) => recipe::explain(&context, &arguments),
        Verb::Sample(arguments) => sample::sample(&context, &arguments),
        Verb::List(arguments) => list::list(&context, &arguments),
        Verb::Why(arguments) => inspect::why(&context, &arguments),
        Verb::Contamination(arguments) => contamination::contamination(&context, &arguments),
        Verb::Index(arguments) => index::index(&context, &arguments),
        Verb::Export(arguments) => export::export(&context, &arguments),
        Verb::Signals(arguments) => compare::signals(&context, &arguments),
        Verb::Compare(arguments) => compare::compare(&context, &arguments),
        Verb::Report(arguments) => report::run(&context, &arguments),
        Verb::Drift(arguments) => drift::drift(&context, &arguments),
        Verb::Gc(arguments) => upkeep::gc(&context, &arguments),
        Verb::Doctor(arguments) => upkeep::doctor(&context, &arguments),
        Verb::Verify(arguments) => inspect::verify(&context, &arguments),
        Verb::Query(arguments) => inspect::query(&context, &arguments),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            context.screen.error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
