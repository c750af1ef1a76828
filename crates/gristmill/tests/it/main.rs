//! The command from outside: recipes, runs, crashes, readers. One binary, because each links DataFusion.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod bombs;
mod compare;
mod crawled;
mod dedup;
mod documents;
mod faults;
mod images;
mod kit;
mod layering;
mod mistakes;
mod mutations;
mod outputs;
mod readers;
mod recordings;
mod runs;
mod upkeep;
