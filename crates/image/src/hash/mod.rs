//! Perceptual hashes: pictures that look alike have hashes that differ in few bits.

mod dhash;
pub mod pdq;
mod phash;

pub(crate) use dhash::dhash;
pub(crate) use phash::phash;
