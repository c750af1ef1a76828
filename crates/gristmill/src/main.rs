//! The `gristmill` command. Only here is anything printed, is the environment read, does the process end.

mod command;
mod compare;
mod page;

use std::process::ExitCode;

use clap::Parser;

/// Pages, batches and row groups are blocks of up to a few MiB, made on one thread and freed on another. glibc keeps
/// a heap for each thread and seldom gives such blocks back; jemalloc, told in `.cargo/config.toml` to return what
/// was free for 0.2 s, keeps a run of any length at the memory of its first seconds and costs no more time.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    command::run(command::Arguments::parse())
}
