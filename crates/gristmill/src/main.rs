//! The `gristmill` command. Only here is anything printed, is the environment read, does the process end.

mod command;
mod compare;
mod page;

use std::process::ExitCode;

use clap::Parser;

/// Pages, batches and row groups are blocks of up to a few MiB, made on one thread and freed on another. glibc keeps
/// a heap for each thread and seldom gives such blocks back; jemalloc, told in `.cargo/config.toml` to return what
/// was free for 0.2 s, keeps a run of any length at the memory of its first seconds and costs no more time.
///
/// A block of zeros that was used before it clears by asking the system for fresh pages, at one fault for every 4 KiB, unless it
/// may use huge pages (`thp:always`): then it writes zeros. The settings allow them for that, a fifth of the time of a picture
/// of 2 megapixels; [`main`] turns them off, whatever the environment says, since they would cost some 25 MiB of every run.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Where it is refused, as by a sandbox, a run takes more memory.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
    command::run(command::Arguments::parse())
}
