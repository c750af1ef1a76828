//! Transforms and filters.
//!
//! All are loops over numbers without fused operations, compiled for several kinds of vector units, so that values are the
//! same whichever runs.

pub(crate) mod fft;
pub(crate) mod resample;
