//! VP9, by rusty_vp9. It has no bound on the size of a frame, so headers are read before.

use gristmill_core::{Fault, Limits};
use rusty_vp9::{BitReader, Error, Vp9Decoder, parse_uncompressed_header};

use super::{Decode, Frame, Plane, check_pixels};
use crate::header::frames;

pub(super) struct Vp9 {
    limits: Limits,
    decoder: Vp9Decoder,
    /// The size of frames so far.
    size: (u32, u32),
}

impl Vp9 {
    pub(super) fn new(limits: &Limits) -> Self {
        Vp9 {
            limits: limits.clone(),
            decoder: Vp9Decoder::new(),
            size: (0, 0),
        }
    }

    fn check(&mut self, sample: &[u8]) -> Result<(), Fault> {
        for part in frames::vp9_parts(sample) {
            // A size that is that of a reference has been checked as that one's.
            if let Ok(header) = parse_uncompressed_header(&mut BitReader::new(part), &[self.size; 8])
                && !header.show_existing_frame
            {
                check_pixels(u64::from(header.width), u64::from(header.height), &self.limits)?;
                if header.key_frame {
                    self.size = (header.width, header.height);
                }
            }
        }
        Ok(())
    }
}

impl Decode for Vp9 {
    fn sample(&mut self, sample: &[u8], _: bool) -> Result<Option<Frame>, Fault> {
        self.check(sample)?;
        self.decoder
            .push(sample, None)
            .map_err(|error| fault_of(&error))?;
        let mut found = None;
        let mut fault = None;
        // A superframe has up to 8 frames.
        for _ in 0..16 {
            match self.decoder.next_frame() {
                Ok(frame) => found = Some(frame),
                // Said of a hidden frame too: the queue may hold others.
                Err(Error::Again | Error::Eof) => {}
                Err(error) => fault = fault.or(Some(fault_of(&error))),
            }
        }
        let Some(frame) = found else {
            return fault.map_or(Ok(None), Err);
        };
        let (width, height) = (frame.width as usize, frame.height as usize);
        let chroma = (
            width.div_ceil(1 << frame.subsampling_x.min(1)),
            height.div_ceil(1 << frame.subsampling_y.min(1)),
        );
        let plane = |index: usize, size: (usize, usize)| {
            let (bytes, stride) = (frame.planes.get(index)?, *frame.strides.get(index)?);
            if frame.bit_depth > 8 {
                Plane::of_words(size.0, size.1, stride, bytes, frame.bit_depth)
            } else {
                Plane::of_bytes(size.0, size.1, stride, bytes)
            }
        };
        let made = (|| {
            Some(Frame {
                planes: [plane(0, (width, height))?, plane(1, chroma)?, plane(2, chroma)?],
                ..Frame::default()
            })
        })();
        made.ok_or_else(|| Fault::internal("vp9 frame has other bytes than its size says"))
            .map(Some)
    }
}

fn fault_of(error: &Error) -> Fault {
    match error {
        Error::Unsupported(what) => Fault::unsupported(what.clone()),
        Error::Unimplemented(what) => Fault::unsupported(*what),
        other => Fault::malformed(other.to_string()),
    }
}
