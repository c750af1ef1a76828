//! AAC by `rusty_aac`: LC, Main, LTP, HE-AAC and HE-AAC v2, LD and ELD, in MP4's packets, with ADTS headers and in LATM.

use gristmill_core::Fault;
use rusty_aac::{AacDecoder, DecodedAudio, Error, latm::LatmDecoder};

use super::Decode;
use crate::{Codec, Samples, container::Track};

pub(super) struct Aac {
    inner: Inner,
    rate: u32,
}

enum Inner {
    Frames(Box<AacDecoder>),
    Latm(Box<LatmDecoder>),
}

/// What a packet decodes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rate: u32,
    pub(super) channels: u16,
    pub(super) frames: u32,
    /// Whether it is two channels that are the same.
    pub(super) is_doubled: bool,
}

/// The channels that a setup tells, before parametric stereo.
pub(super) fn core_channels(setup: &[u8]) -> Option<u16> {
    let stream = rusty_aac::config::parse(setup).ok()?;
    u16::try_from(stream.channels()).ok()
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Unsupported(_) => Fault::unsupported(error.to_string()),
        _ => Fault::malformed(error.to_string()),
    }
}

impl Aac {
    pub(super) fn new(track: &Track) -> Result<Aac, Fault> {
        let inner = match track.codec {
            Codec::AacLatm => Inner::Latm(Box::new(LatmDecoder::new())),
            _ if track.setup.is_empty() => Inner::Frames(Box::new(AacDecoder::new())),
            _ => {
                let decoder = AacDecoder::with_config_bytes(&track.setup).map_err(|error| fault(&error))?;
                Inner::Frames(Box::new(decoder))
            }
        };
        Ok(Aac {
            inner,
            rate: track.rate,
        })
    }

    fn decoded(&mut self, packet: &[u8]) -> Result<Option<DecodedAudio>, Fault> {
        let decoded = match &mut self.inner {
            Inner::Frames(decoder) => decoder.decode(packet, None),
            Inner::Latm(decoder) => decoder.decode(packet, None).map(|(decoded, _)| decoded),
        };
        match decoded {
            Ok(decoded) if decoded.channels == 0 => Err(Fault::malformed("AAC frame of no channels")),
            Ok(decoded) => Ok(Some(decoded)),
            Err(Error::Again) => Ok(None),
            Err(error) => Err(fault(&error)),
        }
    }

    /// Decodes a packet to see what comes out of it.
    pub(super) fn shape(&mut self, packet: &[u8]) -> Result<Shape, Fault> {
        let decoded = self
            .decoded(packet)?
            .ok_or_else(|| Fault::truncated("empty packet"))?;
        Ok(Shape {
            rate: decoded.sample_rate,
            channels: decoded.channels,
            frames: decoded.frames() as u32,
            is_doubled: decoded.channels == 2
                && decoded.samples.as_chunks::<2>().0.iter().all(|[a, b]| a == b),
        })
    }
}

impl Decode for Aac {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let Some(decoded) = self.decoded(packet)? else {
            return Ok(());
        };
        if decoded.sample_rate != self.rate {
            return Err(Fault::unsupported(format!(
                "rate changes from {} to {} Hz",
                self.rate, decoded.sample_rate
            )));
        }
        let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
        if usize::from(decoded.channels) == out.channels() {
            out.extend_interleaved(&decoded.samples, finite);
        } else {
            let mut other = Samples::new(usize::from(decoded.channels));
            other.extend_interleaved(&decoded.samples, finite);
            out.extend(&other);
        }
        Ok(())
    }
}
