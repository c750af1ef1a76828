//! True Audio by `oxideav-tta`.

use gristmill_core::Fault;
use oxideav_tta::{FrameDescriptor, StreamHeader, decode_frame};

use super::Decode;
use crate::{Samples, container::Track};

pub(super) struct Tta {
    header: StreamHeader,
    /// Frames of all packets but the last, and those that are still to come.
    packet: u32,
    left: u32,
}

impl Tta {
    pub(super) fn new(track: &Track) -> Result<Tta, Fault> {
        let bits = track.bit_depth.unwrap_or(0);
        // What the decoder is made for.
        if !(16..=24).contains(&bits) || track.channels > 6 {
            return Err(Fault::unsupported(format!(
                "True Audio of {} channels with {bits} bits",
                track.channels
            )));
        }
        let frames = track.frames.unwrap_or(0).min(u64::from(u32::MAX)) as u32;
        Ok(Tta {
            header: StreamHeader {
                format: 1,
                channels: track.channels,
                bits_per_sample: bits,
                sample_rate: track.rate,
                total_samples: frames,
            },
            packet: track.packet_frames.unwrap_or(0),
            left: frames,
        })
    }
}

impl Decode for Tta {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let count = self.packet.min(self.left);
        self.left -= count;
        let descriptor = FrameDescriptor {
            file_offset: 0,
            disk_size: packet.len() as u32,
            sample_count: count,
            is_last: self.left == 0,
        };
        let samples = decode_frame(&self.header, &descriptor, packet)
            .map_err(|error| Fault::malformed(format!("True Audio frame: {error}")))?;
        let scale = 1.0 / (1u32 << (self.header.bits_per_sample - 1)) as f32;
        out.extend_interleaved(&samples, |sample| sample as f32 * scale);
        Ok(())
    }
}
