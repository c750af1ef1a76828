//! The `gristmill` command. Only here is anything printed, is the environment read, does the process end.

mod command;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    command::run(command::Arguments::parse())
}
