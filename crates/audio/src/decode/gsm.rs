//! GSM 6.10 full rate: 160 samples at 8 kHz in 260 bits.
//!
//! Alone a frame has 33 bytes, with a mark of four bits first and high bits first; in WAVE two frames have 65 bytes, low bits
//! first. The arithmetic is that of the standard, to the bit.
//!
//! Source: ETSI EN 300 961 (GSM 06.10).

use gristmill_core::Fault;

use super::Decode;
use crate::Samples;

/// Bits of the eight log area ratios, and what they are decoded by: an offset, a smallest value and a factor.
const RATIOS: [(u32, i32, i32, i32); 8] = [
    (6, 0, -32, 13_107),
    (6, 0, -32, 13_107),
    (5, 2048, -16, 13_107),
    (5, -2560, -16, 13_107),
    (4, 94, -8, 19_223),
    (4, -1792, -8, 17_476),
    (3, -341, -4, 31_454),
    (3, -1144, -4, 29_708),
];
/// Gains of the long-term predictor.
const GAINS: [i32; 4] = [3277, 11_469, 21_299, 32_767];
/// Mantissas of the largest pulse.
const MANTISSAS: [i32; 8] = [18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767];
/// Samples of a frame and of a part of it; samples that the long-term predictor looks back.
const FRAME: usize = 160;
const PART: usize = 40;
const HISTORY: usize = 120;

/// Numbers of a few bits.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
    is_low_first: bool,
}

impl Fields<'_> {
    fn next(&mut self, width: u32) -> i32 {
        let mut value = 0;
        for place in 0..width {
            let byte = i32::from(self.bytes[self.at / 8]);
            let bit = self.at % 8;
            if self.is_low_first {
                value |= (byte >> bit & 1) << place;
            } else {
                value = value << 1 | byte >> (7 - bit) & 1;
            }
            self.at += 1;
        }
        value
    }
}

fn saturated(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// The product of two shares, rounded.
fn product(a: i32, b: i32) -> i32 {
    saturated((a * b + 16_384) >> 15)
}

pub(super) struct Gsm {
    is_ms: bool,
    lag: usize,
    history: [i32; HISTORY],
    ratios: [i32; 8],
    states: [i32; 9],
    emphasis: i32,
}

impl Gsm {
    /// `is_ms` is for frames of WAVE.
    pub(super) fn new(is_ms: bool) -> Gsm {
        Gsm {
            is_ms,
            lag: PART,
            history: [0; HISTORY],
            ratios: [0; 8],
            states: [0; 9],
            emphasis: 0,
        }
    }

    fn frame(&mut self, fields: &mut Fields<'_>, out: &mut Vec<f32>) {
        let ratios = RATIOS.map(|(width, offset, least, factor)| {
            let value = saturated(((fields.next(width) + least) << 10) - 2 * offset);
            let value = product(factor, value);
            saturated(2 * value)
        });
        let mut residual = [0; FRAME];
        for part in residual.chunks_exact_mut(PART) {
            self.part(fields, part);
        }
        let before = std::mem::replace(&mut self.ratios, ratios);
        let mut reflections = [0; 8];
        for (at, sample) in residual.iter().enumerate() {
            if matches!(at, 0 | 13 | 27 | 40) {
                let mixed: [i32; 8] = std::array::from_fn(|k| {
                    let (old, new) = (before[k], ratios[k]);
                    match at {
                        0 => saturated(saturated((old >> 2) + (new >> 2)) + (old >> 1)),
                        13 => saturated((old >> 1) + (new >> 1)),
                        27 => saturated(saturated((old >> 2) + (new >> 2)) + (new >> 1)),
                        _ => new,
                    }
                });
                reflections = mixed.map(reflection);
            }
            let mut value = *sample;
            for k in (0..8).rev() {
                let reflection = reflections[k];
                value = saturated(value - product(reflection, self.states[k]));
                self.states[k + 1] = saturated(self.states[k] + product(reflection, value));
            }
            self.states[0] = value;
            self.emphasis = saturated(value + product(self.emphasis, 28_180));
            let whole = saturated(2 * self.emphasis) & !7;
            out.push(whole as f32 / 32_768.0);
        }
    }

    /// Decodes the pulses of a part and adds what the long-term predictor makes of the samples before.
    fn part(&mut self, fields: &mut Fields<'_>, out: &mut [i32]) {
        let lag = fields.next(7) as usize;
        let gain = GAINS[fields.next(2) as usize];
        let grid = fields.next(2) as usize;
        let largest = fields.next(6);
        let mut exponent = if largest > 15 { (largest >> 3) - 1 } else { 0 };
        let mut mantissa = largest - (exponent << 3);
        if mantissa == 0 {
            (exponent, mantissa) = (-4, 7);
        } else {
            while mantissa <= 7 {
                mantissa = mantissa << 1 | 1;
                exponent -= 1;
            }
            mantissa -= 8;
        }
        let shift = 6 - exponent;
        let rounding = 1 << (shift - 1);
        let factor = MANTISSAS[mantissa as usize];
        let mut pulses = [0; PART];
        for at in 0..13 {
            let value = product(factor, (2 * fields.next(3) - 7) << 12);
            pulses[grid + 3 * at] = saturated(value + rounding) >> shift;
        }
        if (PART..=HISTORY).contains(&lag) {
            self.lag = lag;
        }
        for (at, pulse) in pulses.iter().enumerate() {
            let past = HISTORY + at - self.lag;
            let past = if past < HISTORY {
                self.history[past]
            } else {
                out[past - HISTORY]
            };
            out[at] = saturated(pulse + product(gain, past));
        }
        self.history.copy_within(PART.., 0);
        self.history[HISTORY - PART..].copy_from_slice(out);
    }
}

/// The reflection coefficient of a log area ratio.
fn reflection(ratio: i32) -> i32 {
    let magnitude = ratio.abs().min(32_767);
    let value = match magnitude {
        0..11_059 => magnitude << 1,
        11_059..20_070 => magnitude + 11_059,
        _ => saturated((magnitude >> 2) + 26_112),
    };
    if ratio < 0 { -value } else { value }
}

impl Decode for Gsm {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let mut decoded = Vec::new();
        let size = if self.is_ms { 65 } else { 33 };
        for block in packet.chunks_exact(size) {
            let mut fields = Fields {
                bytes: block,
                at: if self.is_ms { 0 } else { 4 },
                is_low_first: self.is_ms,
            };
            self.frame(&mut fields, &mut decoded);
            if self.is_ms {
                self.frame(&mut fields, &mut decoded);
            }
        }
        out.extend_planes([decoded.as_slice()].into_iter());
        Ok(())
    }
}
