//! IMA and Microsoft ADPCM.
//!
//! Source: IMA Digital Audio Focus and Technical Working Groups, 1992; Microsoft, "New Multimedia Data Types", 1994; Apple,
//! TN1081 (QuickTime's IMA 4:1).

use gristmill_core::Fault;

use super::Decode;
use crate::{
    Samples,
    container::{Block, Track},
    cursor::Cursor,
};

const INDEX: [i32; 16] = [-1, -1, -1, -1, 2, 4, 6, 8, -1, -1, -1, -1, 2, 4, 6, 8];
const STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88,
    97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
    724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660,
    4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10_442, 11_487, 12_635, 13_899, 15_289,
    16_818, 18_500, 20_350, 22_385, 24_623, 27_086, 29_794, 32_767,
];

/// A channel of IMA ADPCM.
#[derive(Debug, Clone, Copy, Default)]
struct Ima {
    sample: i32,
    index: i32,
}

impl Ima {
    /// The sample of a code, with each part of the step rounded, as QuickTime does.
    fn next(&mut self, code: u8) -> f32 {
        let step = STEPS[self.index as usize];
        let parts = [(4, 0), (2, 1), (1, 2)]
            .into_iter()
            .filter(|(bit, _)| code & bit != 0);
        let difference = (step >> 3) + parts.map(|(_, shift)| step >> shift).sum::<i32>();
        self.step(code, difference)
    }

    /// The sample of a code, with the sum rounded, as WAVE's encoders of our day do.
    fn next_whole(&mut self, code: u8) -> f32 {
        let step = STEPS[self.index as usize];
        self.step(code, ((2 * i32::from(code & 7) + 1) * step) >> 3)
    }

    fn step(&mut self, code: u8, difference: i32) -> f32 {
        let sample = if code & 8 != 0 {
            self.sample - difference
        } else {
            self.sample + difference
        };
        self.sample = sample.clamp(-32_768, 32_767);
        self.index = (self.index + INDEX[usize::from(code & 15)]).clamp(0, 88);
        self.sample as f32 / 32_768.0
    }
}

/// IMA ADPCM in blocks of WAVE: a header of four bytes for each channel, then four bytes of each in turn.
pub(super) struct ImaWav {
    block: Block,
}

impl ImaWav {
    pub(super) fn new(block: Block) -> ImaWav {
        ImaWav { block }
    }
}

impl Decode for ImaWav {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        let channels = out.channels();
        for block in packet.chunks(self.block.bytes.max(1)) {
            let mut cursor = Cursor::new(block);
            let mut states = Vec::with_capacity(channels);
            for plane in out.planes_mut() {
                let header = cursor.u16_le().zip(cursor.u16_le());
                let Some((sample, index)) = header else {
                    return Err(Fault::truncated("header of an ADPCM block ends early"));
                };
                let state = Ima {
                    sample: i32::from(sample as i16),
                    index: i32::from(index & 0xff).min(88),
                };
                plane.push(state.sample as f32 / 32_768.0);
                states.push(state);
            }
            let turns = cursor.rest().chunks_exact(4 * channels);
            for turn in turns {
                for ((plane, state), bytes) in out
                    .planes_mut()
                    .iter_mut()
                    .zip(&mut states)
                    .zip(turn.chunks_exact(4))
                {
                    for byte in bytes {
                        plane.push(state.next_whole(byte & 15));
                        plane.push(state.next_whole(byte >> 4));
                    }
                }
            }
        }
        Ok(())
    }
}

/// IMA ADPCM in blocks of QuickTime: 34 bytes for 64 samples, of each channel in turn.
pub(super) struct ImaQt {
    states: Vec<Ima>,
}

impl ImaQt {
    pub(super) fn new(channels: u16) -> ImaQt {
        ImaQt {
            states: vec![Ima::default(); usize::from(channels)],
        }
    }
}

