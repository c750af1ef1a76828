//! Fuzzing of every door that bytes come in by: formats, extractors, signals, decoders.
//!
//! [`TARGETS`] lists the doors. Each is a function of bytes that must come back, whatever they are: with a value or a fault,
//! soon, and without much memory. The binary `gristmill-fuzz` runs them on the stable toolchain with changes of seeds that
//! follow from a number; `fuzz_targets` has the same for cargo-fuzz.

pub mod change;
mod doors;
pub mod findings;
pub mod seeds;
mod target;

pub use doors::{FINE, outcomes};
pub use target::{TARGETS, Target, find, let_panics_unwind, run};
