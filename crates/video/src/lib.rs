//! Videos: containers, probing, decoding under limits, shots and other signals, clips.
//!
//! The container is found from the bytes. [`read`] gives a [`Film`]: its tracks, and where and when each of their samples is,
//! without decoding any; [`Probe`] tells of its pictures.

mod decode;
mod edit;
mod excerpt;
pub mod extract;
mod film;
mod header;
mod job;
mod measure;
mod probe;
mod read;
mod signal;
mod split;
mod still;
pub mod subtitle;
mod write;

pub use decode::{Frame, Plane, Played, Shown, at_samples, play};
pub use edit::EDITS;
pub use extract::EXTRACTORS;
pub use film::{AudioFacts, Container, Film, Kind, Sample, TickLength, Track, VideoFacts};
pub use measure::{Cut, Cuts, Detector, Scores};
pub use probe::Probe;
pub use read::read;
pub use signal::SIGNALS;
pub use split::{SPLITTERS, cut};
pub use still::{Choice, Policy, vpdq};

/// What decodes videos, for [`gristmill_worker::serve`].
pub static CODECS: &[gristmill_worker::Codec] = &[job::CODEC];