impl Decode for ImaQt {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        for turn in packet.chunks_exact(34 * out.channels()) {
            let blocks = turn.as_chunks::<34>().0;
            for ((plane, state), block) in out.planes_mut().iter_mut().zip(&mut self.states).zip(blocks) {
                let head = u16::from_be_bytes([block[0], block[1]]);
                let (sample, index) = (i32::from((head & 0xff80) as i16), i32::from(head & 0x7f).min(88));
                // The header has the upper bits only: what was decoded is more exact where it agrees.
                if index != state.index || (sample - state.sample).abs() > 0x7f {
                    *state = Ima { sample, index };
                }
                for byte in &block[2..] {
                    plane.push(state.next(byte & 15));
                    plane.push(state.next(byte >> 4));
                }
            }
        }
        Ok(())
    }
}

/// Microsoft ADPCM.
pub(super) struct Microsoft {
    block: Block,
    coefficients: Vec<[i32; 2]>,
}

impl Microsoft {
    pub(super) fn new(track: &Track) -> Result<Microsoft, Fault> {
        const USUAL: [[i32; 2]; 7] = [
            [256, 0],
            [512, -256],
            [0, 0],
            [192, 64],
            [240, 0],
            [460, -208],
            [392, -232],
        ];
        if track.channels > 2 {
            return Err(Fault::unsupported(format!(
                "Microsoft ADPCM of {} channels",
                track.channels
            )));
        }
        let mut cursor = Cursor::at(&track.setup, 2);
        let count = cursor.u16_le().unwrap_or(0);
        let mut pair = || {
            let pair = cursor.u16_le().zip(cursor.u16_le())?;
            Some([i32::from(pair.0 as i16), i32::from(pair.1 as i16)])
        };
        let mut coefficients: Vec<_> = (0..count.min(256)).map_while(|_| pair()).collect();
        if coefficients.len() < USUAL.len() {
            coefficients = USUAL.to_vec();
        }
        Ok(Microsoft {
            block: track.block,
            coefficients,
        })
    }

    fn block(&self, block: &[u8], out: &mut Samples) -> Option<()> {
        const ADAPT: [i32; 16] = [
            230, 230, 230, 230, 307, 409, 512, 614, 768, 614, 512, 409, 307, 230, 230, 230,
        ];
        let channels = out.channels();
        let mut cursor = Cursor::new(block);
        let mut predictors = [[0; 2]; 2];
        for predictor in &mut predictors[..channels] {
            *predictor = *self
                .coefficients
                .get(usize::from(cursor.u8()?))
                .unwrap_or(&[256, 0]);
        }
        let mut numbers = |state: &mut [i32; 2]| {
            for value in &mut state[..channels] {
                *value = i32::from(cursor.u16_le()? as i16);
            }
            Some(())
        };
        let (mut deltas, mut newer, mut older) = ([0; 2], [0; 2], [0; 2]);
        numbers(&mut deltas)?;
        numbers(&mut newer)?;
        numbers(&mut older)?;
        for (channel, plane) in out.planes_mut().iter_mut().enumerate() {
            plane.push(older[channel] as f32 / 32_768.0);
            plane.push(newer[channel] as f32 / 32_768.0);
        }
        let codes = cursor.rest().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for (at, code) in codes.enumerate() {
            let channel = at % channels;
            let [a, b] = predictors[channel];
            let signed = i32::from(code) - if code > 7 { 16 } else { 0 };
            let predicted = newer[channel]
                .wrapping_mul(a)
                .wrapping_add(older[channel].wrapping_mul(b))
                >> 8;
            let sample = predicted
                .wrapping_add(signed * deltas[channel])
                .clamp(-32_768, 32_767);
            older[channel] = newer[channel];
            newer[channel] = sample;
            deltas[channel] = ((ADAPT[usize::from(code)] * deltas[channel]) >> 8).clamp(16, 1 << 20);
            out.planes_mut()[channel].push(sample as f32 / 32_768.0);
        }
        // An odd number of codes leaves the planes of two channels unlike.
        let frames = out.planes().iter().map(Vec::len).min().unwrap_or(0);
        out.truncate(frames);
        Some(())
    }
}

impl Decode for Microsoft {
    fn decode(&mut self, packet: &[u8], out: &mut Samples) -> Result<(), Fault> {
        for block in packet.chunks(self.block.bytes.max(1)) {
            self.block(block, out)
                .ok_or_else(|| Fault::truncated("header of an ADPCM block ends early"))?;
        }
        Ok(())
    }
}
