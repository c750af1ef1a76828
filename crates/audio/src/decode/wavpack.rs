//! WavPack by `oxideav-wavpack`: integers and floats, lossless and hybrid.

use gristmill_core::Fault;
use oxideav_wavpack::decode_multichannel_stream_muted_bounded as decode_blocks;

use super::Decode;
use crate::{
    Samples,
    container::wavpack::{Block, FLOATS},
};

pub(super) struct WavPack;

impl Decode for WavPack {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let first = Block::read(packet).ok_or_else(|| Fault::malformed("no block of WavPack"))?;
        let most = u64::from(first.frames) * out.channels() as u64;
        let (decoded, is_right) = decode_blocks(packet, most)
            .map_err(|error| Fault::malformed(format!("WavPack block: {error}")))?;
        if !is_right {
            return Err(Fault::malformed("checksum of a WavPack block is wrong"));
        }
        if decoded.channels != out.channels() {
            return Err(Fault::malformed(format!(
                "{} channels after {}",
                decoded.channels,
                out.channels()
            )));
        }
        if first.flags & FLOATS != 0 {
            out.extend_interleaved(&decoded.samples, |bits| {
                let sample = f32::from_bits(bits as u32);
                if sample.is_finite() { sample } else { 0.0 }
            });
        } else {
            let scale = 1.0 / (1u64 << (first.sample_bytes() * 8 - 1)) as f32;
            out.extend_interleaved(&decoded.samples, |sample| sample as f32 * scale);
        }
        Ok(())
    }
}
