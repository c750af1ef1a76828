//! HEVC, by rust_h265, which bounds pixels and memory of a picture itself.

use gristmill_core::{Fault, Limits};
use rust_h265::{DecodeError, DecodeLimits, Decoder, PixelData, parse_nal};

use super::{Decode, Frame, Plane};
use crate::header::{
    config::{self, Framing},
    hevc,
};

/// A delimiter: the picture before it is complete.
const DELIMITER: [u8; 3] = [hevc::DELIMITER << 1, 1, 0x50];

pub(super) struct Hevc {
    framing: Framing,
    sets: Vec<Vec<u8>>,
    decoder: Decoder,
}

impl Hevc {
    pub(super) fn new(config: &[u8], limits: &Limits) -> Self {
        Hevc {
            framing: config::hevc_length(config),
            sets: config::hevc_units(config)
                .into_iter()
                .map(<[u8]>::to_vec)
                .collect(),
            decoder: Decoder::with_limits(DecodeLimits {
                max_picture_pixels: limits.video_pixels,
                max_picture_memory_bytes: limits.video_bytes / 4,
            }),
        }
    }
}

impl Decode for Hevc {
    fn sample(&mut self, sample: &[u8], is_key: bool) -> Result<Option<Frame>, Fault> {
        let sets = std::mem::take(&mut self.sets);
        let mut found = None;
        let mut fault = None;
        let before: &[Vec<u8>] = if is_key { &sets } else { &[] };
        let units = before
            .iter()
            .map(Vec::as_slice)
            .chain(config::sample_units(sample, self.framing))
            .chain([DELIMITER.as_slice()]);
        for unit in units {
            // Layers above are those of other eyes and of scaling.
            if hevc::layer(unit) > 0 {
                continue;
            }
            let Some(unit) = parse_nal(unit) else {
                continue;
            };
            match self.decoder.decode_nal(&unit) {
                Ok(Some(frame)) => found = Some(frame),
                Ok(None) => {}
                Err(error) => fault = fault.or(Some(fault_of(&error))),
            }
        }
        self.sets = sets;
        let Some(frame) = found else {
            return fault.map_or(Ok(None), Err);
        };
        let (width, height) = (frame.width as usize, frame.height as usize);
        let chroma = match frame.chroma_format_idc {
            0 => (0, 0),
            1 => (width / 2, height / 2),
            2 => (width / 2, height),
            _ => (width, height),
        };
        // Sizes are multiples of blocks, and windows are counted in samples of colour: clause 7.4.3.2.1.
        let is_odd = match frame.chroma_format_idc {
            1 => width % 2 + height % 2 > 0,
            2 => width % 2 > 0,
            _ => false,
        };
        if is_odd {
            return Err(Fault::malformed(format!(
                "hevc picture of {width} × {height} with colour for every second sample"
            )));
        }
        let bits = u32::from(frame.bit_depth);
        let plane = |size: (usize, usize), samples: PixelData| {
            let samples = match samples {
                PixelData::U8(samples) => samples,
                PixelData::U16(samples) => samples
                    .iter()
                    .map(|sample| (sample >> (bits - 8)).min(255) as u8)
                    .collect(),
            };
            (samples.len() == size.0 * size.1).then_some(Plane {
                width: size.0,
                height: size.1,
                samples,
            })
        };
        let made = (|| {
            Some(Frame {
                planes: [
                    plane((width, height), frame.y)?,
                    plane(chroma, frame.u)?,
                    plane(chroma, frame.v)?,
                ],
                ..Frame::default()
            })
        })();
        made.ok_or_else(|| Fault::internal("hevc frame has other bytes than its size says"))
            .map(Some)
    }
}

fn fault_of(error: &DecodeError) -> Fault {
    match error {
        DecodeError::UnexpectedEof => Fault::truncated("hevc sample ends early"),
        DecodeError::Unsupported(what) => Fault::unsupported(format!("hevc: {what}")),
        DecodeError::ResourceLimit(what) => Fault::limit(format!("hevc: {what} exceeds the limit")),
        other => Fault::malformed(format!("hevc: {other}")),
    }
}
