//! Acoustic fingerprints, those of Chromaprint.
//!
//! The first 120 s, mixed to one channel at 11,025 Hz and 16 bits, are cut into windows of 4,096 samples, 1,365 apart. The power of
//! each by note (12 of them, from 28 to 3,520 Hz, octaves together) is smoothed over five windows and brought to length 1; 16
//! filters over 12 notes and up to 16 windows, quantised to two bits each, are a word of 32 bits every 124 ms.
//!
//! This is algorithm 2 (`CHROMAPRINT_ALGORITHM_TEST2`), what `fpcalc` computes by default; its text is compared in the tests.
//! Words differ in few bits from those of `fpcalc`, because the resampler here computes in floating-point numbers and its edges
//! are silence. Sound of more than two channels is mixed by the mean, where `fpcalc` weighs centre and back.
//!
//! Source: Chromaprint 1.5 (Lukáš Lalinský), `src/`, "How does Chromaprint work?", 2011; Ke, Hoiem and Sukthankar 2005.

mod chroma;
mod matching;
mod text;

pub use matching::{Overlap, keys, overlap};
pub use text::{decode, encode};

pub(crate) use chroma::Fingerprinter;

/// Seconds between two words.
pub const STEP_S: f64 = 1365.0 / 11_025.0;
/// Seconds of a sound that its fingerprint is made of, from its start.
pub const LONGEST_S: u32 = 120;
