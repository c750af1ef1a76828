//! Single frames: which of them are looked at, and what they tell.

mod choice;
mod letterbox;
mod looks;
mod measures;
pub mod vpdq;

pub use choice::{Choice, Policy};
pub(crate) use measures::{OUTPUTS, Stills};
