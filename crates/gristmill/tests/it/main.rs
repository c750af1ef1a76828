//! The command from outside: recipes, runs, crashes, readers. One binary, because each links DataFusion.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test fails by panicking and says what it skips"
)]

mod compare;
mod crawled;
mod dedup;
mod documents;
mod images;
mod kit;
mod layering;
mod mistakes;
mod outputs;
mod readers;
mod recordings;
mod runs;
