//! PCM.
//!
//! Integers become numbers by division by 2 to their bits less one, so that none above 24 bits loses anything.
//! Floating-point samples stay as they are; those that are no number become silence. A-law and µ-law are those of ITU-T G.711.

use gristmill_core::Fault;

use super::Decode;
use crate::{Samples, format::Sample};

pub(super) struct Linear {
    sample: Sample,
    is_big: bool,
}

impl Linear {
    pub(super) fn new(sample: Sample, is_big: bool) -> Linear {
        Linear { sample, is_big }
    }
}

impl Decode for Linear {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
        match (self.sample, self.is_big) {
            (Sample::U8, _) => out.extend_interleaved(packet, |byte| (f32::from(byte) - 128.0) / 128.0),
            (Sample::S8, _) => out.extend_interleaved(packet, |byte| f32::from(byte as i8) / 128.0),
            (Sample::Alaw, _) => out.extend_interleaved(packet, |byte| f32::from(alaw(byte)) / 32_768.0),
            (Sample::Mulaw, _) => out.extend_interleaved(packet, |byte| f32::from(mulaw(byte)) / 32_768.0),
            (Sample::S16, false) => out.extend_interleaved(packet.as_chunks::<2>().0, |bytes| {
                f32::from(i16::from_le_bytes(bytes)) / 32_768.0
            }),
            (Sample::S16, true) => out.extend_interleaved(packet.as_chunks::<2>().0, |bytes| {
                f32::from(i16::from_be_bytes(bytes)) / 32_768.0
            }),
            (Sample::S24, false) => out.extend_interleaved(packet.as_chunks::<3>().0, |[a, b, c]| {
                i32::from_le_bytes([0, a, b, c]) as f32 / 2_147_483_648.0
            }),
            (Sample::S24, true) => out.extend_interleaved(packet.as_chunks::<3>().0, |[a, b, c]| {
                i32::from_be_bytes([a, b, c, 0]) as f32 / 2_147_483_648.0
            }),
            (Sample::S32, false) => out.extend_interleaved(packet.as_chunks::<4>().0, |bytes| {
                i32::from_le_bytes(bytes) as f32 / 2_147_483_648.0
            }),
            (Sample::S32, true) => out.extend_interleaved(packet.as_chunks::<4>().0, |bytes| {
                i32::from_be_bytes(bytes) as f32 / 2_147_483_648.0
            }),
            (Sample::F32, false) => {
                out.extend_interleaved(packet.as_chunks::<4>().0, |bytes| {
                    finite(f32::from_le_bytes(bytes))
                });
            }
            (Sample::F32, true) => {
                out.extend_interleaved(packet.as_chunks::<4>().0, |bytes| {
                    finite(f32::from_be_bytes(bytes))
                });
            }
            (Sample::F64, false) => out.extend_interleaved(packet.as_chunks::<8>().0, |bytes| {
                finite(f64::from_le_bytes(bytes) as f32)
            }),
            (Sample::F64, true) => out.extend_interleaved(packet.as_chunks::<8>().0, |bytes| {
                finite(f64::from_be_bytes(bytes) as f32)
            }),
        }
        Ok(())
    }
}

fn alaw(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let exponent = code >> 4 & 7;
    let mantissa = i16::from(code & 15) << 4 | 8;
    let magnitude = if exponent == 0 {
        mantissa
    } else {
        (mantissa + 0x100) << (exponent - 1)
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

fn mulaw(byte: u8) -> i16 {
    let code = !byte;
    let magnitude = ((i16::from(code & 15) << 3 | 0x84) << (code >> 4 & 7)) - 0x84;
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companded_bytes_are_those_of_g711() {
        assert_eq!(
            (alaw(0xd5), alaw(0x55), alaw(0xaa), alaw(0x2a)),
            (8, -8, 32_256, -32_256)
        );
        assert_eq!((mulaw(0xff), mulaw(0x80), mulaw(0x00)), (0, 32_124, -32_124));
    }

    #[test]
    fn integers_are_shares_of_full_scale() {
        let mut out = Samples::new(1);
        Linear::new(Sample::S24, false)
            .decode(&[0, 0, 0x80, 0, 0, 0x40], &mut out)
            .unwrap();
        Linear::new(Sample::U8, false)
            .decode(&[128, 0], &mut out)
            .unwrap();
        assert_eq!(out.planes()[0], [-1.0, 0.5, 0.0, -1.0]);
    }
}
