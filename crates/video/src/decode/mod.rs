//! From samples to frames.
//!
//! A decoder takes samples in the order of decoding and gives the frame of each at once. Those of others run behind a panic
//! barrier and are thrown away when they panic; sizes are checked before they are fed.
//!
//! | codec | decoder | not decoded |
//! |---|---|---|
//! | H.264 | rusty_h264-decoder, rust_h264 for what it refuses | 4:4:4, depths other than 8 and 10 |
//! | HEVC | rust_h265 | 4:2:2, grey, depths above 12, screen content |
//! | VP9 | rusty_vp9 | |
//! | AV1 | rusty_av1d | |
//! | VP8 | image-webp | frames between key frames |
//! | MJPEG | libjpeg-turbo-rs | |
//!
//! With the feature `ffmpeg` the system's FFmpeg decodes all that it knows instead, such as MPEG-1, -2 and -4, VP8 and H.264 of 4:4:4.

mod av1;
#[cfg(feature = "ffmpeg")]
mod by_ffmpeg;
mod frame;
mod h264;
mod hevc;
mod mjpeg;
mod play;
mod vp8;
mod vp9;

use std::panic::{AssertUnwindSafe, catch_unwind};

use gristmill_core::{Fault, FaultKind, Limits};

use crate::{
    film::{Film, Track},
    header::{self, color::Coding},
};

pub use frame::{Frame, Plane};
pub(crate) use play::samples_for;
pub use play::{Played, Shown, at_samples, play};

/// Takes samples in the order of decoding.
trait Decode {
    /// The frame of a sample; none where it gives none to show.
    fn sample(&mut self, sample: &[u8], is_key: bool) -> Result<Option<Frame>, Fault>;
}

/// A decoder that is at work.
enum Made {
    /// Gives the frame of a sample at once.
    Own(Box<dyn Decode>),
    #[cfg(feature = "ffmpeg")]
    Ffmpeg(Box<by_ffmpeg::Ffmpeg>),
}

/// Begins a decoder; none where there is none after all.
type Make = Box<dyn Fn() -> Option<Made>>;

/// The decoder of a track.
pub(crate) struct Decoder {
    name: String,
    made: Option<Made>,
    make: Make,
    coding: Coding,
}

/// Frames with the numbers of their samples.
type Frames = Vec<(usize, Frame)>;

impl Decoder {
    /// The decoder of a track.
    ///
    /// # Errors
    /// `unsupported` for codecs that are not compiled in and for encrypted tracks; `limit` for frames of more pixels than
    /// [`Limits::video_pixels`].
    pub(crate) fn of(film: &Film<'_>, track: &Track, limits: &Limits) -> Result<Decoder, Fault> {
        if track.is_encrypted {
            return Err(Fault::unsupported(format!("{} is encrypted", track.codec)));
        }
        check_pixels(
            u64::from(track.video.width),
            u64::from(track.video.height),
            limits,
        )?;
        let make = maker(&track.codec, &track.config, limits)
            .ok_or_else(|| Fault::unsupported(format!("no decoder of {} is compiled in", track.codec)))?;
        Ok(Decoder {
            name: track.codec.to_string(),
            made: None,
            make,
            coding: header::coding_of(film, track),
        })
    }

    /// Whether frames come later than their samples, then in the order of display.
    pub(crate) fn is_late(&self) -> bool {
        match self.made {
            #[cfg(feature = "ffmpeg")]
            Some(Made::Ffmpeg(_)) => true,
            _ => false,
        }
    }

    /// Takes a sample with its number. A decoder that panics is thrown away; the next one starts with the next key frame.
    pub(crate) fn sample(&mut self, sample: &[u8], is_key: bool, number: usize) -> Result<Frames, Fault> {
        let made = match self.made.take() {
            Some(made) => Some(made),
            None if is_key => (self.make)(),
            None => return Ok(Vec::new()),
        };
        let Some(made) = made else {
            return Err(Fault::unsupported(format!("no decoder of {} starts", self.name)));
        };
        self.run(made, |made| match made {
            Made::Own(decoder) => {
                let frame = decoder.sample(sample, is_key)?;
                Ok(frame.map(|frame| (number, frame)).into_iter().collect())
            }
            #[cfg(feature = "ffmpeg")]
            Made::Ffmpeg(decoder) => decoder.sample(sample, is_key, number),
        })
    }

