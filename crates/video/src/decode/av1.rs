//! AV1, by rusty_av1d on one thread, without film grain: what is measured is the picture below it.

use gristmill_core::{Fault, Limits};
use rusty_av1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Rav1dError, Settings};

use super::{Decode, Frame, Plane};

/// Most turns of a sample: each gives a picture or takes data.
const TURNS_MAX: usize = 64;

pub(super) struct Av1 {
    limits: Limits,
    /// Units of the configuration: the sequence header of streams that have none of their own.
    head: Vec<u8>,
    decoder: Option<Decoder>,
}

impl Av1 {
    pub(super) fn new(config: &[u8], limits: &Limits) -> Self {
        Av1 {
            limits: limits.clone(),
            head: config.get(4..).unwrap_or_default().to_vec(),
            decoder: None,
        }
    }

    fn start(&self) -> Result<Decoder, Fault> {
        let mut settings = Settings::new();
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        settings.set_apply_grain(false);
        settings.set_frame_size_limit(self.limits.video_pixels.clamp(1, u64::from(u32::MAX)) as u32);
        Decoder::with_settings(&settings).map_err(|_| Fault::internal("av1 decoder does not start"))
    }
}

impl Decode for Av1 {
    fn sample(&mut self, sample: &[u8], _: bool) -> Result<Option<Frame>, Fault> {
        let (mut decoder, data) = match self.decoder.take() {
            Some(decoder) => (decoder, sample.to_vec()),
            None => (self.start()?, [&self.head, sample].concat()),
        };
        let result = run(&mut decoder, data);
        // After a fault the decoder may hold data that it cannot take.
        if result.is_ok() {
            self.decoder = Some(decoder);
        }
        result?.map(|picture| frame_of(&picture)).transpose()
    }
}

fn run(decoder: &mut Decoder, data: Vec<u8>) -> Result<Option<Picture>, Fault> {
    if data.is_empty() {
        return Ok(None);
    }
    let mut sent = decoder.send_data(data.into_boxed_slice(), None, None, None);
    let mut last = None;
    for _ in 0..TURNS_MAX {
        match decoder.get_picture() {
            Ok(picture) => last = Some(picture),
            Err(Rav1dError::TryAgain) => match sent {
                Err(Rav1dError::TryAgain) => {}
                Err(error) => return Err(fault_of(error)),
                Ok(()) => return Ok(last),
            },
            Err(error) => return Err(fault_of(error)),
        }
        if matches!(sent, Err(Rav1dError::TryAgain)) {
            sent = decoder.send_pending_data();
        }
    }
    Err(Fault::malformed("av1 sample without an end"))
}

fn fault_of(error: Rav1dError) -> Fault {
    match error {
        // The decoder says so of a frame above its size limit.
        Rav1dError::OutOfRange => Fault::limit("av1 frame is larger than allowed"),
        Rav1dError::OutOfMemory => Fault::limit("av1 frame does not fit in memory"),
        Rav1dError::UnsupportedBitstream => Fault::unsupported("av1 stream of an unknown kind"),
        _ => Fault::malformed("av1 data is damaged"),
    }
}

fn frame_of(picture: &Picture) -> Result<Frame, Fault> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let bits = picture
        .bits_per_component()
        .ok_or_else(|| Fault::unsupported("av1 bit depth"))?
        .0;
    let chroma = match picture.pixel_layout() {
        PixelLayout::I400 => None,
        PixelLayout::I420 => Some((width.div_ceil(2), height.div_ceil(2))),
        PixelLayout::I422 => Some((width.div_ceil(2), height)),
        PixelLayout::I444 => Some((width, height)),
    };
    let plane = |component, size: Option<(usize, usize)>| {
        let Some(size) = size else {
            return Some(Plane::default());
        };
        let stride = picture.stride(component) as usize;
        let bytes = picture.plane(component);
        if bits == 8 {
            Plane::of_bytes(size.0, size.1, stride, bytes)
        } else {
            Plane::of_words(size.0, size.1, stride, bytes, u32::from(bits))
        }
    };
    let made = (|| {
        Some(Frame {
            planes: [
                plane(PlanarImageComponent::Y, Some((width, height)))?,
                plane(PlanarImageComponent::U, chroma)?,
                plane(PlanarImageComponent::V, chroma)?,
            ],
            ..Frame::default()
        })
    })();
    made.ok_or_else(|| Fault::internal("av1 frame has other bytes than its size says"))
}
