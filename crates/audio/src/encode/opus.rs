//! Opus in Ogg, by `ropus`: 48 kHz, packets of 20 ms, variable bitrate.
//!
//! Source: RFC 6716, RFC 7845.

use gristmill_core::Fault;
use ropus::{Application, Bitrate, Channels, Encoder};

use super::ogg::Writer;
use crate::Samples;

/// The rate that is encoded.
pub(crate) const RATE: u32 = 48_000;
/// Frames of a packet.
const FRAME: usize = 960;
/// Longest packet.
const PACKET_BYTES: usize = 4000;

/// A file of these samples at 48 kHz, of one or two channels. `original_rate` stands in its header.
pub(crate) fn of(samples: &Samples, original_rate: u32, bits_per_second: u32) -> Result<Vec<u8>, Fault> {
    let layout = match samples.channels() {
        1 => Channels::Mono,
        2 => Channels::Stereo,
        other => {
            return Err(Fault::unsupported(format!(
                "Opus of {other} channels is not encoded"
            )));
        }
    };
    let channels = samples.channels();
    let failed = |problem: String| Fault::internal(format!("Opus encoder: {problem}"));
    let mut encoder = Encoder::builder(RATE, layout, Application::Audio)
        .bitrate(Bitrate::Bits(bits_per_second))
        .vbr(true)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let skip = encoder.lookahead() as usize;
    let frames = samples.frames();
    // The sound's own bytes number the stream, so that equal sounds give equal files.
    let mut writer = Writer::new(frames as u32 ^ 0x6772_6973);
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels as u8);
    head.extend((skip as u16).to_le_bytes());
    head.extend(original_rate.to_le_bytes());
    head.extend([0; 3]);
    writer.packet(&head, 0);
    writer.flush(false);
    let maker = concat!("gristmill ", env!("CARGO_PKG_VERSION"));
    let mut tags = b"OpusTags".to_vec();
    tags.extend((maker.len() as u32).to_le_bytes());
    tags.extend(maker.as_bytes());
    tags.extend(0u32.to_le_bytes());
    writer.packet(&tags, 0);
    writer.flush(false);
    let mut block = vec![0.0f32; FRAME * channels];
    let mut packet = vec![0; PACKET_BYTES];
    // What the encoder holds back comes out with silence after the end.
    for from in (0..frames + skip).step_by(FRAME) {
        block.fill(0.0);
        for (channel, plane) in samples.planes().iter().enumerate() {
            let there = plane
                .get(from.min(frames)..frames.min(from + FRAME))
                .unwrap_or_default();
            for (at, sample) in there.iter().enumerate() {
                block[at * channels + channel] = sample.clamp(-1.0, 1.0);
            }
        }
        let length = encoder
            .encode_float(&block, &mut packet)
            .map_err(|error| failed(error.to_string()))?;
        let position = (from + FRAME).min(frames + skip) as u64;
        writer.packet(&packet[..length], position);
    }
    Ok(writer.finish())
}
