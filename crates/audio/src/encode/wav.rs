//! WAVE of 16-bit samples.
//!
//! Samples are rounded to the nearest step, without dither; what is beyond full scale is clipped. More than two channels, and
//! no others, have the extended header with the usual mask of their speakers.

use crate::Samples;

/// The masks of speakers for one to eight channels in the order of [`Samples`].
const MASKS: [u32; 8] = [0x4, 0x3, 0x7, 0x33, 0x37, 0x3f, 0x70f, 0x63f];

/// A sample as 16 bits.
pub(crate) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round_ties_even().clamp(-32_768.0, 32_767.0) as i16
}

/// A file of these samples.
pub(crate) fn of(samples: &Samples, rate: u32) -> Vec<u8> {
    let channels = samples.channels();
    let is_extended = channels > 2;
    let length = samples.frames() * channels * 2;
    let format = if is_extended { 40 } else { 16 };
    let mut file = Vec::with_capacity(28 + format + length);
    let align = channels as u16 * 2;
    file.extend(b"RIFF");
    file.extend(((20 + format + length) as u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend((format as u32).to_le_bytes());
    file.extend(if is_extended { 0xfffeu16 } else { 1 }.to_le_bytes());
    file.extend((channels as u16).to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate * u32::from(align)).to_le_bytes());
    file.extend(align.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    if is_extended {
        file.extend(22u16.to_le_bytes());
        file.extend(16u16.to_le_bytes());
        file.extend(MASKS.get(channels - 1).copied().unwrap_or(0).to_le_bytes());
        file.extend(b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    }
    file.extend(b"data");
    file.extend((length as u32).to_le_bytes());
    for frame in 0..samples.frames() {
        for plane in samples.planes() {
            file.extend(to_i16(plane[frame]).to_le_bytes());
        }
    }
    file
}