    /// The frames that have not come yet. The next sample is a key frame.
    pub(crate) fn finish(&mut self) -> Result<Frames, Fault> {
        let Some(made) = self.made.take() else {
            return Ok(Vec::new());
        };
        self.run(made, |made| match made {
            Made::Own(_) => Ok(Vec::new()),
            #[cfg(feature = "ffmpeg")]
            Made::Ffmpeg(decoder) => decoder.finish(),
        })
    }

    fn run(
        &mut self,
        mut made: Made,
        run: impl FnOnce(&mut Made) -> Result<Frames, Fault>,
    ) -> Result<Frames, Fault> {
        let Ok(result) = catch_unwind(AssertUnwindSafe(|| run(&mut made))) else {
            dropped(made);
            return Err(Fault::malformed(format!(
                "{} data that its decoder fails on",
                self.name
            )));
        };
        // What cannot be gone on with is made anew.
        if result.as_ref().is_err_and(|fault| fault.kind == FaultKind::Limit) {
            dropped(made);
        } else {
            self.made = Some(made);
        }
        let mut frames = result?;
        for (_, frame) in &mut frames {
            // Some decoders know more than the headers of a track.
            if frame.coding == Coding::default() {
                frame.coding = self.coding;
            }
        }
        Ok(frames)
    }

    /// Forgets all frames: the next sample is a key frame.
    pub(crate) fn restart(&mut self) {
        match self.made.take() {
            // It forgets at its end, and takes long to begin.
            #[cfg(feature = "ffmpeg")]
            Some(Made::Ffmpeg(made)) => {
                self.made = Some(Made::Ffmpeg(made));
                let _ = self.finish();
            }
            Some(made) => dropped(made),
            None => {}
        }
    }
}

/// What is left of a decoder that panicked may panic once more.
fn dropped(made: Made) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(made)));
}

/// What begins a decoder of a codec: FFmpeg's where it is compiled in and has one.
fn maker(codec: &str, config: &[u8], limits: &Limits) -> Option<Make> {
    let (config, limits) = (config.to_vec(), limits.clone());
    #[cfg(feature = "ffmpeg")]
    if by_ffmpeg::Ffmpeg::new(codec, &config, &limits).is_some() {
        let codec = codec.to_owned();
        return Some(Box::new(move || {
            by_ffmpeg::Ffmpeg::new(&codec, &config, &limits).map(|made| Made::Ffmpeg(Box::new(made)))
        }));
    }
    let own = |make: fn(&[u8], &Limits) -> Box<dyn Decode>| -> Option<Make> {
        Some(Box::new(move || Some(Made::Own(make(&config, &limits)))))
    };
    match codec {
        "h264" => own(|config, limits| Box::new(h264::H264::new(config, limits))),
        "hevc" => own(|config, limits| Box::new(hevc::Hevc::new(config, limits))),
        "vp9" => own(|_, limits| Box::new(vp9::Vp9::new(limits))),
        "av1" => own(|config, limits| Box::new(av1::Av1::new(config, limits))),
        "vp8" => own(|_, limits| Box::new(vp8::Vp8::new(limits))),
        "mjpeg" => own(|_, limits| Box::new(mjpeg::Mjpeg::new(limits))),
        _ => None,
    }
}

/// Whether a frame of this size may be decoded.
fn check_pixels(width: u64, height: u64, limits: &Limits) -> Result<(), Fault> {
    if width.saturating_mul(height) > limits.video_pixels {
        return Err(Fault::limit(format!(
            "frames of {width} x {height} pixels exceed {}",
            limits.video_pixels
        )));
    }
    Ok(())
}
