//! H.264, by two decoders: a fast one, and one that knows more.
//!
//! The fast one refuses interlaced pictures, 10 bits and others with `Unsupported`, perhaps first in the middle of a group of
//! pictures. The samples since the last key frame are kept, so that the other one can take over there.

use gristmill_core::{Fault, Limits};
use rust_h264::{
    decoder::{ChromaFormat, Decoder as Thorough},
    error::DecodeError as ThoroughError,
    nal::parse_annex_b,
};
use rusty_h264_decoder::{DecodeError, Decoder as Fast};

use super::{Decode, Frame, Plane, check_pixels};
use crate::header::{
    config::{self, Framing},
    h264,
};

/// Longest group of pictures that is kept, in bytes.
const KEPT_MAX: usize = 32 << 20;

pub(super) struct H264 {
    framing: Framing,
    sets: Vec<u8>,
    limits: Limits,
    fast: Option<Fast>,
    thorough: Option<Thorough>,
    /// Samples since the last key frame, as byte streams.
    kept: Vec<Vec<u8>>,
    kept_bytes: usize,
}

impl H264 {
    pub(super) fn new(config: &[u8], limits: &Limits) -> Self {
        let mut sets = Vec::new();
        for unit in config::h264_units(config) {
            sets.extend_from_slice(&[0, 0, 0, 1]);
            sets.extend_from_slice(unit);
        }
        H264 {
            framing: config::h264_length(config),
            sets,
            limits: limits.clone(),
            fast: Some(Fast::new()),
            thorough: None,
            kept: Vec::new(),
            kept_bytes: 0,
        }
    }

    /// A sample as a byte stream of what decoders look at, the parameter sets before a key frame.
    fn stream(&self, sample: &[u8], is_key: bool) -> Result<Vec<u8>, Fault> {
        let mut stream = Vec::with_capacity(sample.len() + self.sets.len() + 64);
        if is_key {
            stream.extend_from_slice(&self.sets);
        }
        for unit in config::sample_units(sample, self.framing) {
            let kind = h264::kind(unit);
            if kind == h264::SEQUENCE
                && let Some(sequence) = h264::Sequence::read(unit)
            {
                check_pixels(
                    u64::from(sequence.width),
                    u64::from(sequence.height),
                    &self.limits,
                )?;
            }
            if matches!(kind, h264::SLICE..=h264::IDR | h264::SEQUENCE | h264::PICTURE) {
                stream.extend_from_slice(&[0, 0, 0, 1]);
                stream.extend_from_slice(unit);
            }
        }
        Ok(stream)
    }

    fn by_thorough(&mut self) -> Result<Option<Frame>, Fault> {
        // Frames before were given already, or could not be.
        let decoder = self.thorough.insert(Thorough::new());
        let mut last = Ok(None);
        for stream in std::mem::take(&mut self.kept) {
            last = thorough(decoder, &stream);
        }
        self.kept_bytes = 0;
        last
    }
}

impl Decode for H264 {
    fn sample(&mut self, sample: &[u8], is_key: bool) -> Result<Option<Frame>, Fault> {
        let stream = self.stream(sample, is_key)?;
        if let Some(decoder) = &mut self.thorough {
            return thorough(decoder, &stream);
        }
        let Some(decoder) = &mut self.fast else {
            return Ok(None);
        };
        let result = decoder.decode(&stream);
        if is_key {
            self.kept.clear();
            self.kept_bytes = 0;
        }
        if self.kept_bytes + stream.len() <= KEPT_MAX {
            self.kept_bytes += stream.len();
            self.kept.push(stream);
        }
        match result {
            Ok(None) => Ok(None),
            Ok(Some(frame)) => {
                let plane = |width: usize, height: usize, samples: Vec<u8>| {
                    (samples.len() == width * height).then_some(Plane {
                        width,
                        height,
                        samples,
                    })
                };
                let (width, height) = (frame.width, frame.height);
                let made = (|| {
                    let planes = [
                        plane(width, height, frame.y)?,
                        plane(width / 2, height / 2, frame.u)?,
                        plane(width / 2, height / 2, frame.v)?,
                    ];
                    Some(Frame {
                        planes,
                        ..Frame::default()
                    })
                })();
                made.ok_or_else(|| Fault::internal("h264 frame has other bytes than its size says"))
                    .map(Some)
            }
            Err(DecodeError::Unsupported(_)) => {
                self.fast = None;
                self.by_thorough()
            }
            Err(DecodeError::Truncated) => Err(Fault::truncated("h264 sample ends early")),
            Err(DecodeError::MissingParameterSet) => {
                Err(Fault::malformed("h264 sample without its parameter sets"))
            }
            Err(DecodeError::Internal(what)) => Err(Fault::internal(format!("h264 decoder: {what}"))),
        }
    }
}

fn thorough(decoder: &mut Thorough, stream: &[u8]) -> Result<Option<Frame>, Fault> {
    let mut found = None;
    let mut fault = None;
    for unit in parse_annex_b(stream) {
        match decoder.decode_nal(&unit) {
            Ok(Some(frame)) => found = Some(frame),
            Ok(None) => {}
            Err(ThoroughError::UnexpectedEof) => fault = Some(Fault::truncated("h264 sample ends early")),
            Err(ThoroughError::InvalidSyntax(what)) => {
                fault = Some(Fault::malformed(format!("h264: {what}")));
            }
            Err(ThoroughError::Unsupported(what)) => {
                fault = Some(Fault::unsupported(format!("h264: {what}")));
            }
        }
    }
    let found = decoder.flush().or(found);
    let Some(frame) = found else {
        return fault.map_or(Ok(None), Err);
    };
    let (width, height) = (frame.width as usize, frame.height as usize);
    let chroma = (
        width / 2,
        if frame.chroma_format == ChromaFormat::Yuv422 {
            height
        } else {
            height / 2
        },
    );
    let plane = |size: (usize, usize), bytes: &[u8]| {
        if frame.bit_depth > 8 {
            Plane::of_words(size.0, size.1, size.0 * 2, bytes, u32::from(frame.bit_depth))
        } else {
            Plane::of_bytes(size.0, size.1, size.0, bytes)
        }
    };
    let made = (|| {
        Some(Frame {
            planes: [
                plane((width, height), &frame.y)?,
                plane(chroma, &frame.u)?,
                plane(chroma, &frame.v)?,
            ],
            ..Frame::default()
        })
    })();
    made.ok_or_else(|| Fault::internal("h264 frame has other bytes than its size says"))
        .map(Some)
}
