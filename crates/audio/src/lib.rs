//! Sound: demuxing and decoding under limits, signals, fingerprints, edits, cutting by speech.
//!
//! The container of a file is found from its bytes. [`probe`] tells what is known without decoding; [`Sound`] decodes
//! block by block, also the sound of videos.

mod container;
mod cursor;
mod decode;
mod dsp;
pub mod edit;
mod encode;
pub mod extract;
mod facts;
pub mod fingerprint;
mod format;
mod header;
mod meter;
mod pcm;
mod signal;
mod split;
mod tag;
mod timing;

pub use decode::Sound;
pub use edit::EDITS;
pub use extract::EXTRACTORS;
pub use format::{Codec, Container, Sample};
pub use header::{Header, probe};
pub use pcm::Samples;
pub use signal::SIGNALS;
pub use split::SPLITTERS;
pub use tag::{Chapter, Cover, Tags};
