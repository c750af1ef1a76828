//! Encoders.

mod bits;
pub(crate) mod flac;
pub(crate) mod ogg;
pub(crate) mod opus;
pub(crate) mod wav;

use gristmill_core::Fault;

use crate::Samples;

/// A format that sound is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// FLAC of 16 bits, or of 24 where the sound has more than 16.
    Flac,
    /// Opus in Ogg, at 48 kHz, with so many bits a second.
    Opus {
        /// Bits a second, 6,000 to 510,000.
        bitrate: u32,
    },
    /// WAVE of 16 bits.
    Wav,
}

/// A file of these samples. Opus is given them at 48 kHz; `original_rate` is what it notes.
pub(crate) fn file(
    samples: &Samples,
    rate: u32,
    format: Format,
    bits: u16,
    original_rate: u32,
) -> Result<Vec<u8>, Fault> {
    let channels = samples.channels();
    match format {
        Format::Flac if channels > 8 => Err(Fault::unsupported(format!("FLAC of {channels} channels"))),
        Format::Flac if rate >= 1 << 20 => Err(Fault::unsupported(format!("FLAC at {rate} Hz"))),
        Format::Flac => Ok(flac::of(samples, rate, if bits > 16 { 24 } else { 16 })),
        Format::Opus { bitrate } => opus::of(samples, original_rate, bitrate),
        Format::Wav => Ok(wav::of(samples, rate)),
    }
}
