//! VP8: key frames, by image-webp. A frame between key frames is `unsupported`.

use gristmill_core::{Fault, Limits};
use image_webp::vp8::Vp8Decoder;

use super::{Decode, Frame, Plane, check_pixels};
use crate::header::frames;

pub(super) struct Vp8 {
    limits: Limits,
}

impl Vp8 {
    pub(super) fn new(limits: &Limits) -> Self {
        Vp8 {
            limits: limits.clone(),
        }
    }
}

impl Decode for Vp8 {
    fn sample(&mut self, sample: &[u8], _: bool) -> Result<Option<Frame>, Fault> {
        if !frames::vp8_is_key(sample) {
            return Err(Fault::unsupported("frames of vp8 between key frames"));
        }
        let facts =
            frames::vp8(sample).ok_or_else(|| Fault::malformed("vp8 key frame without a start code"))?;
        check_pixels(u64::from(facts.width), u64::from(facts.height), &self.limits)?;
        let frame =
            Vp8Decoder::decode_frame(sample).map_err(|error| Fault::malformed(format!("vp8: {error}")))?;
        // Planes are as wide as whole blocks.
        let (width, height) = (usize::from(frame.width), usize::from(frame.height));
        let stride = width.next_multiple_of(16);
        let made = (|| {
            Some(Frame {
                planes: [
                    Plane::of_bytes(width, height, stride, &frame.ybuf)?,
                    Plane::of_bytes(width.div_ceil(2), height.div_ceil(2), stride / 2, &frame.ubuf)?,
                    Plane::of_bytes(width.div_ceil(2), height.div_ceil(2), stride / 2, &frame.vbuf)?,
                ],
                ..Frame::default()
            })
        })();
        made.ok_or_else(|| Fault::internal("vp8 frame has other bytes than its size says"))
            .map(Some)
    }
}
