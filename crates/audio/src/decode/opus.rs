//! Opus by `ropus`, at 48 kHz, with the gain that the header asks for.
//!
//! Source: RFC 6716, RFC 7845.

use gristmill_core::Fault;
use ropus::{Channels, DecodeMode, Decoder, OpusMSDecoder};

use super::Decode;
use crate::{Samples, cursor::Cursor};

const RATE: i32 = 48_000;
/// Frames of the longest packet, 120 ms.
const LONGEST: usize = 5760;

pub(super) struct Opus {
    inner: Inner,
    gain: f32,
    /// The place in WAVE's order of each channel in Vorbis' order.
    order: &'static [usize],
}

enum Inner {
    Floats(Box<Decoder>, Vec<f32>),
    Streams(Box<OpusMSDecoder>, Vec<i16>),
}

/// Where channels of Vorbis' order lie in WAVE's, by their number.
fn order(channels: u8) -> &'static [usize] {
    match channels {
        3 => &[0, 2, 1],
        5 => &[0, 2, 1, 3, 4],
        6 => &[0, 2, 1, 4, 5, 3],
        7 => &[0, 2, 1, 5, 6, 4, 3],
        8 => &[0, 2, 1, 6, 7, 4, 5, 3],
        _ => &[],
    }
}

impl Opus {
    /// A decoder for the identification header of Ogg.
    pub(super) fn new(head: &[u8]) -> Result<Opus, Fault> {
        Opus::parse(head).ok_or_else(|| Fault::malformed("Opus header ends early"))?
    }

    fn parse(head: &[u8]) -> Option<Result<Opus, Fault>> {
        let mut cursor = Cursor::at(head, 9);
        let channels = cursor.u8()?;
        cursor.skip(6)?;
        let gain = f32::from(cursor.u16_le()? as i16) / 256.0;
        let family = cursor.u8().unwrap_or(0);
        let gain = 10f32.powf(gain / 20.0);
        let bad = |_| Fault::malformed(format!("Opus header of family {family} for {channels} channels"));
        let inner = match (family, channels) {
            (0, 1 | 2) => {
                let layout = if channels == 1 {
                    Channels::Mono
                } else {
                    Channels::Stereo
                };
                let Ok(decoder) = Decoder::new(RATE as u32, layout) else {
                    return Some(Err(Fault::internal("Opus decoder refuses its rate")));
                };
                Inner::Floats(Box::new(decoder), vec![0.0; LONGEST * usize::from(channels)])
            }
            _ => {
                let streams = cursor.u8()?;
                let coupled = cursor.u8()?;
                let mapping = cursor.take(usize::from(channels))?;
                let decoder = OpusMSDecoder::new(
                    RATE,
                    i32::from(channels),
                    i32::from(streams),
                    i32::from(coupled),
                    mapping,
                );
                match decoder.map_err(bad) {
                    Ok(decoder) => {
                        Inner::Streams(Box::new(decoder), vec![0; LONGEST * usize::from(channels)])
                    }
                    Err(fault) => return Some(Err(fault)),
                }
            }
        };
        Some(Ok(Opus {
            inner,
            gain,
            order: if family == 1 { order(channels) } else { &[] },
        }))
    }
}

impl Decode for Opus {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let channels = out.channels();
        let gain = self.gain;
        match &mut self.inner {
            Inner::Floats(decoder, buffer) => {
                let frames = decoder
                    .decode_float(packet, buffer, DecodeMode::Normal)
                    .map_err(|error| Fault::malformed(format!("Opus packet: {error}")))?;
                out.extend_interleaved(&buffer[..frames * channels], |sample| sample * gain);
            }
            Inner::Streams(decoder, buffer) => {
                let frames = decoder
                    .decode(Some(packet), packet.len() as i32, buffer, LONGEST as i32, false)
                    .map_err(|code| Fault::malformed(format!("Opus packet: error {code}")))?;
                let before = out.frames();
                let decoded = &buffer[..frames as usize * channels];
                out.extend_interleaved(decoded, |sample| f32::from(sample) / 32_768.0 * gain);
                if !self.order.is_empty() {
                    let planes: Vec<Vec<f32>> = out
                        .planes()
                        .iter()
                        .map(|plane| plane[before..].to_vec())
                        .collect();
                    for (plane, to) in planes.iter().zip(self.order) {
                        out.planes_mut()[*to][before..].copy_from_slice(plane);
                    }
                }
            }
        }
        Ok(())
    }
}
